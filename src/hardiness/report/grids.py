"""Scores of cells, by corruption and severity, epsilon and steps, or category, as a grid for one model."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from hardiness.core import Condition, Result, Score
from hardiness.report import format as formatting
from hardiness.report.yardstick import people_beside

ATTACK_KEYS = frozenset(("epsilon", "steps"))
CATEGORY_KEYS = frozenset(("protocol", "category"))
CELL_KEYS = frozenset(("corruption", "severity"))


@dataclass(frozen=True, slots=True)
class GridCell:
    """One cell: its text, and its value as a fraction of 1 for shading (``None`` where it is no error)."""

    text: str
    share: float | None = None


@dataclass(frozen=True, slots=True)
class Grid:
    """A table of one model: what it shows, what its rows are, a heading for each column, then named rows."""

    title: str
    corner: str
    heads: tuple[str, ...]
    rows: tuple[tuple[str, tuple[GridCell, ...]], ...]


def grid_of(result: Result) -> Grid | None:
    """The grid of a result; ``None`` where it has no cells."""
    return _corruptions(result) or _perturbations(result) or _attacks(result) or _categories(result)


def _attacks(result: Result) -> Grid | None:
    """Accuracy by epsilon and steps, where several numbers of steps were recorded."""
    cells = {
        (float(score.condition["epsilon"]), int(score.condition["steps"])): score
        for score in result.scores
        if score.metric == "accuracy" and set(score.condition) == ATTACK_KEYS
    }
    steps = sorted({mark for _, mark in cells})
    if len(steps) < 2:
        return None
    rows = tuple(
        (formatting.shown("epsilon", epsilon), tuple(_cell(cells.get((epsilon, mark))) for mark in steps))
        for epsilon in sorted({epsilon for epsilon, _ in cells})
    )
    heads = tuple(formatting.shown("steps", mark) for mark in steps)
    return Grid("accuracy by epsilon and steps", "budget", heads, rows)


def _categories(result: Result) -> Grid | None:
    """Cue accuracy and shape bias by category, under each protocol, and people's shape bias where it is known."""
    found = {(score.metric, score.condition): score for score in result.scores}
    pairs = [score.condition for score in result.scores if set(score.condition) == CATEGORY_KEYS]
    if not pairs:
        return None
    protocols = list(dict.fromkeys(pair["protocol"] for pair in pairs))
    columns = [(metric, protocol) for protocol in protocols for metric in ("cue_accuracy", "shape_bias")]
    people = people_beside(result)
    rows = []
    for category in dict.fromkeys(pair["category"] for pair in pairs):
        cells = [_cell(found.get((m, Condition(protocol=p, category=category)))) for m, p in columns]
        if people:
            counts = people.categories.get(category)
            cells.append(_share(counts.shape_bias) if counts else GridCell(""))
        rows.append((category.replace("_", " "), tuple(cells)))
    heads = [f"{metric.replace('_', ' ')} ({protocol})" for metric, protocol in columns]
    return Grid(
        "by category of the shape", "category", (*heads, *(["humans: shape bias"] if people else [])), tuple(rows)
    )


def _corruptions(result: Result) -> Grid | None:
    """Errors by corruption and severity, with each row's mean and CE; ``None`` where a result has no such cells."""
    found = {(score.metric, score.condition): score for score in result.scores}
    cells = [score.condition for score in result.scores if set(score.condition) == CELL_KEYS]
    if not cells:
        return None
    severities = sorted({cell["severity"] for cell in cells})
    names = list(dict.fromkeys(cell["corruption"] for cell in cells))
    rows = [
        (
            name.replace("_", " "),
            (
                *(_cell(found.get(("error", Condition(corruption=name, severity=s)))) for s in severities),
                _cell(found.get(("error", Condition(corruption=name)))),
                _cell(found.get(("ce", Condition(corruption=name))), shaded=False),
            ),
        )
        for name in names
    ]
    means = [_cell(found.get(("error", Condition(severity=s)))) for s in severities]
    if len(names) > 1 and any(mean.text for mean in means):
        whole = next((s for s in result.scores if s.metric.startswith("mean_error") and not s.condition), None)
        rows.append(("all of the set", (*means, _cell(whole), _mce(result.scores))))
    heads = (*(f"severity {severity}" for severity in severities), "mean", "CE")
    return Grid("error by corruption and severity", "corruption", heads, tuple(rows))


def _perturbations(result: Result) -> Grid | None:
    """Both quantities of each sequence, and their ratios to the baseline's where there is one."""
    found = {(score.metric, score.condition): score for score in result.scores}
    cells = list(dict.fromkeys(score.condition for score in result.scores if "perturbation" in score.condition))
    metrics = [
        metric
        for metric in ("flip_probability", "flip_rate", "top5_distance", "t5d")
        if any((metric, cell) in found for cell in cells)
    ]
    rows = [
        (
            " ".join(str(value).replace("_", " ") for value in cell.values()),
            tuple(_cell(found.get((metric, cell)), shaded=metric == "flip_probability") for metric in metrics),
        )
        for cell in cells
    ]
    heads = tuple(formatting.TITLES.get(metric, metric.replace("_", " ")) for metric in metrics)
    return Grid("by perturbation", "perturbation", heads, tuple(rows)) if rows else None


def _cell(score: Score | None, shaded: bool = True) -> GridCell:
    if score is None or score.value is None:
        return GridCell("undefined" if score else "")
    return GridCell(formatting.number(score.value, score.unit), score.value if shaded else None)


def _share(value: float) -> GridCell:
    return GridCell(formatting.number(value, "fraction"), value)


def _mce(scores: Sequence[Score]) -> GridCell:
    return next((_cell(score, shaded=False) for score in scores if score.metric.startswith("mce")), GridCell(""))

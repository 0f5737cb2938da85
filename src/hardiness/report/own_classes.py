"""Classes of a person's own on a page: recall by class, and what corruptions leave."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import replace

import numpy as np

from hardiness.benchmarks.own_classes import ALL, UNCORRUPTED
from hardiness.core.result import Result, Score
from hardiness.report.charts import Chart, Grid, GridCell, Heat, Layer
from hardiness.report.format import interval, number
from hardiness.report.section import Section

MOST_ROWS = 40
"""Classes that the matrix shows; of more those that lose most."""


def with_classes(section: Section, results: Sequence[Result]) -> Section:
    """A section with what its results say by class: the matrix, and the numbers of each class."""
    matrix = _matrix(results)
    grids = [make_grid(result) for make_grid in (_retained_grid, _recall_grid) for result in results]
    return replace(
        section,
        charts=[*section.charts, *([matrix] if matrix else [])],
        grids=[*section.grids, *(grid for grid in grids if grid)],
    )


def _recalls(result: Result) -> dict[str, dict[str, Score]]:
    """The recalls by class and corruption, of which `UNCORRUPTED` is one; `ALL` is the mean, which each class has."""
    recalls: dict[str, dict[str, Score]] = {}
    for score in result.scores:
        is_of_level = not set(score.condition) <= {"class", "corruption"}
        if score.metric == "recall" and score.value is not None and not is_of_level:
            recalls.setdefault(score.condition["class"], {})[str(score.condition.get("corruption", ALL))] = score
    return {name: by_corruption for name, by_corruption in recalls.items() if ALL in by_corruption}


def _loss(recalls: Mapping[str, Score]) -> float:
    """The loss of recall from clean pictures to corrupted ones; where there are none of these, from all being right."""
    clean = recalls[UNCORRUPTED].value or 0.0 if UNCORRUPTED in recalls else 1.0
    return clean - (recalls[ALL].value or 0.0)


def _matrix(results: Sequence[Result]) -> Chart | None:
    """Recall by class and corruption, one layer a model; rows and columns that lose most first."""
    recalls = {result.name: _recalls(result) for result in results}
    losses: dict[str, list[float]] = {}
    under: dict[str, list[float]] = {}
    for by_class in recalls.values():
        for name, by_corruption in by_class.items():
            losses.setdefault(name, []).append(_loss(by_corruption))
            for corruption, score in by_corruption.items():
                under.setdefault(corruption, []).append(score.value or 0.0)
    if not losses or UNCORRUPTED not in under:
        return None
    classes = sorted(losses, key=lambda name: (-float(np.mean(losses[name])), name))
    heads = sorted(under, key=lambda name: (name != UNCORRUPTED, name != ALL, float(np.mean(under[name])), name))
    rows = classes[:MOST_ROWS]
    layers = tuple(
        Layer(model, tuple(tuple(_value(by_class.get(row, {}).get(head)) for head in heads) for row in rows))
        for model, by_class in recalls.items()
    )
    part = f" Of {len(classes):,} classes the {len(rows)} that lose most." if len(classes) > len(rows) else ""
    return Heat(
        "recall_by_class",
        "Recall by class and corruption, in %",
        "The share of each class's pictures that is answered rightly: clean, then the mean over severities of each "
        f"corruption. The classes that lose most come first, and the corruptions that take most.{part}",
        "class",
        tuple(head.replace("_", " ") or "all corruptions" for head in heads),
        tuple(rows),
        layers,
        higher_is_better=True,
    )


def _recall_grid(result: Result) -> Grid | None:
    """Recall of each class with its pictures, clean and over all corruptions; the worst first."""
    recalls = _recalls(result)
    if not recalls:
        return None
    has_corrupted = any(UNCORRUPTED in by_corruption for by_corruption in recalls.values())
    rows = []
    for name in sorted(recalls, key=lambda name: (recalls[name][ALL].value or 0.0, name)):
        by_corruption = recalls[name]
        both = [by_corruption.get(UNCORRUPTED), by_corruption[ALL]] if has_corrupted else [by_corruption[ALL]]
        cells = tuple(GridCell(score.value, interval=score.interval) if score else None for score in both)
        rows.append((f"{name} ({by_corruption[ALL].n:,})", cells))
    heads = ("clean", "all corruptions") if has_corrupted else ("recall",)
    return Grid(result.name, "recall by class, with its pictures", "class", heads, tuple(rows))


def recall_under_corruptions(result: Result) -> Grid | None:
    """Recall of each class, clean and under each corruption; classes and corruptions that lose most first.

    ``None`` where nothing was corrupted.
    """
    recalls = _recalls(result)
    under: dict[str, list[float]] = {}
    for by_corruption in recalls.values():
        for corruption, score in by_corruption.items():
            under.setdefault(corruption, []).append(score.value or 0.0)
    if UNCORRUPTED not in under:
        return None
    heads = sorted(under, key=lambda name: (name != UNCORRUPTED, name != ALL, float(np.mean(under[name])), name))
    rows = []
    for name in sorted(recalls, key=lambda name: (-_loss(recalls[name]), name)):
        scores = [recalls[name].get(head) for head in heads]
        cells = (GridCell(score.value, interval=score.interval) if score else None for score in scores)
        rows.append((name, tuple(cells)))
    titles = tuple(head.replace("_", " ") or "all corruptions" for head in heads)
    return Grid(result.name, "recall by class and corruption", "class", titles, tuple(rows))


def worst_class(result: Result) -> str:
    """The class with the lowest recall, with its number and the interval of the lowest; empty where there is none."""
    recalls = {name: by_corruption[ALL] for name, by_corruption in _recalls(result).items()}
    lowest = next((s for s in result.scores if s.metric == "worst_class" and not s.condition), None)
    if len(recalls) < 2 or lowest is None or lowest.value is None:
        return ""
    least = min(score.value or 0.0 for score in recalls.values())
    names = [name for name, score in recalls.items() if score.value == least]
    ends = f"{interval(lowest.interval, lowest.unit)}: " if lowest.interval else ""
    about = f"{number(least, lowest.unit)} ({ends}the lowest of {len(recalls):,} classes, whichever it is)"
    if len(names) == len(recalls):
        return f"{result.name}: worst class: none, all have {about}"
    pictures = recalls[names[0]].n
    others = f" and {len(names) - 1:,} more" if len(names) > 1 else ""
    return f"{result.name}: worst class: {names[0]}{others}, {about}, n = {pictures:,}"


def _retained_grid(result: Result) -> Grid | None:
    """The share of clean accuracy that each corruption leaves, and the severity from which it is below half."""
    retained = {str(s.condition.get("corruption", "")): s for s in result.scores if s.metric == "retained_accuracy"}
    broken = [score for score in result.scores if score.metric.startswith("severity_below")]
    metrics = sorted({score.metric for score in broken})
    severities = {(score.metric, str(score.condition["corruption"])): score.value for score in broken}
    if not retained or not broken:
        return None
    rows = []
    for name in sorted(retained, key=lambda name: (name != ALL, retained[name].value or 0.0, name)):
        below = [severities.get((metric, name)) for metric in metrics]
        cells = [None if value is None else GridCell(value, "severity", shaded=False) for value in below]
        rows.append((name.replace("_", " ") or "all corruptions", (GridCell(retained[name].value, "ratio"), *cells)))
    shares = [metric.removeprefix("severity_below").strip("_") for metric in metrics]
    heads = [f"below {f'{share} %' if share else 'half'} at severity" for share in shares]
    title = "what each corruption leaves of the clean accuracy (no severity: it stays above)"
    return Grid(result.name, title, "corruption", ("retained accuracy", *heads), tuple(rows))


def _value(score: Score | None) -> float | None:
    return None if score is None else score.value

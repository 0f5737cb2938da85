"""Levels of corruptions as quantities: tables and curves over them, operating limits, parameters of severities."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from typing import Any, NamedTuple

from hardiness.benchmarks.card import card_of
from hardiness.benchmarks.corruption_errors import CLEAN_ERROR, ERROR
from hardiness.benchmarks.corruptions import ends_with_jpeg, set_of
from hardiness.benchmarks.level_parameters import parameters_of_result
from hardiness.benchmarks.operating_limits import OPERATING_LIMIT
from hardiness.benchmarks.own_classes import CLEAN
from hardiness.benchmarks.presentation import words
from hardiness.core.condition import Condition
from hardiness.core.result import Result, Score, TextTable
from hardiness.core.run import Run
from hardiness.distortions.levels import number_text
from hardiness.report import format as formatting
from hardiness.report.charts import Chart, Curves, Grid, GridCell, Line, Panel
from hardiness.report.right_answers import complement, right_title, shows_right_answers
from hardiness.report.words import text

LIMIT_NOTES = (
    "the accuracy is half of the clean one, unless another is stated (--above '90 %')",
    "a limit is one of the levels that were run; its interval takes accuracy to fall with the level",
)

Point = tuple[float, Score]


def protocol_of_strengths(run: Run, *, levels: bool = True, severities: bool = True) -> str:
    """How the pictures of levels are made, and those of severities where these end with a JPEG.

    Args:
        run: on a set of corruptions.
        levels, severities: which of the two to say.
    """
    jpeg = f"severities end with a JPEG of quality {set_of(run).jpeg_quality}" if ends_with_jpeg(run) else ""
    return "; ".join(filter(None, ("each level is applied alone" if levels else "", jpeg if severities else "")))


class _Quantity(NamedTuple):
    """A quantity as results have it: its title, and whether larger values are stronger."""

    title: str
    stronger: str

    def strength(self, value: float) -> float:
        """A number that is larger the stronger the value is."""
        return value if self.stronger == "up" else -value


class _Sweep(NamedTuple):
    """The errors of each model at the levels of one corruption, the mildest first."""

    corruption: str
    name: str
    quantity: _Quantity
    points: dict[str, list[Point]]

    @property
    def conditions(self) -> dict[float, Condition]:
        """The condition of each value that some model was run at, the mildest first."""
        by_value = {value: score.condition for points in self.points.values() for value, score in points}
        return {value: by_value[value] for value in sorted(by_value, key=self.quantity.strength)}


def _sweeps(results: Sequence[Result]) -> list[_Sweep]:
    """The sweep of each corruption of which some result has levels."""
    sweeps: dict[str, _Sweep] = {}
    for result in results:
        parameters = parameters_of_result(result)
        for score in result.scores:
            of_cell = parameters.get(score.condition)
            if score.metric == ERROR.name and "level" in score.condition and of_cell and score.value is not None:
                (parameter,) = of_cell.parameters
                words_of = parameter.name.replace("_", " ")
                quantity = _Quantity(", ".join(filter(None, (words_of, parameter.unit))), of_cell.stronger)
                corruption = str(score.condition["corruption"])
                sweep = sweeps.setdefault(corruption, _Sweep(corruption, words_of, quantity, {}))
                sweep.points.setdefault(result.name, []).append((parameter.value, score))
    for sweep in sweeps.values():
        for points in sweep.points.values():
            points.sort(key=lambda point: sweep.quantity.strength(point[0]))
    return list(sweeps.values())


def level_tables(results: Sequence[Result]) -> list[TextTable]:
    """The scores at each level, a table for each corruption, and the operating limits; none without levels.

    Args:
        results: of one section.
    """
    sweeps = _sweeps(results)
    tables = [_level_table(results, sweep) for sweep in sweeps]
    return [*tables, _limit_table(results, {sweep.corruption: sweep.name for sweep in sweeps})] if tables else []


def _level_table(results: Sequence[Result], sweep: _Sweep) -> TextTable:
    """The scores of clean pictures and at each level: a row for each level and model, a column for each score."""
    texts = {cell: each.text for result in results for cell, each in parameters_of_result(result).items()}
    levels = list(sweep.conditions.values())
    scores = {(result.name, score.metric, score.condition): score for result in results for score in result.scores}
    metrics = dict.fromkeys(metric for _, metric, condition in scores if condition in levels)
    of_clean = {
        metric: (CLEAN_ERROR.name, Condition()) if metric == ERROR.name else (metric, CLEAN) for metric in metrics
    }
    are_own = shows_right_answers(results)
    rows = []
    for level in (None, *levels):
        for model in sweep.points:
            places = [of_clean[metric] if level is None else (metric, level) for metric in metrics]
            of_row = [scores.get((model, *place)) for place in places]
            if first := next(filter(None, of_row), None):
                cells = (_cell(score, are_own) for score in of_row)
                rows.append((texts[level] if level else "clean", model, first.n_text, *cells))
    heads = [_head(results[0], metric, are_own) for metric in metrics]
    return TextTable(
        f"{words(sweep.corruption)} by level",
        ("level", "model", "n", *heads),
        tuple(rows),
        named=2,
        notes=(protocol_of_strengths(results[0].run),),
    )


def _head(result: Result, metric: str, are_own: bool) -> str:
    """The title of a metric with its direction, of a person's own classes that of right answers."""
    declared, title = card_of(result.run).metric(metric), right_title(metric) if are_own else ""
    return f"{title or declared.title} {formatting.direction(bool(title) or declared.higher_is_better)}"


def _cell(score: Score | None, are_own: bool) -> str:
    if score is None or score.value is None:
        return "undefined" if score else ""
    if are_own and right_title(score.metric):
        score = complement(score)
    value = formatting.number(score.value or 0.0, score.unit)
    return f"{value}\n{formatting.interval(score.interval, score.unit)}" if score.interval else value


def _limit_table(results: Sequence[Result], quantities: Mapping[str, str]) -> TextTable:
    """The operating limit of each corruption and model, with the accuracy up to which it is told.

    Args:
        results: of one section.
        quantities: the name of each corruption's quantity.
    """
    limits = [
        (result.name, score)
        for result in results
        for score in result.scores
        if score.metric == OPERATING_LIMIT.name and {"corruption", "above"} <= set(score.condition)
    ]
    rows = [
        (words(corruption), name, _accuracy(score), *_limit_texts(score, quantities[corruption]))
        for name, score in limits
        for corruption in [str(score.condition["corruption"])]
    ]
    by = " by clusters" if all(score.clusters for _, score in limits) else ""
    heads = ("corruption", "model", "accuracy", "limit", f"95 %{by}", "")
    title = "operating limit: the strongest level up to which accuracy stays so high"
    return TextTable(title, heads, tuple(rows), named=2, notes=LIMIT_NOTES)


def _accuracy(score: Score) -> str:
    return f"{100 * float(score.condition['above']):.4g} % or more"


def _limit_texts(score: Score, name: str) -> tuple[str, str, str]:
    """An operating limit as text: its level, the ends of its interval, and why one of them is not there."""
    value = "" if score.value is None else f"{name} {number_text(score.value)}"
    ends = "" if score.interval is None else f"{number_text(score.interval.low)}–{number_text(score.interval.high)}"
    return value, ends, text(score.lack)


def level_figures(results: Sequence[Result]) -> Iterator[Chart | Grid]:
    """The curves over quantities, and the parameters of the severities that were run."""
    if curves := _curves(results):
        yield curves
    if parameters := _parameter_grid(results):
        yield parameters


def _curves(results: Sequence[Result]) -> Curves | None:
    """Accuracy over the quantity of each corruption with two levels or more; ``None`` where there is none."""
    sweeps = _sweeps(results)
    panels = tuple(_panel(sweep, is_one=len(sweeps) == 1) for sweep in sweeps if len(sweep.conditions) > 1)
    if not panels:
        return None
    heading = ", ".join(f"{words(sweep.corruption)} ({sweep.quantity.title})" for sweep in sweeps)
    return Curves(
        "accuracy_by_level",
        "Accuracy by level",
        f"Accuracy under {heading}",
        "The share of right answers at each level that was run, from the mildest to the strongest; "
        f"{protocol_of_strengths(results[0].run)}. Bands are 95 % intervals.",
        panels,
        "accuracy ↑ better",
    )


def _panel(sweep: _Sweep, is_one: bool) -> Panel:
    lines = tuple(_line(model, points) for model, points in sweep.points.items())
    values = tuple(sweep.conditions)
    names, title = tuple(map(number_text, values)), "" if is_one else words(sweep.corruption)
    return Panel(sweep.quantity.title, lines, (), values, names, title, to_scale=True)


def _line(model: str, points: Sequence[Point]) -> Line:
    is_bounded = all(score.interval is not None for _, score in points)
    return Line(
        model,
        tuple(value for value, _ in points),
        tuple(1 - (score.value or 0.0) for _, score in points),
        tuple(1 - score.interval.high for _, score in points if score.interval) if is_bounded else (),
        tuple(1 - score.interval.low for _, score in points if score.interval) if is_bounded else (),
    )


def _parameter_grid(results: Sequence[Result]) -> Grid | None:
    """The named parameters of each severity that was run, by corruption; ``None`` where none is known."""
    values: dict[str, dict[int, Any]] = {}
    cells = {cell: each for result in results for cell, each in parameters_of_result(result).items()}
    for cell, of_cell in cells.items():
        for parameter in of_cell.parameters if "severity" in cell else ():
            unit = f", {parameter.unit}" if parameter.unit else ""
            name = f"{words(str(cell['corruption']))}: {parameter.name.replace('_', ' ')}{unit}"
            values.setdefault(name, {})[int(cell["severity"])] = parameter.value
    if not values:
        return None
    severities = sorted({severity for by_severity in values.values() for severity in by_severity})
    rows = tuple(
        (name, tuple(_plain(by_severity.get(severity)) for severity in severities))
        for name, by_severity in values.items()
    )
    heads = tuple(f"severity {severity}" for severity in severities)
    run = results[0].run
    before = f", before the JPEG of quality {set_of(run).jpeg_quality}" if ends_with_jpeg(run) else ""
    return Grid("every model", f"parameters of the corruptions at each severity{before}", "corruption", heads, rows)


def _plain(value: float | None) -> GridCell | None:
    return None if value is None else GridCell(value, "level", shaded=False)

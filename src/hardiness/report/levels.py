"""Levels of corruptions as quantities: accuracy over them, operating limits, and the parameters of each level."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import Any, NamedTuple

from hardiness.benchmarks.level_parameters import parameters_of_result
from hardiness.benchmarks.operating_limits import OPERATING_LIMIT
from hardiness.benchmarks.presentation import words
from hardiness.core.result import Result, Score
from hardiness.distortions.levels import number_text
from hardiness.report.charts import Chart, Curves, Grid, GridCell, Line, Panel

LIMIT_NOTES = (
    "of the levels that were run; an interval takes accuracy to fall with the level, and ends at the end of the "
    "quantity where no level that was run is surely on that side",
)

Point = tuple[float, Score]


def level_figures(results: Sequence[Result]) -> Iterator[Chart | Grid]:
    """The curves over quantities, the operating limits, and the parameters of the levels that were run."""
    if curves := _curves(results):
        yield curves
    for result in results:
        yield from filter(None, (_level_grid(result), _limit_grid(result)))
    if parameters := _parameter_grid(results):
        yield parameters


def limit_texts(score: Score) -> tuple[str, str, str]:
    """An operating limit as text: its level, the ends of its interval, and why one of them is not there."""
    name = score.unit.partition(",")[0].replace(" ", "_")
    value = "" if score.value is None else f"{name}={number_text(score.value)}"
    ends = "" if score.interval is None else f"{number_text(score.interval.low)}–{number_text(score.interval.high)}"
    return value, ends, score.reason or score.interval_reason


def _is_of_level(score: Score) -> bool:
    """Whether a score is the error at a single level."""
    return score.metric == "error" and set(score.condition) == {"corruption", "level"} and score.value is not None


class _Quantity(NamedTuple):
    """A quantity as results have it: its title, and whether larger values are stronger."""

    title: str
    stronger: str

    def strength(self, value: float) -> float:
        """A number that is larger the stronger the value is."""
        return value if self.stronger == "up" else -value


def _points(result: Result, corruption: str) -> tuple[_Quantity, list[Point]] | None:
    """The errors of a result by the value of a corruption's quantity, the mildest first; ``None`` where it has none."""
    quantity, points, parameters = None, dict[float, Score](), parameters_of_result(result)
    for score in result.scores:
        of_cell = parameters.get(score.condition)
        is_error = score.metric == "error" and score.value is not None
        if is_error and of_cell and of_cell.stronger and score.condition["corruption"] == corruption:
            (parameter,) = of_cell.parameters
            title = f"{parameter.name.replace('_', ' ')}{f', {parameter.unit}' if parameter.unit else ''}"
            quantity = _Quantity(title, of_cell.stronger)
            points[parameter.value] = score
    if quantity is None:
        return None
    strength = quantity.strength
    return quantity, sorted(points.items(), key=lambda point: strength(point[0]))


def _swept(results: Sequence[Result]) -> list[str]:
    """The corruptions of which some result has single levels."""
    return list(dict.fromkeys(str(s.condition["corruption"]) for r in results for s in r.scores if _is_of_level(s)))


def _curves(results: Sequence[Result]) -> Curves | None:
    """Accuracy over the quantity of each corruption of which single levels were run; ``None`` where none were."""
    panels, quantities = [], dict[str, _Quantity]()
    for corruption in _swept(results):
        measured = {result.name: points for result in results if (points := _points(result, corruption))}
        quantity = quantities[corruption] = next(iter(measured.values()))[0]
        values = sorted({value for _, points in measured.values() for value, _ in points}, key=quantity.strength)
        if len(values) < 2:
            continue
        lines = tuple(_line(model, points) for model, (_, points) in measured.items())
        names = tuple(map(number_text, values))
        title = words(corruption) if len(_swept(results)) > 1 else ""
        panels.append(Panel(quantity.title, lines, (), tuple(values), names, title, to_scale=True))
    if not panels:
        return None
    heading = ", ".join(f"{words(name)} ({quantity.title})" for name, quantity in quantities.items())
    return Curves(
        "accuracy_by_level",
        "Accuracy by level",
        f"Accuracy under {heading}",
        "The share of right answers at each level that was run, published ones among them, from the mildest to the "
        "strongest; bands are 95 % intervals.",
        tuple(panels),
        "accuracy ↑ better",
    )


def _line(model: str, points: Sequence[Point]) -> Line:
    is_bounded = all(score.interval is not None for _, score in points)
    return Line(
        model,
        tuple(value for value, _ in points),
        tuple(1 - (score.value or 0.0) for _, score in points),
        tuple(1 - score.interval.high for _, score in points if score.interval) if is_bounded else (),
        tuple(1 - score.interval.low for _, score in points if score.interval) if is_bounded else (),
    )


def _level_grid(result: Result) -> Grid | None:
    """The error at each value of a quantity of which single levels were run; ``None`` where none were."""
    rows: list[tuple[str, tuple[GridCell | None, ...]]] = []
    parameters = parameters_of_result(result)
    for corruption in _swept([result]):
        _, points = _points(result, corruption) or (None, [])
        for _, score in points:
            name = f"{words(corruption)}, {parameters[score.condition].text}"
            rows.append((name, (GridCell(score.value, interval=score.interval),)))
    return Grid(result.name, "error by level, from mild to strong", "level", ("error",), tuple(rows)) if rows else None


def _limit_grid(result: Result) -> Grid | None:
    """The operating limits of a result with the ends of their intervals; ``None`` where there is none."""
    rows = []
    for score in result.scores:
        if score.metric == OPERATING_LIMIT.name and {"corruption", "above"} <= set(score.condition):
            ends = (score.interval.low, score.interval.high) if score.interval else (None, None)
            about = f"{words(str(score.condition['corruption']))}: {score.unit}, accuracy {_percent(score)}"
            rows.append((about, tuple(map(_plain, (score.value, *ends)))))
    title = "operating limit: the strongest level up to which accuracy stays so high"
    return Grid(result.name, title, "quantity", ("limit", "from", "to"), tuple(rows)) if rows else None


def _percent(score: Score) -> str:
    return f"{100 * float(score.condition['above']):.4g} % or more"


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
    return Grid("every model", "parameters of the corruptions at each severity", "corruption", heads, rows)


def _plain(value: float | None) -> GridCell | None:
    return None if value is None else GridCell(value, "level", shaded=False)

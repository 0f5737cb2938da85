"""Scores by slice on a page: one chart a column with intervals, the worst first."""

from __future__ import annotations

from collections.abc import Iterator, Sequence

from hardiness.core.result import Result, Score, SlicedScore
from hardiness.report import format as formatting
from hardiness.report.charts import Dots, Observer
from hardiness.results.slices import headline_slices

ALL = "all pictures"

MOST_ROWS = 30
"""Slices that a chart shows; of more those that are worst."""


def slice_charts(results: Sequence[Result]) -> Iterator[Dots]:
    """A chart for each column: a row for each value, the worst first, with its simultaneous interval."""
    by_column: dict[str, dict[str, SlicedScore]] = {}
    for result in results:
        for score in headline_slices(result):
            by_column.setdefault(score.column, {})[result.name] = score
    for number, (column, scores) in enumerate(by_column.items()):
        yield _chart(column, number, scores, results)


def _chart(column: str, number: int, scores: dict[str, SlicedScore], results: Sequence[Result]) -> Dots:
    first = next(iter(scores.values()))
    sign = 1 if first.higher_is_better else -1
    worst: dict[str, float] = {}
    counts: dict[str, set[int]] = {}
    for score in scores.values():
        for each in score.slices:
            if each.score.value is not None:
                signed = sign * each.score.value
                worst[each.value] = min(worst.get(each.value, signed), signed)
                counts.setdefault(each.value, set()).add(each.score.n)
    values = sorted(worst, key=lambda value: (worst[value], value))
    first_values = values[:MOST_ROWS]
    rows = {value: f"{value}, n {'/'.join(f'{n:,}' for n in sorted(counts[value]))}" for value in first_values}
    observers = tuple(
        Observer(
            name,
            _overall(name, score, results),
            {
                rows[each.value]: each.score
                for each in score.slices
                if each.value in rows and each.score.value is not None
            },
        )
        for name, score in scores.items()
    )
    drawn = [each for observer in observers for each in (*observer.by_row.values(), observer.overall) if each]
    ends = [each.interval.high if each.interval else each.value or 0.0 for each in drawn]
    part = (
        f" Of {len(values):,} values the {len(first_values)} that are worst." if len(values) > len(first_values) else ""
    )
    clusters = f", for pictures that come by {first.cluster}" if first.cluster else ""
    caption = (
        f"{first.title} of the pictures with each value of {column}, the worst first. Lines are intervals of which all "
        f"hold in 95 % of cases{clusters}; that of a few pictures is wide.{part}"
    )
    in_percent = first.unit in formatting.PERCENT_UNITS
    return Dots(
        f"by_slice_{number}",
        _heading(column, scores),
        caption,
        f"{first.title} {formatting.direction(first.higher_is_better)} better",
        ("", ""),
        ALL,
        tuple(rows.values()),
        observers,
        limit=1.0 if in_percent and max(ends, default=0.0) <= 1 else 1.05 * max(ends),
        percent=in_percent,
        bars=True,
    )


def _overall(name: str, score: SlicedScore, results: Sequence[Result]) -> Score | None:
    """A score of all pictures of a model, beside that of each slice."""
    (result,) = (each for each in results if each.name == name)
    own = (each for each in result.scores if (each.metric, each.condition) == (score.metric, score.condition))
    return next(own, None)


def _heading(column: str, scores: dict[str, SlicedScore]) -> str:
    """The slice that is worst, and whether that is more than chance."""
    worst = {name: each for name, score in scores.items() if (each := score.worst_of_many) is not None}
    if not worst:
        return f"By {column}: each value has few pictures"
    if len({each.value for each in worst.values()}) > 1:
        return f"By {column}: which value is worst differs between models"
    each, unit = next(iter(worst.values())), next(iter(scores.values())).unit
    numbers = sorted(other.score.number for other in worst.values())
    text = "–".join(dict.fromkeys(formatting.number(number, unit) for number in (numbers[0], numbers[-1])))
    percent = " %" if unit in formatting.PERCENT_UNITS else ""
    is_sure = all(other.is_unlike_rest for other in worst.values())
    return f"By {column}: {each.value} is worst, {text}{percent}{'' if is_sure else ', which may be chance'}"

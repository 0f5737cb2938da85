"""Scores by slice as tables of text: what the terminal, the page and exports say of them."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from typing import Any

from hardiness.core.fact import Fact
from hardiness.core.result import Result, Score, SlicedScore, SliceScore, TextTable
from hardiness.core.spread import Interval
from hardiness.report import format as formatting
from hardiness.report.words import text
from hardiness.results.slices import headline_slices
from hardiness.sources.files import shown
from hardiness.statistics.spreads.combined import TwoEnds

MOST_NAMED = 6
"""Values that a line names at most."""


def slice_views(results: Sequence[Result], everything: bool = False) -> list[TextTable]:
    """A table for each column and score: a row for each value, the worst first, a column for each model.

    Args:
        results: of one section.
        everything: of each score, not of the headline alone.
    """
    headlines = [
        (result, score) for result in results for score in (result.slices if everything else headline_slices(result))
    ]
    keys = dict.fromkeys((score.column, score.metric, score.condition) for _, score in headlines)
    return [
        _view([(result, score) for result, score in headlines if (score.column, score.metric, score.condition) == key])
        for key in keys
    ]


def _view(scores: Sequence[tuple[Result, SlicedScore]]) -> TextTable:
    (_, first), *_ = scores
    values = dict.fromkeys(each.value for _, score in scores for each in score.slices)
    by_value = {id(score): {each.value: each for each in score.slices} for _, score in scores}
    rows = []
    for value in values:
        slices = [by_value[id(score)].get(value) for _, score in scores]
        counts = dict.fromkeys(_count(each) for each in slices if each)
        cells = [_cell(score, each) for (_, score), each in zip(scores, slices, strict=True)]
        rows.append((shown(value), " / ".join(counts), *cells))
    title = f"{first.title} {formatting.direction(first.higher_is_better)} by {first.column}"
    notes = [line for each, score in scores for line in slice_lines(score, each.name if len(scores) > 1 else "")]
    heads = (first.column, "n", *(each.name for each, _ in scores))
    return TextTable(title, heads, tuple(rows), notes=tuple(dict.fromkeys(notes)))


def _count(each: SliceScore) -> str:
    return f"{each.n:,}" + (f" in {each.clusters:,} cluster{'s' * (each.clusters != 1)}" if each.clusters else "")


def _cell(score: SlicedScore, each: SliceScore | None) -> str:
    if each is None:
        return ""
    if each.score is None:
        return "undefined"
    value = formatting.number(each.score, score.unit)
    return f"{value}\n{formatting.interval(each.interval, score.unit)}" if each.interval else value


NO_SLICE: Mapping[str, Any] = {
    "slice": None,
    "slice_row": None,
    "slice_value": None,
    "slice_difference": None,
    "slice_p": None,
}
"""The columns of a table of scores that say which slice a row is of, of a row that is of all pictures."""


def slice_rows(score: SlicedScore) -> Iterator[tuple[Score, Mapping[str, Any]]]:
    """The numbers of a score by slice as scores, each with its cells of the columns that `NO_SLICE` has."""
    for each in score.slices:
        number = _as_score(score, each.score, each.n, each.interval, each.lack, each.clusters)
        of_value = {"slice_value": shown(each.value), "slice_difference": each.difference, "slice_p": each.p}
        yield number, {**_cells(score, "value"), **of_value}
    if (worst := score.worst_slice) is not None and score.worst is not None:
        number = _as_score(score, worst.score, worst.n, score.worst, clusters=worst.clusters)
        yield number, {**_cells(score, "worst"), "slice_value": shown(worst.value)}
    if score.gap is not None:
        yield _as_score(score, score.gap, score.n, score.gap_interval), _cells(score, "gap")
    if score.mix:
        yield _as_score(score, score.average, score.n, score.average_interval, score.mix_lack), _cells(score, "mix")


def _as_score(
    score: SlicedScore,
    value: float | None,
    n: int,
    interval: Interval | None,
    lack: Fact | None = None,
    clusters: int = 0,
) -> Score:
    """A number of a score by slice; the lack is why it has no value, or no interval."""
    return Score(
        score.metric,
        value,
        score.unit,
        n,
        None if interval is None or value is None else TwoEnds(value, interval.low, interval.high),
        score.higher_is_better,
        score.condition,
        lack if interval is None else None,
        score.doubt,
        clusters=clusters,
    )


def _cells(score: SlicedScore, row: str) -> dict[str, Any]:
    return {**NO_SLICE, "slice": shown(score.column), "slice_row": row}


def slice_lines(score: SlicedScore, model: str = "") -> Iterator[str]:
    """Sentences about one score by slice: the worst, the gap, what differs from the rest, and the average of a mix.

    Args:
        score: by slice.
        model: whose; empty where there is no other.
    """
    about = f"{model}: " if model else ""
    if score.doubt:
        yield f"{about}{score.doubt}: the report on the attack does not stand by these numbers"
    if (worst := score.worst_slice) is not None and score.worst is not None and len(score.slices) > 1:
        side = "lowest" if score.higher_is_better else "highest"
        only = f" of {worst.n} pictures alone" if worst.is_few else ""
        yield (
            f"{about}worst {score.column}: {shown(worst.value)}, {_number(worst.score, score)}{only} "
            f"({_ends(score.worst, score)}: the {side} of {_judged(score)} {score.column} values, whichever it is)"
        )
    if score.gap is not None and score.gap_interval is not None:
        yield f"{about}gap between best and worst: {_number(score.gap, score)} ({_ends(score.gap_interval, score)})"
    yield from _unlike(score, about)
    if score.mix:
        proportions = ", ".join(f"{shown(value)} {100 * share:.1f} %" for value, share in score.mix.items())
        if score.average is not None and score.average_interval is not None:
            number = f"{_number(score.average, score)} ({_ends(score.average_interval, score)})"
            yield f"{about}average for {proportions}: {number}"
        else:
            yield f"{about}no average for {proportions}: {text(score.mix_lack)}"
    without = [f"{shown(each.value)} ({text(each.lack)})" for each in score.slices if each.lack]
    if without:
        yield f"{about}without interval: {_listed(without)}"
    if score.too_few:
        few = [f"{shown(value)} ({n})" for value, n in score.too_few.items()]
        yield f"{len(few)} parts of {score.column} have fewer than 30 pictures and are left out: {_listed(few)}"
    if score.without_value:
        yield f"{score.without_value:,} pictures have no {score.column} and are in no slice"
    yield f"intervals hold for all {score.column} values at once in 95 % of cases" + (
        f", by {score.cluster}" if score.cluster else ""
    )


def _unlike(score: SlicedScore, about: str) -> Iterator[str]:
    tested = [each for each in score.slices if each.p is not None]
    unlike = [
        f"{shown(each.value)} {_signed(each.difference, score)} ({_ends(each.difference_interval, score)})"
        for each in tested
        if each.is_unlike_rest and each.difference is not None and each.difference_interval is not None
    ]
    if unlike:
        yield f"{about}differs from all other pictures: {_listed(unlike)}"
    elif len(tested) > 1:
        yield f"{about}no value of {score.column} is known to differ from all other pictures"


def _judged(score: SlicedScore) -> int:
    return sum(each.interval is not None for each in score.slices)


def _listed(texts: Sequence[str]) -> str:
    more = f" and {len(texts) - MOST_NAMED} more" if len(texts) > MOST_NAMED else ""
    return f"{', '.join(texts[:MOST_NAMED])}{more}"


def _number(value: float | None, score: SlicedScore) -> str:
    return formatting.number(value or 0.0, score.unit)


def _signed(value: float, score: SlicedScore) -> str:
    sign = "+" if value > 0 else "-"
    return f"{sign}{formatting.number(abs(value), score.unit)}"


def _ends(interval: Interval | None, score: SlicedScore) -> str:
    return formatting.interval(interval, score.unit) if interval else ""

"""Scores by slice as tables of text: what the terminal, the page and exports say of them."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import replace
from typing import Any

from hardiness.core.result import Result, Score, SlicedScore, SliceScore, TextTable
from hardiness.report import format as formatting
from hardiness.report.words import text
from hardiness.results.slices import headline_slices
from hardiness.sources.files import shown

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
        cells = [_cell(each) for each in slices]
        rows.append((shown(value), " / ".join(counts), *cells))
    title = f"{first.title} {formatting.direction(first.higher_is_better)} by {first.column}"
    notes = [line for each, score in scores for line in slice_lines(score, each.name if len(scores) > 1 else "")]
    heads = (first.column, "n", *(each.name for each, _ in scores))
    return TextTable(title, heads, tuple(rows), notes=tuple(dict.fromkeys(notes)))


def _count(each: SliceScore) -> str:
    n, clusters = each.score.n, each.score.clusters
    return f"{n:,}" + (f" in {clusters:,} cluster{'s' * (clusters != 1)}" if clusters else "")


def _cell(each: SliceScore | None) -> str:
    if each is None:
        return ""
    if each.score.value is None:
        return "undefined"
    value, ends = _number(each.score), _ends(each.score)
    return f"{value}\n{ends}" if ends else value


NO_SLICE: Mapping[str, Any] = {
    "slice": None,
    "slice_row": None,
    "slice_value": None,
    "slice_difference": None,
    "slice_p": None,
}
"""The columns of a table of scores that say which slice a row is of, of a row that is of all pictures."""


def slice_rows(score: SlicedScore) -> Iterator[tuple[Score, Mapping[str, Any]]]:
    """The numbers of a score by slice, each with its cells of the columns that `NO_SLICE` has."""
    rows: list[tuple[Score | None, Mapping[str, Any]]] = [
        (each.score, {"slice_row": "value", **_cells_of_value(each)}) for each in score.slices
    ]
    worst = {"slice_value": shown(score.worst_slice.value)} if score.worst_slice else {}
    rows += [(score.worst, {"slice_row": "worst", **worst})]
    rows += [(score.gap, {"slice_row": "gap"}), (score.average, {"slice_row": "mix"})]
    for number, cells in rows:
        if number is not None:
            yield replace(number, doubt=score.doubt), {**NO_SLICE, "slice": shown(score.column), **cells}


def _cells_of_value(each: SliceScore) -> dict[str, Any]:
    difference = each.less_rest.value if each.less_rest else None
    return {"slice_value": shown(each.value), "slice_difference": difference, "slice_p": each.p}


def slice_lines(score: SlicedScore, model: str = "") -> Iterator[str]:
    """Sentences about one score by slice: the worst, the gap, what differs from the rest, and the average of a mix.

    Args:
        score: by slice.
        model: whose; empty where there is no other.
    """
    about = f"{model}: " if model else ""
    if score.doubt:
        yield f"{about}{score.doubt}: the report on the attack does not stand by these numbers"
    if (worst := score.worst_slice) and score.worst and len(score.slices) > 1:
        side = "lowest" if score.higher_is_better else "highest"
        only = f" of {worst.score.n} pictures alone" if worst.is_few else ""
        yield (
            f"{about}worst {score.column}: {shown(worst.value)}, {_number(score.worst)}{only} "
            f"({_ends(score.worst)}: the {side} of {_judged(score)} {score.column} values, whichever it is)"
        )
    if score.gap:
        yield f"{about}gap between best and worst: {_number(score.gap)} ({_ends(score.gap)})"
    yield from _unlike(score, about)
    if score.average:
        proportions = ", ".join(f"{shown(value)} {100 * share:.1f} %" for value, share in score.mix.items())
        if score.average.lack:
            yield f"{about}no average for {proportions}: {text(score.average.lack)}"
        else:
            yield f"{about}average for {proportions}: {_number(score.average)} ({_ends(score.average)})"
    without = [f"{shown(each.value)} ({text(each.score.lack)})" for each in score.slices if each.score.lack]
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
        f"{shown(each.value)} {_signed(each.less_rest)} ({_ends(each.less_rest)})"
        for each in tested
        if each.is_unlike_rest and each.less_rest
    ]
    if unlike:
        yield f"{about}differs from all other pictures: {_listed(unlike)}"
    elif len(tested) > 1:
        yield f"{about}no value of {score.column} is known to differ from all other pictures"


def _judged(score: SlicedScore) -> int:
    return sum(each.score.spread is not None for each in score.slices)


def _listed(texts: Sequence[str]) -> str:
    more = f" and {len(texts) - MOST_NAMED} more" if len(texts) > MOST_NAMED else ""
    return f"{', '.join(texts[:MOST_NAMED])}{more}"


def _number(score: Score) -> str:
    return formatting.number(score.number, score.unit)


def _signed(score: Score) -> str:
    return f"{'+' if score.number > 0 else '-'}{formatting.number(abs(score.number), score.unit)}"


def _ends(score: Score) -> str:
    return formatting.interval(score.interval, score.unit) if score.interval else ""

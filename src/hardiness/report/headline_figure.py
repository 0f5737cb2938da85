"""The first figure of a section whose card draws none: its scores as dots, so that no section is a table alone."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace

from hardiness.core import Chart, Column, Curves, Dots, Observer, Score
from hardiness.report import format as formatting
from hardiness.report.sections import BenchmarkSection, score_of
from hardiness.scoring.attack_checks.verdict import word_of
from hardiness.scoring.statistics.differences import FEWEST

LIMITS = (0.1, 0.2, 0.4, 0.6, 0.8, 1.0)
"""Ends of the axis."""

ROWS_MOST = 6
"""Scores that it shows at most, in the order of the table."""


def with_figure(shown: BenchmarkSection) -> BenchmarkSection:
    """The section, with a figure of its scores where it has no other and they are shares."""
    figure = None if shown.section.charts else _scores(shown)
    return replace(shown, section=replace(shown.section, charts=[figure])) if figure else shown


def from_few(shown: BenchmarkSection) -> BenchmarkSection:
    """The section; where images are too few for a test, the headings of its figures say how few."""
    n = max(result.counts.images for result in shown.results)
    if n >= FEWEST:
        return shown
    few = f", from {n} image{'' if n == 1 else 's'}"

    def named(chart: Chart) -> Chart:
        if isinstance(chart, Curves):
            return replace(chart, heading=f"{chart.heading}{few}")
        return replace(chart, title=f"{chart.title}{few}") if isinstance(chart, Dots) else chart

    return replace(shown, section=replace(shown.section, charts=[named(chart) for chart in shown.section.charts]))


def _scores(shown: BenchmarkSection) -> Dots | None:
    columns = [column for column in shown.section.columns if column.headline and _is_share(shown, column)][:ROWS_MOST]
    headline = shown.section.headline
    if not columns or headline is None:
        return None
    first = headline if headline in columns else columns[0]
    rows = {_named(column): column for column in columns if column != first}
    observers = []
    for result in shown.results:
        known = {row: score for row, column in rows.items() if (score := score_of(result, column)) is not None}
        observers.append(Observer(result.name, score_of(result, first), known))
    every = [score for each in observers for score in (each.overall, *each.by_row.values()) if score is not None]
    most = max(score.interval.high if score.interval else score.value or 0.0 for score in every)
    return Dots(
        name="scores",
        title=_message(shown, headline),
        caption="The scores of the table; lines are 95 % intervals.",
        label="arrows say which way is better",
        ends=("", ""),
        all_rows=_named(first),
        rows=tuple(rows),
        observers=tuple(observers),
        limit=next(limit for limit in LIMITS if limit >= most),
        bars=True,
    )


def _named(column: Column) -> str:
    return f"{column.title} {formatting.direction(column.higher_is_better)}"


def _is_share(shown: BenchmarkSection, column: Column) -> bool:
    """Whether every value of a column lies on a scale from 0 to 1."""
    scores = [score for result in shown.results if (score := score_of(result, column)) is not None]
    return any(score.value is not None for score in scores) and all(map(_lies_on_scale, scores))


def _lies_on_scale(score: Score) -> bool:
    ends = (score.interval.low, score.interval.high) if score.interval else ()
    return score.unit == "fraction" and all(0 <= each <= 1 for each in (score.value or 0.0, *ends))


def _message(shown: BenchmarkSection, headline: Column) -> str:
    """From where to where the score goes that stands for the section; a name only where its place is its own."""
    known: Sequence[tuple[str, Score]] = [
        (result.name, score)
        for result in shown.results
        if (score := score_of(result, headline)) is not None and score.value is not None
    ]
    scored = dict(known)
    doubts = {
        result.name: doubt
        for result in shown.results
        if result.name in scored and "epsilon" in scored[result.name].condition and (doubt := word_of(result))
    }
    if not known:
        return f"{headline.title} is undefined"
    order = sorted(known, key=lambda each: each[1].value or 0.0, reverse=headline.higher_is_better)
    best, worst = ((name, formatting.number(score.value or 0.0, score.unit)) for name, score in (order[0], order[-1]))
    if len(known) == 1:
        doubt = doubts.get(best[0], "")
        return f"{headline.title}: {best[1]}{doubt and f', {doubt}'}"
    ends = []
    for (name, value), alone in zip((best, worst), shown.alone(headline), strict=True):
        beside = [name] if name == alone else []
        beside += [doubts[name]] if name in doubts else []
        ends.append(f"{value} ({', '.join(beside)})" if beside else value)
    return f"{headline.title}: from {ends[0]} to {ends[1]}"

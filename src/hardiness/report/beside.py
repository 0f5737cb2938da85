"""Measured models among published ones, by the numbers that were measured under the same protocol."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace

from hardiness.benchmarks.presentation import Column
from hardiness.core.result import Result, Score
from hardiness.reference.published_numbers import PublishedNumber
from hardiness.reference.published_numbers import published_beside as known
from hardiness.report import format as formatting
from hardiness.report.by_condition import NAME as BY_CONDITION
from hardiness.report.charts import Chart, Curves, Dots, Ladder, Observer, Panel, Rung
from hardiness.report.published_beside import is_comparable
from hardiness.report.sections import BenchmarkSection, score_of
from hardiness.statistics.comparison import FEWEST

BEST, RUNGS_MOST = 3, 12
"""Published models that a ladder begins with, and that it has at most."""

FEWEST_PUBLISHED = 2
"""Published models that a ladder needs."""


MeasuredNumbers = Mapping[str, tuple[float, float, float, int]]
"""The number of each measured model, the ends of its interval, and how many images it saw: 0 for a part of the data.

From these a page makes what a chosen model has more or less.
"""

NOWHERE = -1.0
"""Both ends of an interval that is not known: no number lies within."""


@dataclass(frozen=True, slots=True)
class Number:
    """One published number, as text, as it is, of how many images; and what the first measured model differs by."""

    text: str
    value: float
    n: int
    difference: str


@dataclass(frozen=True, slots=True)
class PublishedModel:
    """One published model: a number for each column, ``None`` where none was published, and where they stand."""

    model: str
    numbers: tuple[Number | None, ...]
    source: str


@dataclass(frozen=True, slots=True)
class PublishedPeers:
    """Published numbers of a section's columns, of models that are not among its own.

    Attributes:
        heads: a heading for each column.
        measured: the measured numbers of each column.
        lines: the best first.
        models: the measured ones.
    """

    heads: tuple[str, ...]
    measured: tuple[MeasuredNumbers, ...]
    lines: tuple[PublishedModel, ...]
    models: tuple[str, ...]


def published_peers(shown: BenchmarkSection) -> PublishedPeers | None:
    """The published models beside a section's own; ``None`` where none was measured under its protocol."""
    by_column = {column: rows for column in shown.section.columns if (rows := _others(shown, column))}
    if not by_column:
        return None
    first = next(iter(by_column))
    worst = float("-inf") if first.higher_is_better else float("inf")
    names = dict.fromkeys(model for rows in by_column.values() for model in rows)
    ordered = sorted(
        names,
        key=lambda m: by_column[first][m].value if m in by_column[first] else worst,
        reverse=first.higher_is_better,
    )
    lines = tuple(
        PublishedModel(
            model,
            tuple(_number(shown, column, rows.get(model)) for column, rows in by_column.items()),
            "; ".join(dict.fromkeys(rows[model].source for rows in by_column.values() if model in rows)),
        )
        for model in ordered
    )
    heads = tuple(f"{column.title} {formatting.direction(column.higher_is_better)}" for column in by_column)
    models = tuple(result.name for result in shown.results)
    return PublishedPeers(heads, tuple(_measured(shown, column) for column in by_column), lines, models)


def with_ladder(shown: BenchmarkSection) -> BenchmarkSection:
    """The section with its models among the published ones as its last figure, where it has published ones."""
    figure = ladder(shown)
    charts = [*shown.section.charts, figure] if figure else shown.section.charts
    return replace(shown, section=replace(shown.section, charts=charts))


def ladder(shown: BenchmarkSection) -> Ladder | None:
    """The section's models among the published ones, by the first of its columns that these have numbers of."""
    column = next((each for each in _in_order(shown) if len(_others(shown, each)) >= FEWEST_PUBLISHED), None)
    if column is None:
        return None
    own = [
        Rung(result.name, score)
        for result in shown.results
        if (score := score_of(result, column)) and score.value is not None
    ]
    published = [
        Rung(row.model, Score(row.metric, row.value, row.unit, row.n), published=True)
        for row in _others(shown, column).values()
    ]
    if not own:
        return None
    rungs = sorted([*own, *published], key=lambda rung: rung.score.value or 0.0, reverse=column.higher_is_better)
    return Ladder(
        name="among_published",
        title=_message(shown, rungs, column),
        caption=_caption(shown, published, len(rungs) - len(_nearest(rungs))),
        label=f"{column.title}, {formatting.direction(column.higher_is_better)} better",
        rungs=tuple(_nearest(rungs)),
    )


def _in_order(shown: BenchmarkSection) -> list[Column]:
    """The section's columns, the one that stands for it first."""
    columns = list(shown.section.columns)
    headline = shown.section.headline
    return [headline, *(each for each in columns if each != headline)] if headline else columns


def _others(shown: BenchmarkSection, column: Column) -> dict[str, PublishedNumber]:
    """Published numbers of one column, of models that the section does not show as published already."""
    run = shown.results[0].run
    if run.data.is_embedded or column.complement:
        return {}
    shown_already = {result.run.model.name for result in shown.results if result.measured.get("published")}
    data = "" if is_comparable(shown.results) else run.data.name
    rows = known(run.benchmark.name, column.metric, column.condition, data)
    return {model: row for model, row in rows.items() if model not in shown_already}


def _measured(shown: BenchmarkSection, column: Column) -> MeasuredNumbers:
    """The numbers of measured models, where they are given in points."""
    numbers = {}
    for result in shown.results:
        score = None if result.measured.get("published") else score_of(result, column)
        if score is not None and score.value is not None and score.unit in formatting.PERCENT_UNITS:
            ends = (score.interval.low, score.interval.high) if score.interval else (NOWHERE, NOWHERE)
            numbers[result.name] = (score.value, *ends, result.counts.images if result.counts.complete else 0)
    return numbers


def _number(shown: BenchmarkSection, column: Column, row: PublishedNumber | None) -> Number | None:
    if row is None:
        return None
    name = next(iter(_measured(shown, column)), None)
    first = next((result for result in shown.results if result.name == name), None)
    score = score_of(first, column) if first else None
    difference = ", ".join(filter(None, _compared(first, score, [row]))) if first and score else ""
    return Number(formatting.number(row.value, row.unit), row.value, row.n, difference)


def difference(result: Result, score: Score, published: Sequence[PublishedNumber]) -> str:
    """Measured minus the nearest published, against the interval; on a part of the data that is no reproduction."""
    points, where = _compared(result, score, published)
    return f"{points}, {where} the interval; on a part of the data" if where else points


def _compared(result: Result, score: Score, peers: Sequence[PublishedNumber]) -> tuple[str, str]:
    """Measured minus the nearest published in points, and on a part of the data whether it is within the interval."""
    if not peers or score.value is None or score.unit not in formatting.PERCENT_UNITS:
        return "", ""
    value = score.value
    nearest = min((each.value for each in peers), key=lambda published: abs(published - value))
    points = f"{100 * (value - nearest):+z.1f}".replace("-", "−")
    if result.counts.complete and result.counts.images >= max(each.n for each in peers):
        return points, ""
    inside = score.interval is not None and score.interval.low <= nearest <= score.interval.high
    return points, "within" if inside else "outside"


def _message(shown: BenchmarkSection, rungs: Sequence[Rung], column: Column) -> str:
    """How many published models the best measured one is ahead of; nothing of the kind on a part of the data."""
    own = [rung for rung in rungs if not rung.published]
    values = [formatting.number(rung.score.value or 0.0, rung.score.unit) for rung in own]
    alone = len(own) == 1 or shown.alone(column)[0] == own[0].name
    first = own[0].name if alone else f"the best of {len(own)} models here"
    title = f"Among published models by {column.title}: "
    whole = max(rung.score.n for rung in rungs if rung.published)
    n = max(result.counts.images for result in shown.results)
    if n < whole:
        return f"{title}{first} with {values[0]} on {n:,} of {whole:,}"
    behind = sum(rung.published for rung in rungs[rungs.index(own[0]) :])
    return f"{title}{first} is better than {behind} of {sum(rung.published for rung in rungs)}"


def _nearest(rungs: Sequence[Rung]) -> list[Rung]:
    """The rungs; of many published ones the first, and those that stand nearest to measured models."""
    own = [place for place, rung in enumerate(rungs) if not rung.published]
    others = [place for place, rung in enumerate(rungs) if rung.published]
    nearest = sorted(others, key=lambda place: (place >= BEST, min(abs(place - mine) for mine in own)))[:RUNGS_MOST]
    return [rung for place, rung in enumerate(rungs) if place in {*own, *nearest}]


def _caption(shown: BenchmarkSection, theirs: Sequence[Rung], left_out: int) -> str:
    text = "Grey: as published, each on all of the data; their sources stand in the table below"
    text += f", with {left_out} more models." if left_out else "."
    if any(result.counts.images < max(rung.score.n for rung in theirs) for result in shown.results):
        text += " Models in colour were run on a part of the data: that places them roughly, and reproduces nothing."
    return text


LIMITS = (0.1, 0.2, 0.4, 0.6, 0.8, 1.0)
"""Ends of the axis."""

ROWS_MOST = 6
"""Scores that it shows at most, in the order of the table."""


def with_figure(shown: BenchmarkSection) -> BenchmarkSection:
    """The section; where no view drew its message, it begins with a figure of its scores, if they are shares."""
    charts = shown.section.charts
    figure = _scores(shown) if all(chart.name == BY_CONDITION for chart in charts) else None
    return replace(shown, section=replace(shown.section, charts=[figure, *charts])) if figure else shown


def from_few(shown: BenchmarkSection) -> BenchmarkSection:
    """The section; where images are too few for a test, the headings of its figures say how few.

    Curves of so few images have no bands, and means with their intervals stand before many small curves.
    """
    n = max(result.counts.images for result in shown.results)
    charts = [_at_two_points(chart) for chart in shown.section.charts]
    if n < FEWEST:
        charts = [_of_few(chart, n) for chart in charts]
        means = [chart for chart in charts if isinstance(chart, Dots)][:1]
        is_small = bool(charts) and isinstance(charts[0], Curves) and charts[0].small
        charts = [*means, *(chart for chart in charts if chart not in means)] if is_small else charts
    return replace(shown, section=replace(shown.section, charts=charts))


def _of_few(chart: Chart, n: int) -> Chart:
    """A figure of few images: its heading says how few, and no band pretends to follow a curve."""
    images = f"{n} image{'' if n == 1 else 's'}"

    def with_count(heading: str) -> str:
        return heading if f"from {images}" in heading else f"{heading}, from {images}"

    if isinstance(chart, Dots):
        return replace(chart, title=with_count(chart.title), bars=True)
    if not isinstance(chart, Curves):
        return chart
    panels = tuple(map(_without_bands, chart.panels))
    bare = chart.caption.replace(BANDS, f"{images} are too few for bands")
    return replace(
        chart,
        heading=with_count(chart.heading),
        panels=panels,
        caption=bare if panels != chart.panels else chart.caption,
    )


def _at_two_points(chart: Chart) -> Chart:
    """A figure that says of its lines what they are where it has two points and no curve."""
    is_two = isinstance(chart, Curves) and all(len(panel.ticks) == 2 for panel in chart.panels)
    return replace(chart, caption=chart.caption.replace(BANDS, "lines are 95 % intervals")) if is_two else chart


BANDS = "bands are 95 % intervals"
"""Words of captions on what bands around curves are."""


def _without_bands(panel: Panel) -> Panel:
    """A panel without the bands of its curves; two points keep their intervals."""
    if len(panel.ticks) < 3:
        return panel
    return replace(panel, measured=tuple(replace(line, low=(), high=()) for line in panel.measured))


def _scores(shown: BenchmarkSection) -> Dots | None:
    columns = [column for column in shown.section.columns if column.headline and _is_share(shown, column)][:ROWS_MOST]
    headline = shown.section.headline
    if not columns or headline is None:
        return None
    first = headline if headline in columns else columns[0]
    rows = {_named(column): column for column in columns if column != first}
    observers = []
    for result in shown.results:
        by_row = {row: score for row, column in rows.items() if (score := score_of(result, column)) is not None}
        observers.append(Observer(result.name, score_of(result, first), by_row))
    scores = [score for each in observers for score in (each.overall, *each.by_row.values()) if score is not None]
    most = max(score.interval.high if score.interval else score.value or 0.0 for score in scores)
    return Dots(
        name="scores",
        title=_headline_message(shown, headline),
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


def _headline_message(shown: BenchmarkSection, headline: Column) -> str:
    """From where to where the score goes that stands for the section; a name only where its place is its own."""
    scored_models: Sequence[tuple[str, Score]] = [
        (result.name, score)
        for result in shown.results
        if (score := score_of(result, headline)) is not None and score.value is not None
    ]
    scored = dict(scored_models)
    doubts = {
        result.name: doubt
        for result in shown.results
        if result.name in scored and scored[result.name].is_under_attack and (doubt := result.caveat)
    }
    if not scored_models:
        return f"{headline.title} is undefined"
    order = sorted(scored_models, key=lambda each: each[1].value or 0.0, reverse=headline.higher_is_better)
    best, worst = ((name, formatting.number(score.value or 0.0, score.unit)) for name, score in (order[0], order[-1]))
    if len(scored_models) == 1:
        doubt = doubts.get(best[0], "")
        return f"{headline.title}: {best[1]}{doubt and f', {doubt}'}"
    ends = []
    for (name, value), alone in zip((best, worst), shown.alone(headline), strict=True):
        beside = [name] if name == alone else []
        beside += [doubts[name]] if name in doubts else []
        ends.append(f"{value} ({', '.join(beside)})" if beside else value)
    return f"{headline.title}: from {ends[0]} to {ends[1]}"

"""Results in sections, one for each table: what every renderer renders."""

from __future__ import annotations

import hashlib
import re
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from itertools import groupby
from typing import TypeVar

from hardiness.benchmarks.card import card_of
from hardiness.benchmarks.galleries import Gallery
from hardiness.benchmarks.presentation import Column
from hardiness.core.condition import Condition
from hardiness.core.result import NOT_CHECKED, PARTIAL, WITHDRAWN, Result, Score
from hardiness.report import format as formatting
from hardiness.report.charts import Chart, Dots, Grid, GridCell, Observer
from hardiness.report.marks import marks_in_export, marks_of
from hardiness.report.own_classes import with_classes
from hardiness.report.places import PlaceRange, order_beyond_chance, places, ranks
from hardiness.report.section import Section, figures_across, section_of
from hardiness.results.comparison import BenchmarkComparison
from hardiness.results.flips import PairFlips
from hardiness.results.results import group_of
from hardiness.results.run_names import differences_of
from hardiness.statistics.comparison import ScoreComparison
from hardiness.statistics.flips import Flips


@dataclass(frozen=True)
class BenchmarkSection:
    """One benchmark on one data set: its results and what their card wants shown of them."""

    results: Sequence[Result]
    section: Section
    compared: BenchmarkComparison | None = None

    @property
    def paired(self) -> Sequence[ScoreComparison]:
        """The scores by which its models were compared; none where they were not."""
        return self.compared.scores if self.compared else ()

    def places(self, column: Column) -> dict[str, PlaceRange]:
        """The places of its models by one column: by paired comparison where there is one, else by their intervals.

        Of several models of which only one can have a place, none has: it would be the first of one.
        """
        found = self.comparison(column)
        known = ((result, score_of(result, column)) for result in self.results)
        # What a report on an attack does not stand by has no place among the others.
        scores = {result.name: score for result, score in known if score and not score.doubt}
        by = places(found, list(scores)) if found is not None and found.ranks else ranks(scores)
        return by if len(by) > 1 or len(self.results) == 1 else {}

    def entries(self, column: Column) -> dict[str, OverviewEntry]:
        """What the overview says of each of its models by a column."""
        scores = {result.name: score for result in self.results if (score := score_of(result, column)) is not None}
        places = self.places(column)
        return {
            result.name: OverviewEntry(
                scores.get(result.name),
                places.get(result.name),
                marks_of(result, scores.get(result.name)),
                (scores[result.name].reason or "") if result.name in scores else "not evaluated",
                marks_in_export(result, scores.get(result.name)),
            )
            for result in self.results
        }

    def alone(self, column: Column) -> tuple[str, str]:
        """The model that is alone in first place by a column, and that in last place; empty where a place is shared."""
        found = self.places(column)
        by_place = {standing.best: name for name, standing in found.items() if standing.best == standing.worst}
        return by_place.get(1, ""), by_place.get(len(found), "")

    def is_told_apart(self, column: Column, first: Result, second: Result) -> bool:
        """Whether two models' scores differ beyond chance."""
        found = self.comparison(column)
        if found is not None:
            for pair in ((first.name, second.name), (second.name, first.name)):
                if pair in found.pairs:
                    return found.is_told_apart(pair)
        one, other = score_of(first, column), score_of(second, column)
        return one is not None and other is not None and order_beyond_chance(one, other) != 0

    def comparison(self, column: Column) -> ScoreComparison | None:
        """The paired comparison of a column; ``None`` where not all of its models were compared."""
        names = {result.name for result in self.results}
        # Where images failed or were not finished, scores are those of a part; compared are images that have all cells.
        wanted = (column.metric.removesuffix(PARTIAL), column.condition)
        known = (each for each in self.paired if (each.metric.removesuffix(PARTIAL), each.condition) == wanted)
        return next((each for each in known if names <= set(each.values)), None)

    def by_condition(self) -> tuple[str, tuple[Column, ...]]:
        """What its first scores by one named condition vary, e.g. ``corruption``, and a column for each; else nothing.

        These are the parts of the headline: of mCE the error under each corruption, divided by AlexNet's.
        """
        columns: dict[tuple[str, str], dict[Condition, Column]] = {}
        for result in self.results:
            card = card_of(result.run)
            for score in result.scores:
                (key, value), *others = [*score.condition.items(), ("", None)]
                if isinstance(value, str) and len(others) == 1 and key != "protocol":
                    title = card.named(score.condition)
                    column = Column(score.metric, score.condition, title, score.higher_is_better)
                    columns.setdefault((score.metric, key), {}).setdefault(score.condition, column)
        for (_, key), found in columns.items():
            if len(found) > 2:
                return key, tuple(found.values())
        return "", ()

    @property
    def anchor(self) -> str:
        """What links to it: its heading in plain letters."""
        return re.sub(r"[^a-z0-9]+", "-", self.full_heading.lower()).strip("-")

    @property
    def short(self) -> str:
        """What links to its many samples and runs begin with: a few letters that stay the same."""
        return f"s{hashlib.sha256(self.anchor.encode()).hexdigest()[:5]}"

    @property
    def full_heading(self) -> str:
        """Its heading with the protocol, by which it differs from every other section."""
        protocol, variant = self.results[0].protocol, self.section.variant
        return ", ".join([self.heading, *([] if f"protocol {protocol}" in variant else [protocol])])

    @property
    def heading(self) -> str:
        """Its heading."""
        first = self.results[0]
        return ", ".join([f"{first.benchmark} on {first.data}", *self.section.variant])

    def notes(self, everything: bool = True) -> list[str]:
        """Each note once, with the models it is about unless it is about all, or about none."""
        about: dict[str, list[str]] = {}
        for note in self.section.notes:
            if everything or note.headline:
                about.setdefault(note.text, []).extend(note.models)
        return [
            text if len(models) in (0, len(self.results)) else f"{', '.join(models)}: {text}"
            for text, models in about.items()
        ]

    def with_comparison(self, comparisons: Sequence[BenchmarkComparison]) -> BenchmarkSection:
        """The section with the comparison of its models on the same images."""
        first = self.results[0]
        wanted = (first.benchmark, first.data, first.protocol, self.section.variant)
        known = (each for each in comparisons if (each.benchmark, each.data, each.protocol, each.variant) == wanted)
        doubts = {result.name: result.doubt for result in self.results if result.doubt}
        return replace(self, compared=next((replace(each, doubts=doubts) for each in known), None))

    def with_figures_across(self, all_shown: Sequence[BenchmarkSection]) -> BenchmarkSection:
        """The section; the first of several variants begins with the figures that need all of them."""
        kin = [other for other in all_shown if other.kind() == self.kind()]
        if len(kin) < 2 or kin[0].anchor != self.anchor:
            return self
        results = [result for other in kin for result in other.results]
        charts = [*figures_across(results), *self.section.charts]
        return replace(self, section=replace(self.section, charts=charts))

    def with_winner(self) -> BenchmarkSection:
        """The section; headings that may name a winner do so where one model is alone in first place."""
        column = self.section.headline
        named = [chart for chart in self.section.charts if column and _is_about(chart, column)]
        first = self.alone(column)[0] if column and named and len(self.results) > 1 else ""
        if column is None or not first:
            return self
        score = score_of(next(result for result in self.results if result.name == first), column)
        assert score is not None
        assert score.value is not None, "a model without a value has no place"
        value = formatting.number(score.value, score.unit)
        charts = [
            replace(chart, title=f"{first} {chart.winner} {value} %")
            if isinstance(chart, Dots) and chart in named
            else chart
            for chart in self.section.charts
        ]
        return replace(self, section=replace(self.section, charts=charts))

    def kind(self) -> tuple[str, ...]:
        """What sections that differ by their variant alone have in common."""
        first = self.results[0]
        return first.benchmark, first.data, first.protocol

    def heading_parts(self) -> tuple[str, ...]:
        """What a section's heading says beside its benchmark."""
        first = self.results[0]
        return (first.data, *self.section.variant, f"protocol {first.protocol}")

    def with_flips(self) -> BenchmarkSection:
        """The section with a figure of the flips of every two of few models, and pictures that were right before."""
        names = {result.name for result in self.results}
        pairs = [each for each in self.compared.flips if {each.first, each.second} <= names] if self.compared else []
        if not pairs or self.compared is None or len(names) > FLIP_MODELS:
            return self
        charts: list[Chart] = [chart for number, pair in enumerate(pairs, 1) for chart in _flip_charts(pair, number)]
        hung = [
            (
                pair.second,
                Gallery(
                    f"Right under {pair.first}, wrong under {pair.second}",
                    f"Negative flips: right under {pair.first}, whose answer is named as the one before, and wrong "
                    f"under {pair.second}; those that it is surest of, no photograph twice. "
                    f"{pair.flipped:,} pictures qualify.",
                    pair.samples,
                ),
            )
            for pair in pairs
            if pair.samples
        ]
        section = self.section
        charts, galleries = [*section.charts, *charts], [*section.galleries, *hung]
        changed = [pair for pair in pairs if len(pair.changes) > 1 and not pair.has_equal_answers]
        grids = [*section.grids, *map(_changes, changed)]
        return replace(self, section=replace(section, charts=charts, galleries=galleries, grids=grids))


def score_of(result: Result, column: Column) -> Score | None:
    """The score that a column shows of a result."""
    return next((s for s in result.scores if (s.metric, s.condition) == (column.metric, column.condition)), None)


def sections(
    results: Sequence[Result], comparisons: Sequence[BenchmarkComparison] = (), *, figures: bool = True
) -> list[BenchmarkSection]:
    """The sections of results, in the order of the paper's experiments, then of their names.

    Args:
        results: sorted as `hardiness.results.results` gives them.
        comparisons: of the models on the same images, where they are known.
        figures: whether with all that a table leaves out, as `section_of` says.
    """
    found = []
    for _, group in groupby(results, key=group_of):
        together = with_own_names(list(group))
        section = section_of(together, figures=figures)
        if figures and all(result.run.has_own_classes for result in together):
            section = with_classes(section, together)
        found.append(BenchmarkSection(together, section))
    found.sort(key=lambda shown: (shown.section.place, shown.full_heading))
    compared = [shown.with_comparison(comparisons) for shown in found]
    return [shown.with_flips().with_figures_across(found).with_winner() for shown in compared] if figures else compared


FLIP_MODELS, FLIP_ROWS = 3, 20
"""Models up to which a section shows the flips of every two, and rows of a figure of them."""


def _changes(pair: PairFlips) -> Grid:
    """What each class's recall gained, with an interval; the classes that lost most first."""
    rows = []
    for name, change in _first(pair.changes, pair.small):
        ends = (change.interval.low, change.interval.high) if change.interval else (None, None)
        cells = tuple(None if each is None else GridCell(each, shaded=False) for each in (change.value, *ends))
        rows.append((f"{name} ({change.n:,})", cells))
    title = (
        f"recall by class, less that of {pair.first}, with intervals that hold for all classes at once; {pair.changed}"
    )
    return Grid(pair.second, title, "class", ("change", "from", "to"), tuple(rows))


def _flip_charts(pair: PairFlips, number: int) -> Iterator[Dots]:
    """The share of pictures that either of two models alone answers rightly, by condition and by class."""
    if pair.has_equal_answers:
        return
    overall = pair.overall
    title = (
        f"{formatting.number(pair.differing, 'fraction')} % of answers differ between {pair.first} and {pair.second}: "
        f"{formatting.number(overall.negative.value, 'fraction')} % were right and are wrong, "
        f"{formatting.number(overall.positive.value, 'fraction')} % the reverse"
    )
    conditions = [(str(condition) or "clean", flips) for condition, flips in pair.conditions]
    by = [("flips", title, pair.kinds or (conditions if len(conditions) > 1 else ()), 0)]
    if len(pair.classes) > 1:
        by.append(("flips_by_class", f"Flips from {pair.first} to {pair.second}, by class", pair.classes, pair.small))
    for name, heading, parts, small in by:
        rows = {each.replace("_", " "): flips for each, flips in _first(parts, small)}
        every = [overall, *rows.values()]
        most = max(max(flips.negative.interval.high, flips.positive.interval.high) for flips in every)
        single, rest = (len(parts) - 1, ", and those of few images together") if small else (len(parts), "")
        shown = len(rows) - bool(small)
        left = f" The {shown} of {single} with most negative flips{rest}." if shown < single else ""
        yield Dots(
            name=f"{name}_{number}",
            title=heading,
            caption=f"Of all pictures, those that one model alone answers rightly, with 95 % intervals: under "
            f"{pair.first} alone are its negative flips to {pair.second}.{left}",
            label="share of pictures that this model alone answers rightly",
            ends=("", ""),
            all_rows="all pictures",
            rows=tuple(rows),
            observers=(_alone(pair.first, "negative", overall, rows), _alone(pair.second, "positive", overall, rows)),
            limit=next(limit for limit in (0.1, 0.2, 0.4, 0.6, 0.8, 1.0) if limit >= most - 1e-9),
            bars=True,
        )


Numbers = TypeVar("Numbers")


def _first(parts: Sequence[tuple[str, Numbers]], small: int) -> Sequence[tuple[str, Numbers]]:
    """As many parts as a figure has rows; small classes together, which are the last part, are always one of them."""
    rest = parts[-1:] if small else ()
    return [*parts[: min(FLIP_ROWS, len(parts)) - len(rest)], *rest]


def _alone(model: str, which: str, overall: Flips, rows: Mapping[str, Flips]) -> Observer:
    """What one of two models alone answers rightly, as the marks of a figure."""

    def score(flips: Flips) -> Score:
        share = getattr(flips, which)
        return Score(f"{which}_flips", share.value, "fraction", flips.n, share.interval)

    return Observer(model, score(overall), {name: score(flips) for name, flips in rows.items()})


def _is_about(chart: Chart, column: Column) -> bool:
    """Whether a figure may name a winner, and by the score of that column."""
    if not isinstance(chart, Dots) or not chart.winner:
        return False
    overall = [each.overall for each in chart.observers if each.overall is not None]
    return all((each.metric, each.condition) == (column.metric, column.condition) for each in overall)


def with_own_names(results: Sequence[Result]) -> list[Result]:
    """The results of one table; several of one name get behind it what tells them apart: an option, a seed."""
    return [
        replace(result, model=f"{result.model} ({text})") if text else result
        for result, text in zip(results, differences_of(results), strict=True)
    ]


@dataclass(frozen=True, slots=True)
class OverviewEntry:
    """One number of the overview.

    Attributes:
        score: the number; ``None`` where there is none.
        rank: its place among the models, where it has an interval.
        marks: what is amiss, in a word each; see `marks_of`.
        reason: why there is no number.
        exported: the marks of a table that stands alone; see `marks_in_export`.
    """

    score: Score | None = None
    rank: PlaceRange | None = None
    marks: tuple[str, ...] = ()
    reason: str = ""
    exported: tuple[str, ...] = ()

    @property
    def doubt(self) -> str:
        """The mark of a number that the report on an attack does not stand by; empty where there is none."""
        return next((mark for mark in self.marks if mark in (WITHDRAWN, NOT_CHECKED)), "")

    @property
    def text(self) -> str:
        """The value as people read it."""
        if self.score is None or self.score.value is None:
            return "undefined" if self.score else "–"
        return formatting.number(self.score.value, self.score.unit)

    @property
    def interval(self) -> str:
        """Its interval; empty where there is none."""
        return formatting.interval(self.score.interval, self.score.unit) if self.score and self.score.interval else ""

    @property
    def percent(self) -> float | None:
        """The value to sort by."""
        return None if self.score is None or self.score.value is None else round(100 * self.score.value, 6)


Places = Mapping[tuple[str, str, Condition], PlaceRange]
"""By the key of a run, a metric and its condition."""


def places_of(results: Sequence[Result], comparisons: Sequence[BenchmarkComparison] = ()) -> Places:
    """The places that the page and the terminal show; none where a benchmark has one model.

    Args:
        results: sorted by benchmark and data.
        comparisons: of the models on the same images; places go by overlap of intervals without them.
    """
    found = {}
    for shown in sections(results, comparisons, figures=False):
        for column in shown.section.columns if len(shown.results) > 1 else ():
            places = shown.places(column)
            for result in shown.results:
                if result.name in places:
                    found[result.run.key, column.metric, column.condition] = places[result.name]
    return found

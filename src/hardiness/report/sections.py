"""Results in sections, one for each table: what every renderer renders."""

from __future__ import annotations

import hashlib
import math
import re
from collections.abc import Collection, Iterable, Mapping, Sequence
from dataclasses import dataclass, replace
from functools import cached_property
from itertools import groupby

from hardiness.benchmarks.card import card_of
from hardiness.benchmarks.presentation import Column
from hardiness.core.condition import Condition
from hardiness.core.fact import DOUBTS
from hardiness.core.result import PARTIAL, Result, Score
from hardiness.report import format as formatting
from hardiness.report.charts import Chart, Dots
from hardiness.report.flip_figures import flip_charts, flip_gallery, recall_changes
from hardiness.report.marks import has_random_weights, is_of_earlier_code, marks_in_export, marks_of
from hardiness.report.notes import merged
from hardiness.report.own_classes import with_classes
from hardiness.report.places import PlaceRange, order_beyond_chance, places, ranks
from hardiness.report.right_answers import complement
from hardiness.report.section import Section, figures_across, section_of
from hardiness.report.views.slices import slice_charts
from hardiness.report.words import why_undefined
from hardiness.results.comparison import BenchmarkComparison
from hardiness.results.results import group_of
from hardiness.results.run_names import differences_of
from hardiness.results.same_rows import twins_of
from hardiness.statistics.comparison import ScoreComparison

FLIP_MODELS_MOST = 3
"""Models up to which a section shows the flips of every two."""

FLIP_PICTURES = 6
"""Pictures that flip, which the pairs of a section share."""


@dataclass(frozen=True)
class BenchmarkSection:
    """One benchmark on one data set: its results and their section."""

    results: Sequence[Result]
    section: Section
    compared: BenchmarkComparison | None = None

    @cached_property
    def twins(self) -> dict[str, str]:
        """Models whose run is that of another one under a second name, with that one; they have no place."""
        names = [result.name for result in self.results]
        return {names[later]: names[first] for later, first in twins_of([each.run for each in self.results]).items()}

    @cached_property
    def unplaced(self) -> frozenset[str]:
        """Models that have no place: those under a second name, and runs of earlier code."""
        return frozenset((*self.twins, *(each.name for each in self.results if is_of_earlier_code(each))))

    @property
    def paired(self) -> Sequence[ScoreComparison]:
        """The scores by which its models were compared; none where they were not."""
        return self.compared.scores if self.compared else ()

    def places(self, column: Column) -> dict[str, PlaceRange]:
        """The places of its models by one column: by paired comparison where there is one, else by their intervals.

        Of several models of which only one can have a place, none has: it would be the first of one.
        """
        comparison = self.comparison(column)
        scored = ((result, score_of(result, column)) for result in self.results)
        # What a report on an attack does not stand by has no place among the others.
        scores = {
            r.name: score
            for r, score in scored
            if score and not score.doubt and r.name not in self.unplaced and not has_random_weights(r)
        }
        by = places(comparison, list(scores)) if comparison is not None and comparison.ranks else ranks(scores)
        return by if len(by) > 1 or len(self.results) == 1 else {}

    @property
    def by_clusters(self) -> bool:
        """Whether all intervals of its columns are by clusters."""
        scores = [score_of(result, column) for result in self.results for column in self.section.columns]
        return are_by_clusters(scores)

    def entries(self, column: Column) -> dict[str, OverviewEntry]:
        """An entry of the overview for each of its models, by a column."""
        scores = {result.name: score for result in self.results if (score := score_of(result, column)) is not None}
        places = self.places(column)
        return {
            result.name: OverviewEntry(
                scores.get(result.name),
                places.get(result.name),
                marks_of(result, scores.get(result.name)),
                why_undefined(scores[result.name]) if result.name in scores else "not evaluated",
                marks_in_export(result, scores.get(result.name)),
            )
            for result in self.results
        }

    def alone(self, column: Column) -> tuple[str, str]:
        """The model that is alone in first place by a column, and that in last place; empty where a place is shared."""
        places = self.places(column)
        by_place = {standing.best: name for name, standing in places.items() if standing.best == standing.worst}
        return by_place.get(1, ""), by_place.get(len(places), "")

    def is_told_apart(self, column: Column, first: Result, second: Result) -> bool:
        """Whether two models' scores differ beyond chance."""
        comparison = self.comparison(column)
        if comparison is not None:
            for pair in ((first.name, second.name), (second.name, first.name)):
                if pair in comparison.pairs:
                    return comparison.is_told_apart(pair)
        one, other = score_of(first, column), score_of(second, column)
        return one is not None and other is not None and order_beyond_chance(one, other) != 0

    def comparison(self, column: Column) -> ScoreComparison | None:
        """The paired comparison of a column; ``None`` where not all of its models were compared."""
        names = {result.name for result in self.results} - self.unplaced
        # Where images failed or were not finished, scores are those of a part; compared are images that have all cells.
        score = (column.metric.removesuffix(PARTIAL), column.condition)
        comparisons = (
            comparison
            for comparison in self.paired
            if (comparison.metric.removesuffix(PARTIAL), comparison.condition) == score
        )
        return next((comparison for comparison in comparisons if names <= set(comparison.values)), None)

    def by_condition(self) -> tuple[str, tuple[Column, ...]]:
        """The key by which its first scores vary, e.g. ``corruption``, and a column for each value; else nothing.

        These are the parts of the headline: of mCE the error under each corruption, divided by AlexNet's, however few
        corruptions were run. Other scores that vary by the same key stand for no headline.
        """
        columns: dict[tuple[str, str], dict[Condition, Column]] = {}
        for result in self.results:
            card = card_of(result.run)
            for score in result.scores:
                (key, value), *others = [*score.condition.items(), ("", None)]
                if isinstance(value, str) and len(others) == 1 and key != "protocol":
                    title = card.named(score.condition)
                    is_right = self._shows_right_answers and score.metric == "error"
                    better = True if is_right else score.higher_is_better
                    column = Column(score.metric, score.condition, title, better, complement=is_right)
                    columns.setdefault((score.metric, key), {}).setdefault(score.condition, column)
        first_metrics: dict[str, str] = {}
        for (metric, key), by_value in columns.items():
            is_first = first_metrics.setdefault(key, metric) == metric
            if is_first and (len(by_value) > 2 or key == "corruption"):
                return key, tuple(by_value.values())
        return "", ()

    @property
    def _shows_right_answers(self) -> bool:
        """Whether its headline is a share of right answers, made of one of wrong ones: then its parts are too."""
        return self.section.headline is not None and self.section.headline.complement

    @property
    def anchor(self) -> str:
        """The name by which links find it: its heading in plain letters."""
        return re.sub(r"[^a-z0-9]+", "-", self.full_heading.lower()).strip("-")

    @property
    def short(self) -> str:
        """The first letters of links to its many samples and runs, which stay the same."""
        return f"s{hashlib.sha256(self.anchor.encode()).hexdigest()[:5]}"

    @property
    def full_heading(self) -> str:
        """Its heading with the protocol, by which it differs from every other section."""
        first = self.results[0]
        return self.heading if card_of(first.run).names_protocol else f"{self.heading}, {first.protocol}"

    @property
    def heading(self) -> str:
        """The benchmark, the data set and the variant."""
        first = self.results[0]
        return ", ".join([f"{first.benchmark} on {first.data}", *self.section.variant])

    def notes(self, everything: bool = True, without: Collection[str] = (), *, advised: bool = True) -> list[str]:
        """Each note once, with the models it is about unless it is about all, or about none.

        Args:
            everything: also those that are said on a full page alone.
            without: codes of facts that are left out.
            advised: whether they say what to do.
        """
        notes = [note for note in self.section.notes if everything or note.headline]
        return merged([note for note in notes if note.code not in without], len(self.results), advised=advised)

    def with_comparison(self, comparisons: Sequence[BenchmarkComparison]) -> BenchmarkSection:
        """The section with the comparison of its models on the same images."""
        first = self.results[0]
        identity = (first.benchmark, first.data, first.protocol, self.section.variant)
        own = (
            comparison
            for comparison in comparisons
            if (comparison.benchmark, comparison.data, comparison.protocol, comparison.variant) == identity
        )
        doubts = {result.name: result.doubt for result in self.results if result.doubt}
        return replace(self, compared=next((replace(comparison, doubts=doubts) for comparison in own), None))

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
        about_models = [chart for chart in self.section.charts if column and _is_about(chart, column)]
        first = self.alone(column)[0] if column and about_models and len(self.results) > 1 else ""
        if column is None or not first:
            return self
        score = score_of(next(result for result in self.results if result.name == first), column)
        assert score is not None
        assert score.value is not None, "a model without a value has no place"
        value = formatting.number(score.value, score.unit)
        charts = [
            replace(chart, title=f"{first} {chart.winner} {value} %")
            if isinstance(chart, Dots) and chart in about_models
            else chart
            for chart in self.section.charts
        ]
        return replace(self, section=replace(self.section, charts=charts))

    def kind(self) -> tuple[str, ...]:
        """The benchmark, data set and protocol, which sections have in common that differ by their variant alone."""
        first = self.results[0]
        return first.benchmark, first.data, first.protocol

    def heading_parts(self) -> tuple[str, ...]:
        """The parts of its heading beside its benchmark."""
        first = self.results[0]
        return (first.data, *self.section.variant, f"protocol {first.protocol}")

    def with_flips(self) -> BenchmarkSection:
        """The section with a figure of the flips of every two of few models, and pictures that were right before."""
        names = {result.name for result in self.results}
        pairs = [each for each in self.compared.flips if {each.first, each.second} <= names] if self.compared else []
        if not pairs or self.compared is None or len(names) > FLIP_MODELS_MOST:
            return self
        section = self.section
        charts = [
            *section.charts,
            *(chart for number, pair in enumerate(pairs, 1) for chart in flip_charts(pair, number)),
        ]
        flipped = [pair for pair in pairs if pair.samples]
        shown = FLIP_PICTURES // max(1, len(flipped))
        galleries = [*section.galleries, *((pair.second, flip_gallery(pair, shown)) for pair in flipped)]
        grids = [
            *section.grids,
            *(recall_changes(pair) for pair in pairs if len(pair.changes) > 1 and not pair.has_equal_answers),
        ]
        return replace(self, section=replace(section, charts=charts, galleries=galleries, grids=grids))


def are_by_clusters(scores: Iterable[Score | None]) -> bool:
    """Whether all intervals of some scores are by clusters; false where there is none."""
    clusters = [score.clusters for score in scores if score and score.interval]
    return bool(clusters) and all(clusters)


def score_of(result: Result, column: Column) -> Score | None:
    """The score that a column shows of a result."""
    score = next((s for s in result.scores if (s.metric, s.condition) == (column.metric, column.condition)), None)
    return complement(score) if score is not None and column.complement else score


def sections(
    results: Sequence[Result], comparisons: Sequence[BenchmarkComparison] = (), *, figures: bool = True
) -> list[BenchmarkSection]:
    """The sections of results, in the order of the paper's experiments, then of their names.

    Args:
        results: sorted as `hardiness.results.results` gives them.
        comparisons: of the models on the same images, where they are known.
        figures: whether with all that a table leaves out, as `section_of` says.
    """
    tables = []
    for table in _best_first([with_own_names(list(group)) for _, group in groupby(results, key=group_of)]):
        section = section_of(table, figures=figures)
        if figures and all(result.run.has_own_classes for result in table):
            section = with_classes(section, table)
        if figures and any(result.slices for result in table):
            section = replace(section, charts=[*section.charts, *slice_charts(table)])
        tables.append(BenchmarkSection(table, section))
    tables.sort(key=lambda shown: (shown.section.place, shown.full_heading))
    compared = [shown.with_comparison(comparisons) for shown in tables]
    return [shown.with_flips().with_figures_across(tables).with_winner() for shown in compared] if figures else compared


def _best_first(tables: Sequence[list[Result]]) -> list[list[Result]]:
    """The tables, with models everywhere in the order of the first headline that all of them have, the best first.

    Where no headline has all of them, it is the first of those that most have; who has none comes last.
    """
    names = {result.name for table in tables for result in table}
    values: dict[str, float] = {}
    for table in sorted(tables, key=lambda table: card_of(table[0].run).place_of(table[0].run)):
        card = card_of(table[0].run)
        column = card.headline_of(card.columns_of(table))
        scores = {result.name: score_of(result, column) for result in table} if column else {}
        sign = -1 if column and column.higher_is_better else 1
        own = {name: sign * score.value for name, score in scores.items() if score and score.value is not None}
        if len(own) > len(values):
            values = own
        if values.keys() == names:
            break
    return [sorted(table, key=lambda result: values.get(result.name, math.inf)) for table in tables]


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
        return next((mark for mark in self.marks if mark in DOUBTS), "")

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
"""Places of models by the key of a run, a metric and its condition."""


def places_of(results: Sequence[Result], comparisons: Sequence[BenchmarkComparison] = ()) -> Places:
    """The places that the page and the terminal show; none where a benchmark has one model.

    Args:
        results: sorted by benchmark and data.
        comparisons: of the models on the same images; places go by overlap of intervals without them.
    """
    by_score = {}
    for shown in sections(results, comparisons, figures=False):
        for column in shown.section.columns if len(shown.results) > 1 else ():
            places = shown.places(column)
            for result in shown.results:
                if result.name in places:
                    by_score[result.run.key, column.metric, column.condition] = places[result.name]
    return by_score

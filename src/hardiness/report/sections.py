"""Results in sections, one for each table: what every renderer renders."""

from __future__ import annotations

import hashlib
import re
from collections.abc import Sequence
from dataclasses import dataclass, replace
from itertools import groupby

from hardiness.core import Chart, Column, Dots, Result, Score, Section
from hardiness.report import format as formatting
from hardiness.report.ranking import Standing, places, ranks, told_apart
from hardiness.scoring.card import card_of
from hardiness.scoring.own_names import differences_of
from hardiness.scoring.results import group_of
from hardiness.scoring.statistics.benchmark_comparison import BenchmarkComparison
from hardiness.scoring.statistics.comparison import Compared


@dataclass(frozen=True)
class BenchmarkSection:
    """One benchmark on one data set: its results and what their card wants shown of them."""

    results: Sequence[Result]
    section: Section
    compared: BenchmarkComparison | None = None

    @property
    def paired(self) -> Sequence[Compared]:
        """The scores by which its models were compared; none where they were not."""
        return self.compared.scores if self.compared else ()

    def places(self, column: Column) -> dict[str, Standing]:
        """The places of its models by one column: by paired comparison where there is one, else by their intervals.

        Of several models of which only one can have a place, none has: it would be the first of one.
        """
        found = self.comparison(column)
        known = ((result, score_of(result, column)) for result in self.results)
        # What a report on an attack does not stand by has no place among the others.
        scores = {result.name: score for result, score in known if score and not score.doubt}
        by = places(found, list(scores)) if found is not None and found.ranks else ranks(scores)
        return by if len(by) > 1 or len(self.results) == 1 else {}

    def alone(self, column: Column) -> tuple[str, str]:
        """The model that is alone in first place by a column, and that in last place; empty where a place is shared."""
        found = self.places(column)
        by_place = {standing.best: name for name, standing in found.items() if standing.best == standing.worst}
        return by_place.get(1, ""), by_place.get(len(found), "")

    def is_told_apart(self, column: Column, first: Result, second: Result) -> bool:
        """Whether two models' scores differ beyond chance."""
        found = self.comparison(column)
        if found is not None:
            pair = found.pairs.get((first.name, second.name)) or found.pairs.get((second.name, first.name))
            if pair is not None:
                return found.told(pair)
        one, other = score_of(first, column), score_of(second, column)
        return one is not None and other is not None and told_apart(one, other) != 0

    def comparison(self, column: Column) -> Compared | None:
        """The paired comparison of a column; ``None`` where not all of its models were compared."""
        names = {result.name for result in self.results}
        wanted = (column.metric, column.condition)
        known = (each for each in self.paired if (each.metric, each.condition) == wanted)
        return next((each for each in known if names <= set(each.values)), None)

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
        """Each note once, with the models it is about unless it is about all."""
        about: dict[str, list[str]] = {}
        for note in self.section.notes:
            if everything or note.headline:
                about.setdefault(note.text, []).extend(note.models)
        return [
            text if len(models) == len(self.results) else f"{', '.join(models)}: {text}"
            for text, models in about.items()
        ]


def score_of(result: Result, column: Column) -> Score | None:
    """The score that a column shows of a result."""
    return next((s for s in result.scores if (s.metric, s.condition) == (column.metric, column.condition)), None)


def sections(results: Sequence[Result], comparisons: Sequence[BenchmarkComparison] = ()) -> list[BenchmarkSection]:
    """The sections of results, in the order of the paper's experiments, then of their names.

    Args:
        results: sorted as `hardiness.scoring.results` gives them.
        comparisons: of the models on the same images, where they are known.
    """
    found = []
    for _, group in groupby(results, key=group_of):
        together = with_own_names(list(group))
        found.append(BenchmarkSection(together, card_of(together[0].run).view(together)))
    found.sort(key=lambda shown: (shown.section.place, shown.full_heading))
    return [_with_winner(_with_figures_across(_compared(shown, comparisons), found)) for shown in found]


def _compared(shown: BenchmarkSection, comparisons: Sequence[BenchmarkComparison]) -> BenchmarkSection:
    """The section with the comparison of its models on the same images."""
    first = shown.results[0]
    wanted = (first.benchmark, first.data, first.protocol, shown.section.variant)
    known = (each for each in comparisons if (each.benchmark, each.data, each.protocol, each.variant) == wanted)
    doubts = {result.name: result.doubt for result in shown.results if result.doubt}
    return replace(shown, compared=next((replace(each, doubts=doubts) for each in known), None))


def _with_figures_across(shown: BenchmarkSection, all_shown: Sequence[BenchmarkSection]) -> BenchmarkSection:
    """The section; the first of several variants begins with the figures that need all of them."""
    kin = [other for other in all_shown if _kind(other) == _kind(shown)]
    if len(kin) < 2 or kin[0].anchor != shown.anchor:
        return shown
    results = [result for other in kin for result in other.results]
    charts = [*card_of(results[0].run).across(results), *shown.section.charts]
    return replace(shown, section=replace(shown.section, charts=charts))


def _with_winner(shown: BenchmarkSection) -> BenchmarkSection:
    """The section; headings that may name a winner do so where one model is alone in first place."""
    column = shown.section.headline
    named = [chart for chart in shown.section.charts if column and _is_about(chart, column)]
    first = shown.alone(column)[0] if column and named and len(shown.results) > 1 else ""
    if column is None or not first:
        return shown
    score = score_of(next(result for result in shown.results if result.name == first), column)
    assert score is not None
    assert score.value is not None, "a model without a value has no place"
    value = formatting.number(score.value, score.unit)
    charts = [
        replace(chart, title=f"{first} {chart.winner} {value} %")
        if isinstance(chart, Dots) and chart in named
        else chart
        for chart in shown.section.charts
    ]
    return replace(shown, section=replace(shown.section, charts=charts))


def _is_about(chart: Chart, column: Column) -> bool:
    """Whether a figure may name a winner, and by the score of that column."""
    if not isinstance(chart, Dots) or not chart.winner:
        return False
    overall = [each.overall for each in chart.observers if each.overall is not None]
    return all((each.metric, each.condition) == (column.metric, column.condition) for each in overall)


def _kind(shown: BenchmarkSection) -> tuple[str, ...]:
    first = shown.results[0]
    return first.benchmark, first.data, first.protocol


def with_own_names(results: Sequence[Result]) -> list[Result]:
    """The results of one table; several of one name get behind it what tells them apart: an option, a seed."""
    return [
        replace(result, model=f"{result.model} ({text})") if text else result
        for result, text in zip(results, differences_of(results), strict=True)
    ]

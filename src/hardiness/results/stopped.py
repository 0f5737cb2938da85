"""Runs before their whole is evaluated: a look at one, and which intervals of a stopped one hold."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace

import numpy as np

from hardiness.benchmarks.card import Baseline, Card
from hardiness.core.codes import Lack, RunRemark
from hardiness.core.condition import Condition
from hardiness.core.errors import UnknownNameError
from hardiness.core.fact import Fact
from hardiness.core.forms import json_form
from hardiness.core.request import Stop
from hardiness.core.result import Score
from hardiness.core.run import Run
from hardiness.core.table import RIGHT, ImageTable
from hardiness.reference.published_data import published_set
from hardiness.results.clustered import without_interval
from hardiness.results.metric_scores import code_of_own_metrics
from hardiness.results.runs import ScoredRun, digest_of
from hardiness.statistics.cells import cell_estimate
from hardiness.statistics.measures import WeightedSum
from hardiness.statistics.spreads.combined import cut
from hardiness.statistics.stopping import Companions, Headline, headline_of_cells, headline_of_share

Name = tuple[str, Condition]
"""Metric and condition of a score."""


@dataclass(frozen=True)
class Look:
    """The estimates by which a run may be stopped, with intervals that are valid at every look.

    Attributes:
        target: the half-width that is aimed at.
        baseline: what ratios divide by.
        companions: by metric, what other models answered on every image of the set.
    """

    target: float
    baseline: Baseline | None = None
    companions: Mapping[str, Companions] | None = None

    def at(self, card: Card, table: ImageTable, run: Run) -> dict[Name, Headline]:
        """The scores that a run may be stopped by, the headline first; none where nothing was evaluated.

        Args:
            card: of the run.
            table: what of it is looked at.
            run: what the table is of.
        """
        if not len(table):
            return {}
        population = population_of(run.data.name, run.data.samples)
        sums = card.sums(table, run, self.baseline)
        return {(each.metric, each.condition): self._headline(each, table, run, population) for each in sums}

    def _headline(self, score: WeightedSum, table: ImageTable, run: Run, population: int | None) -> Headline:
        name = f"{run.model.name}: {score.metric}"
        companions = (self.companions or {}).get(score.metric) if not score.condition else None
        answers = companions.values_of(table.ids) if companions else None
        evaluated = ~np.isnan(score.weighty).all(axis=1)
        if score.is_share and (companions is None or answers is None):
            values = score.values[evaluated, 0]
            # Of a share of some images, such as those answered with a cue, those that were seen to be none are no part.
            among = None if population is None else population - (len(table) - len(values))
            return headline_of_share(name, int(values.sum()), len(values), self.target, among)
        estimate = cell_estimate(table.ids, score.weighty, score.weights[score.weights != 0], population)
        if companions is not None and answers is not None:
            better = companions.correct(estimate, answers[evaluated], population)
            if better is estimate and score.is_share:
                return self._without_companions()._headline(score, table, run, population)
            estimate = better
        return headline_of_cells(name, estimate, self.target, population)

    def _without_companions(self) -> Look:
        return replace(self, companions=None)


def population_of(data: str, samples: int) -> int | None:
    """How many images the published set of that name has, where ``samples`` are all of it; else ``None``."""
    try:
        published = published_set(data)
    except UnknownNameError:
        return None
    return samples if samples == (published.read or published.images) else None


def with_looks(scores: Sequence[Score], looks: Mapping[Name, Headline]) -> list[Score]:
    """The scores with value, interval and number of images of a look, where it has them; others as they are.

    A score of which the look cannot say anything yet has no interval.
    """
    changed = []
    for score in scores:
        look = looks.get((score.metric, score.condition))
        if look is None or score.value is None:
            changed.append(score)
            continue
        spread = cut(look.spread) if look.spread and score.unit == "fraction" else look.spread
        changed.append(replace(score, value=look.value, spread=spread, n=look.n, lack=look.lack))
    return changed


MOST_COMPANIONS = 4
"""Companions of a run at most: more explain little, and each costs an image of what is known."""


def companions_of(run: ScoredRun, others: Sequence[ScoredRun]) -> list[ScoredRun]:
    """Runs of other models on the very same pictures, all of which they have answered; in the order of their keys."""
    return sorted(
        (each for each in others if _same_pictures(run, each) and each.counts().complete),
        key=lambda each: each.stored.key,
    )[:MOST_COMPANIONS]


def _same_pictures(run: ScoredRun, other: ScoredRun) -> bool:
    mine, its = run.stored.run, other.stored.run
    return run.stored.key != other.stored.key and (
        (mine.benchmark.name, mine.benchmark.options, mine.data.fingerprint, mine.seed, mine.conditions)
        == (its.benchmark.name, its.benchmark.options, its.data.fingerprint, its.seed, its.conditions)
    )


def look_at(target: float, baseline: Baseline | None, companions: Sequence[ScoredRun]) -> Look:
    """How a run is looked at, beside these companions."""
    columns: dict[str, list[np.ndarray]] = {}
    ids = None
    for each in companions:
        ids = each.table.ids
        for measurable in each.card.sums(each.table, each.stored.run, baseline):
            if not measurable.condition:
                columns.setdefault(measurable.metric, []).append(measurable.by_image())
        each.release()
    by_metric = {
        metric: Companions(ids, np.column_stack(values))
        for metric, values in columns.items()
        if ids is not None and not np.isnan(values).any()
    }
    return Look(target, baseline, by_metric)


def rows_of(table: ImageTable) -> int:
    """How many image-cells a table holds."""
    return int(np.count_nonzero(table[RIGHT] >= 0))


def at_stop(
    scores: Sequence[Score], run: ScoredRun, stop: Stop, runs: Sequence[ScoredRun], baseline: Baseline | None
) -> tuple[list[Score], Fact]:
    """The scores with the intervals that hold at a stop, and the fact that says which these are."""
    if stop.precision_target is None:
        return list(scores), Fact(RunRemark.STOPPED, {"policy": stop.policy})
    target = stop.precision_target
    if run.grouping.cluster:
        return list(scores), Fact(RunRemark.STOPPED, {"target": target, "in_clusters": True})
    companions = [each for each in runs if each.stored.key in stop.companions]

    def compute() -> list[Score]:
        look = look_at(target, baseline, companions)
        looks = look.at(run.card, run.table, run.stored.run)
        changed = zip(scores, with_looks(scores, looks), strict=True)
        return [new for old, new in changed if new is not old]

    origin = digest_of([json_form(stop), [each.digest for each in companions], baseline, *code_of_own_metrics()])
    changed = {(s.metric, s.condition): s for s in run.memo.record(list[Score], "stop", origin, compute)}
    if run.clusters:
        changed = {name: without_interval(score, Fact(Lack.CLUSTERS_AND_LOOKS)) for name, score in changed.items()}
    titles = tuple(dict.fromkeys(run.card.title(each.metric, each.condition) for each in changed.values()))
    helpers = tuple(each.stored.run.model.name for each in companions)
    fact = Fact(RunRemark.STOPPED, {"target": target, "scores": titles, "companions": helpers})
    return [changed.get((score.metric, score.condition), score) for score in scores], fact

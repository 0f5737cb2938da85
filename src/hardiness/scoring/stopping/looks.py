"""A look at a stored run before its whole is evaluated: its scores so far, with intervals valid at every look."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace

import numpy as np

from hardiness.core import Condition, ImageTable, Run, Score, UnknownNameError
from hardiness.reference.datasets import published_set
from hardiness.scoring.card import Baseline, Card
from hardiness.scoring.intervals import within
from hardiness.scoring.stopping.cells import cell_estimate
from hardiness.scoring.stopping.control import Companions, with_companions
from hardiness.scoring.stopping.rule import Headline, of_cells, of_share
from hardiness.scoring.stopping.weighted_sum import WeightedSum

Name = tuple[str, Condition]
"""Metric and condition of a score."""


@dataclass(frozen=True)
class Look:
    """What a run may be stopped by.

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

    def _headline(self, of: WeightedSum, table: ImageTable, run: Run, population: int | None) -> Headline:
        name = f"{run.model.name}: {of.metric}"
        companions = (self.companions or {}).get(of.metric) if not of.condition else None
        known = companions.of(table.ids) if companions else None
        seen = ~np.isnan(of.weighty).all(axis=1)
        if of.is_share and (companions is None or known is None):
            values = of.values[seen, 0]
            return of_share(name, int(values.sum()), len(values), self.target, population)
        found = cell_estimate(table.ids, of.weighty, of.weights[of.weights != 0], population)
        if companions is not None and known is not None:
            better = with_companions(found, known[seen], companions, population)
            if better is found and of.is_share:
                return self._without_companions()._headline(of, table, run, population)
            found = better
        return of_cells(name, found, self.target, population)

    def _without_companions(self) -> Look:
        return replace(self, companions=None)


def population_of(data: str, samples: int) -> int | None:
    """How many images the published set of that name has, where ``samples`` are all of it; else ``None``."""
    try:
        images = published_set(data).images
    except UnknownNameError:
        return None
    return images if samples == images else None


def with_looks(scores: Sequence[Score], looks: Mapping[Name, Headline]) -> list[Score]:
    """The scores with value, interval and number of images of a look, where it has them; others as they are.

    A score of which the look cannot say anything yet has no interval.
    """
    found = []
    for score in scores:
        look = looks.get((score.metric, score.condition))
        if look is None or score.value is None:
            found.append(score)
            continue
        interval = within(look.interval) if look.interval and score.unit == "fraction" else look.interval
        found.append(replace(score, value=look.value, interval=interval, n=look.n, interval_reason=look.reason))
    return found

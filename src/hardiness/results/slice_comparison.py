"""Models beside each other by slices of the pictures that all share: where one is better, and whether that differs."""

from __future__ import annotations

import math
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from itertools import combinations
from typing import Any

import numpy as np
from numpy.typing import NDArray

from hardiness.core.codes import Lack
from hardiness.core.condition import Condition
from hardiness.core.fact import Fact
from hardiness.results.measured import RunByImage
from hardiness.results.runs import ScoredRun
from hardiness.results.slices import SlicePartition
from hardiness.sources.files import shown
from hardiness.statistics.comparison import LEVEL, Difference, adjusted
from hardiness.statistics.estimate import Estimate
from hardiness.statistics.measures import Measurable
from hardiness.statistics.multiplicity import holm


@dataclass(frozen=True, slots=True)
class SliceDifference:
    """The difference of two models on the pictures with one value of a column.

    Attributes:
        value: of the column.
        first, second: the scores of the two.
        difference: the first less the second, adjusted by Holm for all values and pairs of models.
        clusters: of the pictures; 0 where each stands alone.
    """

    value: str
    first: float
    second: float
    difference: Difference
    clusters: int = 0


@dataclass(frozen=True)
class SlicedDifference:
    """Two models by one score and the values of a column, or of two together.

    Attributes:
        column: its name; ``"site+age"`` of two.
        metric, condition, title, unit, higher_is_better: which score.
        first, second: the models.
        overall: the first less the second on all pictures that both have.
        slices: of each value, the least favourable to the first model first.
        heterogeneity: p-value of "the difference is the same at all values", adjusted by Holm for all pairs; ``None``
            where too few values have enough pictures.
    """

    column: str
    metric: str
    condition: Condition
    title: str
    unit: str
    higher_is_better: bool
    first: str
    second: str
    overall: Difference
    slices: tuple[SliceDifference, ...]
    heterogeneity: float | None = None

    def better(self, difference: Difference) -> int:
        """1 where the first model is better by a difference, -1 where the second is, 0 where neither is known to be."""
        if not difference.is_told_apart:
            return 0
        return 1 if (difference.value > 0) == self.higher_is_better else -1

    @property
    def is_reversed(self) -> bool:
        """Whether the model that is better on all pictures is worse at a value, or each is better at another one."""
        signs = {self.better(self.overall), *(self.better(each.difference) for each in self.slices)}
        return {1, -1} <= signs

    def sentence(self, number: Callable[[float], str]) -> str:
        """Which model is better, at which values that is otherwise, and whether the difference differs between them.

        Args:
            number: a difference as people read it.
        """
        side = self.better(self.overall)
        names = (self.first, self.second) if side >= 0 else (self.second, self.first)
        sign = 1 if side >= 0 else -1

        def listed(wanted: int) -> str:
            named = [each for each in self.slices if self.better(each.difference) == wanted]
            return ", ".join(
                f"{shown(each.value)} ({number(sign * each.difference.value)}{_ends(each.difference, sign, number)})"
                for each in named
            )

        parts = []
        if side:
            parts.append(f"better on average ({number(sign * self.overall.value)})")
        if better := listed(sign):
            parts.append(f"better at {self.column} {better}")
        if worse := listed(-sign):
            parts.append(f"worse at {self.column} {worse}")
        leads = " and ".join(parts) if parts else f"not known to differ on average or at any {self.column}"
        text = f"{names[0]} against {names[1]}, {self.title}: {leads}"
        if self.heterogeneity is None:
            return text
        p = "p < .001" if self.heterogeneity < 0.001 else f"p = {self.heterogeneity:.3f}".replace("0.", ".")
        differs = f"the difference is not the same at all {self.column} values"
        same = f"no value of {self.column} is known to change the difference"
        return f"{text}; {differs if self.heterogeneity < LEVEL else same} ({p})"


def _ends(difference: Difference, sign: int, number: Callable[[float], str]) -> str:
    if difference.interval is None:
        return ""
    low, high = sorted((sign * difference.interval.low, sign * difference.interval.high))
    return f", {number(low)} to {number(high)}"


@dataclass(frozen=True)
class _Parted:
    """One score of one run: of all shared pictures, and of each slice."""

    overall: tuple[Estimate, Fact | None]
    slices: Sequence[tuple[Estimate, Fact | None]]


def sliced_differences(
    runs: Mapping[str, ScoredRun],
    ids: NDArray[Any],
    scores: Sequence[Measurable],
    measured: Callable[[ScoredRun], RunByImage | None],
) -> tuple[SlicedDifference, ...]:
    """Every two runs by these scores and the columns that their grouping names.

    Args:
        runs: of one benchmark, by name; they have one grouping.
        ids: of the pictures that all share, sorted.
        scores: which.
        measured: gives a run by image, with its answers; they are let go before the next one is asked for.

    Raises:
        ArgumentError: the pictures have no such column, or it cannot part them.
    """
    first = next(iter(runs.values()))
    if not first.grouping.slices or not len(ids):
        return ()
    rows, clusters = np.searchsorted(first.table.ids, ids), first.clusters
    codes = None if clusters is None else clusters.codes_of(ids)
    partitions = [SlicePartition.of(each, rows, codes) for each in first.slices]
    parted: dict[str, list[list[_Parted]]] = {}
    about: RunByImage | None = None
    for name, run in runs.items():
        if by_image := measured(run):
            own = [_same(score, by_image) for score in scores]
            parted[name] = [[_parted(score, part, by_image, ids) for score in own] for part in partitions]
            about = about or by_image
        run.release()
    if about is None:
        return ()
    differences = [
        each
        for place, part in enumerate(partitions)
        for at, score in enumerate(scores)
        for each in _differences(part, score, about, {name: table[place][at] for name, table in parted.items()})
    ]
    return tuple(differences)


def _same(score: Measurable, run: RunByImage) -> Measurable:
    return next(each for each in run.scores if (each.metric, each.condition) == (score.metric, score.condition))


def _parted(score: Measurable, part: SlicePartition, run: RunByImage, ids: NDArray[Any]) -> _Parted:
    """A score of a run on the shared pictures, whose estimates' ids are places among these."""
    places = np.searchsorted(run.ids, ids)
    here = np.arange(len(ids))

    def of(chosen: NDArray[np.int64]) -> tuple[Estimate, Fact | None]:
        if not len(chosen):
            return Estimate(math.nan, chosen, np.zeros(0)), Fact(Lack.UNSEEN_SLICE)
        estimate = score.estimate(places[chosen])
        own = chosen if estimate.n == len(chosen) else np.searchsorted(places, estimate.ids)
        return replace(estimate, ids=own), score.lacks(places[chosen])

    pictures = [part.partition.places(k) for k in range(len(part.values))]
    return _Parted(of(here), [of(each) for each in pictures])


def _differences(
    part: SlicePartition, score: Measurable, about: RunByImage, runs: Mapping[str, _Parted]
) -> Iterator[SlicedDifference]:
    """Every two models by one score and column, adjusted together."""
    pairs = list(combinations(runs, 2))
    tests = [
        [
            part.partition.difference(one, other, score.span, lacks or lacks_too)
            for (one, lacks), (other, lacks_too) in zip(runs[first].slices, runs[second].slices, strict=True)
        ]
        for first, second in pairs
    ]
    among_others = iter(adjusted([test for row in tests for test in row]))
    unlike = [_heterogeneity(part, runs[first], runs[second]) for first, second in pairs]
    p_unlike = holm([math.nan if p is None else p for p in unlike]).tolist()
    for (first, second), p in zip(pairs, p_unlike, strict=True):
        one, other = runs[first], runs[second]
        overall = part.partition.difference(
            one.overall[0], other.overall[0], score.span, one.overall[1] or other.overall[1]
        )
        slices = [
            SliceDifference(value, one.slices[k][0].value, other.slices[k][0].value, next(among_others), clusters)
            for k, (value, clusters) in enumerate(zip(part.values, part.partition.cluster_counts, strict=True))
        ]
        sign = 1 if score.higher_is_better else -1
        yield SlicedDifference(
            part.name,
            score.metric,
            score.condition,
            about.title(score),
            about.unit(score),
            score.higher_is_better,
            first,
            second,
            overall,
            tuple(sorted(slices, key=lambda each: (math.isnan(each.first), sign * each.difference.value, each.value))),
            None if math.isnan(p) else p,
        )


def _heterogeneity(part: SlicePartition, first: _Parted, second: _Parted) -> float | None:
    """The p-value of "the difference is the same at all values"."""
    differences = [
        one - other if one.n and other.n and not (lacks or lacks_too) else None
        for (one, lacks), (other, lacks_too) in zip(first.slices, second.slices, strict=True)
    ]
    return part.partition.heterogeneity([each for each in differences if each is not None and each.n])

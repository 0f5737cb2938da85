"""Pictures that come in clusters, such as patients, scenes or bursts: what would be drawn anew are the clusters."""

from __future__ import annotations

import math
from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from typing import Any, NamedTuple

import numpy as np
from numpy.typing import NDArray

from hardiness.core.errors import ArgumentError
from hardiness.core.fact import Fact, too_few
from hardiness.core.result import ClusteredSpread
from hardiness.core.spread import Spread
from hardiness.statistics.estimate import Estimate, mean
from hardiness.statistics.intervals import known_by_clusters
from hardiness.statistics.spreads.combined import Combined, cut
from hardiness.statistics.spreads.means import AreaUnderCurve
from hardiness.statistics.spreads.shares import ClusteredShare, LowestShare

FEWEST_CLUSTERS = 8
"""Clusters below which nothing is said of how much a number varies over others."""

ENOUGH_CLUSTERS = 30
"""Clusters from which on intervals hold as often as they say, also where clusters are of unlike sizes."""

FEWEST_OF_EACH = 10
"""Clusters of each kind of picture without which a number that sets kinds against each other has no interval."""

FEWEST_DIFFERING = 2
"""Clusters that differ without which nothing is known of the spread of a number that nothing bounds."""


@dataclass(frozen=True, eq=False)
class Clusters:
    """The cluster of each picture.

    Attributes:
        ids: ``(N,)`` names of the pictures, sorted, each once.
        codes: ``(N,)`` int64, the cluster of each, from 0.
        name: of the column that says so.
    """

    ids: NDArray[Any]
    codes: NDArray[np.int64]
    name: str = "cluster"

    def count(self, ids: NDArray[Any] | None = None) -> int:
        """How many clusters some pictures come in, by default all; arguments and errors as of `codes_of`."""
        return int(np.count_nonzero(np.bincount(self.codes if ids is None else self.codes_of(ids))))

    def codes_of(self, ids: NDArray[Any]) -> NDArray[np.int64]:
        """The cluster of each of some pictures ``(n,)``.

        Args:
            ids: their names, or, where these are no numbers, their places among all.

        Raises:
            ArgumentError: one of them has no cluster.
        """
        if ids is self.ids or (len(ids) == len(self.ids) and bool(np.all(ids == self.ids))):
            return self.codes
        if ids.dtype.kind in "iu" and self.ids.dtype.kind not in "iu":
            return np.asarray(self.codes[ids])
        if not len(ids):
            return self.codes[:0]
        places = np.minimum(np.searchsorted(self.ids, ids), max(len(self.ids) - 1, 0))
        is_other = self.ids[places] != ids if len(self.ids) else np.ones(len(ids), bool)
        if np.any(is_other):
            picture = ids[np.flatnonzero(is_other)[0]]
            raise ArgumentError(f"each picture must have a {self.name}, and {picture!r} has none")
        return self.codes[places]

    def among(self, ids: NDArray[Any]) -> Clusters:
        """The clusters of some pictures alone; arguments and errors as of `codes_of`."""
        return self if ids is self.ids else Clusters(ids, self.codes_of(ids), self.name)

    def collapse(self, estimate: Estimate) -> Estimate:
        """The estimate as a number that rests on clusters, whose variance is that over other clusters like these.

        Differences, sums and ratios are formed by picture first and collapsed last. Clusters of one picture each leave
        every influence as it is, bit for bit.

        Args:
            estimate: whose ids are pictures.

        Source: Liang & Zeger (1986), doi:10.1093/biomet/73.1.13; Cameron & Miller (2015), doi:10.3368/jhr.50.2.317.
        """
        if not estimate.n:
            return estimate
        sizes = np.bincount(codes := self.codes_of(estimate.ids))
        clusters = np.flatnonzero(sizes)
        sums = np.bincount(codes, estimate.influence)[clusters].astype(np.float64, copy=False)
        by_cluster = Estimate(estimate.value, clusters, influence_of_clusters(sums, estimate.n))
        if by_cluster.n == estimate.n:
            return by_cluster
        answers = independent_answers(estimate.variance, by_cluster, estimate.n)
        return replace(
            by_cluster, answers=answers, units=telling_clusters(estimate.variance, by_cluster, sizes[clusters])
        )


def influence_of_clusters(sums: NDArray[np.float64], pictures: int) -> NDArray[np.float64]:
    """The influence of each cluster ``(G,)``: the sum of its pictures' influences times G over the number of pictures.

    Source: as of `Clusters.collapse`.
    """
    return sums if len(sums) == pictures else np.multiply(sums, len(sums) / pictures)


def independent_answers(variance: float, by_cluster: Estimate, pictures: int) -> float:
    """How many independent pictures would vary as much as clusters do: no fewer than there are clusters.

    Args:
        variance: of the number, were its pictures independent.
        by_cluster: the number by clusters.
        pictures: that it rests on.

    Source: Kish (1965), Survey Sampling, section 8.2, the design effect; Korn & Graubard (1998), for Student's t in it.
    """
    if not by_cluster.variance > 0 or not variance > 0:
        return by_cluster.n
    effect = by_cluster.variance / variance
    independent = pictures / effect * known_by_clusters(pictures, by_cluster.n)
    return min(max(independent, by_cluster.n), pictures)


def telling_clusters(variance: float, by_cluster: Estimate, sizes: NDArray[np.integer]) -> float | None:
    """Clusters that tell of the spread, where they are of unlike ``sizes (G,)``; ``None`` where all do.

    Each varies as its size and the correlation within clusters say.

    Args:
        variance: of the number, were its pictures independent.
        by_cluster: the number by clusters.
        sizes: pictures of each.

    Source: Satterthwaite (1946), Biometrics Bulletin 2, 110-114; Carter, Schnepel & Steigerwald (2017),
        doi:10.1162/REST_a_00639, that t by the number of clusters errs where a few are large.
    """
    if sizes.min() == sizes.max() or not by_cluster.variance > 0 or not variance > 0:
        return None
    effect = by_cluster.variance / variance
    pictures = sizes.astype(np.float64)
    correlation = min(max((effect - 1) / (float(pictures @ pictures) / float(pictures.sum()) - 1), 0.0), 1.0)
    variances = pictures * (1 + (pictures - 1) * correlation)
    return float(variances.sum() ** 2 / (variances @ variances))


class EstimateByCluster(NamedTuple):
    """An estimate that rests on clusters.

    Attributes:
        estimate: collapsed, so that its images are clusters.
        by_picture: as it was, whose images are pictures.
        of_kinds: clusters of each kind that the number sets against another.
    """

    estimate: Estimate
    by_picture: Estimate
    of_kinds: tuple[int, ...] = ()

    @property
    def telling(self) -> float:
        """The clusters that can tell of the spread at most; those of the kind that comes in fewest.

        Where clusters are of unlike sizes, as large a part of those of a kind tells as of all.
        """
        units = self.estimate.n if self.estimate.units is None else self.estimate.units
        return min(units, units / self.estimate.n * min(self.of_kinds)) if self.of_kinds else units

    @property
    def share(self) -> ClusteredShare:
        """How well a share is known; its value may be a mean over cells."""
        share, estimate = min(max(self.estimate.value, 0.0), 1.0), self.estimate
        if estimate.differing < FEWEST_DIFFERING:
            return ClusteredShare(share, 0.0, self.by_picture.n, estimate.n)
        return ClusteredShare(share, estimate.variance, self.by_picture.n, self.telling)

    def spread(self, low: float, high: float, *, signed: bool = False) -> Spread:
        """How well any other number is known, as of `Estimate.spread`, with clusters in place of images."""
        return self.estimate.spread(low, high, signed=signed, most_telling=self.telling)


def _no_pictures() -> Sequence[NDArray[Any]]:
    return ()


@dataclass(frozen=True, eq=False)
class EstimateBasis:
    """A score's estimate, made where it is needed, and what its interval by clusters has to know.

    Attributes:
        estimate: makes it; its ids are names of pictures, or places among those of the run's table.
        low, high: the least and the most that the number can be, as of `Estimate.spread`.
        signed: whether it is a sum in which cells count against others, as of `Estimate.spread`.
        ends: what the interval is cut to.
        kinds: the pictures of each kind that the number sets against another, such as errors and right answers, or
            the classes: the kind that comes in fewest clusters says how well the spread is known.
        fewest: clusters that each kind needs.
        names: of the kinds, in words.
        rule: the spread by clusters, where it is none of those of shares, bounded and unbounded numbers.
        has_two_tests: whether rules decide on it by two tests, as of `MeanOfCells`.
    """

    estimate: Callable[[], Estimate]
    low: float = -math.inf
    high: float = math.inf
    signed: bool = False
    ends: tuple[float, float] = (-math.inf, math.inf)
    kinds: Callable[[], Sequence[NDArray[Any]]] = _no_pictures
    fewest: int = FEWEST_OF_EACH
    names: str = "errors and of right answers"
    rule: Callable[[EstimateByCluster], Spread] | None = None
    has_two_tests: bool = False

    def spread(self, clusters: Clusters) -> ClusteredSpread:
        """How well the number is known over other clusters like these.

        A share has `ClusteredShare`; every other number that of its estimate with clusters in place of images.

        Raises:
            ArgumentError: a picture has no cluster.
        """
        estimate = self.estimate()
        by_cluster = EstimateByCluster(clusters.collapse(estimate), estimate)
        count = by_cluster.estimate.n
        of_kinds = tuple(clusters.count(ids) for ids in self.kinds())
        if reason := why_too_few(count) or self._why_too_few(of_kinds):
            return ClusteredSpread(count, None, reason)
        by_cluster = by_cluster._replace(of_kinds=of_kinds)
        if self.rule:
            spread = self.rule(by_cluster)
        elif (self.low, self.high) == (0, 1) and estimate.is_share:
            spread = by_cluster.share
        else:
            is_bounded = math.isfinite(self.low) and math.isfinite(self.high)
            differing = by_cluster.estimate.differing
            if differing < FEWEST_DIFFERING and (self.signed or not is_bounded):
                few = too_few((FEWEST_DIFFERING, "clusters that differ"), had=(differing,))
                return ClusteredSpread(count, None, few)
            spread = (
                by_cluster.estimate.spread_of_cells(self.high)
                if self.has_two_tests
                else by_cluster.spread(self.low, self.high, signed=self.signed)
            )
        return ClusteredSpread(count, cut(spread, *self.ends))

    def _why_too_few(self, of_kinds: Sequence[int]) -> Fact | None:
        if min(of_kinds, default=self.fewest) >= self.fewest:
            return None
        return too_few((self.fewest, f"clusters of each of {self.names}"), had=(min(of_kinds),))


def area_rule(first: int, second: int, share: float = 1.0) -> Callable[[EstimateByCluster], Spread]:
    """The rule of an area under the receiver operating curve: it reaches to `area_interval`, as that of pictures does.

    The influences of a good classifier vary too little where few of a kind tell: by them alone, 30 clusters of 50
    pictures that share half of their difficulty hold an area of .95 in 92 % of cases, and with this rule in 95 %.

    Args:
        first, second: pictures of either kind; fewer count, as many as vary as much as clusters do.
        share: as of `area_interval`.
    """

    def rule(by_cluster: EstimateByCluster) -> Spread:
        part = by_cluster.estimate.independent / by_cluster.by_picture.n
        area = AreaUnderCurve(by_cluster.estimate.value, first * part, second * part, share)
        return Combined((by_cluster.spread(0.0, 1.0), area))

    return rule


def clustered_share(estimate: Estimate, clusters: Clusters) -> ClusteredSpread:
    """How well a share of images, or a mean of such shares, is known over other clusters like these."""
    return EstimateBasis(lambda: estimate, 0.0, 1.0).spread(clusters)


def why_too_few(count: int) -> Fact | None:
    """Why so few clusters give no interval; ``None`` where they do."""
    return too_few((FEWEST_CLUSTERS, "clusters"), had=(count,)) if count < FEWEST_CLUSTERS else None


def basis_of_share(ids: NDArray[Any], counts: NDArray[np.generic]) -> EstimateBasis:
    """The basis of the share of pictures that count.

    Args:
        ids: ``(n,)`` of the pictures, or their places among those of the run's table, sorted.
        counts: ``(n,)`` whether each counts; NaN where it was not evaluated.
    """
    return EstimateBasis(lambda: mean(ids, counts), 0.0, 1.0)


def basis_of_difference(ids: NDArray[Any], differences: NDArray[np.float64]) -> EstimateBasis:
    """The basis of the mean of what each picture changes, ``(n,)`` in [-1, 1]; ``ids`` as of `basis_of_share`."""
    return EstimateBasis(lambda: mean(ids, differences), -1.0, 1.0, signed=True, ends=(-1.0, 1.0))


@dataclass(frozen=True, eq=False)
class WorstBasis:
    """The recalls of all classes, of which the score is the lowest.

    Attributes:
        recalls: makes the estimate of each class that has a picture; its ids are as of `EstimateBasis`.
    """

    recalls: Callable[[], Sequence[Estimate]]

    def spread(self, clusters: Clusters) -> ClusteredSpread:
        """How well the lowest recall is known over other clusters like these.

        Raises:
            ArgumentError: a picture has no cluster.

        Source: `LowestShare`.
        """
        recalls = self.recalls()
        count = clusters.count(np.concatenate([recall.ids for recall in recalls]))
        if reason := why_too_few(count):
            return ClusteredSpread(count, None, reason)
        shares = (EstimateByCluster(clusters.collapse(recall), recall).share for recall in recalls)
        lowest = min(recalls, key=lambda recall: recall.value)
        return ClusteredSpread(clusters.count(lowest.ids), LowestShare(tuple(shares)))

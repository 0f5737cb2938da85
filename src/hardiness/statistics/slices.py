"""Scores of slices of pictures: intervals that hold for all slices at once, the worst, the gap, and a mix of them."""

from __future__ import annotations

import math
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from hardiness.core.codes import Lack
from hardiness.core.fact import Fact, too_few
from hardiness.core.spread import Interval, Spread
from hardiness.statistics.alike import AlikeGroups, shares_p_as_rest
from hardiness.statistics.clusters import FEWEST_CLUSTERS, Clusters, EstimateByCluster, why_too_few
from hardiness.statistics.comparison import (
    APART,
    FEWEST,
    FEWEST_DIFFERING,
    LEVEL,
    UNPAIRED,
    Difference,
    adjusted,
    difference,
)
from hardiness.statistics.estimate import Estimate, telling_of
from hardiness.statistics.intervals import FEW_ANSWERS, proportion, within
from hardiness.statistics.spreads.combined import Among, Combined, Sum, cut
from hardiness.statistics.spreads.means import ExactlyBoundedMean, Mean, MeanWithoutSkew, Unseen
from hardiness.statistics.spreads.shares import ExactShare, WilsonShare

Floats = NDArray[np.float64]
Codes = NDArray[np.int64]


@dataclass(frozen=True, eq=False)
class Powers:
    """How much each of K numbers varies over other units like these: pictures, or clusters of them.

    Attributes:
        units: ``(K,)`` that each rests on.
        squares, cubes: ``(K,)`` sums of powers of the units' influences.
    """

    units: Codes
    squares: Floats
    cubes: Floats

    @property
    def variance(self) -> Floats:
        """``(K,)`` of each number."""
        return np.asarray(self.squares / np.maximum(self.units * np.maximum(self.units - 1, 1), 1))

    @property
    def skew(self) -> Floats:
        """``(K,)`` of each number."""
        deviations = self.squares**1.5
        return np.divide(self.cubes, deviations, out=np.zeros_like(deviations), where=deviations > 0)

    def of_rest(self, means: Floats, rest: Floats) -> Powers:
        """Those of each mean of all other slices' pictures ``(K,)``, from those of the slices' own means ``(K,)``."""
        shift = np.nan_to_num(means)[None, :] - np.nan_to_num(rest)[:, None]  # of slice j from the mean of all but k
        squares = self.squares + self.units * shift**2
        cubes = self.cubes + 3 * shift * self.squares + self.units * shift**3
        sums = (np.sum(powers * (1.0 - np.eye(len(means))), axis=1) for powers in (squares, cubes))
        return Powers(self.units.sum() - self.units, *sums)


@dataclass(frozen=True, eq=False)
class InfluencePowers(Powers):
    """How much each of K numbers varies, and how well its units tell that.

    Attributes:
        fourths: ``(K,)`` sums of the fourth powers of the units' influences.
        differing: ``(K,)`` units whose influence is another than the median's.
    """

    fourths: Floats
    differing: Codes

    def telling(self, k: int) -> int:
        """Units that tell of the spread of one number, as `telling_of` counts them."""
        return telling_of(float(self.squares[k]), float(self.fourths[k]), int(self.units[k]), int(self.differing[k]))

    @classmethod
    def of_estimates(cls, estimates: Sequence[Estimate]) -> InfluencePowers:
        """The spread of some estimates."""
        squares, cubes, fourths = np.array([_power_sums(each.influence) for each in estimates]).reshape(-1, 3).T
        units, differing = (
            np.array([getattr(each, name) for each in estimates], np.int64) for name in ("n", "differing")
        )
        return cls(units, squares, cubes, fourths, differing)


class LeadOverRest(NamedTuple):
    """By how much each of K values is above the rest, as far as its own spread and that of the rest tell.

    Attributes:
        variance, skew: ``(K,)`` of value less rest.
        degrees: ``(K,)`` of freedom, by which the variance is known.
    """

    variance: Floats
    skew: Floats
    degrees: Floats

    @classmethod
    def of(cls, own: Powers, rest: Powers) -> LeadOverRest:
        """The lead of values whose pictures the rest has none of.

        Source: Satterthwaite (1946), Biometrics Bulletin 2, 110-114.
        """
        variance = own.variance + rest.variance
        third = own.skew * own.variance**1.5 - rest.skew * rest.variance**1.5
        skew = np.divide(third, variance**1.5, out=np.zeros_like(variance), where=variance > 0)
        lost = sum(each.variance**2 / np.maximum(each.units - 1, 1) for each in (own, rest))
        return cls(variance, skew, np.divide(variance**2, lost, out=np.ones_like(variance), where=lost > 0))

    def at_least(self, groups: AlikeGroups) -> LeadOverRest:
        """The lead, which varies no less than it would if all groups were alike."""
        least = np.maximum(self.variance, groups.lead_variance)
        times = np.divide(self.variance, least, out=np.ones_like(least), where=least > 0)
        return LeadOverRest(least, self.skew * times**1.5, self.degrees)


def _power_sums(influences: Floats) -> tuple[float, float, float]:
    """The sums of second, third and fourth powers."""
    squares = influences * influences
    return float(squares.sum()), float(np.sum(squares * influences)), float(np.sum(squares * squares))


def _differing(influences: Floats) -> int:
    return Estimate(0.0, influences, influences).differing


@dataclass(frozen=True, eq=False)
class SlicedEstimate:
    """A score of each of K slices, which share no picture, and of all other pictures that are in a slice.

    Attributes:
        value, n: ``(K,)``, NaN and 0 of a slice without a picture.
        variation: of the values.
        rest, rest_n: of all pictures of the other slices, by slice.
        lead: how much value less rest varies.
        p_if_alike: ``(K,)`` two-sided p-values of "as the rest", by what holds if all slices are alike; 1 where a
            slice has no value.
        correlation: ``(K, K)`` of the values, where clusters have pictures of several slices; ``None`` where none has.
        hits: ``(K,)`` pictures that count, of a share.
        range: the least and the most that the score can be.
        signed: whether cells count against others, as `Estimate.interval` says.
        lacks: of each slice why it is too few for an interval; ``None`` where it is not.
        own_spreads: of each slice how well its score is known, where the score has another method than these; else
            ``None``.
        by_cluster: the value of each slice over clusters; empty where each picture stands alone.
    """

    value: Floats
    n: Codes
    variation: InfluencePowers
    rest: Floats
    rest_n: Codes
    lead: LeadOverRest
    p_if_alike: Floats
    correlation: Floats | None = None
    hits: Codes | None = None
    range: tuple[float, float] = (0.0, 1.0)
    signed: bool = False
    lacks: Sequence[Fact | None] = ()
    own_spreads: Sequence[Spread | None] = ()
    by_cluster: Sequence[EstimateByCluster] = ()

    @property
    def is_clustered(self) -> bool:
        """Whether clusters are what would be drawn anew."""
        return bool(self.by_cluster)

    def _telling(self, k: int) -> int:
        """Units that tell of the spread of a slice's value."""
        return self.by_cluster[k].estimate.telling if self.by_cluster else self.variation.telling(k)

    def why_no_interval(self, k: int) -> Fact | None:
        """Why a slice has no interval; ``None`` where it has one."""
        if not self.n[k]:
            return Fact(Lack.UNSEEN_SLICE)
        if self.lacks and self.lacks[k]:
            return self.lacks[k]
        if self.is_clustered and self.variation.units[k] < FEWEST_CLUSTERS:
            return why_too_few(int(self.variation.units[k]))
        has_bounds = all(map(math.isfinite, self.range)) and not self.signed
        if not has_bounds and self.variation.differing[k] < FEWEST_DIFFERING:
            return too_few((FEWEST_DIFFERING, "pictures that differ"), had=(int(self.variation.differing[k]),))
        return None

    @property
    def judged(self) -> list[int]:
        """The slices that have an interval."""
        return [k for k in range(len(self.value)) if not self.why_no_interval(k)]

    def spread(self, k: int) -> Spread:
        """How well the score of one slice is known; of shares exact, and of clusters by how much these differ.

        Source: `clopper_pearson`, of shares and, by the number of independent answers that would vary as much, of
            other numbers that are bounded; `skewed_student` of those that are not.
        """
        value, n, low, high = float(self.value[k]), int(self.n[k]), *self.range
        if self.own_spreads and (own := self.own_spreads[k]) is not None:
            return cut(own, low, high)
        if self.hits is not None:
            return self.by_cluster[k].share if self.is_clustered else ExactShare(int(self.hits[k]), n)
        variance, differing = float(self.variation.variance[k]), int(self.variation.differing[k])
        independent = self.by_cluster[k].estimate.independent if self.by_cluster else n
        if not (math.isfinite(low) and math.isfinite(high)) or self.signed:
            degrees, skew = max(self._telling(k) - 1, 1), float(self.variation.skew[k])
            by_error = Mean(value, math.sqrt(variance), skew, degrees)
            return cut(
                Combined((by_error, Unseen(value, independent, low, high))) if self.signed else by_error, low, high
            )
        width, units = high - low, int(self.variation.units[k])
        share = min(max((value - low) / width, 0.0), 1.0)
        # What varies more than a mean of so many answers can, as ratios do, is not bounded by so many answers.
        is_beyond = differing > 1 and 0 < share * (1 - share) < (1 - 1e-9) * (units - 1) * (variance / width**2)
        telling = max(self._telling(k), min(differing, 2))
        return ExactlyBoundedMean(value, variance, telling, 0 if is_beyond else units, independent, low, high)

    def interval(self, k: int, alpha: float = LEVEL) -> Interval:
        """The interval of one slice; ``alpha`` is one minus the coverage."""
        return self.spread(k).ends(alpha)

    def plain_interval(self, k: int) -> Interval:
        """The 95 % interval of one slice alone, as scores have it."""
        if self.hits is not None and not self.is_clustered:
            return proportion(int(self.hits[k]), int(self.n[k]))
        return self.interval(k)

    def simultaneous(self) -> dict[int, Spread]:
        """The spreads of all slices that have one, of whose intervals all hold in 95 % of cases at least.

        Source: Bonferroni.
        """
        judged = self.judged
        return {k: Among(self.spread(k), 1 / len(judged)) for k in judged}

    def extreme(self, side: int) -> Interval | None:
        """The interval of the lowest true value of any judged slice (``side`` -1), or of the highest (1).

        The lowest of several numbers that were seen is low by chance too. The lowest true one is that of some slice,
        whose own lower end lies below it, and below the upper end of every slice at its part of the level.

        Source: Berger (1982), doi:10.1080/00401706.1982.10487790, for the outer end; Bonferroni for the inner one.
        """
        judged = self.judged
        if not judged:
            return None
        alone = [self.interval(k) for k in judged]
        shared = [self.interval(k, LEVEL / len(judged)) for k in judged]
        if side < 0:
            return Interval(min(each.low for each in alone), min(each.high for each in shared))
        return Interval(max(each.low for each in shared), max(each.high for each in alone))

    def gap(self) -> tuple[float, Interval] | None:
        """The distance between the highest and the lowest true value of the judged slices, with its interval.

        Its lower end is the furthest that any two slices are surely apart, of all pairs at once; its upper end the
        furthest that any two may be apart, of each pair alone. ``None`` of fewer than two slices.

        Source: Zou & Donner (2008), doi:10.1002/sim.3095, for the interval of a difference from those of its parts;
            Berger (1982) and Bonferroni as in `extreme`.
        """
        judged = self.judged
        if len(judged) < 2:
            return None
        values = self.value[judged]
        among = len(judged) * (len(judged) - 1)
        ends = []
        for level in (LEVEL / among, LEVEL):
            intervals = [self.interval(k, level) for k in judged]
            below = values - np.array([each.low for each in intervals])
            above = np.array([each.high for each in intervals]) - values
            shared = np.zeros((len(judged), len(judged)))
            if self.correlation is not None:
                shared = self.correlation[np.ix_(judged, judged)]
            apart = values[:, None] - values[None, :]
            down = below[:, None] ** 2 + above[None, :] ** 2 - 2 * shared * below[:, None] * above[None, :]
            up = above[:, None] ** 2 + below[None, :] ** 2 - 2 * shared * above[:, None] * below[None, :]
            is_pair = ~np.eye(len(judged), dtype=bool)
            ends.append(
                (
                    float((apart - np.sqrt(np.maximum(down, 0)))[is_pair].max()),
                    float((apart + np.sqrt(np.maximum(up, 0)))[is_pair].max()),
                )
            )
        value = float(values.max() - values.min())
        most = self.range[1] - self.range[0]
        return value, within(Interval(max(ends[0][0], 0.0), max(ends[1][1], value)), 0.0, most)

    def average(self, shares: Floats) -> Interval:
        """The interval of the sum of values times these shares ``(K,)``, of which all with a share are judged.

        Source: Zou, Huang & Zhang (2009), doi:10.1016/j.csda.2008.09.033: the limits of a sum from those of its parts.
        """
        there = np.flatnonzero(shares)
        value = float(shares[there] @ self.value[there])
        intervals = [self.plain_interval(k) for k in there.tolist()]
        down = shares[there] * (self.value[there] - np.array([each.low for each in intervals]))
        up = shares[there] * (np.array([each.high for each in intervals]) - self.value[there])
        shared = np.eye(len(there)) if self.correlation is None else self.correlation[np.ix_(there, there)]
        low, high = (math.sqrt(max(float(sides @ shared @ sides), 0.0)) for sides in (down, up))
        return within(Interval(value - low, value + high), *self.range)

    def against_rest(self) -> list[Difference]:
        """Each slice less all other pictures, adjusted by Holm for all slices; of two slices it is one test.

        Source: Holm (1979).
        """
        tests = [self._test_against_rest(k) for k in range(len(self.value))]
        return tests if len(tests) == 2 else adjusted(tests)  # of two each is the rest of the other

    def _test_against_rest(self, k: int) -> Difference:
        """The test of one slice: it differs where that is told both if all slices are alike and by its own spread.

        By its own spread alone a slice in which chance left no failure would surely differ; by that of all slices alone
        one of few pictures that vary more than those of others would.
        """
        value, rest = float(self.value[k]), float(self.rest[k])
        n = int(min(self.n[k], self.rest_n[k]))
        lack = self.why_no_interval(k)
        if not n or math.isnan(value) or math.isnan(rest):
            lack = Fact(Lack.UNSEEN_SLICE)
        elif not lack and n < FEWEST:
            lack = too_few((FEWEST, "pictures on either side"), had=(int(n),))
        elif not lack and not self.lead.variance[k]:
            lack = too_few((1, "pictures that differ"), had=(0,))
        if lack:
            return Difference(value - rest, n, APART, lack=lack)
        if self.hits is not None and not self.is_clustered:
            hits, others = int(self.hits[k]), int(self.hits.sum() - self.hits[k])

            sides = (_share(hits, int(self.n[k])),), (_share(others, int(self.rest_n[k])),)
            of_shares = Sum(value - rest, *sides)
            p = max(float(self.p_if_alike[k]), of_shares.level_reaching(0.0))
            return Difference.tested(value - rest, n, UNPAIRED, p, of_shares)
        error, skew, degrees = math.sqrt(self.lead.variance[k]), float(self.lead.skew[k]), float(self.lead.degrees[k])

        lead = MeanWithoutSkew(value - rest, error, skew, degrees)
        p = max(float(self.p_if_alike[k]), lead.level_reaching(0.0))
        return Difference.tested(value - rest, n, APART, p, lead)


def _share(hits: int, n: int) -> Spread:
    """A share with Wilson's interval, or with the exact one where there are few answers of a kind."""
    return ExactShare(hits, n) if min(hits, n - hits) < FEW_ANSWERS else WilsonShare(hits, n)


def _welch_p(values: Floats, variances: Floats, degrees: Floats) -> float:
    from scipy.special import fdtrc

    count, weights = len(values), 1 / variances
    mean = float(weights @ values / weights.sum())
    between = float(weights @ (values - mean) ** 2) / (count - 1)
    lost = float(np.sum((1 - weights / weights.sum()) ** 2 / degrees))
    statistic = between / (1 + 2 * (count - 2) / (count**2 - 1) * lost)
    return float(fdtrc(count - 1, (count**2 - 1) / (3 * lost), statistic))


def _hotelling_p(values: Floats, covariance: Floats, degrees: float) -> float | None:
    from scipy.special import fdtrc

    contrasts = np.eye(len(values))[:-1] - np.eye(len(values))[-1]
    rank = len(contrasts)
    if degrees < rank:
        return None
    apart, spread = contrasts @ values, contrasts @ covariance @ contrasts.T
    distance = float(apart @ np.linalg.pinv(spread, hermitian=True) @ apart)
    return float(fdtrc(rank, degrees - rank + 1, distance * (degrees - rank + 1) / (degrees * rank)))


class Partition:
    """The slices that some pictures are parted into, and their clusters, sorted once for all scores of these.

    Args:
        codes: ``(N,)`` the slice of each picture, from 0; -1 where it is in none.
        count: K, how many slices there are.
        clusters: ``(N,)`` the cluster of each picture, from 0; ``None`` where each stands alone.
    """

    def __init__(self, codes: Codes, count: int, clusters: Codes | None = None) -> None:
        self.codes, self.count, self.clusters = codes, count, clusters
        order = np.argsort(codes.astype(np.int32), kind="stable")
        self._order = order[np.searchsorted(codes[order], 0) :]
        self._bounds = np.searchsorted(codes[self._order], np.arange(count + 1))

    @property
    def n(self) -> Codes:
        """``(K,)`` pictures of each slice."""
        return np.diff(self._bounds)

    def places(self, k: int) -> Codes:
        """The places of the pictures of a slice, ascending."""
        first, last = self._bounds[k : k + 2].tolist()
        return np.asarray(self._order[first:last])

    def places_of_rest(self, k: int) -> Codes:
        """The places of the pictures of all other slices, ascending."""
        return np.flatnonzero((self.codes >= 0) & (self.codes != k))

    def means(self, values: Floats, low: float, high: float, *, signed: bool = False) -> SlicedEstimate:
        """The mean over each slice of the pictures' own values ``(N,)``, none of them NaN; of 0 and 1 it is a share.

        Arguments as of `SlicedEstimate`.
        """
        is_inside = bool(len(self._order) == len(values))
        own = values if is_inside else values[self._order]
        codes = self.codes if is_inside else self.codes[self._order]
        n = self.n
        counts = np.maximum(n, 1)
        sums = np.bincount(codes, own, self.count)
        value = np.where(n > 0, sums / counts, np.nan)
        is_share = (low, high) == (0.0, 1.0) and bool(np.all((own == 0) | (own == 1)))
        hits = np.rint(sums).astype(np.int64) if is_share else None
        rest_n = n.sum() - n
        rest = np.where(rest_n > 0, (sums.sum() - sums) / np.maximum(rest_n, 1), np.nan)
        if self.clusters is not None:
            own_estimates = [self._mean(values, self.places(k), value[k]) for k in range(self.count)]
            rests = [self._mean(values, self.places_of_rest(k), rest[k]) for k in range(self.count)]
            return self._clustered(own_estimates, rests, hits, (low, high), signed=signed)
        spread = self._shares_spread(hits, n) if hits is not None else self._spread(values, value, own, codes)
        groups = AlikeGroups.of(own, codes, self.count)
        p_if_alike = groups.p_as_rest() if hits is None else shares_p_as_rest(hits, n)
        lead = LeadOverRest.of(spread, spread.of_rest(value, rest)).at_least(groups)
        return SlicedEstimate(value, n, spread, rest, rest_n, lead, p_if_alike, None, hits, (low, high), signed)

    def _shares_spread(self, hits: Codes, n: Codes) -> InfluencePowers:
        share = np.asarray(hits / np.maximum(n, 1), np.float64)
        squares = np.asarray(n * share * (1 - share), np.float64)
        fourths = squares * (1 - 3 * share * (1 - share))
        cubes = squares * (1 - 2 * share)
        return InfluencePowers(n, squares, cubes, fourths, np.minimum(hits, n - hits))

    def _spread(self, values: Floats, means: Floats, own: Floats, codes: Codes) -> InfluencePowers:
        deviations = own - means[codes]
        square = deviations * deviations
        cube = square * deviations
        squares, cubes, fourths = (
            np.asarray(np.bincount(codes, power, self.count), np.float64) for power in (square, cube, square * square)
        )
        differing = np.array([_differing(values[self.places(k)] - means[k]) for k in range(self.count)], np.int64)
        return InfluencePowers(self.n, squares, cubes, fourths, differing)

    def _mean(self, values: Floats, places: Codes, value: float) -> Estimate:
        return Estimate(float(value), places, values[places] - value)

    def _clustered(
        self,
        own: Sequence[Estimate],
        rests: Sequence[Estimate],
        hits: Codes | None,
        bounds: tuple[float, float],
        lacks: Sequence[Fact | None] = (),
        *,
        signed: bool,
    ) -> SlicedEstimate:
        """A score of each slice and of all other pictures, whose estimates' ids are places, over clusters."""
        clusters = self._clusters()
        by_cluster = [EstimateByCluster(clusters.collapse(each), each) for each in own]
        differences = [clusters.collapse(self._difference(*pair)) for pair in zip(own, rests, strict=True)]
        joint, others = (
            InfluencePowers.of_estimates(each) for each in (differences, [clusters.collapse(each) for each in rests])
        )
        spread, groups = InfluencePowers.of_estimates([each.estimate for each in by_cluster]), self._alike(own)
        degrees = np.maximum(np.minimum(spread.units, others.units) - 1, 1)
        return SlicedEstimate(
            np.array([each.value for each in own]),
            np.array([each.n for each in own], np.int64),
            spread,
            np.array([each.value for each in rests]),
            np.array([each.n for each in rests], np.int64),
            LeadOverRest(joint.variance, joint.skew, degrees).at_least(groups),
            groups.p_as_rest(),
            self._correlation(own),
            hits,
            bounds,
            signed,
            lacks,
            by_cluster=by_cluster,
        )

    def _alike(self, estimates: Sequence[Estimate]) -> AlikeGroups:
        """The groups that numbers of different pictures are of, whose ids are places; undefined ones have none."""
        defined = [(k, each) for k, each in enumerate(estimates) if not math.isnan(each.value)]
        places = np.concatenate([each.ids for _, each in defined] or [np.zeros(0, np.int64)])
        values = np.concatenate([each.value + each.influence for _, each in defined] or [np.zeros(0)])
        codes = np.repeat([k for k, _ in defined], [each.n for _, each in defined]).astype(np.int64)
        return AlikeGroups.of(values, codes, len(estimates), None if self.clusters is None else self.clusters[places])

    def _clusters(self) -> Clusters:
        """The clusters of all pictures by their places."""
        assert self.clusters is not None
        return Clusters(np.arange(len(self.clusters)), self.clusters)

    def _difference(self, first: Estimate, second: Estimate) -> Estimate:
        """The first less the second, of other pictures, as `Estimate.__sub__` gives it, without sorting them."""
        total = first.n + second.n
        influence, is_there = np.zeros(len(self.codes)), np.zeros(len(self.codes), bool)
        for estimate, sign in ((first, 1.0), (second, -1.0)):
            influence[estimate.ids] = sign * estimate.influence * (total / max(estimate.n, 1))
            is_there[estimate.ids] = True
        ids = np.flatnonzero(is_there)
        return Estimate(first.value - second.value, ids, influence[ids])

    def estimates(
        self,
        estimate: Callable[[Codes], Estimate],
        lacks: Callable[[Codes], Fact | None],
        low: float,
        high: float,
        own_spread: Callable[[Codes], Spread] | None = None,
        *,
        signed: bool = False,
    ) -> SlicedEstimate:
        """A score that is no mean of the pictures' own values, such as a calibration error, of each slice.

        Args:
            estimate, lacks: as of a `Measurable`.
            low, high, signed: as `SlicedEstimate`.
            own_spread: how well it is known, of pictures that each stand alone; ``None`` where that is by how much the
                estimate varies.
        """
        parts = [self.places(k) for k in range(self.count)]
        rests = [self.places_of_rest(k) for k in range(self.count)]
        empty = Estimate(math.nan, np.zeros(0, np.int64), np.zeros(0))
        own = [estimate(part) if len(part) else empty for part in parts]
        others = [estimate(rest) if len(rest) else empty for rest in rests]
        found = [lacks(part) if len(part) else Fact(Lack.UNSEEN_SLICE) for part in parts]
        found = [
            lack or (Fact(Lack.UNDEFINED) if math.isnan(each.value) else None)
            for lack, each in zip(found, own, strict=True)
        ]
        if self.clusters is not None:
            if own_spread is not None:
                found = [lack or Fact(Lack.CLUSTERS_AND_TESTS) for lack in found]
            return self._clustered(own, others, None, (low, high), found, signed=signed)
        spreads = [
            None if lack or own_spread is None else own_spread(part) for part, lack in zip(parts, found, strict=True)
        ]
        spread, groups = InfluencePowers.of_estimates(own), self._alike(own)
        return SlicedEstimate(
            np.array([each.value for each in own]),
            np.array([each.n for each in own], np.int64),
            spread,
            np.array([each.value for each in others]),
            np.array([each.n for each in others], np.int64),
            LeadOverRest.of(spread, InfluencePowers.of_estimates(others)).at_least(groups),
            groups.p_as_rest(),
            range=(low, high),
            signed=signed,
            lacks=found,
            own_spreads=spreads if own_spread else (),
        )

    def _correlation(self, estimates: Sequence[Estimate]) -> Floats | None:
        """The correlations of numbers of different pictures, whose ids are places; ``None`` without shared clusters."""
        if self.clusters is None:
            return None
        sums = np.zeros((int(self.clusters.max(initial=-1)) + 1, len(estimates)))
        is_there = np.zeros(sums.shape, bool)
        for k, each in enumerate(estimates):
            np.add.at(sums[:, k], self.clusters[each.ids], each.influence / max(each.n, 1))
            is_there[self.clusters[each.ids], k] = True
        if not np.any(is_there.sum(axis=1) > 1):
            return None
        covariance = sums.T @ sums
        sizes = np.sqrt(np.maximum(np.diag(covariance), 1e-300))
        return np.asarray(np.clip(covariance / np.outer(sizes, sizes), -1.0, 1.0))

    @property
    def cluster_counts(self) -> list[int]:
        """The clusters of each slice; 0 where each picture stands alone."""
        if self.clusters is None:
            return [0] * self.count
        return [len(np.unique(self.clusters[self.places(k)])) for k in range(self.count)]

    def difference(self, first: Estimate, second: Estimate, span: float, lacks: Fact | None) -> Difference:
        """The test of one score of two models on the same pictures, whose places are the estimates' ids.

        Arguments as of `difference`.
        """
        return difference(first, second, span, lacks, None if self.clusters is None else self._clusters())

    def heterogeneity(self, estimates: Sequence[Estimate]) -> float | None:
        """The p-value of "these numbers of different pictures are equal"; ``None`` where fewer than two can say.

        It is the larger one of two: if all are alike, and by the spread of each. Slices of fewer than `FEWEST` pictures
        are left out. A slice in which hardly any picture differs shows no spread of its own: it has that of all.

        Args:
            estimates: of some slices each, whose ids are places.

        Source: Welch (1951), doi:10.1093/biomet/38.3-4.330, where no cluster has pictures of two slices; else
            Hotelling (1931), doi:10.1214/aoms/1177732979, of the differences to the last slice.
        """
        fewest = 1 if self.clusters is None else FEWEST_CLUSTERS
        by_unit = [each if self.clusters is None else self._clusters().collapse(each) for each in estimates]
        judged = [k for k, each in enumerate(estimates) if each.n >= FEWEST and by_unit[k].n >= fewest]
        spread = InfluencePowers.of_estimates([by_unit[k] for k in judged])
        if len(judged) < 2 or int(spread.differing.sum()) < FEWEST_DIFFERING:
            return None
        chosen = [estimates[k] for k in judged]
        value, correlation = np.array([each.value for each in chosen]), self._correlation(chosen)
        pooled = float(spread.squares.sum() / (spread.units - 1).sum())
        is_thin = spread.differing < FEWEST_DIFFERING
        variance = np.where(is_thin, pooled / spread.units, spread.variance)
        p: float | None
        if correlation is None:
            p = _welch_p(value, variance, np.where(is_thin, spread.units.sum(), spread.units) - 1.0)
        else:
            deviations = np.sqrt(variance)
            p = _hotelling_p(value, correlation * np.outer(deviations, deviations), float(spread.units.max() - 1))
        return None if p is None else max(p, self._alike(chosen).heterogeneity())

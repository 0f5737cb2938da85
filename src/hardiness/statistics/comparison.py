"""Several models by one score: every pair's difference, with an interval, and their ranks."""

from __future__ import annotations

import math
from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass, field, replace
from itertools import combinations
from statistics import NormalDist
from typing import Any

import numpy as np
from numpy.typing import NDArray

from hardiness.core.codes import Lack
from hardiness.core.condition import Condition
from hardiness.core.errors import ArgumentError
from hardiness.core.fact import Fact, too_few
from hardiness.core.forms import fields_form, json_field
from hardiness.core.spread import Interval, Spread
from hardiness.statistics.clusters import (
    ENOUGH_CLUSTERS,
    Clusters,
    independent_answers,
    influence_of_clusters,
    telling_clusters,
    why_too_few,
)
from hardiness.statistics.estimate import Estimate, telling_of
from hardiness.statistics.intervals import skewed_student_p, unseen_difference, wilson
from hardiness.statistics.multiplicity import holm, holm_levels
from hardiness.statistics.paired_shares import mcnemar
from hardiness.statistics.spreads.combined import Combined, Sum, cut
from hardiness.statistics.spreads.differences import (
    ExactSides,
    PairedShares,
    SpreadOfDifference,
    TwoSides,
    UnseenDifference,
)
from hardiness.statistics.spreads.means import Mean
from hardiness.statistics.spreads.shares import WilsonShare

_BISECTIONS = 48

LEVEL = 0.05
"""P-values below it tell two models apart."""

FEWEST = 30
"""Images below which their spread says too little."""

FEWEST_DIFFERING = 10
"""Images on which two models must differ before one sees how they differ."""


EXACT = "paired: McNemar's mid-p, Tango's score interval"
MEAN = "paired over images, Student's t, with and without skew"
BOUNDED = "Wilson's intervals of what either model is ahead by, and all ways to flip signs"
UNPAIRED = "unpaired, different photographs: Newcombe's interval"
APART = "different photographs: Student's t, with and without skew"
BY_CLUSTER = "paired over clusters: Student's t"
UNLIKE_CLUSTERS = "paired over clusters of unlike sizes: Student's t by those that tell, with and without skew"
FEW_CLUSTERS = "paired over clusters: Wilson's intervals of what either model is ahead by, and all ways to flip signs"
CLUSTERS_APART = "different photographs: clusters, Student's t by Satterthwaite's degrees of freedom"

Pair = tuple[str, str]
"""Names of two models."""


@dataclass(frozen=True, slots=True)
class Difference:
    """A first number minus a second: one number with one spread, by itself or among others.

    Attributes:
        value: the difference, in the score's own unit.
        n: images behind it; of two different sets of photographs, the smaller.
        method: how interval and p were found.
        spread: how well it is known, by itself: what is shown, and by what rules decide. To rules it is exact where
            each image is right or wrong; else it allows for what the images did not show, as far as anything bounds
            that. ``None`` where there is no interval, and then ``lack`` says why.
        p: two-sided p-value of "there is no difference", after the adjustment for all others that it stands among;
            ``None`` where there is no interval.
        detectable: the smallest difference that this n would have found in four of five cases, alone.
        lack: why there is no interval, or why another method than the usual one was taken.
        clusters: that interval and p are over, of which either side has so many at least; 0 where each image stands
            alone.
        level: one minus the coverage of the interval: 0.05 of a difference alone, less where it is one of many.
    """

    value: float
    n: int
    method: str
    spread: Spread | None = None
    p: float | None = None
    detectable: float | None = None
    lack: Fact | None = None
    clusters: int = 0
    level: float = LEVEL

    @classmethod
    def tested(
        cls,
        value: float,
        n: int,
        method: str,
        p: float,
        shown: Spread,
        detectable: float | None = None,
        lack: Fact | None = None,
        clusters: int = 0,
        deciding: Spread | None = None,
    ) -> Difference:
        """The difference that has an interval, by itself.

        Args:
            value, n, method, detectable, lack, clusters: as of `Difference`.
            p: of "there is no difference", by itself.
            shown: the spread that comparisons show.
            deciding: that by which rules decide; ``None`` where it is the shown one.
        """
        spread = SpreadOfDifference(shown, p, deciding or shown)
        return cls(value, n, method, spread, p, detectable, lack, clusters)

    def among(self, p: float, level: float) -> Difference:
        """The difference among others: with its p-value adjusted for them, and the level of its interval."""
        return replace(self, p=p, level=level) if self.spread else self

    @property
    def interval(self) -> Interval | None:
        """Leaves out 0 exactly where ``p`` is below 0.05; ``None`` where none is defined."""
        return self.spread.ends(self.level) if self.spread else None

    @property
    def is_told_apart(self) -> bool:
        """Whether the interval leaves out zero."""
        return self.p is not None and self.p < LEVEL

    @property
    def can_hide_losses(self) -> bool:
        """Whether the interval may miss because images, or clusters, that one of two loses wholly are too few.

        They are fewer than 3 in n then, so that chance may show none.
        """
        shown, bound = self.interval, self.spread.bound if self.spread else None
        if shown is None or bound is None or self.method == EXACT:
            return False
        unseen = unseen_difference(self.value, *bound, self.level)
        return unseen.low < shown.low or unseen.high > shown.high

    def as_dict(self) -> dict[str, Any]:
        """The JSON form: its fields, the ends of its interval, and whether that may miss rare losses."""
        ends = self.interval
        interval = [ends.low, ends.high] if ends else None
        return {**fields_form(self), "interval": interval, "can_hide_losses": self.can_hide_losses}


def _test_paired_shares(first: NDArray[np.bool_], second: NDArray[np.bool_]) -> Difference:
    """The share that ``first`` gets right minus that of ``second``, on the same images: exact test, score interval.

    Source: `mcnemar`, `score_interval`, `detectable_paired`. Where the exact test tells less than the score test whose
        interval Tango's is, the interval reaches to 0; where it tells more, the score test's p is given.
    """
    only_first, only_second, n = int(np.sum(first & ~second)), int(np.sum(second & ~first)), len(first)
    differing = only_first + only_second
    score_p = math.erfc(abs(only_first - only_second) / math.sqrt(max(differing, 1)) / math.sqrt(2))
    return Difference.tested(
        (only_first - only_second) / n,
        n,
        EXACT,
        max(float(mcnemar(only_first, only_second)), score_p),
        PairedShares(only_first, only_second, n),
        detectable_paired(differing / n, n),
        deciding=exact_paired_difference(only_first, only_second, n),
    )


def exact_paired_difference(first_only: int, second_only: int, n: int) -> Spread:
    """How well a difference of two shares is known that errs on neither side more often than it says.

    Tango's interval by itself lies above a difference of 1 point in 4.4 % of samples of 300, where 2.5 % are allowed;
    to the outermost ends of it and of `ExactSides` at most 2.5 % of samples lie on a side, and 5 % at 90 % (by summing
    the multinomial distribution, 50 to 1,000 images, `tests/oracle/test_equivalence.py`).

    Args:
        first_only, second_only: images that one of the two alone gets right.
        n: all images.
    """
    return Combined((PairedShares(first_only, second_only, n), ExactSides(first_only, second_only, n)))


def _test_unpaired_shares(first: tuple[float, int], second: tuple[float, int]) -> Difference:
    """The first share minus the second, of right answers to different photographs: right answers, and images.

    Source: `newcombe`.
    """
    (hits, n), (other_hits, other_n) = first, second
    p, q = hits / n, other_hits / other_n
    pooled = (hits + other_hits) / (n + other_n)
    error = math.sqrt(pooled * (1 - pooled) * (1 / n + 1 / other_n))

    shown = Sum(p - q, (WilsonShare(hits, n),), (WilsonShare(other_hits, other_n),))
    return Difference.tested(p - q, min(n, other_n), UNPAIRED, shown.level_reaching(0.0), shown, _detectable(error))


def detectable_paired(disagreement: float, n: int, power: float = 0.8) -> float:
    """The smallest difference of two shares that ``n`` shared images tell from none with this power.

    Args:
        disagreement: share of images that one of the two gets right and the other wrong.
        n: images.
        power: chance of telling it, in (0.5, 1).

    Returns:
        Where there is hardly any disagreement, the difference that disagreement all on one side would make.

    Source: Connor (1987), doi:10.2307/2531961: n = (z_a sqrt(psi) + z_b sqrt(psi - d^2))^2 / d^2, solved for d.
    """
    alpha, beta = NormalDist().inv_cdf(0.975), NormalDist().inv_cdf(power)
    # Six images on one side are the fewest that a mid-p below .05 can come of: fewer never tell anything.
    psi = max(disagreement, (alpha + beta) ** 2 / n)
    low, high = 0.0, psi
    for _ in range(_BISECTIONS):
        middle = (low + high) / 2
        enough = middle * math.sqrt(n) >= alpha * math.sqrt(psi) + beta * math.sqrt(max(psi - middle * middle, 0.0))
        low, high = (low, middle) if enough else (middle, high)
    return min(high, 1.0)


def detectable_among(alone: float | None, tests: int, power: float = 0.8) -> float | None:
    """The smallest difference that is told with this power where so many are tested together.

    Args:
        alone: that of one test, at 5 %; ``None`` where there is none.
        tests: whose level is shared.
        power: chance of telling it, in (0.5, 1).

    Returns:
        At most 1. Of shares: as if all of them were tested at an equal part of the level, the first step of Holm's.
    """
    beta, normal = NormalDist().inv_cdf(power), NormalDist()
    times = (normal.inv_cdf(1 - LEVEL / 2 / max(tests, 1)) + beta) / (normal.inv_cdf(1 - LEVEL / 2) + beta)
    return None if alone is None else min(alone * times, 1.0)


def _detectable(error: float) -> float:
    return (NormalDist().inv_cdf(0.975) + NormalDist().inv_cdf(0.8)) * error


@dataclass(frozen=True, slots=True)
class Moments:
    """The moments of ``n`` numbers, one an image, that say by how much one model is ahead.

    Attributes:
        n: images.
        ahead, behind: sums of the positive numbers, and of the sizes of the negative ones.
        squares, cubes, fourths: the sums of all second, third and fourth powers.
        apart: float64 ``(differing,)``, those that are not 0.
    """

    n: int
    ahead: float
    behind: float
    squares: float
    cubes: float
    fourths: float
    apart: NDArray[np.float64]

    @classmethod
    def from_differences(cls, differences: NDArray[np.float64]) -> Moments:
        """The moments of ``differences (N,)``."""
        ahead, behind = float(np.maximum(differences, 0).sum()), float(np.maximum(-differences, 0).sum())
        squares, cubes, fourths = (float((differences**power).sum()) for power in (2, 3, 4))
        return cls(len(differences), ahead, behind, squares, cubes, fourths, differences[differences != 0])

    @property
    def differing(self) -> int:
        """How many of the numbers are not 0."""
        return len(self.apart)

    def test(self, span: float, unseen: float | None = None) -> Difference:
        """Test the mean of the numbers against 0, as `mean_difference` does.

        Args:
            span: the most that an image can put the two apart; may be infinite.
            unseen: the most that an image of a kind that chance did not show can; ``None`` where that is ``span``.
        """
        n, value = self.n, (self.ahead - self.behind) / self.n
        centred = self.squares - n * value * value
        cubes = self.cubes - 3 * value * self.squares + 2 * n * value**3
        fourths = self.fourths - 4 * value * self.cubes + 6 * value**2 * self.squares - 3 * n * value**4
        # What is left of a difference of nearly equal sums is rounding.
        has_spread = centred > 1e-12 * self.squares and self.differing >= FEWEST_DIFFERING
        if n >= FEWEST and has_spread:
            error, skew = math.sqrt(centred / n / (n - 1)), cubes / centred**1.5
            mean = Mean(value, error, skew, max(telling_of(centred, fourths, n, self.differing) - 1, 1))
            most = span if unseen is None else unseen
            deciding = mean if math.isinf(most) else Combined((mean, UnseenDifference(value, n, most)))
            return Difference.tested(
                value, n, MEAN, mean.level_reaching(0.0), mean, _detectable(error), deciding=deciding
            )
        if math.isinf(span):
            return Difference(value, n, MEAN, lack=_too_few(n, self.differing))
        ahead, behind = self.ahead / span, self.behind / span
        bounded = TwoSides(ahead, behind, n, span)
        p, parts = max(bounded.level_reaching(0.0), sign_flip_p(self.apart)), list[Spread]([bounded])
        if n < FEWEST and self.differing > 1 and centred > 1e-12 * self.squares:
            # Of few images neither says enough alone: Wilson's take the two sides for independent. Skew is not removed:
            # of so few it is mostly chance, and where its transformation is flat the interval would have no end.
            error = math.sqrt(centred / n / (n - 1))
            p = max(p, skewed_student_p(value, error, 0.0, n - 1))
            parts.append(Mean(value, error, 0.0, n - 1))
        shown = Combined(tuple(parts), -span, span)
        return Difference.tested(
            value,
            n,
            BOUNDED,
            p,
            shown,
            min(math.hypot(wilson(behind, n).high, wilson(ahead, n).high), 1.0) * span,
            Fact(Lack.FEW_DIFFER, {"differing": self.differing, "n": n, "what": "images"}),
            deciding=Combined((shown, ExactSides(ahead, behind, n, span))),
        )


def sign_flip_p(numbers: NDArray[np.float64]) -> float:
    """Two-sided p-value of "each number might as well have the other sign", over all ways to flip the signs.

    It is exact for any few numbers: six that are all of one sign are the fewest that are ever told from none.

    Args:
        numbers: ``(k,)``, none 0.

    Returns:
        0 of 30 numbers and more, of which nothing is asked.

    Source: Fisher (1935), The Design of Experiments, section 21.
    """
    if len(numbers) >= FEWEST:
        return 0.0
    sizes = np.abs(numbers)
    least = abs(float(numbers.sum())) - 1e-9 * float(sizes.sum())
    if least <= 0:
        return 1.0
    half = len(sizes) // 2
    one, other = _signed_sums(sizes[:half]), np.sort(_signed_sums(sizes[half:]))
    as_far = int((len(other) - np.searchsorted(other, least - one)).sum())
    return min(1.0, 2 * as_far / (len(one) * len(other)))


def _signed_sums(sizes: NDArray[np.float64]) -> NDArray[np.float64]:
    """The sum of some sizes with every choice of signs, ``(2^k,)``."""
    sums = np.zeros(1)
    for size in sizes:
        sums = np.concatenate([sums + size, sums - size])
    return sums


def mean_difference(
    differences: NDArray[np.float64], span: float, codes: NDArray[np.int64] | None = None
) -> Difference:
    """The mean of what one model is ahead by on each image, with its interval.

    Where fewer than ten images differ, or there are fewer than thirty, their spread says too little, and the interval
    is made of Wilson's, which hold for any mean of values in [0, 1]. It leaves out 0 only where the signs of those that
    differ are told from chance by `sign_flip_p`.

    Args:
        differences: ``(N,)`` in [-span, span].
        span: the most that an image can put the two apart.
        codes: ``(N,)``, the cluster of each image; ``None`` where each stands alone.

    Source: `skewed_student`; Wilson (1927) for either side of few, `newcombe` for the two together.
    """
    if codes is not None:
        return ClusterDifferences.from_images(differences, codes).test(span)
    return Moments.from_differences(differences).test(span)


def spread_of_difference(differences: NDArray[np.float64], span: float) -> Spread | None:
    """How well the mean of differences of images ``(N,)`` is known, as `mean_difference` shows it."""
    found = Moments.from_differences(differences).test(span)
    if not isinstance(found.spread, SpreadOfDifference):
        return None
    return replace(found.spread, deciding=found.spread.shown)


def difference(
    first: Estimate,
    second: Estimate,
    span: float = math.inf,
    lacks: Fact | None = None,
    clusters: Clusters | None = None,
    unseen: float | None = None,
) -> Difference:
    """The first score minus the second: paired on the images that both have, independent on the others.

    Args:
        first, second: one score of two models.
        span: the most that an image can put the two apart, where that is known.
        lacks: why the images are too few for an interval; ``None`` where they are not.
        clusters: of the images of both; ``None`` where each stands alone. With them no test is exact: the difference is
            formed by image and collapsed last.
        unseen: the most that an image of a kind that chance did not show can put the two apart, for which rules on
            the same images allow; ``None`` where that is ``span``.
    """
    paired = first.ids is second.ids or (first.n == second.n and bool(np.all(first.ids == second.ids)))
    n, value, method = min(first.n, second.n), first.value - second.value, MEAN if paired else APART
    if clusters is not None:
        if not paired:
            return _test_clusters_apart(first, second, lacks, clusters)
        by_cluster = ClusterDifferences.from_images(_by_image(first, second), clusters.codes_of(first.ids))
        return by_cluster.test(span, lacks or (Fact(Lack.UNDEFINED) if math.isnan(value) else None), unseen)
    if lacks or math.isnan(value):
        return Difference(value, n, method, lack=lacks or Fact(Lack.UNDEFINED))
    if first.is_share and second.is_share:
        if paired:
            return _test_paired_shares(first.hits, second.hits)
        if not len(np.intersect1d(first.ids, second.ids)):
            return _test_unpaired_shares(*((float(side.hits.sum()), side.n) for side in (first, second)))
    if paired:
        return Moments.from_differences(_by_image(first, second)).test(span, unseen)
    joint = first - second
    if n < FEWEST or joint.differing < FEWEST_DIFFERING:
        return Difference(value, n, APART, lack=_too_few(n, joint.differing))
    return Difference.tested(value, n, APART, joint.p, joint.spread(), _detectable(joint.error))


def _by_image(first: Estimate, second: Estimate) -> NDArray[np.float64]:
    """The lead of a first score on each image that both rest on, ``(n,)``; 0 where rounding alone is left."""
    differences = first.influence - second.influence + (first.value - second.value)
    differences[np.abs(differences) < 1e-12 * max(1.0, float(np.abs(first.influence).max(initial=0.0)))] = 0.0
    return np.asarray(differences)


@dataclass(frozen=True, slots=True)
class ClusterDifferences:
    """By how much one model is ahead on the images of each cluster.

    Attributes:
        sums: float64 ``(G,)``, of the differences of the images of each cluster.
        sizes: int64 ``(G,)``, images of each.
        squares: the sum of the squares of the differences of all images.
    """

    sums: NDArray[np.float64]
    sizes: NDArray[np.int64]
    squares: float

    @classmethod
    def from_images(cls, differences: NDArray[np.float64], codes: NDArray[np.int64]) -> ClusterDifferences:
        """The sums of ``differences (N,)`` over the clusters ``codes (N,)``."""
        _, places = np.unique(codes, return_inverse=True)
        sums = np.bincount(places, differences).astype(np.float64, copy=False)
        return cls(sums, np.bincount(places), float(differences @ differences))

    def test(self, span: float, lacks: Fact | None = None, unseen: float | None = None) -> Difference:
        """Test the mean over all images against 0.

        Where all clusters are of one size it is Student's t with one degree of freedom less than there are clusters.
        Where they are not, or fewer than ten differ, a few decide: then only so many count as tell of the spread, and
        of few that differ Wilson's intervals are of as many independent answers as would vary as much, or, where none
        differs, as there are clusters. Equal models that each have
        an effect of their own in half of the clusters are told apart in at most 5.5 % of cases from 30 clusters on
        (`bench/equal_models.py`).

        Args:
            span: the most that an image can put the two apart; may be infinite.
            lacks: why the images are too few for an interval; ``None`` where they are not.
            unseen: as of `difference`.

        Source: Cameron & Miller (2015), doi:10.3368/jhr.50.2.317, VI, for t by clusters; `telling_clusters`,
            `telling_of`, `sign_flip_p`.
        """
        n, clusters = int(self.sizes.sum()), len(self.sizes)
        value = float(self.sums.sum()) / n if n else math.nan
        sums = self.sums[np.abs(self.sums) > 1e-12 * np.abs(self.sums).max(initial=0.0)]
        estimate, of_pictures = self._estimate(value), self._variance(value)
        has_spread = estimate.variance > 1e-12 * value * value
        is_few = not has_spread or len(sums) < min(FEWEST_DIFFERING, clusters)
        lack = lacks or why_too_few(clusters)
        if not lack and is_few and math.isinf(span):
            lack = too_few((FEWEST_DIFFERING, "clusters that differ"), had=(len(sums),))
        if lack:
            return Difference(value, n, BY_CLUSTER, lack=lack, clusters=clusters)
        p, detectable = sign_flip_p(sums) if len(sums) < FEWEST_DIFFERING else 0.0, None
        parts: list[Spread] = []
        error, degrees, skew = estimate.error, _degrees(estimate), _skew(estimate)
        if has_spread:
            p, detectable = max(p, skewed_student_p(value, error, skew, degrees)), _detectable(error)
            parts.append(Mean(value, error, skew, degrees))
        units = self._units
        if not is_few:
            method, most = BY_CLUSTER if self._are_of_one_size else UNLIKE_CLUSTERS, span if unseen is None else unseen
            shown = cut(parts[0], -span, span)
            # Skew is mostly chance in few clusters or those of one size, but not where some are lost wholly. Few
            # clusters of unlike sizes say less of their spread than t takes them to, and both errors add up.
            seen = Mean(value, error, estimate.skew, degrees), UnseenDifference(value, units, most)
            deciding = shown if math.isinf(most) else Sum(value, seen)
            return Difference.tested(value, n, method, p, shown, detectable, clusters=clusters, deciding=deciding)
        ahead, behind = (float(np.maximum(side, 0.0).sum()) / (n * span) for side in (self.sums, -self.sums))
        answers = max(int(independent_answers(of_pictures, estimate, n)) if len(sums) else clusters, 1)
        bounded = TwoSides(ahead * answers, behind * answers, answers, span)
        shown = Combined((*parts, bounded), -span, span)
        return Difference.tested(
            value,
            n,
            FEW_CLUSTERS,
            max(p, bounded.level_reaching(0.0)),
            shown,
            detectable,
            Fact(Lack.FEW_DIFFER, {"differing": len(sums), "n": clusters, "what": "clusters"}),
            clusters,
            Combined((shown, ExactSides(ahead * units, behind * units, units, span))),
        )

    @property
    def _are_of_one_size(self) -> bool:
        return bool(self.sizes.min() == self.sizes.max())

    @property
    def _units(self) -> float:
        """Clusters of one size that as seldom show nothing of clusters which are lost as often as they are large.

        Source: Kish (1965), Survey Sampling, section 11.7, the effective number of unlike weights.
        """
        sizes = self.sizes.astype(np.float64)
        return float(sizes.sum() ** 2 / (sizes @ sizes))

    def _estimate(self, value: float) -> Estimate:
        """The mean over all images as an estimate over clusters."""
        n, clusters = int(self.sizes.sum()), np.arange(len(self.sizes))
        by_cluster = Estimate(value, clusters, influence_of_clusters(self.sums - value * self.sizes, n))
        return replace(by_cluster, units=telling_clusters(self._variance(value), by_cluster, self.sizes))

    def _variance(self, value: float) -> float:
        """The variance of the mean, were images independent."""
        n = int(self.sizes.sum())
        return max(self.squares - n * value**2, 0.0) / (n * (n - 1)) if n > 1 else 0.0


def _degrees(by_cluster: Estimate) -> float:
    """The degrees of freedom of an estimate over clusters: one less than there are, or, of unlike sizes, than tell."""
    return by_cluster.n - 1 if by_cluster.units is None else max(by_cluster.telling - 1, 1)


def _skew(by_cluster: Estimate) -> float:
    """The skew of an estimate over clusters; 0 where they are of one size, or so few that it is mostly chance."""
    return 0.0 if by_cluster.units is None or by_cluster.n < ENOUGH_CLUSTERS else by_cluster.skew


def _test_clusters_apart(first: Estimate, second: Estimate, lacks: Fact | None, clusters: Clusters) -> Difference:
    """The first score minus the second, on other images, which may be of the same clusters.

    Source: Welch (1947), doi:10.1093/biomet/34.1-2.28; Satterthwaite (1946), doi:10.2307/3002019. Where both have
        images of one cluster, what it adds to both falls out, and the fewer degrees of freedom are taken.
    """
    sides = [clusters.collapse(side) for side in (first, second)]
    n, fewest, value = min(first.n, second.n), min(side.n for side in sides), first.value - second.value
    lack = lacks or (Fact(Lack.UNDEFINED) if math.isnan(value) else why_too_few(fewest))
    if not lack and (differing := min(side.differing for side in sides)) < 2:
        lack = too_few((2, "clusters that differ under either model"), had=(differing,))
    if lack:
        return Difference(value, n, CLUSTERS_APART, lack=lack, clusters=fewest)
    joint, degrees = clusters.collapse(first - second), [_degrees(side) for side in sides]
    if joint.n < sum(side.n for side in sides):
        error, freedom = joint.error, min(degrees)
    else:
        variances = [side.variance for side in sides]
        error = math.sqrt(sum(variances))
        freedom = error**4 / sum(part**2 / each for part, each in zip(variances, degrees, strict=True))
    skew = joint.skew if any(_skew(side) for side in sides) else 0.0
    return Difference.tested(
        value,
        n,
        CLUSTERS_APART,
        skewed_student_p(value, error, skew, freedom),
        Mean(value, error, skew, freedom),
        _detectable(error),
        clusters=fewest,
    )


@dataclass(frozen=True, slots=True)
class Rank:
    """The place of one model among several; 1 is the best.

    Attributes:
        rank: one more than the models that are told to be better: no model rises by chance alone.
        worst: the number of models less those that are told to be worse.
    """

    rank: int
    worst: int


@dataclass(frozen=True)
class ScoreComparison:
    """Several models compared by one score.

    Attributes:
        metric: its name.
        higher_is_better: its direction.
        values: of each model, in the order given.
        pairs: first minus second, of every two models.
        n: images that all were measured on; 0 where models have images of their own.
        condition: of the score.
        title: what people call it.
        noise: how far the protocol itself moves a model's score at least, and on how many images that was measured; of
            the models of which it was measured.
        unit: of values and differences.
        clusters: that the images come in; 0 where each stands alone.
    """

    metric: str
    higher_is_better: bool
    values: Mapping[str, float]
    pairs: Mapping[tuple[str, str], Difference] = field(metadata=json_field(as_list=True))
    n: int
    condition: Condition = Condition()
    title: str = ""
    noise: Mapping[str, tuple[float, int]] = field(default_factory=dict)
    unit: str = "fraction"
    clusters: int = 0

    def noise_of(self, pair: tuple[str, str]) -> tuple[float, int]:
        """How far the protocol moves the score of one of two models at least, and on how many images; else 0 and 0."""
        return max((self.noise[name] for name in pair if name in self.noise), default=(0.0, 0))

    def is_nothing(self, pair: tuple[str, str]) -> bool:
        """Whether two models differ by no more than what the protocol itself moves the score of one of them by."""
        size, _ = self.noise_of(pair)
        return size > 0 and abs(self.pairs[pair].value) <= size

    def is_told_apart(self, pair: tuple[str, str]) -> bool:
        """Whether the difference of two models differs from zero, and is larger than the protocol's own noise."""
        return self.pairs[pair].is_told_apart and not self.is_nothing(pair)

    @property
    def ranks(self) -> dict[str, Rank]:
        """The rank of each model, where all were measured on the same images; it rises only where two are told apart.

        Source of the idea: the Arena leaderboards, Chiang et al. (2024), arXiv:2403.04132.
        """
        is_whole = self.n and not any(math.isnan(value) for value in self.values.values())
        return self.ranks_among(self.values) if is_whole else {}

    def ranks_among(self, names: Collection[str]) -> dict[str, Rank]:
        """The ranks of some of the models among each other."""
        better, worse = dict.fromkeys(names, 0), dict.fromkeys(names, 0)
        for pair, lead in self.pairs.items():
            if set(pair) <= set(names) and self.is_told_apart(pair):
                winner, loser = pair if (lead.value > 0) == self.higher_is_better else pair[::-1]
                better[loser] += 1
                worse[winner] += 1
        return {name: Rank(1 + better[name], len(names) - worse[name]) for name in names}


def shared_images(ids: Mapping[str, NDArray[Any]]) -> NDArray[np.str_]:
    """The images that all models were measured on, sorted; empty where there are none.

    Args:
        ids: of each model's images, each once.

    Raises:
        ArgumentError: there are fewer than two models.
    """
    if len(ids) < 2:
        raise ArgumentError(f"a comparison needs two models, had {', '.join(ids) or 'none'}")
    first, *others = ids.values()
    shared = np.unique(first)
    for other in others:
        shared = np.intersect1d(shared, other)
    return shared


def pairs_tested(
    estimates: Mapping[str, Estimate],
    span: float = math.inf,
    lacks: Mapping[str, Fact | None] | None = None,
    clusters: Clusters | None = None,
) -> dict[Pair, Difference]:
    """The difference of every two models by one score; arguments as for `difference`, by model."""
    reasons = lacks or {}
    return {
        (one, two): difference(estimates[one], estimates[two], span, reasons.get(one) or reasons.get(two), clusters)
        for one, two in combinations(estimates, 2)
    }


def adjust_differences(scores: Sequence[Mapping[Pair, Difference]]) -> list[dict[Pair, Difference]]:
    """All differences of a table, by score: each adjusted by Holm for all pairs and scores; see `adjusted`.

    The chance that any two models are told apart that are alike, by any score, is at most 5 %.
    """
    differences = iter(adjusted([each for score in scores for each in score.values()]))
    return [{pair: next(differences) for pair in score} for score in scores]


def adjusted(differences: Sequence[Difference]) -> list[Difference]:
    """Differences adjusted by Holm for each other.

    Each interval has the level at which Holm's procedure tests it, so that it leaves out 0 exactly where the difference
    is told from 0.

    Source: Holm (1979); it holds whatever the tests have to do with each other.
    """
    p_values = [math.nan if each.p is None else each.p for each in differences]
    levels = holm_levels(p_values, LEVEL).tolist()
    return [each.among(p, level) for each, p, level in zip(differences, holm(p_values).tolist(), levels, strict=True)]


def cell_differences(
    first: NDArray[np.bool_], second: NDArray[np.bool_], codes: NDArray[np.int64] | None = None
) -> list[Difference]:
    """The difference of two models' errors under each of several conditions, each as if it stood alone.

    Args:
        first, second: ``(N, M)`` whether each answer of the two models is right.
        codes: ``(N,)``, the cluster of each image; ``None`` where each stands alone.
    """
    if codes is not None:
        apart = second.astype(np.float64) - first
        return [ClusterDifferences.from_images(cell, codes).test(1.0) for cell in apart.T]
    return [_test_paired_shares(one, other) for one, other in zip(second.T, first.T, strict=True)]


def _too_few(n: int, differing: int) -> Fact:
    return too_few((FEWEST, "images"), (FEWEST_DIFFERING, "images that differ"), had=(n, differing))

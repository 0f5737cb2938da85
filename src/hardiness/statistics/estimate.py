"""A score as an estimate: a number that remembers what each image adds to it."""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import Any, NamedTuple

import numpy as np
from numpy.typing import NDArray

from hardiness.core.errors import ArgumentError
from hardiness.core.spread import Interval, Spread
from hardiness.statistics.intervals import skewed_student_p
from hardiness.statistics.spreads.combined import Combined
from hardiness.statistics.spreads.means import BoundedMean, Mean, MeanOfCells, Unseen
from hardiness.statistics.spreads.shares import ShareOfImages

ROUNDING = 1e-12
"""The difference that rounding leaves of two equal numbers, as a share of their size."""


@dataclass(frozen=True, eq=False)
class Estimate:
    """A number and the influence of each image on it.

    Sums, differences, products and ratios of estimates are estimates again. Two of them are paired on the images that
    both rest on, and independent on the others, by the same formula: what they share falls out of their difference.

    Attributes:
        value: the number.
        ids: ``(n,)`` names of the images that it rests on, or their places, sorted, each once.
        influence: float64 ``(n,)``, with mean 0: to first order, the number were ``influence[i] / n`` lower without
            image i.
        answers: as many independent images would vary as much, of an estimate over clusters; ``None`` where each
            image stands alone.
        units: clusters that tell of the spread, of an estimate over clusters of unlike sizes; ``None`` where all do.

    Source: Hampel (1974), doi:10.1080/01621459.1974.10482962, the influence curve; Efron (1982), chapter 6, its mean
        square over n as the variance (the infinitesimal jackknife).
    """

    value: float
    ids: NDArray[Any]
    influence: NDArray[np.float64]
    answers: float | None = None
    units: float | None = None

    @property
    def independent(self) -> float:
        """How many independent images there are, or would vary as much."""
        return self.n if self.answers is None else self.answers

    @property
    def n(self) -> int:
        """Number of images that the estimate rests on."""
        return len(self.ids)

    @property
    def variance(self) -> float:
        """The variance of the number over other images like these; 0 of a single image, which shows no spread."""
        return float(self.influence @ self.influence) / (self.n * max(self.n - 1, 1))

    @property
    def error(self) -> float:
        """The standard error: the root of `variance`."""
        return math.sqrt(self.variance)

    @property
    def differing(self) -> int:
        """Images whose influence is another than the median's, by more than rounding does."""
        if not self.n:
            return 0
        median = np.partition(self.influence, self.n // 2)[self.n // 2]
        distances = np.abs(self.influence - median)
        rounding = max(np.abs(self.influence).max() * 1e-9, abs(self.value) * ROUNDING)
        return int(np.count_nonzero(distances > rounding)) if rounding > 0 else 0

    @property
    def telling(self) -> int:
        """Images that tell of the spread: those that differ, fewer where a few of them hold most of it.

        See `telling_of`.
        """
        squares = self.influence**2
        most = self.differing if self.units is None else min(self.differing, int(self.units))
        return telling_of(float(squares.sum()), float(squares @ squares), self.n, most)

    @property
    def skew(self) -> float:
        """The skew of the number over other images like these: that of the influences over the root of n."""
        cubes, squares = float(np.sum(self.influence**3)), float(self.influence @ self.influence)
        return cubes / squares**1.5 if squares > 0 else 0.0

    @property
    def is_share(self) -> bool:
        """Whether it is the share of images that count, so that each image's own value is 0 or 1."""
        own = self.influence + self.value
        return bool(np.all((np.abs(own) < 1e-9) | (np.abs(own - 1) < 1e-9)))

    @property
    def hits(self) -> NDArray[np.bool_]:
        """``(n,)`` which images count, of a share."""
        return np.asarray(self.influence + self.value > 0.5)

    def spread(
        self,
        low: float = -math.inf,
        high: float = math.inf,
        *,
        signed: bool = False,
        most_telling: float | None = None,
    ) -> Spread:
        """How well the number is known, with Student's t for how well its variance is.

        Args:
            low: the least that the number can be.
            high: the most that it can be. Where both ends are finite, it is known as Wilson's share is, with as many
                independent images as would vary as much, or is a share itself; else its skew counts, as in
                `skewed_student`.
            signed: of a sum in which cells count against others, which varies as it is seen to and no less: skew counts
                though there is a range, and the interval reaches to the images that chance left out.
            most_telling: the most images that can tell of the variance, where these are fewer than `telling`.

        Raises:
            ArgumentError: nothing bounds the number, or it is such a sum, and fewer than two images differ.
        """
        if signed:
            own = self.spread(most_telling=most_telling)
            return Combined((own, Unseen(self.value, self.independent, low, high)))
        if low == 0 and math.isclose(high, 1.0) and self.answers is None and self.is_share:
            return ShareOfImages(int(np.count_nonzero(self.hits)), self.n)
        tells = self.telling if most_telling is None else min(self.telling, int(most_telling))
        if math.isfinite(low) and math.isfinite(high):
            telling = max(tells, min(self.differing, 2))
            return BoundedMean(
                self.value, self.variance, telling, self._answers(low, high), self.independent, low, high
            )
        degrees = self._degrees if most_telling is None else min(self._degrees, max(tells - 1, 1))
        return Mean(self.value, self.error, self.skew, degrees)

    def spread_of_cells(self, top: float) -> Spread:
        """How well a mean over several cells of values in [0, top] is known, by which rules decide as `MeanOfCells`."""
        bounded = self.spread(0.0, top)
        if not isinstance(bounded, BoundedMean) or self.differing < 2 or not 0 < self.value < top:
            return bounded
        return MeanOfCells(**vars(bounded), skew=self.skew, degrees=self._degrees)

    def _answers(self, low: float, high: float) -> int:
        """The independent answers that a mean in a range varies at most as; 0 of what varies more, as ratios do."""
        width = high - low
        share, variance = min(max((self.value - low) / width, 0.0), 1.0), self.variance / width**2
        is_beyond = self.differing > 1 and 0 < share * (1 - share) < (1 - 1e-9) * (self.n - 1) * variance
        return 0 if is_beyond else self.n

    def interval(self, low: float = -math.inf, high: float = math.inf, alpha: float = 0.05, **named: Any) -> Interval:
        """The interval that its `spread` shows, whose arguments these are; ``alpha`` is one minus the coverage."""
        return self.spread(low, high, **named).ends(alpha)

    @property
    def p(self) -> float:
        """Two-sided p-value of "it is 0": below a level exactly where `interval` of that level leaves out 0.

        Raises:
            ArgumentError: fewer than two images differ.
        """
        return skewed_student_p(self.value, self.error, self.skew, self._degrees)

    @property
    def _degrees(self) -> int:
        if self.differing < 2:
            raise ArgumentError(f"an interval needs two images that differ from the others, had {self.differing}")
        return max(self.telling - 1, 1)

    def __add__(self, other: Estimate | float) -> Estimate:
        """The sum of two estimates, or of one and a number that is known."""
        if isinstance(other, Estimate):
            ids, mine, theirs = _aligned(self, other)
            return Estimate(self.value + other.value, ids, _sum(mine, theirs))
        return Estimate(self.value + other, self.ids, self.influence)

    __radd__ = __add__

    def __neg__(self) -> Estimate:
        """The number with the other sign."""
        return self * -1.0

    def __sub__(self, other: Estimate | float) -> Estimate:
        """The difference: of two estimates paired where they share images."""
        return self + -other

    def __rsub__(self, other: float) -> Estimate:
        """A known number less the estimate."""
        return -self + other

    def __mul__(self, other: Estimate | float) -> Estimate:
        """The product of two estimates, or of one and a number that is known."""
        if isinstance(other, Estimate):
            ids, mine, theirs = _aligned(self, other)
            return Estimate(self.value * other.value, ids, _sum(mine * other.value, theirs * self.value))
        return Estimate(self.value * other, self.ids, self.influence * other)

    __rmul__ = __mul__

    def __truediv__(self, other: Estimate | float) -> Estimate:
        """The ratio; NaN where it divides by 0."""
        if isinstance(other, Estimate):
            divisor = other.value or math.nan
            return self * other.through(1 / divisor, -(divisor**-2))
        return self * (1 / other if other else math.nan)

    def through(self, value: float, slope: float) -> Estimate:
        """A function of the estimate.

        Args:
            value: of the function, there.
            slope: its derivative there.
        """
        return Estimate(value, self.ids, self.influence * slope)


def mean(
    ids: NDArray[Any],
    values: NDArray[np.generic],
    weights: NDArray[np.float64] | None = None,
    *,
    images_alike: bool = False,
) -> Estimate:
    """The weighted sum of column means: an accuracy, a mean error, the mCE, a flip rate.

    One formula for whole runs, for partial ones, and for images that each have some random cells.

    Args:
        ids: ``(N,)`` names of the images, sorted.
        values: ``(N,)``, or ``(N, M)`` with a column a cell; NaN where an image was not evaluated. Images without any
            value are left out.
        weights: ``(M,)`` of the cells' means; by default each cell weighs the same, and they add up to 1.
        images_alike: each image weighs the same whatever number of cells it has, so that nothing is lost by an image
            having few; else every value of a cell weighs the same in it.

    Raises:
        ArgumentError: a cell that weighs has no value.

    Source: Särndal, Swensson & Wretman (1992), 5.5: the influence on a mean over some is that on a ratio of two sums.
    """
    table = np.asarray(values, np.float64).reshape(len(ids), -1)
    cells = np.full(table.shape[1], 1 / max(table.shape[1], 1)) if weights is None else np.asarray(weights, np.float64)
    table, cells = table[:, cells != 0], cells[cells != 0]
    if not table.shape[1] or np.isnan(table).all(axis=0).any():
        raise ArgumentError("a mean needs an evaluated image in every cell that weighs, and a cell had none")
    value, has_value, influences = cell_influences(table, cells, images_alike=images_alike)
    influence = influences.sum(axis=1)
    influence[np.abs(influence) <= np.abs(influences).max(initial=0.0) * ROUNDING] = 0.0  # of cells that cancel
    return Estimate(value, ids if has_value.all() else ids[has_value], influence)


def telling_of(squares: float, fourths: float, n: int, differing: int) -> int:
    """How many of ``n`` images tell of the spread: as many with a normal variable's influences would know it as well.

    Args:
        squares, fourths: sums of the second and the fourth powers of their influences.
        n: images.
        differing: those that differ, which are the most that can tell.

    Source: O'Neill (2014), doi:10.1080/00031305.2014.966589: the degrees of freedom of a variance, by kurtosis.
    """
    spread = fourths - squares**2 / n
    return int(min(differing, 2 * squares**2 / spread + 1)) if spread > 0 else differing


class GroupMeans(NamedTuple):
    """The mean of each of K groups of images, as `mean` gives it of the group alone.

    Attributes:
        value: ``(K,)``; NaN of a group without an image.
        variance: ``(K,)``, of each over other images like these.
        differing: ``(K,)``, images whose influence is another than the median of the group.
        n: ``(K,)``, images of each.
    """

    value: NDArray[np.float64]
    variance: NDArray[np.float64]
    differing: NDArray[np.int64]
    n: NDArray[np.int64]


def means_by_group(values: NDArray[np.float64], group: NDArray[np.int64], groups: int) -> GroupMeans:
    """The mean over cells of each group of images, all at once.

    Args:
        values: ``(N, M)``; NaN where an image was not evaluated. A cell without an image of a group is left out of it.
        group: ``(N,)``, of each image, from 0.
        groups: how many there are.
    """
    has_value = ~np.isnan(values).all(axis=1)
    values, group = values[has_value], group[has_value]
    is_evaluated = ~np.isnan(values)
    filled = np.where(is_evaluated, values, 0.0)
    columns = range(values.shape[1])
    sizes = np.stack([np.bincount(group, is_evaluated[:, m], groups) for m in columns], axis=1)
    sums = np.stack([np.bincount(group, filled[:, m], groups) for m in columns], axis=1)
    means = np.divide(sums, sizes, out=np.zeros_like(sums), where=sizes > 0)
    cells = np.count_nonzero(sizes, axis=1)
    n = np.bincount(group, minlength=groups)
    value = np.divide(means.sum(axis=1), cells, out=np.full(groups, np.nan), where=cells > 0)
    share = np.divide(1.0, sizes * cells[:, None], out=np.zeros_like(sizes), where=sizes > 0)
    shared_deviations = (filled - means[group]) * share[group]
    influences = (shared_deviations if is_evaluated.all() else is_evaluated * shared_deviations).sum(axis=1)
    variance = np.bincount(group, influences**2, groups) * n / np.maximum(n - 1, 1)
    by_size = np.argsort(influences)  # and then by group, of which a stable sort of small numbers takes little time
    order = by_size[np.argsort(group[by_size].astype(np.min_scalar_type(groups)), kind="stable")]
    starts = np.cumsum(n) - n
    middle = np.minimum(starts + n // 2, max(len(order) - 1, 0))  # of a group without an image any place will do
    medians = influences[order[middle]] if len(order) else np.zeros(groups)
    largest = np.zeros(groups)
    np.maximum.at(largest, group, np.abs(influences))
    is_unlike = np.abs(influences - medians[group]) > np.where(largest > 0, largest * 1e-9, 1.0)[group]
    return GroupMeans(value, variance, np.bincount(group, is_unlike, groups).astype(np.int64), n)


def cell_influences(
    values: NDArray[np.float64], weights: NDArray[np.float64], *, images_alike: bool = False
) -> tuple[float, NDArray[np.bool_], NDArray[np.float64]]:
    """A weighted sum of column means, which images have a value ``(N,)``, and what each cell of these adds ``(n, M)``.

    Arguments as for `mean`, with weights that are not 0; an image's cells add up to its influence. A cell without an
    image counts as one whose mean is 0.

    Raises:
        ArgumentError: no image was evaluated.
    """
    is_evaluated = ~np.isnan(values)
    has_value = np.asarray(is_evaluated.any(axis=1))
    if not has_value.any():
        raise ArgumentError("an estimate needs at least one evaluated image, had none")
    if not has_value.all():
        values, is_evaluated = values[has_value], is_evaluated[has_value]
    if is_evaluated.all():
        means = values.mean(axis=0)
        influences = values - means
        influences *= weights
        return float(means @ weights), has_value, influences
    share = is_evaluated / is_evaluated.sum(axis=1, keepdims=True) if images_alike else is_evaluated.astype(np.float64)
    sizes = np.where(is_evaluated.any(axis=0), share.sum(axis=0), 1.0)
    filled = np.where(is_evaluated, values, 0.0)
    means = (share * filled).sum(axis=0) / sizes
    return float(means @ weights), has_value, share * (filled - means) * (weights * len(values) / sizes)


def _sum(mine: NDArray[np.float64], theirs: NDArray[np.float64]) -> NDArray[np.float64]:
    """The sum of influences, 0 where no more than rounding is left of what falls out, as of two equal means."""
    total = mine + theirs
    largest = max(float(np.abs(part).max(initial=0.0)) for part in (mine, theirs))
    total[np.abs(total) <= largest * ROUNDING] = 0.0
    return np.asarray(total)


def _aligned(one: Estimate, other: Estimate) -> tuple[NDArray[Any], NDArray[np.float64], NDArray[np.float64]]:
    """All images of both, and the influence of each on either number; 0 where a number does not rest on it."""
    if one.ids is other.ids or (one.n == other.n and bool(np.all(one.ids == other.ids))):
        return one.ids, one.influence, other.influence
    ids = np.union1d(one.ids, other.ids)
    influences = []
    for estimate in (one, other):
        influence = np.zeros(len(ids))
        # What one image changes stays what it was, where all images are more.
        influence[np.searchsorted(ids, estimate.ids)] = estimate.influence * (len(ids) / estimate.n)
        influences.append(influence)
    return ids, influences[0], influences[1]

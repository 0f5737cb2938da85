"""Intervals of calibration errors: the gaps in bins, and the truths under which such gaps come up."""

from __future__ import annotations

import math
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from statistics import NormalDist
from typing import Literal

import numpy as np
from numpy.typing import NDArray

from hardiness.core.spread import Interval

Floats = NDArray[np.float64]

Norm = Literal[1, 2]
"""1: mean size of the gaps, as the expected calibration error. 2: root mean square."""

TAIL = 0.02
"""The share beyond either end of an interval: less than 2.5 %, as the spread is estimated from the same few images."""

FURTHEST = 64.0
"""The largest multiple of the observed gaps that is tried as a truth: no interval reaches beyond."""

PRIOR = 5
"""A bin's gap counts as if so many more of its images were calibrated: one image alone says nothing of its bin."""

_BISECTIONS = 30

NO_SKEW = 1e-3
"""Skew below which a distribution counts as normal."""

FEW_OF_EACH = 10
"""Errors, or right answers, below which those that were seen may all be luck."""


@dataclass(frozen=True)
class Gaps:
    """How far confidence and accuracy lie apart in each bin that is not empty.

    Attributes:
        weight: ``(B,)`` of a bin in the error; they add up to 1 where every bin counts.
        size: ``(B,)`` images in it.
        confidence: ``(B,)`` their mean confidence.
        gap: ``(B,)`` mean confidence less accuracy.
        excess: ``(B,)`` variance of confidence less right or wrong, less that of right or wrong alone: below 0 where
            surer answers are right more often.
    """

    weight: Floats
    size: Floats
    confidence: Floats
    gap: Floats
    excess: Floats

    @classmethod
    def from_answers(
        cls, confidence: NDArray[np.floating], correct: NDArray[np.bool_], bins: NDArray[np.int64]
    ) -> Gaps:
        """The gaps of images ``(N,)`` in bins ``int (N,)`` from 0; bins without an image are left out."""
        confidences = confidence.astype(np.float64)
        size = np.bincount(bins).astype(np.float64)
        has_images = size > 0
        sums = (
            np.bincount(bins, values)[has_images]
            for values in (confidences, confidences - correct, (confidences - correct) ** 2)
        )
        mean, gap, square = (total / size[has_images] for total in sums)
        right = mean - gap
        return cls(size[has_images] / len(bins), size[has_images], mean, gap, square - gap**2 - right * (1 - right))

    def counted(self, bins: slice) -> Gaps:
        """The gaps of the selected bins, their weights unchanged."""
        return Gaps(*(column[bins] for column in (self.weight, self.size, self.confidence, self.gap, self.excess)))

    @classmethod
    def together(cls, parts: Sequence[Gaps]) -> Gaps:
        """The bins of several conditions, each condition weighing the same."""
        names = ("weight", "size", "confidence", "gap", "excess")
        weight, *rest = (np.concatenate([getattr(part, name) for part in parts]) for name in names)
        return cls(weight / len(parts), *rest)

    def error(self, norm: Norm) -> float:
        """The calibration error over these bins."""
        return _size(self.gap, self.weight, norm)


@dataclass(frozen=True)
class _Family:
    """Truths that are alike but for how large their gaps are: ``times`` a shape."""

    gaps: Gaps
    shape: Floats
    norm: Norm

    def truth(self, times: float) -> tuple[Floats, Floats, Floats]:
        """The gaps, and the variance and third cumulant of a gap that is seen."""
        right = np.clip(self.gaps.confidence - times * self.shape, 0.0, 1.0)
        variance = np.maximum(right * (1 - right) + self.gaps.excess, 1e-9) / self.gaps.size
        third = -variance * (1 - 2 * right) / self.gaps.size
        return self.gaps.confidence - right, variance, third

    def error(self, times: float) -> float:
        """The calibration error of the truth whose gaps are ``times`` the shape."""
        return _size(self.truth(times)[0], self.gaps.weight, self.norm)

    def cumulants(self, times: float) -> tuple[float, float, float]:
        """Mean, variance and third cumulant of the error that is seen (of its square where the norm is 2)."""
        by_bin = _folded(*self.truth(times)) if self.norm == 1 else _squared(*self.truth(times))
        first, second, third = (float(np.sum(self.gaps.weight**k * cumulant)) for k, cumulant in enumerate(by_bin, 1))
        return first, second, third

    def solved(self, above: Callable[[float, float, float], float], chance: float) -> float:
        """The error of the truth at which an error as large as was seen comes up with this chance."""
        low, high = 0.0, 1.0
        if above(*self.cumulants(low)) >= chance:
            return 0.0
        while high < FURTHEST and above(*self.cumulants(high)) < chance:
            high *= 2
        for _ in range(_BISECTIONS):
            middle = (low + high) / 2
            low, high = (middle, high) if above(*self.cumulants(middle)) < chance else (low, middle)
        return self.error(high)


def calibration_interval(gaps: Gaps, norm: Norm, variance: float | None = None, fewer: int = FEW_OF_EACH) -> Interval:
    """The 95 % interval of the calibration error that the same bins would show on endlessly many images.

    What is seen is larger than that: noise makes gaps where there are none. So the interval reaches from the smallest
    to the largest truth under which as large, or as small, an error as was seen comes up in 2 % of samples. Truths are
    the gaps that were seen, times a number, and such as hide best: for the upper end each gap is taken as large as its
    noise at least, as many small gaps hide better than a large one; for a root mean square they are weighed by their
    noise. An error below what half of the samples of a calibrated model show is luck: for the upper end it counts as
    that half's largest, so that no interval ends at an error of 0. The value that was seen is inside by decision.

    Args:
        gaps: in each bin that counts.
        norm: 1 or 2.
        variance: of the error that is seen, where images stand in several bins; ``None`` where each is in one.
        fewer: images with an error, or with a right answer where these are fewer. Of fewer than ten the interval
            reaches further by as much as those can have moved the error: a sample may have two where one was expected.

    Source: DiCiccio & Romano (1990), doi:10.2307/1403805, limits by inverting tests along a least favourable family;
        Buckley & Eagleson (1988), doi:10.1111/j.1467-842X.1988.tb00471.x, for the distribution by three cumulants;
        Kumar et al. (2019), arXiv:1909.10155, for how much noise adds; Cowan et al. (2011), arXiv:1105.3166, for an
        upper end that is never below the usual one of no effect.
    """
    small = gaps.gap * gaps.size / (gaps.size + PRIOR)
    noise = _Family(gaps, small, norm).truth(1.0)[1]
    large = np.where(small < 0, -1.0, 1.0) * np.sqrt(small**2 + noise)
    if norm == 2:
        small, large = (shape * np.sqrt(noise / noise.max()) for shape in (small, large))
    error = gaps.error(norm)
    chance = _by_cumulants if variance is None else _by_variance(variance)
    calibrated = _Family(gaps, large, norm).cumulants(0.0)
    usual = _median(*calibrated) if variance is None else calibrated[0]
    low = _Family(gaps, small, norm).solved(lambda *c: 1 - chance(error**norm, *c), TAIL)
    high = _Family(gaps, large, norm).solved(lambda *c: 1 - chance(max(error**norm, usual), *c), 1 - TAIL)
    right = gaps.confidence - gaps.gap
    rare = min((right, 1 - right), key=lambda share: float(np.sum(gaps.weight * share)))
    luck = _size(rare, gaps.weight, norm) if fewer < FEW_OF_EACH else 0.0
    return Interval(max(min(low, error) - luck, 0.0), max(high, error) + luck)


def _median(mean: float, variance: float, third: float) -> float:
    """The median of a shifted gamma variable with these cumulants."""
    from scipy.special import gammaincinv

    deviation = math.sqrt(variance)
    skew = third / deviation**3
    if abs(skew) < NO_SKEW:
        return mean
    shape = 4 / skew**2
    return mean + deviation * skew / 2 * (float(gammaincinv(shape, 0.5)) - shape)


def _by_cumulants(value: float, mean: float, variance: float, third: float) -> float:
    """The chance that a shifted gamma variable with these cumulants is at most this value."""
    from scipy.special import gammainc

    deviation = math.sqrt(variance)
    skew, deviations = third / deviation**3, (value - mean) / deviation
    if abs(skew) < NO_SKEW:
        return NormalDist().cdf(deviations)
    shape = 4 / skew**2
    below = float(gammainc(shape, max(shape + 2 * deviations / skew, 0.0)))
    return below if skew > 0 else 1 - below


def _by_variance(error_variance: float) -> Callable[[float, float, float, float], float]:
    """A function that gives the chance of at most a value as `_by_cumulants` does, by a normal of known variance."""
    return lambda value, mean, variance, third: NormalDist(mean, math.sqrt(error_variance)).cdf(value)


def _size(gap: Floats, weight: Floats, norm: Norm) -> float:
    return float(np.sum(weight * np.abs(gap) ** norm) ** (1 / norm))


def _squared(mean: Floats, variance: Floats, third: Floats) -> tuple[Floats, Floats, Floats]:
    """Cumulants of the square of a variable with these cumulants, further ones being small."""
    spread = 2 * variance**2 + 4 * mean**2 * variance + 4 * mean * third
    skew = 8 * variance**3 + 24 * mean**2 * variance**2 + 8 * mean**3 * third + 48 * mean * variance * third
    return mean**2 + variance, np.maximum(spread, 1e-18), skew


def _folded(mean: Floats, variance: Floats, third: Floats) -> tuple[Floats, Floats, Floats]:
    """Cumulants of the size of a variable with these cumulants, nearly normal."""
    from scipy.special import erf

    deviation = np.sqrt(variance)
    deviations = np.abs(mean) / deviation
    bell, inside = math.sqrt(2 / math.pi) * np.exp(-(deviations**2) / 2), erf(deviations / math.sqrt(2))
    first = bell + deviations * inside
    second, cube = deviations**2 + 1, bell * (deviations**2 + 2) + (deviations**3 + 3 * deviations) * inside
    skew = np.maximum(cube - 3 * first * second + 2 * first**3, 0.0)
    own = np.sign(mean) * inside**3 * third
    return deviation * first, variance * (second - first**2), deviation**3 * skew + own

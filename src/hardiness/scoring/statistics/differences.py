"""Differences of scores on the same images, with an interval, a p-value and what could have been told."""

from __future__ import annotations

import math
from dataclasses import dataclass
from statistics import NormalDist

import numpy as np
from numpy.typing import NDArray

from hardiness.core import ArgumentError, Interval
from hardiness.scoring.statistics.measures import Measure, OfMeans
from hardiness.scoring.statistics.proportions import Difference, paired_difference
from hardiness.scoring.statistics.resamples import Resamples

FEWEST = 30
"""Images below which a bootstrap says too little of the spread."""

FEWEST_DIFFERING = 10
"""Images on which two models must differ before a bootstrap sees how they differ."""

PAIRED = "paired bootstrap over images, Student's t"
MEAN = "paired over images, Student's t: a mean's bootstrap in closed form"
BOUNDED = "Wilson's intervals of what either model is ahead by"
UNPAIRED = "different photographs: a bootstrap of each, Student's t"


def difference(first: Measure, second: Measure, resamples: Resamples) -> Difference:
    """The first score minus the second, both on the same images.

    The interval is the difference and Student's t times the bootstrap's standard error, which is enlarged by what a
    bootstrap of n images lacks. Where each image has a share of the score of its own (`mean_difference`), nothing needs
    to be drawn for it. Two shares of images are compared exactly (`paired_difference`).

    Args:
        first, second: one score of two models.
        resamples: of the images that both were measured on.

    Raises:
        ArgumentError: the scores are not of the images that are resampled.

    Source: Efron & Tibshirani (1993), chapters 6 and 12; Hesterberg (2015), doi:10.1080/00031305.2015.1089789, for the
        factor sqrt(n / (n - 1)) and t.
    """
    if not first.n == second.n == resamples.n:
        raise ArgumentError(f"two scores to compare must be of the same images, had {first.n} and {second.n}")
    if reason := first.undefined or second.undefined:
        return Difference(math.nan, None, None, first.n, PAIRED, reason=reason)
    if isinstance(first, OfMeans) and isinstance(second, OfMeans) and first.shares and second.shares:
        return paired_difference(first.values[:, 0].astype(bool), second.values[:, 0].astype(bool))
    shares, other_shares = first.by_image(), second.by_image()
    if shares is not None and other_shares is not None:
        return mean_difference(shares - other_shares, max(first.span, second.span))
    found = of_draws(first.draws(resamples), second.draws(resamples), first.n)
    if found.interval is not None and (thin := first.thin or second.thin):
        return Difference(found.value, None, None, first.n, PAIRED, reason=thin)
    return found


@dataclass(frozen=True, slots=True)
class Moments:
    """What is known of ``n`` numbers, one an image, that say by how much one model is ahead.

    Attributes:
        n: images.
        ahead, behind: sums of the positive numbers, and of the sizes of the negative ones.
        squares: the sum of all squares.
        differing: how many are not 0.
    """

    n: int
    ahead: float
    behind: float
    squares: float
    differing: int

    @classmethod
    def of(cls, apart: NDArray[np.float64]) -> Moments:
        """The moments of ``apart (N,)``."""
        return cls(
            len(apart),
            float(np.maximum(apart, 0).sum()),
            float(np.maximum(-apart, 0).sum()),
            float((apart**2).sum()),
            int(np.count_nonzero(apart)),
        )


def mean_difference(apart: NDArray[np.float64], span: float) -> Difference:
    """The mean of what one model is ahead by on each image, with its interval.

    Where fewer than ten images differ, or there are fewer than thirty, their spread says too little, and the interval
    is made of Wilson's, which hold for any mean of values in [0, 1].

    Args:
        apart: ``(N,)`` in [-span, span].
        span: the most that an image can put the two apart.

    Source: Efron & Tibshirani (1993), section 5.3: the bootstrap's standard error of a mean; else `bounded_difference`.
    """
    return of_moments(Moments.of(apart), span)


def of_moments(found: Moments, span: float) -> Difference:
    """As `mean_difference`, of what is known of the numbers."""
    n = found.n
    if n < FEWEST or found.differing < FEWEST_DIFFERING:
        return bounded_difference(found, span)
    mean = (found.ahead - found.behind) / n
    variance = (found.squares - n * mean * mean) / (n - 1)
    # What is left of a difference of nearly equal sums is rounding.
    if not variance > 1e-12 * found.squares / n:
        return bounded_difference(found, span)
    return from_standard_error(mean, math.sqrt(variance / n), n, MEAN)


def of_draws(first: NDArray[np.float64], second: NDArray[np.float64], n: int) -> Difference:
    """The difference of two scores from their resamples ``(1 + R,)``, which must be the same draws of ``n`` images."""
    value = float(first[0] - second[0])
    if n < FEWEST:
        return Difference(value, None, None, n, PAIRED, reason=f"a bootstrap needs {FEWEST} images, had {n}")
    spread = float(np.nanstd(first[1:] - second[1:], ddof=1))
    if not spread > 0:
        reason = "no resample differs: the two answered alike wherever it counts"
        return Difference(value, None, None, n, PAIRED, reason=reason)
    return from_standard_error(value, spread * math.sqrt(n / (n - 1)), n, PAIRED)


def unpaired(first: NDArray[np.float64], second: NDArray[np.float64], n: tuple[int, int]) -> Difference:
    """The difference of two scores measured on different photographs, from the resamples ``(1 + R,)`` of each."""
    value = float(first[0] - second[0])
    if min(n) < FEWEST:
        return Difference(
            value, None, None, min(n), UNPAIRED, reason=f"a bootstrap needs {FEWEST} images, had {min(n)}"
        )
    parts = (float(np.nanstd(each[1:], ddof=1)) for each in (first, second))
    error = math.hypot(*(part * math.sqrt(size / (size - 1)) for part, size in zip(parts, n, strict=True)))
    if not error > 0:
        return Difference(value, None, None, min(n), UNPAIRED, reason="no resample differs")
    return from_standard_error(value, error, min(n), UNPAIRED)


def from_standard_error(value: float, standard_error: float, n: int, method: str) -> Difference:
    """A difference with Student's interval and p, of n - 1 degrees of freedom."""
    from scipy.special import stdtr, stdtrit

    half = float(stdtrit(n - 1, 0.975)) * standard_error
    return Difference(
        value=value,
        interval=Interval(value - half, value + half),
        p=float(2 * stdtr(n - 1, -abs(value) / standard_error)),
        n=n,
        method=method,
        detectable=(NormalDist().inv_cdf(0.975) + NormalDist().inv_cdf(0.8)) * standard_error,
    )


def bounded_difference(found: Moments, span: float) -> Difference:
    """The mean of what one model is ahead by on each image, with an interval that needs no spread to be seen.

    Args:
        found: of numbers in [-span, span].
        span: the most that an image can put the two apart.

    Source: Wilson (1927) for either side; a mean of values in [0, 1] varies at most as a share does, so his interval is
        never too short; Newcombe (1998), method 10, for the two together.
    """
    n, ahead, behind = found.n, found.ahead / found.n / span, found.behind / found.n / span
    z = NormalDist().inv_cdf(0.975)
    (low, high), (other_low, other_high) = bounded_mean(ahead, n, z), bounded_mean(behind, n, z)
    value = ahead - behind
    below, above = math.hypot(ahead - low, other_high - behind), math.hypot(high - ahead, behind - other_low)
    return Difference(
        value=value * span,
        interval=Interval(max(value - below, -1.0) * span, min(value + above, 1.0) * span),
        p=None,
        n=n,
        method=BOUNDED,
        detectable=min(math.hypot(other_high, high), 1.0) * span,
        reason=f"the two differ on {found.differing} of {n} images, too few for a bootstrap",
    )


def bounded_mean(mean: float, n: int, z: float) -> tuple[float, float]:
    """Wilson's interval of a mean of n values in [0, 1], whatever their spread; see `bounded_difference`."""
    centre = (mean + z * z / (2 * n)) / (1 + z * z / n)
    half = z / (1 + z * z / n) * math.sqrt(max(mean * (1 - mean), 0.0) / n + z * z / (4 * n * n))
    return min(max(centre - half, 0.0), mean), max(min(centre + half, 1.0), mean)

"""The difference of two shares of the same images: an exact test, and score intervals of many at once."""

from __future__ import annotations

import math
from statistics import NormalDist

import numpy as np
from numpy.typing import ArrayLike, NDArray

from hardiness.core.spread import Interval

_BISECTIONS = 48


def mcnemar(first_only: ArrayLike, second_only: ArrayLike) -> NDArray[np.float64]:
    """Two-sided mid-p of "both are right equally often", from the images that one of two gets right and the other not.

    Only these images say anything; under the hypothesis each is as likely to be one's as the other's. The mid-p counts
    half of the probability of what was seen: it keeps its level nearly everywhere, where the plain exact test is too
    cautious and the chi-squared one too bold.

    Args:
        first_only, second_only: counts of images, of any equal shape.

    Returns:
        ``float64``, of that shape; 1 where there is no such image.

    Source: McNemar (1947), doi:10.1007/BF02295996; Fagerland, Lydersen & Laake (2013), doi:10.1186/1471-2288-13-91.
    """
    from scipy.special import bdtr, gammaln

    b, c = np.asarray(first_only, np.float64), np.asarray(second_only, np.float64)
    n, fewer = b + c, np.minimum(b, c)
    probability = np.exp(gammaln(n + 1) - gammaln(fewer + 1) - gammaln(n - fewer + 1) - n * math.log(2))
    return np.asarray(np.clip(2 * bdtr(fewer, n.astype(np.int64), 0.5) - probability, 0.0, 1.0))


def tango(
    first_only: ArrayLike, second_only: ArrayLike, n: ArrayLike, confidence: ArrayLike = 0.95
) -> tuple[NDArray[np.float64], NDArray[np.float64]]:
    """Lower and upper end of the score interval of a difference of two shares on the same ``n`` images.

    The differences that a score test, with the shares that are likeliest under each, would not refuse. It has a width
    where no image differs, and never leaves [-1, 1].

    Args:
        first_only, second_only: counts of images that one of the two alone gets right, of any equal shape.
        n: all images, those included.
        confidence: its coverage, in (0, 1); one for all, or one each where the counts are lists.

    Source: Tango (1998), doi:10.1002/(SICI)1097-0258(19980430)17:8<891::AID-SIM780>3.0.CO;2-B.
    """
    z = np.vectorize(NormalDist().inv_cdf)(0.5 + np.asarray(confidence) / 2)
    b, c, total = np.broadcast_arrays(*(np.asarray(count, np.float64) for count in (first_only, second_only, n)))
    estimate = (b - c) / total
    ends = []
    for edge in (-1.0, 1.0):
        inside, outside = estimate.copy(), np.full_like(estimate, edge)
        for _ in range(_BISECTIONS):
            middle = (inside + outside) / 2
            is_inside = np.abs(score_statistic(b, c, total, middle)) <= z
            inside, outside = np.where(is_inside, middle, inside), np.where(is_inside, outside, middle)
        ends.append(np.where(np.abs(score_statistic(b, c, total, np.full_like(estimate, edge))) <= z, edge, inside))
    return ends[0], ends[1]


def score_statistic(
    b: NDArray[np.float64], c: NDArray[np.float64], n: NDArray[np.float64], difference: NDArray[np.float64]
) -> NDArray[np.float64]:
    """The score statistic of "the difference is this", with the restricted likeliest share of ``second_only``."""
    linear = -b - c + (2 * n - b + c) * difference
    constant = -c * difference * (1 - difference)
    share = (np.sqrt(np.maximum(linear**2 - 8 * n * constant, 0)) - linear) / (4 * n)
    variance = n * np.maximum(2 * share + difference * (1 - difference), 0)
    residual = b - c - n * difference
    with np.errstate(divide="ignore", invalid="ignore"):
        return np.where(variance > 1e-300, residual / np.sqrt(variance), np.where(np.abs(residual) < 1e-9, 0.0, np.inf))


def score_interval(first_only: float, second_only: float, n: int, level: float = 0.05) -> Interval:
    """`tango`'s interval of one difference."""
    low, high = tango(first_only, second_only, n, 1 - level)
    return Interval(float(low), float(high))

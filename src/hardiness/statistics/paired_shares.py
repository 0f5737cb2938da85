"""The difference of two shares of the same images: an exact test and score interval."""

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


def score_interval(first_only: float, second_only: float, n: int, level: float = 0.05) -> Interval:
    """The score interval of a difference of two shares on the same ``n`` images.

    The differences that a score test, with the shares that are likeliest under each, would not refuse. It has a width
    where no image differs, and never leaves [-1, 1].

    Args:
        first_only, second_only: counts of images that one of the two alone gets right.
        n: all images, those included.
        level: one minus its coverage, in (0, 1).

    Source: Tango (1998), doi:10.1002/(SICI)1097-0258(19980430)17:8<891::AID-SIM780>3.0.CO;2-B.
    """
    z = NormalDist().inv_cdf(0.5 + (1 - level) / 2)

    def end(edge: float) -> float:
        inside, outside = (first_only - second_only) / n, edge
        if abs(score_statistic(first_only, second_only, n, edge)) <= z:
            return edge
        for _ in range(_BISECTIONS):
            middle = (inside + outside) / 2
            is_inside = abs(score_statistic(first_only, second_only, n, middle)) <= z
            inside, outside = (middle, outside) if is_inside else (inside, middle)
        return inside

    return Interval(end(-1.0), end(1.0))


def score_statistic(first_only: float, second_only: float, n: int, difference: float) -> float:
    """The score statistic of "the difference is this", with the restricted likeliest share of ``second_only``."""
    linear = -first_only - second_only + (2 * n - first_only + second_only) * difference
    constant = -second_only * difference * (1 - difference)
    share = (math.sqrt(max(linear * linear - 8 * n * constant, 0)) - linear) / (4 * n)
    variance = n * max(2 * share + difference * (1 - difference), 0)
    residual = first_only - second_only - n * difference
    if variance > 1e-300:
        return residual / math.sqrt(variance)
    return 0.0 if abs(residual) < 1e-9 else math.inf

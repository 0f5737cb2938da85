"""Two shares of right answers beside each other: on the same photographs, or on different ones."""

from __future__ import annotations

import math
from dataclasses import dataclass
from statistics import NormalDist

import numpy as np
from numpy.typing import ArrayLike, NDArray

from hardiness.core import ArgumentError, Interval
from hardiness.scoring.intervals import wilson

_BISECTIONS = 48

EXACT = "paired: McNemar's mid-p, Tango's score interval"


@dataclass(frozen=True, slots=True)
class Difference:
    """A first number minus a second.

    Attributes:
        value: the difference, in the score's own unit.
        interval: 95 %; ``None`` where none is defined, and then ``reason`` says why.
        p: two-sided p-value of "there is no difference"; ``None`` where there is no interval.
        n: images behind it; of two different sets of photographs, the smaller.
        method: how interval and p were found.
        detectable: the smallest difference that this n would have told from none in four of five cases.
        reason: why there is no interval, or why another method than the usual one was taken.
    """

    value: float
    interval: Interval | None
    p: float | None
    n: int
    method: str
    detectable: float | None = None
    reason: str | None = None

    @property
    def told(self) -> bool:
        """Whether the interval leaves out zero."""
        return self.interval is not None and not self.interval.low <= 0 <= self.interval.high


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
    seen = np.exp(gammaln(n + 1) - gammaln(fewer + 1) - gammaln(n - fewer + 1) - n * math.log(2))
    return np.asarray(np.clip(2 * bdtr(fewer, n.astype(np.int64), 0.5) - seen, 0.0, 1.0))


def tango(
    first_only: ArrayLike, second_only: ArrayLike, n: ArrayLike, confidence: float = 0.95
) -> tuple[NDArray[np.float64], NDArray[np.float64]]:
    """Lower and upper end of the score interval of a difference of two shares on the same ``n`` images.

    The differences that a score test, with the shares that are likeliest under each, would not refuse. It has a width
    where no image differs, and never leaves [-1, 1].

    Args:
        first_only, second_only: counts of images that one of the two alone gets right, of any equal shape.
        n: all images, those included.
        confidence: its coverage, in (0, 1).

    Source: Tango (1998), doi:10.1002/(SICI)1097-0258(19980430)17:8<891::AID-SIM780>3.0.CO;2-B.
    """
    z = NormalDist().inv_cdf(0.5 + confidence / 2)
    b, c, total = np.broadcast_arrays(*(np.asarray(each, np.float64) for each in (first_only, second_only, n)))
    estimate = (b - c) / total
    ends = []
    for edge in (-1.0, 1.0):
        inside, outside = estimate.copy(), np.full_like(estimate, edge)
        for _ in range(_BISECTIONS):
            middle = (inside + outside) / 2
            kept = np.abs(_score(b, c, total, middle)) <= z
            inside, outside = np.where(kept, middle, inside), np.where(kept, outside, middle)
        ends.append(np.where(np.abs(_score(b, c, total, np.full_like(estimate, edge))) <= z, edge, inside))
    return ends[0], ends[1]


def _score(
    b: NDArray[np.float64], c: NDArray[np.float64], n: NDArray[np.float64], difference: NDArray[np.float64]
) -> NDArray[np.float64]:
    """The score statistic of "the difference is this", with the restricted likeliest share of ``second_only``."""
    linear = -b - c + (2 * n - b + c) * difference
    constant = -c * difference * (1 - difference)
    share = (np.sqrt(np.maximum(linear**2 - 8 * n * constant, 0)) - linear) / (4 * n)
    variance = n * np.maximum(2 * share + difference * (1 - difference), 0)
    apart = b - c - n * difference
    with np.errstate(divide="ignore", invalid="ignore"):
        return np.where(variance > 1e-300, apart / np.sqrt(variance), np.where(np.abs(apart) < 1e-9, 0.0, np.inf))


def paired_difference(first: NDArray[np.bool_], second: NDArray[np.bool_]) -> Difference:
    """The share that ``first`` gets right minus that of ``second``, on the same images: exact test, score interval.

    Args:
        first, second: ``(N,)`` whether each image was answered right.

    Raises:
        ArgumentError: they differ in length or are empty.

    Source: `mcnemar`, `tango`, `detectable_paired`.
    """
    if first.shape != second.shape or not first.size:
        raise ArgumentError(f"a paired comparison needs the same images twice, had {first.size} and {second.size}")
    n = len(first)
    only_first, only_second = int(np.sum(first & ~second)), int(np.sum(second & ~first))
    low, high = (float(end) for end in tango(only_first, only_second, n))
    return Difference(
        value=(only_first - only_second) / n,
        interval=Interval(low, high),
        p=float(mcnemar(only_first, only_second)),
        n=n,
        method=EXACT,
        detectable=detectable_paired((only_first + only_second) / n, n),
    )


def unpaired_difference(first: tuple[int, int], second: tuple[int, int]) -> Difference:
    """The first share minus the second, of right answers to different photographs.

    Args:
        first, second: right answers, and images.

    Source: Newcombe (1998), doi:10.1002/(SICI)1097-0258(19980430)17:8<873::AID-SIM779>3.0.CO;2-I, method 10, for the
        interval; Campbell (2007), doi:10.1002/sim.2832, the "N - 1" chi-squared test, for p.
    """
    (hits, n), (other_hits, other_n) = first, second
    a, b = wilson(hits, n), wilson(other_hits, other_n)
    p, q = hits / n, other_hits / other_n
    total, pooled = n + other_n, (hits + other_hits) / (n + other_n)
    variance = pooled * (1 - pooled) * (1 / n + 1 / other_n) * total / max(total - 1, 1)
    z = (p - q) / math.sqrt(variance) if variance > 0 else 0.0
    return Difference(
        value=p - q,
        interval=Interval(p - q - math.hypot(p - a.low, b.high - q), p - q + math.hypot(a.high - p, q - b.low)),
        p=math.erfc(abs(z) / math.sqrt(2)),
        n=min(n, other_n),
        method="unpaired, different photographs: Newcombe's interval, N - 1 chi-squared test",
        detectable=_told_of(1.0, 0.8) * math.sqrt(variance),
    )


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


def _told_of(standard_error: float, power: float) -> float:
    return (NormalDist().inv_cdf(0.975) + NormalDist().inv_cdf(power)) * standard_error

"""Several models by one score: their values, every pair's difference, and their ranks."""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from itertools import combinations
from statistics import NormalDist
from typing import Any

import numpy as np
from numpy.typing import ArrayLike, NDArray

from hardiness.core import ArgumentError, Condition, Interval
from hardiness.statistics.intervals import RESAMPLES, Resamples, benjamini_hochberg, holm, wilson
from hardiness.statistics.measures import Measure, OfMeans

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
        detectable: the smallest difference that this n would have found in four of five cases.
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


@dataclass(frozen=True, slots=True)
class Rank:
    """The place of one model among several; 1 is the best.

    Attributes:
        rank: one more than the models that are told to be better: no model rises by chance alone.
        worst: the number of models less those that are told to be worse.
        drawn: the 2.5 % and 97.5 % of its place in the resamples.
    """

    rank: int
    worst: int
    drawn: tuple[int, int]


def ranks(
    draws: NDArray[np.float64], p: NDArray[np.float64], higher_is_better: bool, level: float = 0.05
) -> list[Rank]:
    """The rank of each model, in the order given.

    Args:
        draws: ``(1 + R, K)`` each model's score, then its resamples, the same draws of images for all.
        p: ``(K, K)`` p-values of the paired differences; the upper triangle is read; NaN where there was no test.
        higher_is_better: direction of the score.
        level: chance that any two are told apart that are alike, over all pairs.

    Source: Holm (1979) over the pairs. Source of the idea that a rank rises only where a difference is told: the Arena
        leaderboards, Chiang et al. (2024), arXiv:2403.04132.
    """
    models = draws.shape[1]
    upper = np.triu_indices(models, 1)
    told = np.zeros((models, models), bool)
    told[upper] = np.nan_to_num(holm(p[upper]), nan=1.0) < level
    told |= told.T
    signed = draws if higher_is_better else -draws
    better = told & (signed[0][:, None] > signed[0][None, :])
    # The place in a resample: models that are strictly better.
    above = (signed[1:, None, :] > signed[1:, :, None]).sum(axis=2)
    low, high = np.nanpercentile(above + 1, [2.5, 97.5], axis=0, method="nearest").astype(int)
    return [
        Rank(
            rank=1 + int(better[:, k].sum()),
            worst=models - int(better[k].sum()),
            drawn=(int(low[k]), int(high[k])),
        )
        for k in range(models)
    ]


@dataclass(frozen=True)
class Compared:
    """What one score says of several models.

    Attributes:
        metric: its name.
        higher_is_better: its direction.
        values: of each model, in the order given.
        pairs: first minus second, of every two models.
        ranks: of each model, where all were measured on the same images.
        n: images that all were measured on; 0 where models have images of their own.
        condition: of the score.
        title: what people call it.
        noise: how far the protocol itself moves a model's score at least, and on how many images that was measured; of
            the models of which it was measured.
    """

    metric: str
    higher_is_better: bool
    values: Mapping[str, float]
    pairs: Mapping[tuple[str, str], Difference]
    ranks: Mapping[str, Rank]
    n: int
    condition: Condition = Condition()
    title: str = ""
    noise: Mapping[str, tuple[float, int]] = field(default_factory=dict)

    def noise_of(self, pair: tuple[str, str]) -> tuple[float, int]:
        """How far the protocol moves the score of one of two models at least, and on how many images; else 0 and 0."""
        return max((self.noise[name] for name in pair if name in self.noise), default=(0.0, 0))

    def is_nothing(self, pair: tuple[str, str]) -> bool:
        """Whether two models differ by no more than what the protocol itself moves the score of one of them by."""
        size, _ = self.noise_of(pair)
        return size > 0 and abs(self.pairs[pair].value) <= size

    def is_told_apart(self, pair: tuple[str, str]) -> bool:
        """Whether the difference of two models differs from zero, and is larger than the protocol's own noise."""
        return self.pairs[pair].told and not self.is_nothing(pair)


@dataclass(frozen=True, slots=True)
class CellDifference:
    """The difference of two models' errors under one condition, with its p-value before and after adjustment."""

    condition: Condition
    difference: Difference
    adjusted: float


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
    found = np.unique(first)
    for other in others:
        found = np.intersect1d(found, other)
    return found


def compared(metric: str, measures: Mapping[str, Measure], resamples: Resamples, higher_is_better: bool) -> Compared:
    """Several models on the same images by one score.

    Args:
        metric: its name.
        measures: of each model, all on the images of ``resamples``.
        resamples: the same for every score and benchmark of these images.
        higher_is_better: direction of the score.
    """
    pairs = {
        (first, second): difference(measures[first], measures[second], resamples)
        for first, second in combinations(measures, 2)
    }
    names = list(measures)
    draws = [
        np.full(RESAMPLES + 1, np.nan) if measure.undefined else measure.draws(resamples)
        for measure in measures.values()
    ]
    p = np.full((len(names), len(names)), np.nan)
    for (first, second), found in pairs.items():
        p[names.index(first), names.index(second)] = np.nan if found.p is None else found.p
    whole = not any(measure.undefined for measure in measures.values())
    placed = ranks(np.column_stack(draws), p, higher_is_better) if whole else []
    values = {name: float(drawn[0]) for name, drawn in zip(names, draws, strict=True)}
    return Compared(metric, higher_is_better, values, pairs, dict(zip(names, placed, strict=False)), resamples.n)


def compared_apart(metric: str, measures: Mapping[str, tuple[Measure, Resamples]], higher_is_better: bool) -> Compared:
    """Several models, each on photographs of its own, by one score: unpaired, and so far less is told."""
    draws = {
        name: np.full(1, np.nan) if measure.undefined else measure.draws(resamples)
        for name, (measure, resamples) in measures.items()
    }
    pairs = {}
    for first, second in combinations(measures, 2):
        one, other = measures[first][0], measures[second][0]
        if isinstance(one, OfMeans) and isinstance(other, OfMeans) and one.shares and other.shares:
            counts = [(int(np.sum(side.values)), side.n) for side in (one, other)]
            pairs[first, second] = unpaired_difference(counts[0], counts[1])
        else:
            pairs[first, second] = unpaired(draws[first], draws[second], (one.n, other.n))
    values = {name: float(found[0]) for name, found in draws.items()}
    return Compared(metric, higher_is_better, values, pairs, {}, 0)


def by_cell(
    first: NDArray[np.bool_], second: NDArray[np.bool_], conditions: Sequence[Condition]
) -> list[CellDifference]:
    """The difference of two models' errors under each condition, told or not after Benjamini & Hochberg over all.

    Args:
        first, second: ``(N, M)`` whether each answer of the two models is right.
        conditions: of the M cells.
    """
    only_first = np.sum(first & ~second, axis=0)
    only_second = np.sum(second & ~first, axis=0)
    n = len(first)
    p = mcnemar(only_first, only_second)
    low, high = tango(only_second, only_first, n)
    adjusted = benjamini_hochberg(p)
    return [
        CellDifference(
            condition,
            Difference(
                value=float((only_second[k] - only_first[k]) / n),
                interval=Interval(float(low[k]), float(high[k])),
                p=float(p[k]),
                n=n,
                method=EXACT,
            ),
            float(adjusted[k]),
        )
        for k, condition in enumerate(conditions)
    ]

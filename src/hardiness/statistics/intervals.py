"""Intervals for shares and for means of resampled images."""

from __future__ import annotations

import math
from collections.abc import Callable, Iterator
from functools import cache, lru_cache
from statistics import NormalDist

import numpy as np
from numpy.typing import NDArray

from hardiness.core.errors import ArgumentError
from hardiness.core.random import rng
from hardiness.core.spread import Interval

RESAMPLES = 1000
"""How often the images of a set are drawn anew."""

INDICES_AT_ONCE = 50_000
"""Images that are drawn by one call, in however many resamples."""

NEAREST, FURTHEST = 1e-6, 8.0
"""Standard errors below and beyond which no interval is asked how far it reaches."""

_BISECTIONS = 24

FEW_ANSWERS = 15
"""Answers of either kind below which Wilson's interval reaches to the exact one.

Wilson's alone holds in 84 % where a fifth of an answer is expected. With this rule it holds in 93.5 % and more at every
rate from 35 answers on, and in 94.5 % and more with 12 and 20, by summing the binomial distribution.
"""


def level_reaching(ends: Callable[[float], Interval], value: float) -> float:
    """The level at which an interval reaches a value: the two-sided p-value of "the number is this".

    Args:
        ends: the interval at a level.
        value: in the number's unit.

    Returns:
        1 where every interval holds the value; at least what lies beyond `FURTHEST` errors.
    """
    low, high, outside, inside = 0.0, FURTHEST, 0.0, -1.0
    for _ in range(_BISECTIONS):
        errors = (low + high) / 2
        if errors < NEAREST:
            return 1.0
        interval = ends(math.erfc(errors / math.sqrt(2)))
        apart = max(interval.low - value, value - interval.high)
        if apart <= 0:
            high, inside = errors, apart
        else:
            low, outside = errors, apart
    # So near to each other, what is between lies on a straight line.
    between = (high - low) * outside / (outside - inside) if high < FURTHEST else 0.0
    return math.erfc((low + between) / math.sqrt(2))


@cache
def _normal(share: float) -> float:
    """The point of a normal below which that share lies."""
    return NormalDist().inv_cdf(share)


def normal_point(level: float) -> float:
    """The standard errors beyond which a normal lies as seldom as that level, both sides together."""
    return _normal(1 - level / 2)


def wilson(successes: float, n: float, confidence: float = 0.95) -> Interval:
    """The Wilson score interval of a proportion, as fractions of 1.

    It holds for the mean of any values in [0, 1] too, which vary at most as a share does.

    Args:
        successes: how many of the samples count, or what their values add up to.
        n: how many samples there are, at least 1.
        confidence: its coverage, in (0, 1).

    Raises:
        ArgumentError: ``n`` is below 1 or ``successes`` is outside [0, n].

    Source: Wilson (1927), doi:10.1080/01621459.1927.10502953, without continuity correction.
    """
    if n < 1 or not 0 <= successes <= n:
        raise ArgumentError(f"wilson needs 0 <= successes <= n and n >= 1, was {successes} of {n}")
    return wilson_of_share(successes / n, n, _normal(0.5 + confidence / 2))


def wilson_of_share(share: float, n: float, z: float) -> Interval:
    """`wilson` of a share of ``n`` independent answers, which need not be whole, at ``z`` standard errors."""
    centre = (share + z * z / (2 * n)) / (1 + z * z / n)
    half = z / (1 + z * z / n) * math.sqrt(share * (1 - share) / n + z * z / (4 * n * n))
    # At 0 of n and n of n the bound is 0 and 1 exactly; rounding must not push it past the value.
    return Interval(min(max(centre - half, 0.0), share), max(min(centre + half, 1.0), share))


def clopper_pearson(successes: float, n: float, confidence: float = 0.95) -> Interval:
    """The exact interval of a proportion, which never holds too seldom; for many at once, as Wilson's tails are short.

    Args:
        successes, n: need not be whole, as the numbers of independent answers that vary as much as a score does.
        confidence: its coverage, in (0, 1).

    Source: Clopper & Pearson (1934), doi:10.1093/biomet/26.4.404; Korn & Graubard (1998), Survey Methodology 24,
        193-201, for numbers that are not whole.
    """
    from scipy.special import betaincinv

    tail = (1 - confidence) / 2
    low = float(betaincinv(successes, n - successes + 1, tail)) if successes > 0 else 0.0
    high = float(betaincinv(successes + 1, n - successes, 1 - tail)) if successes < n else 1.0
    return Interval(low, high)


@lru_cache(maxsize=100_000)
def proportion(successes: float, n: float, confidence: float = 0.95) -> Interval:
    """The interval of a share: Wilson's, reaching to the exact one where there are few answers of either kind.

    It holds for the mean of any values in [0, 1] too, which vary at most as a share does.

    Args:
        successes: how many of the answers count, or what their values add up to.
        n: how many there are, above 0; need not be whole.
        confidence: its coverage, in (0, 1).

    Source: Wilson (1927), Clopper & Pearson (1934).
    """
    interval = wilson_of_share(successes / n, n, _normal(0.975 if confidence == 0.95 else 0.5 + confidence / 2))
    if min(successes, n - successes) >= FEW_ANSWERS:
        return interval
    return outermost(interval, _exact_interval(successes, n, confidence))


def outermost(*intervals: Interval) -> Interval:
    """The interval from the lowest of all ends to the highest: it holds wherever one of them does."""
    return Interval(min(interval.low for interval in intervals), max(interval.high for interval in intervals))


def _exact_interval(successes: float, n: float, confidence: float) -> Interval:
    """`clopper_pearson`, of whole numbers without scipy, which takes long to import."""
    if successes != int(successes) or n != int(n):
        return clopper_pearson(successes, n, confidence)
    if n - successes < successes:
        other = _exact_interval(n - successes, n, confidence)
        return Interval(1 - other.high, 1 - other.low)
    tail, hits, total = (1 - confidence) / 2, int(successes), int(n)
    low = _share_with(hits - 1, total, 1 - tail) if hits else 0.0
    return Interval(low, _share_with(hits, total, tail))


def _share_with(most: int, n: int, chance: float) -> float:
    """The share of answers of which ``most`` or fewer of ``n`` come up with this chance."""
    if most >= n:
        return 1.0
    combinations = [math.lgamma(n + 1) - math.lgamma(k + 1) - math.lgamma(n - k + 1) for k in range(most + 1)]
    low, high = 0.0, 1.0
    while low < (middle := (low + high) / 2) < high:
        one, other = math.log(middle), math.log1p(-middle)
        below = sum(math.exp(combination + k * one + (n - k) * other) for k, combination in enumerate(combinations))
        low, high = (middle, high) if below > chance else (low, middle)
    return low


def newcombe(first: float, of_first: Interval, second: float, of_second: Interval) -> Interval:
    """The interval of a first number less a second, independent one, from the interval of each.

    Source: Newcombe (1998), doi:10.1002/(SICI)1097-0258(19980430)17:8<873::AID-SIM779>3.0.CO;2-I, method 10.
    """
    below = math.hypot(first - of_first.low, of_second.high - second)
    above = math.hypot(of_first.high - first, second - of_second.low)
    return Interval(first - second - below, first - second + above)


def effective_answers(value: float, variance: float, telling: int, n: int, confidence: float = 0.95) -> float:
    """How many independent answers a share of this value is of that varies as much; arguments as `effective_wilson`."""
    below = 0.975 if confidence == 0.95 else 0.5 + confidence / 2
    spread = value * (1 - value)
    has_spread = variance > 0 and spread > 0 and telling > 1
    if not has_spread and n < 1:
        raise ArgumentError("an interval needs images that differ, or a number of images that bounds it; had neither")
    return max(spread / variance * (_normal(below) / _student(telling - 1, below)) ** 2, n) if has_spread else n


def effective_wilson(value: float, variance: float, telling: int, n: int, confidence: float = 0.95) -> Interval:
    """The interval of a mean of values in [0, 1], or of a score that is nearly one, from how much it varies.

    That of a share of as many independent answers as would vary as much, with Student's t for how well that is known:
    only images that differ from most tell of it, so that three errors among fifty images are three, not fifty.

    Args:
        value: the score, in [0, 1].
        variance: of it, over other images like these; 0 where no resample differs.
        telling: images that are unlike most, e.g. those with an error; its degrees of freedom are one less.
        n: independent answers that there are at least; 0 where nothing bounds the variance.
        confidence: its coverage, in (0, 1).

    Raises:
        ArgumentError: neither ``variance`` nor ``n`` says anything.

    Source: `proportion`; Korn & Graubard (1998), Survey Methodology 24, 193-201, for the effective number and its t.
    Differs: they take Clopper & Pearson's interval throughout, here it is that of few answers.
    """
    answers = effective_answers(value, variance, telling, n, confidence)
    return proportion(value * answers, answers, confidence)


def clustered_proportion(value: float, variance: float, n: int, clusters: float, confidence: float = 0.95) -> Interval:
    """The interval of a share of pictures that come in clusters, from how much it varies over other clusters.

    The exact one of as many independent answers as would vary as much, with Student's t for how well the clusters tell
    that. Where nothing varies, as where no picture counts or all do, a cluster counts as one answer.

    Args:
        value: the share, in [0, 1].
        variance: of it, over other clusters like these; 0 where nothing varies.
        n: pictures.
        clusters: how many they come in; where there is a variance, those that tell of it, as `Clusters.by_cluster`
            says, which are fewer of unlike sizes.
        confidence: its coverage, in (0, 1).

    Source: `clopper_pearson`; Korn & Graubard (1998), Survey Methodology 24, 193-201, for the effective number.
    """
    answers, below = float(clusters), 0.5 + confidence / 2
    if variance > 0 and 0 < value < 1 and clusters > 1:
        answers = value * (1 - value) / variance * known_by_clusters(n, clusters, below)
    return clopper_pearson(value * answers, answers, confidence)


def known_by_clusters(n: int, clusters: float, below: float = 0.975) -> float:
    """The share of independent answers that count, as clusters tell less well how much they vary than pictures would.

    Args:
        n: pictures.
        clusters: how many they come in, at least 2.
        below: one minus the share beyond either end of an interval.
    """
    return (_student(n - 1, below) / _student(clusters - 1, below)) ** 2


def with_unseen(
    interval: Interval, value: float, n: float, low: float = 0.0, high: float = 1.0, level: float = 0.05
) -> Interval:
    """An interval that reaches to where a mean of bounded values would be with the images that chance left out.

    Among ``n`` images there may be none of a kind that is wrong everywhere, or right everywhere, and such a kind shows
    in no spread. As many may be missing as Wilson's interval gives for none of n; of a share it changes nothing.

    Args:
        interval: by how much the values vary.
        value: their mean.
        n: independent images.
        low, high: the least and the most that a value can be.
        level: of the interval, one minus the coverage.
    """
    unseen = wilson_of_share(0.0, n, normal_point(level)).high
    return outermost(interval, Interval(value - (value - low) * unseen, value + (high - value) * unseen))


def unseen_difference(value: float, n: float, span: float, level: float = 0.05) -> Interval:
    """How far a mean difference reaches with units at either end of the range, of which chance showed none.

    Args:
        value: the mean difference, in [-span, span].
        n: independent units: pictures, or clusters as if all were of one size.
        span: the most that a unit can put the two apart.
        level: one minus the coverage, in (0, 1).

    Source: Hanley & Lippman-Hand (1983), doi:10.1001/jama.1983.03330370053031: none of n may be 3 of n.
    """
    unseen = -math.expm1(math.log(level / 2) / n)  # Clopper & Pearson's end of none of n
    return Interval(value - (span + value) * unseen, value + (span - value) * unseen)


def below_gamma(value: float, mean: float, variance: float, level: float = 0.05) -> Interval:
    """From a value to the point that a gamma variable stays below in 97.5 % of cases, or in as many as the level says.

    Args:
        value: the lower end.
        mean, variance: of the variable, both above 0.
        level: one minus the coverage, in (0, 1).
    """
    from scipy.special import gammaincinv

    return Interval(value, float(gammaincinv(mean * mean / variance, 1 - level / 2)) * variance / mean)


def area_interval(area: float, first: float, second: float, share: float = 1.0, level: float = 0.05) -> Interval:
    """The interval of an area under the receiver operating curve, which holds also where one kind is rare.

    It reaches to the areas from which the one seen lies 1.96 standard errors of theirs (at 95 %), and not of its own,
    which are too small where a good classifier saw few images of a kind: of ten positives that all rank high, an
    eleventh tells.

    Args:
        area: in [0, 1].
        first, second: images of either kind, or as many independent ones as vary as much.
        share: of the variance of such an area, that a mean of several over the same images has; in (0, 1].
        level: one minus the coverage, in (0, 1).

    Source: Newcombe (2006), doi:10.1002/sim.2324, method 5; Hanley & McNeil (1982),
        doi:10.1148/radiology.143.1.7063747, for the variance of an area.
    """
    half = (first + second) / 2 - 1

    def is_inside(end: float) -> bool:
        spread = 1 + half * ((1 - end) / (2 - end) + end / (1 + end))
        return (area - end) ** 2 <= normal_point(level) ** 2 * share * end * (1 - end) * spread / (first * second)

    ends = []
    for edge in (0.0, 1.0):
        inside, outside = area, edge
        while min(inside, outside) < (middle := (inside + outside) / 2) < max(inside, outside):
            inside, outside = (middle, outside) if is_inside(middle) else (inside, middle)
        ends.append(inside)
    return Interval(ends[0], ends[1])


def student(value: float, variance: float, telling: int) -> Interval:
    """The interval of a sum of differences of means, which nothing bounds, from how much it varies.

    Args:
        value: the score.
        variance: of it, over other images like these.
        telling: images that are unlike most, at least 2; its degrees of freedom are one less.

    Source: Student (1908); Korn & Graubard (1998), as in `effective_wilson`.
    """
    half = _student(telling - 1) * math.sqrt(variance)
    return Interval(value - half, value + half)


def skewed_student(value: float, error: float, skew: float, degrees: float, level: float = 0.05) -> Interval:
    """The interval of a sum or mean that few images may decide: the outer ends of Student's and of one that knows skew.

    Student's t errs to one side where images are unlike in size; Hall's transformation, which removes the skew, errs
    where the skew is that of chance alone. Their outer ends hold in both cases.

    Args:
        value: the number.
        error: its standard error, above 0.
        skew: of the number over other images like these: that of one image over the root of n.
        degrees: of freedom, at least 1: how many images tell of the spread, less one.
        level: one minus the coverage, in (0, 1).

    Source: Student (1908); Hall (1992), doi:10.1111/j.2517-6161.1992.tb01872.x, the monotone cubic transformation.
    """
    from scipy.special import stdtrit

    t = float(stdtrit(degrees, 1 - level / 2))
    return outermost(Interval(value - error * t, value + error * t), hall(value, error, skew, degrees, level))


def skewed_student_p(value: float, error: float, skew: float, degrees: float) -> float:
    """Two-sided p-value of "the number is 0": the level at which `skewed_student`'s interval reaches 0."""
    from scipy.special import stdtr

    t, with_skew = value / error, _of_skew(value / error, skew)
    nearer = min(abs(t), abs(with_skew)) if t * with_skew > 0 else 0.0
    return float(2 * stdtr(degrees, -nearer))


def hall(value: float, error: float, skew: float, degrees: float, level: float = 0.05) -> Interval:
    """The interval of a number by Student's t, after a transformation that removes the skew.

    Arguments as of `skewed_student`.

    Source: Hall (1992), doi:10.1111/j.2517-6161.1992.tb01872.x, the monotone cubic transformation.
    """
    from scipy.special import stdtrit

    t = float(stdtrit(degrees, 1 - level / 2))
    return Interval(value - error * _without_skew(t, skew), value - error * _without_skew(-t, skew))


def hall_p(value: float, error: float, skew: float, degrees: float) -> float:
    """Two-sided p-value of "the number is 0": the level at which `hall`'s interval reaches 0."""
    from scipy.special import stdtr

    return float(2 * stdtr(degrees, -abs(_of_skew(value / error, skew))))


def _of_skew(t: float, skew: float) -> float:
    """The transformation of a statistic that removes its skew."""
    return t + skew * t**2 / 3 + skew**2 * t**3 / 27 + skew / 6


def _without_skew(t: float, skew: float) -> float:
    """The statistic whose transformation, which has no skew, is ``t``."""
    return float(3 / skew * (np.cbrt(1 + skew * (t - skew / 6)) - 1)) if abs(skew) > 1e-6 else t


@cache
def _student(degrees: int, share: float = 0.975) -> float:
    """The point of Student's t below which that share lies."""
    from scipy.special import stdtrit

    return float(stdtrit(degrees, share))


def variance_of(draws: NDArray[np.float64], n: int) -> float:
    """The variance of a score of ``n`` images from its resamples ``(R,)``; 0 of one image.

    Enlarged by n / (n - 1), which a bootstrap lacks: Hesterberg (2015), doi:10.1080/00031305.2015.1089789.
    """
    return float(np.nanvar(draws, ddof=1)) * n / (n - 1) if n > 1 else 0.0


def _draw_images(generator: np.random.Generator, n: int, resamples: int) -> Iterator[NDArray[np.int64]]:
    """Draw the images of so many resamples, several at a time, ``int64 (R, n)``.

    Of few images the calls would take the time, so many resamples share one; of many images they would fill memory.
    """
    at_once = max(1, INDICES_AT_ONCE // max(n, 1))
    for start in range(0, resamples, at_once):
        yield generator.integers(0, n, (min(at_once, resamples - start), n))


def resampled_means(values: NDArray[np.floating], purpose: str) -> NDArray[np.float64]:
    """Column means over resampled images, ``float64 (RESAMPLES, M)``: all columns of one image move together.

    Args:
        values: ``(N, M)``, one row an image; NaN where an image has no value, which then counts nowhere.
        purpose: keys the generator.

    Source: Efron & Tibshirani (1993), 1,000 resamples. It is a matrix product with multinomial counts, so 50,000 images
        x 76 cells take a second. Its sums are exact (`exact_grid`): equal columns resample alike on any processor.
    """
    is_evaluated = ~np.isnan(values)
    generator, n = rng(0, "bootstrap", purpose, len(values)), len(values)
    grid, scale = exact_grid(np.where(is_evaluated, values, 0), n)
    evaluated = None if is_evaluated.all() else is_evaluated.astype(np.float32)
    sums = np.empty((RESAMPLES, values.shape[1]))
    counts, weights = np.full_like(sums, n), np.empty((100, n), grid.dtype)
    for start in range(0, RESAMPLES, 100):
        first = 0
        for images in _draw_images(generator, n, len(weights)):
            flat_places = images + np.arange(len(images))[:, None] * n
            draws = np.bincount(flat_places.ravel(), minlength=images.size).reshape(images.shape)
            weights[first : first + len(images)] = draws
            first += len(images)
        sums[start : start + 100] = (weights @ grid) / scale
        if evaluated is not None:
            counts[start : start + 100] = weights.astype(np.float32, copy=False) @ evaluated
    with np.errstate(invalid="ignore"):  # a cell of few images may be empty in a resample
        return np.where(counts > 0, sums / np.maximum(counts, 1), np.nan)


def exact_grid(values: NDArray[np.generic], heaviest: int) -> tuple[NDArray[np.floating], NDArray[np.float64]]:
    """Whole numbers ``(N, M)`` and a scale ``(M,)``: whole / scale is ``values``, and weighted sums never round.

    A matrix product adds in an order that depends on the processor, on the number of threads and on whether a column
    stands at the edge. Where no sum rounds, the order does not matter: equal columns have equal sums wherever they
    are. The grid has 2^-36 of the column's largest value at 50,000 images; small whole numbers, as right or wrong,
    are kept as they are, and in float32, which is twice as fast.

    Args:
        values: ``(N, M)``, finite.
        heaviest: what the whole, non-negative weights of one sum add up to at most.
    """
    peak = np.abs(values).max(axis=0, initial=0).astype(np.float64)
    small = heaviest * peak.max(initial=0) < 1 << 24
    if small and (values.dtype.kind in "biu" or bool(np.all(values == np.rint(values)))):
        return values.astype(np.float32), np.ones(values.shape[1])
    # |value| <= 2^peak_bits and heaviest < 2^weight_bits: no partial sum of the scaled values reaches 2^53.
    scale = np.ldexp(1.0, 52 - heaviest.bit_length() - np.frexp(peak)[1])
    return np.rint(values * scale), scale


def centred(draws: NDArray[np.float64], estimate: float) -> Interval:
    """The 95 % interval of resampled values, moved by their bias, around the estimate.

    Where few images have an error it holds too seldom; see `effective_wilson`.

    Source: Efron & Tibshirani (1993), percentile bootstrap.
    Differs: the percentiles are moved by the bootstrap's own estimate of bias, so that they surround the statistic. A
        binned calibration error only grows when noise is added; the plain percentile interval of a well calibrated
        model lies wholly above its value.
    """
    low, high = np.nanpercentile(draws, [2.5, 97.5]) - (np.nanmean(draws) - estimate)
    return Interval(float(min(low, estimate)), float(max(high, estimate)))


def within(interval: Interval, low: float = 0.0, high: float = 1.0) -> Interval:
    """The interval cut to the range that the statistic can have."""
    first, second = (float(min(max(end, low), high)) for end in (interval.low, interval.high))
    return Interval(first, second)


def scaled(interval: Interval, start: float, unit: float) -> Interval:
    """The interval of ``start`` plus so many times the number, which may be below 0."""
    ends = start + interval.low * unit, start + interval.high * unit
    return Interval(min(ends), max(ends))


def stretched(value: float, low: float, high: float, level: float = 0.05) -> Interval:
    """A 95 % interval of which nothing else is known, at another level: each side reaches as far as a normal's does.

    Args:
        value: the number.
        low, high: the ends at 95 %.
        level: one minus the coverage, in (0, 1).
    """
    times = normal_point(level) / normal_point(0.05)
    return (
        Interval(value - times * (value - low), value + times * (high - value)) if times != 1 else Interval(low, high)
    )


def disjoint(a: Interval, b: Interval) -> bool:
    """Whether two intervals have no value in common."""
    return a.high < b.low or b.high < a.low

"""Intervals that stay valid however often one looks, so that a run may stop when they are tight enough."""

from __future__ import annotations

import math
from collections.abc import Callable
from functools import cache

from hardiness.core import ArgumentError, Interval

FEW = 30
"""Images that hit, and that miss, below which a share's interval is the exact one."""

_BISECTIONS = 60
_LOG_TWENTY = math.log(20)


@cache
def multiplier(confidence: float = 0.95) -> float:
    """Standard errors in half of an interval of the sequence, where it is tightest: 3.035 at 95 %.

    An interval that is looked at once has 1.960; looking as often as one likes costs the rest.
    """
    return math.sqrt(1 + _tightest(confidence))


@cache
def _tightest(confidence: float) -> float:
    """Where (1 + 1/u) (log(1 + u) - 2 log alpha) is smallest: at u = log(1 + u) - 2 log alpha its derivative is 0."""
    if not 0 < confidence < 1:
        raise ArgumentError(f"confidence must be in (0, 1), was {confidence:g}")
    u = 8.0
    for _ in range(100):
        u = math.log1p(u) - 2 * math.log(1 - confidence)
    return u


def half_width(variance: float, target: float, confidence: float = 0.95) -> float:
    """Half of the interval around an estimate of this variance, valid at every look at once.

    The estimates of a growing sample wander as a Brownian motion does in the time 1 / variance, whether it comes from
    images, from cells of images, or from both, and with a finite population too. A mixture of normal densities over
    all differences bounds how far such a motion ever strays. The mixture is chosen to be tightest where the half-width
    is ``target``: there it is `multiplier` standard errors. It is valid in the limit of many images, as 1.96 is.

    Args:
        variance: of the estimate over samples of this size; 0 once the whole population is known.
        target: the half-width that is aimed at, above 0, in the estimate's unit.
        confidence: coverage of all intervals of the sequence together.

    Raises:
        ArgumentError: the target is not above 0.

    Source: Robbins (1970), doi:10.1214/aoms/1177696786; Howard et al. (2021), doi:10.1214/20-AOS1991, section 3.2;
        Waudby-Smith et al. (2024), doi:10.1214/24-AOS2408, for means of any distribution. Serfling (1974),
        doi:10.1214/aos/1176342611, for the motion of a sample without replacement.
    """
    if not target > 0:
        raise ArgumentError(f"precision-target must be above 0, was {target:g}")
    if variance <= 0:
        return 0.0
    u = _tightest(confidence) * (target / multiplier(confidence)) ** 2 / variance
    return math.sqrt(variance * (1 + 1 / u) * (math.log1p(u) - 2 * math.log(1 - confidence)))


def share_interval(hits: int, n: int, target: float, population: int | None = None) -> Interval:
    """The interval of a share, valid at every look.

    Wilson's with `half_width` in place of 1.96 standard errors; where fewer than 30 images hit, or fewer than 30 miss,
    one that is exact for any n, as no normal density is near then.

    Args:
        hits: how many of the n images count.
        n: images, at least 1.
        target: the half-width that is aimed at.
        population: images of which these are a sample without replacement, whose share is asked for; ``None`` where the
            share of all images like these is.

    Raises:
        ArgumentError: hits are not in [0, n], or n is beyond the population.

    Source: Wilson (1927) for the variance at the end of the interval, not at the estimate, and `half_width`; Robbins
        (1970) and Waudby-Smith & Ramdas (2020), arXiv:2006.04347, section 2, for the exact one: shares whose likelihood
        is not below a twentieth of its mean over shares of Jeffreys' prior.
    """
    if n < 1 or not 0 <= hits <= n or (population is not None and n > population):
        raise ArgumentError(f"a share needs 0 <= hits <= n <= population, was {hits} of {n} of {population}")
    if min(hits, n - hits) < FEW:
        return _exact(hits, n, population)
    left = 1.0 if population is None else (population - n) / max(population - 1, 1)
    share = hits / n

    def inside(value: float) -> bool:
        return abs(share - value) <= half_width(value * (1 - value) * left / n, target)

    return Interval(_end(inside, share, 0.0), _end(inside, share, 1.0))


def _exact(hits: int, n: int, population: int | None) -> Interval:
    misses = n - hits
    mixed = _log_beta(0.5 + hits, 0.5 + misses) - _log_beta(0.5, 0.5)

    def inside(value: float) -> bool:
        """Whether a share's likelihood is not too far below that of the mixture."""
        if population is None:
            seen = (hits * math.log(value) if hits else 0.0) + (misses * math.log1p(-value) if misses else 0.0)
        else:
            right = value * population
            if right < hits or population - right < misses:
                return False
            # Ways to draw these hits and misses in their order, over ways to draw any n images in order.
            seen = _log_falling(right, hits) + _log_falling(population - right, misses) - _log_falling(population, n)
        return mixed - seen <= _LOG_TWENTY

    low, high = hits / n, hits / n
    if hits:
        low = _end(inside, low, 1e-12)
    if misses:
        high = _end(inside, high, 1 - 1e-12)
    return Interval(low, high)


def _end(inside: Callable[[float], bool], kept: float, out: float) -> float:
    """The last value from ``kept`` towards ``out`` that is inside, by bisection."""
    for _ in range(_BISECTIONS):
        middle = (kept + out) / 2
        kept, out = (middle, out) if inside(middle) else (kept, middle)
    return kept


def _log_beta(a: float, b: float) -> float:
    return math.lgamma(a) + math.lgamma(b) - math.lgamma(a + b)


def _log_falling(n: float, k: int) -> float:
    """Logarithm of n (n - 1) … (n - k + 1)."""
    return math.lgamma(n + 1) - math.lgamma(n - k + 1)


def images_needed(between: float, within: float, target: float, population: int | None = None) -> int:
    """About how many images it takes until an interval's half-width is ``target``, at the spread seen so far.

    Args:
        between: variance of one image's value.
        within: the part of it that comes from the choice of the image's cells; 0 where it has all of them.
        target: the half-width that is aimed at.
        population: as in `share_interval`; the answer may be beyond it where each image has few of its cells.
    """
    allowed = (target / multiplier()) ** 2
    return math.ceil(between / (allowed + (0.0 if population is None else (between - within) / population)))

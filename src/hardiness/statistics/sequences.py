"""P-values and intervals that hold while images come in: at every look, or where a run stops by its width."""

from __future__ import annotations

import math
from collections.abc import Callable
from functools import cache

import numpy as np

from hardiness.core.errors import ArgumentError
from hardiness.core.spread import Interval
from hardiness.statistics.intervals import normal_point, wilson_of_share

FEW = 30
"""Images that hit, and that miss, below which a share's interval is the exact one."""

_BISECTIONS = 60

_BETS = np.geomspace(0.002, 0.98, 48)
"""Shares of what may be bet without ever losing all: small ones for differences that are rare among many images."""

STOP_ERRORS = 2.24
"""Standard errors in half of a headline's interval.

A run stops where these are within the target, whatever the value is: so to stop by width costs nothing in the limit of
many images, and 1.96 would do. At the number of images at which a run really stops it covers in a little less than
95 %, as it stops sooner where the spread seems small. Of 2.24, which one look covers in 97.5 %, half of the 5 % is left
for that: `bench/early.py` has no population in which it covers in less than 95 %.

Source: Chow & Robbins (1965), doi:10.1214/aoms/1177700156; Anscombe (1953), doi:10.1111/j.2517-6161.1953.tb00121.x.
"""


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


def half_width(variance: float, target: float, confidence: float = 0.95, tuned: float | None = None) -> float:
    """Half of the interval around an estimate of this variance, valid at every look at once.

    The estimates of a growing sample wander as a Brownian motion does in the time 1 / variance, whether it comes from
    images, from cells of images, or from both, and with a finite population too. A mixture of normal densities over
    all differences bounds how far such a motion ever strays. The mixture is chosen to be tightest where the half-width
    is ``target``: there it is `multiplier` standard errors. It is valid in the limit of many images, as 1.96 is.

    Args:
        variance: of the estimate over samples of this size; 0 once the whole population is known.
        target: the half-width that is aimed at, above 0, in the estimate's unit.
        confidence: coverage of all intervals of the sequence together.
        tuned: the confidence at which it is tightest where the half-width is ``target``; by default that one. Intervals
            of several confidences are of one sequence where this is the same.

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
    u = _tightest(tuned or confidence) * (target / multiplier(tuned or confidence)) ** 2 / variance
    return math.sqrt(variance * (1 + 1 / u) * (math.log1p(u) - 2 * math.log(1 - confidence)))


def anytime_p(distance: float, variance: float, target: float) -> float:
    """The one-sided p-value of an estimate against a limit, valid at every look.

    The level at which `half_width`, tuned at 95 %, ends at the limit; half of it, as the mixture has two equal sides.

    Args:
        distance: estimate less limit, in whichever direction.
        variance, target: as for `half_width`.
    """
    if variance <= 0:
        return 0.0 if distance else 1.0
    u = _tightest(0.95) * (target / multiplier(0.95)) ** 2 / variance
    return min(1.0, math.exp((math.log1p(u) - distance**2 / (variance * (1 + 1 / u))) / 2) / 2)


def anytime_p_of_share(hits: int, n: int, limit: float) -> float:
    """The one-sided p-value of a share of images on the wrong side of a limit, valid at every look and for any n.

    How likely the images are at the limit, over how likely they are on average over shares of Jeffreys' prior on that
    side of it.

    Source: Ville (1939), that such a ratio seldom falls so low; Robbins (1970), doi:10.1214/aoms/1177696786.
    """
    from scipy.special import betainc

    if not 0 < limit < 1:
        return 0.0 if hits / n != limit else 1.0
    misses = n - hits
    is_above = hits / n > limit
    shares = [float(betainc(a, b, limit)) for a, b in ((0.5, 0.5), (0.5 + hits, 0.5 + misses))]
    prior, posterior = ((1 - share if is_above else share) for share in shares)
    on_average = _log_beta(0.5 + hits, 0.5 + misses) - _log_beta(0.5, 0.5) + math.log(max(posterior, 1e-300) / prior)
    at_limit = (hits * math.log(limit) if hits else 0.0) + (misses * math.log1p(-limit) if misses else 0.0)
    return min(1.0, math.exp(min(at_limit - on_average, 0.0)))


def anytime_p_of_pairs(first: int, second: int, n: int, limit: float) -> float:
    """The one-sided p-value of a difference of two shares of the same images on the wrong side of a limit, at any n.

    A gambler who starts with 1 and bets a share of what he has on each image, at the odds of the limit, does not become
    rich if the difference is on the right side of it. The p-value is one over what he has, as a mean over many shares.

    Args:
        first, second: images that the first alone counts, and the second alone.
        n: all images.
        limit: of first less second, as shares.

    Source: Ville (1939); Waudby-Smith & Ramdas (2024), doi:10.1093/jrsssb/qkad009, section 4, for such bets.
    """
    apart = (first - second) / n - limit
    if apart < 0:
        first, second, limit = second, first, -limit
    if apart == 0 or limit >= 1:
        return 1.0
    if limit <= -1:
        return 0.0
    bets = _BETS / (1 + limit)
    won = first * np.log1p(bets * (1 - limit)) + second * np.log1p(-bets * (1 + limit))
    won += (n - first - second) * np.log1p(-bets * limit)
    most = float(won.max())
    return min(1.0, math.exp(min(-most - math.log(float(np.exp(won - most).mean())), 0.0)))


def share_interval(hits: int, n: int, population: int | None = None, level: float = 0.05) -> Interval:
    """The interval of a share at the stop of a run that stops by its width.

    Wilson's with `STOP_ERRORS`, of as many answers as would vary as much where there is a population; where fewer than
    30 images hit, or fewer than 30 miss, one that is exact for any n and at every look, as no normal density is near
    then.

    Args:
        hits: how many of the n images count.
        n: images, at least 1.
        population: images of which these are a sample without replacement, whose share is asked for; ``None`` where the
            share of all images like these is.
        level: one minus the coverage, in (0, 1); `STOP_ERRORS` are those of 95 %.

    Raises:
        ArgumentError: hits are not in [0, n], or n is beyond the population.

    Source: Wilson (1927) for the variance at the end of the interval, not at the estimate, and `STOP_ERRORS`; Robbins
        (1970) and Waudby-Smith & Ramdas (2020), arXiv:2006.04347, section 2, for the exact one: shares whose likelihood
        is not below a twentieth of its mean over shares of Jeffreys' prior.
    """
    if n < 1 or not 0 <= hits <= n or (population is not None and n > population):
        raise ArgumentError(f"a share needs 0 <= hits <= n <= population, was {hits} of {n} of {population}")
    if min(hits, n - hits) < FEW:
        return _exact_interval(hits, n, population, level)
    rest = 1.0 if population is None else (population - n) / max(population - 1, 1)
    share = hits / n
    errors = STOP_ERRORS * (normal_point(level) / normal_point(0.05))
    return wilson_of_share(share, n / rest, errors) if rest else Interval(share, share)


def _exact_interval(hits: int, n: int, population: int | None, level: float) -> Interval:
    misses = n - hits
    mixture = _log_beta(0.5 + hits, 0.5 + misses) - _log_beta(0.5, 0.5)

    def is_inside(value: float) -> bool:
        """Whether a share's likelihood is not too far below that of the mixture."""
        if population is None:
            likelihood = (hits * math.log(value) if hits else 0.0) + (misses * math.log1p(-value) if misses else 0.0)
        else:
            hits_of_all = value * population
            if hits_of_all < hits or population - hits_of_all < misses:
                return False
            # Ways to draw these hits and misses in their order, over ways to draw any n images in order.
            likelihood = (
                _log_falling(hits_of_all, hits)
                + _log_falling(population - hits_of_all, misses)
                - _log_falling(population, n)
            )
        return mixture - likelihood <= -math.log(level)

    low, high = hits / n, hits / n
    if hits:
        low = last_inside(is_inside, low, 1e-12)
    if misses:
        high = last_inside(is_inside, high, 1 - 1e-12)
    return Interval(low, high)


def last_inside(is_inside: Callable[[float], bool], last: float, outside: float) -> float:
    """The last value from ``last`` towards ``outside`` that is inside, by bisection."""
    for _ in range(_BISECTIONS):
        middle = (last + outside) / 2
        last, outside = (middle, outside) if is_inside(middle) else (last, middle)
    return last


def _log_beta(a: float, b: float) -> float:
    return math.lgamma(a) + math.lgamma(b) - math.lgamma(a + b)


def _log_falling(n: float, k: int) -> float:
    """Logarithm of n (n - 1) … (n - k + 1)."""
    return math.lgamma(n + 1) - math.lgamma(n - k + 1)

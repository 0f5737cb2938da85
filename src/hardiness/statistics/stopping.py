"""Answers before the whole is run: p-values that hold at every look, and the rule that stops by width."""

from __future__ import annotations

import math
from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from functools import cache

import numpy as np
from numpy.typing import NDArray

from hardiness.core.errors import ArgumentError
from hardiness.core.result import Interval
from hardiness.statistics.cells import FEWEST_DEVIATING, FEWEST_PER_CELL, CellEstimate
from hardiness.statistics.estimate import Estimate
from hardiness.statistics.intervals import at_any_level, normal_point, wilson_of_share

FEW = 30
"""Images that hit, and that miss, below which a share's interval is the exact one."""

_BISECTIONS = 60


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


def anytime_p(apart: float, variance: float, target: float) -> float:
    """The one-sided p-value of an estimate against a limit, valid at every look.

    The level at which `half_width`, tuned at 95 %, ends at the limit; half of it, as the mixture has two equal sides.

    Args:
        apart: estimate less limit, in whichever direction.
        variance, target: as for `half_width`.
    """
    if variance <= 0:
        return 0.0 if apart else 1.0
    u = _tightest(0.95) * (target / multiplier(0.95)) ** 2 / variance
    return min(1.0, math.exp((math.log1p(u) - apart**2 / (variance * (1 + 1 / u))) / 2) / 2)


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
    above = hits / n > limit
    shares = [float(betainc(a, b, limit)) for a, b in ((0.5, 0.5), (0.5 + hits, 0.5 + misses))]
    prior, posterior = ((1 - each if above else each) for each in shares)
    likely = _log_beta(0.5 + hits, 0.5 + misses) - _log_beta(0.5, 0.5) + math.log(max(posterior, 1e-300) / prior)
    seen = (hits * math.log(limit) if hits else 0.0) + (misses * math.log1p(-limit) if misses else 0.0)
    return min(1.0, math.exp(min(seen - likely, 0.0)))


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


@at_any_level
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
        return _exact(hits, n, population, level)
    left = 1.0 if population is None else (population - n) / max(population - 1, 1)
    share = hits / n
    errors = STOP_ERRORS * (normal_point(level) / normal_point(0.05))
    return wilson_of_share(share, n / left, errors) if left else Interval(share, share)


def _exact(hits: int, n: int, population: int | None, level: float) -> Interval:
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
        return mixed - seen <= -math.log(level)

    low, high = hits / n, hits / n
    if hits:
        low = last_inside(inside, low, 1e-12)
    if misses:
        high = last_inside(inside, high, 1 - 1e-12)
    return Interval(low, high)


def last_inside(inside: Callable[[float], bool], kept: float, out: float) -> float:
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
    allowed = (target / STOP_ERRORS) ** 2
    return math.ceil(between / (allowed + (0.0 if population is None else (between - within) / population)))


@dataclass(frozen=True)
class Companions:
    """What other models answered on every image of a set, each a column.

    Attributes:
        ids: of all images, sorted, object ``(N,)`` of str.
        values: float64 ``(N, k)``: each model's own score of each image.
    """

    ids: NDArray[np.object_]
    values: NDArray[np.float64]

    def values_of(self, ids: NDArray[np.object_]) -> NDArray[np.float64] | None:
        """The values of some images, ``(n, k)``; ``None`` where one of these is not among all."""
        place = np.minimum(np.searchsorted(self.ids, ids), len(self.ids) - 1)
        return np.asarray(self.values[place]) if bool(np.all(self.ids[place] == ids)) else None

    def correct(self, cells: CellEstimate, own: NDArray[np.float64], population: int | None = None) -> CellEstimate:
        """The estimate corrected by companions, with what variance they leave; as it is where they cannot be trusted.

        They are trusted where the estimate is, and where what they leave open rests on 30 images and more: two models
        that differ on a handful of images would else seem to be known exactly.

        Args:
            cells: of n images.
            own: ``(n, k)``, the companions' values of these images, in their order.
            population: the size of the set whose value is asked for; ``None`` for all images like these, of which the
                companions' images are themselves a sample.

        Source: Cochran (1977), Sampling Techniques, chapter 7, the regression estimator, whose bias is of order 1/n,
            and 12.6, for companions that are known on a larger sample alone; Lavenberg & Welch (1981),
            doi:10.1287/mnsc.27.3.322, for control variates.
        """
        n, count = own.shape
        ids = cells.estimate.ids
        if cells.thin or n < FEWEST_DEVIATING + count:
            return cells
        centred = own - own.mean(axis=0)
        slopes, *_ = np.linalg.lstsq(centred, cells.estimate.influence, rcond=None)
        rest = cells.estimate.influence - centred @ slopes
        fourth = float(np.sum(rest**4))
        if not fourth > 0 or float(np.sum(rest**2)) ** 2 / fourth < FEWEST_DEVIATING:
            return cells
        between = min(float(np.sum(rest**2)) / (n - count - 1), cells.between)
        within = min(cells.within, between)
        sampled = 0.0 if population is None else n / population
        variance = ((1 - sampled) * between + sampled * within) / n
        if population is None:
            variance += (cells.between - between) / len(self.ids)
        return replace(
            cells,
            estimate=Estimate(float(cells.value - (own.mean(axis=0) - self.values.mean(axis=0)) @ slopes), ids, rest),
            variance=variance,
            between=between,
            within=within,
        )


GROWTH = 1.5
"""A round is at most this many times all before it, so that little is evaluated beyond what was needed."""

LEAST_GROWTH = 1.1


SURELY = 1.5
"""A target is given up before all images are evaluated where it would take this many times all there are."""


@dataclass(frozen=True, slots=True)
class Headline:
    """A score of one model while the run goes on.

    Attributes:
        name: of model and score.
        interval: valid where a run stops by its width; ``None`` while too little is known.
        value: the score so far.
        needed: about how many images it takes to be tight.
        n: images so far.
        reason: why there is no interval yet.
        least: about how many images it takes where each has all of its cells; 0 while too little is known.
    """

    name: str
    value: float
    interval: Interval | None
    needed: int
    n: int
    reason: str = ""
    least: int = 0

    @property
    def half_width(self) -> float:
        """Of the interval; infinite while there is none."""
        return (self.interval.high - self.interval.low) / 2 if self.interval else math.inf

    def is_out_of_reach(self, target: float, available: int) -> bool:
        """Whether so much more than the images there are would be needed that evaluating them all is in vain."""
        return self.half_width > target and self.least > SURELY * available

    def out_of_reach(self, target: float, available: int) -> str:
        """One line: a target that all the images there are do not reach, and what it would take.

        Args:
            target: the half-width that was aimed at.
            available: images that there are, of which the headline may have seen a part.
        """
        if self.interval is None:
            return f"{self.name}: {available:,} images are too few for an interval: {self.reason}"
        share = min(1.0, self.n / available)
        got = self.half_width * math.sqrt(share)
        about, needed = ("about " if share < 1 else ""), max(self.least, available + 1)
        return (
            f"{self.name}: {available:,} images give {about}±{got:.2g}, not ±{target:g}; it would take about "
            f"{needed:,} images, or a target of {_reachable(got, share):g}"
        )


def of_share(name: str, hits: int, n: int, target: float, population: int | None = None) -> Headline:
    """A share of images, e.g. top-1 or the accuracy under an attack.

    Args:
        name: of model and score.
        hits, n, population: as for `share_interval`.
        target: the half-width that is aimed at.
    """
    interval = share_interval(hits, n, population)
    share = (hits + 2) / (n + 4)
    needed = images_needed(share * (1 - share), 0.0, target, population)
    return Headline(name, hits / n, interval, needed, n, least=needed)


def of_cells(name: str, cells: CellEstimate, target: float, population: int | None = None) -> Headline:
    """A weighted sum of cell means, e.g. the mCE."""
    if cells.thin:
        return Headline(name, cells.value, None, cells.n + 1, cells.n, cells.thin)
    half = STOP_ERRORS * math.sqrt(max(cells.variance, 0.0))
    needed = images_needed(cells.between, cells.within, target, population)
    least = images_needed(cells.between - cells.within, 0.0, target, population)
    return Headline(name, cells.value, Interval(cells.value - half, cells.value + half), needed, cells.n, least=least)


@dataclass(frozen=True)
class Decision:
    """Whether to stop.

    Attributes:
        done: whether every headline is tight.
        loose: the headlines that are not, the loosest first.
    """

    done: bool
    loose: tuple[Headline, ...]


def decide(headlines: Sequence[Headline], target: float) -> Decision:
    """Whether every headline's half-width is at most the target.

    A pure function of what is stored: asked again it says the same, and a smaller target only asks for more images.

    Raises:
        ArgumentError: the target is not above 0, or there is no headline.
    """
    if not target > 0:
        raise ArgumentError(f"precision-target must be above 0, was {target:g}")
    if not headlines:
        raise ArgumentError("a precision-target needs a headline score, and what was asked for has none")
    loose = sorted((each for each in headlines if each.half_width > target), key=lambda each: -each.half_width)
    return Decision(not loose, tuple(loose))


@dataclass(frozen=True, slots=True)
class Extent:
    """How much of a benchmark is evaluated: images in the seeded order, and random cells of each."""

    images: int
    cells: int

    def grown(self, images: float, cells: float, whole: Extent) -> Extent | None:
        """The next round: more images while there are any, then more cells of each; ``None`` where nothing is left.

        Args:
            images, cells: about how many it takes.
            whole: images and cells that there are.
        """
        if self.images >= whole.images:
            if self.cells >= whole.cells:
                return None
            more = math.ceil(min(cells, 2.0 * self.cells))
            return Extent(whole.images, min(max(more, self.cells + 1), whole.cells))
        more_images = min(max(images, self.images * LEAST_GROWTH), self.images * GROWTH)
        return Extent(min(math.ceil(more_images), whole.images), self.cells)


def next_extent(extent: Extent, headlines: Sequence[Headline], target: float, whole: Extent) -> Extent | None:
    """The next round of a run that is to be exact enough; ``None`` where there is nothing left.

    Args:
        extent: what is evaluated.
        headlines: of that.
        target: the half-width that is aimed at.
        whole: images and cells that there are.
    """
    widest = max((each.half_width for each in headlines if each.interval), default=math.inf)
    needed = max((each.needed for each in headlines if each.half_width > target), default=extent.images + 1)
    return extent.grown(needed, extent.cells * (widest / target) ** 2, whole)


def largest_extent(
    weights: NDArray[np.float64], first: Extent, whole: Extent, target: float, population: int | None = None
) -> Extent:
    """The most that the rule evaluates before a weighted sum of values in [0, 1] is tight, whatever the answers are.

    Args:
        weights: ``(M,)`` of the cells.
        first: the first round; with one cell each image has all of them at once.
        whole: images and cells that there are.
        target: the half-width that is aimed at.
        population: as in `share_interval`.

    Source: Popoviciu (1935): values in an interval have at most a quarter of its squared length as their variance. A
        random cell counts as many times its weight as there are cells.
    """
    drawn = first.cells < whole.cells
    spread = float(len(weights) * np.sum(weights**2) if drawn else np.sum(np.abs(weights)) ** 2) / 4
    half = spread / first.cells if drawn else 0.0
    enough = SURELY_PER_CELL * whole.cells if drawn else 0
    needed = max(images_needed(spread, 0.0, target, population), images_needed(half, half, target, population))
    needed = max(needed, math.ceil(enough / first.cells))
    if len(weights) == 1:
        needed = max(needed, _tight_by_few(target))
    needed += whole.cells  # the means that values are apart from are of the same images
    if needed <= whole.images:
        return Extent(min(max(first.images, math.ceil(LEAST_GROWTH * needed)), whole.images), first.cells)
    bounded = images_needed(spread, 0.0, target, population) <= whole.images
    if not drawn or not bounded:
        return whole
    cells = max(2 * first.cells * images_needed(half, half, target, population), enough) / whole.images
    return Extent(whole.images, min(max(first.cells, math.ceil(cells)), whole.cells))


def _tight_by_few(target: float) -> int:
    """Images of which so few hit that their interval is the exact one, and is as tight as that all the same."""
    too_few, enough = FEW, math.ceil(4 * FEW / target)
    while enough - too_few > 1:
        n = (too_few + enough) // 2
        found = share_interval(FEW - 1, n)
        too_few, enough = (too_few, n) if found.high - found.low <= 2 * target else (n, enough)
    return enough


SURELY_PER_CELL = 4 * FEWEST_PER_CELL
"""Images a cell on average, with which no cell has too few to be believed."""


def _reachable(got: float, share: float) -> float:
    """A half-width a little above what was got, with two digits: what can be asked for instead."""
    wanted = got * (1.02 if share == 1 else 1.15)
    digits = 1 - math.floor(math.log10(wanted))
    return float(math.ceil(wanted * 10.0**digits) / 10.0**digits)

"""When a run may stop: every headline of every model is tight enough, or nothing is left to evaluate."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from hardiness.core import ArgumentError, Interval
from hardiness.scoring.stopping.cells import FEWEST_PER_CELL, CellEstimate
from hardiness.scoring.stopping.sequences import half_width, images_needed, share_interval

GROWTH = 1.5
"""A round is at most this many times all before it, so that little is evaluated beyond what was needed."""

LEAST_GROWTH = 1.1


@dataclass(frozen=True, slots=True)
class Headline:
    """A score of one model while the run goes on.

    Attributes:
        name: of model and score.
        interval: valid at every look; ``None`` while too little is known.
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


def of_share(name: str, hits: int, n: int, target: float, population: int | None = None) -> Headline:
    """A share of images, e.g. top-1 or the accuracy under an attack; arguments as in `share_interval`."""
    interval = share_interval(hits, n, target, population)
    share = (hits + 2) / (n + 4)
    needed = images_needed(share * (1 - share), 0.0, target, population)
    return Headline(name, hits / n, interval, needed, n, least=needed)


def of_cells(name: str, found: CellEstimate, target: float, population: int | None = None) -> Headline:
    """A weighted sum of cell means, e.g. the mCE."""
    if found.thin:
        return Headline(name, found.value, None, found.n + 1, found.n, found.thin)
    half = half_width(found.variance, target)
    needed = images_needed(found.between, found.within, target, population)
    least = images_needed(found.between - found.within, 0.0, target, population)
    return Headline(name, found.value, Interval(found.value - half, found.value + half), needed, found.n, least=least)


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


def next_extent(extent: Extent, headlines: Sequence[Headline], target: float, whole: Extent) -> Extent | None:
    """The next round: more images while there are any, then more cells of each; ``None`` where there is nothing left.

    Args:
        extent: what is evaluated.
        headlines: of that.
        target: the half-width that is aimed at.
        whole: images and cells that there are.
    """
    if extent.images >= whole.images:
        if extent.cells >= whole.cells:
            return None
        widest = max((each.half_width for each in headlines if each.interval), default=math.inf)
        more = extent.cells * min((widest / target) ** 2, 2.0) if math.isfinite(widest) else 2.0 * extent.cells
        return Extent(whole.images, min(max(math.ceil(more), extent.cells + 1), whole.cells))
    needed = max((each.needed for each in headlines if each.half_width > target), default=extent.images + 1)
    images = min(max(needed, extent.images * LEAST_GROWTH), extent.images * GROWTH)
    return Extent(min(math.ceil(images), whole.images), extent.cells)


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
    if needed <= whole.images:
        return Extent(min(max(first.images, math.ceil(LEAST_GROWTH * needed)), whole.images), first.cells)
    bounded = images_needed(spread, 0.0, target, population) <= whole.images
    if not drawn or not bounded:
        return whole
    cells = max(2 * first.cells * images_needed(half, half, target, population), enough) / whole.images
    return Extent(whole.images, min(max(first.cells, math.ceil(cells)), whole.cells))


SURELY_PER_CELL = 4 * FEWEST_PER_CELL
"""Images a cell on average, with which no cell has too few to be believed."""

SURELY = 1.5
"""A target is given up before all images are evaluated where it would take this many times all there are."""


def is_out_of_reach(headline: Headline, target: float, available: int) -> bool:
    """Whether so much more than the images there are would be needed that evaluating them all is in vain."""
    return headline.half_width > target and headline.least > SURELY * available


def out_of_reach(headline: Headline, target: float, available: int) -> str:
    """One line: a target that all the images there are do not reach, and what it would take.

    Args:
        headline: the one that is furthest from it.
        target: the half-width that was aimed at.
        available: images that there are, of which the headline may have seen a part.
    """
    if headline.interval is None:
        return f"{headline.name}: {available:,} images are too few for an interval: {headline.reason}"
    share = min(1.0, headline.n / available)
    got = headline.half_width * math.sqrt(share)
    about, needed = ("about " if share < 1 else ""), max(headline.least, available + 1)
    return (
        f"{headline.name}: {available:,} images give {about}±{got:.2g}, not ±{target:g}; it would take about "
        f"{needed:,} images, or a target of {_reachable(got, share):g}"
    )


def _reachable(got: float, share: float) -> float:
    """A half-width a little above what was got, with two digits: what can be asked for instead."""
    wanted = got * (1.02 if share == 1 else 1.15)
    digits = 1 - math.floor(math.log10(wanted))
    return float(math.ceil(wanted * 10.0**digits) / 10.0**digits)

"""The rule that stops a run by the width of its headlines: how exact they are, and how much comes next."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass, replace

import numpy as np
from numpy.typing import NDArray

from hardiness.core.codes import RunRemark
from hardiness.core.errors import ArgumentError
from hardiness.core.fact import Fact
from hardiness.core.spread import Spread
from hardiness.statistics.cells import FEWEST_DEVIATING, CellEstimate
from hardiness.statistics.estimate import Estimate
from hardiness.statistics.sequences import STOP_ERRORS
from hardiness.statistics.spreads.combined import TwoEnds
from hardiness.statistics.spreads.looks import ShareAtStop

GROWTH = 1.5
"""A round is at most this many times all before it, so that little is evaluated beyond what was needed."""

LEAST_GROWTH = 1.1

SURELY = 1.5
"""A target is given up before all images are evaluated where it would take this many times all there are."""


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
    """The answers of other models to every image of a set, a column each.

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


@dataclass(frozen=True, slots=True)
class Headline:
    """A score of one model while the run goes on.

    Attributes:
        name: of model and score.
        spread: how well it is known where a run stops by its width; ``None`` while too little is.
        value: the score so far.
        needed: about how many images it takes to be tight.
        n: images so far.
        lack: why there is no interval yet.
        least: about how many images it takes where each has all of its cells; 0 while too little is known.
    """

    name: str
    value: float
    spread: Spread | None
    needed: int
    n: int
    lack: Fact | None = None
    least: int = 0

    @property
    def half_width(self) -> float:
        """Half the width of the interval; infinite while there is none."""
        if self.spread is None:
            return math.inf
        ends = self.spread.interval()
        return (ends.high - ends.low) / 2

    def is_out_of_reach(self, target: float, available: int) -> bool:
        """Whether so much more than the images there are would be needed that evaluating them all is in vain."""
        return self.half_width > target and self.least > SURELY * available

    def out_of_reach(self, benchmark: str, target: float, available: int) -> Fact:
        """The fact that all the images there are do not reach a target, and what it would take.

        Args:
            benchmark: its name.
            target: the half-width that was aimed at.
            available: images that there are, of which the headline may have seen a part.
        """
        about = {"benchmark": benchmark, "score": self.name, "images": available, "target": target}
        if self.spread is None:
            return Fact(RunRemark.OUT_OF_REACH, {**about, "lack": self.lack})
        share = min(1.0, self.n / available)
        reached = self.half_width * math.sqrt(share)
        needs = {"needed": max(self.least, available + 1), "reachable": _reachable(reached, share)}
        return Fact(RunRemark.OUT_OF_REACH, {**about, "reached": reached, "is_estimate": share < 1, **needs})


def headline_of_share(name: str, hits: int, n: int, target: float, population: int | None = None) -> Headline:
    """The headline of a share of images, e.g. top-1 or the accuracy under an attack.

    Args:
        name: of model and score.
        hits, n, population: as for `share_interval`.
        target: the half-width that is aimed at.
    """
    share = (hits + 2) / (n + 4)
    needed = images_needed(share * (1 - share), 0.0, target, population)
    return Headline(name, hits / n, ShareAtStop(hits, n, population), needed, n, least=needed)


def headline_of_cells(name: str, cells: CellEstimate, target: float, population: int | None = None) -> Headline:
    """The headline of a weighted sum of cell means, e.g. the mCE."""
    if cells.thin:
        return Headline(name, cells.value, None, cells.n + 1, cells.n, cells.thin)
    half = STOP_ERRORS * math.sqrt(max(cells.variance, 0.0))
    needed = images_needed(cells.between, cells.within, target, population)
    least = images_needed(cells.between - cells.within, 0.0, target, population)
    spread = TwoEnds(cells.value, cells.value - half, cells.value + half)
    return Headline(name, cells.value, spread, needed, cells.n, least=least)


@dataclass(frozen=True)
class Decision:
    """The answer to whether a run may stop.

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
    loose = sorted(
        (headline for headline in headlines if headline.half_width > target), key=lambda headline: -headline.half_width
    )
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
    widest = max((headline.half_width for headline in headlines if headline.spread), default=math.inf)
    needed = max((headline.needed for headline in headlines if headline.half_width > target), default=extent.images + 1)
    return extent.grown(needed, extent.cells * (widest / target) ** 2, whole)


def _reachable(reached: float, share: float) -> float:
    """A half-width a little above the one that was reached, with two digits: a target to ask for instead."""
    target = reached * (1.02 if share == 1 else 1.15)
    digits = 1 - math.floor(math.log10(target))
    return float(math.ceil(target * 10.0**digits) / 10.0**digits)

"""Means over cells, of which each image may have a few at random, and how exact they are."""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Any

import numpy as np
from numpy.typing import NDArray

from hardiness.core.codes import Lack
from hardiness.core.condition import Condition
from hardiness.core.fact import Fact, too_few
from hardiness.core.random import rng
from hardiness.core.result import Metric, Score
from hardiness.core.spread import Spread
from hardiness.core.table import ImageTable
from hardiness.statistics.clusters import EstimateBasis
from hardiness.statistics.estimate import Estimate, cell_influences, mean
from hardiness.statistics.intervals import variance_of
from hardiness.statistics.spreads.combined import cut
from hardiness.statistics.spreads.means import BoundedMean

FEWEST_PER_CELL = 5
"""Images that every cell must have before a mean over cells is believed."""

FEWEST_DEVIATING = 30
"""Images that must deviate from the mean before their spread is believed."""

FEWEST_TELLING = 2
"""Images that differ without which nothing is known of how much a sum in which cells count against others varies."""


def order_of_cells(seed: int, image: str, cells: int) -> NDArray[np.int64]:
    """A random order of the cells of one image: it gets the first m, and the next ones when more are asked for.

    Args:
        seed: the run's.
        image: its id.
        cells: how many there are.
    """
    return rng(seed, "cells", image).permutation(cells)


def is_drawn(table: ImageTable, seed: int) -> bool:
    """Whether each image was evaluated in the first cells of its own random order, however many, and no others.

    Then each cell was evaluated on images that nobody chose, and their errors can be compared.
    """
    evaluated = table.evaluated
    if evaluated.all():
        return True
    counts = evaluated.sum(axis=1)
    for row, image in enumerate(table.ids.tolist()):
        order = order_of_cells(seed, image, len(table.conditions))
        first_cells = order[np.isin(order, table.cells)][: counts[row]]
        if not evaluated[row, np.searchsorted(table.cells, first_cells)].all():
            return False
    return True


@dataclass(frozen=True)
class CellEstimate:
    """A weighted sum of cell means with its variance over other draws of images and cells.

    Attributes:
        estimate: the sum, and what each image adds to it.
        variance: with the finite population taken into account, if there is one.
        between: variance of one image's influence.
        within: the part of it that comes from the choice of its cells.
        thin: why the variance cannot be believed yet; ``None`` where it can.
    """

    estimate: Estimate
    variance: float
    between: float
    within: float
    thin: Fact | None = None

    @property
    def value(self) -> float:
        """The weighted sum of cell means."""
        return self.estimate.value

    @property
    def n(self) -> int:
        """Number of images that the sum rests on."""
        return self.estimate.n


def cell_estimate(
    ids: NDArray[Any], values: NDArray[np.float64], weights: NDArray[np.float64], population: int | None = None
) -> CellEstimate:
    """The sum of weighted cell means from images that each have some cells, and how exact it is.

    Each image weighs the same, whatever number of cells it has; each cell's mean is over the images that have it, so
    that nothing is lost by some cells being harder than others. The variance is that of a sample in two stages: images
    without replacement, then cells of each image without replacement.

    Args:
        ids: ``(N,)`` of the images, sorted.
        values: ``(N, M)``, e.g. 1 for wrong and 0 for right; NaN where an image was not evaluated.
        weights: ``(M,)`` of the cells, none 0, e.g. `corruption_weights` for the mCE.
        population: number of images of the set whose value is asked for; ``None`` for all images like these.

    Raises:
        ArgumentError: a cell has no image.

    Source: Cochran (1977), Sampling Techniques, 10.3 (two stages) and 5A.9 (post-stratified means); Särndal, Swensson &
        Wretman (1992), 5.5, for the variance of a ratio from its deviations. An image with a single cell says nothing
        of its own spread: that of the others stands for it, and where these are few the largest it can be is taken.
    """
    value, has_value, influences = cell_influences(values, weights, images_alike=True)
    estimate = Estimate(value, ids[has_value], influences.sum(axis=1))
    present = ~np.isnan(values[has_value])
    counts, n, cells = present.sum(axis=1), estimate.n, len(weights)
    between = estimate.variance * n
    within = min(_within(counts, cells, estimate.influence, (influences**2).sum(axis=1)), between)
    sampled_share = 0.0 if population is None else n / population
    return CellEstimate(
        estimate=estimate,
        variance=((1 - sampled_share) * between + sampled_share * within) / n,
        between=between,
        within=within,
        thin=_why_thin(present.sum(axis=0), estimate.influence, n == population and bool(present.all())),
    )


def _within(
    counts: NDArray[np.int64], cells: int, deviations: NDArray[np.float64], squares: NDArray[np.float64]
) -> float:
    """The variance that the choice of cells brings into one image's deviation; infinite where it cannot be told."""
    is_partial, has_several = counts < cells, counts > 1
    if not is_partial.any():
        return 0.0
    if np.count_nonzero(has_several) < min(FEWEST_DEVIATING, len(counts)):
        return math.inf
    several_counts = counts[has_several]
    spread = (
        several_counts**2
        * (squares[has_several] - deviations[has_several] ** 2 / several_counts)
        / (several_counts - 1)
    )
    spreads = np.full(len(counts), spread.mean())
    spreads[has_several] = spread
    return float(np.mean((1 - counts / cells) / counts * spreads))


def _why_thin(present: NDArray[np.int64], deviations: NDArray[np.float64], everything: bool) -> Fact | None:
    if everything:
        return None
    if present.min() < FEWEST_PER_CELL:
        return Fact(Lack.THIN_CELL, {"had": int(present.min()), "needed": FEWEST_PER_CELL})
    deviating = int(np.count_nonzero(np.abs(deviations - np.median(deviations)) > 1e-12))
    if deviating < FEWEST_DEVIATING:
        return too_few((FEWEST_DEVIATING, "images that deviate from the others"), had=(deviating,))
    return None


@dataclass(frozen=True)
class CellMeans:
    """Means of one quantity by condition, of which scores are weighted sums.

    Attributes:
        cells: the conditions that have a value.
        means: float64 ``(M,)``.
        n: images behind each cell, ``(M,)``.
        values: ``(N, M)`` of which they are the means; NaN where an image was not evaluated.
        top: the largest that a value can be; the smallest is 0.
        ids: ``(N,)`` of the images, or their places among those of the run's table; by default the images are these.
    """

    cells: tuple[Condition, ...]
    means: NDArray[np.float64]
    n: NDArray[np.int64]
    values: NDArray[np.float64]
    top: float = 1.0
    ids: NDArray[Any] | None = None

    def score(self, metric: Metric, weights: Mapping[Condition, float], condition: Condition | None = None) -> Score:
        """The sum of cell means times weights, with its interval.

        The interval is that of an `Estimate`: a weighted mean varies at most as a share of as many images does, and a
        sum in which cells count against others varies as it is seen to.

        Args:
            metric, condition: of the score.
            weights: of the cells that it is made of.
        """
        columns = [self.cells.index(cell) for cell in weights]
        factors = np.array(list(weights.values()))
        fewest, images, means = int(self.n[columns].min()), len(self.values), self.means[columns]
        # Equal weights are one factor, so that a mean of nine tenths is .9 to the last digit.
        alike = bool(np.all(factors == factors[0]))
        value = float(means.mean()) * math.fsum(factors) if alike else float(means @ factors)
        estimate = replace(mean(np.arange(len(self.values)), self.values[:, columns], factors), value=value)
        least, most = (self.top * float(factors[side].sum()) for side in (factors < 0, factors > 0))
        spread, lack = None, None
        if fewest < min(FEWEST_PER_CELL, images):
            lack = Fact(Lack.THIN_CELL, {"had": fewest, "needed": FEWEST_PER_CELL})
        elif least < 0 and estimate.differing < FEWEST_TELLING:
            lack = too_few((FEWEST_TELLING, "images that differ"), had=(estimate.differing,))
        else:
            spread = _spread_of_sum(estimate, least, most, int(np.count_nonzero(factors)))
            spread = cut(spread, *metric.range) if metric.unit == "fraction" else spread
        basis = EstimateBasis(
            lambda: replace(mean(self.image_ids, self.values[:, columns], factors), value=value),
            least,
            most,
            signed=least < 0,
            has_two_tests=bool(least == 0 and np.count_nonzero(factors) > 1),
            ends=metric.range if metric.unit == "fraction" else (-math.inf, math.inf),
        )
        return metric.score(value, estimate.n, spread, condition, lack=lack, basis=basis)

    @property
    def image_ids(self) -> NDArray[Any]:
        """The images ``(N,)``."""
        return np.arange(len(self.values)) if self.ids is None else self.ids


def _spread_of_sum(estimate: Estimate, least: float, most: float, cells: int) -> Spread:
    """How well a weighted sum of so many cells is known."""
    if least < 0:
        return estimate.spread(least, most, signed=True)
    return estimate.spread_of_cells(most) if cells > 1 else estimate.spread(least, most)


def equal_weights(cells: Sequence[Condition]) -> dict[Condition, float]:
    """The weights of a mean over cells, in which each counts the same."""
    return dict.fromkeys(cells, 1 / len(cells))


def spread_of_mean(values: NDArray[np.float64], draws: NDArray[np.float64]) -> Spread:
    """How well a mean over cells of values in [0, 1] is known, also where few images differ.

    Args:
        values: ``(N, M)``, NaN where an image was not evaluated; each cell weighs alike.
        draws: the mean of resampled images, ``(R,)``.
    """
    n = int(np.count_nonzero(~np.isnan(values), axis=0).min())
    value = min(max(float(np.nanmean(values, axis=0).mean()), 0.0), 1.0)
    telling = min(int(np.any(side, axis=1).sum()) for side in (values > 0, values < 1))
    return BoundedMean(value, variance_of(draws, n), telling, n)


def means_of(values: NDArray[np.generic]) -> NDArray[np.float64]:
    """The mean of each cell over the images that have a value there, ``(M,)``; NaN means none."""
    return np.asarray(np.nanmean(np.asarray(values, np.float64), axis=0))


def cell_means(table: ImageTable, values: NDArray[np.generic], top: float = 1.0) -> CellMeans:
    """The mean of ``values`` in each cell, and how these vary together.

    Args:
        table: whose cells they are.
        values: ``(N, M)``, NaN where an image was not evaluated; some are not.
        top: the largest that a value can be.
    """
    numbers = np.asarray(values, np.float64)
    n = np.count_nonzero(table.evaluated, axis=0)
    has_value = ~np.isnan(numbers).all(axis=1)
    ids = table.ids if has_value.all() else table.ids[has_value]
    return CellMeans(table.present, means_of(numbers), n, numbers[has_value], top, ids)


def is_whole(table: ImageTable, needed: set[Condition], seed: int) -> bool:
    """Whether all needed cells were run and none failed, on the same images or each image in random ones of them.

    Args:
        table: of the run.
        needed: the cells.
        seed: of the run, which keys the random order of each image's cells.
    """
    counts = np.count_nonzero(table.evaluated, axis=0).tolist()
    images = {n for cell, n in zip(table.present, counts, strict=True) if cell in needed}
    failed = {table.conditions[index] for failure in table.failures for index in failure.conditions}
    if not needed.issubset(table.present) or failed & needed:
        return False
    return len(images) == 1 or is_drawn(table, seed)

"""Means over cells of which each image gets a few at random: which ones, and how exact the mean is."""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from hardiness.core import ImageTable, rng
from hardiness.scoring.statistics.estimate import Estimate, cell_influences

FEWEST_PER_CELL = 5
"""Images that every cell must have before a mean over cells is believed."""

FEWEST_DEVIATING = 30
"""Images that must deviate from the mean before their spread is believed."""


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
    count = evaluated.sum(axis=1)
    for row, image in enumerate(table.ids.tolist()):
        order = order_of_cells(seed, image, len(table.conditions))
        wanted = order[np.isin(order, table.cells)][: count[row]]
        if not evaluated[row, np.searchsorted(table.cells, wanted)].all():
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
        thin: why the variance cannot be believed yet; empty where it can.
    """

    estimate: Estimate
    variance: float
    between: float
    within: float
    thin: str = ""

    @property
    def value(self) -> float:
        """The sum."""
        return self.estimate.value

    @property
    def n(self) -> int:
        """Images."""
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
    value, some, apart = cell_influences(values, weights, images_alike=True)
    estimate = Estimate(value, ids[some], apart.sum(axis=1))
    present = ~np.isnan(values[some])
    own, n, cells = present.sum(axis=1), estimate.n, len(weights)
    between = estimate.variance * n
    within = min(_within(own, cells, estimate.influence, (apart**2).sum(axis=1)), between)
    sampled = 0.0 if population is None else n / population
    return CellEstimate(
        estimate=estimate,
        variance=((1 - sampled) * between + sampled * within) / n,
        between=between,
        within=within,
        thin=_thin(present.sum(axis=0), estimate.influence, n == population and bool(present.all())),
    )


def _within(own: NDArray[np.int64], cells: int, deviations: NDArray[np.float64], squares: NDArray[np.float64]) -> float:
    """The variance that the choice of cells brings into one image's deviation; infinite where it cannot be told."""
    some, several = own < cells, own > 1
    if not some.any():
        return 0.0
    if np.count_nonzero(several) < min(FEWEST_DEVIATING, len(own)):
        return math.inf
    parts = own[several]
    spread = parts**2 * (squares[several] - deviations[several] ** 2 / parts) / (parts - 1)
    mine = np.full(len(own), spread.mean())
    mine[several] = spread
    return float(np.mean((1 - own / cells) / own * mine))


def _thin(present: NDArray[np.int64], deviations: NDArray[np.float64], everything: bool) -> str:
    if everything:
        return ""
    if present.min() < FEWEST_PER_CELL:
        return f"a cell has {present.min()} images, and {FEWEST_PER_CELL} are needed"
    deviating = int(np.count_nonzero(np.abs(deviations - np.median(deviations)) > 1e-12))
    if deviating < FEWEST_DEVIATING:
        return f"{deviating} images deviate from the others, and {FEWEST_DEVIATING} are needed"
    return ""

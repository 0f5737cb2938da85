"""Means over cells of which each image gets a few at random: which ones, and how exact the mean is."""

from __future__ import annotations

import math
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from hardiness.core import ArgumentError, ImageTable, rng

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
class Drawn:
    """What was evaluated, one entry an image and cell, in any order.

    Attributes:
        image: ``(K,)`` place of the image, 0 to n - 1, each of them there.
        cell: ``(K,)`` place of the cell.
        value: ``(K,)`` its value, e.g. 1 for wrong and 0 for right.
    """

    image: NDArray[np.int64]
    cell: NDArray[np.int64]
    value: NDArray[np.float64]

    @classmethod
    def of_table(cls, values: NDArray[np.floating]) -> Drawn:
        """The entries of a table ``(N, M)`` with NaN where nothing was evaluated; images without any are left out."""
        rows, cells = np.nonzero(~np.isnan(values))
        _, image = np.unique(rows, return_inverse=True)
        return cls(image, cells, values[rows, cells].astype(np.float64))


@dataclass(frozen=True)
class CellEstimate:
    """A weighted sum of cell means with its variance over other draws of images and cells.

    Attributes:
        value: the sum.
        variance: with the finite population taken into account, if there is one.
        n: images.
        between: variance of one image's deviation.
        within: the part of it that comes from the choice of its cells.
        deviations: ``(n,)`` how far each image moves the sum, times n; they add up to 0.
        thin: why the variance cannot be believed yet; empty where it can.
    """

    value: float
    variance: float
    n: int
    between: float
    within: float
    deviations: NDArray[np.float64]
    thin: str = ""


def cell_estimate(drawn: Drawn, weights: NDArray[np.float64], population: int | None = None) -> CellEstimate:
    """The sum of weighted cell means from images that each have some cells, and how exact it is.

    Each image weighs the same, whatever number of cells it has; each cell's mean is over the images that have it, so
    that nothing is lost by some cells being harder than others. The variance is that of a sample in two stages: images
    without replacement, then cells of each image without replacement.

    Args:
        drawn: at least one entry.
        weights: ``(M,)`` of the cells, e.g. `corruption_weights` for the mCE.
        population: number of images of the set whose value is asked for; ``None`` for all images like these.

    Raises:
        ArgumentError: there is no entry.

    Source: Cochran (1977), Sampling Techniques, 10.3 (two stages) and 5A.9 (post-stratified means); Särndal, Swensson &
        Wretman (1992), 5.5, for the variance of a ratio from its deviations. An image with a single cell says nothing
        of its own spread: that of the others stands for it, and where these are few the largest it can be is taken.
    """
    if not len(drawn.value):
        raise ArgumentError("an estimate needs at least one evaluated image, had none")
    cells, n = len(weights), int(drawn.image.max()) + 1
    own = np.bincount(drawn.image, minlength=n)
    share = 1 / own[drawn.image]
    present = np.bincount(drawn.cell, minlength=cells)
    held = np.bincount(drawn.cell, share, cells)
    means = np.bincount(drawn.cell, share * drawn.value, cells) / np.where(held > 0, held, 1)
    scale = weights * n / np.where(held > 0, held, 1)
    apart = scale[drawn.cell] * share * (drawn.value - means[drawn.cell])
    deviations = np.bincount(drawn.image, apart, n).astype(np.float64)
    between = float(np.sum(deviations**2)) / max(n - 1, 1)
    within = min(_within(own, cells, deviations, np.bincount(drawn.image, apart**2, n).astype(np.float64)), between)
    sampled = 0.0 if population is None else n / population
    return CellEstimate(
        value=float(means @ weights),
        variance=((1 - sampled) * between + sampled * within) / n,
        n=n,
        between=between,
        within=within,
        deviations=deviations,
        thin=_thin(present, deviations, n == population and bool((own == cells).all())),
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

"""Which cells to draw more often where one weighted sum of their means is all that is asked for."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from hardiness.core import ArgumentError, rng


def neyman_chances(weights: NDArray[np.float64], spreads: NDArray[np.float64]) -> NDArray[np.float64]:
    """The chance of each cell with which one random cell an image says most of the sum, ``(M,)``, adding up to 1.

    Args:
        weights: ``(M,)`` of the cells.
        spreads: ``(M,)`` standard deviation of each cell's values, at least 0, e.g. from published error rates.

    Raises:
        ArgumentError: no cell has both a weight and a spread.

    Source: Neyman (1934), doi:10.2307/2342192: in proportion to weight times spread.
    """
    sizes = np.abs(weights) * spreads
    if not sizes.sum() > 0:
        raise ArgumentError("chances need a cell with a weight and a spread, had none")
    return np.asarray(sizes / sizes.sum())


def saved_by(chances: NDArray[np.float64], weights: NDArray[np.float64], spreads: NDArray[np.float64]) -> float:
    """The share of images that these chances save at an equal interval, against equal chances; below 0 if they cost.

    One random cell an image: its value counts weight over chance, so the variance is the sum of (weight times
    spread)² over the chance. What the cells of an image have in common is not saved by any choice of cells.
    """
    sizes = (weights * spreads) ** 2
    counted = sizes > 0
    even = float(sizes.sum() * len(sizes))
    return 1 - float(np.sum(sizes[counted] / chances[counted])) / even


def uneven_order_of_cells(seed: int, image: str, chances: NDArray[np.float64]) -> NDArray[np.int64]:
    """A random order of one image's cells in which those of larger chance tend to come first.

    Source: Efraimidis & Spirakis (2006), doi:10.1016/j.ipl.2005.11.003: by exponential draws over the chances.
    """
    with np.errstate(divide="ignore"):
        waits = rng(seed, "uneven cells", image).exponential(size=len(chances)) / chances
    return np.argsort(waits, kind="stable")

"""Cells of the picture dropped or shuffled."""

from __future__ import annotations

from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from hardiness.core.benchmark import Image
from hardiness.distortions.apply import Shape, corruption

GRID = 14
"""Cells along each side that are dropped: 16 pixels each at 224."""


class DropShare(NamedTuple):
    """Tenths of the cells that become black."""

    tenths: int


class Cells(NamedTuple):
    """Into how many rows and columns of cells the picture is cut."""

    rows: int
    columns: int


def draw_dropped(rng: np.random.Generator, shape: Shape, level: DropShare) -> NDArray[np.bool_]:
    """Which cells are dropped, ``bool (14, 14)``; the number is exact."""
    dropped = np.zeros(GRID * GRID, bool)
    dropped[rng.permutation(GRID * GRID)[: level.tenths * GRID * GRID // 10]] = True
    return dropped.reshape(GRID, GRID)


@corruption(
    "occlusion",
    tuple(map(DropShare, range(1, 10))),
    draw_dropped,
    units=("tenths of the cells",),
    summary="Random cells of a 14 by 14 grid made black, one to nine tenths of them.",
)
def patch_drop(image: Image, level: DropShare, draws: NDArray[np.bool_]) -> Image:
    """Source: Naseer et al. 2021, arXiv:2105.10497, and its published code.

    Differs: cells are drawn for each picture, where the published code draws them once for a batch; sides that are no
        multiple of 14 are cut into cells that differ by a pixel.
    """
    rows, columns = (np.arange(side) * GRID // side for side in image.shape[:2])
    return np.where(draws[rows][:, columns, None], np.uint8(0), image)


def draw_order(rng: np.random.Generator, shape: Shape, level: Cells) -> NDArray[np.int64]:
    """Which cell comes to each place, ``int64 (rows * columns,)``."""
    return rng.permutation(level.rows * level.columns)


@corruption(
    "digital",
    (Cells(2, 2), Cells(2, 4), Cells(4, 4), Cells(4, 8), Cells(8, 8), Cells(14, 14), Cells(16, 16)),
    draw_order,
    units=("cells", "cells"),
    summary="The picture cut into a grid of cells, which change places; finer at each severity.",
)
def patch_shuffle(image: Image, level: Cells, draws: NDArray[np.int64]) -> Image:
    """Source: Naseer et al. 2021, arXiv:2105.10497, and its published code.

    Differs: sides that are no multiple of the grid keep the rest, right and below, where it is.
    """
    height, width = image.shape[0] // level.rows, image.shape[1] // level.columns
    inner = image[: height * level.rows, : width * level.columns]
    cells = inner.reshape(level.rows, height, level.columns, width, 3).swapaxes(1, 2).reshape(-1, height, width, 3)
    moved = cells[draws].reshape(level.rows, level.columns, height, width, 3).swapaxes(1, 2)
    out = image.copy()
    out[: height * level.rows, : width * level.columns] = moved.reshape(inner.shape)
    return out

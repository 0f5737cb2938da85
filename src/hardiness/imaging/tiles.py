"""Pictures made of others: a mosaic of tiles, and small pictures pasted at random."""

from __future__ import annotations

import numpy as np
import PIL.Image
from numpy.typing import NDArray

from hardiness.core import Image

Tiles = NDArray[np.uint8]
"""``uint8 (N, S, S, 3)``."""


def thumbnail(image: Image, side: int) -> Image:
    """The picture resized to a square of that side, bilinear as PIL does it."""
    return np.array(PIL.Image.fromarray(image).resize((side, side), PIL.Image.Resampling.BILINEAR))


def mosaic(image: Image, tiles: Tiles) -> Image:
    """The picture's cells, each replaced by the tile whose mean colour is nearest.

    Args:
        image: ``uint8 (H, W, 3)``, whose sides are multiples of the tiles'.
        tiles: at least one.
    """
    side = tiles.shape[1]
    rows, columns = image.shape[0] // side, image.shape[1] // side
    wanted = np.array(PIL.Image.fromarray(image).resize((columns, rows)), np.float64).reshape(-1, 1, 3)
    means = tiles.reshape(len(tiles), -1, 3).mean(axis=1)
    nearest = ((wanted - means) ** 2).sum(axis=2).argmin(axis=1)
    found = tiles[nearest].reshape(rows, columns, side, side, 3).swapaxes(1, 2)
    return np.ascontiguousarray(found.reshape(rows * side, columns * side, 3))


def pasted(image: Image, tiles: Tiles, places: NDArray[np.int64]) -> Image:
    """The picture with tiles pasted one over another.

    Args:
        image: ``uint8 (H, W, 3)``.
        tiles: in the order of pasting.
        places: row and column of each one's corner, ``int64 (N, 2)``.
    """
    out, side = image.copy(), tiles.shape[1]
    for tile, (row, column) in zip(tiles, places.tolist(), strict=True):
        out[row : row + side, column : column + side] = tile
    return out

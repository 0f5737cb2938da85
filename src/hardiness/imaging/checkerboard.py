"""A turned checkerboard of which some cells are painted over a picture."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from hardiness.imaging.compiled import compiled

Bytes = NDArray[np.uint8]


@compiled
def paint_cells(image: Bytes, turn: tuple[float, float], side: float, painted: NDArray[np.bool_], grey: int) -> Bytes:
    """The image ``uint8 (H, W, 3)`` with the chosen cells of one colour of the board painted grey.

    Args:
        image: RGB.
        turn: cosine and sine of the board's angle.
        side: of a cell, in pixels.
        painted: ``bool (n, n)``, by a cell's place; places before the first count from the end.
        grey: 0-255.
    """
    height, width, _ = image.shape
    cosine, sine = turn
    out = image.copy()
    for y in range(height):
        for x in range(width):
            i = (cosine * y + sine * x) / side
            j = (-sine * y + cosine * x) / side
            if int(i % 2.0) == int(j % 2.0) and painted[int(i), int(j)]:
                for c in range(3):
                    out[y, x, c] = grey
    return out

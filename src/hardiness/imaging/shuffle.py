"""Local displacement of pixels, one after the other."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from hardiness.imaging.compiled import compiled


@compiled
def copy_neighbours(image: NDArray[np.uint8], offsets: NDArray[np.int8]) -> NDArray[np.uint8]:
    """A copy of the image ``uint8 (H, W, 3)`` in which each inner pixel was overwritten by a drawn neighbour.

    Pixels are taken from the lower right corner leftwards and upwards, in place, so that later ones read what
    earlier ones left.

    Args:
        image: RGB.
        offsets: ``int8 (passes, H - 2 d, W - 2 d, 2)``, right and down, in ``[-d, d)``, in the order of visiting.
    """
    out = image.copy()
    passes, rows, columns, _ = offsets.shape
    height, width, _ = image.shape
    reach = (height - rows) // 2
    for p in range(passes):
        for i in range(rows):
            y = height - reach - i
            for j in range(columns):
                x = width - reach - j
                source_y, source_x = y + offsets[p, i, j, 1], x + offsets[p, i, j, 0]
                out[y, x, 0] = out[source_y, source_x, 0]
                out[y, x, 1] = out[source_y, source_x, 1]
                out[y, x, 2] = out[source_y, source_x, 2]
    return out

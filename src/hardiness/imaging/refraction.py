"""A picture seen through rippled glass: rays bent by the slopes of a height map, and light along the slopes."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from hardiness.imaging.compiled import compiled

Bytes = NDArray[np.uint8]
Float64 = NDArray[np.float64]

FLAT = 1e-3
"""Below this, one less the cosine of a slope bends no ray."""


@compiled
def refract(
    image: NDArray[np.uint8], heights: Float64, bend: tuple[float, float], lighting: float
) -> NDArray[np.uint8]:
    """The image ``uint8 (H, W, 3)`` behind glass, black where a ray leaves it; truncated.

    Args:
        image: RGB.
        heights: ``float64 (H, W)`` in [0, 1]; 0 beyond the border.
        bend: ratio of the refractive indices, and pixels to a unit of a bent ray.
        lighting: by how much a slope brightens or darkens, of 1.
    """
    height, width, _ = image.shape
    eta, reach = bend
    out = np.empty_like(image)
    fraction = np.empty(256)
    for value in range(256):
        fraction[value] = np.float64(np.float32(value) / np.float32(255.0))
    for y in range(height):
        for x in range(width):
            north = heights[y, x - 1] if x > 0 else 0.0
            south = heights[y, x + 1] if x < width - 1 else 0.0
            west = heights[y - 1, x] if y > 0 else 0.0
            east = heights[y + 1, x] if y < height - 1 else 0.0
            first, second = east - west, south - north
            norm = np.sqrt(first * first + second * second + 1.0)
            cosine = 1.0 / norm
            row, column = y + 0.0, x + 0.0
            if cosine < 1.0 - FLAT:
                first, second = first / norm, second / norm
                # Snell: the sine of the bent ray is that of the slope over eta; its cosine gives the rest.
                bent = np.sqrt(1.0 - (first * first + second * second) / (eta * eta)) - cosine / eta
                row += np.rint(first * bent * reach * 1000.0) / 1000.0
                column += np.rint(second * bent * reach * 1000.0) / 1000.0
            i, j = int(np.floor(row)), int(np.floor(column))
            down, right = row - i, column - j
            light = (north - south) * lighting
            slope = (east - west) * lighting
            for c in range(3):
                shade = 0.0
                if 0 <= i < height:
                    if 0 <= j < width:
                        shade += fraction[image[i, j, c]] * ((1.0 - down) * (1.0 - right))
                    if 0 <= j + 1 < width:
                        shade += fraction[image[i, j + 1, c]] * ((1.0 - down) * right)
                if 0 <= i + 1 < height:
                    if 0 <= j < width:
                        shade += fraction[image[i + 1, j, c]] * (down * (1.0 - right))
                    if 0 <= j + 1 < width:
                        shade += fraction[image[i + 1, j + 1, c]] * (down * right)
                shade = shade + light + slope
                out[y, x, c] = np.uint8(min(max(shade, 0.0), 1.0) * 255.0)
    return out

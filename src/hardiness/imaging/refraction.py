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
    rows, columns, lights, slopes = np.empty((4, width))
    flat = np.zeros(width)
    for y in range(height):
        above, below = heights[y - 1] if y > 0 else flat, heights[y + 1] if y < height - 1 else flat
        line = heights[y]
        # Where rays go first, for a whole row: without look-ups the compiler makes vectors of it.
        for x in range(width):
            north = line[x - 1] if x > 0 else 0.0
            south = line[x + 1] if x < width - 1 else 0.0
            first, second = below[x] - above[x], south - north
            norm = np.sqrt(first * first + second * second + 1.0)
            cosine = 1.0 / norm
            along, across = first / norm, second / norm
            # Snell: the sine of the bent ray is that of the slope over eta; its cosine gives the rest.
            bent = np.sqrt(1.0 - (along * along + across * across) / (eta * eta)) - cosine / eta
            is_bent = cosine < 1.0 - FLAT
            rows[x] = (y + 0.0) + (np.rint(along * bent * reach * 1000.0) / 1000.0 if is_bent else 0.0)
            columns[x] = (x + 0.0) + (np.rint(across * bent * reach * 1000.0) / 1000.0 if is_bent else 0.0)
            lights[x] = (north - south) * lighting
            slopes[x] = first * lighting
        for x in range(width):
            i, j = int(np.floor(rows[x])), int(np.floor(columns[x]))
            down, right = rows[x] - i, columns[x] - j
            nearest, beside = (1.0 - down) * (1.0 - right), (1.0 - down) * right
            under, opposite = down * (1.0 - right), down * right
            is_inside = 0 <= i < height - 1 and 0 <= j < width - 1
            for c in range(3):
                shade = 0.0
                if is_inside:
                    shade = fraction[image[i, j, c]] * nearest + fraction[image[i, j + 1, c]] * beside
                    shade += fraction[image[i + 1, j, c]] * under
                    shade += fraction[image[i + 1, j + 1, c]] * opposite
                else:
                    if 0 <= i < height:
                        if 0 <= j < width:
                            shade += fraction[image[i, j, c]] * nearest
                        if 0 <= j + 1 < width:
                            shade += fraction[image[i, j + 1, c]] * beside
                    if 0 <= i + 1 < height:
                        if 0 <= j < width:
                            shade += fraction[image[i + 1, j, c]] * under
                        if 0 <= j + 1 < width:
                            shade += fraction[image[i + 1, j + 1, c]] * opposite
                shade = shade + lights[x] + slopes[x]
                out[y, x, c] = np.uint8(min(max(shade, 0.0), 1.0) * 255.0)
    return out

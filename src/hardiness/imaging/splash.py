"""Drops of liquid on a lens: their lit rims, and colour added to a picture, or covering it, by a map."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from hardiness.imaging.compiled import compiled

Triple = tuple[float, float, float]

WATER: Triple = (175.0, 238.0, 238.0)
"""Pale turquoise."""


@compiled
def add_colour(image: NDArray[np.uint8], amount: NDArray[np.float32], colour: Triple) -> NDArray[np.uint8]:
    """The image ``uint8 (H, W, 3)`` plus ``amount * colour``, cut at 255 and truncated.

    Args:
        image: RGB.
        amount: ``float32 (H, W)``, 0 or more.
        colour: RGB, 0–255.
    """
    height, width, channels = image.shape
    out = np.empty_like(image)
    unit, full = np.float32(255.0), np.float32(1.0)
    for c in range(channels):
        shade = np.float32(colour[c] / 255.0)
        for y in range(height):
            for x in range(width):
                value = np.float32(image[y, x, c]) / unit + amount[y, x] * shade
                out[y, x, c] = np.uint8(min(value, full) * unit)
    return out


@compiled
def cover_colour(image: NDArray[np.uint8], cover: NDArray[np.float32], colour: Triple) -> NDArray[np.uint8]:
    """The mean of the image ``uint8 (H, W, 3)`` and a colour, by the share that is covered; truncated.

    Args:
        image: RGB.
        cover: ``float32 (H, W)`` in [0, 1].
        colour: RGB, 0–255.
    """
    height, width, channels = image.shape
    out = np.empty_like(image)
    unit, full = np.float32(255.0), np.float32(1.0)
    for c in range(channels):
        shade = np.float32(colour[c] / 255.0)
        for y in range(height):
            for x in range(width):
                value = np.float32(image[y, x, c]) / unit * (full - cover[y, x]) + cover[y, x] * shade
                out[y, x, c] = np.uint8(min(value, full) * unit)
    return out


def lit_rim(liquid: NDArray[np.uint8]) -> NDArray[np.float32]:
    """Brightness of the drops, strongest towards their lower right rim: ``float32 (H, W)``.

    Args:
        liquid: ``uint8 (H, W)``, its height at each pixel, 0 where it is dry.

    Source: Hendrycks & Dietterich 2019, the generator's spatter; the operations are OpenCV's.
    """
    import cv2

    distance = cv2.distanceTransform(255 - cv2.Canny(liquid, 50, 150), cv2.DIST_L2, 5)
    near = cv2.equalizeHist(cv2.blur(np.minimum(distance, np.float32(20.0)), (3, 3)).astype(np.uint8))
    slope = np.array([[-2, -1, 0], [-1, 1, 1], [0, 1, 2]])
    lit = cv2.blur(cv2.filter2D(near, cv2.CV_8U, slope), (3, 3))
    return liquid.astype(np.float32) * lit.astype(np.float32)

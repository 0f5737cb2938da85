"""Colour added to a picture, or covering it, by a map."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from hardiness.imaging.compiled import compiled

Triple = tuple[float, float, float]


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

"""Plasma fractal: a height map of the diamond-square algorithm on a torus."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from hardiness.imaging.compiled import compiled

Float64 = NDArray[np.float64]


@compiled
def plasma_fractal(draws: Float64, size: int, decay: float) -> Float64:
    """A height map ``float64 (size, size)`` scaled to [0, 1].

    Each level fills the centres of the squares, then the upper and the left middles of their sides, and divides the
    amplitude by ``decay``. The amplitude enters squared, as in the generator: the deviation is its product with a
    number drawn between minus and plus itself.

    Args:
        draws: ``float64 (size**2 - 1,)``, uniform in [0, 1), in the order of filling.
        size: a power of two.
        decay: above 1; the larger, the smoother.

    Source: Hendrycks & Dietterich 2019, the generator's fog (after FLHerne's diamondsquare).
    """
    heights = np.empty((size, size), np.float64)
    heights[0, 0] = 0.0
    amplitude, step, drawn = 100.0, size, 0
    while step >= 2:
        half, count = step // 2, size // step
        power = amplitude * amplitude
        for i in range(count):
            top, bottom = heights[i * step], heights[(i + 1) % count * step]
            for j in range(count):
                left, right = j * step, (j + 1) % count * step
                mean = ((top[left] + bottom[left]) + (top[right] + bottom[right])) / 4.0
                heights[i * step + half, left + half] = mean + power * (2.0 * draws[drawn] - 1.0)
                drawn += 1
        for i in range(count):
            row = heights[i * step]
            above, below = heights[(i - 1) % count * step + half], heights[i * step + half]
            for j in range(count):
                left, right = j * step, (j + 1) % count * step
                mean = ((below[left + half] + above[left + half]) + (row[left] + row[right])) / 4.0
                row[left + half] = mean + power * (2.0 * draws[drawn] - 1.0)
                drawn += 1
        for i in range(count):
            top, row, bottom = heights[i * step], heights[i * step + half], heights[(i + 1) % count * step]
            for j in range(count):
                here, before = j * step, (j - 1) % count * step
                mean = ((row[here + half] + row[before + half]) + (top[here] + bottom[here])) / 4.0
                row[here] = mean + power * (2.0 * draws[drawn] - 1.0)
                drawn += 1
        step = half
        amplitude /= decay
    lowest, highest = heights.min(), heights.max()
    scaled: Float64 = (heights - lowest) / (highest - lowest)
    return scaled


@compiled
def veil(image: NDArray[np.uint8], layer: Float64, strength: float) -> NDArray[np.uint8]:
    """The image ``uint8 (H, W, 3)`` plus a grey layer, scaled back to its own brightest value; truncated.

    Args:
        image: RGB.
        layer: ``float64``, at least ``(H, W)``, in [0, 1].
        strength: by which the layer is multiplied; image values count as [0, 1].
    """
    height, width, channels = image.shape
    out = np.empty_like(image)
    brightest = image.max() / 255.0
    scale = 255.0 * brightest / (brightest + strength)
    fraction = np.arange(256) / 255.0  # a table, because a division takes longer than all the rest
    for y in range(height):
        for x in range(width):
            added = layer[y, x] * strength
            for c in range(channels):
                out[y, x, c] = np.uint8(min((fraction[image[y, x, c]] + added) * scale, 255.0))
    return out

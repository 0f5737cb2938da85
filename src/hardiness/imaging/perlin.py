"""Perlin noise: a lattice of random slopes, smoothly joined, and octaves of it laid over a picture."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from hardiness.imaging.compiled import compiled

Float64 = NDArray[np.float64]
Indices = NDArray[np.int64]

CELLS = 256
"""Cells of the lattice along an axis, after which it repeats."""

OFFSET = 4096
"""Added to coordinates, so that none is negative."""


@compiled
def permutation(partners: Indices) -> Indices:
    """The order ``int64 (514,)`` in which slopes are looked up: 0 to 255 shuffled, then its beginning again.

    Args:
        partners: ``int64 (256,)``, from 0 to 255: what 255, 254, … 0 change places with, in that turn.
    """
    order = np.empty(2 * CELLS + 2, np.int64)
    for i in range(CELLS):
        order[i] = i
    for turn in range(CELLS):
        i, j = CELLS - 1 - turn, partners[turn]
        order[i], order[j] = order[j], order[i]
    for i in range(CELLS + 2):
        order[CELLS + i] = order[i]
    return order


@compiled
def turbulence(height: int, width: int, step: float, order: Indices, slopes: Float64) -> Float64:
    """Five octaves of the absolute noise, each half as strong as the one before: ``float64 (H, W)``, 0 or more.

    Args:
        height, width: in pixels.
        step: cells of the lattice to a pixel, in the first octave.
        order: from `permutation`.
        slopes: ``float64 (256, 2)``, of length 1.

    Source: Perlin 1985; the factor 1.5 and the octaves are those of Mintun et al. 2021, arXiv:2102.11273.
    """
    out = np.zeros((height, width))
    cell, ahead, smooth = np.empty(width, np.int64), np.empty(width), np.empty(width)
    upper, upper_slope = np.empty(CELLS + 1), np.empty(CELLS + 1)
    frequency = 1.0
    for _ in range(5):
        for x in range(width):
            at = frequency * (x * step) + OFFSET
            cell[x], ahead[x] = np.int64(at) % CELLS, at % 1.0
            smooth[x] = ahead[x] * ahead[x] * (3.0 - 2.0 * ahead[x])
        last = min(CELLS, int(frequency * ((width - 1) * step)) + 2)
        for y in range(height):
            at = frequency * (y * step) + OFFSET
            i0 = np.int64(at) % CELLS
            i1, below = (i0 + 1) % CELLS, at % 1.0
            blend = below * below * (3.0 - 2.0 * below)
            # Along a row, the mean of the slopes above and below is linear in x within a cell.
            for j in range(last):
                above, under = order[order[i0] + j % CELLS] % CELLS, order[order[i1] + j % CELLS] % CELLS
                first, second = below * slopes[above, 0], (below - 1.0) * slopes[under, 0]
                upper[j] = first + blend * (second - first)
                upper_slope[j] = slopes[above, 1] + blend * (slopes[under, 1] - slopes[above, 1])
            row = out[y]
            for x in range(width):
                j = cell[x]
                following = (j + 1) % CELLS
                left = upper[j] + ahead[x] * upper_slope[j]
                right = upper[following] + (ahead[x] - 1.0) * upper_slope[following]
                row[x] += abs(1.5 * (left + smooth[x] * (right - left))) / frequency
        frequency *= 2.0
    return out


@compiled
def blend_grey(image: NDArray[np.uint8], layer: Float64, share: float) -> NDArray[np.uint8]:
    """``(1 - share) * image + 255 * share * layer``, cut to 0-255 and truncated.

    Args:
        image: ``uint8 (H, W, 3)``; its share is rounded to float32, as the published pictures have it.
        layer: ``float64 (H, W)`` in [0, 1].
        share: of the layer.
    """
    height, width, _ = image.shape
    left = np.empty(256)
    for value in range(256):
        left[value] = np.float64(np.float32(1.0 - share) * np.float32(value))
    out = np.empty_like(image)
    for y in range(height):
        for x in range(width):
            added = 255.0 * share * layer[y, x]
            for c in range(3):
                out[y, x, c] = np.uint8(min(max(left[image[y, x, c]] + added, 0.0), 255.0))
    return out

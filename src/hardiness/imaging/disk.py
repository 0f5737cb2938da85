"""Filtering with an anti-aliased disk, by running sums: the cost follows its outline, not its area."""

from __future__ import annotations

from functools import lru_cache
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from hardiness.imaging.compiled import compiled

Float32 = NDArray[np.float32]
Ints = NDArray[np.int64]


class Outline(NamedTuple):
    """A filter that is symmetric both ways, as the places along each row where its weight changes.

    Attributes:
        steps: ``float32 (rows, changes)``, weight gained on going inwards past each place; row 0 is the middle row.
            ``changes`` is even, zeros fill it up.
        places: ``int64 (rows, changes)``, distance from the centre of the outermost value that has gained it.
        counts: ``int64 (rows,)``, how many changes each row has, rounded up to an even number.
        nudge: added to every result, in grey levels: far below one, but more than single precision loses, and of
            the sign of the filter's sum minus 1, so that flat areas are truncated as in double precision.
    """

    steps: Float32
    places: Ints
    counts: Ints
    nudge: float


def disk_filter(radius: int, alias_sigma: float) -> Float32:
    """A disk of the given radius, normalised, then smoothed: ``float32 (side, side)``.

    Up to radius 8 the side is 17 pixels and the smoothing spans 3, beyond it ``2 radius + 1`` and 5.

    Args:
        radius: in pixels.
        alias_sigma: standard deviation of the smoothing Gaussian, in pixels.

    Source: Hendrycks & Dietterich 2019, the generator's defocus blur; smoothing as OpenCV's GaussianBlur (border
        reflected about the edge pixel).
    """
    half, reach = (8, 1) if radius <= 8 else (radius, 2)
    grid = np.arange(-half, half + 1)
    inside = (grid[:, None] ** 2 + grid[None, :] ** 2 <= radius**2).astype(np.float32)
    inside /= inside.sum()
    weights = np.exp(-0.5 / alias_sigma**2 * np.arange(reach + 1) ** 2)
    weights = (weights / (weights[0] + 2 * weights[1:].sum())).astype(np.float32)
    return _smooth_rows(_smooth_rows(inside, weights).T, weights).T


def _smooth_rows(area: Float32, half: Float32) -> Float32:
    """Rows under half a filter, in pairs, so that symmetry is kept to the last bit."""
    reach, side = half.size - 1, area.shape[1]
    padded = np.pad(area, ((0, 0), (reach, reach)), mode="reflect")
    out: Float32 = half[0] * area
    for k in range(1, reach + 1):
        out += half[k] * (padded[:, reach - k : reach - k + side] + padded[:, reach + k : reach + k + side])
    return out


@lru_cache(maxsize=16)
def disk_outline(radius: int, alias_sigma: float) -> Outline:
    """The outline of `disk_filter`, made once."""
    whole = disk_filter(radius, alias_sigma).astype(np.float64)
    half = whole.shape[0] // 2
    quarter = whole[half:, half:]
    changes = quarter - np.pad(quarter[:, 1:], ((0, 0), (0, 1)))
    counts = np.count_nonzero(changes, axis=1)
    counts += counts % 2
    shape = (half + 1, int(counts.max()))
    steps, places = np.zeros(shape, np.float32), np.zeros(shape, np.int64)
    for row in range(half + 1):
        found = np.flatnonzero(changes[row])
        places[row, : found.size] = found
        steps[row, : found.size] = changes[row, found]
    return Outline(steps, places, counts.astype(np.int64), 5e-5 if whole.sum() >= 1.0 else -5e-5)


@compiled
def running_sums(image: NDArray[np.uint8], reach: int) -> NDArray[np.int32]:
    """Sums along each row from its reflected start, ``int32 (H, (1 + W + 2 reach) * 3)``, channels interleaved.

    Args:
        image: ``uint8 (H, W, 3)``, wider than ``reach``.
        reach: how many pixels, reflected about the edge pixel, come before and after each row.
    """
    height, width, _ = image.shape
    sums = np.empty((height, (1 + width + 2 * reach) * 3), np.int32)
    for y in range(height):
        red, green, blue = np.int32(0), np.int32(0), np.int32(0)
        for place in range(width + 2 * reach + 1):
            sums[y, 3 * place] = red
            sums[y, 3 * place + 1] = green
            sums[y, 3 * place + 2] = blue
            x = abs(place - reach)
            x = x if x < width else abs(2 * width - 2 - x)
            red += np.int32(image[y, x, 0])
            green += np.int32(image[y, x, 1])
            blue += np.int32(image[y, x, 2])
    return sums


@compiled
def filter_outline(
    sums: NDArray[np.int32], steps: Float32, places: Ints, counts: Ints, nudge: float
) -> NDArray[np.uint8]:
    """The filtered image ``uint8 (H, W, 3)``, borders reflected about the edge pixel, truncated.

    Args:
        sums: `running_sums` of the image with the filter's radius, which is less than the height.
        steps, places, counts, nudge: of an `Outline`.
    """
    height, reach = sums.shape[0], counts.size - 1
    row_size = sums.shape[1] - (2 * reach + 1) * 3
    out = np.empty((height, row_size // 3, 3), np.uint8)
    pair = np.empty(sums.shape[1], np.float32)
    line = np.empty(row_size, np.float32)
    for y in range(height):
        line[:] = np.float32(nudge)
        for k in range(reach + 1):
            up, down = abs(y - k), y + k
            above, below = sums[up], sums[down if down < height else 2 * height - 2 - down]
            share = np.float32(0.5 if k == 0 else 1.0)
            for i in range(pair.size):
                pair[i] = np.float32(above[i] + below[i]) * share
            for j in range(0, counts[k], 2):
                step, next_step = steps[k, j], steps[k, j + 1]
                right, left = pair[(reach + places[k, j] + 1) * 3 :], pair[(reach - places[k, j]) * 3 :]
                next_right, next_left = (
                    pair[(reach + places[k, j + 1] + 1) * 3 :],
                    pair[(reach - places[k, j + 1]) * 3 :],
                )
                for i in range(row_size):
                    line[i] += (right[i] - left[i]) * step + (next_right[i] - next_left[i]) * next_step
        flat = out[y].ravel()
        for i in range(row_size):
            flat[i] = np.uint8(min(max(line[i], np.float32(0.0)), np.float32(255.0)))
    return out

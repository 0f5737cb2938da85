"""Zooming into the centre by linear interpolation, one factor or the mean of many."""

from __future__ import annotations

import math
from functools import lru_cache
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from hardiness.imaging.compiled import compiled

Float32 = NDArray[np.float32]
Float64 = NDArray[np.float64]
Ints = NDArray[np.int64]


class ZoomAxis(NamedTuple):
    """Where every output position of one axis reads its input.

    Attributes:
        low: ``int64 (size,)``, first of the two neighbours.
        share: ``float64 (size,)``, weight of the second.
        inside: ``float64 (size,)``, 1, or 0 where rounding puts the position outside and it reads zero.
    """

    low: Ints
    share: Float64
    inside: Float64


@lru_cache(maxsize=512)
def zoom_axis(size: int, factor: float) -> ZoomAxis:
    """One axis of a zoom that keeps the size: centre cut of ``ceil(size / factor)``, stretched, centre kept.

    Args:
        size: length of the axis in pixels.
        factor: 1 or more.

    Source: scipy.ndimage.zoom, order 1, mode ``constant``: the ends of input and output coincide, and a last
        position that rounding pushes beyond the end reads zero.
    """
    cut = math.ceil(size / factor)
    first = (size - cut) // 2
    stretched = round(cut * factor)
    trimmed = (stretched - size) // 2
    step = (cut - 1) / (stretched - 1)
    places = step * (np.arange(size) + trimmed)
    inside = (places <= cut - 1).astype(np.float64)
    low = np.clip(np.floor(places), 0, cut - 2).astype(np.int64)
    share = np.minimum(places - low, 1.0)
    return ZoomAxis(low + first, share, inside)


@compiled
def zoom_field(field: Float64, rows: ZoomAxis, columns: ZoomAxis) -> Float64:
    """The field ``float64 (H, W)`` zoomed, ``float64 (len(rows), len(columns))``.

    Args:
        field: holds every position that the axes read.
        rows, columns: from `zoom_axis`; shifted by a constant where the field is only the cut.
    """
    height, width = rows.low.size, columns.low.size
    out = np.empty((height, width), np.float64)
    row = np.empty(field.shape[1], np.float64)
    for y in range(height):
        upper, lower, share = field[rows.low[y]], field[rows.low[y] + 1], rows.share[y]
        for i in range(row.size):
            row[i] = (upper[i] * (1.0 - share) + lower[i] * share) * rows.inside[y]
        for x in range(width):
            i, right = columns.low[x], columns.share[x]
            out[y, x] = (row[i] * (1.0 - right) + row[i + 1] * right) * columns.inside[x]
    return out


@compiled
def mean_of_zooms(image: NDArray[np.uint8], rows: ZoomAxis, columns: ZoomAxis, own_weight: float) -> NDArray[np.uint8]:
    """The weighted mean of an image ``uint8 (H, W, 3)`` and its zooms, truncated.

    Indices are unsigned: numba would otherwise allow for negative ones at every access, at thrice the time.

    Args:
        image: RGB.
        rows, columns: axes of all zooms, stacked: arrays of shape ``(zooms, H)`` and ``(zooms, W)``.
        own_weight: of the image itself; each zoom weighs 1.
    """
    height, width, _ = image.shape
    zooms, row_size = rows.low.shape[0], width * 3
    values = np.empty((height, row_size), np.float32)
    for y in range(height):
        flat = image[y].ravel()
        for i in range(row_size):
            values[y, i] = np.float32(flat[i])
    places = (3 * columns.low).astype(np.uint64)
    left = ((1.0 - columns.share) * columns.inside).astype(np.float32)
    right = (columns.share * columns.inside).astype(np.float32)
    upper_share = ((1.0 - rows.share) * rows.inside).astype(np.float32)
    lower_share = (rows.share * rows.inside).astype(np.float32)
    row, total = np.empty(row_size, np.float32), np.empty(row_size, np.float32)
    one, two, three = np.uint64(1), np.uint64(2), np.uint64(3)
    out = np.empty_like(image)
    own, scale = np.float32(own_weight), np.float32(1.0 / (zooms + own_weight))
    for y in range(height):
        total[:] = values[y] * own
        for z in range(zooms):
            upper, lower = values[rows.low[z, y]], values[rows.low[z, y] + 1]
            keep, share = upper_share[z, y], lower_share[z, y]
            for i in range(row_size):
                row[i] = upper[i] * keep + lower[i] * share
            place, lefts, rights = places[z], left[z], right[z]
            for x in range(np.uint64(width)):
                i, o, a, b = place[x], x * three, lefts[x], rights[x]
                total[o] += row[i] * a + row[i + three] * b
                total[o + one] += row[i + one] * a + row[i + three + one] * b
                total[o + two] += row[i + two] * a + row[i + three + two] * b
        flat = out[y].ravel()
        for i in range(row_size):
            flat[i] = np.uint8(min(total[i] * scale, np.float32(255.0)))
    return out

"""Blurs: Gaussian, disk, motion, zoom."""

from __future__ import annotations

import math
from functools import lru_cache
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from hardiness.imaging.compiled import compiled

Float64 = NDArray[np.float64]


@lru_cache(maxsize=64)
def gaussian_weights(sigma: float, truncate: float = 4.0) -> Float64:
    """Half a normalised Gaussian, ``float64 (radius + 1,)``, from the centre outwards.

    Args:
        sigma: standard deviation in pixels.
        truncate: the filter ends at ``int(truncate * sigma + 0.5)`` pixels.

    Source: scipy.ndimage.gaussian_filter1d (sampled exponential, normalised to sum 1).
    """
    radius = int(truncate * sigma + 0.5)
    offsets = np.arange(-radius, radius + 1)
    weights = np.exp(-0.5 / (sigma * sigma) * offsets**2) if radius else np.ones(1)
    weights /= weights.sum()
    half: Float64 = weights[radius:].copy()
    half.setflags(write=False)
    return half


@compiled
def blur_image(image: NDArray[np.uint8], weights: Float64) -> NDArray[np.uint8]:
    """The image ``uint8 (H, W, 3)`` under a separable symmetric filter, edges repeated; truncated to uint8.

    Vertical sums come first and every sum runs from the outermost pair inwards, in float64 on values divided by
    255: the order of scipy's, so that the truncation at the end falls the same way.

    Args:
        image: RGB.
        weights: half the filter, from the centre outwards.

    Source: scipy.ndimage.gaussian_filter, mode ``nearest``, as scikit-image's ``gaussian`` calls it.
    """
    height, width, channels = image.shape
    row_size, radius = width * channels, weights.size - 1
    values = np.empty((height, row_size), np.float64)
    for y in range(height):
        row = image[y].ravel()
        for i in range(row_size):
            values[y, i] = row[i] / 255.0
    padded = np.empty(row_size + 2 * radius * channels, np.float64)
    middle = padded[radius * channels : radius * channels + row_size]
    line = np.empty(row_size, np.float64)
    out = np.empty_like(image)
    for y in range(height):
        above = values[y]
        for i in range(row_size):
            middle[i] = above[i] * weights[0]
        for k in range(radius, 0, -1):
            above, below = values[max(y - k, 0)], values[min(y + k, height - 1)]
            weight = weights[k]
            for i in range(row_size):
                middle[i] += (above[i] + below[i]) * weight
        for k in range(radius):
            for c in range(channels):
                padded[k * channels + c] = middle[c]
                padded[radius * channels + row_size + k * channels + c] = middle[row_size - channels + c]
        for i in range(row_size):
            line[i] = middle[i] * weights[0]
        for k in range(radius, 0, -1):
            left, right = padded[(radius - k) * channels :], padded[(radius + k) * channels :]
            weight = weights[k]
            for i in range(row_size):
                line[i] += (left[i] + right[i]) * weight
        flat = out[y].ravel()
        for i in range(row_size):
            flat[i] = np.uint8(min(max(line[i], 0.0), 1.0) * 255.0)
    return out


@compiled
def blur_field(field: Float64, weights: Float64) -> Float64:
    """The field ``float64 (H, W)`` under a separable symmetric filter, edges repeated.

    Args:
        field: any values.
        weights: half the filter, from the centre outwards.

    Source: scipy.ndimage.gaussian_filter, mode ``nearest``; sums in its order.
    """
    height, width = field.shape
    radius = weights.size - 1
    padded = np.empty(width + 2 * radius, np.float64)
    middle = padded[radius : radius + width]
    out = np.empty_like(field)
    for y in range(height):
        above, line = field[y], out[y]
        for x in range(width):
            middle[x] = above[x] * weights[0]
        for k in range(radius, 0, -1):
            above, below = field[max(y - k, 0)], field[min(y + k, height - 1)]
            weight = weights[k]
            for x in range(width):
                middle[x] += (above[x] + below[x]) * weight
        padded[:radius] = middle[0]
        padded[radius + width :] = middle[width - 1]
        for x in range(width):
            line[x] = middle[x] * weights[0]
        for k in range(radius, 0, -1):
            left, right = padded[radius - k :], padded[radius + k :]
            weight = weights[k]
            for x in range(width):
                line[x] += (left[x] + right[x]) * weight
    return out


Float32 = NDArray[np.float32]
Ints = NDArray[np.int64]


class Outline(NamedTuple):
    """A filter that is symmetric both ways, as the places along each row where its weight changes.

    Attributes:
        steps: ``float32 (rows, changes)``, weight gained on going inwards past each place; row 0 is the middle row,
            which counts twice and so has half its weight. ``changes`` is even, zeros fill it up. Of a small disk
            ``float64``.
        places: ``int64 (rows, changes)``, distance from the centre of the outermost value that has gained it.
        counts: ``int64 (rows,)``, how many changes each row has, rounded up to an even number.
        nudge: added to every result, in grey levels: far below one, but more than single precision loses, and of
            the sign of the filter's sum minus 1, so that flat areas are truncated as in double precision.
    """

    steps: Float32 | Float64
    places: Ints
    counts: Ints
    nudge: float


def disk_filter(radius: float, alias_sigma: float) -> Float32:
    """A disk of the given radius, normalised, then smoothed: ``float32 (side, side)``.

    Up to radius 8 the side is 17 pixels and the smoothing spans 3, beyond it ``2 radius + 1`` and 5.

    Args:
        radius: in pixels.
        alias_sigma: standard deviation of the smoothing Gaussian, in pixels.

    Source: Hendrycks & Dietterich 2019, the generator's defocus blur; smoothing as OpenCV's GaussianBlur (border
        reflected about the edge pixel).
    """
    half, reach = (8, 1) if radius <= 8 else (int(radius), 2)
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


SMALL_RADIUS = 2.0


@lru_cache(maxsize=16)
def disk_outline(radius: float, alias_sigma: float) -> Outline:
    """The outline of `disk_filter`, made once.

    Few pixels have a whole number of grey levels as their mean so often that a small disk is summed in double
    precision, without a nudge, to be truncated as the generator's.
    """
    whole = disk_filter(radius, alias_sigma).astype(np.float64)
    half = whole.shape[0] // 2
    quarter = whole[half:, half:]
    changes = quarter - np.pad(quarter[:, 1:], ((0, 0), (0, 1)))
    counts = np.count_nonzero(changes, axis=1)
    counts += counts % 2
    shape = (half + 1, int(counts.max()))
    is_small = radius < SMALL_RADIUS
    steps, places = np.zeros(shape, np.float64 if is_small else np.float32), np.zeros(shape, np.int64)
    for row in range(half + 1):
        found = np.flatnonzero(changes[row])
        places[row, : found.size] = found
        steps[row, : found.size] = changes[row, found]
    steps[0] *= 0.5
    nudge = 0.0 if is_small else 5e-5 if whole.sum() >= 1.0 else -5e-5
    return Outline(steps, places, counts.astype(np.int64), nudge)


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
    sums: NDArray[np.int32], steps: Float32 | Float64, places: Ints, counts: Ints, nudge: float
) -> NDArray[np.uint8]:
    """The filtered image ``uint8 (H, W, 3)``, borders reflected about the edge pixel, truncated.

    Args:
        sums: `running_sums` of the image with the filter's radius, which is less than the height.
        steps, places, counts, nudge: of an `Outline`.
    """
    height, reach = sums.shape[0], counts.size - 1
    row_size = sums.shape[1] - (2 * reach + 1) * 3
    out = np.empty((height, row_size // 3, 3), np.uint8)
    pair = np.empty(sums.shape[1], steps.dtype)
    line = np.empty(row_size, steps.dtype)
    darkest, brightest = steps.dtype.type(0.0), steps.dtype.type(255.0)
    for y in range(height):
        for i in range(row_size):
            line[i] = nudge
        for k in range(reach + 1):
            up, down = abs(y - k), y + k
            above, below = sums[up], sums[down if down < height else 2 * height - 2 - down]
            for i in range(pair.size):
                pair[i] = above[i] + below[i]
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
            flat[i] = np.uint8(min(max(line[i], darkest), brightest))
    return out


class Trail(NamedTuple):
    """The pixels that a motion blur averages, as offsets, and their weights.

    Attributes:
        weights: ``float32 (2 radius + 1,)``, sum 1.
        down, right: ``int64`` of the same length, offset of each weight's pixel.
    """

    weights: NDArray[np.float32]
    down: NDArray[np.int64]
    right: NDArray[np.int64]


def motion_trail(radius: int, sigma: float, angle_degrees: float) -> Trail:
    """The trail of ImageMagick's ``-motion-blur {radius}x{sigma}+{angle}``.

    Args:
        radius: in pixels; the trail has ``2 radius + 1`` of them, starting at the pixel itself.
        sigma: of the half Gaussian, in pixels.
        angle_degrees: direction, from the x axis towards positive y.

    Source: ImageMagick 7.1.1, MotionBlurImage (kernel and offsets; ``ceil(v - 0.5)`` rounds halves down).
    """
    steps = np.arange(2 * radius + 1)
    weights = np.exp(-(steps**2) / (2.0 * sigma * sigma))
    sine, cosine = math.sin(math.radians(angle_degrees)), math.cos(math.radians(angle_degrees))
    length = math.hypot(steps.size * sine, steps.size * cosine)
    down = np.ceil(steps * (steps.size * sine) / length - 0.5).astype(np.int64)
    right = np.ceil(steps * (steps.size * cosine) / length - 0.5).astype(np.int64)
    return Trail((weights / weights.sum()).astype(np.float32), down, right)


@compiled
def motion_blur_image(
    image: NDArray[np.uint8], weights: NDArray[np.float32], down: NDArray[np.int64], right: NDArray[np.int64]
) -> NDArray[np.uint8]:
    """The image ``uint8 (H, W, C)`` blurred along a `Trail`, edge pixels repeated outwards, cut to uint8.

    Args:
        image: any number of channels.
        weights, down, right: of the trail.

    Source: ImageMagick 7.1.1 at 16 bits: values scaled by 257, the weighted sum rounded, and a PNG of 8 bits written
        by cutting off the rest, so that a value counts from 1 - 0.5/257 of its unit on.
    """
    height, width, channels = image.shape
    row_size = width * channels
    before, after = 0, 0
    for k in range(right.size):
        before, after = max(before, -right[k]), max(after, right[k])
    padded = np.empty((height, (before + width + after) * channels), np.float32)
    for y in range(height):
        flat = image[y].ravel()
        middle = padded[y, before * channels :]
        for i in range(row_size):
            middle[i] = np.float32(flat[i])
        for c in range(channels):
            for x in range(before):
                padded[y, x * channels + c] = middle[c]
            for x in range(after):
                middle[row_size + x * channels + c] = middle[row_size - channels + c]
    out = np.empty_like(image)
    line = np.empty(row_size, np.float32)
    half_step = np.float32(0.5 / 257.0)
    for y in range(height):
        for i in range(row_size):
            line[i] = half_step
        for k in range(weights.size):
            source = padded[min(max(y + down[k], 0), height - 1), (before + right[k]) * channels :]
            weight = weights[k]
            for i in range(row_size):
                line[i] += source[i] * weight
        flat = out[y].ravel()
        for i in range(row_size):
            flat[i] = np.uint8(min(line[i], np.float32(255.0)))
    return out


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


def mean_of_zooms(image: NDArray[np.uint8], rows: ZoomAxis, columns: ZoomAxis, own_weight: float) -> NDArray[np.uint8]:
    """The weighted mean of an image ``uint8 (H, W, 3)`` and its zooms, truncated.

    Args:
        image: RGB.
        rows, columns: axes of all zooms, stacked: arrays of shape ``(zooms, H)`` and ``(zooms, W)``.
        own_weight: of the image itself; each zoom weighs 1.
    """
    height, width, _ = image.shape
    found: NDArray[np.uint8] = _mean_of_zooms(
        image.reshape(height, 3 * width).astype(np.float32),
        rows.low,
        ((1.0 - rows.share) * rows.inside).astype(np.float32),
        (rows.share * rows.inside).astype(np.float32),
        (3 * columns.low).astype(np.uint64),
        ((1.0 - columns.share) * columns.inside).astype(np.float32),
        (columns.share * columns.inside).astype(np.float32),
        np.float32(own_weight),
        np.float32(1.0 / (len(rows.low) + own_weight)),
    )
    return found.reshape(image.shape)


@compiled
def _mean_of_zooms(
    values: Float32,
    low: Ints,
    upper_share: Float32,
    lower_share: Float32,
    places: NDArray[np.uint64],
    left: Float32,
    right: Float32,
    own: np.float32,
    scale: np.float32,
) -> NDArray[np.uint8]:
    """The sum of ``own`` times the values ``(H, 3 W)`` and of their zooms, times ``scale``, truncated.

    Indices are unsigned: numba would otherwise allow for negative ones at every access, at thrice the time.
    """
    height, row_size = values.shape
    width = row_size // 3
    row, total = np.empty(row_size, np.float32), np.empty(row_size, np.float32)
    one, two, three = np.uint64(1), np.uint64(2), np.uint64(3)
    out = np.empty((height, row_size), np.uint8)
    for y in range(height):
        for i in range(row_size):
            total[i] = values[y, i] * own
        for z in range(low.shape[0]):
            upper, lower = values[low[z, y]], values[low[z, y] + 1]
            keep, share = upper_share[z, y], lower_share[z, y]
            for i in range(row_size):
                row[i] = upper[i] * keep + lower[i] * share
            place, lefts, rights = places[z], left[z], right[z]
            for x in range(np.uint64(width)):
                i, o, a, b = place[x], x * three, lefts[x], rights[x]
                total[o] += row[i] * a + row[i + three] * b
                total[o + one] += row[i + one] * a + row[i + three + one] * b
                total[o + two] += row[i + two] * a + row[i + three + two] * b
        for i in range(row_size):
            out[y, i] = np.uint8(min(total[i] * scale, np.float32(255.0)))
    return out

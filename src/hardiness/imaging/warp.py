"""Geometric distortion by an affine map and by a field of displacements, both bilinear."""

from __future__ import annotations

from functools import lru_cache

import numpy as np
from numpy.typing import NDArray

from hardiness.imaging.compiled import compiled
from hardiness.imaging.gaussian import gaussian_weights

Float32 = NDArray[np.float32]
Float64 = NDArray[np.float64]


def affine_inverse(source: Float64, target: Float64) -> Float64:
    """The map ``float64 (2, 3)`` from output to input coordinates, for the affine map of three points onto three.

    Args:
        source, target: ``(3, 2)``, x and y of the points in the input and in the output.
    """
    ones = np.ones((3, 1))
    return np.linalg.solve(np.hstack([target, ones]), source).T.astype(np.float64)


@compiled
def warp_affine(image: NDArray[np.uint8], inverse: Float64) -> Float32:
    """The warped image, ``float32 (H, W, 3)`` in [0, 255], borders reflected about the edge pixel.

    Input coordinates are rounded to 1/32 pixel in fixed point of 10 bits, as OpenCV 4 does.

    Args:
        image: ``uint8 (H, W, 3)``.
        inverse: from `affine_inverse`.

    Source: OpenCV 4.11, warpAffine, INTER_LINEAR with BORDER_REFLECT_101.
    """
    height, width, _ = image.shape
    out = np.empty((height, width, 3), np.float32)
    across = np.empty((2, width), np.int64)
    for x in range(width):
        across[0, x] = np.int64(np.rint(inverse[0, 0] * x * 1024.0))
        across[1, x] = np.int64(np.rint(inverse[1, 0] * x * 1024.0))
    period_x, period_y = 2 * width - 2, 2 * height - 2
    flat, one = image.ravel(), np.uint64(1)
    for y in range(height):
        line = out[y]
        start_x = np.int64(np.rint((inverse[0, 1] * y + inverse[0, 2]) * 1024.0)) + 16
        start_y = np.int64(np.rint((inverse[1, 1] * y + inverse[1, 2]) * 1024.0)) + 16
        for x in range(width):
            fixed_x, fixed_y = (start_x + across[0, x]) >> 5, (start_y + across[1, x]) >> 5
            right, down = np.float32(fixed_x & 31) / np.float32(32.0), np.float32(fixed_y & 31) / np.float32(32.0)
            x0, y0 = fixed_x >> 5, fixed_y >> 5
            x1, y1 = x0 + 1, y0 + 1
            if not (x0 >= 0 and x1 < width and y0 >= 0 and y1 < height):
                x0, x1, y0, y1 = x0 % period_x, x1 % period_x, y0 % period_y, y1 % period_y
                x0, x1 = min(x0, period_x - x0), min(x1, period_x - x1)
                y0, y1 = min(y0, period_y - y0), min(y1, period_y - y1)
            i, j = np.uint64((y0 * width + x0) * 3), np.uint64((y0 * width + x1) * 3)
            k, m = np.uint64((y1 * width + x0) * 3), np.uint64((y1 * width + x1) * 3)
            up, left = np.float32(1.0) - down, np.float32(1.0) - right
            a, b, c, d = up * left, up * right, down * left, down * right
            for channel in range(3):
                line[x, channel] = flat[i] * a + flat[j] * b + flat[k] * c + flat[m] * d
                i, j, k, m = i + one, j + one, k + one, m + one
    return out


@compiled
def displace(image: Float32, down: Float32, right: Float32) -> NDArray[np.uint8]:
    """The image read at displaced positions, ``uint8 (H, W, 3)``, borders reflected about the edge; truncated.

    Args:
        image: ``float32 (H, W, 3)`` in [0, 255].
        down, right: ``float32 (H, W)``, displacements in pixels.

    Source: scipy.ndimage.map_coordinates, order 1, mode ``reflect``.
    """
    height, width, _ = image.shape
    out = np.empty((height, width, 3), np.uint8)
    period_x, period_y = 2 * width, 2 * height
    flat, one = image.ravel(), np.uint64(1)
    for y in range(height):
        line = out[y]
        for x in range(width):
            place_y, place_x = y + np.float64(down[y, x]), x + np.float64(right[y, x])
            floor_y, floor_x = np.floor(place_y), np.floor(place_x)
            below, beside = np.float32(place_y - floor_y), np.float32(place_x - floor_x)
            x0, y0 = np.int64(floor_x), np.int64(floor_y)
            x1, y1 = x0 + 1, y0 + 1
            if not (x0 >= 0 and x1 < width and y0 >= 0 and y1 < height):
                x0, x1, y0, y1 = x0 % period_x, x1 % period_x, y0 % period_y, y1 % period_y
                x0, x1 = min(x0, period_x - 1 - x0), min(x1, period_x - 1 - x1)
                y0, y1 = min(y0, period_y - 1 - y0), min(y1, period_y - 1 - y1)
            i, j = np.uint64((y0 * width + x0) * 3), np.uint64((y0 * width + x1) * 3)
            k, m = np.uint64((y1 * width + x0) * 3), np.uint64((y1 * width + x1) * 3)
            for channel in range(3):
                upper = flat[i] + (flat[j] - flat[i]) * beside
                lower = flat[k] + (flat[m] - flat[k]) * beside
                line[x, channel] = np.uint8(upper + (lower - upper) * below)
                i, j, k, m = i + one, j + one, k + one, m + one
    return out


NARROW_PX = 16
"""Up to this radius a filter is cheaper as a sum over its width than by the cosine transform."""


def smooth_reflected(field: Float32, sigma: float, truncate: float) -> Float32:
    """The field ``float32 (H, W)`` under a Gaussian of any width, borders reflected about the edge.

    Reflection makes the filter diagonal in the cosine basis, so that there its width costs nothing.

    Args:
        field: any values.
        sigma: of the Gaussian, in pixels.
        truncate: it ends at ``int(truncate * sigma + 0.5)`` pixels, however small the field is.

    Source: scipy.ndimage.gaussian_filter, mode ``reflect``; Martucci 1994 for the cosine basis.
    """
    weights = gaussian_weights(sigma, truncate)
    if weights.size - 1 <= min(NARROW_PX, *field.shape):
        return _sum_over_width(field, weights.astype(np.float32))
    import scipy.fft

    height, width = field.shape
    spectrum = scipy.fft.dctn(field, norm="ortho", workers=1)
    spectrum *= _response(height, sigma, truncate)[:, None]
    spectrum *= _response(width, sigma, truncate)[None, :]
    smooth: Float32 = scipy.fft.idctn(spectrum, norm="ortho", workers=1, overwrite_x=True)
    return smooth


@lru_cache(maxsize=32)
def _response(size: int, sigma: float, truncate: float) -> Float32:
    """The factor of each cosine of an axis, ``float32 (size,)``."""
    weights = gaussian_weights(sigma, truncate)
    cosines = np.cos(np.pi / size * np.outer(np.arange(size), np.arange(1, weights.size)))
    response: Float32 = (weights[0] + 2.0 * cosines @ weights[1:]).astype(np.float32)
    return response


@compiled
def _sum_over_width(field: Float32, weights: Float32) -> Float32:
    height, width = field.shape
    radius = weights.size - 1
    padded = np.empty(width + 2 * radius, np.float32)
    middle = padded[radius : radius + width]
    out = np.empty_like(field)
    for y in range(height):
        above, line = field[y], out[y]
        for x in range(width):
            middle[x] = above[x] * weights[0]
        for k in range(1, radius + 1):
            up, down = y - k, y + k
            above, below = field[up if up >= 0 else -1 - up], field[down if down < height else 2 * height - 1 - down]
            weight = weights[k]
            for x in range(width):
                middle[x] += (above[x] + below[x]) * weight
        for k in range(radius):
            padded[radius - 1 - k] = middle[k]
            padded[radius + width + k] = middle[width - 1 - k]
        for x in range(width):
            line[x] = middle[x] * weights[0]
        for k in range(1, radius + 1):
            left, right = padded[radius - k :], padded[radius + k :]
            weight = weights[k]
            for x in range(width):
                line[x] += (left[x] + right[x]) * weight
    return out

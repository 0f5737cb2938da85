"""Geometric distortion by an affine map and by a field of displacements, both bilinear."""

from __future__ import annotations

from functools import lru_cache

import numpy as np
from numpy.typing import NDArray

from hardiness.imaging.compiled import compiled

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


@lru_cache(maxsize=32)
def reflected_response(size: int, sigma: float, truncate: float) -> Float32:
    """The factor of each cosine of an axis, ``float32 (size,)``, under a Gaussian with reflected borders.

    Args:
        size: length of the axis.
        sigma: of the Gaussian, in pixels.
        truncate: it ends at ``int(truncate * sigma + 0.5)`` pixels, however long the axis is.
    """
    radius = int(truncate * sigma + 0.5)
    offsets = np.arange(-radius, radius + 1)
    weights = np.exp(-0.5 / (sigma * sigma) * offsets**2)
    weights /= weights.sum()
    response: Float32 = (np.cos(np.pi / size * np.outer(np.arange(size), offsets)) @ weights).astype(np.float32)
    response.setflags(write=False)
    return response


def smooth_reflected(field: Float32, sigma: float, truncate: float) -> Float32:
    """The field ``float32 (H, W)`` under a Gaussian of any width, borders reflected about the edge.

    Reflection makes the filter diagonal in the cosine basis, so that its width costs nothing.

    Args:
        field: any values.
        sigma, truncate: as in `reflected_response`.

    Source: scipy.ndimage.gaussian_filter, mode ``reflect``; Martucci 1994 for the cosine basis.
    """
    import scipy.fft

    height, width = field.shape
    spectrum = scipy.fft.dctn(field, norm="ortho", workers=1)
    spectrum *= reflected_response(height, sigma, truncate)[:, None]
    spectrum *= reflected_response(width, sigma, truncate)[None, :]
    smooth: Float32 = scipy.fft.idctn(spectrum, norm="ortho", workers=1, overwrite_x=True)
    return smooth

"""Pictures whose pixels move: maps, displacements, refraction, tiles."""

from __future__ import annotations

import math
from functools import lru_cache
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from hardiness.imaging.blur import gaussian_weights
from hardiness.imaging.compiled import compiled
from hardiness.imaging.resizing import Window

Bytes = NDArray[np.uint8]


class Affine(NamedTuple):
    """From output to input: ``x' = xx x + xy y + x0``, ``y' = yx x + yy y + y0``; pixel centres at 0.5."""

    xx: float
    xy: float
    x0: float
    yx: float
    yy: float
    y0: float


def about_centre(
    size: tuple[int, int], angle_degrees: float = 0.0, scale: float = 1.0, shear_degrees: float = 0.0
) -> Affine:
    """The inverse of a rotation, scaling and shear about the point half a pixel right of and below the middle.

    Args:
        size: height and width of the image.
        angle_degrees: clockwise as seen, since y points down.
        scale: above 1 enlarges.
        shear_degrees: how far columns lean.

    Source: torchvision 0.2's ``affine``, whose centre is ``(w / 2 + 0.5, h / 2 + 0.5)``.
    """
    centre_x, centre_y = size[1] * 0.5 + 0.5, size[0] * 0.5 + 0.5
    angle, leaning = math.radians(angle_degrees), math.radians(angle_degrees + shear_degrees)
    unit = 1.0 / scale / (math.cos(leaning) * math.cos(angle) + math.sin(leaning) * math.sin(angle))
    xx, xy = unit * math.cos(leaning), unit * math.sin(leaning)
    yx, yy = unit * -math.sin(angle), unit * math.cos(angle)
    x0 = xx * -centre_x + xy * -centre_y + centre_x
    y0 = yx * -centre_x + yy * -centre_y + centre_y
    return Affine(xx, xy, x0, yx, yy, y0)


@compiled
def affine_window(image: Bytes, inverse: Affine, window: Window) -> Bytes:
    """The part of the mapped image that a window shows, ``uint8 (height, width, 3)``; truncated.

    Args:
        image: ``uint8 (H, W, 3)``.
        inverse: from output to input.
        window: in output coordinates.

    Source: Pillow's ``Image.transform(size, AFFINE, …, BILINEAR)``, bit for bit: in double precision, neighbours
        beyond the edge repeated, black where the position itself is outside.
    """
    height, width, _ = image.shape
    xx, xy, x0, yx, yy, y0 = inverse
    top, left, rows, columns = window
    out = np.zeros((rows, columns, 3), np.uint8)
    flat, one, zero = image.ravel(), np.uint64(1), np.int64(0)
    for y in range(rows):
        line = out[y]
        middle_y = y + top + 0.5
        for x in range(columns):
            middle_x = x + left + 0.5
            place_x, place_y = xx * middle_x + xy * middle_y + x0, yx * middle_x + yy * middle_y + y0
            if not (0.0 <= place_x < width and 0.0 <= place_y < height):
                continue
            # Truncation of what is shifted by one pixel is a floor here, and takes no call.
            column, row = np.int64(place_x + 0.5) - 1, np.int64(place_y + 0.5) - 1
            right, down = place_x - 0.5 - column, place_y - 0.5 - row
            column_2, row_2 = min(column + 1, width - 1), min(row + 1, height - 1)
            column, row = max(column, zero), max(row, zero)
            i, j = np.uint64((row * width + column) * 3), np.uint64((row * width + column_2) * 3)
            k, m = np.uint64((row_2 * width + column) * 3), np.uint64((row_2 * width + column_2) * 3)
            for channel in range(3):
                a, c = np.float64(flat[i]), np.float64(flat[k])
                upper = a + (np.float64(flat[j]) - a) * right
                lower = c + (np.float64(flat[m]) - c) * right
                line[x, channel] = np.uint8(upper + (lower - upper) * down)
                i, j, k, m = i + one, j + one, k + one, m + one
    return out


@compiled
def perspective_window(image: Bytes, inverse: NDArray[np.float64], window: Window) -> Bytes:
    """The part of the projected image that a window shows, ``uint8 (height, width, 3)``; rounded.

    Neighbours outside the image count as black.

    Args:
        image: ``uint8 (H, W, 3)``.
        inverse: ``float64 (3, 3)``, from output to input in homogeneous coordinates; whole numbers are pixel centres.
        window: in output coordinates.

    Source: OpenCV, warpPerspective, INTER_LINEAR with BORDER_CONSTANT 0, as since it interpolates in floating point;
        earlier versions round positions to 1/32 pixel.
    """
    height, width, _ = image.shape
    top, left, rows, columns = window
    out = np.zeros((rows, columns, 3), np.uint8)
    flat, one, zero = image.ravel(), np.uint64(1), np.int64(0)
    full, half = np.float32(1.0), np.float32(0.5)
    for y in range(rows):
        line = out[y]
        for x in range(columns):
            at_x, at_y = x + left, y + top
            unit = 1.0 / (inverse[2, 0] * at_x + inverse[2, 1] * at_y + inverse[2, 2])
            place_x = (inverse[0, 0] * at_x + inverse[0, 1] * at_y + inverse[0, 2]) * unit
            place_y = (inverse[1, 0] * at_x + inverse[1, 1] * at_y + inverse[1, 2]) * unit
            if not (-1.0 < place_x < width and -1.0 < place_y < height):
                continue
            column, row = np.int64(place_x + 1.0) - 1, np.int64(place_y + 1.0) - 1
            right, down = np.float32(place_x - column), np.float32(place_y - row)
            left_share, up_share = full - right, full - down
            if column < 0:
                left_share = np.float32(0.0)
            if column + 1 >= width:
                right = np.float32(0.0)
            if row < 0:
                up_share = np.float32(0.0)
            if row + 1 >= height:
                down = np.float32(0.0)
            column_2, row_2 = min(column + 1, width - 1), min(row + 1, height - 1)
            column, row = max(column, zero), max(row, zero)
            i, j = np.uint64((row * width + column) * 3), np.uint64((row * width + column_2) * 3)
            k, m = np.uint64((row_2 * width + column) * 3), np.uint64((row_2 * width + column_2) * 3)
            for channel in range(3):
                upper = np.float32(flat[i]) * left_share + np.float32(flat[j]) * right
                lower = np.float32(flat[k]) * left_share + np.float32(flat[m]) * right
                line[x, channel] = np.uint8(upper * up_share + lower * down + half)
                i, j, k, m = i + one, j + one, k + one, m + one
    return out


@compiled
def add_and_mean(total: NDArray[np.uint16], image: Bytes, count: int) -> Bytes:
    """The mean of ``count`` images, truncated, ``uint8`` of the same shape, after the last is added to their total.

    Args:
        total: ``uint16``, the sum of the others; changed in place.
        image: ``uint8`` of the same shape.
        count: at most 31, so that a shifted product stands in for the division.
    """
    out = np.empty_like(image)
    sums, added, flat = total.ravel(), image.ravel(), out.ravel()
    inverse = np.uint32((1 << 18) // count + 1)
    for i in range(added.size):
        value = np.uint32(sums[i]) + np.uint32(added[i])
        sums[i] = np.uint16(value)
        flat[i] = np.uint8((value * inverse) >> np.uint32(18))
    return out


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
def warp_affine(image: NDArray[np.uint8], inverse: Float64, rounds: bool) -> Float32:
    """The warped image, ``float32 (H, W, 3)`` in [0, 255], borders reflected about the edge pixel.

    Args:
        image: ``uint8 (H, W, 3)``.
        inverse: from `affine_inverse`.
        rounds: whether input coordinates are rounded to 1/32 pixel in fixed point of 10 bits, as OpenCV 4 does, or
            taken in single precision, as by OpenCV 5.

    Source: OpenCV 4.11 and 5.0, warpAffine, INTER_LINEAR with BORDER_REFLECT_101.
    """
    m00, m01, m02 = np.float32(inverse[0, 0]), np.float32(inverse[0, 1]), np.float32(inverse[0, 2])
    m10, m11, m12 = np.float32(inverse[1, 0]), np.float32(inverse[1, 1]), np.float32(inverse[1, 2])
    height, width, _ = image.shape
    out = np.empty((height, width, 3), np.float32)
    across = np.empty((2, width), np.int64)
    lefts, tops = np.empty(width, np.int64), np.empty(width, np.int64)
    rights, downs = np.empty(width, np.float32), np.empty(width, np.float32)
    for x in range(width):
        across[0, x] = np.int64(np.rint(inverse[0, 0] * x * 1024.0))
        across[1, x] = np.int64(np.rint(inverse[1, 0] * x * 1024.0))
    period_x, period_y = 2 * width - 2, 2 * height - 2
    flat, one = image.ravel(), np.uint64(1)
    for y in range(height):
        line = out[y]
        start_x = np.int64(np.rint((inverse[0, 1] * y + inverse[0, 2]) * 1024.0)) + 16
        start_y = np.int64(np.rint((inverse[1, 1] * y + inverse[1, 2]) * 1024.0)) + 16
        if rounds:
            for x in range(width):
                fixed_x, fixed_y = (start_x + across[0, x]) >> 5, (start_y + across[1, x]) >> 5
                lefts[x], tops[x] = fixed_x >> 5, fixed_y >> 5
                rights[x] = np.float32(fixed_x & 31) / np.float32(32.0)
                downs[x] = np.float32(fixed_y & 31) / np.float32(32.0)
        else:
            for x in range(width):
                place_x = np.float32(x) * m00 + np.float32(y) * m01 + m02
                place_y = np.float32(x) * m10 + np.float32(y) * m11 + m12
                lefts[x], tops[x] = np.int64(np.floor(place_x)), np.int64(np.floor(place_y))
                rights[x], downs[x] = place_x - np.floor(place_x), place_y - np.floor(place_y)
        for x in range(width):
            x0, y0, right, down = lefts[x], tops[x], rights[x], downs[x]
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


@compiled
def copy_neighbours(image: NDArray[np.uint8], offsets: NDArray[np.int8]) -> NDArray[np.uint8]:
    """A copy of the image ``uint8 (H, W, 3)`` in which each inner pixel was overwritten by a drawn neighbour.

    Pixels are taken from the lower right corner leftwards and upwards, in place, so that later ones read what
    earlier ones left.

    Args:
        image: RGB.
        offsets: ``int8 (passes, H - 2 d, W - 2 d, 2)``, right and down, in ``[-d, d)``, in the order of visiting.
    """
    out = image.copy()
    passes, rows, columns, _ = offsets.shape
    height, width, _ = image.shape
    reach = (height - rows) // 2
    for p in range(passes):
        for i in range(rows):
            y = height - reach - i
            for j in range(columns):
                x = width - reach - j
                source_y, source_x = y + offsets[p, i, j, 1], x + offsets[p, i, j, 0]
                out[y, x, 0] = out[source_y, source_x, 0]
                out[y, x, 1] = out[source_y, source_x, 1]
                out[y, x, 2] = out[source_y, source_x, 2]
    return out

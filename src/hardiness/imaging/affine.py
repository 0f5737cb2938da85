"""A window of an image under an affine map or a perspective, bilinear, black outside."""

from __future__ import annotations

import math
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from hardiness.imaging.compiled import compiled
from hardiness.imaging.resize import Window

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

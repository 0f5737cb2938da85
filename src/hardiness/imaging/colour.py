"""Pictures whose values change where they stand: colour, contrast, snow, drops, patterns."""

from __future__ import annotations

import math
from functools import lru_cache

import numpy as np
from numpy.typing import NDArray

from hardiness.imaging.blur import ZoomAxis, zoom_axis, zoom_field
from hardiness.imaging.compiled import compiled

Bytes = NDArray[np.uint8]
Float64 = NDArray[np.float64]


@lru_cache(maxsize=64)
def brightness_table(added: float) -> Bytes:
    """New channel values by (largest channel, channel), ``uint8 (256, 256)``, for an HSV value changed by ``added``.

    Hue and saturation stay, so every channel is scaled by new value over old; black turns grey. Where a channel is
    larger than the largest the table is undefined.

    Args:
        added: in [-1, 1]; the sum is cut at 0 and 1.

    Source: Smith 1978, HSV; truncated to uint8 as the generator of ImageNet-C does.
    """
    value = np.arange(256)[:, None] / 255.0
    channel = np.arange(256)[None, :] / 255.0
    raised = np.clip(value + added, 0.0, 1.0)
    share = np.divide(channel, value, out=np.ones((256, 256)), where=value > 0)
    table: Bytes = (np.clip(raised * share, 0.0, 1.0) * 255.0).astype(np.uint8)
    table.setflags(write=False)
    return table


@compiled
def look_up_by_largest(image: Bytes, table: Bytes) -> Bytes:
    """Each channel replaced by ``table[largest channel of its pixel, channel]``; the image is ``uint8 (H, W, 3)``."""
    height, width, _ = image.shape
    out = np.empty_like(image)
    for y in range(height):
        for x in range(width):
            red, green, blue = image[y, x, 0], image[y, x, 1], image[y, x, 2]
            row = table[max(red, green, blue)]
            out[y, x, 0] = row[red]
            out[y, x, 1] = row[green]
            out[y, x, 2] = row[blue]
    return out


@compiled
def saturate_image(image: Bytes, factor: float, offset: float) -> Bytes:
    """The image ``uint8 (H, W, 3)`` with HSV saturation ``s`` replaced by ``clip(factor s + offset)``; truncated.

    A channel that lies at share ``r`` between the smallest and the largest of its pixel becomes
    ``largest (1 - s' (1 - r))``. Greys have hue 0, so that an offset turns them reddish, as in the generator.

    Args:
        image: RGB.
        factor, offset: of the saturation, in [0, 1].

    Source: Smith 1978, HSV; scikit-image's rgb2hsv for greys and black.
    """
    height, width, _ = image.shape
    out = np.empty_like(image)
    inverse = np.ones(256)
    for i in range(1, 256):  # arrays as a whole would take three seconds more to compile
        inverse[i] = 1.0 / i
    grey_share = 1.0 - min(max(offset, 0.0), 1.0)
    for y in range(height):
        for x in range(width):
            red, green, blue = image[y, x, 0], image[y, x, 1], image[y, x, 2]
            largest = max(red, green, blue)
            spread = largest - min(red, green, blue)
            if spread > 0:
                ratio = largest * inverse[spread]
                slope = min(factor + offset * ratio, ratio)  # new saturation times largest over spread
                out[y, x, 0] = np.uint8(largest - slope * (largest - red))
                out[y, x, 1] = np.uint8(largest - slope * (largest - green))
                out[y, x, 2] = np.uint8(largest - slope * (largest - blue))
            else:
                other = np.uint8(largest * grey_share)
                out[y, x, 0] = largest
                out[y, x, 1] = other
                out[y, x, 2] = other
    return out


Float32 = NDArray[np.float32]
Words = NDArray[np.uint32]


@compiled
def drawn_to_means(image: Bytes, factor: float) -> Bytes:
    """The image with each value's distance from its channel's mean multiplied by ``factor``; cut to 0–255, truncated.

    Args:
        image: ``uint8 (H, W, 3)``.
        factor: below 1 for less contrast.
    """
    height, width, _ = image.shape
    sums = np.zeros(3, np.int64)
    for y in range(height):
        red, green, blue = 0, 0, 0
        for x in range(width):
            red += image[y, x, 0]
            green += image[y, x, 1]
            blue += image[y, x, 2]
        sums[0] += red
        sums[1] += green
        sums[2] += blue
    table = np.empty((3, 256), np.uint8)
    for c in range(3):
        mean = sums[c] / (height * width * 255.0)
        for value in range(256):
            moved = (value / 255.0 - mean) * factor + mean
            table[c, value] = np.uint8(min(max(moved, 0.0), 1.0) * 255.0)
    out = np.empty_like(image)
    for y in range(height):
        for x in range(width):
            out[y, x, 0] = table[0, image[y, x, 0]]
            out[y, x, 1] = table[1, image[y, x, 1]]
            out[y, x, 2] = table[2, image[y, x, 2]]
    return out


@compiled
def add_noise(image: Bytes, noise: Float32, scale: float) -> Bytes:
    """``image + 255 scale noise``, cut to 0–255 and truncated; arrays of the same shape, ``noise`` float32."""
    values, draws = image.ravel(), noise.ravel()
    out = np.empty_like(image)
    flat = out.ravel()
    step = np.float32(255.0 * scale)
    for i in range(values.size):
        value = np.float32(values[i]) + step * draws[i]
        flat[i] = np.uint8(min(max(value, np.float32(0.0)), np.float32(255.0)))
    return out


@compiled
def multiply_noise(image: Bytes, noise: Float32, scale: float) -> Bytes:
    """``image (1 + scale noise)``, cut to 0–255 and truncated; arrays of the same shape, ``noise`` float32."""
    values, draws = image.ravel(), noise.ravel()
    out = np.empty_like(image)
    flat = out.ravel()
    step = np.float32(scale)
    for i in range(values.size):
        value = np.float32(values[i])
        value += value * (step * draws[i])
        flat[i] = np.uint8(min(max(value, np.float32(0.0)), np.float32(255.0)))
    return out


@compiled
def salt_and_pepper(image: Bytes, words: Words, threshold: int) -> Bytes:
    """Values whose random word is below the threshold become 255 or 0 by the word's lowest bit.

    Args:
        image: ``uint8 (H, W, 3)``.
        words: ``uint32`` of the same shape, uniform over all 32 bits.
        threshold: a value is replaced where the upper 31 bits of its word are at most this.
    """
    values, draws = image.ravel(), words.ravel()
    out = np.empty_like(image)
    flat = out.ravel()
    limit = np.uint32(threshold)
    for i in range(values.size):
        word = draws[i]
        extreme = np.uint8(255) if word & np.uint32(1) else np.uint8(0)
        flat[i] = extreme if (word >> np.uint32(1)) <= limit else values[i]
    return out


def snow_layer(noise: NDArray[np.float64], size: tuple[int, int], zoom: float, threshold: float) -> NDArray[np.uint8]:
    """A layer of flakes, ``uint8 (H, W)``: noise is enlarged, and values below the threshold become 0.

    Args:
        noise: ``float64 (ceil(H / zoom), ceil(W / zoom))``, the centre of a field of ``size``: only that part of it
            is ever seen.
        size: height and width.
        zoom: 1 or more.
        threshold: in [0, 1].

    Source: Hendrycks & Dietterich 2019, the generator's snow.
    """
    flakes = zoom_field(noise, _axis_of_cut(size[0], zoom), _axis_of_cut(size[1], zoom))
    return _lit(flakes, threshold)


@compiled
def _lit(flakes: NDArray[np.float64], threshold: float) -> NDArray[np.uint8]:
    """Flakes as ``uint8``: dark below the threshold, cut at 1, truncated."""
    height, width = flakes.shape
    out = np.empty((height, width), np.uint8)
    for y in range(height):
        for x in range(width):
            light = flakes[y, x] if flakes[y, x] >= threshold else 0.0
            out[y, x] = np.uint8(min(max(light, 0.0), 1.0) * 255.0)
    return out


def _axis_of_cut(size: int, zoom: float) -> ZoomAxis:
    axis = zoom_axis(size, zoom)
    return axis._replace(low=axis.low - (size - math.ceil(size / zoom)) // 2)


@compiled
def snow_over(image: NDArray[np.uint8], layer: NDArray[np.uint8], kept: float) -> NDArray[np.uint8]:
    """The image ``uint8 (H, W, 3)`` whitened, with the layer and its half turn added; truncated.

    Args:
        image: RGB.
        layer: ``uint8 (H, W)``.
        kept: share of the image; the rest is the larger of it and ``1.5 grey + 0.5``, values in [0, 1].

    Source: Hendrycks & Dietterich 2019, the generator's snow; grey by the weights of ITU-R BT.601, in single
        precision.
    """
    height, width, _ = image.shape
    out = np.empty_like(image)
    share, rest = np.float32(kept), np.float32(1.0 - kept)
    fraction = np.arange(256) / 255.0  # tables, because a division takes longer than all the rest
    single = np.arange(256).astype(np.float32) / np.float32(255.0)
    for y in range(height):
        for x in range(width):
            red, green, blue = single[image[y, x, 0]], single[image[y, x, 1]], single[image[y, x, 2]]
            grey = red * np.float32(0.299) + green * np.float32(0.587) + blue * np.float32(0.114)
            white = grey * np.float32(1.5) + np.float32(0.5)
            fallen = fraction[layer[y, x]] + fraction[layer[height - 1 - y, width - 1 - x]]
            out[y, x, 0] = np.uint8(min(share * red + rest * max(red, white) + fallen, 1.0) * 255.0)
            out[y, x, 1] = np.uint8(min(share * green + rest * max(green, white) + fallen, 1.0) * 255.0)
            out[y, x, 2] = np.uint8(min(share * blue + rest * max(blue, white) + fallen, 1.0) * 255.0)
    return out


@compiled
def blend_crop(
    image: NDArray[np.uint8], picture: NDArray[np.uint8], top: int, left: int, weights: tuple[float, float]
) -> NDArray[np.uint8]:
    """The weighted sum of an image ``uint8 (H, W, 3)`` and a crop of a larger picture, cut at 255 and truncated.

    Args:
        image: RGB.
        picture: ``uint8``, RGB, at least ``(top + H, left + W, 3)``.
        top, left: corner of the crop.
        weights: of the image and of the picture.
    """
    height, width, _ = image.shape
    out = np.empty_like(image)
    for y in range(height):
        under, over, line = image[y].ravel(), picture[top + y, left : left + width].ravel(), out[y].ravel()
        for i in range(width * 3):
            line[i] = np.uint8(min(weights[0] * under[i] + weights[1] * over[i], 255.0))
    return out


Triple = tuple[float, float, float]

WATER: Triple = (175.0, 238.0, 238.0)
"""Pale turquoise."""


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


def lit_rim(liquid: NDArray[np.uint8]) -> NDArray[np.float32]:
    """Brightness of the drops, strongest towards their lower right rim: ``float32 (H, W)``.

    Args:
        liquid: ``uint8 (H, W)``, its height at each pixel, 0 where it is dry.

    Source: Hendrycks & Dietterich 2019, the generator's spatter; the operations are OpenCV's.
    """
    import cv2

    distance = cv2.distanceTransform(255 - cv2.Canny(liquid, 50, 150), cv2.DIST_L2, 5)
    near = cv2.equalizeHist(cv2.blur(np.minimum(distance, np.float32(20.0)), (3, 3)).astype(np.uint8))
    slope = np.array([[-2, -1, 0], [-1, 1, 1], [0, 1, 2]])
    lit = cv2.blur(cv2.filter2D(near, cv2.CV_8U, slope), (3, 3))
    return liquid.astype(np.float32) * lit.astype(np.float32)


@compiled
def paint_cells(image: Bytes, turn: tuple[float, float], side: float, painted: NDArray[np.bool_], grey: int) -> Bytes:
    """The image ``uint8 (H, W, 3)`` with the chosen cells of one colour of the board painted grey.

    Args:
        image: RGB.
        turn: cosine and sine of the board's angle.
        side: of a cell, in pixels.
        painted: ``bool (n, n)``, by a cell's place; places before the first count from the end.
        grey: 0-255.
    """
    height, width, _ = image.shape
    cosine, sine = turn
    out = image.copy()
    for y in range(height):
        for x in range(width):
            i = (cosine * y + sine * x) / side
            j = (-sine * y + cosine * x) / side
            if int(i % 2.0) == int(j % 2.0) and painted[int(i), int(j)]:
                for c in range(3):
                    out[y, x, c] = grey
    return out

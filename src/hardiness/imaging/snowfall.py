"""Snow: a layer of flakes made from noise, and its effect on a picture."""

from __future__ import annotations

import math

import numpy as np
from numpy.typing import NDArray

from hardiness.imaging.compiled import compiled
from hardiness.imaging.zoom import ZoomAxis, zoom_axis, zoom_field


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

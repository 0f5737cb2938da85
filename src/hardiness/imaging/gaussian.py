"""Gaussian filters as scipy.ndimage defines them, and a spectral one for filters wider than the picture."""

from __future__ import annotations

from functools import lru_cache

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
    weights = np.exp(-0.5 / (sigma * sigma) * offsets**2)
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

"""Kernels that change each value by itself: contrast, and noise that is added or multiplied."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from hardiness.imaging.compiled import compiled

Bytes = NDArray[np.uint8]
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

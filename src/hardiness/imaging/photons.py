"""Photon counts and the noise of a sensor in place of each value of a picture."""

from __future__ import annotations

import math

import numpy as np
from numpy.typing import NDArray

from hardiness.imaging.compiled import compiled

Bytes = NDArray[np.uint8]
Float32 = NDArray[np.float32]
Float64 = NDArray[np.float64]


def cumulated_poisson(means: Float64, count: int) -> Float64:
    """Probabilities of at most 0, 1, … counts, ``float64 (N, count)``; the last column is 1.

    Args:
        means: ``float64 (N,)``, 0 or more.
        count: how many outcomes are told apart; the last stands for itself and all above.
    """
    counts = np.arange(count)
    factorials = np.array([math.lgamma(k + 1.0) for k in range(count)])
    logs = np.log(np.where(means > 0.0, means, 1.0))
    chances = np.exp(counts * logs[:, None] - means[:, None] - factorials)
    chances[means == 0.0] = counts == 0
    cumulated: Float64 = np.cumsum(chances, axis=1)
    cumulated[:, -1] = 1.0
    return cumulated


@compiled
def sensor_noise(
    image: Bytes, cumulated: Float64, uniforms: Float32, normals: Float32, noise: tuple[float, float]
) -> Bytes:
    """Counts of photons over those of white, plus normal noise, cut to 0-1; ``uint8``, truncated.

    Args:
        image: ``uint8 (H, W, 3)``.
        cumulated: ``float64 (256, N)``: chances of at most so many photons, by the value of a pixel.
        uniforms: ``float32`` of the image's shape, in [0, 1).
        normals: likewise, standard normal.
        noise: photons of a white pixel, and deviation of the normal noise.
    """
    values, chances, errors = image.ravel(), uniforms.ravel(), normals.ravel()
    white, deviation = noise
    out = np.empty_like(image)
    flat = out.ravel()
    last = cumulated.shape[1] - 1
    for i in range(values.size):
        row, chance = cumulated[values[i]], chances[i]
        low, high = 0, last
        while low < high:
            middle = (low + high) // 2
            if row[middle] > chance:
                high = middle
            else:
                low = middle + 1
        value = min(low / white, 1.0) + deviation * errors[i]
        flat[i] = np.uint8(min(max(value, 0.0), 1.0) * 255.0)
    return out

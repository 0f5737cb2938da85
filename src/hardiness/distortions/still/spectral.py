"""Noise of a given spectrum: brownish noise added, and pixels lost by blue noise."""

from __future__ import annotations

import math
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from hardiness.core.benchmark import Image
from hardiness.distortions.apply import Shape, corruption
from hardiness.imaging.noise import add_fields, keep_above, spectral_field, spectral_noise

Phases = NDArray[np.float64]


class NoiseDeviation(NamedTuple):
    """Deviation of the noise, of 255."""

    intensity: float


class Threshold(NamedTuple):
    """Pixels stay where the noise, of unit deviation, is above it."""

    threshold: float


def _phases(rng: np.random.Generator, shape: Shape, fields: int) -> Phases:
    """Phases from 0 to 2 pi for half of each field, whose sides are even."""
    return rng.uniform(0.0, 2.0 * math.pi, (fields, shape[0] + shape[0] % 2, (shape[1] + 1) // 2))


def draw_three(rng: np.random.Generator, shape: Shape, level: NoiseDeviation) -> Phases:
    """Phases ``float64 (3, H, W / 2)``, one field for each channel."""
    return _phases(rng, shape, 3)


def draw_one(rng: np.random.Generator, shape: Shape, level: Threshold) -> Phases:
    """Phases ``float64 (1, H, W / 2)``."""
    return _phases(rng, shape, 1)


@corruption(
    "noise",
    tuple(map(NoiseDeviation, (6.4, 12.8, 19.2, 25.6, 32.0))),
    draw_three,
    units=("of 255",),
    summary="Slow noise added to each channel, of amplitude 1 / (r**2 + 1) by frequency r.",
)
def brownish_noise(image: Image, level: NoiseDeviation, draws: Phases) -> Image:
    """Source: Mintun et al. 2021, arXiv:2102.11273, and its published code.

    Differs: an image of odd sides is covered by noise one pixel larger, which the published code cannot do.
    """
    fields, deviations = zip(*(spectral_field(phases, -2) for phases in draws), strict=True)
    return add_fields(image, fields, deviations, level.intensity)


@corruption(
    "occlusion",
    tuple(map(Threshold, (-2.26, -2.02, -1.78, -1.3, -0.82))),
    draw_one,
    summary="Pixels made black where quick noise, of amplitude r by frequency r, is low: 1 to 21 in a hundred.",
)
def blue_noise_sample(image: Image, level: Threshold, draws: Phases) -> Image:
    """Source: Mintun et al. 2021, arXiv:2102.11273, and its published code.

    Differs: an image of odd sides is covered by noise one pixel larger, which the published code cannot do.
    """
    return keep_above(image, spectral_noise(draws[0], 1), level.threshold)

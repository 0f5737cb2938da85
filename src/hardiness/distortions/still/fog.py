"""Fog."""

from __future__ import annotations

from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from hardiness.core.benchmark import Image
from hardiness.distortions.apply import Shape, corruption
from hardiness.imaging.noise import plasma_fractal, veil


class Fog(NamedTuple):
    """Thickness, and by how much the fractal calms down from level to level."""

    strength: float
    decay: float


def map_size(shape: Shape) -> int:
    """Side of the fractal: the least power of two that covers the image."""
    return 1 << (max(shape[:2]) - 1).bit_length()


def draw_heights(rng: np.random.Generator, shape: Shape, level: Fog) -> NDArray[np.float64]:
    """Uniform numbers in [0, 1), one for each point of the fractal but the first."""
    return rng.random(map_size(shape) ** 2 - 1)


@corruption(
    "weather",
    (Fog(1.5, 2.0), Fog(2.0, 2.0), Fog(2.5, 1.7), Fog(2.5, 1.5), Fog(3.0, 1.4)),
    draw_heights,
    summary="A plasma fractal over the image, the whole scaled back to the image's brightest value.",
)
def fog(image: Image, level: Fog, draws: NDArray[np.float64]) -> Image:
    """Source: Hendrycks & Dietterich 2019, arXiv:1903.12261, and its generators for 224 (fractal of side 256), 64 and
    32 pixels (of side 64 and 32).
    """
    layer = plasma_fractal(draws, map_size(image.shape), level.decay)
    return veil(image, layer, level.strength)

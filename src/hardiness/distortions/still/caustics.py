"""The picture through moving water."""

from __future__ import annotations

from typing import NamedTuple

import numpy as np

from hardiness.core.benchmark import Image
from hardiness.distortions.apply import Shape, corruption
from hardiness.imaging.blur import blur_field, gaussian_weights
from hardiness.imaging.geometry import refract
from hardiness.imaging.noise import caustics

REFRACTION = 4.0
SMOOTHING_PX = 1.0


class Lens(NamedTuple):
    """How far a bent ray reaches, as a share of the shorter side, and the strength of the light on slopes."""

    reach: float
    lighting: float


class Water(NamedTuple):
    """Its time, and the size of its pattern in pixels."""

    time: float
    size: float


def draw_water(rng: np.random.Generator, shape: Shape, level: Lens) -> Water:
    """A moment, and a size near that of the picture."""
    return Water(rng.uniform(0.5, 2.0), rng.uniform(0.75, 1.25) * min(shape[:2]))


@corruption(
    "refraction",
    (Lens(0.1175, 0.47), Lens(0.16, 0.64), Lens(0.245, 0.98), Lens(0.33, 1.32), Lens(0.4575, 1.83)),
    draw_water,
    units=("of the shorter side", ""),
    summary="The picture bent and lit as by the surface of water.",
)
def caustic_refraction(image: Image, level: Lens, draws: Water) -> Image:
    """Source: Mintun et al. 2021, arXiv:2102.11273, and its published code."""
    height, width, _ = image.shape
    weights = gaussian_weights(SMOOTHING_PX)
    reach = weights.size - 1
    light = np.pad(caustics(height, width, draws.time, draws.size), reach, mode="symmetric")
    smooth = blur_field(light, weights)[reach:-reach, reach:-reach].copy()
    return refract(image, smooth, (REFRACTION, level.reach * min(height, width)), level.lighting)

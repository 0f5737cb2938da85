"""Spatter: water or mud on the lens."""

from __future__ import annotations

from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from hardiness.core.benchmark import Image
from hardiness.distortions.apply import Shape, corruption
from hardiness.imaging.blur import blur_field, gaussian_weights
from hardiness.imaging.colour import WATER, add_colour, cover_colour, lit_rim

MUD = (63.0, 42.0, 20.0)


class SpatterLayer(NamedTuple):
    """Mean and deviation of the noise, its blur (px), what stays dry, and the strength of water or blur of mud (px)."""

    mean: float
    deviation: float
    sigma: float
    threshold: float
    intensity: float
    mud: bool


def draw_liquid(rng: np.random.Generator, shape: Shape, level: SpatterLayer) -> NDArray[np.float64]:
    """Normal numbers ``float64 (H, W)``."""
    return rng.normal(level.mean, level.deviation, shape[:2])


@corruption(
    "extra",
    (
        SpatterLayer(0.65, 0.3, 4.0, 0.69, 0.6, False),
        SpatterLayer(0.65, 0.3, 3.0, 0.68, 0.6, False),
        SpatterLayer(0.65, 0.3, 2.0, 0.68, 0.5, False),
        SpatterLayer(0.65, 0.3, 1.0, 0.65, 1.5, True),
        SpatterLayer(0.67, 0.4, 1.0, 0.65, 1.5, True),
    ),
    draw_liquid,
    units=("", "", "px", "", "", ""),
    summary="Drops of water (severities 1 to 3) or mud (4 and 5) in front of the image.",
)
def spatter(image: Image, level: SpatterLayer, draws: NDArray[np.float64]) -> Image:
    """Source: Hendrycks & Dietterich 2019, arXiv:1903.12261, and its generator make_imagenet_c.py; OpenCV for the rim
        of the drops.

    Differs: an image on which no drop falls stays as it is, where the generator divides by zero.
    """
    liquid = blur_field(draws, gaussian_weights(level.sigma))
    if level.mud:
        cover = blur_field((liquid > level.threshold).astype(np.float64), gaussian_weights(level.intensity))
        cover[cover < 0.8] = 0.0
        return cover_colour(image, cover.astype(np.float32), MUD)
    liquid[liquid < level.threshold] = 0.0
    rim = lit_rim((liquid * 255.0).astype(np.uint8))
    strongest = rim.max()
    if strongest == 0.0:
        return image.copy()
    return add_colour(image, rim / strongest * np.float32(level.intensity), WATER)

"""Snow, brightness and spatter."""

from __future__ import annotations

import math
from collections.abc import Iterator
from functools import lru_cache
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from hardiness.core.benchmark import Image
from hardiness.distortions.apply import SIDE_PX, SequenceSource, no_frame_draws, perturbation
from hardiness.imaging.blur import Trail, blur_field, gaussian_weights, motion_blur_image, motion_trail
from hardiness.imaging.colour import (
    WATER,
    add_colour,
    brightness_table,
    lit_rim,
    look_up_by_largest,
    snow_layer,
    snow_over,
)

FRAMES = 31
MIDDLE = 15


class SnowSequence(NamedTuple):
    """Mean and deviation of the flakes' noise, its zoom, what stays dark, the wind, and the share of the image."""

    mean: float
    deviation: float
    zoom: float
    threshold: float
    motion_radius: int
    motion_sigma: float
    first_degrees: float
    step_degrees: float
    image_share: float


class BrightnessSweep(NamedTuple):
    """Addition of each frame to the HSV value, in [0, 1]; the middle frame is clean."""

    step: float


class SpatterSequence(NamedTuple):
    """Mean and deviation of the noise, its blur (px), what stays dry, and the strength of the water."""

    mean: float
    deviation: float
    sigma: float
    threshold: float
    intensity: float


def draw_flakes(rng: np.random.Generator, level: SnowSequence) -> NDArray[np.float64]:
    """The flakes' noise, ``float64 (75, 75)``: the centre of a field of normal numbers, all that is ever seen."""
    side = math.ceil(SIDE_PX / level.zoom)
    return rng.normal(level.mean, level.deviation, (side, side))


@lru_cache(maxsize=8)
def _winds(level: SnowSequence) -> tuple[Trail, ...]:
    degrees = (level.first_degrees + i * level.step_degrees for i in range(FRAMES))
    return tuple(motion_trail(level.motion_radius, level.motion_sigma, angle) for angle in degrees)


@perturbation(
    "weather",
    (SnowSequence(0.05, 0.3, 3.0, 0.5, 14, 4.0, -150.0, 4.0, 0.85),),
    draw_flakes,
    summary="One layer of flakes over a whitened image, in a wind that turns by four degrees a frame.",
)
def snow(source: SequenceSource, level: SnowSequence, draws: NDArray[np.float64]) -> Iterator[Image]:
    """Source: Hendrycks & Dietterich 2019, arXiv:1903.12261, and its generator make_imagenet_p.py; ImageMagick 7.1.1,
    MotionBlurImage.
    """
    layer = snow_layer(draws, (SIDE_PX, SIDE_PX), level.zoom, level.threshold)[:, :, None]
    for wind in _winds(level):
        yield snow_over(source.crop, motion_blur_image(layer, *wind)[:, :, 0], level.image_share)


@perturbation(
    "weather",
    (BrightnessSweep(0.02),),
    no_frame_draws,
    summary="An HSV value that rises from darker to lighter than the image.",
)
def brightness(source: SequenceSource, level: BrightnessSweep, draws: None) -> Iterator[Image]:
    """Source: Hendrycks & Dietterich 2019, arXiv:1903.12261, and its generator make_imagenet_p.py."""
    for i in range(FRAMES):
        yield look_up_by_largest(source.crop, brightness_table((i - MIDDLE) * level.step))


def draw_liquid(rng: np.random.Generator, level: SpatterSequence) -> NDArray[np.float64]:
    """Normal numbers ``float64 (224, 224)``."""
    return rng.normal(level.mean, level.deviation, (SIDE_PX, SIDE_PX))


DRIP = (0.05, 0.1, 0.15, 0.7)
"""Share of the liquid that a pixel takes from one below, from itself, from one and from two above."""


@perturbation(
    "weather",
    (SpatterSequence(0.65, 0.27, 3.7, 0.69, 0.6),),
    draw_liquid,
    summary="Drops of water that run down in front of the image.",
)
def spatter(source: SequenceSource, level: SpatterSequence, draws: NDArray[np.float64]) -> Iterator[Image]:
    """Source: Hendrycks & Dietterich 2019, arXiv:1903.12261, and its generator make_imagenet_p.py; OpenCV for the rim
        of the drops.

    Differs: a frame without a drop stays as the image is, where the generator divides by zero.
    """
    liquid = blur_field(draws, gaussian_weights(level.sigma))
    liquid[liquid < level.threshold] = 0.0
    for _ in range(FRAMES):
        rim = lit_rim((liquid * 255.0).astype(np.uint8))
        strongest = rim.max()
        amount = rim / strongest * np.float32(level.intensity) if strongest > 0.0 else rim
        yield add_colour(source.crop, amount, WATER)
        liquid = _drip(liquid)


def _drip(liquid: NDArray[np.float64]) -> NDArray[np.float64]:
    rows = np.pad(liquid, ((2, 1), (0, 0)))
    return DRIP[0] * rows[3:] + DRIP[1] * rows[2:-1] + DRIP[2] * rows[1:-2] + DRIP[3] * rows[:-3]

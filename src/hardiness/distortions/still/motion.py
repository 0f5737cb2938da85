"""Motion blur and snow: what ImageMagick's motion blur draws."""

from __future__ import annotations

import math
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from hardiness.core.benchmark import Image
from hardiness.distortions.apply import Shape, corruption
from hardiness.imaging.blur import motion_blur_image, motion_trail
from hardiness.imaging.colour import snow_layer, snow_over


class MotionTrail(NamedTuple):
    """Half the length of the trail and standard deviation along it, in pixels."""

    radius: int
    sigma: float


class SnowLayer(NamedTuple):
    """Mean and deviation of the flakes' noise, its zoom, what stays dark, the wind, and the share of the image."""

    mean: float
    deviation: float
    zoom: float
    threshold: float
    motion_radius: int
    motion_sigma: float
    image_share: float


class Snowfall(NamedTuple):
    """Draws of snow.

    Attributes:
        noise: ``float64 (ceil(H / zoom), ceil(W / zoom))``, the centre of a field of normal numbers: only that part
            of it is ever seen.
        angle_degrees: of the wind.
    """

    noise: NDArray[np.float64]
    angle_degrees: float


def draw_angle(rng: np.random.Generator, shape: Shape, level: MotionTrail) -> float:
    """A direction in degrees, between -45 and 45."""
    return float(rng.uniform(-45.0, 45.0))


@corruption(
    "blur",
    (MotionTrail(10, 3.0), MotionTrail(15, 5.0), MotionTrail(15, 8.0), MotionTrail(15, 12.0), MotionTrail(20, 15.0)),
    draw_angle,
    units=("px", "px"),
    summary="A trail in a drawn direction, as of a moving camera.",
)
def motion_blur(image: Image, level: MotionTrail, draws: float) -> Image:
    """Source: Hendrycks & Dietterich 2019, arXiv:1903.12261; ImageMagick 7.1.1, MotionBlurImage."""
    return motion_blur_image(image, *motion_trail(level.radius, level.sigma, draws))


def draw_snowfall(rng: np.random.Generator, shape: Shape, level: SnowLayer) -> Snowfall:
    """The flakes' noise and a direction between -135 and -45 degrees."""
    size = math.ceil(shape[0] / level.zoom), math.ceil(shape[1] / level.zoom)
    return Snowfall(rng.normal(level.mean, level.deviation, size), float(rng.uniform(-135.0, -45.0)))


@corruption(
    "weather",
    (
        SnowLayer(0.1, 0.3, 3.0, 0.5, 10, 4.0, 0.8),
        SnowLayer(0.2, 0.3, 2.0, 0.5, 12, 4.0, 0.7),
        SnowLayer(0.55, 0.3, 4.0, 0.9, 12, 8.0, 0.7),
        SnowLayer(0.55, 0.3, 4.5, 0.85, 12, 8.0, 0.65),
        SnowLayer(0.55, 0.3, 2.5, 0.85, 12, 12.0, 0.55),
    ),
    draw_snowfall,
    units=("", "", "times", "", "px", "px", "of the picture"),
    summary="Flakes blown in a drawn direction over a whitened image.",
)
def snow(image: Image, level: SnowLayer, draws: Snowfall) -> Image:
    """Source: Hendrycks & Dietterich 2019, arXiv:1903.12261, and its generator make_imagenet_c.py; ImageMagick 7.1.1,
    MotionBlurImage.
    """
    layer = snow_layer(draws.noise, image.shape[:2], level.zoom, level.threshold)
    trail = motion_trail(level.motion_radius, level.motion_sigma, draws.angle_degrees)
    return snow_over(image, motion_blur_image(layer[:, :, None], *trail)[:, :, 0], level.image_share)

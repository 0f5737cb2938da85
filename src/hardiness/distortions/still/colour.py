"""Brightness, contrast and saturation."""

from __future__ import annotations

from typing import NamedTuple

from hardiness.core.benchmark import Image
from hardiness.distortions.apply import corruption, no_draws
from hardiness.distortions.levels import Quantity
from hardiness.imaging.colour import brightness_table, drawn_to_means, look_up_by_largest, saturate_image


class BrightnessOffset(NamedTuple):
    """An addition to the HSV value, in [0, 1]."""

    added: float


class Factor(NamedTuple):
    """Factor of the distance from the channel's mean."""

    factor: float


class Saturation(NamedTuple):
    """A factor of the HSV saturation, and an addition to it."""

    factor: float
    offset: float


@corruption(
    "weather",
    tuple(map(BrightnessOffset, (0.1, 0.2, 0.3, 0.4, 0.5))),
    no_draws,
    quantity=Quantity("added", "to the HSV value", "up", 0.0, 1.0),
    summary="A larger HSV value, as in strong daylight.",
)
def brightness(image: Image, level: BrightnessOffset, draws: None) -> Image:
    """Source: Hendrycks & Dietterich 2019, arXiv:1903.12261, and its generator make_imagenet_c.py."""
    return look_up_by_largest(image, brightness_table(level.added))


@corruption(
    "digital",
    tuple(map(Factor, (0.4, 0.3, 0.2, 0.1, 0.05))),
    no_draws,
    quantity=Quantity("factor", "of the distance from the mean", "down", 0.0, 1.0),
    summary="Every value moved towards the mean of its channel.",
)
def contrast(image: Image, level: Factor, draws: None) -> Image:
    """Source: Hendrycks & Dietterich 2019, arXiv:1903.12261, and its generator make_imagenet_c.py."""
    return drawn_to_means(image, level.factor)


@corruption(
    "extra",
    (Saturation(0.3, 0.0), Saturation(0.1, 0.0), Saturation(2.0, 0.0), Saturation(5.0, 0.1), Saturation(20.0, 0.2)),
    no_draws,
    summary="Another HSV saturation: paler at severities 1 and 2, gaudier from 3 on.",
)
def saturate(image: Image, level: Saturation, draws: None) -> Image:
    """Source: Hendrycks & Dietterich 2019, arXiv:1903.12261, and its generator make_imagenet_c.py."""
    return saturate_image(image, level.factor, level.offset)

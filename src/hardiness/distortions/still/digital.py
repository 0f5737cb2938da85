"""Pixelation and JPEG compression."""

from __future__ import annotations

from typing import NamedTuple

from hardiness.core.benchmark import Image
from hardiness.distortions.apply import corruption, no_draws
from hardiness.distortions.levels import Quantity
from hardiness.imaging.codecs import decode, encode_jpeg
from hardiness.imaging.resizing import resize


class CoarseScale(NamedTuple):
    """Size of the coarse image as a share of each side."""

    scale: float


class Quality(NamedTuple):
    """JPEG quality, as libjpeg counts it."""

    quality: int


@corruption(
    "digital",
    tuple(map(CoarseScale, (0.6, 0.5, 0.4, 0.3, 0.25))),
    no_draws,
    quantity=Quantity("scale", "of each side", "down", 0.04, 1.0),
    summary="Fewer and larger pixels.",
)
def pixelate(image: Image, level: CoarseScale, draws: None) -> Image:
    """Source: Hendrycks & Dietterich 2019, arXiv:1903.12261; PIL's box filter, down and up."""
    height, width, _ = image.shape
    coarse = resize(image, int(height * level.scale), int(width * level.scale), "box")
    return resize(coarse, height, width, "box")


@corruption(
    "digital",
    tuple(map(Quality, (25, 18, 15, 10, 7))),
    no_draws,
    quantity=Quantity("quality", "", "down", 1, 100, is_whole=True),
    summary="The image as a JPEG of low quality keeps it.",
)
def jpeg_compression(image: Image, level: Quality, draws: None) -> Image:
    """Source: Hendrycks & Dietterich 2019, arXiv:1903.12261; PIL's JPEG writer with its defaults."""
    return decode(encode_jpeg(image, level.quality), "jpeg_compression")

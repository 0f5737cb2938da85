"""Frost."""

from __future__ import annotations

from typing import NamedTuple

import numpy as np

from hardiness.core.benchmark import Image
from hardiness.distortions.apply import Shape, corruption
from hardiness.distortions.frost_pictures import PICTURES, frost_picture, require_frost
from hardiness.imaging.colour import blend_crop


class Frost(NamedTuple):
    """Weights of the image and of the frost, and the share of their size to which pictures of frost are reduced."""

    image_weight: float
    frost_weight: float
    scale: float = 1.0


class Crop(NamedTuple):
    """Which frost picture (0 to 4), and the corner of the crop in pixels."""

    picture: int
    top: int
    left: int


def draw_crop(rng: np.random.Generator, shape: Shape, level: Frost) -> Crop:
    """One of five pictures, and where to cut it."""
    index = int(rng.integers(len(PICTURES)))
    picture = frost_picture(index, shape[0], shape[1], level.scale)
    top, left = (
        int(rng.integers(max(1, length - covered)))
        for length, covered in zip(picture.shape[:2], shape[:2], strict=True)
    )
    return Crop(index, top, left)


@corruption(
    "weather",
    (Frost(1.0, 0.4), Frost(0.8, 0.6), Frost(0.7, 0.7), Frost(0.65, 0.7), Frost(0.6, 0.75)),
    draw_crop,
    require=require_frost,
    units=("of the picture", "of the frost", "of its size"),
    summary="A crop of a photograph of frost over the image.",
)
def frost(image: Image, level: Frost, draws: Crop) -> Image:
    """Only five of the six published pictures are ever used, as by the generator.

    Source: Hendrycks & Dietterich 2019, arXiv:1903.12261, and its generators make_imagenet_c.py and, for
        frost at a fifth of its size, make_cifar_c.py.

    Differs: where the image is larger than the picture, which the generator cannot do, the picture is enlarged
        (bilinear) until it covers the image.
    """
    picture = frost_picture(draws.picture, image.shape[0], image.shape[1], level.scale)
    return blend_crop(image, picture, draws.top, draws.left, (level.image_weight, level.frost_weight))

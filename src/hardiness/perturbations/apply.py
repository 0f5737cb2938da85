"""Perturbing one photograph."""

from __future__ import annotations

from collections.abc import Iterator

import numpy as np

from hardiness.core import ArgumentError, Image, rng
from hardiness.imaging.canvas import centre
from hardiness.imaging.resize import Size
from hardiness.perturbations.perturbation import SIDE_PX, Source, registry


def perturb(image: Image, name: str, *, difficulty: int = 1, seed: int = 0, id: str = "") -> Iterator[Image]:  # noqa: A002
    """The frames of one sequence, each ``uint8 (224, 224, 3)`` and made when it is asked for.

    Args:
        image: ``uint8 (H, W, 3)``, RGB: the photograph resized to a shorter side of 256 pixels, before its crop; any
            image with sides of 224 or more will do.
        name: of a registered perturbation, e.g. ``"rotate"``.
        difficulty: 1; noises have 2 and 3 too.
        seed: of the run.
        id: of the sample, ``"<wnid>/<stem>"``; the draws depend on seed, name, difficulty and id, and on nothing else.

    Raises:
        ArgumentError: the image, the name or the difficulty is not as above.
    """
    found = registry.get(name)
    level = found.level(difficulty)
    source = source_of(image)
    draws = None if found.deterministic else found.draw(rng(seed, found.name, int(difficulty), id), level)
    return found.apply(source, level, draws)


def source_of(image: Image) -> Source:
    """The image with its central crop.

    Raises:
        ArgumentError: it is not ``uint8 (H, W, 3)`` with sides of 224 pixels or more; the message says what it was.
    """
    if not isinstance(image, np.ndarray):
        raise ArgumentError(f"image must be a numpy array uint8 (H, W, 3), was {type(image).__name__}")
    if image.dtype != np.uint8:
        raise ArgumentError(f"image must be of dtype uint8 with values 0–255, was {image.dtype}")
    if image.ndim != 3 or image.shape[2] != 3:
        raise ArgumentError(f"image must be of shape (H, W, 3), RGB, was {image.shape}")
    if min(image.shape[:2]) < SIDE_PX:
        raise ArgumentError(f"image must have sides of {SIDE_PX} pixels or more, was {image.shape[0]}x{image.shape[1]}")
    # One memory layout, hence one compiled variant of each kernel.
    whole = np.require(image, requirements=["C", "W"])
    window = centre(Size(*image.shape[:2]), SIDE_PX)
    crop = whole[window.top : window.top + SIDE_PX, window.left : window.left + SIDE_PX].copy()
    return Source(whole, window, crop)

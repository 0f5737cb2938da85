"""Defocus, glass, zoom and Gaussian blur."""

from __future__ import annotations

from functools import lru_cache
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from hardiness.core.benchmark import Image
from hardiness.distortions.apply import Shape, corruption, no_draws
from hardiness.distortions.levels import Quantity
from hardiness.imaging.blur import (
    ZoomAxis,
    blur_image,
    disk_outline,
    filter_outline,
    gaussian_weights,
    mean_of_zooms,
    running_sums,
    zoom_axis,
)
from hardiness.imaging.geometry import copy_neighbours


class Disk(NamedTuple):
    """Radius of the disk and standard deviation of its smoothing, in pixels."""

    radius: float
    alias_sigma: float


class Glass(NamedTuple):
    """Standard deviation of both blurs, longest displacement (both in pixels), number of passes."""

    sigma: float
    max_delta: int
    passes: int


class Zooms(NamedTuple):
    """Zoom factors from 1, up to but without ``stop``, by ``step``."""

    stop: float
    step: float


class BlurSigma(NamedTuple):
    """Standard deviation, in pixels."""

    sigma: float


@corruption(
    "blur",
    (Disk(3, 0.1), Disk(4, 0.5), Disk(6, 0.5), Disk(8, 0.5), Disk(10, 0.5)),
    no_draws,
    units=("px", "px"),
    summary="The mean over a disk, as out of focus.",
)
def defocus_blur(image: Image, level: Disk, draws: None) -> Image:
    """Source: Hendrycks & Dietterich 2019, arXiv:1903.12261, and its generator make_imagenet_c.py."""
    outline = disk_outline(*level)
    return filter_outline(running_sums(image, outline.counts.size - 1), *outline)


def draw_offsets(rng: np.random.Generator, shape: Shape, level: Glass) -> NDArray[np.int8]:
    """Displacements ``(passes, H - 2 d, W - 2 d, 2)`` in ``[-d, d)``, right and down, with ``d`` the longest."""
    reach = level.max_delta
    size = (level.passes, shape[0] - 2 * reach, shape[1] - 2 * reach, 2)
    return rng.integers(-reach, reach, size, dtype=np.int8)


@corruption(
    "blur",
    (Glass(0.7, 1, 2), Glass(0.9, 2, 1), Glass(1.0, 2, 3), Glass(1.1, 3, 2), Glass(1.5, 4, 2)),
    draw_offsets,
    units=("px", "px", ""),
    summary="Blur, local displacement of pixels, blur again, as through frosted glass.",
)
def glass_blur(image: Image, level: Glass, draws: NDArray[np.int8]) -> Image:
    """Pixels are copied and not exchanged: the generator's exchange is an assignment between two views of one array.

    Source: Hendrycks & Dietterich 2019, arXiv:1903.12261, and its generator make_imagenet_c.py.
    """
    weights = gaussian_weights(level.sigma)
    return blur_image(copy_neighbours(blur_image(image, weights), draws), weights)


OWN_WEIGHT = 2.0
"""The image itself counts twice: once as it is, once as its zoom by 1."""


@lru_cache(maxsize=64)
def _zoom_axes(size: int, level: Zooms) -> ZoomAxis:
    axes = [zoom_axis(size, float(factor)) for factor in np.arange(1, level.stop, level.step)[1:]]
    return ZoomAxis(*(np.stack(rows) for rows in zip(*axes, strict=True)))


@corruption(
    "blur",
    (Zooms(1.11, 0.01), Zooms(1.16, 0.01), Zooms(1.21, 0.02), Zooms(1.26, 0.02), Zooms(1.31, 0.03)),
    no_draws,
    units=("times", "times"),
    summary="The mean of the image and of itself zoomed step by step, as when a camera moves forward.",
)
def zoom_blur(image: Image, level: Zooms, draws: None) -> Image:
    """Source: Hendrycks & Dietterich 2019, arXiv:1903.12261, and its generator make_imagenet_c.py; it takes square
    images only, and here each side is zoomed by its own length.
    """
    height, width, _ = image.shape
    return mean_of_zooms(image, _zoom_axes(height, level), _zoom_axes(width, level), OWN_WEIGHT)


@corruption(
    "extra",
    tuple(map(BlurSigma, (1.0, 2.0, 3.0, 4.0, 6.0))),
    no_draws,
    quantity=Quantity("sigma", "px", "up", 0.1, 50.0),
    summary="A Gaussian blur, edges repeated.",
)
def gaussian_blur(image: Image, level: BlurSigma, draws: None) -> Image:
    """Source: Hendrycks & Dietterich 2019, arXiv:1903.12261; scikit-image's gaussian (four standard deviations)."""
    return blur_image(image, gaussian_weights(level.sigma))

"""Motion, zoom and Gaussian blur."""

from __future__ import annotations

from collections.abc import Iterator
from functools import lru_cache
from typing import NamedTuple

import numpy as np

from hardiness.core.benchmark import Image
from hardiness.distortions.apply import SequenceSource, no_frame_draws, perturbation
from hardiness.imaging.blur import Trail, blur_image, gaussian_weights, motion_blur_image, motion_trail
from hardiness.imaging.geometry import about_centre, add_and_mean, affine_window

FRAMES = 31


class MotionSweep(NamedTuple):
    """Half the length of the trail and deviation along it (px), first direction and how far it turns (degrees)."""

    radius: int
    sigma: float
    first_degrees: float
    step_degrees: float


class Zoom(NamedTuple):
    """How much larger each frame is than the one before, as a share of the first."""

    step: float


class BlurGrowth(NamedTuple):
    """First standard deviation, what each frame adds to it (px), and where the filter ends (deviations)."""

    first_sigma: float
    step: float
    truncate: float


@lru_cache(maxsize=8)
def _trails(level: MotionSweep) -> tuple[Trail, ...]:
    return tuple(
        motion_trail(level.radius, level.sigma, level.first_degrees + i * level.step_degrees) for i in range(FRAMES)
    )


@perturbation(
    "blur", (MotionSweep(10, 3.0, -120.0, 4.0),), no_frame_draws, summary="A trail that turns by four degrees a frame."
)
def motion_blur(source: SequenceSource, level: MotionSweep, draws: None) -> Iterator[Image]:
    """Source: Hendrycks & Dietterich 2019, arXiv:1903.12261, and its generator make_imagenet_p.py; ImageMagick 7.1.1,
    MotionBlurImage.
    """
    for trail in _trails(level):
        yield motion_blur_image(source.crop, *trail)


@perturbation(
    "blur", (Zoom(0.004),), no_frame_draws, summary="The mean of all zooms so far, as when a camera moves forward."
)
def zoom_blur(source: SequenceSource, level: Zoom, draws: None) -> Iterator[Image]:
    """Source: Hendrycks & Dietterich 2019, arXiv:1903.12261, and its generator make_imagenet_p.py."""
    total = np.zeros(source.crop.shape, np.uint16)
    yield add_and_mean(total, source.crop, 1)
    for i in range(1, FRAMES):
        zoomed = about_centre(source.whole.shape[:2], scale=1.0 + level.step * i)
        yield add_and_mean(total, affine_window(source.whole, zoomed, source.window), i + 1)


@perturbation(
    "blur", (BlurGrowth(0.25, 0.035, 6.0),), no_frame_draws, summary="A Gaussian blur that widens, edges repeated."
)
def gaussian_blur(source: SequenceSource, level: BlurGrowth, draws: None) -> Iterator[Image]:
    """Source: Hendrycks & Dietterich 2019, arXiv:1903.12261, and its generator make_imagenet_p.py; scikit-image's
    gaussian.
    """
    for i in range(FRAMES):
        yield blur_image(source.crop, gaussian_weights(level.first_sigma + level.step * i, level.truncate))

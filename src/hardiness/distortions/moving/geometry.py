"""Translation, rotation, tilt, scaling and shear of the photograph, before the crop; what is outside is black."""

from __future__ import annotations

from collections.abc import Iterator
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from hardiness.core.benchmark import Image
from hardiness.distortions.apply import SIDE_PX, SequenceSource, no_frame_draws, perturbation
from hardiness.imaging.geometry import about_centre, affine_window, perspective_window

FRAMES = 31
MIDDLE = 15


class ShiftSweep(NamedTuple):
    """First shift and how far each frame moves, in pixels to the right."""

    first_px: int
    step_px: int


class Turn(NamedTuple):
    """Degrees a frame; the middle frame is clean."""

    step_degrees: float


class SizeSweep(NamedTuple):
    """First size and what each frame adds to it, in percent."""

    first_percent: float
    step_percent: float


@perturbation(
    "digital",
    (ShiftSweep(-20, 1),),
    no_frame_draws,
    frames=41,
    summary="The photograph moves from left to right by a pixel a frame.",
)
def translate(source: SequenceSource, level: ShiftSweep, draws: None) -> Iterator[Image]:
    """Source: Hendrycks & Dietterich 2019, arXiv:1903.12261, and its generator make_imagenet_p.py."""
    top, left, _, _ = source.window
    width = source.whole.shape[1]
    rows = source.whole[top : top + SIDE_PX]
    for i in range(41):
        shift = level.first_px + i * level.step_px
        first, last = max(left - shift, 0), min(left - shift + SIDE_PX, width)
        frame = np.zeros_like(source.crop)
        frame[:, first - left + shift : last - left + shift] = rows[:, first:last]
        yield frame


@perturbation("digital", (Turn(1.0),), no_frame_draws, summary="The photograph turns clockwise by a degree a frame.")
def rotate(source: SequenceSource, level: Turn, draws: None) -> Iterator[Image]:
    """Source: Hendrycks & Dietterich 2019, arXiv:1903.12261, and its generator make_imagenet_p.py; torchvision 0.2 and
    Pillow's affine map.
    """
    for i in range(FRAMES):
        turned = about_centre(source.whole.shape[:2], angle_degrees=(i - MIDDLE) * level.step_degrees)
        yield affine_window(source.whole, turned, source.window)


@perturbation(
    "digital",
    (Turn(1.0),),
    no_frame_draws,
    summary="The photograph leans in space by a degree a frame, about both of its axes.",
)
def tilt(source: SequenceSource, level: Turn, draws: None) -> Iterator[Image]:
    """Source: Hendrycks & Dietterich 2019, arXiv:1903.12261, and its generator make_imagenet_p.py; OpenCV's
    warpPerspective.
    """
    for i in range(FRAMES):
        inverse = tilt_inverse(source.whole.shape[:2], (i - MIDDLE) * level.step_degrees)
        yield perspective_window(source.whole, inverse, source.window)


def tilt_inverse(size: tuple[int, int], degrees: float) -> NDArray[np.float64]:
    """The map ``float64 (3, 3)`` from output to input for a picture that leans about both of its axes.

    The picture's centre is at a distance of ``f`` from the eye, ``f`` being also the focal length and the diagonal.

    Args:
        size: height and width.
        degrees: about the horizontal and the vertical axis.
    """
    height, width = size
    focal = np.hypot(width, height)
    cosine, sine = np.cos(np.deg2rad(degrees)), np.sin(np.deg2rad(degrees))
    # The columns of the rotation about x after that about y which a flat picture meets, and the shift away by f. The
    # generator puts the picture at depth 1, which the third column carries.
    across = np.array([cosine, -sine * sine, cosine * sine])
    down = np.array([0.0, cosine, sine])
    ahead = np.array([-sine, -sine * cosine, cosine * cosine + focal])
    to_centre = np.array([[1.0, 0.0, -width / 2], [0.0, 1.0, -height / 2], [0.0, 0.0, 1.0]])
    camera = np.array([[focal, 0.0, width / 2], [0.0, focal, height / 2], [0.0, 0.0, 1.0]])
    return np.linalg.inv(camera @ np.stack([across, down, ahead], axis=1) @ to_centre)


@perturbation(
    "digital", (SizeSweep(40.0, 2.5),), no_frame_draws, summary="The photograph grows from small to slightly enlarged."
)
def scale(source: SequenceSource, level: SizeSweep, draws: None) -> Iterator[Image]:
    """Source: Hendrycks & Dietterich 2019, arXiv:1903.12261, and its generator make_imagenet_p.py; torchvision 0.2 and
    Pillow's affine map.
    """
    for i in range(FRAMES):
        size = about_centre(source.whole.shape[:2], scale=(i * level.step_percent + level.first_percent) / 100.0)
        yield affine_window(source.whole, size, source.window)


@perturbation("digital", (Turn(1.0),), no_frame_draws, summary="The photograph's columns lean by a degree a frame.")
def shear(source: SequenceSource, level: Turn, draws: None) -> Iterator[Image]:
    """Source: Hendrycks & Dietterich 2019, arXiv:1903.12261, and its generator make_imagenet_p.py; torchvision 0.2 and
    Pillow's affine map.
    """
    for i in range(FRAMES):
        leaning = about_centre(source.whole.shape[:2], shear_degrees=(i - MIDDLE) * level.step_degrees)
        yield affine_window(source.whole, leaning, source.window)

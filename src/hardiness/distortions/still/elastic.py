"""Elastic transform."""

from __future__ import annotations

from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from hardiness.core.benchmark import Image
from hardiness.distortions.apply import Shape, corruption
from hardiness.imaging.geometry import affine_inverse, displace, smooth_reflected, warp_affine

UNIT_PX = 244
"""All lengths are multiples of this; 224 was meant, and the published data have 244."""


class Elastic(NamedTuple):
    """Amplitude and smoothness of the displacements and jitter of the corners, in pixels.

    ``rounds``: whether the affine step reads at 1/32 pixels, as with OpenCV 4, or between them, as with OpenCV 5.
    """

    alpha: float
    sigma: float
    jitter_px: float
    rounds: bool = True


class Distortion(NamedTuple):
    """Draws of the elastic transform.

    Attributes:
        jitter: ``float32 (3, 2)``, by how many pixels three points move, x and y.
        right, down: ``float32 (H, W)``, uniform in [-1, 1).
    """

    jitter: NDArray[np.float32]
    right: NDArray[np.float32]
    down: NDArray[np.float32]


def draw_distortion(rng: np.random.Generator, shape: Shape, level: Elastic) -> Distortion:
    """The movements of three points, and two fields of displacements."""
    jitter = rng.uniform(-level.jitter_px, level.jitter_px, (3, 2)).astype(np.float32)
    right, down = rng.random((2, *shape[:2]), dtype=np.float32) * np.float32(2.0) - np.float32(1.0)
    return Distortion(jitter, right, down)


def _points(height: int, width: int) -> NDArray[np.float32]:
    x, y, reach = width // 2, height // 2, min(height, width) // 3
    return np.array([[x + reach, y + reach], [x + reach, y - reach], [x - reach, y - reach]], np.float32)


@corruption(
    "digital",
    (
        Elastic(UNIT_PX * 2, UNIT_PX * 0.7, UNIT_PX * 0.1),
        Elastic(UNIT_PX * 2, UNIT_PX * 0.08, UNIT_PX * 0.2),
        Elastic(UNIT_PX * 0.05, UNIT_PX * 0.01, UNIT_PX * 0.02),
        Elastic(UNIT_PX * 0.07, UNIT_PX * 0.01, UNIT_PX * 0.02),
        Elastic(UNIT_PX * 0.12, UNIT_PX * 0.01, UNIT_PX * 0.02),
    ),
    draw_distortion,
    units=("px", "px", "px", ""),
    summary="A random affine map, then smooth random displacements.",
)
def elastic_transform(image: Image, level: Elastic, draws: Distortion) -> Image:
    """Source: Hendrycks & Dietterich 2019, arXiv:1903.12261, and its generator make_imagenet_c.py (after Simard
    2003).
    """
    points = _points(*image.shape[:2])
    moved = (points + draws.jitter).astype(np.float64)
    warped = warp_affine(image, affine_inverse(points.astype(np.float64), moved), level.rounds)
    alpha = np.float32(level.alpha)
    down = smooth_reflected(draws.down, level.sigma, 3.0) * alpha
    right = smooth_reflected(draws.right, level.sigma, 3.0) * alpha
    return displace(warped, down, right)

"""Stars of white light over the picture, or the picture inside one."""

from __future__ import annotations

from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from hardiness.core.benchmark import Image
from hardiness.distortions.apply import Shape, corruption
from hardiness.imaging.noise import stars

STARS = 5
RANDOMNESS = 0.25
"""Deviation of the rays' lengths, as a share of the radius."""


class Radius(NamedTuple):
    """Radius of a star, as a share of the shorter side."""

    radius: float


class FallOff(NamedTuple):
    """Exponent of the light's fall; the radius is a quarter of the shorter side."""

    exponent: float


class Star(NamedTuple):
    """Centre (y, x) in pixels, and the lengths of the rays in pixels."""

    centre: tuple[float, float]
    lengths: NDArray[np.float64]


def draw_stars(rng: np.random.Generator, shape: Shape, level: Radius) -> tuple[Star, ...]:
    """Five stars of 50 to 199 rays."""
    radius = level.radius * min(shape[:2])
    return tuple(
        Star(
            (rng.uniform(0.0, shape[0]), rng.uniform(0.0, shape[1])),
            np.maximum(1.0, radius + RANDOMNESS * radius * rng.normal(size=rng.integers(50, 200))),
        )
        for _ in range(STARS)
    )


@corruption(
    "light",
    tuple(map(Radius, (0.01, 0.02, 0.03, 0.05, 0.06))),
    draw_stars,
    units=("of the shorter side",),
    summary="Five white stars with rays of random lengths.",
)
def sparkles(image: Image, level: Radius, draws: tuple[Star, ...]) -> Image:
    """Source: Mintun et al. 2021, arXiv:2102.11273, and its published code."""
    return _lit(image, draws, 1.0, inverse=False)


def draw_star(rng: np.random.Generator, shape: Shape, level: FallOff) -> Star:
    """One star of 50 to 199 rays, away from the border."""
    radius = 0.25 * min(shape[:2])
    centre = rng.uniform(0.25, 0.75) * shape[0], rng.uniform(0.25, 0.75) * shape[1]
    return Star(centre, radius + RANDOMNESS * radius * rng.normal(size=rng.integers(50, 200)))


@corruption(
    "light",
    tuple(map(FallOff, (0.13, 0.26, 0.52, 1.17, 1.3))),
    draw_star,
    summary="The picture inside one star, and white around it.",
)
def inverse_sparkles(image: Image, level: FallOff, draws: Star) -> Image:
    """Source: Mintun et al. 2021, arXiv:2102.11273, and its published code."""
    return _lit(image, (draws,), level.exponent, inverse=True)


def _lit(image: Image, light: tuple[Star, ...], exponent: float, inverse: bool) -> Image:
    centres = np.array([star.centre for star in light], np.float64)
    ends = np.cumsum([0, *(star.lengths.size for star in light)])
    return stars(image, centres, (np.concatenate([star.lengths for star in light]), ends), exponent, inverse)

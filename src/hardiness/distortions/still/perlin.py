"""Perlin noise."""

from __future__ import annotations

from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from hardiness.core.benchmark import Image
from hardiness.distortions.apply import Shape, corruption
from hardiness.imaging.noise import CELLS, blend_grey, permutation, turbulence

CELLS_ACROSS = 7
"""Cells of the lattice along the shorter side: 32 pixels each at 224."""


class NoiseShare(NamedTuple):
    """Share of the noise in the picture."""

    share: float


class Lattice(NamedTuple):
    """Slopes ``float64 (256, 2)`` of length 1, and ``int64 (256,)``: which places change with which."""

    slopes: NDArray[np.float64]
    partners: NDArray[np.int64]


def draw_lattice(rng: np.random.Generator, shape: Shape, level: NoiseShare) -> Lattice:
    """Random slopes, and a shuffle of them."""
    slopes = (rng.integers(0, 2 * CELLS, (CELLS, 2)) - CELLS) / CELLS
    lengths = np.sqrt((slopes**2).sum(axis=1, keepdims=True))
    return Lattice(slopes / np.where(lengths > 0.0, lengths, 1.0), rng.integers(0, CELLS, CELLS))


@corruption(
    "noise",
    tuple(map(NoiseShare, (0.23, 0.26, 0.29, 0.38, 0.44))),
    draw_lattice,
    units=("of the picture",),
    summary="The picture mixed with grey clouds of Perlin noise in five octaves.",
)
def perlin_noise(image: Image, level: NoiseShare, draws: Lattice) -> Image:
    """Source: Mintun et al. 2021, arXiv:2102.11273, and its published code; Perlin 1985.

    Differs: a slope of length zero, once in a thousand pictures, stays zero, where the published code divides by it.
    """
    step = CELLS_ACROSS / min(image.shape[:2])
    clouds = turbulence(image.shape[0], image.shape[1], step, permutation(draws.partners), draws.slopes)
    return blend_grey(image, np.minimum(0.5 * clouds + 0.5, 1.0), level.share)

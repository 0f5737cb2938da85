"""Cells of a checkerboard cut out of the picture."""

from __future__ import annotations

import math
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from hardiness.core.benchmark import Image
from hardiness.distortions.apply import Shape, corruption
from hardiness.imaging.colour import paint_cells

GREY = 128


class Fraction(NamedTuple):
    """Fraction of the cells of one colour that are painted."""

    fraction: float


class CheckerPattern(NamedTuple):
    """Its angle in radians, the side of a cell in pixels, and which cells are painted, ``bool (n, n)``."""

    angle: float
    side: float
    painted: NDArray[np.bool_]


def draw_board(rng: np.random.Generator, shape: Shape, level: Fraction) -> CheckerPattern:
    """How the board lies, and the cells that are painted if they are of the right colour."""
    angle = rng.uniform(0.0, 2.0 * math.pi)
    side = max(1.0, rng.uniform(0.1, 0.25) * min(shape[:2]))
    cells = int(4 * max(shape[:2]) // side)
    return CheckerPattern(angle, side, rng.random((cells, cells)) < level.fraction)


@corruption(
    "occlusion",
    tuple(map(Fraction, (0.2, 0.3, 0.4, 0.5, 0.6))),
    draw_board,
    units=("of the cells of one colour",),
    summary="Some cells of a turned checkerboard painted grey.",
)
def checkerboard_cutout(image: Image, level: Fraction, draws: CheckerPattern) -> Image:
    """Source: Mintun et al. 2021, arXiv:2102.11273, and its published code."""
    turn = math.cos(draws.angle), math.sin(draws.angle)
    return paint_cells(image, turn, draws.side, draws.painted, GREY)

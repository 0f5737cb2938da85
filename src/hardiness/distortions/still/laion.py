"""Four of LAION-C's distortions, which take the picture alone: shapes, a checkerboard of light, lines and a glitch."""

from __future__ import annotations

import math
from random import Random
from typing import NamedTuple

import numpy as np
import PIL
import PIL.Image
import PIL.ImageDraw
from numpy.typing import NDArray

from hardiness.core.benchmark import Image
from hardiness.distortions.apply import Shape, corruption, no_draws

TILE_PX = 14
SHAPE_PX = (6, 15)
KINDS = ("triangle", "square", "star", "circle")
REACH_PX = 40.0
"""How far to the left a black area's line stands."""


class Count(NamedTuple):
    """Number of shapes."""

    shapes: int


class Shapes(NamedTuple):
    """Kind, x, y, size and degrees of each shape, ``(N,)``, and its colour, ``(N, 3)``."""

    kind: NDArray[np.int64]
    x: NDArray[np.int64]
    y: NDArray[np.int64]
    size: NDArray[np.int64]
    turn: NDArray[np.int64]
    colour: NDArray[np.int64]


class TileBrightness(NamedTuple):
    """By how much a tile is brighter or darker, of 255."""

    least: int
    most: int


class LineGrid(NamedTuple):
    """How many lines there are, and how many pixels apart their points are."""

    columns: int
    step: int


class GlitchAmount(NamedTuple):
    """Amount of glitch, from 0 to 10."""

    amount: int


def draw_shapes(rng: np.random.Generator, shape: Shape, level: Count) -> Shapes:
    """Kinds, places, sizes, angles and colours."""
    n, (height, width) = level.shapes, shape[:2]
    return Shapes(
        rng.integers(0, len(KINDS), n),
        rng.integers(0, width, n),
        rng.integers(0, height, n),
        rng.integers(SHAPE_PX[0], SHAPE_PX[1] + 1, n),
        rng.integers(0, 360, n),
        rng.integers(0, 256, (n, 3)),
    )


def shapes_version(pillow: str) -> int:
    """The version of ``geometric_shapes`` under a release of Pillow, which drew polygons and ellipses in three ways.

    Args:
        pillow: the release, e.g. ``"11.1.0"``: from 11.2 on 1, under 11.1 2, before it 3.
    """
    major, minor = (int(part) for part in pillow.split(".")[:2])
    return 1 if (major, minor) >= (11, 2) else 2 if (major, minor) == (11, 1) else 3


@corruption(
    "occlusion",
    tuple(map(Count, (150, 300, 600, 800, 1000))),
    draw_shapes,
    version=shapes_version(PIL.__version__),
    units=("shapes",),
    summary="Small triangles, squares, stars and circles of random colours all over the picture.",
)
def geometric_shapes(image: Image, level: Count, draws: Shapes) -> Image:
    """Source: Li et al. 2025, arXiv:2506.16950, and its published code."""
    picture = PIL.Image.fromarray(image)
    pen = PIL.ImageDraw.Draw(picture)
    for kind, x, y, size, turn, colour in zip(*(values.tolist() for values in draws), strict=True):
        fill = tuple(colour)
        if KINDS[kind] == "triangle":
            pen.polygon([(x, y), (x + size, y), (x + size / 2, y + size)], fill=fill)
        elif KINDS[kind] == "square":
            pen.rectangle([x, y, x + size, y + size], fill=fill)
        elif KINDS[kind] == "circle":
            pen.ellipse([x, y, x + size, y + size], fill=fill)
        else:
            pen.polygon(_star(x, y, size, turn), fill=fill)
    return np.array(picture)


def _star(x: int, y: int, size: int, turn: int) -> list[tuple[float, float]]:
    """Five points and the five between them, half as far out; the first in the direction of ``turn`` degrees."""
    far = size / 1.2
    angles = [math.radians(turn + 36 * point) for point in range(10)]
    radii = [far if point % 2 == 0 else far / 2 for point in range(10)]
    return [(x + r * math.sin(a), y + r * math.cos(a)) for r, a in zip(radii, angles, strict=True)]


def draw_lights(rng: np.random.Generator, shape: Shape, level: TileBrightness) -> NDArray[np.float64]:
    """The size of each tile's shift, of 255, ``float64 (rows, columns)``."""
    rows, columns = (-(-side // TILE_PX) for side in shape[:2])
    return rng.uniform(level.least, level.most, (rows, columns))


@corruption(
    "light",
    (
        TileBrightness(0, 50),
        TileBrightness(50, 100),
        TileBrightness(100, 125),
        TileBrightness(125, 150),
        TileBrightness(150, 255),
    ),
    draw_lights,
    units=("of 255", "of 255"),
    summary="Tiles of 14 pixels, in turn brighter and darker by random steps.",
)
def luminance_checkerboard(image: Image, level: TileBrightness, draws: NDArray[np.float64]) -> Image:
    """Source: Li et al. 2025, arXiv:2506.16950, and its published code.

    Differs: a tile's shift is drawn for each picture, where the published code draws it once for a batch.
    """
    rows, columns = np.indices(draws.shape)
    shifts = draws / 255.0 * np.where((rows + columns) % 2 == 0, 1.0, -1.0)
    over = shifts.repeat(TILE_PX, axis=0).repeat(TILE_PX, axis=1)[: image.shape[0], : image.shape[1], None]
    return (np.clip(image / 255.0 + over, 0.0, 1.0) * 255.0).astype(np.uint8)


@corruption(
    "digital",
    (LineGrid(224, 1), LineGrid(178, 2), LineGrid(112, 4), LineGrid(84, 6), LineGrid(60, 8)),
    no_draws,
    units=("lines", "px"),
    summary="Vertical lines in the picture's colours on black, which bend to the left where it is dark.",
)
def vertical_lines(image: Image, level: LineGrid, draws: None) -> Image:
    """Source: Li et al. 2025, arXiv:2506.16950, and its published code."""
    height, width = image.shape[:2]
    starts = [column / level.columns * width for column in range(level.columns)]
    colours, greys = _block_means(image, starts, width / level.columns, level.step)
    picture = PIL.Image.new("RGB", (width, height))
    pen = PIL.ImageDraw.Draw(picture)
    for column, x in enumerate(starts):
        before = (x, 0.0)
        for row, y in enumerate(range(0, height, level.step)):
            point = x - REACH_PX * (1.0 - greys[row][column] / 255.0), float(y)
            pen.line([before, point], fill=tuple(colours[row][column]), width=1)
            before = point
    return np.array(picture)


def _block_means(
    image: Image, starts: list[float], wide: float, step: int
) -> tuple[list[list[list[int]]], list[list[float]]]:
    """The mean colour, rounded down, and the mean grey of each block, by row and column; 0 where a block is empty."""
    height, width = image.shape[:2]
    left = np.array([int(x) for x in starts])
    right = np.array([min(int(x + wide), width) for x in starts])
    top = np.arange(0, height, step)
    bottom = np.minimum(top + step, height)
    grey = np.array(PIL.Image.fromarray(image).convert("L"))
    values = np.dstack([image, grey]).astype(np.int64)
    summed = np.zeros((height + 1, width + 1, 4), np.int64)
    summed[1:, 1:] = values.cumsum(axis=0).cumsum(axis=1)
    blocks = summed[bottom][:, right] - summed[top][:, right] - summed[bottom][:, left] + summed[top][:, left]
    sizes = np.maximum((bottom - top)[:, None] * (right - left)[None], 1)
    return (blocks[..., :3] // sizes[..., None]).tolist(), (blocks[..., 3] / sizes).tolist()


@corruption(
    "digital",
    tuple(map(GlitchAmount, (2, 4, 5, 8, 10))),
    no_draws,
    summary="Bands of rows shifted sideways, one colour moved, and every other row black.",
)
def glitched(image: Image, level: GlitchAmount, draws: None) -> Image:
    """The shifts are the same for every picture, as published: Python's generator is seeded with 1, 2, … before each.

    Source: Li et al. 2025, arXiv:2506.16950, and its published code, which calls the package glitch-this.
    """
    height, width = image.shape[:2]
    furthest = int(level.amount**2 / 100 * width)
    out = image.copy()
    for turn in range(2 * level.amount):
        random = Random(1 + turn)
        offset = random.randint(-furthest, furthest)
        if offset == 0:
            continue
        top = random.randint(0, height)
        end = top + min(random.randint(1, height // 4), height - top)
        out[top:end] = np.roll(image[top:end], offset, axis=1)
    random = Random(1)
    channel = random.randint(0, 2)
    right, down = (random.randint(-2 * level.amount, 2 * level.amount) for _ in range(2))
    shifted = np.roll(image[..., channel], down, axis=0)
    # The first row alone moves sideways, too, as it does in the package.
    shifted[down % height] = np.roll(image[0, :, channel], right)
    out[..., channel] = shifted
    out[::2] = 0
    return out

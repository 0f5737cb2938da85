"""A drawing as data: a few kinds of marks on a sheet, each in a named ink; writers turn it into SVG, PDF or pixels."""

from __future__ import annotations

import math
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from typing import Literal

Point = tuple[float, float]
Anchor = Literal["start", "middle", "end"]

PUBLISHED = "published"
"""Group of what was published: shown beside the models, and off by one click."""

TEXT_PX, SMALL_PX, SMALLEST_PX = 13.0, 11.5, 11.2
"""Sizes of letters: of text, of what stands at axes, and of the smallest, which can be read in print too."""

USUAL_PX, SMALL_MARKER_PX = 1.6, 2.8
"""Width of a model's line in a small panel, and the radius of the markers on it."""

BOLD = 0.66
"""Width of a bold letter by its size, at most."""

BAND = 0.09
"""Opacity of an interval around a line."""

MARKER_PX, LARGE_PX = 4.4, 5.3
"""Radius of markers, and of those that stand for everything."""


@dataclass(frozen=True, slots=True)
class Stroke:
    """A line through points, in px; with a ``shape``, a marker of that shape and ``radius`` stands on each of them."""

    points: tuple[Point, ...]
    ink: str
    width: float = 1.0
    opacity: float = 1.0
    tip: str = ""
    dashed: bool = False
    shape: str = ""
    radius: float = 0.0

    @property
    def symbols(self) -> tuple[Symbol, ...]:
        """The markers on its points."""
        return tuple(Symbol(self.shape, point, self.radius, self.ink) for point in self.points if self.shape)


@dataclass(frozen=True, slots=True)
class Area:
    """A filled polygon."""

    points: tuple[Point, ...]
    ink: str
    opacity: float = 1.0
    tip: str = ""


@dataclass(frozen=True, slots=True)
class Text:
    """A line of text; ``y`` is its baseline, and where it is ``turned`` it runs upwards from its place."""

    x: float
    y: float
    text: str
    ink: str = "ink"
    size: float = TEXT_PX
    anchor: Anchor = "start"
    bold: bool = False
    turned: bool = False


CELL_GAP, BASELINE = 1.0, 0.71
"""Room between cells, in px, and where their text stands, as a share of their height."""

HEAT_MOST = 0.62
"""Opacity of a cell of value 1: text stays readable on it."""


@dataclass(frozen=True, slots=True)
class Band:
    """A row of a matrix: cells from left to right, shaded by their values, each with its own in percent.

    ``None`` leaves a cell free; ``width`` and ``height`` are those of a cell.
    """

    x: float
    y: float
    width: float
    height: float
    values: tuple[float | None, ...]

    @property
    def cells(self) -> Iterator[tuple[float, float, str]]:
        """The left end of each cell with a value, its opacity, and the text on it."""
        for column, value in enumerate(self.values):
            if value is not None:
                yield self.x + column * (self.width + CELL_GAP), shade(value), f"{100 * value:.0f}"

    @property
    def baseline(self) -> float:
        """The baseline of its text."""
        return self.y + BASELINE * (self.height + CELL_GAP)


def shade(value: float) -> float:
    """The opacity of a cell of that value."""
    return HEAT_MOST * min(max(value, 0.0), 1.0)


@dataclass(frozen=True, slots=True)
class Symbol:
    """A marker of about that radius, with an outline in the colour of the paper; its shape is one of `OUTLINES`."""

    shape: str
    centre: Point
    radius: float
    ink: str
    tip: str = ""

    @property
    def points(self) -> tuple[Point, ...]:
        """Its corners."""
        x, y = self.centre
        return tuple((x + self.radius * dx, y + self.radius * dy) for dx, dy in OUTLINES[self.shape])


@dataclass(frozen=True, slots=True)
class Cloud:
    """Many round points of one width, which are drawn at once."""

    points: tuple[Point, ...]
    ink: str
    width: float


Mark = Stroke | Area | Text | Band | Symbol | Cloud


@dataclass(eq=False)
class Sheet:
    """Marks in the order of drawing, in groups; a group is a model's index, `PUBLISHED`, or nothing.

    A sheet is equal to itself alone, so that what was painted of it is found again. As a file it is ``scale`` times as
    large as its width and height in px say, letters and lines too.
    """

    width: float
    height: float = 0.0
    scale: float = 1.0
    marks: list[tuple[str, Mark]] = field(default_factory=list)

    def add(self, *marks: Mark, group: str = "") -> None:
        """Draw these on top of what is there."""
        self.marks += [(group, mark) for mark in marks]

    def grouped(self) -> Iterator[tuple[str, list[Mark]]]:
        """The marks, with those of one group that follow each other together."""
        current: list[Mark] = []
        name = ""
        for group, mark in self.marks:
            if group != name and current:
                yield name, current
                current = []
            name = group
            current.append(mark)
        if current:
            yield name, current


def text_width(text: str, size: float = TEXT_PX) -> float:
    """About how wide a text is, in px; a little more than most fonts need."""
    return 0.56 * size * len(text)


def _regular(corners: int, turn: float = 0.0, scale: float = 1.0) -> tuple[Point, ...]:
    angles = [math.tau * (k / corners + turn) - math.pi / 2 for k in range(corners)]
    return tuple((scale * math.cos(angle), scale * math.sin(angle)) for angle in angles)


def _turned(points: Sequence[Point]) -> tuple[Point, ...]:
    """The points, turned by 45 degrees."""
    half = math.sqrt(0.5)
    return tuple((half * (x - y), half * (x + y)) for x, y in points)


_PLUS = tuple(
    (1.05 * x, 1.05 * y) for x, y in ((-0.35, -1), (0.35, -1), (0.35, -0.35), (1, -0.35), (1, 0.35), (0.35, 0.35))
) + tuple(
    (1.05 * x, 1.05 * y) for x, y in ((0.35, 1), (-0.35, 1), (-0.35, 0.35), (-1, 0.35), (-1, -0.35), (-0.35, -0.35))
)

OUTLINES: dict[str, tuple[Point, ...]] = {
    "circle": _regular(16),
    "square": _regular(4, 0.125, 1.2),
    "triangle": _regular(3, 0, 1.2),
    "wedge": _regular(3, 0.5, 1.2),
    "plus": _PLUS,
    "cross": _turned(_PLUS),
    "hexagon": _regular(6, 0, 1.1),
    "pentagon": _regular(5, 0, 1.1),
    "diamond": _regular(4, 0, 1.15),
}
"""Corners of each shape about the origin, of radius about 1."""

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

TEXT_PX, SMALL_PX = 13.0, 11.5

SHAPES = ("circle", "square", "triangle", "wedge", "plus", "cross", "hexagon", "pentagon")
"""Shapes of models, so that no figure depends on colour alone."""

COLOURS = 8
"""How many colours models have before they begin again."""


@dataclass(frozen=True, slots=True)
class Stroke:
    """A line through points, in px."""

    points: tuple[Point, ...]
    ink: str
    width: float = 1.0
    opacity: float = 1.0
    tip: str = ""
    dashed: bool = False


@dataclass(frozen=True, slots=True)
class Area:
    """A filled polygon."""

    points: tuple[Point, ...]
    ink: str
    opacity: float = 1.0
    tip: str = ""


@dataclass(frozen=True, slots=True)
class Text:
    """A line of text; ``y`` is its baseline. ``cell`` names the cell of a matrix whose value it says."""

    x: float
    y: float
    text: str
    ink: str = "ink"
    size: float = TEXT_PX
    anchor: Anchor = "start"
    bold: bool = False
    cell: str = ""


@dataclass(frozen=True, slots=True)
class Cell:
    """A rectangle of a matrix, shaded by its value; ``place`` names it among the cells of its matrix."""

    x: float
    y: float
    width: float
    height: float
    value: float
    place: str
    tip: str = ""


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


Mark = Stroke | Area | Text | Cell | Symbol


@dataclass
class Sheet:
    """Marks in the order of drawing, in groups; a group is a model's index, `PUBLISHED`, or nothing."""

    width: float
    height: float = 0.0
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


def shortened(text: str, most: int) -> str:
    """The text, or its beginning and end where it has more characters than that."""
    half = max(1, (most - 1) // 2)
    return text if len(text) <= most else f"{text[: most - 1 - half]}…{text[-half:]}"


def _regular(corners: int, turn: float = 0.0, scale: float = 1.0) -> tuple[Point, ...]:
    angles = [math.tau * (k / corners + turn) - math.pi / 2 for k in range(corners)]
    return tuple((scale * math.cos(angle), scale * math.sin(angle)) for angle in angles)


def _turned(points: Sequence[Point]) -> tuple[Point, ...]:
    """By 45 degrees."""
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

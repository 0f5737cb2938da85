"""Matrices as a drawing: one a model, cells shaded by value, side by side as far as there is room."""

from __future__ import annotations

from dataclasses import dataclass, replace

from hardiness.core import Heat, Layer
from hardiness.report.figures.inks import Inks
from hardiness.report.figures.legend import heading
from hardiness.report.figures.sheet import CELL_GAP, SMALL_PX, TEXT_PX, Band, Sheet, Stroke, Text, shortened, text_width

ROW_PX, CELL_PX, GAP = 19.0, 34.0, 22.0
HEAD_PX = 38.0
NAME_PX = 150.0
"""What a name above a matrix of few columns may take."""

LONGEST_HEAD = 18


@dataclass(frozen=True, slots=True)
class MatrixFrame:
    """Where a matrix stands, how wide its cells are, and how wide the name above it may be."""

    left: float
    top: float
    cell: float
    wide: float


def draw_heat(heat: Heat, width: float, inks: Inks, titled: bool) -> Sheet:
    """The figure of some matrices, that wide in px."""
    sheet = Sheet(width)
    top = heading(sheet, heat.title) if titled else 0.0
    names = [name if name in inks.models else name.replace("_", " ") for name in heat.rows]
    left = max(text_width(name, 12.0) for name in (*names, heat.corner)) + 8
    left = min(left, 0.45 * width)
    heads = [shortened(head, LONGEST_HEAD) for head in heat.heads]
    heat = replace(heat, heads=tuple(heads))
    cell = max(CELL_PX, max(text_width(head, SMALL_PX) for head in heads) + 6)
    cell = min(cell, (width - left) / max(1, len(heat.heads)))
    longest = max((text_width(layer.name, 14.0) for layer in heat.layers), default=0.0) + 24
    wide = max(cell * len(heat.heads), min(longest, NAME_PX, width - left))
    columns = max(1, min(len(heat.layers), int((width - left + GAP) // (wide + GAP))))
    high = HEAD_PX + ROW_PX * len(heat.rows) + 22
    for index, layer in enumerate(heat.layers):
        row, column = divmod(index, columns)
        place = MatrixFrame(left + column * (wide + GAP), top + row * high, cell, wide)
        if column == 0:
            _rows(sheet, heat, names, place)
        _matrix(sheet, heat, layer, place, inks)
    sheet.height = top + high * -(-len(heat.layers) // columns)
    return sheet


def _rows(sheet: Sheet, heat: Heat, names: list[str], place: MatrixFrame) -> None:
    sheet.add(Text(0, place.top + 32, heat.corner, "faint", SMALL_PX))
    for row, name in enumerate(names):
        fits = int((place.left - 8) / (0.56 * 12))
        y = place.top + HEAD_PX + ROW_PX * (row + 0.5) + 4
        sheet.add(Text(place.left - 8, y, shortened(name, fits), size=12, anchor="end"))


def _matrix(sheet: Sheet, heat: Heat, layer: Layer, place: MatrixFrame, inks: Inks) -> None:
    known = layer.name in inks.models
    group = inks.group(layer.name) if known else ""
    fits = int(place.wide / (0.56 * TEXT_PX)) - 2
    if known:
        sheet.add(inks.marker(layer.name, (place.left + 6, place.top + 9), 5), group=group)
    left, shown = place.left + (16 if known else 0), shortened(layer.name, max(fits, 6))
    sheet.add(Text(left, place.top + 14, shown, bold=True, size=12), group=group)
    for column, head in enumerate(heat.heads):
        x = place.left + place.cell * (column + 0.5)
        sheet.add(Text(x, place.top + 32, head, "faint", SMALL_PX, "middle"), group=group)
    for row, values in enumerate(layer.values):
        y = place.top + HEAD_PX + ROW_PX * row
        sheet.add(Band(place.left, y, place.cell - CELL_GAP, ROW_PX - CELL_GAP, tuple(values)), group=group)
    bottom = place.top + HEAD_PX - 2
    sheet.add(Stroke(((place.left, bottom), (place.left + place.cell * len(heat.heads), bottom)), "line"))

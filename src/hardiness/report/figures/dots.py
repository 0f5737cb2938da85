"""Dots as a drawing: a row for each thing, a marker for each model, people in red, published ones as grey strokes."""

from __future__ import annotations

from dataclasses import dataclass

from hardiness.core import Dots, Observer, People, Score
from hardiness.report.figures.inks import Inks
from hardiness.report.figures.legend import heading, legend
from hardiness.report.figures.sheet import (
    BOLD,
    LARGE_PX,
    MARKER_PX,
    PUBLISHED,
    SMALL_PX,
    Area,
    Sheet,
    Stroke,
    Symbol,
    Text,
    shortened,
)

MODEL_PX, ROW_PX = 8.5, 22.0
"""Height of a model's part of a row, and of a row at least: equal values lie one below the other."""


SMALLEST_PX = 9.5
"""Size of the names of rows at least; longer names are shortened."""


@dataclass(frozen=True)
class Rows:
    """Where rows and values stand."""

    dots: Dots
    left: float
    right: float
    top: float
    pitch: float

    def x(self, share: float) -> float:
        """A share, in px."""
        return self.left + (self.right - self.left) * min(max(share / self.dots.limit, 0.0), 1.0)

    @property
    def overall(self) -> float:
        """The middle of the row that stands for everything, higher than the others."""
        return self.top + 0.75 * self.pitch

    def y(self, row: int) -> float:
        """The middle of a row."""
        return self.top + (row + 2.0) * self.pitch

    def shift(self, index: int) -> float:
        """How far the model at that place stands from the middle."""
        count = len(self.dots.observers)
        return 0.84 * self.pitch * ((index + 0.5) / count - 0.5)


def draw_dots(dots: Dots, width: float, inks: Inks, titled: bool) -> Sheet:
    """The figure of some dots, that wide in px; the row that stands for everything is set apart on top."""
    sheet = Sheet(width)
    top = heading(sheet, dots.title) if titled else 0.0
    beside = [("people", "people")] if dots.people else []
    if dots.published:
        count = len(dots.published)
        beside.append((PUBLISHED, f"published: {count} models" if count > 1 else "published: one model"))
    top = legend(sheet, top, [each.name for each in dots.observers], inks, beside)
    top += 20 if any(dots.ends) else 4
    widths = (BOLD * len(dots.all_rows), *(0.56 * len(row) for row in dots.rows))
    left = min(12.5 * max(widths) + 14, 0.36 * width)
    rows = Rows(dots, left, width - 30, top, max(ROW_PX, MODEL_PX * len(dots.observers)))
    bottom = rows.y(len(dots.rows)) - 0.5 * rows.pitch
    _frame(sheet, rows, bottom)
    for observer in dots.published:
        _published(sheet, rows, observer)
    for index, observer in enumerate(dots.observers):
        _observer(sheet, rows, observer, index, inks)
    if dots.people:
        _people(sheet, rows, dots.people, bottom)
    sheet.add(Text((left + width - 30) / 2, bottom + 38, dots.label, "faint", SMALL_PX, "middle"))
    sheet.height = bottom + 46
    return sheet


def _frame(sheet: Sheet, rows: Rows, bottom: float) -> None:
    dots, pitch = rows.dots, rows.pitch
    middles = [rows.overall, *(rows.y(row) for row in range(len(dots.rows)))]
    for row, (y, name) in enumerate(zip(middles, (dots.all_rows, *dots.rows), strict=True)):
        if row % 2 == 0:
            half = 0.75 * pitch if row == 0 else 0.5 * pitch
            corners = ((0, y - half), (sheet.width, y - half), (sheet.width, y + half), (0, y + half))
            sheet.add(Area(corners, "line", 0.75 if row == 0 else 0.35))
        letter = BOLD if row == 0 else 0.56
        size = max(SMALLEST_PX, min(12.5, (rows.left - 10) / (letter * max(1, len(name)))))
        said = shortened(name.replace("_", " "), int((rows.left - 10) / (letter * size)))
        sheet.add(Text(rows.left - 10, y + 4, said, size=size, anchor="end", bold=row == 0))
    for quarter in range(5):
        x = rows.x(dots.limit * quarter / 4)
        sheet.add(Stroke(((x, rows.top), (x, bottom)), "line"))
        value = dots.limit * quarter / 4
        label = f"{100 * value:.3g}" + (" %" if quarter == 4 else "") if dots.percent else f"{value:.3g}"
        sheet.add(Text(x, bottom + 18, label, "faint", SMALL_PX, "middle"))
    if any(dots.ends):
        narrow = sheet.width < 500
        sheet.add(Text(0 if narrow else rows.left, rows.top - 7, dots.ends[0], "faint", SMALL_PX))
        sheet.add(Text(rows.right, rows.top - 7, dots.ends[1], "faint", SMALL_PX, "end"))


def _observer(sheet: Sheet, rows: Rows, each: Observer, index: int, inks: Inks) -> None:
    group, shift = inks.group(each.name), rows.shift(index)
    for row, name in enumerate(rows.dots.rows):
        if (score := each.by_row.get(name)) is not None and score.value is not None:
            place = rows.x(score.value), rows.y(row) + shift
            if rows.dots.bars and score.interval:
                ends = ((rows.x(score.interval.low), place[1]), (rows.x(score.interval.high), place[1]))
                sheet.add(Stroke(ends, inks.ink(each.name), 1.6), group=group)
            tip = f"{each.name}: {_said(score, rows.dots.percent)}"
            sheet.add(inks.marker(each.name, place, MARKER_PX, tip), group=group)
    if each.overall is None or each.overall.value is None:
        return
    y = rows.overall + 1.3 * shift
    if each.overall.interval:
        ends = ((rows.x(each.overall.interval.low), y), (rows.x(each.overall.interval.high), y))
        sheet.add(Stroke(ends, inks.ink(each.name), 2.2), group=group)
    place = rows.x(each.overall.value), y
    sheet.add(
        inks.marker(each.name, place, LARGE_PX, f"{each.name}: {_said(each.overall, rows.dots.percent)}"), group=group
    )


def _published(sheet: Sheet, rows: Rows, each: Observer) -> None:
    half = 0.38 * rows.pitch
    places = [(rows.y(row), each.by_row.get(name), name) for row, name in enumerate(rows.dots.rows)]
    for y, score, name in [(rows.overall, each.overall, rows.dots.all_rows), *places]:
        if score is not None and score.value is not None:
            x = rows.x(score.value)
            tip = f"{each.name}, published, {name}: {_said(score, rows.dots.percent)}"
            sheet.add(Stroke(((x, y - half), (x, y + half)), "published", 1.6, tip=tip), group=PUBLISHED)


def _people(sheet: Sheet, rows: Rows, people: People, bottom: float) -> None:
    x = rows.x(people.overall)
    sheet.add(Stroke(((x, rows.top), (x, bottom)), "people", 1.0, 0.5))
    for share in people.each:
        at = rows.x(share)
        sheet.add(Stroke(((at, rows.overall - 9), (at, rows.overall + 9)), "people", 1.0, 0.6))
    for row, name in enumerate(rows.dots.rows):
        if name in people.by_row:
            tip = f"people, {name}: {100 * people.by_row[name]:.1f} %"
            sheet.add(Symbol("diamond", (rows.x(people.by_row[name]), rows.y(row)), 5, "people", tip))
    sheet.add(Symbol("diamond", (x, rows.overall), 6, "people", f"people: {100 * people.overall:.1f} %"))


def _said(score: Score, percent: bool = True) -> str:
    assert score.value is not None
    scale, digits, sign = (100, 1, " %") if percent else (1, 2, "")
    bounds = (score.interval.low, score.interval.high) if score.interval else ()
    interval = f" ({'–'.join(f'{scale * bound:.{digits}f}' for bound in bounds)})" if bounds else ""
    return f"{scale * score.value:.{digits}f}{sign}{interval}"

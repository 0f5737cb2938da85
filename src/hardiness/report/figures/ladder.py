"""A ladder as a drawing: a row for each model, the best on top; measured ones in colour, published ones in grey."""

from __future__ import annotations

import math
from dataclasses import dataclass

from hardiness.core import Ladder, Rung
from hardiness.report import format as formatting
from hardiness.report.figures.inks import Inks
from hardiness.report.figures.legend import heading
from hardiness.report.figures.sheet import LARGE_PX, PUBLISHED, SMALL_PX, Area, Mark, Sheet, Stroke, Text, shortened

ROW_PX, NAME_PX, VALUE_PX = 20.0, SMALL_PX, 52.0
"""Height of a row, size of names, and room for values at the right."""

LIMITS = (0.2, 0.4, 0.6, 0.8, 1.0, 1.2, 1.6, 2.0)
"""Ends of the axis that can be cut in four round parts."""

LETTER = 0.68
"""Width of a letter of a name by its size, at most."""


@dataclass(frozen=True, slots=True)
class ValueAxis:
    """From values to places on the sheet."""

    left: float
    right: float
    limit: float

    def x(self, value: float) -> float:
        """A value, in px."""
        return self.left + (self.right - self.left) * min(max(value / self.limit, 0.0), 1.0)


def draw_ladder(ladder: Ladder, width: float, inks: Inks, titled: bool) -> Sheet:
    """The figure of a ladder, that wide in px."""
    sheet = Sheet(width)
    top = (heading(sheet, ladder.title) if titled else 0.0) + 4
    named = LETTER * NAME_PX * max(len(rung.name) for rung in ladder.rungs) + 24
    scale = ValueAxis(min(named, 0.46 * width), width - VALUE_PX, _limit(ladder))
    bottom = top + ROW_PX * len(ladder.rungs)
    ticks = 4 if scale.right - scale.left > 300 else 2
    for tick in range(ticks + 1):
        value = scale.limit * tick / ticks
        x = scale.x(value)
        sheet.add(Stroke(((x, top), (x, bottom)), "line"))
        sign = " %" if tick == ticks else ""
        sheet.add(Text(x, bottom + 16, f"{100 * value:.3g}{sign}", "faint", SMALL_PX, "middle"))
    sheet.add(Text((scale.left + scale.right) / 2, bottom + 34, ladder.label, "faint", SMALL_PX, "middle"))
    for place, rung in enumerate(ladder.rungs):
        y = top + ROW_PX * (place + 0.5)
        if rung.published:
            sheet.add(*_published(rung, scale, y), group=PUBLISHED)
        else:
            sheet.add(*_measured(rung, scale, y, inks), group=inks.group(rung.name))
    sheet.height = bottom + 42
    return sheet


def _limit(ladder: Ladder) -> float:
    """Where the axis ends: the first of some round numbers above every value and interval."""
    ends = [rung.score.interval.high if rung.score.interval else _value(rung) for rung in ladder.rungs]
    return next((limit for limit in LIMITS if limit >= max(ends)), math.ceil(max(ends)))


def _published(rung: Rung, scale: ValueAxis, y: float) -> list[Mark]:
    x = scale.x(_value(rung))
    return [
        _name(rung, scale, y, "faint"),
        Stroke(((scale.left, y), (x, y)), "line", 2.0),
        Stroke(((x, y - 6), (x, y + 6)), "published", 2.2),
        Text(scale.right + 10, y + 4, _said(rung), "faint", NAME_PX),
    ]


def _measured(rung: Rung, scale: ValueAxis, y: float, inks: Inks) -> list[Mark]:
    x, half, end = scale.x(_value(rung)), ROW_PX / 2 - 1, scale.right + VALUE_PX
    band = Area(((0, y - half), (end, y - half), (end, y + half), (0, y + half)), inks.ink(rung.name), 0.12)
    found: list[Mark] = [band, _name(rung, scale, y, "ink", bold=True)]
    if rung.score.interval:
        ends = ((scale.x(rung.score.interval.low), y), (scale.x(rung.score.interval.high), y))
        found.append(Stroke(ends, inks.ink(rung.name), 2.4))
    value = Text(scale.right + 10, y + 4, _said(rung), size=NAME_PX, bold=True)
    return [*found, inks.marker(rung.name, (x, y), LARGE_PX), value]


def _name(rung: Rung, scale: ValueAxis, y: float, ink: str, bold: bool = False) -> Text:
    fits = int((scale.left - 14) / (LETTER * NAME_PX))
    return Text(scale.left - 10, y + 4, shortened(rung.name, fits), ink, NAME_PX, "end", bold)


def _said(rung: Rung) -> str:
    return formatting.number(_value(rung), rung.score.unit)


def _value(rung: Rung) -> float:
    assert rung.score.value is not None
    return rung.score.value

"""The lines above a figure: its heading on paper, and which marker is which model."""

from __future__ import annotations

import textwrap
from collections.abc import Sequence

from hardiness.report.figures.inks import Inks
from hardiness.report.figures.sheet import (
    MARKER_PX,
    PUBLISHED,
    SMALL_PX,
    Mark,
    Sheet,
    Stroke,
    Symbol,
    Text,
    shortened,
    text_width,
)

LINE_PX, HEADING_PX, GAP_PX = 21.0, 16.0, 26.0
LONGEST = 44


def heading(sheet: Sheet, text: str) -> float:
    """Write a heading at the top of the sheet; how much of its height that takes."""
    lines = textwrap.wrap(text, max(12, int(sheet.width / (0.56 * HEADING_PX))))
    for line, part in enumerate(lines):
        sheet.add(Text(0, HEADING_PX + 21 * line, part, size=HEADING_PX, bold=True))
    return 21 * len(lines) + 8


Beside = Sequence[tuple[str, str]]
"""Kind and name of what is no model."""


def legend(sheet: Sheet, top: float, models: Sequence[str], inks: Inks, beside: Beside = ()) -> float:
    """Write the legend, in as many lines as it takes; where it ends.

    Args:
        sheet: to write on.
        top: where to begin.
        models: in order.
        inks: of the models.
        beside: others: kind (``"people"``, ``"published"`` or ``"perfect"``) and name.
    """
    x, y = 0.0, top
    entries = [(model, "") for model in models] + [(name, kind) for kind, name in beside]
    for name, kind in entries:
        shown = shortened(name, LONGEST)
        width = GAP_PX + text_width(shown, SMALL_PX)
        if x and x + width > sheet.width:
            x, y = 0.0, y + LINE_PX
        key, group = _key(name, kind, inks, x, y)
        sheet.add(*key, Text(x + 20, y + 14, shown, size=SMALL_PX), group=group)
        x += width + 12
    return y + LINE_PX + 6


def _key(name: str, kind: str, inks: Inks, x: float, y: float) -> tuple[list[Mark], str]:
    if kind == "people":
        return [Symbol("diamond", (x + 8, y + 10), 5, "people")], ""
    if kind:
        ink = "published" if kind == PUBLISHED else "faint"
        line = Stroke(((x, y + 10), (x + 16, y + 10)), ink, 1.2, dashed=kind != PUBLISHED)
        return [line], PUBLISHED if kind == PUBLISHED else ""
    return [
        Stroke(((x, y + 10), (x + 16, y + 10)), inks.ink(name), 1.8),
        inks.marker(name, (x + 8, y + 10), MARKER_PX),
    ], inks.group(name)

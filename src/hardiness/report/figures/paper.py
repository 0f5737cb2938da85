"""Drawings at the size of a paper: as wide as one column or two of a page of A4, and never higher than its text."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import replace
from typing import TypeVar

from hardiness.report.charts import Chart, Curves, Dots, Heat, Ladder
from hardiness.report.figures.charts import draw
from hardiness.report.figures.inks import Inks
from hardiness.report.figures.sheet import Sheet

COLUMN_CM, PAGE_CM, TEXT_CM = 8.6, 17.4, 22.0
"""Widths of one column and of two of a page of A4, and the height of its text, less some lines for a caption."""

SCALE = 0.82
"""Size of a px of a drawing in a paper, where 96 are an inch on a page: the smallest letters then have 6 points."""

PX_PER_CM = 96 / 2.54


def paper_sheets(chart: Chart, width_cm: float, inks: Inks, titled: bool = True) -> list[Sheet]:
    """The drawings of a chart for a paper: one, or as many as it takes for none to be higher than the text of a page.

    Args:
        chart: what to draw.
        width_cm: `COLUMN_CM` or `PAGE_CM`.
        inks: of the models.
        titled: whether its heading is drawn too; a paper says it in the caption.
    """
    width, most = (cm * PX_PER_CM / SCALE for cm in (width_cm, TEXT_CM))
    sheets: list[Sheet] = []
    for count in range(1, _length(chart) + 1):
        sheets = [draw(part, width, inks, titled, most) for part in _parts(chart, count)]
        if all(sheet.height <= most for sheet in sheets):
            break
    for sheet in sheets:
        sheet.scale = SCALE
    return sheets


def _length(chart: Chart) -> int:
    """How many drawings a chart can be cut into."""
    if isinstance(chart, Curves):
        return len(chart.panels)
    if isinstance(chart, Dots):
        return max(1, len(chart.rows))
    if isinstance(chart, Ladder):
        return len(chart.rungs)
    if isinstance(chart, Heat):
        return len(chart.layers) * len(chart.rows)
    return 1


def _parts(chart: Chart, count: int) -> list[Chart]:
    """The chart cut into that many of its kind: by panels, rows, rungs or matrices, then by rows of these."""
    if count == 1:
        return [chart]
    charts: list[Chart] = []
    if isinstance(chart, Curves):
        charts = [replace(chart, panels=panels) for panels in _cut(chart.panels, count)]
    elif isinstance(chart, Dots):
        charts = [replace(chart, rows=rows) for rows in _cut(chart.rows, count)]
    elif isinstance(chart, Ladder):
        charts = [replace(chart, rungs=rungs) for rungs in _cut(chart.rungs, count)]
    elif isinstance(chart, Heat):
        for layers in _cut(chart.layers, min(count, len(chart.layers))):
            bands = _cut(range(len(chart.rows)), max(1, count // len(chart.layers)))
            charts += [_of_rows(replace(chart, layers=layers), band) for band in bands]
    return [_numbered(each, place, len(charts)) for place, each in enumerate(charts, 1)]


Part = TypeVar("Part")


def _cut(items: Sequence[Part], count: int) -> list[tuple[Part, ...]]:
    """The items in their order, in at most that many groups that are as large as each other, or nearly."""
    size = math.ceil(len(items) / count)
    return [tuple(items[start : start + size]) for start in range(0, len(items), size)]


def _of_rows(heat: Heat, rows: Sequence[int]) -> Heat:
    """The matrices with those of their rows."""
    layers = tuple(replace(each, values=tuple(each.values[row] for row in rows)) for each in heat.layers)
    return replace(heat, rows=tuple(heat.rows[row] for row in rows), layers=layers)


def _numbered(chart: Chart, place: int, count: int) -> Chart:
    """The chart with its place among its parts behind its heading."""
    end = f" ({place} of {count})"
    return (
        replace(chart, heading=chart.heading + end)
        if isinstance(chart, Curves)
        else replace(chart, title=chart.title + end)
    )

"""Charts as drawings: one module for each kind of chart, one for each form they are written in."""

from hardiness.core import Chart, Curves, Dots, Ladder, Scatter
from hardiness.report.figures.charts import (
    caption_of,
    draw_curves,
    draw_dots,
    draw_heat,
    draw_ladder,
    draw_scatter,
    without_twice,
)
from hardiness.report.figures.sheet import Inks, Sheet
from hardiness.report.figures.writers import document, icon, inline, pdf, png, rules, symbols

WIDE_PX, NARROW_PX, PAPER_PX = 1000, 350, 680
"""Widths of a drawing: on a page, on a phone, and in a paper."""

__all__ = [
    "NARROW_PX",
    "PAPER_PX",
    "WIDE_PX",
    "Inks",
    "Sheet",
    "caption_of",
    "document",
    "draw",
    "icon",
    "inline",
    "pdf",
    "png",
    "rules",
    "symbols",
]


def draw(chart: Chart, width: float, inks: Inks, titled: bool = False) -> Sheet:
    """The drawing of a chart, that wide in px; the same chart always gives the same marks.

    Args:
        chart: what to draw.
        width: in px, 96 an inch.
        inks: of the models; every model of the chart is among them.
        titled: whether the chart's heading is drawn too, because it is to stand alone.
    """
    chart = without_twice(chart)
    if isinstance(chart, Dots):
        return draw_dots(chart, width, inks, titled)
    if isinstance(chart, Curves):
        return draw_curves(chart, width, inks, titled)
    if isinstance(chart, Ladder):
        return draw_ladder(chart, width, inks, titled)
    if isinstance(chart, Scatter):
        return draw_scatter(chart, width, inks, titled)
    return draw_heat(chart, width, inks, titled)

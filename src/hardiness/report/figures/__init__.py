"""Charts as drawings: one module for each kind of chart, one for each form they are written in."""

from hardiness.report.figures.charts import caption_of, draw
from hardiness.report.figures.inks import Inks
from hardiness.report.figures.sheet import Sheet
from hardiness.report.figures.writers import document, icon, inline, pdf, png, rules, symbols

WIDE_PX, NARROW_PX = 1000, 350
"""Widths of a drawing on a page, and on a phone; `figures.paper` has those of a paper."""

__all__ = [
    "NARROW_PX",
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

"""From a function that paints to a figure: one style, the same bytes for the same results."""

from __future__ import annotations

import hashlib
import io
import re
from collections.abc import Callable
from typing import TYPE_CHECKING

from hardiness.report.figures.figure import Figure

if TYPE_CHECKING:
    from matplotlib.figure import Figure as Sheet

INK, FAINT, LINE, PAPER = "#1c2127", "#5f6b7a", "#e3e7ec", "#ffffff"
"""Text, secondary text, grid and background, as on the page."""

HUMAN = "#d62839"
"""The red of human observers; no model has it."""

PALETTE = ("#0072b2", "#e69f00", "#009e73", "#7b4fa3", "#56b4e9", "#8c6d31", "#4d4d4d", "#cc79a7")
"""Colours of models, in the order of the table; told apart by colour-blind readers (after Okabe & Ito 2008)."""

MARKERS = ("o", "s", "^", "v", "P", "X", "h", "p")
"""Shapes of models, so that no figure depends on colour alone."""

DPI, MARGIN_IN = 200, 0.12

_STYLE = {
    "font.family": "DejaVu Sans",  # comes with matplotlib: the same figure on every machine
    "font.size": 9.5,
    "text.color": INK,
    "axes.edgecolor": LINE,
    "axes.facecolor": "none",
    "axes.labelcolor": FAINT,
    "axes.axisbelow": True,
    "axes.spines.top": False,
    "axes.spines.right": False,
    "figure.facecolor": PAPER,
    "grid.color": LINE,
    "grid.linewidth": 0.8,
    "legend.frameon": False,
    "xtick.color": FAINT,
    "ytick.color": FAINT,
    "xtick.labelcolor": FAINT,
    "ytick.labelcolor": INK,
    "svg.fonttype": "path",
}

_PAGE_COLOURS = {INK: "--ink", FAINT: "--faint", LINE: "--line", PAPER: "--paper"}


def drawn(name: str, title: str, caption: str, size_in: tuple[float, float], paint: Callable[[Sheet], None]) -> Figure:
    """The figure that ``paint`` puts on a sheet of that size in inches.

    Args:
        name, title, caption: as in `Figure`; the title is to be painted too.
        size_in: width and height.
        paint: adds axes and artists to an empty matplotlib figure with constrained layout.
    """
    import matplotlib
    from matplotlib.figure import Figure as Sheet
    from matplotlib.layout_engine import ConstrainedLayoutEngine

    with matplotlib.rc_context({**_STYLE, "svg.hashsalt": name}):
        sheet = Sheet(figsize=size_in, layout=ConstrainedLayoutEngine(w_pad=MARGIN_IN, h_pad=MARGIN_IN))
        paint(sheet)
        text, pixels = io.StringIO(), io.BytesIO()
        no_dates = dict.fromkeys(("Creator", "Date", "Format", "Type"))
        sheet.savefig(text, format="svg", metadata=no_dates)
        sheet.savefig(pixels, format="png", dpi=DPI, metadata={"Software": None})
    svg = text.getvalue()
    return Figure(name, title, caption, svg, _inline(svg), pixels.getvalue())


def colour(index: int) -> str:
    """The colour of the model at that place of the table."""
    return PALETTE[index % len(PALETTE)]


def marker(index: int) -> str:
    """The shape of the model at that place of the table; it changes when the colours begin again."""
    return MARKERS[(index + index // len(PALETTE)) % len(MARKERS)]


def _inline(svg: str) -> str:
    """The drawing for an HTML body: page colours by CSS, no namespaces, and ids that no other figure has."""
    start = svg.index("<svg")
    end = svg.index(">", start)
    tag = re.sub(r'\s(?:xmlns(?::\w+)?|width|height|version)="[^"]*"', "", svg[start:end])
    body = re.sub(r"<style.*?</style>", "", svg[end:], flags=re.DOTALL)  # it would style the whole page
    for written, variable in _PAGE_COLOURS.items():
        body = re.sub(written, f"var({variable}, {written})", body, flags=re.IGNORECASE)
    own = f"f{hashlib.sha256(svg.encode()).hexdigest()[:8]}-"
    body = (
        body.replace(' id="', f' id="{own}').replace('xlink:href="#', f'href="#{own}').replace("url(#", f"url(#{own}")
    )
    return tag + body

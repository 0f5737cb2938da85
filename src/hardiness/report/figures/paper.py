"""A sheet as PDF and PNG, through matplotlib: for papers and slides."""

from __future__ import annotations

import atexit
import io
import shutil
import tempfile
from functools import cache
from pathlib import Path
from typing import TYPE_CHECKING, Any

from hardiness.report.figures.inks import INKS
from hardiness.report.figures.sheet import SMALL_PX, Area, Band, Mark, Sheet, Stroke, Symbol, Text

if TYPE_CHECKING:
    from matplotlib.figure import Figure as Canvas

PX_PER_INCH, DPI = 96, 200
POINTS_PER_PX = 72 / PX_PER_INCH

_ALIGNED = {"start": "left", "middle": "center", "end": "right"}
_STYLE = {"font.family": "DejaVu Sans", "pdf.fonttype": 42, "text.parse_math": False, "text.usetex": False}
NARROWER = 0.88
"""DejaVu Sans, which comes with matplotlib, is wider than the fonts of pages: its text is set smaller by this."""


_DRAWN = ((0x20, 0x24F), (0x370, 0x3FF), (0x400, 0x52F), (0x2000, 0x22FF), (0x25A0, 0x25FF))
"""Letters of Latin, Greek and Cyrillic, punctuation, arrows, signs of mathematics and shapes."""


def pdf(sheet: Sheet) -> bytes:
    """The drawing as a PDF page of its size, text as text; the same sheet gives the same bytes."""
    return _saved(sheet, "pdf", {"CreationDate": None, "Creator": None, "Producer": None})


def png(sheet: Sheet) -> bytes:
    """The drawing in pixels, 200 an inch."""
    return _saved(sheet, "png", {"Software": None})


def _saved(sheet: Sheet, kind: str, metadata: dict[str, Any]) -> bytes:
    import matplotlib
    from matplotlib.figure import Figure as Canvas

    with matplotlib.rc_context(_STYLE):
        canvas = Canvas(figsize=(sheet.width / PX_PER_INCH, sheet.height / PX_PER_INCH), facecolor=INKS["paper"])
        _paint(canvas, sheet)
        content = io.BytesIO()
        canvas.savefig(content, format=kind, dpi=DPI, metadata=metadata)
    return content.getvalue()


def _paint(canvas: Canvas, sheet: Sheet) -> None:
    axes = canvas.add_axes((0, 0, 1, 1))
    axes.set(xlim=(0, sheet.width), ylim=(sheet.height, 0))
    axes.set_axis_off()
    for order, (_, mark) in enumerate(sheet.marks):
        _add(axes, mark, order)


def _add(axes: Any, mark: Mark, order: int) -> None:
    from matplotlib.lines import Line2D
    from matplotlib.patches import Polygon, Rectangle

    if isinstance(mark, Stroke):
        x, y = zip(*mark.points, strict=True)
        style: dict[str, Any] = {
            "color": INKS[mark.ink],
            "alpha": mark.opacity,
            "linestyle": "--" if mark.dashed else "-",
        }
        # As an artist: `plot` and `add_patch` look for the limits of the axes anew each time.
        axes.add_artist(Line2D(x, y, linewidth=mark.width * POINTS_PER_PX, zorder=order, clip_on=False, **style))
        for symbol in mark.symbols:
            _add(axes, symbol, order)
    elif isinstance(mark, Symbol):
        outlined = {"facecolor": INKS[mark.ink], "edgecolor": INKS["paper"], "linewidth": 0.5}
        axes.add_artist(Polygon(mark.points, closed=True, zorder=order, clip_on=False, **outlined))
    elif isinstance(mark, Area):
        filled = {"facecolor": INKS[mark.ink], "alpha": mark.opacity, "linewidth": 0}
        axes.add_artist(Polygon(mark.points, closed=True, zorder=order, clip_on=False, **filled))
    elif isinstance(mark, Band):
        for left, opacity, text in mark.cells:
            shade: dict[str, Any] = {"facecolor": INKS["heat"], "alpha": opacity, "linewidth": 0}
            axes.add_artist(Rectangle((left, mark.y), mark.width, mark.height, zorder=order, **shade))
            middle = left + mark.width / 2
            _add(axes, Text(middle, mark.baseline, text, size=SMALL_PX, anchor="middle"), order)
    else:
        size = {"fontsize": mark.size * POINTS_PER_PX * NARROWER, "fontweight": "bold" if mark.bold else "normal"}
        place = {"ha": _ALIGNED[mark.anchor], "va": "baseline", "color": INKS[mark.ink], "zorder": order}
        printable = "".join(character for character in mark.text if character.isprintable())
        font = _font(mark.bold) if all(any(a <= ord(each) <= b for a, b in _DRAWN) for each in printable) else None
        axes.text(mark.x, mark.y, printable, font=font, **size, **place)


@cache
def _font(bold: bool) -> Path:
    """A font file of the letters that figures are drawn with, cut once out of DejaVu Sans.

    A PDF holds the letters that it shows. For each one matplotlib would cut them out of the whole font, whose tables of
    scripts that no figure has take half a second to go through.
    """
    from fontTools import subset
    from matplotlib.font_manager import FontProperties, findfont

    whole = findfont(FontProperties(family="DejaVu Sans", weight="bold" if bold else "normal"))
    options = subset.Options(layout_features=[], legacy_kern=True, notdef_outline=True, drop_tables=["FFTM"])
    cut, file = subset.Subsetter(options), _folder() / ("bold.ttf" if bold else "plain.ttf")
    cut.populate(unicodes=[code for first, last in _DRAWN for code in range(first, last + 1)])
    with subset.load_font(whole, options) as font:
        cut.subset(font)
        subset.save_font(font, str(file), options)
    return file


@cache
def _folder() -> Path:
    """A folder that goes with the process."""
    folder = Path(tempfile.mkdtemp(prefix="hardiness-fonts-"))
    atexit.register(shutil.rmtree, folder, ignore_errors=True)
    return folder

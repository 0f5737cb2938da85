"""A sheet written as SVG in a page or alone, as PDF and as PNG."""

from __future__ import annotations

import atexit
import io
import shutil
import tempfile
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from functools import cache, lru_cache
from html import escape
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np

from hardiness.imaging import codecs
from hardiness.report.figures.inks import INKS, MODEL_COLOURS, Inks
from hardiness.report.figures.sheet import (
    BAND,
    LARGE_PX,
    MARKER_PX,
    OUTLINES,
    SMALL_MARKER_PX,
    SMALL_PX,
    USUAL_PX,
    Area,
    Band,
    Cloud,
    Mark,
    Point,
    Sheet,
    Stroke,
    Symbol,
    Text,
)

if TYPE_CHECKING:
    from matplotlib.artist import Artist
    from matplotlib.figure import Figure as Canvas


FONT = "system-ui, Helvetica, Arial, sans-serif"

SHAPE_MOST = 2.0
"""Coordinates below are those of shapes, which are drawn larger."""


def tipped(tag: str, attributes: str, tip: str) -> str:
    """An element that says something to a pointer, where there is something to say."""
    return f"<{tag} {attributes}><title>{plain(tip)}</title></{tag}>" if tip else f"<{tag} {attributes}/>"


def turn(mark: Text) -> str:
    """The attribute that turns a text upwards about its place; nothing for a level one."""
    return f' transform="rotate(-90 {number(mark.x)} {number(mark.y)})"' if mark.turned else ""


def plain(text: str) -> str:
    """Escaped, without what XML cannot hold."""
    return escape("".join(character for character in text if character.isprintable()))


def corners(points: Iterable[tuple[float, float]]) -> str:
    """Points as an attribute has them."""
    return " ".join(f"{number(x)},{number(y)}" for x, y in points)


def number(value: float) -> str:
    """With one digit behind the point, or none where that is 0; of a shape of radius 1 with three."""
    return f"{value:.3g}" if abs(value) < SHAPE_MOST else f"{value:.1f}".removesuffix(".0")


def opaque(name: str, opacity: float) -> str:
    """The attribute of an opacity; nothing for 1."""
    return "" if opacity == 1 else f' {name}="{opacity:g}"'


MARKERS = {MARKER_PX: "u", LARGE_PX: "v"}
"""Names of a model's markers in a page, before its number, by radius."""

ICON_PX = 14
"""Side of a marker beside a name."""


@dataclass(frozen=True, slots=True)
class Style:
    """How the marks of one group are written: its name, where, and whether they say something to a pointer.

    A page has rules, which spare most marks their colours, and a marker drawn once is used again. A file needs neither,
    so that programs open it that know no style sheets.
    """

    group: str
    in_page: bool
    tips: bool

    @property
    def ink(self) -> str:
        """The ink that the page's rules give its marks; empty where they give none."""
        return f"m{int(self.group) % len(MODEL_COLOURS)}" if self.in_page and self.group.isdigit() else ""

    @property
    def width(self) -> float:
        """The width of a line that says none."""
        return USUAL_PX if self.ink else 1.0

    def colour(self, attribute: str, ink: str, usual: str = "") -> str:
        """The attribute that gives an ink; in a page nothing for the usual one, which else is that of the group."""
        if not self.in_page:
            return f' {attribute}="{INKS[ink]}"'
        return "" if ink == (usual or self.ink) else f' {attribute}="var(--{ink})"'


def document(sheet: Sheet) -> str:
    """The drawing as a file of its own, on white paper."""
    width, height = (number(sheet.scale * each) for each in (sheet.width, sheet.height))
    size = f'xmlns="http://www.w3.org/2000/svg" width="{width}" height="{height}"'
    letters = f'font-family="{FONT}" font-size="{SMALL_PX:g}" text-anchor="middle"'
    paper = f'<rect width="100%" height="100%" fill="{INKS["paper"]}"/>'
    box = f'viewBox="0 0 {sheet.width:g} {sheet.height:g}"'
    return f'<svg {box} {size} fill="none" {letters}>{paper}{_body(sheet, in_page=False)}</svg>\n'


def inline(sheet: Sheet, tips: bool = True) -> str:
    """The drawing, for an HTML body that holds `symbols` and has `rules`; ``tips``: for a pointer, phones have none."""
    return f'<svg viewBox="0 0 {sheet.width:g} {sheet.height:g}" class="sheet">{_body(sheet, True, tips)}</svg>'


def icon(model: str, inks: Inks) -> str:
    """A model's marker, to stand beside its name in a body that holds `symbols`."""
    return f'<svg class="marker" viewBox="0 0 {ICON_PX} {ICON_PX}"><use href="#i{inks.group(model)}"/></svg>'


def symbols(inks: Inks) -> str:
    """The shapes of markers, and each model's markers in their sizes, once for a whole page."""
    shapes = "".join(f'<path id="k-{name}" d="M{corners(points)}z"/>' for name, points in OUTLINES.items())
    of_models = "".join(_of_model(model, inks) for model in inks.models)
    return f'<svg width="0" height="0" class="symbols" aria-hidden="true"><defs>{shapes}{of_models}</defs></svg>'


def _of_model(model: str, inks: Inks) -> str:
    """Its markers, that beside its name, and that on the points of its lines."""
    group, fill = inks.group(model), f'fill="var(--{inks.ink(model)})"'

    def shape(transform: str) -> str:
        return f'<use href="#k-{inks.shape(model)}" transform="{transform}"/>'

    sizes = {f"{name}{group}": f"scale({radius:g})" for radius, name in MARKERS.items()}
    sizes[f"i{group}"] = f"translate({ICON_PX // 2} {ICON_PX // 2})scale(5.5)"
    drawn = "".join(f'<g id="{name}" {fill}>{shape(transform)}</g>' for name, transform in sizes.items())
    line = f'<marker id="k{group}" markerUnits="userSpaceOnUse" overflow="visible" {fill}>'
    return f"{drawn}{line}{shape(f'scale({SMALL_MARKER_PX:g})')}</marker>"


def rules(inks: Inks) -> str:
    """The colour and the marker of each model's marks, as rules of the page."""
    return "\n".join(
        f'[data-m="{group}"] {{ --c: var(--{inks.ink(model)}); }} [data-m="{group}"] .k {{ marker: url("#k{group}"); }}'
        for model in inks.models
        for group in (inks.group(model),)
    )


def _body(sheet: Sheet, in_page: bool, tips: bool = True) -> str:
    return "".join(
        _group(name, "".join(_written(marks, Style(name, in_page, tips)))) for name, marks in sheet.grouped()
    )


def _group(name: str, body: str) -> str:
    if not name:
        return body
    kind = f'data-m="{name}"' if name.isdigit() else f'class="{escape(name)}"'
    return f"<g {kind}>{body}</g>"


def _written(marks: Sequence[Mark], style: Style) -> Iterable[str]:
    """Each mark; lines that look alike and say nothing to a pointer are one path, where the first of them stands."""
    alike: dict[str, list[Stroke]] = {}
    for mark in marks:
        if isinstance(mark, Stroke) and not (style.tips and mark.tip):
            alike.setdefault(_look(mark, style), []).append(mark)
    for mark in marks:
        if not isinstance(mark, Stroke):
            yield _mark(mark, style)
        elif style.tips and mark.tip:
            yield _lines([mark], style)
        elif kin := alike.pop(_look(mark, style), None):
            yield _lines(kin, style)


def _lines(kin: Sequence[Stroke], style: Style) -> str:
    """Lines that look alike as one path; their markers, which a rule of the page draws there, follow it in a file."""
    look, tip = _look(kin[0], style), kin[0].tip if style.tips else ""
    path = tipped("path", f'd="{"".join(_path(each.points) for each in kin)}"{look}', tip)
    symbols = () if style.in_page else (symbol for each in kin for symbol in each.symbols)
    return path + "".join(_mark(each, style) for each in symbols)


def _look(mark: Stroke, style: Style) -> str:
    """The attributes of a line."""
    marker = ' class="k"' if mark.shape and style.in_page else ""
    width = "" if mark.width == style.width else f' stroke-width="{mark.width:g}"'
    dash = ' stroke-dasharray="3 3"' if mark.dashed else ""
    opacity = opaque("stroke-opacity", mark.opacity)
    return f"{style.colour('stroke', mark.ink)}{marker}{width}{opacity}{dash}"


def _path(points: Sequence[Point]) -> str:
    """A path through points; a level or an upright line says one number less."""
    (x, y), *others = points
    begin = f"M{number(x)} {number(y)}"
    if len(others) == 1 and others[0][1] == y:
        return f"{begin}H{number(others[0][0])}"
    if len(others) == 1 and others[0][0] == x:
        return f"{begin}V{number(others[0][1])}"
    return " ".join([begin, *(f"{number(a)} {number(b)}" for a, b in others)])


def _mark(mark: Mark, style: Style) -> str:
    assert not isinstance(mark, Stroke), "lines are written together"
    if isinstance(mark, Text):
        return _text(mark, style)
    if isinstance(mark, Band):
        return "".join(_cells(mark, style))
    if isinstance(mark, Cloud):
        return f"<path {_dots(mark)}{style.colour('stroke', mark.ink)}/>"
    tip = mark.tip if style.tips else ""
    if isinstance(mark, Area):
        opacity = "" if style.ink and mark.opacity == BAND else opaque("fill-opacity", mark.opacity)
        points = " ".join(f"{x:.0f},{y:.0f}" for x, y in mark.points) if style.in_page else corners(mark.points)
        return tipped("polygon", f'points="{points}"{style.colour("fill", mark.ink)}{opacity}', tip)
    if not style.in_page:
        look = f'fill="{INKS[mark.ink]}" stroke="{INKS["paper"]}" stroke-width=".8"'
        return tipped("polygon", f'points="{corners(mark.points)}" {look}', tip)
    x, y = mark.centre
    if mark.ink == style.ink and mark.radius in MARKERS:
        return tipped("use", f'href="#{MARKERS[mark.radius]}{style.group}" x="{x:.0f}" y="{y:.0f}"', tip)
    place = f"translate({corners((mark.centre,))})scale({mark.radius:g})"
    return tipped("use", f'href="#k-{mark.shape}" transform="{place}" fill="var(--{mark.ink})"', tip)


def _text(mark: Text, style: Style) -> str:
    size = "" if mark.size == SMALL_PX else f' font-size="{mark.size:g}"'
    anchor = "" if mark.anchor == "middle" else f' text-anchor="{mark.anchor}"'
    weight = ' font-weight="600"' if mark.bold else ""
    look = f"{size}{style.colour('fill', mark.ink, usual='faint')}{anchor}{weight}{turn(mark)}"
    return f'<text x="{mark.x:.0f}" y="{mark.y:.0f}"{look}>{plain(mark.text)}</text>'


def _dots(mark: Cloud) -> str:
    """The attributes of a path of round dots: lines of no length with round ends."""
    path = "".join(f"M{number(x)} {number(y)}h0" for x, y in mark.points)
    return f'd="{path}" stroke-width="{mark.width:g}" stroke-linecap="round"'


def _cells(band: Band, style: Style) -> Iterable[str]:
    """Each cell, and its value on it."""
    for left, opacity, text in band.cells:
        at = f'x="{left:g}" y="{band.y:g}" width="{band.width:g}" height="{band.height:g}"'
        yield f'<rect {at}{style.colour("fill", "heat")} fill-opacity="{opacity:.2g}"/>'
        yield _text(Text(left + band.width / 2, band.baseline, text, size=SMALL_PX, anchor="middle"), style)


PX_PER_INCH, DPI = 96, 200
POINTS_PER_PX = 72 / PX_PER_INCH

_ALIGNED = {"start": "left", "middle": "center", "end": "right"}
_STYLE = {
    "font.family": "DejaVu Sans",
    "pdf.fonttype": 42,
    "text.hinting": "none",  # at 200 an inch it changes little, and fitting each letter to pixels takes long
    "text.parse_math": False,
    "text.usetex": False,
}
NARROWER = 0.88
"""DejaVu Sans, which comes with matplotlib, is wider than the fonts of pages: its text is set smaller by this."""


_Letters = tuple[tuple[int, int], ...]
"""First and last of each range of letters, as Unicode numbers them."""

_USUAL: _Letters = ((0x20, 0xFF), (0x391, 0x3C9), (0x2010, 0x2044), (0x2190, 0x2195), (0x2200, 0x226F))
"""Letters of western Europe and Greek ones, punctuation, arrows and signs of mathematics."""

_OTHERS: _Letters = ((0x20, 0x24F), (0x370, 0x52F), (0x2000, 0x22FF), (0x25A0, 0x25FF))
"""These, further letters of Latin, Cyrillic ones and shapes."""


def pdf(sheet: Sheet) -> bytes:
    """The drawing as a PDF page of its size, text as text; the same sheet gives the same bytes."""
    import matplotlib

    content, nothing = io.BytesIO(), dict.fromkeys(("CreationDate", "Creator", "Producer"))
    with matplotlib.rc_context(_STYLE):
        _painted(sheet).savefig(content, format="pdf", metadata=nothing)
    return content.getvalue()


def png(sheet: Sheet) -> bytes:
    """The drawing in pixels, 200 an inch."""
    import matplotlib
    from matplotlib.backends.backend_agg import FigureCanvasAgg

    with matplotlib.rc_context(_STYLE):
        canvas = FigureCanvasAgg(_painted(sheet))
        canvas.draw()
    return codecs.png(np.asarray(canvas.buffer_rgba())[..., :3], DPI)


@lru_cache(maxsize=1)
def _painted(sheet: Sheet) -> Canvas:
    """The drawing as matplotlib has it: the PDF and the PNG of one sheet are written of one."""
    from matplotlib.figure import Figure as Canvas
    from matplotlib.transforms import Affine2D

    inches = sheet.scale * sheet.width / PX_PER_INCH, sheet.scale * sheet.height / PX_PER_INCH
    canvas = Canvas(figsize=inches, dpi=DPI, facecolor=INKS["paper"])
    # Without axes, which would be the path that each mark is clipped by.
    place = Affine2D().scale(1 / sheet.width, -1 / sheet.height).translate(0, 1) + canvas.transFigure
    for order, (_, mark) in enumerate(sheet.marks):
        for artist in _artists(mark, sheet.scale * POINTS_PER_PX, {"transform": place, "zorder": order}):
            canvas.add_artist(artist)
    return canvas


def _artists(mark: Mark, points: float, common: dict[str, Any]) -> Iterable[Artist]:
    """A mark as matplotlib draws it; ``points``: in a px of the sheet; ``common``: what all of them are given."""
    from matplotlib.lines import Line2D
    from matplotlib.patches import Polygon, Rectangle
    from matplotlib.text import Text as Letters

    look: dict[str, Any]
    if isinstance(mark, Stroke):
        x, y = zip(*mark.points, strict=True)
        look = {"color": INKS[mark.ink], "alpha": mark.opacity, "linestyle": "--" if mark.dashed else "-"}
        yield Line2D(x, y, linewidth=mark.width * points, **look, **common)
        for symbol in mark.symbols:
            yield from _artists(symbol, points, common)
    elif isinstance(mark, Cloud):
        x, y = zip(*mark.points, strict=True)
        look = {"marker": "o", "markersize": mark.width * points, "markeredgewidth": 0}
        yield Line2D(x, y, linestyle="", color=INKS[mark.ink], **look, **common)
    elif isinstance(mark, Symbol):
        look = {"facecolor": INKS[mark.ink], "edgecolor": INKS["paper"], "linewidth": 0.5}
        yield Polygon(mark.points, closed=True, **look, **common)
    elif isinstance(mark, Area):
        yield Polygon(mark.points, closed=True, facecolor=INKS[mark.ink], alpha=mark.opacity, linewidth=0, **common)
    elif isinstance(mark, Band):
        for left, opacity, text in mark.cells:
            look = {"facecolor": INKS["heat"], "alpha": opacity, "linewidth": 0}
            yield Rectangle((left, mark.y), mark.width, mark.height, **look, **common)
            middle = left + mark.width / 2
            yield from _artists(Text(middle, mark.baseline, text, size=SMALL_PX, anchor="middle"), points, common)
    else:
        printable = "".join(character for character in mark.text if character.isprintable())
        look = {
            "font": next((_font(mark.bold, each) for each in (_USUAL, _OTHERS) if _has(each, printable)), None),
            "fontsize": mark.size * points * NARROWER,
            "fontweight": "bold" if mark.bold else "normal",
            "horizontalalignment": _ALIGNED[mark.anchor],
            "color": INKS[mark.ink],
            "rotation": 90 if mark.turned else 0,
            "rotation_mode": "anchor",
        }
        yield Letters(mark.x, mark.y, printable, **look, **common)


def _has(letters: _Letters, text: str) -> bool:
    return all(any(first <= ord(each) <= last for first, last in letters) for each in text)


@cache
def _font(bold: bool, letters: _Letters) -> Path:
    """A font file of these letters, cut once out of DejaVu Sans.

    A PDF holds the letters that it shows. For each one matplotlib would cut them out of the whole font, whose tables of
    scripts that no figure has take half a second to go through.
    """
    from fontTools import subset
    from matplotlib.font_manager import FontProperties, findfont

    whole = findfont(FontProperties(family="DejaVu Sans", weight="bold" if bold else "normal"))
    options = subset.Options(layout_features=[], legacy_kern=True, notdef_outline=True, drop_tables=["FFTM"])
    cut, file = subset.Subsetter(options), _folder() / f"{'usual' if letters is _USUAL else 'others'}-{bold}.ttf"
    cut.populate(unicodes=[code for first, last in letters for code in range(first, last + 1)])
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

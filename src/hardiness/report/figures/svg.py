"""A sheet as SVG: for the body of a page in the page's colours, or as a document of its own."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass
from html import escape

from hardiness.report.figures.inks import INKS
from hardiness.report.figures.sheet import OUTLINES, SMALL_PX, Area, Cell, Mark, Sheet, Stroke, Symbol, Text

FONT = "system-ui, Helvetica, Arial, sans-serif"

HEAT_MOST = 0.62
"""Opacity of a cell of value 1: text stays readable on it."""

INK_CLASSES, ANCHOR_CLASSES = {"faint": "f"}, {"middle": "c", "end": "e"}
"""Classes of text on a page, for which the page has rules; without one it is in plain ink, and begins at its place."""

SHAPE_MOST = 2.0
"""Coordinates below are those of shapes, which are drawn larger."""


@dataclass(frozen=True, slots=True)
class Style:
    """How marks are written.

    Attributes:
        colour: from an ink to a colour.
        in_page: whether the page holds the shapes of `symbols` and sets letters and inks of text by classes.
        tips: whether marks say their values to a pointer; phones have none.
    """

    colour: Callable[[str], str]
    in_page: bool = False
    tips: bool = True


def inline(sheet: Sheet, tips: bool = True) -> str:
    """The drawing for an HTML body that holds `symbols`: inks are CSS variables, models are groups with ``data-m``."""
    return _document(sheet, 'class="sheet"', Style(lambda ink: f"var(--{ink})", in_page=True, tips=tips))


def symbols() -> str:
    """The shapes of markers, once for a whole page."""
    shapes = "".join(f'<path id="k-{name}" d="M{_corners(points)}z"/>' for name, points in OUTLINES.items())
    return f'<svg width="0" height="0" class="symbols" aria-hidden="true"><defs>{shapes}</defs></svg>'


def document(sheet: Sheet) -> str:
    """The drawing as a file of its own, on white paper."""
    paper = f'<rect width="100%" height="100%" fill="{INKS["paper"]}"/>'
    size = f'xmlns="http://www.w3.org/2000/svg" width="{sheet.width:g}" height="{sheet.height:g}"'
    text = _document(sheet, f'{size} font-family="{FONT}"', Style(INKS.__getitem__))
    start = text.index(">") + 1
    return f"{text[:start]}{paper}{text[start:]}\n"


def _document(sheet: Sheet, attributes: str, style: Style) -> str:
    body = "".join(_group(name, marks, style) for name, marks in sheet.grouped())
    return f'<svg viewBox="0 0 {sheet.width:g} {sheet.height:g}" {attributes}>{body}</svg>'


def _group(name: str, marks: Sequence[Mark], style: Style) -> str:
    """The marks; those of a model on a page take their fill from the group that they are in."""
    if not name:
        return "".join(_mark(mark, style) for mark in marks)
    if not name.isdigit():
        return f'<g class="{escape(name)}">{"".join(_mark(mark, style) for mark in marks)}</g>'
    filled = [mark.ink for mark in marks if isinstance(mark, Symbol | Area)] if style.in_page else []
    fill = f' fill="{style.colour(filled[0])}"' if filled else ""
    body = "".join(_mark(mark, style) for mark in marks)
    return f'<g data-m="{name}"{fill}>{body.replace(fill, "") if fill else body}</g>'


def _mark(mark: Mark, style: Style) -> str:
    if isinstance(mark, Text):
        return _text(mark, style)
    tip = mark.tip if style.tips else ""
    colour = style.colour(mark.ink) if not isinstance(mark, Cell) else style.colour("heat")
    if isinstance(mark, Symbol) and style.in_page:
        place = f"translate({_corners((mark.centre,))})scale({mark.radius:g})"
        return _tipped("use", f'href="#k-{mark.shape}" transform="{place}" fill="{colour}"', tip)
    if isinstance(mark, Symbol):
        outline = f'stroke="{style.colour("paper")}" stroke-width=".8"'
        return _tipped("polygon", f'points="{_corners(mark.points)}" fill="{colour}" {outline}', tip)
    if isinstance(mark, Stroke):
        dash = ' stroke-dasharray="3 3"' if mark.dashed else ""
        width = "" if mark.width == 1 else f' stroke-width="{mark.width:g}"'
        faint = style.in_page and mark.ink == "line"
        ink = 'class="l"' if faint else f'stroke="{colour}"'
        line = f"{ink}{width}{_opacity('stroke', mark.opacity)}{dash}"
        empty = "" if style.in_page else ' fill="none"'
        return _tipped("polyline", f'points="{_corners(mark.points)}"{empty} {line}', tip)
    if isinstance(mark, Area):
        return _tipped(
            "polygon", f'points="{_corners(mark.points)}" fill="{colour}"{_opacity("fill", mark.opacity)}', tip
        )
    at = f'x="{mark.x:g}" y="{mark.y:g}" width="{mark.width:g}" height="{mark.height:g}"'
    shade = f'fill="{colour}" fill-opacity="{HEAT_MOST * min(max(mark.value, 0), 1):.2g}"'
    return _tipped("rect", f'{at} {shade} data-c="{mark.place}" data-v="{mark.value:.4g}"', tip)


def _text(mark: Text, style: Style) -> str:
    weight = ' font-weight="600"' if mark.bold else ""
    cell = f' data-t="{mark.cell}"' if mark.cell else ""
    if style.in_page:
        names = " ".join(filter(None, (INK_CLASSES.get(mark.ink, ""), ANCHOR_CLASSES.get(mark.anchor, ""))))
        look = f' class="{names}"' if names else ""
        size = "" if mark.size == SMALL_PX else f' font-size="{mark.size:g}"'
    else:
        anchor = "" if mark.anchor == "start" else f' text-anchor="{mark.anchor}"'
        look, size = f' fill="{style.colour(mark.ink)}"{anchor}', f' font-size="{mark.size:g}"'
    return f'<text x="{_number(mark.x)}" y="{_number(mark.y)}"{size}{look}{weight}{cell}>{_plain(mark.text)}</text>'


def _tipped(tag: str, attributes: str, tip: str) -> str:
    return f"<{tag} {attributes}><title>{_plain(tip)}</title></{tag}>" if tip else f"<{tag} {attributes}/>"


def _plain(text: str) -> str:
    """Escaped, without what XML cannot hold."""
    return escape("".join(character for character in text if character.isprintable()))


def _corners(points: Iterable[tuple[float, float]]) -> str:
    return " ".join(f"{_number(x)},{_number(y)}" for x, y in points)


def _number(value: float) -> str:
    """With one digit behind the point, or none where that is 0; of a shape of radius 1 with three."""
    return f"{value:.3g}" if abs(value) < SHAPE_MOST else f"{value:.1f}".removesuffix(".0")


def _opacity(kind: str, opacity: float) -> str:
    return "" if opacity == 1 else f' {kind}-opacity="{opacity:g}"'

"""A sheet as an SVG document of its own, on white paper; and what every writer of SVG needs."""

from __future__ import annotations

from collections.abc import Iterable
from html import escape

from hardiness.report.figures.inks import INKS
from hardiness.report.figures.sheet import SMALL_PX, Area, Band, Mark, Sheet, Stroke, Symbol, Text

FONT = "system-ui, Helvetica, Arial, sans-serif"

SHAPE_MOST = 2.0
"""Coordinates below are those of shapes, which are drawn larger."""


def document(sheet: Sheet) -> str:
    """The drawing as a file of its own, on white paper."""
    size = f'xmlns="http://www.w3.org/2000/svg" width="{sheet.width:g}" height="{sheet.height:g}"'
    paper = f'<rect width="100%" height="100%" fill="{INKS["paper"]}"/>'
    body = "".join(_group(name, "".join(map(_mark, marks))) for name, marks in sheet.grouped())
    box = f'viewBox="0 0 {sheet.width:g} {sheet.height:g}"'
    return f'<svg {box} {size} font-family="{FONT}">{paper}{body}</svg>\n'


def _group(name: str, body: str) -> str:
    if not name:
        return body
    kind = f'data-m="{name}"' if name.isdigit() else f'class="{escape(name)}"'
    return f"<g {kind}>{body}</g>"


def _mark(mark: Mark) -> str:
    if isinstance(mark, Text):
        anchor = "" if mark.anchor == "start" else f' text-anchor="{mark.anchor}"'
        weight = ' font-weight="600"' if mark.bold else ""
        look = f'font-size="{mark.size:g}" fill="{INKS[mark.ink]}"{anchor}{weight}'
        return f'<text x="{number(mark.x)}" y="{number(mark.y)}" {look}>{plain(mark.text)}</text>'
    if isinstance(mark, Band):
        return "".join(_cells(mark))
    colour = INKS[mark.ink]
    if isinstance(mark, Symbol):
        outline = f'stroke="{INKS["paper"]}" stroke-width=".8"'
        return tipped("polygon", f'points="{corners(mark.points)}" fill="{colour}" {outline}', mark.tip)
    if isinstance(mark, Area):
        filled = f'fill="{colour}"{opaque("fill-opacity", mark.opacity)}'
        return tipped("polygon", f'points="{corners(mark.points)}" {filled}', mark.tip)
    return tipped("polyline", f'{_line(mark)} stroke="{colour}"', mark.tip) + "".join(map(_mark, mark.symbols))


def _line(mark: Stroke) -> str:
    dash = ' stroke-dasharray="3 3"' if mark.dashed else ""
    width = "" if mark.width == 1 else f' stroke-width="{mark.width:g}"'
    return f'points="{corners(mark.points)}" fill="none"{width}{opaque("stroke-opacity", mark.opacity)}{dash}'


def _cells(band: Band) -> Iterable[str]:
    """Each cell, and its value on it."""
    for left, opacity, text in band.cells:
        at = f'x="{left:g}" y="{band.y:g}" width="{band.width:g}" height="{band.height:g}"'
        yield f'<rect {at} fill="{INKS["heat"]}" fill-opacity="{opacity:.2g}"/>'
        yield _mark(Text(left + band.width / 2, band.baseline, text, size=SMALL_PX, anchor="middle"))


def tipped(tag: str, attributes: str, tip: str) -> str:
    """An element that says something to a pointer, where there is something to say."""
    return f"<{tag} {attributes}><title>{plain(tip)}</title></{tag}>" if tip else f"<{tag} {attributes}/>"


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

"""A sheet as SVG: for the body of a page in the page's colours, or as a document of its own."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from html import escape

from hardiness.report.figures.inks import INKS
from hardiness.report.figures.sheet import Area, Cell, Mark, Sheet, Stroke

FONT = "system-ui, Helvetica, Arial, sans-serif"

HEAT_MOST = 0.62
"""Opacity of a cell of value 1: text stays readable on it."""


def inline(sheet: Sheet) -> str:
    """The drawing for an HTML body: inks are CSS variables, models are groups with ``data-m``, nothing to load."""
    return _document(sheet, 'class="sheet"', lambda ink: f"var(--{ink})")


def document(sheet: Sheet) -> str:
    """The drawing as a file of its own, on white paper."""
    paper = f'<rect width="100%" height="100%" fill="{INKS["paper"]}"/>'
    size = f'xmlns="http://www.w3.org/2000/svg" width="{sheet.width:g}" height="{sheet.height:g}"'
    text = _document(sheet, f'{size} font-family="{FONT}"', INKS.__getitem__)
    start = text.index(">") + 1
    return f"{text[:start]}{paper}{text[start:]}\n"


def _document(sheet: Sheet, attributes: str, colour: Callable[[str], str]) -> str:
    body = "".join(_group(name, "".join(_mark(mark, colour) for mark in marks)) for name, marks in sheet.grouped())
    return f'<svg viewBox="0 0 {sheet.width:g} {sheet.height:g}" {attributes}>{body}</svg>'


def _group(name: str, body: str) -> str:
    if not name:
        return body
    kind = f'data-m="{name}"' if name.isdigit() else f'class="{escape(name)}"'
    return f"<g {kind}>{body}</g>"


def _mark(mark: Mark, colour: Callable[[str], str]) -> str:
    if isinstance(mark, Stroke):
        dash = ' stroke-dasharray="3 3"' if mark.dashed else ""
        style = f'stroke="{colour(mark.ink)}" stroke-width="{mark.width:g}"{_opacity("stroke", mark.opacity)}{dash}'
        return _tipped("polyline", f'points="{_points(mark.points)}" fill="none" {style}', mark.tip)
    if isinstance(mark, Area):
        outline = f' stroke="{colour("paper")}" stroke-width=".8"' if mark.outlined else ""
        style = f'fill="{colour(mark.ink)}"{_opacity("fill", mark.opacity)}{outline}'
        return _tipped("polygon", f'points="{_points(mark.points)}" {style}', mark.tip)
    if isinstance(mark, Cell):
        at = f'x="{mark.x:g}" y="{mark.y:g}" width="{mark.width:g}" height="{mark.height:g}"'
        shade = f'fill="{colour("heat")}" fill-opacity="{HEAT_MOST * min(max(mark.value, 0), 1):.2f}"'
        return _tipped("rect", f'{at} {shade} data-c="{mark.place}" data-v="{mark.value:.4f}"', mark.tip)
    weight = ' font-weight="600"' if mark.bold else ""
    anchor = "" if mark.anchor == "start" else f' text-anchor="{mark.anchor}"'
    cell = f' data-t="{mark.cell}"' if mark.cell else ""
    style = f'font-size="{mark.size:g}" fill="{colour(mark.ink)}"{weight}{anchor}{cell}'
    return f'<text x="{mark.x:.1f}" y="{mark.y:.1f}" {style}>{_plain(mark.text)}</text>'


def _tipped(tag: str, attributes: str, tip: str) -> str:
    return f"<{tag} {attributes}><title>{_plain(tip)}</title></{tag}>" if tip else f"<{tag} {attributes}/>"


def _plain(text: str) -> str:
    """Escaped, without what XML cannot hold."""
    return escape("".join(character for character in text if character.isprintable()))


def _points(points: Iterable[tuple[float, float]]) -> str:
    return " ".join(f"{x:.1f},{y:.1f}" for x, y in points)


def _opacity(kind: str, opacity: float) -> str:
    return "" if opacity == 1 else f' {kind}-opacity="{opacity:g}"'

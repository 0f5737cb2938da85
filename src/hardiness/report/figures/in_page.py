"""A sheet as SVG in the body of a page: in the page's colours, and in few bytes, since a page holds many.

Matrices are tables there.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from html import escape

from hardiness.report.figures.inks import Inks
from hardiness.report.figures.sheet import (
    COLOURS,
    OUTLINES,
    SMALL_MARKER_PX,
    SMALL_PX,
    USUAL_PX,
    Band,
    Mark,
    Sheet,
    Stroke,
    Symbol,
    Text,
)
from hardiness.report.figures.svg import corners, number, opaque, plain, tipped

INK_CLASSES, ANCHOR_CLASSES = {"faint": "f"}, {"middle": "c", "end": "e"}
"""Classes of text, for which the page has rules; without one it is in plain ink, and begins at its place."""


@dataclass(frozen=True, slots=True)
class Style:
    """How the marks of one group are written: the ink and the width that need not be said, and whether tips are."""

    ink: str
    width: float
    tips: bool

    def colour(self, attribute: str, ink: str) -> str:
        """The attribute that gives an ink; nothing for that of the group."""
        return "" if ink == self.ink else f' {attribute}="var(--{ink})"'


def inline(sheet: Sheet, tips: bool = True) -> str:
    """The drawing, for an HTML body that holds `symbols` and has `rules`; ``tips``: for a pointer, phones have none."""
    body = "".join(_group(name, marks, tips) for name, marks in sheet.grouped())
    return f'<svg viewBox="0 0 {sheet.width:g} {sheet.height:g}" class="sheet">{body}</svg>'


def symbols(inks: Inks) -> str:
    """The shapes of markers, and each model's marker for the points of its lines, once for a whole page."""
    shapes = "".join(f'<path id="k-{name}" d="M{corners(points)}z"/>' for name, points in OUTLINES.items())
    markers = "".join(
        f'<marker id="k{inks.group(model)}" markerUnits="userSpaceOnUse" overflow="visible" '
        f'fill="var(--{inks.ink(model)})"><use href="#k-{inks.shape(model)}" transform="scale({SMALL_MARKER_PX:g})"/>'
        "</marker>"
        for model in inks.models
    )
    return f'<svg width="0" height="0" class="symbols" aria-hidden="true"><defs>{shapes}{markers}</defs></svg>'


def rules(inks: Inks) -> str:
    """The colour and the marker of each model's marks, as rules of the page."""
    return "\n".join(
        f'[data-m="{group}"] {{ --c: var(--{inks.ink(model)}); }} [data-m="{group}"] .k {{ marker: url("#k{group}"); }}'
        for model in inks.models
        for group in (inks.group(model),)
    )


def _group(name: str, marks: Sequence[Mark], tips: bool) -> str:
    """The marks; those of a model take their colour from the rules for its group."""
    if not name.isdigit():
        body = "".join(_mark(mark, Style("", 1.0, tips)) for mark in marks)
        return f'<g class="{escape(name)}">{body}</g>' if name else body
    style = Style(f"m{int(name) % COLOURS}", USUAL_PX, tips)
    return f'<g data-m="{name}">{"".join(_mark(mark, style) for mark in marks)}</g>'


def _mark(mark: Mark, style: Style) -> str:
    if isinstance(mark, Text):
        return _text(mark)
    assert not isinstance(mark, Band), "a page has matrices as tables"
    tip = mark.tip if style.tips else ""
    if isinstance(mark, Stroke):
        return tipped("polyline", _line(mark, style), tip)
    fill = style.colour("fill", mark.ink)
    if isinstance(mark, Symbol):
        place = f"translate({corners((mark.centre,))})scale({mark.radius:g})"
        return tipped("use", f'href="#k-{mark.shape}" transform="{place}"{fill}', tip)
    return tipped("polygon", f'points="{corners(mark.points)}"{fill}{opaque("fill-opacity", mark.opacity)}', tip)


def _line(mark: Stroke, style: Style) -> str:
    ink = ' class="l"' if mark.ink == "line" else style.colour("stroke", mark.ink)
    marked = ' class="k"' if mark.shape else ""
    width = "" if mark.width == style.width else f' stroke-width="{mark.width:g}"'
    dash = ' stroke-dasharray="3 3"' if mark.dashed else ""
    return f'points="{corners(mark.points)}"{ink}{marked}{width}{opaque("stroke-opacity", mark.opacity)}{dash}'


def _text(mark: Text) -> str:
    names = " ".join(filter(None, (INK_CLASSES.get(mark.ink, ""), ANCHOR_CLASSES.get(mark.anchor, ""))))
    look = f' class="{names}"' if names else ""
    size = "" if mark.size == SMALL_PX else f' font-size="{mark.size:g}"'
    weight = ' font-weight="600"' if mark.bold else ""
    return f'<text x="{number(mark.x)}" y="{number(mark.y)}"{size}{look}{weight}>{plain(mark.text)}</text>'

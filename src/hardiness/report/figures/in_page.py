"""A sheet as SVG in the body of a page: in the page's colours, and in few bytes, since a page holds many.

Matrices are tables there. Lines of one look are one path.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from html import escape

from hardiness.report.figures.inks import Inks
from hardiness.report.figures.sheet import (
    BAND,
    COLOURS,
    LARGE_PX,
    MARKER_PX,
    OUTLINES,
    SMALL_MARKER_PX,
    SMALL_PX,
    USUAL_PX,
    Area,
    Band,
    Mark,
    Point,
    Sheet,
    Stroke,
    Text,
)
from hardiness.report.figures.svg import corners, number, opaque, plain, tipped

INK_CLASSES, ANCHOR_CLASSES = {"faint": "f"}, {"middle": "c", "end": "e"}
"""Classes of text, for which the page has rules; without one it is in plain ink, and begins at its place."""

MARKERS = {MARKER_PX: "u", LARGE_PX: "v"}
"""What the markers of a model are called in a page, before its number, by radius."""

ICON_PX = 14
"""Side of a marker beside a name."""


@dataclass(frozen=True, slots=True)
class Style:
    """How the marks of one group are written: its name, and whether they say something to a pointer."""

    group: str
    tips: bool

    @property
    def ink(self) -> str:
        """The ink of its model; empty where it is of none."""
        return f"m{int(self.group) % COLOURS}" if self.group.isdigit() else ""

    @property
    def width(self) -> float:
        """The width of most of its lines."""
        return USUAL_PX if self.ink else 1.0

    def colour(self, attribute: str, ink: str) -> str:
        """The attribute that gives an ink; nothing for that of the group."""
        return "" if ink == self.ink else f' {attribute}="var(--{ink})"'


def inline(sheet: Sheet, tips: bool = True) -> str:
    """The drawing, for an HTML body that holds `symbols` and has `rules`; ``tips``: for a pointer, phones have none."""
    body = "".join(_group(name, marks, tips) for name, marks in sheet.grouped())
    return f'<svg viewBox="0 0 {sheet.width:g} {sheet.height:g}" class="sheet">{body}</svg>'


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


def _group(name: str, marks: Sequence[Mark], tips: bool) -> str:
    """The marks; those of a model take their colour from the rules for its group."""
    body = "".join(_written(marks, Style(name, tips)))
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
            yield tipped("path", f'd="{_line(mark.points)}"{_look(mark, style)}', mark.tip)
        elif kin := alike.pop(_look(mark, style), None):
            yield f'<path d="{"".join(_line(each.points) for each in kin)}"{_look(mark, style)}/>'


def _look(mark: Stroke, style: Style) -> str:
    """The attributes of a line."""
    ink = ' class="l"' if mark.ink == "line" else style.colour("stroke", mark.ink)
    marked = ' class="k"' if mark.shape else ""
    width = "" if mark.width == style.width else f' stroke-width="{mark.width:g}"'
    dash = ' stroke-dasharray="3 3"' if mark.dashed else ""
    return f"{ink}{marked}{width}{opaque('stroke-opacity', mark.opacity)}{dash}"


def _line(points: Sequence[Point]) -> str:
    """A path through points; a level or an upright line says one number less."""
    (x, y), *others = points
    begin = f"M{number(x)} {number(y)}"
    if len(others) == 1 and others[0][1] == y:
        return f"{begin}H{number(others[0][0])}"
    if len(others) == 1 and others[0][0] == x:
        return f"{begin}V{number(others[0][1])}"
    return " ".join([begin, *(f"{number(a)} {number(b)}" for a, b in others)])


def _mark(mark: Mark, style: Style) -> str:
    assert not isinstance(mark, Band | Stroke), "a page has matrices as tables, and lines are written together"
    if isinstance(mark, Text):
        return _text(mark)
    tip = mark.tip if style.tips else ""
    if isinstance(mark, Area):
        fill = style.colour("fill", mark.ink)
        pale = "" if style.ink and mark.opacity == BAND else opaque("fill-opacity", mark.opacity)
        points = " ".join(f"{x:.0f},{y:.0f}" for x, y in mark.points)  # bands are wide and pale
        return tipped("polygon", f'points="{points}"{fill}{pale}', tip)
    x, y = mark.centre
    if mark.ink == style.ink and mark.radius in MARKERS:
        return tipped("use", f'href="#{MARKERS[mark.radius]}{style.group}" x="{x:.0f}" y="{y:.0f}"', tip)
    place = f"translate({corners((mark.centre,))})scale({mark.radius:g})"
    return tipped("use", f'href="#k-{mark.shape}" transform="{place}" fill="var(--{mark.ink})"', tip)


def _text(mark: Text) -> str:
    names = " ".join(filter(None, (INK_CLASSES.get(mark.ink, ""), ANCHOR_CLASSES.get(mark.anchor, ""))))
    look = f' class="{names}"' if names else ""
    size = "" if mark.size == SMALL_PX else f' font-size="{mark.size:g}"'
    weight = ' font-weight="600"' if mark.bold else ""
    return f'<text x="{mark.x:.0f}" y="{mark.y:.0f}"{size}{look}{weight}>{plain(mark.text)}</text>'

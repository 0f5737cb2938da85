"""Curves as a drawing: panels in rows, models in colour with their intervals, published curves thin and grey."""

from __future__ import annotations

from dataclasses import dataclass, replace

from hardiness.core import Curves, Line, Panel
from hardiness.report.figures.inks import Inks
from hardiness.report.figures.legend import heading, legend
from hardiness.report.figures.sheet import (
    BAND,
    BOLD,
    MARKER_PX,
    PUBLISHED,
    SMALL_MARKER_PX,
    SMALL_PX,
    USUAL_PX,
    Area,
    Sheet,
    Stroke,
    Text,
    shortened,
    text_width,
)

LEFT, GAP, BELOW = 46.0, 18.0, 44.0
"""Room left of panels for the values of y, between panels, and below them for those of x, in px."""

FEW = 2
"""Panels that have room to be large, whatever their figure says."""

NAMED_MOST = 6
"""Published curves that are named at their ends."""


@dataclass(frozen=True, slots=True)
class Frame:
    """Where a panel stands, and from values to places on the sheet; its axis of y ends at ``limit``."""

    panel: Panel
    left: float
    top: float
    width: float
    height: float
    limit: float = 1.0

    def x(self, value: float) -> float:
        """A value of x, in px."""
        ticks, inset = self.panel.ticks, 8.0
        room = self.width - 2 * inset
        if self.panel.to_scale:
            return self.left + inset + room * (value - ticks[0]) / ((ticks[-1] - ticks[0]) or 1)
        return self.left + inset + room * ticks.index(value) / max(1, len(ticks) - 1)

    def y(self, share: float) -> float:
        """A share, in px."""
        return self.top + self.height * (1 - min(max(share / self.limit, 0.0), 1.0))


def draw_curves(curves: Curves, width: float, inks: Inks, titled: bool) -> Sheet:
    """The figure of some curves, that wide in px; with its heading where it is to stand alone."""
    curves = replace(curves, small=curves.small and len(curves.panels) > FEW)
    sheet = Sheet(width)
    top = heading(sheet, curves.heading) if titled else 0.0
    beside = []
    if any(panel.published for panel in curves.panels):
        beside.append((PUBLISHED, curves.beside))
    if any(panel.people for panel in curves.panels):
        beside.append(("people", "people"))
    if any(panel.diagonal for panel in curves.panels):
        beside.append(("perfect", "confidence = accuracy"))
    names = list(dict.fromkeys(line.name for panel in curves.panels for line in panel.measured))
    top = legend(sheet, top, names, inks, beside)
    columns = _columns(curves, width)
    margin = _margin(curves.panels[-1]) if columns == len(curves.panels) else 0.0
    each = (width - LEFT - margin - GAP * (columns - 1)) / columns
    height = 92.0 if curves.small else min(300.0, max(190.0, 0.72 * each))
    named = 22.0 if any(panel.title for panel in curves.panels) else 0.0
    sheet.add(Text(0, top + 12, curves.label, "faint", SMALL_PX))
    top += 20 if curves.label else 4
    rows = -(-len(curves.panels) // columns)
    pitch = height + named + (30.0 if curves.small else BELOW) + 6
    for index, panel in enumerate(curves.panels):
        row, column = divmod(index, columns)
        frame = Frame(panel, LEFT + column * (each + GAP), top + row * pitch + named, each, height, curves.limit)
        _panel(sheet, frame, inks, first=column == 0, last=row == rows - 1 or not curves.small, beside=curves.beside)
        if margin and index == len(curves.panels) - 1:
            _names(sheet, frame)
    sheet.height = top + rows * pitch + (10 if curves.small else 0)
    return sheet


def _columns(curves: Curves, width: float) -> int:
    if curves.small:
        return max(2, min(5, int((width - LEFT) / 150)))
    return len(curves.panels) if width > 560 else 1


def _margin(panel: Panel) -> float:
    """Room for the names of published curves, to the right of the last panel."""
    named = [text_width(_short(line.name), SMALL_PX) for line in panel.published]
    return max(named) + 8 if named and len(named) <= NAMED_MOST else 0.0


def _short(name: str) -> str:
    return shortened(name.removeprefix("resnext101_"), 18)


def _panel(sheet: Sheet, frame: Frame, inks: Inks, first: bool, last: bool, beside: str) -> None:
    panel = frame.panel
    if panel.title:
        title = shortened(panel.title, int(frame.width / (BOLD * SMALL_PX)))
        sheet.add(Text(frame.left, frame.top - 7, title, size=SMALL_PX, bold=True))
    for part in (0, 0.5, 1) if frame.height < 150 else (0, 0.25, 0.5, 0.75, 1):
        share = part * frame.limit
        y = frame.y(share)
        sheet.add(Stroke(((frame.left, y), (frame.left + frame.width, y)), "line"))
        if first:
            sign = " %" if part == 1 else ""
            sheet.add(Text(frame.left - 6, y + 4, f"{100 * share:g}{sign}", "faint", SMALL_PX, "end"))
    _ticks(sheet, frame)
    if last or (panel.label and not panel.title):
        middle, below = frame.left + frame.width / 2, frame.top + frame.height + 34
        sheet.add(Text(middle, below, panel.label, "faint", SMALL_PX, "middle"))
    if panel.diagonal:
        ends = ((frame.x(0.0), frame.y(0)), (frame.x(1.0), frame.y(1)))
        sheet.add(Stroke(ends, "faint", dashed=True))
    for line in panel.published:
        points = tuple((frame.x(x), frame.y(y)) for x, y in zip(line.x, line.y, strict=True) if _on(panel, x))
        sheet.add(
            Stroke(points, "published", 1.1, tip=beside if beside.startswith(line.name) else f"{line.name}, {beside}"),
            group=PUBLISHED,
        )
    if panel.people:
        points = tuple((frame.x(x), frame.y(y)) for x, y in zip(panel.people.x, panel.people.y, strict=True))
        sheet.add(Stroke(points, "people", 1.4, tip="people"))
    for line in panel.measured:
        _line(sheet, frame, line, inks)


def _on(panel: Panel, x: float) -> bool:
    return panel.to_scale or x in panel.ticks


def _ticks(sheet: Sheet, frame: Frame) -> None:
    """Names of values of x, as many as do not touch each other."""
    end = -1e9
    for value, name in zip(frame.panel.ticks, frame.panel.names, strict=True):
        half = text_width(name, SMALL_PX) / 2
        x = min(frame.x(value), sheet.width - half)  # the last name stays on the sheet
        if x - half > end:
            sheet.add(Text(x, frame.top + frame.height + 16, name, "faint", SMALL_PX, "middle"))
            end = x + half + 4


def _line(sheet: Sheet, frame: Frame, line: Line, inks: Inks) -> None:
    ink, group = inks.ink(line.name), inks.group(line.name)
    points = tuple((frame.x(x), frame.y(y)) for x, y in zip(line.x, line.y, strict=True))
    if line.low and len(points) > 1:
        low = [(frame.x(x), frame.y(y)) for x, y in zip(line.x, line.low, strict=True)]
        high = [(frame.x(x), frame.y(y)) for x, y in zip(line.x, line.high, strict=True)]
        sheet.add(Area((*high, *reversed(low)), ink, BAND), group=group)
    if not points:
        return
    if frame.height < 150:  # a pointer does not hit markers of small panels
        sheet.add(Stroke(points, ink, USUAL_PX, shape=inks.shape(line.name), radius=SMALL_MARKER_PX), group=group)
        return
    sheet.add(Stroke(points, ink, 2.0, dashed=bool(line.doubt)), group=group)
    if len(points) > 24:  # a curve of many points needs no marker on each
        sheet.add(inks.marker(line.name, points[len(points) // 2], MARKER_PX, line.name), group=group)
        return
    names = dict(zip(frame.panel.ticks, frame.panel.names, strict=True))
    for (x, y), at, value in zip(points, line.x, line.y, strict=True):
        doubt = f", {line.doubt}" if line.doubt and at else ""
        tip = f"{line.name}, {names.get(at, f'{at:.2g}')}: {100 * value:.1f} %{doubt}"
        sheet.add(inks.marker(line.name, (x, y), MARKER_PX, tip), group=group)


def _names(sheet: Sheet, frame: Frame) -> None:
    """The models of the thin lines, to the right of their ends, no two names upon each other."""
    lowest = 1e9
    for line in sorted(frame.panel.published, key=lambda line: line.y[-1]):
        y = min(frame.y(line.y[-1]) + 4, lowest - 13)
        lowest = y
        sheet.add(Text(frame.left + frame.width + 6, y, _short(line.name), "faint", 10.5), group=PUBLISHED)

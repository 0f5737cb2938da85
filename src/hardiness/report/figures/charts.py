"""Charts as drawings: curves, dots, matrices, ladders."""

from __future__ import annotations

import math
import textwrap
from collections.abc import Sequence
from dataclasses import dataclass, replace

from hardiness.core.result import Score
from hardiness.report import format as formatting
from hardiness.report.charts import (
    Chart,
    Curves,
    Dots,
    Heat,
    Ladder,
    Layer,
    Line,
    Observer,
    Panel,
    People,
    Rung,
    Scatter,
    Spot,
    Trend,
)
from hardiness.report.figures.inks import Inks
from hardiness.report.figures.sheet import (
    BAND,
    BOLD,
    CELL_GAP,
    LARGE_PX,
    MARKER_PX,
    PUBLISHED,
    SMALL_MARKER_PX,
    SMALL_PX,
    SMALLEST_PX,
    USUAL_PX,
    Area,
    Band,
    Cloud,
    Mark,
    Sheet,
    Stroke,
    Symbol,
    Text,
    text_width,
)

LINE_PX, HEADING_PX, GAP_PX = 21.0, 16.0, 26.0
LONGEST = 44

HEADING_LETTER = 0.62
"""Width of a bold letter of a heading by its size, on average."""


def draw(chart: Chart, width: float, inks: Inks, titled: bool = False, most: float = math.inf) -> Sheet:
    """The drawing of a chart, that wide in px; the same chart always gives the same marks.

    Args:
        chart: what to draw.
        width: in px, 96 an inch.
        inks: of the models; every model of the chart is among them.
        titled: whether the chart's heading is drawn too, because it is to stand alone.
        most: the height in px that rows are drawn closer for; a drawing of very many rows is higher all the same.
    """
    chart = without_twice(chart)
    if isinstance(chart, Dots):
        return draw_dots(chart, width, inks, titled, most)
    if isinstance(chart, Curves):
        return draw_curves(chart, width, inks, titled)
    if isinstance(chart, Ladder):
        return draw_ladder(chart, width, inks, titled)
    if isinstance(chart, Scatter):
        return draw_scatter(chart, width, inks, titled)
    return draw_heat(chart, width, inks, titled, most)


def heading(sheet: Sheet, text: str) -> float:
    """Write a heading at the top of the sheet; how much of its height that takes."""
    lines = textwrap.wrap(text, max(12, int(sheet.width / (HEADING_LETTER * HEADING_PX))))
    for line, part in enumerate(lines):
        sheet.add(Text(0, HEADING_PX + 21 * line, part, size=HEADING_PX, bold=True))
    return 21 * len(lines) + 8


def label(sheet: Sheet, middle: float, y: float, text: str, room: float) -> int:
    """Write what an axis is, about the middle of it and on the sheet; how many lines it takes.

    Args:
        sheet: to write on.
        middle: of the axis, in px.
        y: the baseline of the first line.
        text: to write.
        room: width that it may take.
    """
    lines = label_lines(text, room)
    for place, line in enumerate(lines):
        half = text_width(line, SMALL_PX) / 2
        x = max(min(middle, sheet.width - half), half)
        sheet.add(Text(x, y + LABEL_PX * place, line, "faint", SMALL_PX, "middle"))
    return len(lines)


def label_lines(text: str, room: float) -> list[str]:
    """The lines of what an axis is, where it may be that wide."""
    return textwrap.wrap(text, max(12, int(room / text_width("x", SMALL_PX))))


LABEL_PX = 14.0
"""Height of a line of a label."""

Beside = Sequence[tuple[str, str]]
"""Kind and name of what is no model."""


def legend(sheet: Sheet, top: float, models: Sequence[str], inks: Inks, notes: Beside = ()) -> float:
    """Write the legend, in as many lines as it takes; where it ends.

    Args:
        sheet: to write on.
        top: where to begin.
        models: in order.
        inks: of the models.
        notes: others: kind (``"people"``, ``"published"``, ``"points"``, ``"trend"`` or ``"perfect"``) and name.
    """
    x, y = 0.0, top
    entries = [(model, "") for model in (models if inks.in_legends else ())] + [(name, kind) for kind, name in notes]
    if not entries:
        return top
    texts = formatting.shortened_apart([name for name, _ in entries], LONGEST)
    for name, kind in entries:
        short_name = texts[name]
        width = GAP_PX + text_width(short_name, SMALL_PX)
        if x and x + width > sheet.width:
            x, y = 0.0, y + LINE_PX
        key, group = _key(name, kind, inks, x, y)
        sheet.add(*key, Text(x + 20, y + 14, short_name, size=SMALL_PX), group=group)
        x += width + 12
    return y + LINE_PX + 6


def _key(name: str, kind: str, inks: Inks, x: float, y: float) -> tuple[list[Mark], str]:
    if kind == "people":
        return [Symbol("diamond", (x + 8, y + 10), 5, "people")], ""
    if kind == "points":
        return [Cloud(tuple((x + across, y + 10) for across in (3, 8, 13)), "published", DOT_PX)], PUBLISHED
    if kind == "trend":
        ends = ((x, y + 5), (x + 16, y + 5), (x + 16, y + 15), (x, y + 15))
        return [Area(ends, "faint", BAND), Stroke(((x, y + 10), (x + 16, y + 10)), "faint", 1.4)], ""
    if kind:
        ink = "published" if kind == PUBLISHED else "faint"
        line = Stroke(((x, y + 10), (x + 16, y + 10)), ink, 1.2, dashed=kind != PUBLISHED)
        return [line], PUBLISHED if kind == PUBLISHED else ""
    return [
        Stroke(((x, y + 10), (x + 16, y + 10)), inks.ink(name), 1.8),
        inks.marker(name, (x + 8, y + 10), MARKER_PX),
    ], inks.group(name)


def without_twice(chart: Chart) -> Chart:
    """The chart without published marks of models whose published numbers are what is shown."""
    if isinstance(chart, Dots):
        measured = {each.name for each in chart.observers}
        return replace(chart, published=tuple(each for each in chart.published if each.name not in measured))
    if isinstance(chart, Curves):
        return replace(chart, panels=tuple(map(_published_panel, chart.panels)))
    return chart


def _published_panel(panel: Panel) -> Panel:
    measured = {line.name for line in panel.measured}
    return replace(panel, published=tuple(line for line in panel.published if line.name not in measured))


def caption_of(chart: Chart) -> str:
    """How to read a chart, and what its grey marks are where it has some."""
    drawn = without_twice(chart)
    if isinstance(drawn, Dots):
        return f"{drawn.caption} {drawn.grey}" if drawn.published else drawn.caption
    if isinstance(drawn, Curves):
        return f"{drawn.caption} {drawn.grey}" if any(panel.published for panel in drawn.panels) else drawn.caption
    return drawn.caption


LEFT, GAP, BELOW = 46.0, 18.0, 44.0
"""Room left of panels for the values of y, between panels, and below them for those of x, in px."""

FEW = 2
"""Panels that have room to be large, whatever their figure says."""

NAMED_MOST = 6
"""Published curves that are named at their ends."""


@dataclass(frozen=True, slots=True)
class Frame:
    """A panel's place, and the way from values to places on the sheet; its axis of y ends at ``limit``."""

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
    panel_px = (width - LEFT - margin - GAP * (columns - 1)) / columns
    height = min(92.0, 0.75 * panel_px) if curves.small else min(300.0, max(190.0, 0.72 * panel_px))
    title_lines = max(len(_title(panel, panel_px)) for panel in curves.panels)
    title_px = 8.0 + LABEL_PX * title_lines if title_lines else 0.0
    label_px = LABEL_PX * (max(len(label_lines(panel.label, panel_px)) for panel in curves.panels) - 1)
    sheet.add(Text(0, top + 12, curves.label, "faint", SMALL_PX))
    top += 20 if curves.label else 4
    rows = -(-len(curves.panels) // columns)
    pitch = height + title_px + (30.0 if curves.small else BELOW + label_px) + 6
    for index, panel in enumerate(curves.panels):
        row, column = divmod(index, columns)
        frame = Frame(
            panel, LEFT + column * (panel_px + GAP), top + row * pitch + title_px, panel_px, height, curves.limit
        )
        _panel(sheet, frame, inks, first=column == 0, last=row == rows - 1 or not curves.small, beside=curves.beside)
        if margin and index == len(curves.panels) - 1:
            _names(sheet, frame)
    sheet.height = top + rows * pitch + (10 + label_px if curves.small else 0)
    return sheet


SMALL_PANEL_PX, PANEL_PX = 112.0, 160.0
"""Widths that a small panel and a large one have at least, with the room beside them."""


def _columns(curves: Curves, width: float) -> int:
    """Panels beside each other: of large ones as many in each row as in the others, or nearly."""
    if curves.small:
        return max(2, min(5, int((width - LEFT) / SMALL_PANEL_PX)))
    rows = -(-len(curves.panels) // max(1, int((width - LEFT) / PANEL_PX)))
    return -(-len(curves.panels) // rows)


def _title(panel: Panel, width: float) -> list[str]:
    """The title of a panel that wide, in two lines at most; of none no line."""
    fits = int(width / (TITLE_LETTER * SMALL_PX))
    lines = textwrap.wrap(panel.title, fits, break_on_hyphens=False)
    return lines if len(lines) <= 2 else [lines[0], formatting.shortened(" ".join(lines[1:]), fits)]


TITLE_LETTER = 0.61
"""Width of a bold letter of a title by its size, on average."""


def _margin(panel: Panel) -> float:
    """Room for the names of published curves, to the right of the last panel."""
    widths = [text_width(_short(line.name), SMALL_PX) for line in panel.published]
    return max(widths) + 8 if widths and len(widths) <= NAMED_MOST else 0.0


def _short(name: str) -> str:
    return formatting.shortened(name.removeprefix("resnext101_"), 18)


def _panel(sheet: Sheet, frame: Frame, inks: Inks, first: bool, last: bool, beside: str) -> None:
    panel = frame.panel
    for place, title in enumerate(reversed(_title(panel, frame.width))):
        sheet.add(Text(frame.left, frame.top - 7 - LABEL_PX * place, title, size=SMALL_PX, bold=True))
    for part in (0, 0.5, 1) if frame.height < 150 else (0, 0.25, 0.5, 0.75, 1):
        share = part * frame.limit
        y = frame.y(share)
        sheet.add(Stroke(((frame.left, y), (frame.left + frame.width, y)), "line"))
        if first:
            sign = " %" if part == 1 else ""
            sheet.add(Text(frame.left - 6, y + 4, f"{100 * share:g}{sign}", "faint", SMALL_PX, "end"))
    _ticks(sheet, frame)
    if last or (panel.label and not panel.title):
        label(sheet, frame.left + frame.width / 2, frame.top + frame.height + 34, panel.label, frame.width)
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
    for number, line in enumerate(panel.measured):
        if len(panel.ticks) == 2 and not panel.to_scale:
            _two_points(sheet, frame, line, inks, (number + 0.5) / len(panel.measured) - 0.5)
        else:
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


def _two_points(sheet: Sheet, frame: Frame, line: Line, inks: Inks, shift: float) -> None:
    """The marks of a model at the two values that were measured, each with its interval: between them lies nothing.

    Args:
        sheet: to draw on.
        frame: of the panel.
        line: of the model.
        inks: of the models.
        shift: how far it stands from the middle of all models, from -0.5 to 0.5.
    """
    ink, group = inks.ink(line.name), inks.group(line.name)
    names = dict(zip(frame.panel.ticks, frame.panel.names, strict=True))
    room = min(120.0, 0.3 * frame.width)
    for place, (at, value) in enumerate(zip(line.x, line.y, strict=True)):
        x = frame.x(at) + (room * (shift + 0.5) if at == frame.panel.ticks[0] else -room * (0.5 - shift))
        if line.low:
            ends = ((x, frame.y(line.low[place])), (x, frame.y(line.high[place])))
            sheet.add(Stroke(ends, ink, 1.8, dashed=bool(line.doubt and at)), group=group)
        doubt = f", {line.doubt}" if line.doubt and at else ""
        tip = f"{line.name}, {names.get(at, f'{at:.2g}')}: {100 * value:.1f} %{doubt}"
        sheet.add(inks.marker(line.name, (x, frame.y(value)), MARKER_PX, tip), group=group)


def _names(sheet: Sheet, frame: Frame) -> None:
    """The models of the thin lines, to the right of their ends, no two names upon each other."""
    lowest = 1e9
    for line in sorted(frame.panel.published, key=lambda line: line.y[-1]):
        y = min(frame.y(line.y[-1]) + 4, lowest - 13)
        lowest = y
        sheet.add(Text(frame.left + frame.width + 6, y, _short(line.name), "faint", SMALLEST_PX), group=PUBLISHED)


FEWEST_UNSAID = 3
"""Images up to which a mark says beside it how many it rests on."""

NEAR_PX = 14.0
"""Marks of a row that are no further apart say it together."""

MODEL_PX, CLOSE_PX, ROW_PX = 8.5, 6.0, 22.0
"""Heights of a model's part of a row, of it where rows are close, and of a row at least: equal values lie apart."""


@dataclass(frozen=True)
class Rows:
    """The places of rows and values."""

    dots: Dots
    left: float
    right: float
    top: float
    pitch: float

    def x(self, share: float) -> float:
        """A share, in px."""
        return self.left + (self.right - self.left) * min(max(share / self.dots.limit, 0.0), 1.0)

    @property
    def overall(self) -> float:
        """The middle of the row that stands for everything, higher than the others."""
        return self.top + 0.75 * self.pitch

    def y(self, row: int) -> float:
        """The middle of a row."""
        return self.top + (row + 2.0) * self.pitch

    def shift(self, index: int) -> float:
        """How far the model at that place stands from the middle."""
        count = len(self.dots.observers)
        return 0.84 * self.pitch * ((index + 0.5) / count - 0.5)


def draw_dots(dots: Dots, width: float, inks: Inks, titled: bool, most: float) -> Sheet:
    """The figure of some dots, that wide in px; the row that stands for everything is set apart on top."""
    sheet = Sheet(width)
    top = heading(sheet, dots.title) if titled else 0.0
    beside = [("people", "people")] if dots.people else []
    if dots.published:
        count = len(dots.published)
        beside.append((PUBLISHED, f"published: {count} models" if count > 1 else "published: one model"))
    top = legend(sheet, top, [each.name for each in dots.observers], inks, beside)
    top += 20 if any(dots.ends) else 4
    widths = (BOLD * len(dots.all_rows), *(0.56 * len(row) for row in dots.rows))
    whole_px = min(SMALLEST_PX * widths[0] + 11, 0.42 * width)  # the row of everything is named whole on a phone too
    left = min(12.5 * max(widths) + 14, max(0.36 * width, whole_px))
    models, room = len(dots.observers), width - left
    label_px = LABEL_PX * (len(label_lines(dots.label, room)) - 1)
    close = (most - top - 46 - label_px) / (len(dots.rows) + 1.5)
    pitch = max(ROW_PX, CLOSE_PX * models, min(MODEL_PX * models, close))
    rows = Rows(dots, left, width - 30, top, pitch)
    bottom = rows.y(len(dots.rows)) - 0.5 * rows.pitch
    _frame(sheet, rows, bottom)
    for observer in dots.published:
        _published(sheet, rows, observer)
    for index, observer in enumerate(dots.observers):
        _observer(sheet, rows, observer, index, inks)
    for row, name in enumerate(dots.rows):
        _counts(sheet, rows, row, name)
    if dots.people:
        _people(sheet, rows, dots.people, bottom)
    label(sheet, (left + width - 30) / 2, bottom + 38, dots.label, room)
    sheet.height = bottom + 46 + label_px
    return sheet


def _frame(sheet: Sheet, rows: Rows, bottom: float) -> None:
    dots, pitch = rows.dots, rows.pitch
    middles = [rows.overall, *(rows.y(row) for row in range(len(dots.rows)))]
    for row, (y, name) in enumerate(zip(middles, (dots.all_rows, *dots.rows), strict=True)):
        if row % 2 == 0:
            half = 0.75 * pitch if row == 0 else 0.5 * pitch
            corners = ((0, y - half), (sheet.width, y - half), (sheet.width, y + half), (0, y + half))
            sheet.add(Area(corners, "line", 0.75 if row == 0 else 0.35))
        letter = BOLD if row == 0 else 0.56
        size = max(SMALLEST_PX, min(12.5, (rows.left - 10) / (letter * max(1, len(name)))))
        short_name = formatting.shortened(name.replace("_", " "), int((rows.left - 10) / (letter * size)))
        sheet.add(Text(rows.left - 10, y + 4, short_name, size=size, anchor="end", bold=row == 0))
    for quarter in range(5):
        x = rows.x(dots.limit * quarter / 4)
        sheet.add(Stroke(((x, rows.top), (x, bottom)), "line"))
        value = dots.limit * quarter / 4
        label = f"{100 * value:.3g}" + (" %" if quarter == 4 else "") if dots.percent else f"{value:.3g}"
        sheet.add(Text(x, bottom + 18, label, "faint", SMALL_PX, "middle"))
    if any(dots.ends):
        narrow = sheet.width < 500
        sheet.add(Text(0 if narrow else rows.left, rows.top - 7, dots.ends[0], "faint", SMALL_PX))
        sheet.add(Text(rows.right, rows.top - 7, dots.ends[1], "faint", SMALL_PX, "end"))


def _observer(sheet: Sheet, rows: Rows, each: Observer, index: int, inks: Inks) -> None:
    group, shift = inks.group(each.name), rows.shift(index)
    for row, name in enumerate(rows.dots.rows):
        if (score := each.by_row.get(name)) is not None and score.value is not None:
            place = rows.x(score.value), rows.y(row) + shift
            if rows.dots.bars and score.interval:
                ends = ((rows.x(score.interval.low), place[1]), (rows.x(score.interval.high), place[1]))
                sheet.add(Stroke(ends, inks.ink(each.name), 1.6), group=group)
            tip = f"{each.name}: {_score_text(score, rows.dots.percent)}, n = {score.n:,}"
            sheet.add(inks.marker(each.name, place, MARKER_PX, tip), group=group)
    if each.overall is None or each.overall.value is None:
        return
    y = rows.overall + 1.3 * shift
    if each.overall.interval:
        ends = ((rows.x(each.overall.interval.low), y), (rows.x(each.overall.interval.high), y))
        sheet.add(Stroke(ends, inks.ink(each.name), 2.2), group=group)
    place = rows.x(each.overall.value), y
    sheet.add(
        inks.marker(each.name, place, LARGE_PX, f"{each.name}: {_score_text(each.overall, rows.dots.percent)}"),
        group=group,
    )


def _counts(sheet: Sheet, rows: Rows, row: int, name: str) -> None:
    """Write beside the marks of a row that rest on very few images on how many, once where marks stand together."""
    few = []
    for index, each in enumerate(rows.dots.observers):
        score = each.by_row.get(name)
        if score is not None and score.value is not None and 0 < score.n <= FEWEST_UNSAID:
            few.append((rows.x(score.value), rows.y(row) + rows.shift(index), score.n))
    groups: list[list[tuple[float, float, int]]] = []
    for mark in sorted(few):
        if groups and mark[0] - groups[-1][-1][0] <= NEAR_PX:
            groups[-1].append(mark)
        else:
            groups.append([mark])
    for group in groups:
        counts = sorted({n for _, _, n in group})
        text = f"n = {counts[0]}" + (f"–{counts[-1]}" if len(counts) > 1 else "")
        x, y = group[-1][0] + 7, sum(y for _, y, _ in group) / len(group)
        if x + text_width(text, SMALLEST_PX) > sheet.width:
            x = group[0][0] - 7 - text_width(text, SMALLEST_PX)
        sheet.add(Text(x, y + 4, text, "faint", SMALLEST_PX))


def _published(sheet: Sheet, rows: Rows, each: Observer) -> None:
    half = 0.38 * rows.pitch
    places = [(rows.y(row), each.by_row.get(name), name) for row, name in enumerate(rows.dots.rows)]
    for y, score, name in [(rows.overall, each.overall, rows.dots.all_rows), *places]:
        if score is not None and score.value is not None:
            x = rows.x(score.value)
            tip = f"{each.name}, published, {name}: {_score_text(score, rows.dots.percent)}"
            sheet.add(Stroke(((x, y - half), (x, y + half)), "published", 1.6, tip=tip), group=PUBLISHED)


def _people(sheet: Sheet, rows: Rows, people: People, bottom: float) -> None:
    x = rows.x(people.overall)
    sheet.add(Stroke(((x, rows.top), (x, bottom)), "people", 1.0, 0.5))
    for share in people.each:
        at = rows.x(share)
        sheet.add(Stroke(((at, rows.overall - 9), (at, rows.overall + 9)), "people", 1.0, 0.6))
    for row, name in enumerate(rows.dots.rows):
        if name in people.by_row:
            tip = f"people, {name}: {100 * people.by_row[name]:.1f} %"
            sheet.add(Symbol("diamond", (rows.x(people.by_row[name]), rows.y(row)), 5, "people", tip))
    sheet.add(Symbol("diamond", (x, rows.overall), 6, "people", f"people: {100 * people.overall:.1f} %"))


def _score_text(score: Score, percent: bool = True) -> str:
    assert score.value is not None
    scale, digits, sign = (100, 1, " %") if percent else (1, 2, "")
    bounds = (score.interval.low, score.interval.high) if score.interval else ()
    interval = f" ({'–'.join(f'{scale * bound:.{digits}f}' for bound in bounds)})" if bounds else ""
    return f"{scale * score.value:.{digits}f}{sign}{interval}"


CELL_WIDTH_PX, CELL_HEIGHT_PX, MATRIX_GAP = 34.0, 19.0, 22.0
"""Width and height of a cell, and the room between matrices."""

LEAST_WIDTH_PX, LEAST_HEIGHT_PX = 25.0, 15.0
"""Width and height of a cell at least: 100 stands in it."""

NAME_LEAST_PX = 118.0
"""Width that a name above a matrix of few columns has at least."""

LONGEST_HEAD = 18


@dataclass(frozen=True, slots=True)
class MatrixGrid:
    """The places of matrices, of which one of many columns is cut into several that stand beside each other.

    Attributes:
        heat: the figure.
        heads: a heading for each column, short.
        parts: of each matrix, the model's and the first and last but one of the columns of that part.
        left, top: where the first one begins.
        columns: matrices in a row.
        cell, height: width and height of a cell.
        wide: width of a matrix, or of the name above it.
        head: height of name and headings.
        turned: whether the headings run upwards.
    """

    heat: Heat
    heads: tuple[str, ...]
    parts: tuple[tuple[Layer, int, int], ...]
    left: float
    top: float
    columns: int
    cell: float
    height: float
    wide: float
    head: float
    turned: bool

    @classmethod
    def of(cls, heat: Heat, left: float, top: float, width: float, most: float) -> MatrixGrid:
        """The grid in that room, whose rows have equally many matrices, or nearly."""
        heads = tuple(formatting.shortened(head, LONGEST_HEAD) for head in heat.heads)
        count = max(1, len(heads))
        pieces = -(-count // max(1, int((width - left) / LEAST_WIDTH_PX)))
        size = -(-count // pieces)
        starts = range(0, count, size)
        parts = tuple((layer, start, min(start + size, count)) for layer in heat.layers for start in starts)
        is_named = any(layer.name for layer in heat.layers)
        least = max(LEAST_WIDTH_PX * size, NAME_LEAST_PX if is_named else 0.0)
        rows = -(-len(parts) // max(1, int((width - left + MATRIX_GAP) / (least + MATRIX_GAP))))
        columns = -(-len(parts) // rows)
        room = (width - left - MATRIX_GAP * (columns - 1)) / columns
        widest = max((text_width(head, SMALL_PX) for head in heads), default=0.0)
        turned = widest + 4 > room / size
        cell = min(room / size, CELL_WIDTH_PX if turned else max(CELL_WIDTH_PX, widest + 6))
        longest = max((BOLD * 12 * len(layer.name) for layer in heat.layers), default=0.0) + 24
        wide = max(cell * size, min(longest, room))
        head = 22.0 + (widest + 6 if turned else 16.0)
        height = ((most - top) / rows - head - MATRIX_GAP) / max(1, len(heat.rows))
        height = max(LEAST_HEIGHT_PX, min(CELL_HEIGHT_PX, height))
        return cls(heat, heads, parts, left, top, columns, cell, height, wide, head, turned)

    @property
    def pitch(self) -> float:
        """From a row of matrices to the next one."""
        return self.head + self.height * len(self.heat.rows) + MATRIX_GAP

    @property
    def bottom(self) -> float:
        """Where the last row ends."""
        return self.top + self.pitch * -(-len(self.parts) // self.columns)

    def place(self, index: int) -> tuple[float, float]:
        """The upper left corner of a matrix."""
        row, column = divmod(index, self.columns)
        return self.left + column * (self.wide + MATRIX_GAP), self.top + row * self.pitch


def draw_heat(heat: Heat, width: float, inks: Inks, titled: bool, most: float) -> Sheet:
    """The figure of some matrices, that wide in px."""
    sheet = Sheet(width)
    top = heading(sheet, heat.title) if titled else 0.0
    names = [name if name in inks.models else name.replace("_", " ") for name in heat.rows]
    left = max(text_width(name, 12.0) for name in (*names, heat.corner)) + 8
    grid = MatrixGrid.of(heat, min(left, 0.45 * width), top, width, most)
    for index in range(len(grid.parts)):
        if index % grid.columns == 0:
            _rows(sheet, grid, names, grid.place(index)[1])
        _matrix(sheet, grid, index, inks)
    sheet.height = grid.bottom
    return sheet


def _rows(sheet: Sheet, grid: MatrixGrid, names: list[str], top: float) -> None:
    sheet.add(Text(0, top + grid.head - 6, grid.heat.corner, "faint", SMALL_PX))
    fits = int((grid.left - 8) / (0.56 * 12))
    for row, name in enumerate(names):
        y = top + grid.head + grid.height * (row + 0.5) + 4
        sheet.add(Text(grid.left - 8, y, formatting.shortened(name, fits), size=12, anchor="end"))


def _matrix(sheet: Sheet, grid: MatrixGrid, index: int, inks: Inks) -> None:
    layer, start, end = grid.parts[index]
    left, top = grid.place(index)
    is_model = layer.name in inks.models
    group = inks.group(layer.name) if is_model else ""
    if is_model:
        sheet.add(inks.marker(layer.name, (left + 6, top + 9), 5), group=group)
    fits = max(12, int((grid.wide - 16) / (TITLE_LETTER * 12)))
    short_name = formatting.shortened_apart([each.name for each in grid.heat.layers], fits)[layer.name]
    sheet.add(Text(left + (16 if is_model else 0), top + 14, short_name, bold=True, size=12), group=group)
    for column, head in enumerate(grid.heads[start:end]):
        x, y = left + grid.cell * (column + 0.5), top + grid.head - 6
        upright = Text(x + 4, y, head, "faint", SMALL_PX, "start", turned=True)
        sheet.add(upright if grid.turned else Text(x, y, head, "faint", SMALL_PX, "middle"), group=group)
    for row, values in enumerate(layer.values):
        y = top + grid.head + grid.height * row
        cells = tuple(values[start:end])
        sheet.add(Band(left, y, grid.cell - CELL_GAP, grid.height - CELL_GAP, cells), group=group)
    bottom = top + grid.head - 2
    sheet.add(Stroke(((left, bottom), (left + grid.cell * (end - start), bottom)), "line"))


RUNG_PX, LADDER_NAME_PX, VALUE_PX = 20.0, SMALL_PX, 52.0
"""Height of a row, size of names, and room for values at the right."""

LIMITS = (0.2, 0.4, 0.6, 0.8, 1.0, 1.2, 1.6, 2.0)
"""Ends of the axis that can be cut in four round parts."""

LETTER = 0.68
"""Width of a letter of a name by its size, at most."""


@dataclass(frozen=True, slots=True)
class ValueAxis:
    """From values to places on the sheet."""

    left: float
    right: float
    limit: float

    def x(self, value: float) -> float:
        """A value, in px."""
        return self.left + (self.right - self.left) * min(max(value / self.limit, 0.0), 1.0)


def draw_ladder(ladder: Ladder, width: float, inks: Inks, titled: bool) -> Sheet:
    """The figure of a ladder, that wide in px."""
    sheet = Sheet(width)
    top = (heading(sheet, ladder.title) if titled else 0.0) + 4
    name_px = LETTER * LADDER_NAME_PX * max(len(rung.name) for rung in ladder.rungs) + 24
    scale = ValueAxis(min(name_px, 0.46 * width), width - VALUE_PX, _limit(ladder))
    bottom = top + RUNG_PX * len(ladder.rungs)
    ticks = 4 if scale.right - scale.left > 300 else 2
    for tick in range(ticks + 1):
        value = scale.limit * tick / ticks
        x = scale.x(value)
        sheet.add(Stroke(((x, top), (x, bottom)), "line"))
        sign = " %" if tick == ticks else ""
        sheet.add(Text(x, bottom + 16, f"{100 * value:.3g}{sign}", "faint", SMALL_PX, "middle"))
    sheet.add(Text((scale.left + scale.right) / 2, bottom + 34, ladder.label, "faint", SMALL_PX, "middle"))
    for place, rung in enumerate(ladder.rungs):
        y = top + RUNG_PX * (place + 0.5)
        if rung.published:
            sheet.add(*_published_rung(rung, scale, y), group=PUBLISHED)
        else:
            sheet.add(*_measured(rung, scale, y, inks), group=inks.group(rung.name))
    sheet.height = bottom + 42
    return sheet


def _limit(ladder: Ladder) -> float:
    """The end of the axis: the first of some round numbers above every value and interval."""
    ends = [rung.score.interval.high if rung.score.interval else _value(rung) for rung in ladder.rungs]
    return next((limit for limit in LIMITS if limit >= max(ends)), math.ceil(max(ends)))


def _published_rung(rung: Rung, scale: ValueAxis, y: float) -> list[Mark]:
    x = scale.x(_value(rung))
    return [
        _name(rung, scale, y, "faint"),
        Stroke(((scale.left, y), (x, y)), "line", 2.0),
        Stroke(((x, y - 6), (x, y + 6)), "published", 2.2),
        Text(scale.right + 10, y + 4, _rung_text(rung), "faint", LADDER_NAME_PX),
    ]


def _measured(rung: Rung, scale: ValueAxis, y: float, inks: Inks) -> list[Mark]:
    x, half, end = scale.x(_value(rung)), RUNG_PX / 2 - 1, scale.right + VALUE_PX
    band = Area(((0, y - half), (end, y - half), (end, y + half), (0, y + half)), inks.ink(rung.name), 0.12)
    marks: list[Mark] = [band, _name(rung, scale, y, "ink", bold=True)]
    if rung.score.interval:
        ends = ((scale.x(rung.score.interval.low), y), (scale.x(rung.score.interval.high), y))
        marks.append(Stroke(ends, inks.ink(rung.name), 2.4))
    value = Text(scale.right + 10, y + 4, _rung_text(rung), size=LADDER_NAME_PX, bold=True)
    return [*marks, inks.marker(rung.name, (x, y), LARGE_PX), value]


def _name(rung: Rung, scale: ValueAxis, y: float, ink: str, bold: bool = False) -> Text:
    fits = int((scale.left - 14) / (LETTER * LADDER_NAME_PX))
    return Text(scale.left - 10, y + 4, formatting.shortened(rung.name, fits), ink, LADDER_NAME_PX, "end", bold)


def _rung_text(rung: Rung) -> str:
    return formatting.number(_value(rung), rung.score.unit)


def _value(rung: Rung) -> float:
    assert rung.score.value is not None
    return rung.score.value


SHARES = (0.002, 0.01, 0.05, 0.1, 0.2, 0.3, 0.4, 0.5, 0.6, 0.7, 0.8, 0.9, 0.95, 0.98, 0.99)
"""Values that axes of log odds may be marked at."""

SCATTER_PX, MARGIN = 640.0, 0.06
"""Width of a figure of points at most, and what is left free at its ends, as a share of it."""

DOT_PX, GRAIN_PX = 2.0, 2.0
"""Width of a grey point; of those that lie within as much of each other one is drawn."""


@dataclass(frozen=True, slots=True)
class Odds:
    """An axis of log odds: shares from ``low`` to ``high`` stand from ``begin`` to ``end``, in px."""

    low: float
    high: float
    begin: float
    end: float

    @classmethod
    def over(cls, shares: Sequence[float], begin: float, end: float) -> Odds:
        """The axis that holds these shares, with a margin; the outermost stay within .1 and 99.9 %."""
        logits = [_log_odds(min(max(share, 0.001), 0.999)) for share in shares]
        free = MARGIN * (max(logits) - min(logits) or 1.0)
        return cls(min(logits) - free, max(logits) + free, begin, end)

    def at(self, share: float) -> float:
        """A share, in px; one beyond the axis stands at its end."""
        part = (_log_odds(min(max(share, 1e-6), 1 - 1e-6)) - self.low) / (self.high - self.low)
        return self.begin + (self.end - self.begin) * min(max(part, 0.0), 1.0)

    def holds(self, share: float) -> bool:
        """Whether a share lies on it."""
        return 0 < share < 1 and self.low <= _log_odds(share) <= self.high

    @property
    def ticks(self) -> list[float]:
        """The shares that it is marked at."""
        return [share for share in SHARES if self.holds(share)]


def _log_odds(share: float) -> float:
    return math.log(share / (1 - share))


def draw_scatter(scatter: Scatter, width: float, inks: Inks, titled: bool) -> Sheet:
    """The figure of models by two shares, that wide in px or less."""
    published = [(x, y) for x, y in scatter.published if 0 < x < 1 and 0 < y < 1]
    xs = [x for x, _ in published] + [share for spot in scatter.spots for share in _ends(spot.x)]
    ys = [y for _, y in published] + [share for spot in scatter.spots for share in _ends(spot.y)]
    xs += [x for trend in scatter.trends for x in trend.x]
    ys += [y for trend in scatter.trends for y in (*trend.low, *trend.high)]
    sheet = Sheet(width)
    top = heading(sheet, scatter.title) if titled else 0.0
    beside = [("points", scatter.beside)] if published else []
    beside += dict.fromkeys(("perfect" if trend.dashed else "trend", trend.name) for trend in scatter.trends)
    top = legend(sheet, top, [spot.name for spot in scatter.spots], inks, beside)
    sheet.add(Text(0, top + 12, scatter.label, "faint", SMALL_PX))
    top += 20
    right, bottom = min(width - 12, LEFT + SCATTER_PX), top + min(380.0, 0.62 * min(width, SCATTER_PX))
    across, up = Odds.over(xs, LEFT, right), Odds.over(ys, bottom, top)
    for share in up.ticks:
        y = up.at(share)
        sheet.add(Stroke(((LEFT, y), (right, y)), "line"))
        sheet.add(Text(LEFT - 6, y + 4, f"{100 * share:g}", "faint", SMALL_PX, "end"))
    for share in across.ticks:
        x = across.at(share)
        sheet.add(Stroke(((x, top), (x, bottom)), "line"))
        sheet.add(Text(x, bottom + 16, f"{100 * share:g}", "faint", SMALL_PX, "middle"))
    places = {
        (round(across.at(x) / GRAIN_PX) * GRAIN_PX, round(up.at(y) / GRAIN_PX) * GRAIN_PX)
        for x, y in published
        if across.holds(x) and up.holds(y)
    }
    if places:
        sheet.add(Cloud(tuple(sorted(places)), "published", DOT_PX), group=PUBLISHED)
    for trend in scatter.trends:
        _trend(sheet, trend, across, up)
    for spot in scatter.spots:
        _spot(sheet, spot, across, up, inks)
    sheet.add(Text((LEFT + right) / 2, bottom + 34, scatter.x_label, "faint", SMALL_PX, "middle"))
    sheet.height = bottom + 44
    return sheet


def _ends(score: Score) -> tuple[float, ...]:
    return (score.interval.low, score.interval.high) if score.interval else (score.value or 0.0,)


def _trend(sheet: Sheet, trend: Trend, across: Odds, up: Odds) -> None:
    high = [(across.at(x), up.at(y)) for x, y in zip(trend.x, trend.high, strict=True)]
    low = [(across.at(x), up.at(y)) for x, y in zip(trend.x, trend.low, strict=True)]
    sheet.add(Area((*high, *reversed(low)), "faint", BAND / 2 if trend.dashed else BAND))
    line = tuple((across.at(x), up.at(y)) for x, y in zip(trend.x, trend.y, strict=True))
    sheet.add(Stroke(line, "faint", 1.4, dashed=trend.dashed))


def _spot(sheet: Sheet, spot: Spot, across: Odds, up: Odds, inks: Inks) -> None:
    ink, group = inks.ink(spot.name), inks.group(spot.name)
    x, y = across.at(spot.x.value or 0.0), up.at(spot.y.value or 0.0)
    if spot.x.interval:
        ends = ((across.at(spot.x.interval.low), y), (across.at(spot.x.interval.high), y))
        sheet.add(Stroke(ends, ink, 1.6), group=group)
    if spot.y.interval:
        ends = ((x, up.at(spot.y.interval.low)), (x, up.at(spot.y.interval.high)))
        sheet.add(Stroke(ends, ink, 1.6), group=group)
    tip = f"{spot.name}: {_score_text(spot.x)} clean, {_score_text(spot.y)} shifted"
    sheet.add(inks.marker(spot.name, (x, y), LARGE_PX, tip), group=group)

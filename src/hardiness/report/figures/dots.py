"""Dots as a figure: a row for each thing, a marker for each model, people in red."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING, Any

from hardiness.core import Dots, Observer, People
from hardiness.report.figures.drawing import FAINT, HUMAN, INK, LINE, PAPER, colour, drawn, marker
from hardiness.report.figures.figure import Figure

if TYPE_CHECKING:
    from matplotlib.figure import Figure as Sheet

WIDTH_IN, AROUND_IN, ROW_IN, MODEL_IN, LEGEND_IN = 7.4, 1.5, 0.32, 0.092, 0.2
"""Sizes in inches: of the sheet, of all but rows, of a row at least, of a model's part of it, of a legend's line."""

CHARACTER_IN, LONGEST_NAME = 0.078, 56
"""About the width of a character in the legend, and how many it has room for."""

DODGE = 0.84
"""Share of a row over which the models' markers are spread, so that equal values lie one below the other."""

TOP = -1.6
"""The row of all stimuli, set apart from the categories' rows 0, 1, 2 …"""


def draw_dots(dots: Dots) -> Figure:
    """The figure of some dots; the row that stands for everything is set apart on top."""

    def paint(sheet: Sheet) -> None:
        axes = sheet.add_subplot()
        _frame(axes, dots)
        for index, each in enumerate(dots.observers):
            _observer(axes, each, index, dots)
        if dots.people:
            _people(axes, dots.people, dots.rows)
        axes.legend(loc="lower left", bbox_to_anchor=(-0.012, 1.03), ncols=columns, handletextpad=0.2)
        sheet.suptitle(dots.title, x=0.015, ha="left", fontsize=15, fontweight="bold", color=INK)

    models = len(dots.observers)
    columns = _legend_columns([_shortened(each.name) for each in dots.observers])
    legend = -(-(models + bool(dots.people)) // columns)
    rows = len(dots.rows) + 1.6
    height = AROUND_IN + rows * max(ROW_IN, MODEL_IN * models) + LEGEND_IN * legend
    return drawn(dots.name, dots.title, dots.caption, (WIDTH_IN, height), paint)


def _shortened(name: str) -> str:
    """The name, or its beginning and end where it is too long for the legend."""
    half = LONGEST_NAME // 2
    return name if len(name) <= LONGEST_NAME else f"{name[:half]}…{name[1 - half :]}"


def _legend_columns(names: Sequence[str]) -> int:
    """How many names fit side by side: one to three."""
    widest = 0.6 + CHARACTER_IN * max(map(len, names))
    return max(1, min(3, int((WIDTH_IN - 1.2) / widest)))


def _frame(axes: Any, dots: Dots) -> None:
    """Rows from top to bottom: everything on a band, then the rows, every other on a fainter one."""
    names = [name.replace("_", " ") for name in dots.rows]
    axes.set_yticks([TOP, *range(len(names))], [dots.all_rows, *names])
    axes.get_yticklabels()[0].set_fontweight("bold")
    axes.set_ylim(len(names) - 0.5, TOP - 0.75)
    axes.set_xlim(-0.03, 1.03)
    axes.set_xticks([0, 0.25, 0.5, 0.75, 1], ["0", "25", "50", "75", "100 %"])
    axes.tick_params(length=0, pad=6)
    axes.axhspan(TOP - 0.75, TOP + 0.75, color=LINE, alpha=0.55, linewidth=0, zorder=0)
    for row in range(0, len(names), 2):
        axes.axhspan(row - 0.5, row + 0.5, color=LINE, alpha=0.25, linewidth=0, zorder=0)
    axes.grid(axis="x")
    axes.axvline(0.5, color=FAINT, linewidth=0.8, alpha=0.6, zorder=0.5)
    axes.spines[["left", "bottom"]].set_visible(False)
    axes.set_xlabel(dots.label)
    for x, side, text in ((0, "left", dots.ends[0]), (1, "right", dots.ends[1])):
        axes.text(x, 1.008, text, transform=axes.transAxes, ha=side, va="bottom", color=FAINT, fontsize=8.5)


def _observer(axes: Any, each: Observer, index: int, dots: Dots) -> None:
    shift = DODGE * ((index + 0.5) / len(dots.observers) - 0.5)
    style = {"color": colour(index), "marker": marker(index), "markeredgecolor": PAPER}
    rows = [(row, each.by_row[name]) for row, name in enumerate(dots.rows) if name in each.by_row]
    axes.plot(
        [score.value for _, score in rows],
        [row + shift for row, _ in rows],
        linestyle="none",
        markersize=6,
        markeredgewidth=0.5,
        label=_shortened(each.name),
        clip_on=False,
        **style,
    )
    if each.overall is None:
        return
    place = TOP + 1.35 * shift
    if each.overall.interval:
        ends = [each.overall.interval.low, each.overall.interval.high]
        axes.plot(ends, [place] * 2, color=style["color"], linewidth=1.6, solid_capstyle="round", clip_on=False)
    axes.plot(each.overall.value, place, markersize=7.5, markeredgewidth=0.7, clip_on=False, **style)


def _people(axes: Any, people: People, rows: Sequence[str]) -> None:
    known = [(row, people.by_row[name]) for row, name in enumerate(rows) if name in people.by_row]
    style = {"color": HUMAN, "marker": "D", "markeredgecolor": PAPER, "clip_on": False}
    axes.plot(
        [value for _, value in known],
        [row for row, _ in known],
        linestyle="none",
        markersize=6.5,
        markeredgewidth=0.5,
        label="humans",
        **style,
    )
    each = people.each
    axes.plot(each, [TOP] * len(each), linestyle="none", marker="|", markersize=13, color=HUMAN, alpha=0.6, zorder=1.5)
    axes.axvline(people.overall, color=HUMAN, linewidth=0.9, alpha=0.45, zorder=0.6)
    axes.plot(people.overall, TOP, markersize=8.5, markeredgewidth=0.7, **style)

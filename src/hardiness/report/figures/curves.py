"""Curves as a figure: panels side by side, models in colour with their intervals, published curves thin and grey."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from hardiness.core import Curves, Panel
from hardiness.report.figures.drawing import FAINT, INK, PAPER, colour, drawn, marker
from hardiness.report.figures.figure import Figure

if TYPE_CHECKING:
    from matplotlib.figure import Figure as Sheet

SIZE_IN = (7.6, 4.1)
NAME_GAP = 0.042
"""Least distance between the names of two published curves, as a share of the axis."""


def draw_curves(curves: Curves) -> Figure:
    """The figure of some curves; values of x stand at equal distances."""

    def paint(sheet: Sheet) -> None:
        axes = sheet.subplots(1, len(curves.panels), sharey=True, squeeze=False)[0]
        for position, (each, panel) in enumerate(zip(axes, curves.panels, strict=True)):
            _draw(each, panel)
            if position == len(curves.panels) - 1:
                _name_published(each, panel)
        axes[0].set_yticks([0, 0.25, 0.5, 0.75, 1], ["0", "25", "50", "75", "100 %"])
        handles, labels = axes[0].get_legend_handles_labels()
        sheet.legend(handles, labels, loc="outside lower left", ncols=3, handletextpad=0.5, columnspacing=1.6)
        sheet.suptitle(curves.heading, x=0.015, ha="left", fontsize=14, fontweight="bold", color=INK)

    return drawn(curves.name, curves.title, curves.caption, SIZE_IN, paint)


def _draw(axes: Any, panel: Panel) -> None:
    place = {x: position for position, x in enumerate(panel.ticks)}
    for line in panel.published:
        known = [(place[x], y) for x, y in zip(line.x, line.y, strict=True) if x in place]
        axes.plot(*zip(*known, strict=True), color=FAINT, linewidth=0.9, alpha=0.65, zorder=1)
    for index, line in enumerate(panel.measured):
        x = [place[value] for value in line.x]
        axes.fill_between(x, line.low, line.high, color=colour(index), alpha=0.14, linewidth=0, zorder=2)
        axes.plot(
            x,
            line.y,
            color=colour(index),
            marker=marker(index),
            markersize=5.5,
            markeredgecolor=PAPER,
            markeredgewidth=0.5,
            linewidth=1.7,
            label=line.name,
            zorder=3,
            clip_on=False,
        )
    axes.set_xticks(range(len(panel.ticks)), panel.names)
    axes.set_ylim(-0.02, 1.02)
    axes.grid(axis="y")
    axes.tick_params(length=0, pad=5)
    axes.spines[["left", "bottom"]].set_visible(False)
    axes.set_xlabel(panel.label)


def _name_published(axes: Any, panel: Panel) -> None:
    """The models of the thin lines, to the right of their ends, no two names upon each other."""
    place, height = len(panel.ticks) - 0.85, -1.0
    for line in sorted(panel.published, key=lambda line: line.y[-1]):
        height = max(line.y[-1], height + NAME_GAP)
        axes.text(place, height, line.name.removeprefix("resnext101_"), color=FAINT, fontsize=7, va="center")

"""Shape bias by category: a marker for each model, people in red."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from hardiness.core import Condition, Result, Score
from hardiness.reference import Humans
from hardiness.report.figures.drawing import FAINT, HUMAN, INK, LINE, PAPER, colour, drawn, marker
from hardiness.report.figures.registry import Figure, registry
from hardiness.report.tables import name_of
from hardiness.report.yardstick import people_beside

if TYPE_CHECKING:
    from matplotlib.figure import Figure as Sheet

TITLE = "Shape or texture?"
WIDTH_IN, AROUND_IN, ROW_IN, MODEL_IN, LEGEND_IN = 7.4, 1.5, 0.32, 0.092, 0.2
"""Sizes in inches: of the sheet, of all but rows, of a row at least, of a model's part of it, of a legend's line."""

CHARACTER_IN, LONGEST_NAME = 0.078, 56
"""About the width of a character in the legend, and how many it has room for."""

DODGE = 0.84
"""Share of a row over which the models' markers are spread, so that equal values lie one below the other."""

TOP = -1.6
"""The row of all stimuli, set apart from the categories' rows 0, 1, 2 …"""

METRIC = "shape_bias"


@dataclass(frozen=True)
class Series:
    """One model: its name, its place in the legend, its score over all stimuli, and those by category."""

    name: str
    index: int
    overall: Score | None
    by_category: Mapping[str, Score]


@registry.add("cue_conflict")
def shape_bias(results: Sequence[Result]) -> list[Figure]:
    """Shape bias over all stimuli and by the shape's category, under the headline's protocol.

    Source: the plot of Geirhos et al. (2019), arXiv:1811.12231, figure 4.
    Differs: shape is on the right, categories are in the order of the models' bias, and models are side by side.
    """
    protocol = results[0].protocol
    models = [_series(result, protocol, index) for index, result in enumerate(results)]
    categories = _ordered(models)
    if not categories:
        return []
    people = people_beside(results[0])
    caption = (
        "Of the answers that name one of the two cues, the share that names the shape "
        f"(protocol {protocol}; lines are 95 % intervals). Without a marker a model answered neither cue."
    )
    if people:
        caption += f" Humans: {people.observers} people, each a line, on the 1,200 published stimuli."

    def paint(sheet: Sheet) -> None:
        axes = sheet.add_subplot()
        _frame(axes, categories)
        for each in models:
            _model(axes, each, categories, len(models))
        if people:
            _humans(axes, people, categories)
        axes.legend(loc="lower left", bbox_to_anchor=(-0.012, 1.03), ncols=columns, handletextpad=0.2)
        sheet.suptitle(TITLE, x=0.015, ha="left", fontsize=15, fontweight="bold", color=INK)

    columns = _legend_columns([each.name for each in models])
    legend = -(-(len(models) + bool(people)) // columns)
    rows = len(categories) + 1.6
    height = AROUND_IN + rows * max(ROW_IN, MODEL_IN * len(models)) + LEGEND_IN * legend
    return [drawn(METRIC, TITLE, caption, (WIDTH_IN, height), paint)]


def _series(result: Result, protocol: str, index: int) -> Series:
    found = {score.condition: score for score in result.scores if score.metric == METRIC and score.value is not None}
    overall = found.get(Condition(protocol=protocol))
    by_category = {
        condition["category"]: score
        for condition, score in found.items()
        if condition.get("protocol") == protocol and "category" in condition
    }
    return Series(_shortened(name_of(result)), index, overall, by_category)


def _shortened(name: str) -> str:
    """The name, or its beginning and end where it is too long for the legend."""
    half = LONGEST_NAME // 2
    return name if len(name) <= LONGEST_NAME else f"{name[:half]}…{name[1 - half :]}"


def _legend_columns(names: Sequence[str]) -> int:
    """How many names fit side by side: one to three."""
    widest = 0.6 + CHARACTER_IN * max(map(len, names))
    return max(1, min(3, int((WIDTH_IN - 1.2) / widest)))


def _ordered(models: Sequence[Series]) -> list[str]:
    """Categories by the mean of the models' bias, the one nearest to shape first."""
    values: dict[str, list[float]] = {}
    for each in models:
        for category, score in each.by_category.items():
            assert score.value is not None
            values.setdefault(category, []).append(score.value)
    return sorted(values, key=lambda category: (-sum(values[category]) / len(values[category]), category))


def _frame(axes: Any, categories: Sequence[str]) -> None:
    """Rows from top to bottom: all stimuli on a band, then the categories, every other on a fainter one."""
    axes.set_yticks([TOP, *range(len(categories))], ["all stimuli", *(name.replace("_", " ") for name in categories)])
    axes.get_yticklabels()[0].set_fontweight("bold")
    axes.set_ylim(len(categories) - 0.5, TOP - 0.75)
    axes.set_xlim(-0.03, 1.03)
    axes.set_xticks([0, 0.25, 0.5, 0.75, 1], ["0", "25", "50", "75", "100 %"])
    axes.tick_params(length=0, pad=6)
    axes.axhspan(TOP - 0.75, TOP + 0.75, color=LINE, alpha=0.55, linewidth=0, zorder=0)
    for row in range(0, len(categories), 2):
        axes.axhspan(row - 0.5, row + 0.5, color=LINE, alpha=0.25, linewidth=0, zorder=0)
    axes.grid(axis="x")
    axes.axvline(0.5, color=FAINT, linewidth=0.8, alpha=0.6, zorder=0.5)
    axes.spines[["left", "bottom"]].set_visible(False)
    axes.set_xlabel("shape bias")
    for x, side, text in ((0, "left", "← answers by texture"), (1, "right", "answers by shape →")):
        axes.text(x, 1.008, text, transform=axes.transAxes, ha=side, va="bottom", color=FAINT, fontsize=8.5)


def _model(axes: Any, model: Series, categories: Sequence[str], models: int) -> None:
    shift = DODGE * ((model.index + 0.5) / models - 0.5)
    style = {"color": colour(model.index), "marker": marker(model.index), "markeredgecolor": PAPER}
    rows = [(row, model.by_category[name]) for row, name in enumerate(categories) if name in model.by_category]
    axes.plot(
        [score.value for _, score in rows],
        [row + shift for row, _ in rows],
        linestyle="none",
        markersize=6,
        markeredgewidth=0.5,
        label=model.name,
        clip_on=False,
        **style,
    )
    if model.overall is None:
        return
    place = TOP + 1.35 * shift
    if model.overall.interval:
        ends = [model.overall.interval.low, model.overall.interval.high]
        axes.plot(ends, [place] * 2, color=style["color"], linewidth=1.6, solid_capstyle="round", clip_on=False)
    axes.plot(model.overall.value, place, markersize=7.5, markeredgewidth=0.7, clip_on=False, **style)


def _humans(axes: Any, people: Humans, categories: Sequence[str]) -> None:
    known = [(row, people.categories[name]) for row, name in enumerate(categories) if name in people.categories]
    style = {"color": HUMAN, "marker": "D", "markeredgecolor": PAPER, "clip_on": False}
    axes.plot(
        [counts.shape_bias for _, counts in known],
        [row for row, _ in known],
        linestyle="none",
        markersize=6.5,
        markeredgewidth=0.5,
        label="humans",
        **style,
    )
    each = list(people.shape_bias_by_observer.values())
    axes.plot(each, [TOP] * len(each), linestyle="none", marker="|", markersize=13, color=HUMAN, alpha=0.6, zorder=1.5)
    overall = people.overall.shape_bias
    axes.axvline(overall, color=HUMAN, linewidth=0.9, alpha=0.45, zorder=0.6)
    axes.plot(overall, TOP, markersize=8.5, markeredgewidth=0.7, **style)

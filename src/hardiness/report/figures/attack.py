"""Accuracy under attack, against steps and against epsilon, beside the published curves."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from hardiness.core import Result, Score, epsilon_text
from hardiness.reference import published_series
from hardiness.report.figures.drawing import FAINT, INK, PAPER, colour, drawn, marker
from hardiness.report.figures.registry import Figure, registry
from hardiness.report.format import sweep
from hardiness.report.tables import name_of

if TYPE_CHECKING:
    from matplotlib.figure import Figure as Sheet

TITLE = "Accuracy under attack"
SIZE_IN = (7.6, 4.1)
NAME_GAP = 0.042
"""Least distance between the names of two published curves, as a share of the axis."""

PUBLISHED_PROTOCOL = "orhan2019"


@dataclass(frozen=True)
class Line:
    """One model's curve: x, accuracy, and the interval of each point where it has one."""

    name: str
    x: tuple[float, ...]
    y: tuple[float, ...]
    low: tuple[float, ...] = ()
    high: tuple[float, ...] = ()


@dataclass(frozen=True)
class Panel:
    """One pair of axes: what x is, the curves, and the values of x, drawn at equal distances, with their names."""

    label: str
    ours: Sequence[Line]
    theirs: Sequence[Line]
    ticks: Sequence[float]
    names: Sequence[str]


@registry.add("attack")
def accuracy_under_attack(results: Sequence[Result]) -> list[Figure]:
    """A curve for each model over steps, where they were recorded, and one over epsilons.

    Source: Orhan (2019), arXiv:1907.07640, its figures of white-box and black-box accuracy; published values from
    `hardiness.reference`.
    """
    panels = [panel for panel in (_steps(results), _epsilons(results)) if panel]
    if not panels:
        return []
    published = any(panel.theirs for panel in panels)
    caption = (
        "Share of images that are classified rightly; bands are 95 % intervals, the first point is without attack."
    )
    if published:
        caption += " Thin grey lines: the five ResNeXts as published, on ImageNet's validation set."

    def paint(sheet: Sheet) -> None:
        axes = sheet.subplots(1, len(panels), sharey=True, squeeze=False)[0]
        for position, (each, panel) in enumerate(zip(axes, panels, strict=True)):
            _draw(each, panel)
            if position == len(panels) - 1:
                _name_published(each, panel)
        axes[0].set_yticks([0, 0.25, 0.5, 0.75, 1], ["0", "25", "50", "75", "100 %"])
        handles, labels = axes[0].get_legend_handles_labels()
        sheet.legend(handles, labels, loc="outside lower left", ncols=3, handletextpad=0.5, columnspacing=1.6)
        sheet.suptitle(_title(results), x=0.015, ha="left", fontsize=14, fontweight="bold", color=INK)

    return [drawn("accuracy_under_attack", TITLE, caption, SIZE_IN, paint)]


def _title(results: Sequence[Result]) -> str:
    surrogate = results[0].run.surrogate.model if results[0].run.surrogate else None
    return f"{TITLE} made on {surrogate}" if surrogate else TITLE


def _steps(results: Sequence[Result]) -> Panel | None:
    """The panel of the epsilon with most numbers of steps, of such the one most models were attacked at."""
    counted: dict[float, int] = {}
    for result in results:
        for score in _accuracies(result):
            if "surrogate" not in score.condition:
                counted[score.condition["epsilon"]] = counted.get(score.condition["epsilon"], 0) + 1
    usual = [
        epsilon for epsilon, points in counted.items() if points == max(counted.values()) and points > len(results)
    ]
    if not usual:
        return None
    epsilon = usual[len(usual) // 2]
    ours = [
        _line(result, [s for s in _accuracies(result) if s.condition["epsilon"] == epsilon], "steps")
        for result in results
    ]
    theirs = _published(results, lambda at: at.get("epsilon") == epsilon and "surrogate" not in at, "steps")
    marks = sorted({x for line in (*ours, *theirs) for x in line.x})
    return Panel(f"steps, at ε {epsilon_text(epsilon)}", ours, theirs, marks, [f"{mark:g}" for mark in marks])


def _epsilons(results: Sequence[Result]) -> Panel | None:
    swept = [sweep(result.scores) for result in results]
    if max(map(len, swept)) < 2:
        return None
    steps = next(scores[0].condition.get("steps") for scores in swept if scores)
    surrogate = results[0].run.surrogate.model if results[0].run.surrogate else None
    ours = [_line(result, scores, "epsilon") for result, scores in zip(results, swept, strict=True)]
    theirs = _published(results, lambda at: at.get("steps") == steps and at.get("surrogate") == surrogate, "epsilon")
    marks = sorted({x for line in ours for x in line.x})
    named = [epsilon_text(mark) if mark else "0" for mark in marks]
    return Panel(f"ε, at {steps} steps", ours, theirs, marks, named)


def _accuracies(result: Result) -> list[Score]:
    """Accuracies by epsilon and steps, and no others: not those at the budget that must break everything."""
    return [
        s for s in result.scores if s.metric == "accuracy" and "group" not in s.condition and "steps" in s.condition
    ]


def _line(result: Result, scores: Sequence[Score], key: str) -> Line:
    clean = [score for score in result.scores if score.metric == "clean_accuracy"]
    points = [(0.0, score) for score in clean] + [(float(score.condition[key]), score) for score in scores]
    known = sorted(((x, s) for x, s in points if s.value is not None and s.interval), key=lambda point: point[0])
    return Line(
        name_of(result),
        tuple(x for x, _ in known),
        tuple(s.value for _, s in known if s.value is not None),
        tuple(s.interval.low for _, s in known if s.interval),
        tuple(s.interval.high for _, s in known if s.interval),
    )


def _published(results: Sequence[Result], wanted: Any, key: str) -> list[Line]:
    if results[0].protocol != PUBLISHED_PROTOCOL:
        return []
    lines = []
    for model, rows in published_series(results[0].benchmark, "accuracy").items():
        points = sorted((float(row.condition[key]), row.value) for row in rows if wanted(row.condition))
        if len(points) > 1:
            lines.append(Line(model, tuple(x for x, _ in points), tuple(y for _, y in points)))
    return lines


def _draw(axes: Any, panel: Panel) -> None:
    place = {x: position for position, x in enumerate(panel.ticks)}
    for line in panel.theirs:
        known = [(place[x], y) for x, y in zip(line.x, line.y, strict=True) if x in place]
        axes.plot(*zip(*known, strict=True), color=FAINT, linewidth=0.9, alpha=0.65, zorder=1)
    for index, line in enumerate(panel.ours):
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
    for line in sorted(panel.theirs, key=lambda line: line.y[-1]):
        height = max(line.y[-1], height + NAME_GAP)
        axes.text(place, height, line.name.removeprefix("resnext101_"), color=FAINT, fontsize=7, va="center")

"""A ladder of exports as a table of text."""

from __future__ import annotations

import math
from collections.abc import Iterator, Sequence
from typing import Any

from hardiness.core.result import IN_PERCENT, TextTable
from hardiness.core.spread import Interval
from hardiness.report.words import line, with_texts
from hardiness.results.ladder import ExportLadder, LadderStep, StepPart
from hardiness.statistics.verdicts import EQUIVALENCE_LEVEL

HEADS = ("step", "under", "answers change, %", "harmful, %", "helpful, %", "score", "before → after", "change", "95 %")


def ladder_view(ladder: ExportLadder) -> TextTable:
    """A row for each step and part: answers that change, harmful and helpful ones, the score, and the verdict."""
    judged = [part for step in ladder.steps for part in step.parts if part.margin is not None]
    rows = tuple(_row(step, part, bool(judged)) for step in ladder.steps for part in step.parts)
    heads: tuple[str, ...] = HEADS
    if judged:
        heads = (*HEADS, f"equivalent within {_margin(judged[0])}?\n90 %{_allowing(judged)}")
    notes = (
        *(f"{step.first} → {step.second}: {each}" for step in ladder.steps for each in step_lines(step)),
        *ladder.notes,
        "harmful: right before, wrong after; helpful: the reverse; all: all conditions but clean, if there are others",
    )
    return TextTable(ladder.heading, heads, rows, named=2, notes=notes)


def ladder_json(ladder: ExportLadder) -> dict[str, Any]:
    """The JSON form of a ladder, with the texts of its facts."""
    return with_texts(ladder)  # type: ignore[no-any-return]


def step_lines(step: LadderStep) -> list[str]:
    """A step in sentences, and its notes."""
    return [*step.sentences(), *map(line, step.notes)]


def step_view(step: LadderStep) -> TextTable:
    """The parts of one step, in a table that fits 80 columns."""
    judged = next((part for part in step.parts if part.margin is not None), None)
    heads: tuple[str, ...] = ("under", "answers changed\n(harmful, helpful)", "score, %", "change\n95 %")
    if judged:
        heads = (*heads, f"within {_margin(judged)}?\n90 %{_allowing([judged])}")
    return TextTable("", heads, tuple(_short_row(part) for part in step.parts))


def _short_row(part: StepPart) -> tuple[str, ...]:
    scale, flips = _scale(part.unit), part.flips
    answers = ""
    if flips:
        shares = (flips.changed, flips.negative.number, flips.positive.number)
        answers = "{:.1f}\n({:.1f}, {:.1f})".format(*(100 * share for share in shares))
    change = "" if math.isnan(part.difference.value) else f"{scale * part.difference.value:+z.2f}"
    ends = _ends(part.difference.interval, scale)
    cells = (
        part.name.replace("_", " ") or part.title,
        answers,
        f"{_value(part.after, scale)}\nfrom {_value(part.before, scale)}",
        f"{change}\n{ends}".strip(),
    )
    return cells if part.margin is None else (*cells, _verdict(part))


def step_heading(step: LadderStep) -> str:
    """The step and its pictures, in a line."""
    return f"{step.first} → {step.second}" + (f", {step.n:,} images" if step.n else "")


def _margin(part: StepPart) -> str:
    """The margin in the unit of a part."""
    return f"{_scale(part.unit) * (part.margin or 0.0):.3g}{' points' if part.unit in IN_PERCENT else ''}"


def _allowing(parts: Sequence[StepPart]) -> str:
    """What an interval of a verdict holds beside the change that was seen."""
    allows = any(part.difference.spread and part.difference.spread.allows_for_unseen for part in parts)
    return ", allowing for\nunseen losses" if allows else ""


def _verdict(part: StepPart) -> str:
    """Whether a part is equivalent within its margin, and the interval that decides; empty without a margin."""
    spread = part.difference.spread
    ends = _ends(spread.deciding_ends(EQUIVALENCE_LEVEL) if spread else None, _scale(part.unit))
    return f"{part.outcome or ''}\n{ends}".rstrip() if part.margin is not None else ""


def _row(step: LadderStep, part: StepPart, judged: bool) -> tuple[str, ...]:
    scale = _scale(part.unit)
    shares: Iterator[float] = iter(())
    if part.flips:
        shares = iter((part.flips.changed, part.flips.negative.number, part.flips.positive.number))
    changed = [f"{100 * share:.1f}" for share in shares] or ["", "", ""]
    cells = (
        f"{step.first} → {step.second}",
        part.name.replace("_", " ") or "all",
        *changed,
        part.title,
        f"{_value(part.before, scale)} → {_value(part.after, scale)}",
        "" if math.isnan(part.difference.value) else f"{scale * part.difference.value:+z.2f}",
        _ends(part.difference.interval, scale) or part.difference.reason or "",
    )
    return (*cells, _verdict(part)) if judged else cells


def _scale(unit: str) -> float:
    return 100.0 if unit in IN_PERCENT else 1.0


def _value(value: float, scale: float) -> str:
    return "undefined" if math.isnan(value) else f"{scale * value:.2f}"


def _ends(interval: Interval | None, scale: float) -> str:
    return f"{scale * interval.low:+z.2f} … {scale * interval.high:+z.2f}" if interval else ""

"""A ladder of exports as a table of text."""

from __future__ import annotations

import math
from collections.abc import Iterator, Sequence
from typing import Any

from hardiness.core.result import IN_PERCENT, TextTable
from hardiness.core.spread import Interval
from hardiness.report.equivalence import verdict_text
from hardiness.report.words import line, text, with_texts
from hardiness.results.flips import PairFlips
from hardiness.results.ladder import ExportLadder, LadderStep, StepPart
from hardiness.statistics.flips import Flips
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
    return [*_sentences(step), *map(line, step.notes)]


def _sentences(step: LadderStep) -> Iterator[str]:
    """The step in sentences: answers, score, verdict, and what differs; its notes come below."""
    headline = next(iter(step.parts), None)
    if step.flips is not None:
        yield _answers(step.flips, headline.flips if headline else None)
    if headline is not None:
        yield _score_change(headline)
    if headline is not None and headline.margin is not None:
        yield verdict_text(headline.difference, headline.margin, headline.title, headline.unit)
    if step.resize is not None:
        yield step.resize.sentence
    if step.changes:
        yield f"what differs: {'; '.join(step.changes)}"


def _answers(flips: PairFlips, overall: Flips | None) -> str:
    """How many answers change, in words."""
    if flips.has_equal_answers:
        return "no answer changes"
    flipped = overall or flips.overall
    changed, harmful, helpful = (
        100 * share for share in (flipped.changed, flipped.negative.number, flipped.positive.number)
    )
    told = (
        f"{changed:.1f} % of answers change: {harmful:.1f} % are harmful (right before, wrong after), {helpful:.1f} % "
        "helpful (the reverse)"
    )
    if flips.clean:
        told += f"; of clean pictures {100 * flips.clean.changed:.1f} % change"
    return told


def _score_change(part: StepPart) -> str:
    """How a score changes, in words."""
    scale = 100.0 if part.unit in IN_PERCENT else 1.0
    if math.isnan(part.difference.value):
        return f"{part.title} is undefined"
    told = f"{part.title} {scale * part.before:.2f} → {scale * part.after:.2f}, {scale * part.difference.value:+z.2f}"
    interval = part.difference.interval
    if interval is None:
        return f"{told} (no interval: {text(part.difference.lack)})"
    return f"{told} (95 %: {scale * interval.low:+z.2f} … {scale * interval.high:+z.2f})"


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
        _ends(part.difference.interval, scale) or text(part.difference.lack),
    )
    return (*cells, _verdict(part)) if judged else cells


def _scale(unit: str) -> float:
    return 100.0 if unit in IN_PERCENT else 1.0


def _value(value: float, scale: float) -> str:
    return "undefined" if math.isnan(value) else f"{scale * value:.2f}"


def _ends(interval: Interval | None, scale: float) -> str:
    return f"{scale * interval.low:+z.2f} … {scale * interval.high:+z.2f}" if interval else ""

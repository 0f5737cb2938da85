"""The first screen of a page, ready to be drawn: title, chart, verdicts, next command."""

from __future__ import annotations

import json
import re
import shlex
from collections.abc import Sequence
from dataclasses import dataclass

from hardiness.benchmarks.accuracy_warnings import is_part
from hardiness.core.result import Result
from hardiness.report.commands import command_for_models, model_as_typed
from hardiness.report.first_screen import (
    SHOWN_MOST,
    ScreenColumn,
    Verdict,
    foot_of,
    lead_of,
    title_of,
    verdict_of,
)
from hardiness.report.gate import GateTable
from hardiness.report.marks import has_random_weights, is_demo_sized
from hardiness.report.screen_columns import begun_order, screen_columns
from hardiness.report.sections import BenchmarkSection

BESIDE_MOST = 4
"""Columns that stand beside each other; of more, rows of three."""

RANDOM_FOOT = "Random weights: their answers mean nothing."
"""The line on networks that nobody trained, which are marked beside their names."""

MORE = 4
"""How many times as many photographs the next command takes: they halve an interval."""


@dataclass(frozen=True)
class FirstScreen:
    """All that a reader sees before scrolling.

    Attributes:
        about: what was evaluated, in a line.
        marks: what is amiss with all of it, a word or two each.
        gates: the verdict of each gate, a sentence with its outcome.
        title: the sure result.
        lead: by how much.
        models: in the order of the rows.
        charts: columns beside each other, with the verdict of each.
        foot: the legend and what to know of single models.
        next_step: why to go on, and with which command.
        begun: the models in the order in which their runs were first begun.
        random_weights: the models that nobody trained.
    """

    about: str
    marks: tuple[str, ...]
    gates: tuple[tuple[str, str], ...]
    title: str
    lead: str
    models: tuple[str, ...]
    charts: tuple[tuple[tuple[ScreenColumn, Verdict], ...], ...]
    foot: tuple[str, ...]
    next_step: tuple[str, str]
    begun: tuple[str, ...]
    random_weights: tuple[str, ...] = ()

    @property
    def label(self) -> str:
        """The name of its chart, for who hears it."""
        are_scores = all(column.are_scores for chart in self.charts for column, _ in chart)
        return "Mean scores" if are_scores else "Share of right answers"

    @property
    def pairs(self) -> str:
        """The differences of every two models as JSON: by ``I-J``, their places, a title and a text a column.

        The one that was first begun stands first.
        """
        places = {model: place for place, model in enumerate(self.models)}
        begun = {model: place for place, model in enumerate(self.begun)}
        texts: dict[str, list[list[str]]] = {}
        for column, _ in (pair for chart in self.charts for pair in chart):
            for (first, second), text in column.pairs.items():
                if begun[first] > begun[second]:
                    continue
                texts.setdefault(f"{places[first]}-{places[second]}", []).append([column.title, text])
        return json.dumps(texts, separators=(",", ":"))

    @property
    def short_command(self) -> str:
        """The command without the names of its models, where it has more than two."""
        named = re.findall(r" -m (?:'[^']*'|\S+)", self.next_step[1])
        return self.next_step[1].replace("".join(named), " -m …") if len(named) > 2 else self.next_step[1]

    @property
    def parts(self) -> tuple[tuple[str, ...], tuple[str, ...]]:
        """The models that are shown at once, and those that are folded; none without any number."""
        columns = [column for chart in self.charts for column, _ in chart]
        rows = tuple(model for model in self.models if any(model in column.points for column in columns))
        return rows[:SHOWN_MOST], rows[SHOWN_MOST:]


def first_screen(
    shown: Sequence[BenchmarkSection], name: str, gates: Sequence[GateTable] = (), outs: Sequence[str] = ()
) -> FirstScreen:
    """The first screen of some sections.

    Args:
        shown: with their comparisons.
        name: of the page.
        gates: the last gate of each folder.
        outs: the folders, as a command names them.
    """
    columns = screen_columns(shown)
    results = [result for each in shown for result in each.results]
    models = tuple(dict.fromkeys(result.name for result in results))
    size = len(columns) if len(columns) <= BESIDE_MOST else BESIDE_MOST - 1
    pairs = [(column, verdict_of(column)) for column in columns]
    charts = tuple(tuple(pairs[at : at + size]) for at in range(0, len(pairs), size or 1))
    by_name = {result.name: result for result in results if has_random_weights(result)}
    with_numbers = {model for column in columns for model in column.points}
    ordered_by = next((column for column in columns if column.points.keys() == with_numbers), None)
    order = ordered_by.title.lower() if ordered_by and len(models) > 1 else ""
    return FirstScreen(
        _about(results, columns, models, name),
        _marks(results),
        tuple((gate.outcome, gate.sentence) for gate in gates),
        title_of(columns, models),
        lead_of(columns, models),
        models,
        charts,
        (*(foot_of(columns, order) if columns else ()), *((RANDOM_FOOT,) if by_name else ())),
        _next_step(shown, columns, models, outs),
        tuple(begun_order(shown)),
        tuple(by_name),
    )


def _about(results: Sequence[Result], columns: Sequence[ScreenColumn], models: Sequence[str], name: str) -> str:
    """``hardiness: runs · 4 models · 120 of 250 photographs``."""
    count = f"{len(models)} model{'' if len(models) == 1 else 's'}"
    results = [result for result in results if not result.measured.get("published")] or results
    images = max((result.counts.images for result in results), default=0)
    whole = max((result.run.data.samples for result in results), default=0)
    of_all = f"{images:,} of {whole:,}" if images < whole else f"{images:,}"
    is_embedded = bool(results) and all(result.run.data.is_embedded for result in results)
    return f"{name} · {count} · {of_all} photographs{' that came with the package' if is_embedded else ''}"


def _marks(results: Sequence[Result]) -> tuple[str, ...]:
    is_demo = any(map(is_demo_sized, results))
    is_partial = any(map(is_part, results))
    return (*(("partial",) if is_partial else ()), *(("demo: few and easy",) if is_demo else ()))


def _next_step(
    shown: Sequence[BenchmarkSection], columns: Sequence[ScreenColumn], models: Sequence[str], outs: Sequence[str]
) -> tuple[str, str]:
    """Why to go on, and a command that does; both empty where there is nothing left to do, or no folder."""
    by_anchor = {each.anchor: each for each in shown}
    for column in columns if len(outs) == 1 else ():
        results = [
            result
            for result in by_anchor[column.anchor].results
            if result.name in column.serious and result.name not in column.twins
        ]
        is_open = not column.are_scores and (column.standing.claim is None or not column.is_judged)
        if is_open and (command := _more_images(results, outs[0])):
            return f"more photographs under “{column.title}”", command
    if len(models) == 1 and len(outs) == 1:
        first = (by_anchor[columns[0].anchor] if columns else shown[0]).results[0]
        part = first.counts.images if _images_left(first) else None
        return "a second model to compare it with", command_for_models(first, ["MODEL"], outs[0], part)
    if any(column.is_judged for column in columns) and outs:
        how = (
            "by each score" if all(column.are_scores for column in columns) else "and how many of their answers differ"
        )
        return f"every pair, {how}", shlex.join(["hardiness", "compare", *outs])
    return "", ""


def _more_images(results: Sequence[Result], out: str) -> str:
    """The command that evaluates more photographs for some models; empty where there are no more, or none can do so."""
    models = list(dict.fromkeys(model for result in results if (model := model_as_typed(result))))
    if len(models) < len(results) or not any(map(_images_left, results)):
        return ""
    limit = MORE * min(result.counts.images for result in results)
    is_all = limit >= max(result.run.data.samples for result in results)
    commands = {command_for_models(result, models, out, None if is_all else limit) for result in results}
    return commands.pop() if len(commands) == 1 else ""


def _images_left(result: Result) -> int:
    """How many photographs of its data were neither evaluated nor failed."""
    return result.run.data.samples - result.counts.images - len({failure.sample for failure in result.failures})

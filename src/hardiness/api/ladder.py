"""A ladder of exports: what each step changes, printed, in JSON and as a table."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

from hardiness.api.resize_trials import ResizeTrials, tried_steps
from hardiness.core.columns import Grouping
from hardiness.core.condition import Condition
from hardiness.core.errors import ArgumentError
from hardiness.core.result import TextTable
from hardiness.models.options import row_and_model
from hardiness.report.exports import csv
from hardiness.report.exports.exporter import tables_in
from hardiness.report.format import as_text, terminal_table
from hardiness.report.ladder import ladder_json, ladder_view, step_heading, step_lines, step_view
from hardiness.report.tables import Form, ends_of, table_of
from hardiness.results.equivalence import EquivalenceMargin
from hardiness.results.folder import Folder
from hardiness.results.ladder import ExportLadder, LadderStep, StepPart, ladder_of, ladder_tables, rungs_of
from hardiness.sources.files import shown
from hardiness.statistics.verdicts import EQUIVALENCE_LEVEL


@dataclass(frozen=True, repr=False)
class Ladders:
    """The ladder on each benchmark; iterates over them, and prints as sentences and tables.

    Attributes:
        benchmarks: the ladders.
    """

    benchmarks: tuple[ExportLadder, ...]

    def __iter__(self) -> Iterator[ExportLadder]:
        return iter(self.benchmarks)

    def __len__(self) -> int:
        return len(self.benchmarks)

    def __repr__(self) -> str:
        return as_text([part for view in self.views() for part in terminal_table(view)])

    def _repr_html_(self) -> str:
        """The sentences and tables that a notebook shows."""
        return "".join(view.html() for view in self.views())

    def views(self) -> list[TextTable]:
        """A table for each benchmark."""
        return [ladder_view(each) for each in self.benchmarks]

    def parts(self) -> Iterator[tuple[str, tuple[str, ...], TextTable | None]]:
        """A heading for each benchmark and step, with its sentences and, of several conditions, its table."""
        for each in self.benchmarks:
            yield each.heading, each.notes, None
            for step in each.steps:
                yield step_heading(step), tuple(step_lines(step)), step_view(step) if len(step.parts) > 1 else None

    def as_dict(self) -> list[dict[str, Any]]:
        """The JSON form."""
        return [ladder_json(each) for each in self.benchmarks]

    def text_in(self, form: str) -> str:
        """The ladders in a form of exports: tables of text, and as ``csv`` the rows of `table`, one number a cell.

        Raises:
            ArgumentError: the form has no tables; the message names those that have.
            UnknownNameError: there is no such form.
        """
        return csv.of_table(self.table()).decode() if form == "csv" else tables_in(form, self.views())

    def table(self, form: Form = "pyarrow") -> Any:
        """A table, one row a step and part of the pictures: the headline, then each kind of condition.

        ``under`` is the kind, empty for the headline. ``changed``, ``harmful`` and ``helpful`` are shares of answers;
        ``before`` and ``after`` the score, ``difference`` the later less the earlier with the ends of its 95 %
        interval. ``outcome`` is the verdict within ``margin``, with the ends of its 90 % interval.

        Args:
            form: ``"pyarrow"`` for a ``pyarrow.Table``, ``"pandas"`` for a ``pandas.DataFrame``.

        Raises:
            ArgumentError: there is no such form, or pandas is not installed.
        """
        rows = (
            (_row(ladder, step, part), Condition())
            for ladder in self.benchmarks
            for step in ladder.steps
            for part in step.parts
        )
        return table_of(rows, form)


def _row(ladder: ExportLadder, step: LadderStep, part: StepPart) -> dict[str, Any]:
    flips = part.flips
    spread = None if part.margin is None else part.difference.spread
    return {
        "benchmark": ladder.benchmark,
        "data": shown(ladder.data),
        "variant": ", ".join(ladder.variant),
        "first": shown(step.first),
        "second": shown(step.second),
        "under": shown(part.name),
        "title": shown(part.title),
        "unit": part.unit,
        "changed": flips.changed if flips else None,
        "harmful": flips.negative.value if flips else None,
        "helpful": flips.positive.value if flips else None,
        "before": part.before,
        "after": part.after,
        "difference": part.difference.value,
        **ends_of(part.difference.interval),
        "n": part.difference.n,
        "clusters": part.difference.clusters,
        "outcome": part.outcome,
        "margin": part.margin,
        **ends_of(spread.deciding_ends(EQUIVALENCE_LEVEL) if spread else None, "margin"),
    }


def climb(
    outs: Sequence[str | Path],
    ladder: str | Sequence[str],
    grouping: Grouping,
    within: EquivalenceMargin | None = None,
    data: Sequence[str] = (),
    models: Sequence[str] = (),
) -> Ladders:
    """The steps of a ladder on each benchmark that two of its models were run on.

    Args:
        outs: output folders.
        ladder: names of models, in order; a text has ``+`` between them.
        grouping: the clusters of the pictures that are asked for.
        within: the margin of verdicts of equivalence; ``None`` for none.
        data: photographs on which models are run again to see what resizing explains; none to run nothing.
        models: how rungs are loaded for that, as ``"NAME=MODEL"``; the others as their runs asked for them.

    Raises:
        ArgumentError, DataError: as of `compare`.
    """
    texts = {row: text for text in models for row in row_and_model(text)[:1]}
    rungs = rungs_of(ladder)
    if texts and (not data or not {*texts} <= {*rungs}):
        raise ArgumentError(
            f"with a ladder, models say how rungs are run again on the pictures of data, as {rungs[0]}=MODEL; had "
            f"{', '.join(models)}{'' if data else ' and no data'}"
        )
    folder = Folder.open(*outs, grouping=grouping)
    tables = ladder_tables(folder, rungs)
    ladders = [ladder_of(table, within) for table in tables]
    if data:
        trials = ResizeTrials(data, texts)
        ladders = [
            replace(each, steps=tuple(tried_steps(each.steps, table.runs, trials)))
            for each, table in zip(ladders, tables, strict=True)
        ]
    return Ladders(tuple(ladders))

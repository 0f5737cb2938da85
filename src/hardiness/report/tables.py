"""Score tables for the terminal."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from itertools import groupby

from rich.console import Group, RenderableType
from rich.table import Table
from rich.text import Text

from hardiness.core import Condition, Result, Score
from hardiness.report import format as formatting
from hardiness.report.grids import grid_of
from hardiness.report.yardstick import yardstick


def score_tables(results: Sequence[Result], everything: bool = False) -> Iterator[RenderableType]:
    """One table for each benchmark and data set: a row a model, a column a score, intervals below the values.

    Args:
        results: sorted by benchmark and data.
        everything: also other decision rules, and the cells of each model.
    """
    for _, group in groupby(results, key=formatting.table_key):
        yield _table(list(group), everything)


def _table(results: Sequence[Result], everything: bool) -> RenderableType:
    columns = columns_of(results, everything)
    table = Table(title=formatting.heading(results), title_justify="left", title_style="bold", expand=False)
    table.add_column("model", no_wrap=True)
    for score in columns.values():
        table.add_column(f"{formatting.title(score)} {formatting.direction(score)}", justify="right")
    table.add_column("n", justify="right")
    for result in results:
        given = {(score.metric, score.condition): score for score in result.scores}
        cells = [_cell(given.get(key)) for key in columns]
        table.add_row(name_of(result), *cells, f"{result.counts.evaluated:,}")
    notes = [Text(note, style="yellow") for note in notes_of(results, everything)]
    if people := yardstick(results[0]):
        notes.insert(0, Text(people, style="red"))
    return Group(table, *notes, *(_grids(results) if everything else ()))


def _grids(results: Sequence[Result]) -> Iterator[RenderableType]:
    """A table of cells for each model that has some."""
    for result in results:
        grid = grid_of(result)
        if grid is None:
            continue
        table = Table(title=f"{name_of(result)}: {grid.title}", title_justify="left")
        table.add_column(grid.corner)
        for head in grid.heads:
            table.add_column(head, justify="right")
        for name, cells in grid.rows:
            table.add_row(name, *(cell.text for cell in cells))
        yield table


def columns_of(results: Sequence[Result], everything: bool) -> dict[tuple[str, Condition], Score]:
    """The scores that make a table's columns, in order of first appearance, where some model has a value."""
    columns: dict[tuple[str, Condition], Score] = {}
    for result in results:
        headlines = [score for score in result.scores if formatting.is_column(score.condition, everything)]
        for score in [*headlines, *formatting.sweep(result.scores)]:
            if score.value is not None:
                columns.setdefault((score.metric, score.condition), score)
    return columns


def notes_of(results: Sequence[Result], everything: bool) -> list[str]:
    """Warnings and the reasons of undefined scores, each once, with the models it is about unless it is about all."""
    about: dict[str, list[str]] = {}
    for result in results:
        undefined = [
            f"{formatting.title(score)} is undefined: {score.reason}"
            for score in result.scores
            if score.value is None and formatting.is_column(score.condition, everything)
        ]
        for note in [*result.warnings, *undefined, *_doubts(result)]:
            about.setdefault(note, []).append(name_of(result))
    return [note if len(names) == len(results) else f"{', '.join(names)}: {note}" for note, names in about.items()]


def _doubts(result: Result) -> list[str]:
    """The checks that found something, and the verdict."""
    return [f"{each.name}: {each.sentence}" for each in result.findings if each.raised or each.name == "verdict"]


def name_of(result: Result) -> str:
    """The model's name, with the precision where it is not fp32."""
    precision = result.run.precision
    return result.model if precision == "fp32" else f"{result.model} ({precision})"


def _cell(score: Score | None) -> str:
    if score is None:
        return ""
    if score.value is None:
        return "undefined"
    value = formatting.number(score.value, score.unit)
    return f"{value}\n[dim]{formatting.interval(score.interval, score.unit)}[/dim]" if score.interval else value

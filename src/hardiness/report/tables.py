"""Sections as tables for the terminal."""

from __future__ import annotations

from collections.abc import Iterator, Sequence

from rich.console import Group, RenderableType
from rich.table import Table
from rich.text import Text

from hardiness.core import Grid, Result, Score
from hardiness.report import format as formatting
from hardiness.report.sections import Shown, sections


def score_tables(results: Sequence[Result], everything: bool = False) -> Iterator[RenderableType]:
    """One table for each benchmark and data set: a row a model, a column a score, intervals below the values.

    Args:
        results: sorted by benchmark and data.
        everything: also other decision rules, and the grids of each model.
    """
    for shown in sections(results):
        yield _section(shown, everything)


def _section(shown: Shown, everything: bool) -> RenderableType:
    columns = [column for column in shown.section.columns if everything or column.headline]
    table = Table(title=shown.heading, title_justify="left", title_style="bold", expand=False)
    table.add_column("model", no_wrap=True)
    for column in columns:
        table.add_column(f"{column.title} {formatting.direction(column.higher_is_better)}", justify="right")
    table.add_column("n", justify="right")
    for result in shown.results:
        given = {(score.metric, score.condition): score for score in result.scores}
        cells = [_cell(given.get((column.metric, column.condition))) for column in columns]
        table.add_row(result.name, *cells, f"{result.counts.images:,}")
    notes = [Text(note, style="yellow") for note in shown.notes(everything)]
    if shown.section.yardstick:
        notes.insert(0, Text(shown.section.yardstick, style="red"))
    return Group(table, *notes, *(map(_grid, shown.section.grids) if everything else ()))


def _grid(grid: Grid) -> RenderableType:
    table = Table(title=f"{grid.model}: {grid.title}", title_justify="left")
    table.add_column(grid.corner)
    for head in grid.heads:
        table.add_column(head, justify="right")
    for name, cells in grid.rows:
        table.add_row(name, *map(formatting.grid_cell, cells))
    return table


def _cell(score: Score | None) -> str:
    if score is None:
        return ""
    if score.value is None:
        return "undefined"
    value = formatting.number(score.value, score.unit)
    return f"{value}\n[dim]{formatting.interval(score.interval, score.unit)}[/dim]" if score.interval else value

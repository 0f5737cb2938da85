"""Views as tables for the terminal, no wider than it is."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace
from itertools import groupby
from typing import TYPE_CHECKING

from rich.cells import cell_len
from rich.console import Console, ConsoleOptions, Group, RenderableType, RenderResult
from rich.measure import Measurement
from rich.table import Table
from rich.text import Text

from hardiness.core.answers import mark_notes
from hardiness.core.result import Result, Score, TextTable
from hardiness.reference.stimulus_sets import SETS
from hardiness.report import format as formatting
from hardiness.report.charts import Grid, GridCell
from hardiness.report.marks import caveat
from hardiness.report.own_classes import recall_under_corruptions, worst_class
from hardiness.report.scorecard import scorecard
from hardiness.report.sections import BenchmarkSection, OverviewEntry, score_of, sections
from hardiness.report.slices import slice_views

if TYPE_CHECKING:
    from hardiness.results.comparison import BenchmarkComparison
    from hardiness.results.error_consistency import Comparison
    from hardiness.results.likeness import Likeness

WARNING, PEOPLE, LESS = "yellow", "magenta", "dim"
"""Colours of what to know before trusting a number, of people's own scores, and of things of less importance."""


BY_CLUSTERS = ", intervals by clusters"
"""The end of a title of a table whose intervals are."""

SHORT_HEADING = 13
"""Characters up to which a heading stays in one line."""


@dataclass(frozen=True)
class TerminalColumn:
    """One column: its heading, and a cell for each row."""

    heading: str
    cells: Sequence[Text]


@dataclass(frozen=True)
class TerminalTable:
    """A table that is no wider than the terminal.

    Attributes:
        title: above it.
        names: of the rows.
        columns: the most important first.
        everything: whether columns that do not fit go to further tables below, or are left out and counted.
        corner: what its rows are.
    """

    title: str
    names: Sequence[str]
    columns: Sequence[TerminalColumn]
    everything: bool
    corner: str = "model"

    def __rich_console__(self, console: Console, options: ConsoleOptions) -> RenderResult:
        columns = list(self.columns)
        title = self.title
        while True:
            count = self._fitting(columns, console, options)
            yield self._table(columns[:count], title, options)
            columns, title = columns[count:], f"{self.title}, continued"
            if not columns or not self.everything:
                break
        if columns:
            headings = ", ".join(column.heading for column in columns)
            yield Text(f"and {len(columns)} more with --all: {headings}", style=LESS)

    def fits(self, console: Console, options: ConsoleOptions) -> bool:
        """Whether all columns stand side by side."""
        return self._fitting(self.columns, console, options) == len(self.columns)

    def _fitting(self, columns: Sequence[TerminalColumn], console: Console, options: ConsoleOptions) -> int:
        """How many of the first columns fit; at least one."""
        for count in range(len(columns), 1, -1):
            table = self._table(columns[:count], "", options)
            unbounded = options.update(max_width=10_000)
            if Measurement.get(console, unbounded, table).maximum <= options.max_width:
                return count
        return min(1, len(columns))

    def _table(self, columns: Sequence[TerminalColumn], title: str, options: ConsoleOptions) -> Table:
        width, ascii_only = options.max_width, options.ascii_only
        table = Table(title=Text(title), title_justify="left", title_style="bold", expand=False)
        names = [_printable(name) for name in self.names]
        # A name is what people type: it is broken between words, and within one only where it takes most of a line.
        longest = max((cell_len(word) for name in names for word in name.split()), default=1)
        table.add_column(self.corner, overflow="fold", max_width=max(12, min(max(longest, width // 3), 2 * width // 3)))
        for column in columns:
            heading = Text(formatting.spelled(column.heading) if ascii_only else column.heading)
            widest = max((line.cell_len for cell in column.cells for line in cell.split()), default=0)
            words = max((len(word) for word in heading.plain.split()), default=0)
            table.add_column(heading, justify="right", width=max(widest, words, min(len(heading), SHORT_HEADING)))
        for row, name in enumerate(names):
            table.add_row(Text(name), *(column.cells[row] for column in columns))
        return table


@dataclass(frozen=True)
class Overview:
    """Models x benchmarks where all stand side by side, else a row for each of both; always one table.

    Attributes:
        heads: of the columns.
        rows: an entry of each column for each model.
        title: above it.
    """

    heads: Sequence[str]
    rows: Sequence[tuple[str, Sequence[OverviewEntry]]]
    title: str

    def __rich_console__(self, console: Console, options: ConsoleOptions) -> RenderResult:
        models = len(self.rows)
        columns = [
            TerminalColumn(head, [_entry(entries[place], models) for _, entries in self.rows])
            for place, head in enumerate(self.heads)
        ]
        beside = TerminalTable(self.title, [model for model, _ in self.rows], columns, everything=True)
        yield beside if beside.fits(console, options) else self._below_each_other()

    def _below_each_other(self) -> formatting.FittingTable:
        """A row for each number, those of a benchmark together."""
        rows: list[tuple[str, ...]] = []
        styles: dict[str, str] = {}
        for place, head in enumerate(self.heads):
            before = len(rows)
            for model, entries in self.rows:
                entry = entries[place]
                if entry.score is not None:
                    rank = [f"{entry.rank}"] if entry.rank and len(self.rows) > 1 else []
                    title, remark = "" if len(rows) > before else head, ", ".join([*rank, *entry.marks])
                    rows.append((title, _printable(model), entry.text, entry.interval, remark))
                    if entry.marks:
                        styles[remark] = WARNING
        heads = ("score", "model", "value", "95 %", "place, note")
        starts = tuple(place for place, row in enumerate(rows) if row[0] and place)
        return formatting.FittingTable(heads, rows, self.title, named=2, styles=styles, sections=starts)


def headline_lines(results: Sequence[Result]) -> Iterator[str]:
    """A line for each headline number: whose it is, with its interval and the images it rests on."""
    card = scorecard(sections(results, figures=False))
    for model, entries in card.rows:
        for head, entry in zip(card.heads, entries, strict=True):
            if entry.score is not None and entry.score.value is not None:
                interval = f" ({entry.interval})" if entry.interval else ""
                yield f"{head.title}: {model} {head.metric} {entry.text}{interval}, n {entry.score.n_text}"


def scorecard_tables(
    results: Sequence[Result], comparisons: Sequence[BenchmarkComparison] = ()
) -> Iterator[RenderableType]:
    """Models x benchmarks: each number with its interval, its place among the models, and what is amiss.

    Args:
        results: sorted by benchmark and data.
        comparisons: of the models on the same images; places go by overlap of intervals without them.
    """
    card = scorecard(sections(results, comparisons, figures=False))
    if card.heads:
        heads = [f"{head.title} {head.metric} {formatting.direction(head.higher_is_better)}" for head in card.heads]
        yield Overview(heads, card.rows, f"overview{BY_CLUSTERS * card.by_clusters}")


def tables_below(results: Sequence[Result]) -> Iterator[TextTable]:
    """The tables that stand below those of the models, such as the scores at levels; each names its section."""
    for shown in sections(results, figures=False):
        yield from (replace(view, title=f"{shown.heading}: {view.title}") for view in shown.section.tables)


def score_tables(results: Sequence[Result], everything: bool = False) -> Iterator[RenderableType]:
    """One table for each benchmark and data set: a row a model, a column a score, intervals below the values.

    Args:
        results: sorted by benchmark and data.
        everything: also other decision rules, columns that do not fit side by side, and the grids of each model.
    """
    shown = sections(results, figures=everything)
    counts = Counter(note for each in shown for note in dict.fromkeys(each.notes(everything)))
    shared = [note for note, count in counts.items() if count > 1 and count == len(shown)]
    for each in shown:
        yield _section(each, everything, shared)
        for view in (*each.section.tables, *slice_views(each.results, everything)):
            yield Group(*formatting.terminal_table(view))
    if shared:
        yield Group(*(Text(f"everywhere: {note}", style=WARNING) for note in shared))


def score_views(results: Sequence[Result], everything: bool = False) -> Iterator[TextTable]:
    """The tables of `score_tables` as tables of text, with the headline columns, or all columns."""
    for shown in sections(results, figures=False):
        columns = [column for column in shown.section.columns if everything or column.headline]
        heads = [f"{column.title} {formatting.direction(column.higher_is_better)}" for column in columns]
        rows = [
            (
                result.name,
                result.n_text,
                *(_cell(result, score_of(result, column)).plain for column in columns),
            )
            for result in shown.results
        ]
        people = [shown.section.people_score] if shown.section.people_score else []
        notes = (*people, *shown.notes(False))
        yield TextTable(shown.heading, ("model", "n", *heads), tuple(rows), notes=notes)
        below = (*shown.section.tables, *slice_views(shown.results))
        yield from (replace(view, title=f"{shown.heading}: {view.title}") for view in below)


def _section(shown: BenchmarkSection, everything: bool, shared: Sequence[str]) -> RenderableType:
    columns = []
    for column in shown.section.columns:
        if everything or column.headline:
            heading = f"{column.title} {formatting.direction(column.higher_is_better)}"
            columns.append(
                TerminalColumn(heading, [_cell(result, score_of(result, column)) for result in shown.results])
            )
    columns.insert(min(1, len(columns)), TerminalColumn("n", [Text(each.n_text) for each in shown.results]))
    table = TerminalTable(
        f"{shown.heading}{BY_CLUSTERS * shown.by_clusters}",
        [result.name for result in shown.results],
        columns,
        everything,
    )
    notes = [Text(note, style=WARNING) for note in shown.notes(everything) if note not in shared]
    if shown.section.people_score:
        notes.insert(0, Text(shown.section.people_score, style=PEOPLE))
    grids = [*shown.section.grids] if everything else []
    if all(result.run.has_own_classes for result in shown.results):
        own = [result for result in shown.results if result.name not in shown.twins]
        notes += [Text(line) for result in own if (line := worst_class(result))]
        grids += filter(None, map(recall_under_corruptions, own)) if everything else ()
    return Group(table, *notes, *map(_grid, grids))


def _grid(grid: Grid) -> RenderableType:
    columns = [
        TerminalColumn(head, [_grid_cell(cells[place]) for _, cells in grid.rows])
        for place, head in enumerate(grid.heads)
    ]
    names = [name for name, _ in grid.rows]
    return TerminalTable(f"{grid.model}: {grid.title}", names, columns, everything=True, corner=grid.corner)


def _grid_cell(cell: GridCell | None) -> Text:
    """The number, with its interval below it."""
    text = Text(formatting.grid_cell(cell))
    if cell is not None and cell.interval is not None:
        text.append(f"\n{formatting.interval(cell.interval, cell.unit)}", style=LESS)
    return text


def _cell(result: Result, score: Score | None) -> Text:
    if score is None:
        return Text("")
    if score.value is None:
        return Text("undefined", style=LESS)
    text = Text(formatting.number(score.value, score.unit))
    if score.interval:
        text.append(f"\n{formatting.interval(score.interval, score.unit)}", style=LESS)
    if word := caveat(result, score):
        text.append(f"\n{word}", style=WARNING)
    return text


def _entry(entry: OverviewEntry, models: int) -> Text:
    text = Text(entry.text)
    if entry.interval:
        text.append(f"\n{entry.interval}", style=LESS)
    if entry.rank and models > 1:
        text.append(f"\nplace {entry.rank}", style=LESS)
    if entry.marks:
        text.append(f"\n{', '.join(entry.marks)}", style=WARNING)
    return text


def _printable(name: str) -> str:
    return "".join(character for character in name if character.isprintable())


def consistency_tables(comparisons: Sequence[Comparison], everything: bool = False) -> Iterator[Table]:
    """A table for each data set, a row for each pair; those of a mean only where ``everything`` is asked for."""
    for data, group in groupby(comparisons, key=lambda each: each.data):
        table = Table(title=f"error consistency on {data}", title_justify="left", title_style="bold")
        rows = [each for each in group if everything or not each.detail]
        table.add_column("first", no_wrap=True)
        table.add_column("second", no_wrap=True)
        for heading in ("first right", "second right", "agreement", "by chance", "kappa", "n"):
            table.add_column(heading, justify="right")
        for each in rows:
            table.add_row(*_row(each))
        table.caption_justify = "left"
        table.caption = "\n".join(mark_notes(name for each in rows for name in (each.first, each.second))) or None
        yield table


def _row(each: Comparison) -> Iterator[str]:
    errors = each.consistency
    yield from (each.first, each.second)
    for share in (*errors.accuracies, errors.agreement.value, errors.expected.value):
        yield formatting.number(share, "fraction") if share is not None else "undefined"
    yield _kappa_text(errors.kappa)
    yield f"{errors.n:,}"


def human_likeness_table(likenesses: Sequence[Likeness]) -> Table:
    """A row for each model, the most human-like first, people last."""
    sets = sorted({name for each in likenesses for name in each.sets}, key=SETS.index)
    title = f"human-likeness on {len(sets)} of {len(SETS)} sets of model-vs-human"
    table = Table(title=title, title_justify="left", title_style="bold")
    table.add_column("model", no_wrap=True)
    for heading in ("sets", "OOD accuracy ↑", "accuracy difference ↓", "observed consistency ↑", "error consistency ↑"):
        table.add_column(heading, justify="right")
    table.add_column("mean rank ↓", justify="right")
    for each in likenesses:
        measures = (each.ood_accuracy, each.accuracy_difference, each.observed_consistency, each.error_consistency)
        rank = f"{each.mean_rank:.2f}" if each.mean_rank is not None else ""
        table.add_row(each.name, str(len(each.sets)), *map(_kappa_text, measures), rank)
    table.caption_justify = "left"
    table.caption = "\n".join(mark_notes(each.name for each in likenesses)) or None
    return table


def consistency_by_set_table(likenesses: Sequence[Likeness]) -> Table:
    """Error consistency with people: a row for each set of stimuli, a column for each observer."""
    table = Table(title="error consistency with people, set by set", title_justify="left", title_style="bold")
    table.add_column("set", no_wrap=True)
    for each in likenesses:
        table.add_column(each.name, justify="right")
    for name in SETS:
        if any(name in each.sets for each in likenesses):
            table.add_row(name, *(_kappa_text(each.sets[name]) if name in each.sets else "" for each in likenesses))
    return table


def _kappa_text(kappa: Score) -> str:
    if kappa.value is None or kappa.interval is None:
        return "undefined"
    return f"{kappa.value:.3f}\n[dim]{kappa.interval.low:.3f} … {kappa.interval.high:.3f}[/dim]"

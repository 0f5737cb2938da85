"""``latex``: booktabs tables for each benchmark, of its headlines and by condition, to be pasted into a paper."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import replace

from hardiness.benchmarks.card import card_of
from hardiness.benchmarks.presentation import Column
from hardiness.core.errors import ArgumentError
from hardiness.core.result import Result, TextTable
from hardiness.report import format as formatting
from hardiness.report.citations import citations
from hardiness.report.exports.exporter import Comparisons, register
from hardiness.report.marks import caveat, marks_in_export
from hardiness.report.paper_table import CELL_MOST, Notes, PaperCell, PaperTable, Row, escaped, is_called
from hardiness.report.scorecard import Scorecard, scorecard
from hardiness.report.sections import BenchmarkSection, OverviewEntry, score_of, sections
from hardiness.report.slices import slice_views


def table_of(view: TextTable) -> str:
    """A booktabs table whose caption is the title; smaller print stands below its number, notes below the table."""
    return "\n".join([*_table(view).latex()[1:], ""])


def _table(view: TextTable) -> PaperTable:
    """A table of texts; where several rows begin with the same name it stands once above them."""
    firsts, remarks = [row[0] for row in view.rows], Notes()
    is_grouped = view.named > 1 and len(set(firsts)) < len(firsts) and not any("\n" in first for first in firsts)
    start = 1 if is_grouped else 0
    rows = []
    for place, row in enumerate(view.rows):
        names = tuple(map(_lines, row[start : view.named]))
        numbers = tuple(_number(cell, remarks) for cell in row[view.named :])
        is_first = is_grouped and (place == 0 or firsts[place - 1] != row[0])
        rows.append(Row(names, numbers, title=row[0] if is_first else ""))
    heads = tuple(map(PaperCell, view.heads[start:]))
    named, numbered = heads[: view.named - start], heads[view.named - start :]
    notes = tuple(("", note) for note in view.notes)
    return PaperTable(escaped(view.title), named, numbered, tuple(rows), (*remarks.lines, *notes))


def _lines(cell: str) -> PaperCell:
    """A cell whose second line, if it has one, is smaller print."""
    first, _, rest = cell.partition("\n")
    return PaperCell(first, below=rest)


def _number(cell: str, remarks: Notes) -> PaperCell:
    """A number or a word; of more words what stands behind the first comma, or all of them, is a note."""
    if "\n" in cell or len(cell) <= CELL_MOST:
        return _lines(cell)
    word, comma, rest = cell.partition(", ")
    is_word = comma and len(word) <= len("undefined")
    return PaperCell(word if is_word else "–", letters=remarks.letter(rest if is_word else cell))


@register(
    "latex",
    r"tables for each benchmark, of its headlines and by condition, for \usepackage{booktabs,graphicx,longtable}",
    table=table_of,
    of_columns=True,
)
def write(results: Sequence[Result], comparisons: Comparisons = (), columns: Sequence[str] = ()) -> bytes:
    """Tables with captions and labels; below them, as comments, which papers to cite.

    Args:
        results, comparisons: as of every form.
        columns: names of headings; a table that has some of them has no other numbers.

    Raises:
        ArgumentError: no table has a heading of that name.
    """
    shown = sections(results, comparisons, figures=False)
    lines = [r"% needs \usepackage{booktabs,graphicx,longtable}; percentages with 95 % intervals"]
    tables = list(_tables(shown))
    for name in columns:
        headings = dict.fromkeys(head.text for table in tables for head in table.heads)
        if not any(is_called(heading, name) for heading in headings):
            raise ArgumentError(f"no table has a column {name!r}; there are: {', '.join(headings)}")
    for table in tables:
        lines += table.with_columns(columns).latex()
    for paper in citations(shown):
        lines += [f"% {line}" for line in paper.bibtex.splitlines()]
    return ("\n".join(lines) + "\n").encode()


def _tables(shown: Sequence[BenchmarkSection]) -> Iterator[PaperTable]:
    """The tables in their order."""
    card = scorecard(shown)
    if len(card.heads) > 1:  # of one benchmark its own table says it all
        yield _overview(card)
    for each in shown:
        yield _headlines(each)
        yield from _by_condition(each)
        for view in (*each.section.tables, *slice_views(each.results)):
            yield _table(replace(view, title=f"{each.full_heading}: {view.title}"))


def _overview(card: Scorecard) -> PaperTable:
    """Models x benchmarks, the longer list downwards: values with places, n once, marks as notes."""
    notes = Notes()
    models = [PaperCell(model) for model, _ in card.rows]
    columns = [[entries[place] for _, entries in card.rows] for place in range(len(card.heads))]
    everywhere = _shared([entry for column in columns for entry in column])
    heads, ns, cells = [], [], []
    for head, column in zip(card.heads, columns, strict=True):
        counts = dict.fromkeys(entry.score.n_text for entry in column if entry.score)
        n = next(iter(counts)) if len(counts) == 1 else ""
        shared = _shared(column)
        letters = notes.letter(", ".join(mark for mark in shared if mark not in everywhere))
        title = f"{head.title}, {head.metric} {formatting.direction(head.higher_is_better)}"
        heads.append(PaperCell(title, letters=letters))
        ns.append(n)
        cells.append([_placed(entry, notes, "" if n else "n = ", shared, len(models)) for entry in column])
    places = (
        ", behind it in small type the places that a model can have, told apart on the same images"
        if len(models) > 1
        else ""
    )
    marks = f"; {escaped(', '.join(everywhere))}" if everywhere else ""
    caption = rf"Overview, in \,\%{marks}. Below each value stands its 95\,\% interval{places}"
    if len(models) >= len(heads):
        rows = tuple(Row((model,), tuple(column[place] for column in cells)) for place, model in enumerate(models))
        tops = tuple(replace(head, below=f"n = {n}" if n else "") for head, n in zip(heads, ns, strict=True))
        named: tuple[PaperCell, ...] = (PaperCell("model"),)
    else:
        rows = tuple(Row((head, PaperCell(n)), tuple(column)) for head, n, column in zip(heads, ns, cells, strict=True))
        tops, named = tuple(models), (PaperCell("benchmark"), PaperCell("n"))
    return PaperTable(caption, named, tops, rows, notes.lines, "tab:overview")


def _shared(entries: Sequence[OverviewEntry]) -> list[str]:
    """The marks that all of these numbers have; a doubt about a number stands at each number."""
    marked = [[mark for mark in entry.exported if mark != entry.doubt] for entry in entries if entry.score]
    return [mark for mark in (marked[0] if marked else ()) if all(mark in marks for marks in marked)]


def _placed(entry: OverviewEntry, notes: Notes, n: str, shared: Sequence[str], models: int) -> PaperCell:
    """A value with its place and interval, and what is said of it and not of all models of its benchmark."""
    if entry.score is None:
        return PaperCell(entry.text)
    rest = [*([f"{n}{entry.score.n_text}"] if n else []), *(mark for mark in entry.exported if mark not in shared)]
    place = str(entry.rank) if entry.rank and models > 1 else ""
    return PaperCell(entry.text, place, entry.interval, notes.letter(", ".join(rest)))


def _headlines(shown: BenchmarkSection) -> PaperTable:
    """Models x headlines, with intervals; n in the caption where it is one for all, and marks as notes."""
    columns, notes = [column for column in shown.section.columns if column.headline], Notes()
    marks = [marks_in_export(result) for result in shown.results]
    shared = [mark for mark in marks[0] if all(mark in each for each in marks)]
    counts = [result.n_text if result.clusters else f"{result.counts.images:,}" for result in shown.results]
    is_one = len(set(counts)) == 1
    rows = []
    for result, count, each in zip(shown.results, counts, marks, strict=True):
        letters = notes.letter(", ".join(mark for mark in each if mark not in shared))
        cells = [_cell(result, column, notes) for column in columns]
        rows.append(Row((PaperCell(result.name, letters=letters),), (*cells, *([] if is_one else [PaperCell(count)]))))
    heads = [PaperCell(f"{column.title} {formatting.direction(column.higher_is_better)}") for column in columns]
    caption = escaped(shown.full_heading)
    if is_one:
        caption += f"; $n = {counts[0].replace(',', '{,}')}$" + ("" if shown.results[0].clusters else " images")
        caption += f", {escaped(', '.join(shared))}" if shared else ""
    else:
        heads.append(PaperCell("n"))
        caption += f"; {escaped(', '.join(shared))}" if shared else ""
    remarks = tuple(("", note) for note in shown.notes(everything=False, advised=False))
    return PaperTable(
        caption, (PaperCell("model"),), tuple(heads), tuple(rows), (*notes.lines, *remarks), f"tab:{shown.anchor}"
    )


def _by_condition(shown: BenchmarkSection) -> Iterator[PaperTable]:
    """Conditions x models, the headline first; bold is a value that is alone in first place."""
    key, columns = shown.by_condition()
    if not columns:
        return
    notes, card, headline = Notes(), card_of(shown.results[0].run), shown.section.headline
    first = score_of(shown.results[0], columns[0])
    metric = "accuracy" if columns[0].complement else card.metric(columns[0].metric).title
    scale = r", in \,\%" if first is not None and first.unit in ("fraction", "ratio") else ""
    counts = dict.fromkeys(f"{result.counts.images:,}" for result in shown.results)
    marks = [", ".join(marks_in_export(result)) for result in shown.results]
    alike = marks[0] if len(set(marks)) == 1 else ""
    heads = tuple(
        PaperCell(result.name, letters="" if alike else notes.letter(mark))
        for result, mark in zip(shown.results, marks, strict=True)
    )
    direction = formatting.direction(columns[0].higher_is_better)
    caption = f"{shown.full_heading}: {metric} by {key} {direction}"
    partial = f", {escaped(alike)}" if alike else ""
    bold = "; bold: alone in first place on the same images" if len(shown.results) > 1 else ""
    text = rf"{escaped(caption)}{scale}; $n = {' / '.join(counts)}$ images{partial}{bold}"
    rows = [Row((PaperCell(column.title),), tuple(_values(shown, column))) for column in columns]
    if headline is not None:
        rows.insert(0, Row((PaperCell(headline.title),), tuple(_values(shown, headline)), ruled=True))
    label = f"tab:{shown.anchor}-by-{key}"
    yield PaperTable(text, (PaperCell(key),), heads, tuple(rows), notes.lines, label)


def _values(shown: BenchmarkSection, column: Column) -> Iterator[PaperCell]:
    """A value for each model; that of a model that is alone in first place is bold."""
    best = shown.alone(column)[0] if len(shown.results) > 1 else ""
    for result in shown.results:
        score = score_of(result, column)
        if score is None or score.value is None:
            yield PaperCell("undefined" if score else "–")
        else:
            yield PaperCell(formatting.number(score.value, score.unit), bold=result.name == best)


def _cell(result: Result, column: Column, notes: Notes) -> PaperCell:
    """A number with its interval, and the letter of the word by which it must not be judged."""
    score = score_of(result, column)
    if score is None or score.value is None:
        return PaperCell("undefined" if score else "–")
    interval = formatting.interval(score.interval, score.unit) if score.interval else ""
    value = formatting.number(score.value, score.unit)
    return PaperCell(value, below=interval, letters=notes.letter(caveat(result, score)))

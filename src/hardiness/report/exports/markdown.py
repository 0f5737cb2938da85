"""``markdown``: a table for each benchmark, for READMEs and issues."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import replace

from hardiness.benchmarks.presentation import Column
from hardiness.core.result import Result, TextTable
from hardiness.report import format as formatting
from hardiness.report.exports.exporter import Comparisons, register
from hardiness.report.marks import caveat, marks_in_export
from hardiness.report.scorecard import Scorecard, scorecard
from hardiness.report.sections import BenchmarkSection, OverviewEntry, score_of, sections
from hardiness.report.slices import slice_views
from hardiness.sources.files import shown as printable


def table_of(view: TextTable) -> str:
    """A pipe table under its title, its notes below it."""
    lines = [f"## {_escaped(view.title)}", "", f"| {' | '.join(map(_escaped, view.heads))} |"]
    lines += [f"|{' --- |' * view.named}{' ---: |' * (len(view.heads) - view.named)}"]
    lines += [f"| {' | '.join(' '.join(map(_escaped, cell.splitlines())) for cell in row)} |" for row in view.rows]
    return "\n".join([*lines, "", *(f"- {_escaped(note)}" for note in view.notes), ""])


@register("markdown", "a table for each benchmark", table=table_of)
def write(results: Sequence[Result], comparisons: Comparisons = ()) -> bytes:
    """Headings and pipe tables; notes below each."""
    shown = sections(results, comparisons, figures=False)
    lines = [*_overview(scorecard(shown)), *(line for each in shown for line in _section(each))]
    return "\n".join(lines).encode()


def _overview(card: Scorecard) -> Iterator[str]:
    """Models x benchmarks with places; nothing for one benchmark, whose own table says it all."""
    if len(card.heads) < 2:
        return
    heads = [f"{head.title}, {head.metric} {formatting.direction(head.higher_is_better)}" for head in card.heads]
    yield from ("## Overview", "", f"| {' | '.join(map(_escaped, ['model', *heads]))} |")
    yield f"| --- |{' ---: |' * len(heads)}"
    for model, entries in card.rows:
        yield f"| {' | '.join([_escaped(model), *(_placed(entry, len(card.rows)) for entry in entries)])} |"
    yield ""


def _placed(entry: OverviewEntry, models: int) -> str:
    if entry.score is None:
        return entry.text
    place = f", place {entry.rank}" if entry.rank and models > 1 else ""
    marks = "".join(f", {mark}" for mark in entry.exported)
    return f"{entry.text}{f' ({entry.interval})' if entry.interval else ''}{place}, n = {entry.score.n_text}{marks}"


def _section(shown: BenchmarkSection) -> Iterator[str]:
    columns = [column for column in shown.section.columns if column.headline]
    heads = [f"{column.title} {formatting.direction(column.higher_is_better)}" for column in columns]
    yield f"## {_escaped(shown.full_heading)}"
    yield ""
    yield f"| {' | '.join(map(_escaped, ['model', *heads, 'n']))} |"
    yield f"| --- |{' ---: |' * (len(columns) + 1)}"
    for result in shown.results:
        cells = [_cell(result, column) for column in columns]
        n = ", ".join([result.n_text, *marks_in_export(result)])
        yield f"| {' | '.join([_escaped(result.name), *cells, n])} |"
    yield ""
    for note in shown.notes(everything=False):
        yield f"- {_escaped(note)}"
    yield ""
    for view in (*shown.section.tables, *slice_views(shown.results)):
        yield from table_of(replace(view, title=f"{shown.heading}: {view.title}")).splitlines()
        yield ""


def _cell(result: Result, column: Column) -> str:
    score = score_of(result, column)
    if score is None or score.value is None:
        return "undefined" if score else ""
    value = formatting.number(score.value, score.unit)
    text = f"{value} ({formatting.interval(score.interval, score.unit)})" if score.interval else value
    return f"{text}, {word}" if (word := caveat(result, score)) else text


def _escaped(text: str) -> str:
    """A text that stands for itself: no markup, no HTML, no end of a cell."""
    escaped = printable(text)
    for special in "\\`*_[]<>|#":
        escaped = escaped.replace(special, f"\\{special}")
    return escaped

"""``latex``: a booktabs table for each benchmark, with intervals, to be pasted into a paper."""

from __future__ import annotations

from collections.abc import Iterator, Sequence

from hardiness.core import Column, Result
from hardiness.report import format as formatting
from hardiness.report.exports.exporter import Comparisons, register
from hardiness.report.page import citations
from hardiness.report.sections import (
    BenchmarkSection,
    OverviewEntry,
    Scorecard,
    marks_in_export,
    score_of,
    scorecard,
    sections,
)
from hardiness.sources import shown as printable

_SPECIAL = {
    "\\": r"\textbackslash{}",
    "~": r"\textasciitilde{}",
    "^": r"\textasciicircum{}",
    "ε": r"$\varepsilon$",
    "–": "--",
    "…": r"\ldots{}",
    "≥": r"$\ge$",
    "≤": r"$\le$",
    "×": r"$\times$",
    "−": "$-$",
    "↑": r"$\uparrow$",
    "↓": r"$\downarrow$",
    **{character: f"\\{character}" for character in "&%$#_{}"},
}


@register("latex", r"a table for each benchmark, for \usepackage{booktabs}")
def write(results: Sequence[Result], comparisons: Comparisons = ()) -> bytes:
    """Tables with captions and labels; below them, as comments, which papers to cite."""
    shown = sections(results, comparisons)
    lines = [r"% needs \usepackage{booktabs}; percentages with their 95 % intervals"]
    lines += _overview(scorecard(shown))
    for each in shown:
        lines += _table(each)
    for paper in citations(shown):
        lines += [f"% {line}" for line in paper.bibtex.splitlines()]
    return ("\n".join(lines) + "\n").encode()


def _overview(card: Scorecard) -> Iterator[str]:
    """Benchmarks x models: values with places; nothing for one benchmark, whose own table says it all."""
    if len(card.heads) < 2:
        return
    models = [_escaped(model) for model, _ in card.rows]
    yield ""
    yield r"\begin{table}"
    yield r"\centering"
    yield r"\caption{Overview. In small type: the places that a model can have, told apart on the same images; below,"
    yield r"the 95\,\% interval, the number of images, and what is amiss}"
    yield r"\label{tab:overview}"
    yield rf"\begin{{tabular}}{{l{'r' * len(models)}}}"
    yield r"\toprule"
    yield rf"{' & '.join(['benchmark', *models])} \\"
    yield r"\midrule"
    for place, head in enumerate(card.heads):
        title = _escaped(f"{head.title}, {head.metric} {formatting.direction(head.higher_is_better)}")
        cells = [_placed(entries[place], len(models)) for _, entries in card.rows]
        yield rf"{' & '.join([title, *cells])} \\"
    yield from (r"\bottomrule", r"\end{tabular}", r"\end{table}")


def _placed(entry: OverviewEntry, models: int) -> str:
    if entry.score is None:
        return "--"
    rank = rf" {{\scriptsize {_escaped(str(entry.rank))}}}" if entry.rank and models > 1 else ""
    below = [entry.interval, ", ".join([f"n = {entry.score.n:,}", *entry.exported])]
    lines = [f"{entry.text}{rank}", *(rf"{{\scriptsize {_escaped(line)}}}" for line in below if line)]
    return r"\shortstack[r]{" + r" \\ ".join(lines) + "}"


def _table(shown: BenchmarkSection) -> Iterator[str]:
    columns = [column for column in shown.section.columns if column.headline]
    heads = [_escaped(f"{column.title} {formatting.direction(column.higher_is_better)}") for column in columns]
    yield ""
    yield r"\begin{table}"
    yield r"\centering"
    yield rf"\caption{{{_escaped(shown.full_heading)}}}"
    yield rf"\label{{tab:{shown.anchor}}}"
    yield rf"\begin{{tabular}}{{l{'r' * len(columns)}r}}"
    yield r"\toprule"
    yield rf"{' & '.join(['model', *heads, 'n'])} \\"
    yield r"\midrule"
    for result in shown.results:
        cells = [_cell(result, column) for column in columns]
        marks = ", ".join(marks_in_export(result))
        n = rf"{result.counts.images} {{\scriptsize {_escaped(marks)}}}" if marks else f"{result.counts.images}"
        yield rf"{' & '.join([_escaped(result.name), *cells, n])} \\"
    yield r"\bottomrule"
    yield r"\end{tabular}"
    yield from (rf"\par {{\footnotesize {_escaped(note)}\par}}" for note in shown.notes(everything=False))
    yield r"\end{table}"


def _cell(result: Result, column: Column) -> str:
    score = score_of(result, column)
    if score is None or score.value is None:
        return "undefined" if score else "--"
    value = formatting.number(score.value, score.unit)
    beside = [formatting.interval(score.interval, score.unit)] if score.interval else []
    beside += [score.doubt] if score.doubt else []
    return rf"{value} {{\scriptsize {_escaped(', '.join(beside))}}}" if beside else value


def _escaped(text: str) -> str:
    """A text that stands for itself in LaTeX; what no font has, such as bytes that are no UTF-8, by its number."""
    return "".join(_SPECIAL.get(character, character) for character in printable(text))

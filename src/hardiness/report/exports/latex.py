"""``latex``: booktabs tables for each benchmark, of its headlines and by condition, to be pasted into a paper."""

from __future__ import annotations

import textwrap
from collections.abc import Iterator, Sequence
from dataclasses import replace

from hardiness.benchmarks.card import card_of
from hardiness.benchmarks.presentation import Column
from hardiness.core.result import Result, TextTable
from hardiness.report import format as formatting
from hardiness.report.citations import citations
from hardiness.report.exports.exporter import Comparisons, register
from hardiness.report.marks import caveat, marks_in_export
from hardiness.report.scorecard import Scorecard, scorecard
from hardiness.report.sections import BenchmarkSection, OverviewEntry, score_of, sections
from hardiness.report.slices import slice_views
from hardiness.sources.files import shown as printable

_SPECIAL = {
    "\\": r"\textbackslash{}",
    "~": r"\textasciitilde{}",
    "^": r"\textasciicircum{}",
    "ε": r"$\varepsilon$",
    "†": r"$\dagger$",
    "–": "--",
    "…": r"\ldots{}",
    "→": r"$\rightarrow$",
    "≥": r"$\ge$",
    "≤": r"$\le$",
    "×": r"$\times$",
    "−": "$-$",
    "↑": r"$\uparrow$",
    "↓": r"$\downarrow$",
    **{character: f"\\{character}" for character in "&%$#_{}"},
}


def table_of(view: TextTable) -> str:
    """A booktabs table whose caption is the title; smaller print stands below its number, notes below the table."""
    lines = [r"\begin{table}", r"\centering", rf"\caption{{{_escaped(view.title)}}}"]
    lines += [_FITTED, rf"\begin{{tabular}}{{{_columns(view)}}}", r"\toprule"]
    lines += [rf"{' & '.join(map(_escaped, view.heads))} \\", r"\midrule"]
    cells = ((_two_lines(cell, is_number=place >= view.named) for place, cell in enumerate(row)) for row in view.rows)
    lines += [rf"{' & '.join(row)} \\" for row in cells]
    lines += [r"\bottomrule", r"\end{tabular}}"]
    lines += [rf"\par {{\footnotesize {_escaped(note)}\par}}" for note in view.notes]
    return "\n".join([*lines, r"\end{table}", ""])


_FITTED = r"\resizebox{\ifdim\width>\linewidth\linewidth\else\width\fi}{!}{%"
"""The command, of graphicx, that makes a table too wide for its column as wide as that."""

_LONGEST, _LONGEST_HEAD = 25, 16
"""Letters of the longest text, and of the longest heading, that stands in one line of a column."""

_SENTENCE = 50
"""Letters from which a text is a sentence, whose column is as wide as there is room for."""


def _columns(view: TextTable) -> str:
    """Texts to the left, in lines of their own where one is a sentence, and numbers to the right."""
    longest = [max(map(len, (head, *texts))) for head, *texts in zip(view.heads, *view.rows, strict=True)][: view.named]
    sentences = sum(each > _SENTENCE for each in longest)
    wide = rf"p{{{0.8 / max(sentences, 1):.2f}\linewidth}}"
    narrow = rf"p{{{_LONGEST / 2:.0f}em}}"
    columns = "".join(wide if each > _SENTENCE else narrow if each > _LONGEST else "l" for each in longest)
    return columns + "r" * (len(view.heads) - view.named)


def _head(text: str) -> str:
    """A heading, in lines of its own words where it is long."""
    return _lines(text, _LONGEST_HEAD)


def _lines(text: str, longest: int) -> str:
    """A text, in lines of its own words where it is longer than that."""
    lines = textwrap.wrap(text, longest, break_long_words=False, break_on_hyphens=False)
    return r"\shortstack[r]{" + r" \\ ".join(map(_escaped, lines)) + "}" if len(lines) > 1 else _escaped(text)


def _two_lines(cell: str, *, is_number: bool = False) -> str:
    """A cell whose second line, if it has one, is smaller print; words in place of a number get lines of their own."""
    first, newline, rest = cell.partition("\n")
    if is_number and not newline and len(cell) > _LONGEST:
        return _lines(cell, _LONGEST)
    return rf"\shortstack[r]{{{_escaped(first)} \\ {{\scriptsize {_escaped(rest)}}}}}" if newline else _escaped(first)


@register(
    "latex",
    r"tables for each benchmark, of its headlines and by condition, for \usepackage{booktabs,graphicx}",
    table=table_of,
)
def write(results: Sequence[Result], comparisons: Comparisons = ()) -> bytes:
    """Tables with captions and labels; below them, as comments, which papers to cite."""
    shown = sections(results, comparisons, figures=False)
    lines = [r"% needs \usepackage{booktabs,graphicx}; percentages with their 95 % intervals"]
    lines += _overview(scorecard(shown))
    for each in shown:
        lines += _table(each)
        lines += _by_condition(each)
        for view in slice_views(each.results):
            lines += ["", *table_of(replace(view, title=f"{each.full_heading}: {view.title}")).splitlines()]
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
    yield _FITTED
    yield rf"\begin{{tabular}}{{l{'r' * len(models)}}}"
    yield r"\toprule"
    yield rf"{' & '.join(['benchmark', *models])} \\"
    yield r"\midrule"
    for place, head in enumerate(card.heads):
        title = _escaped(f"{head.title}, {head.metric} {formatting.direction(head.higher_is_better)}")
        cells = [_placed(entries[place], len(models)) for _, entries in card.rows]
        yield rf"{' & '.join([title, *cells])} \\"
    yield from (r"\bottomrule", r"\end{tabular}}", r"\end{table}")


def _placed(entry: OverviewEntry, models: int) -> str:
    if entry.score is None:
        return "--"
    rank = rf" {{\scriptsize {_escaped(str(entry.rank))}}}" if entry.rank and models > 1 else ""
    below = [entry.interval, ", ".join([f"n = {entry.score.n_text}", *entry.exported])]
    lines = [f"{entry.text}{rank}", *(rf"{{\scriptsize {_escaped(line)}}}" for line in below if line)]
    return r"\shortstack[r]{" + r" \\ ".join(lines) + "}"


def _table(shown: BenchmarkSection) -> Iterator[str]:
    columns = [column for column in shown.section.columns if column.headline]
    heads = [_head(f"{column.title} {formatting.direction(column.higher_is_better)}") for column in columns]
    yield ""
    yield r"\begin{table}"
    yield r"\centering"
    yield rf"\caption{{{_escaped(shown.full_heading)}}}"
    yield rf"\label{{tab:{shown.anchor}}}"
    yield _FITTED
    yield rf"\begin{{tabular}}{{l{'r' * len(columns)}r}}"
    yield r"\toprule"
    yield rf"{' & '.join(['model', *heads, 'n'])} \\"
    yield r"\midrule"
    for result in shown.results:
        cells = [_cell(result, column) for column in columns]
        marks = ", ".join(marks_in_export(result))
        images = result.n_text if result.clusters else f"{result.counts.images}"
        n = rf"{images} {{\scriptsize {_escaped(marks)}}}" if marks else images
        yield rf"{' & '.join([_escaped(result.name), *cells, n])} \\"
    yield r"\bottomrule"
    yield r"\end{tabular}}"
    yield from (rf"\par {{\footnotesize {_escaped(note)}\par}}" for note in shown.notes(everything=False))
    yield r"\end{table}"


def _by_condition(shown: BenchmarkSection) -> Iterator[str]:
    """Conditions x models, the headline first; bold is a value that is alone in first place."""
    key, columns = shown.by_condition()
    if not columns:
        return
    card, headline = card_of(shown.results[0].run), shown.section.headline
    first = score_of(shown.results[0], columns[0])
    metric = card.metric(columns[0].metric).title
    scale = r", in \,\%" if first is not None and first.unit in ("fraction", "ratio") else ""
    counts = dict.fromkeys(f"{result.counts.images:,}" for result in shown.results)
    marks = [", ".join(marks_in_export(result)) for result in shown.results]
    alike = marks[0] if len(set(marks)) == 1 else ""
    heads = [
        _two_lines("\n".join([result.name, *([] if alike or not mark else [mark])]))
        for result, mark in zip(shown.results, marks, strict=True)
    ]
    direction = formatting.direction(columns[0].higher_is_better)
    caption = f"{shown.full_heading}: {metric} by {key} {direction}"
    partial = f", {_escaped(alike)}" if alike else ""
    bold = "; bold: alone in first place on the same images" if len(shown.results) > 1 else ""
    yield ""
    yield r"\begin{table}"
    yield r"\centering"
    yield rf"\caption{{{_escaped(caption)}{scale}; $n = {' / '.join(counts)}$ images{partial}{bold}}}"
    yield rf"\label{{tab:{shown.anchor}-by-{key}}}"
    yield _FITTED
    yield rf"\begin{{tabular}}{{l{'r' * len(heads)}}}"
    yield r"\toprule"
    yield rf"{' & '.join([_escaped(key), *heads])} \\"
    yield r"\midrule"
    if headline is not None:
        yield rf"{' & '.join([_escaped(headline.title), *_values(shown, headline)])} \\"
        yield r"\midrule"
    for column in columns:
        yield rf"{' & '.join([_escaped(column.title), *_values(shown, column)])} \\"
    yield from (r"\bottomrule", r"\end{tabular}}", r"\end{table}")


def _values(shown: BenchmarkSection, column: Column) -> Iterator[str]:
    """A value for each model; that of a model that is alone in first place is bold."""
    best = shown.alone(column)[0] if len(shown.results) > 1 else ""
    for result in shown.results:
        score = score_of(result, column)
        if score is None or score.value is None:
            yield "undefined" if score else "--"
        else:
            value = formatting.number(score.value, score.unit)
            yield rf"\textbf{{{value}}}" if result.name == best else value


def _cell(result: Result, column: Column) -> str:
    score = score_of(result, column)
    if score is None or score.value is None:
        return "undefined" if score else "--"
    value = formatting.number(score.value, score.unit)
    beside = [formatting.interval(score.interval, score.unit)] if score.interval else []
    beside += filter(None, [caveat(result, score)])
    return rf"{value} {{\scriptsize {_escaped(', '.join(beside))}}}" if beside else value


def _escaped(text: str) -> str:
    """A text that stands for itself in LaTeX; what no font has, such as bytes that are no UTF-8, by its number."""
    return "".join(_SPECIAL.get(character, character) for character in printable(text))

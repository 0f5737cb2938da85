"""``latex``: a booktabs table for each benchmark, with intervals, to be pasted into a paper."""

from __future__ import annotations

from collections.abc import Iterator, Sequence

from hardiness.core import Column, Result
from hardiness.report import format as formatting
from hardiness.report.citations import citations
from hardiness.report.exports.exporter import register
from hardiness.report.sections import Shown, score_of, sections

_SPECIAL = {
    "\\": r"\textbackslash{}",
    "~": r"\textasciitilde{}",
    "^": r"\textasciicircum{}",
    "ε": r"$\varepsilon$",
    "–": "--",
    "↑": r"$\uparrow$",
    "↓": r"$\downarrow$",
    **{character: f"\\{character}" for character in "&%$#_{}"},
}


@register("latex", r"a table for each benchmark, for \usepackage{booktabs}")
def write(results: Sequence[Result]) -> bytes:
    """Tables with captions and labels; below them, as comments, which papers to cite."""
    shown = sections(results)
    lines = [r"% needs \usepackage{booktabs}; percentages with their 95 % intervals"]
    for each in shown:
        lines += _table(each)
    for paper in citations(shown):
        lines += [f"% {line}" for line in paper.bibtex.splitlines()]
    return ("\n".join(lines) + "\n").encode()


def _table(shown: Shown) -> Iterator[str]:
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
        yield rf"{' & '.join([_escaped(result.name), *cells, f'{result.counts.images}'])} \\"
    yield r"\bottomrule"
    yield r"\end{tabular}"
    yield r"\end{table}"


def _cell(result: Result, column: Column) -> str:
    score = score_of(result, column)
    if score is None or score.value is None:
        return "--"
    value = formatting.number(score.value, score.unit)
    if score.interval is None:
        return value
    return rf"{value} {{\scriptsize {_escaped(formatting.interval(score.interval, score.unit))}}}"


def _escaped(text: str) -> str:
    """A text that stands for itself in LaTeX; what cannot be set in every font is left out."""
    kept = "".join(character for character in text if character.isprintable())
    return "".join(_SPECIAL.get(character, character) for character in kept)

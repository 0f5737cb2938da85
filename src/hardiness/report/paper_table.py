"""A LaTeX table of a paper: no wider than its column, and over several pages where it is long."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, field, replace

from hardiness.sources.files import shown as printable

COLUMN_LETTERS, PAGE_LETTERS = 52, 110
"""Letters of a row that fit one column of a paper, and both, at their own size; more of them are made smaller."""

LONG = 45
"""Lines from which a table goes over several pages."""

CELL_MOST = 25
"""Letters of words in place of a number."""

SENTENCE = 50
"""Letters from which a name in words is a sentence, which goes on in the next line."""

NOTES_MOST = 2500
"""Letters of notes that stand below a table; more of them stand as text behind it."""

SPECIAL = {
    "\\": r"\textbackslash{}",
    "~": r"\textasciitilde{}",
    "^": r"\textasciicircum{}",
    "<": r"\textless{}",  # LaTeX's own font has other letters in the places of these three
    ">": r"\textgreater{}",
    "|": r"\textbar{}",
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
    "[": "{[}",  # at the beginning of a row these would belong to the end of the row before
    "*": "{*}",
    **{character: f"\\{character}" for character in "&%$#_{}"},
}


def escaped(text: str) -> str:
    """A text that stands for itself in LaTeX; what no font has, such as bytes that are no UTF-8, by its number."""
    return "".join(SPECIAL.get(character, character) for character in printable(text))


@dataclass(frozen=True, slots=True)
class PaperCell:
    """A text of a table, with small print behind it and below it, and the letters of its notes."""

    text: str
    beside: str = ""
    below: str = ""
    letters: str = ""
    bold: bool = False

    @property
    def letters_across(self) -> int:
        """Letters of its longer line."""
        return max(len(f"{self.text} {self.beside}".strip()), len(self.below))

    def latex(self) -> str:
        """Its text and what stands behind it, in LaTeX."""
        text = rf"\textbf{{{escaped(self.text)}}}" if self.bold else escaped(self.text)
        letters = rf"\textsuperscript{{{self.letters}}}" if self.letters else ""
        return text + letters + (rf" {{\scriptsize {escaped(self.beside)}}}" if self.beside else "")


@dataclass(frozen=True, slots=True)
class Row:
    """Names and numbers; ``ruled``: a line below it; ``title``: of it and the rows that follow, in a row of its own."""

    names: tuple[PaperCell, ...]
    cells: tuple[PaperCell, ...]
    ruled: bool = False
    title: str = ""

    @property
    def letters(self) -> list[int]:
        """Letters of each of its texts."""
        return [cell.letters_across for cell in (*self.names, *self.cells)]

    @property
    def has_small_print(self) -> bool:
        """Whether it has a second line."""
        return any(cell.below for cell in (*self.names, *self.cells))


FIT = r"\resizebox{\ifdim\width>\linewidth\linewidth\else\width\fi}{!}"
"""The command, of graphicx, that makes its argument as narrow as the place where it stands."""

BEGIN_PAGES = [
    r"\makeatletter\if@twocolumn\let\columnsagain\twocolumn\onecolumn\else\let\columnsagain\relax\fi\makeatother",
    rf"\providecommand{{\fitted}}[1]{{{FIT}{{#1}}}}",
    r"\begingroup\footnotesize\setlength{\tabcolsep}{3pt}",
]
END_PAGES = [r"\endgroup", r"\columnsagain"]
"""What stands around a longtable, which only pages of one column can have."""


@dataclass(frozen=True)
class PaperTable:
    """A table of a paper.

    Attributes:
        caption: in LaTeX.
        named: the headings of names.
        heads: the headings of numbers.
        rows: in their order.
        notes: what stands below, a line each, behind its letter where it is of single numbers.
        label: to refer to it by; may be empty.
    """

    caption: str
    named: tuple[PaperCell, ...]
    heads: tuple[PaperCell, ...]
    rows: tuple[Row, ...]
    notes: tuple[tuple[str, str], ...] = ()
    label: str = ""

    def with_columns(self, names: Sequence[str]) -> PaperTable:
        """The table with those numbers alone whose heading begins with one of the names; whole where none does."""
        places = [place for place, head in enumerate(self.heads) if any(is_called(head.text, name) for name in names)]
        if not places:
            return self
        rows = tuple(replace(row, cells=tuple(row.cells[place] for place in places)) for row in self.rows)
        return replace(self, heads=tuple(self.heads[place] for place in places), rows=rows)

    def latex(self) -> list[str]:
        """Its lines: a float, or a longtable on pages of one column."""
        lines = sum(1 + row.has_small_print + bool(row.title) for row in self.rows)
        return self._on_pages() if lines > LONG else self._float()

    @property
    def _sentences(self) -> list[bool]:
        """Which columns of names hold sentences."""
        columns = zip(*(row.names for row in self.rows), strict=True)
        return [any(len(cell.text) > SENTENCE and " " in cell.text for cell in column) for column in columns]

    def _letters(self, with_heads: bool = True) -> list[int]:
        """Letters of each column, with two for the room beside it; a sentence has more lines than one."""
        heads = Row(self.named, self.heads if with_heads else (PaperCell(""),) * len(self.heads))
        columns = zip(*(row.letters for row in (heads, *self.rows)), strict=True)
        return [min(max(column), SENTENCE) + 2 for column in columns]

    @property
    def _is_turned(self) -> bool:
        """Whether headings of numbers are: they take more room than there is, and more than the numbers."""
        return sum(self._letters()) > max(PAGE_LETTERS, sum(self._letters(with_heads=False)))

    def _float(self) -> list[str]:
        sentences = self._sentences
        name = "table*" if sum(self._letters()) > COLUMN_LETTERS else "table"
        sides = "".join(r"p{.4\linewidth}" if each else "l" for each in sentences) + "r" * len(self.heads)
        lines = ["", rf"\begin{{{name}}}", r"\centering", r"\footnotesize", rf"\caption{{{self.caption}}}"]
        lines += [rf"\label{{{self.label}}}"] if self.label else []
        lines += [r"\setlength{\tabcolsep}{3pt}", rf"{FIT}{{%", rf"\begin{{tabular}}{{{sides}}}", r"\toprule"]
        lines += [*self._heads(str), r"\midrule", *self._rows(str, str), r"\bottomrule", r"\end{tabular}}"]
        if self._has_short_notes:
            lines += [r"\par\vspace{3pt}", r"\begin{minipage}{\linewidth}\scriptsize\raggedright", *self._notes()]
            lines += [r"\end{minipage}"]
        return [*lines, rf"\end{{{name}}}", *([] if self._has_short_notes else self._notes_behind())]

    def _on_pages(self) -> list[str]:
        letters = self._letters(with_heads=not self._is_turned)
        shares = [round(0.99 * each / sum(letters), 4) for each in letters]
        sides = "".join(rf"p{{\dimexpr{share}\linewidth-2\tabcolsep\relax}}" for share in shares)

        def name(text: str) -> str:
            return rf"\raggedright {text}" if len(text) > SENTENCE and " " in text else rf"\fitted{{{text}}}"

        def number(text: str) -> str:
            return rf"\hfill\fitted{{{text}}}" if text else ""

        heads = [r"\toprule", *self._heads(number), r"\midrule"]
        label = rf"\label{{{self.label}}}" if self.label else ""
        lines = ["", *BEGIN_PAGES, rf"\begin{{longtable}}{{{sides}}}", rf"\caption{{{self.caption}}}{label}\\", *heads]
        lines += [r"\endfirsthead", *heads, r"\endhead", r"\bottomrule", r"\endfoot", *self._rows(name, number)]
        return [*lines, r"\end{longtable}", *self._notes_behind(), *END_PAGES]

    def _heads(self, of_number: Callable[[str], str]) -> Iterator[str]:
        """The lines of the headings, turned where they are long and many."""
        heads = [head.latex() for head in self.heads]
        if self._is_turned:
            heads = [rf"\rotatebox{{90}}{{{head}}}" for head in heads]
        yield _line([*(cell.latex() for cell in self.named), *map(of_number, heads)])
        if any(head.below for head in self.heads):
            yield _line([_small(cell.below) for cell in (*self.named, *self.heads)])

    def _rows(self, of_name: Callable[[str], str], of_number: Callable[[str], str]) -> Iterator[str]:
        span = len(self.named) + len(self.heads)
        for place, row in enumerate(self.rows):
            if row.title:
                yield from [r"\addlinespace[2pt]"] if place else []
                yield rf"\multicolumn{{{span}}}{{l}}{{\textit{{{escaped(row.title)}}}}} \\"
            names, numbers = ([cell.latex() for cell in cells] for cells in (row.names, row.cells))
            line = _line([*map(of_name, names), *map(of_number, numbers)])
            yield f"{line}[-1pt]" if row.has_small_print else line
            if row.has_small_print:
                small = [_small(cell.below) for cell in (*row.names, *row.cells)]
                yield f"{_line([*small[: len(names)], *map(of_number, small[len(names) :])])}[1.5pt]"
            if row.ruled:
                yield r"\midrule"

    @property
    def _has_short_notes(self) -> bool:
        return 0 < sum(len(text) for _, text in self.notes) <= NOTES_MOST

    def _notes_behind(self) -> list[str]:
        """Notes as text behind the table."""
        if not self.notes:
            return []
        title = rf"\textbf{{Notes to the table of {self.caption}.}}"
        return ["", rf"{{\footnotesize\noindent\raggedright{title}\par", *self._notes(), "}"]

    def _notes(self) -> Iterator[str]:
        for letter, text in self.notes:
            yield (rf"\textsuperscript{{{letter}}}\," if letter else "") + escaped(text) + r"\par"


def is_called(heading: str, name: str) -> bool:
    """Whether a heading begins with a name, whatever its case: ``imagenet-c`` is not ``imagenet-c-bar``."""
    return re.match(rf"{re.escape(name)}(?![\w-])", heading, re.IGNORECASE) is not None


def _line(cells: Sequence[str]) -> str:
    return rf"{' & '.join(cells)} \\"


def _small(text: str) -> str:
    return rf"{{\scriptsize {escaped(text)}}}" if text else ""


@dataclass
class Notes:
    """Notes below a table by their letters: a text that several numbers have is one note."""

    texts: list[str] = field(default_factory=list)

    def letter(self, text: str) -> str:
        """The letter of a note; none for an empty one."""
        if not text:
            return ""
        if text not in self.texts:
            self.texts.append(text)
        place = self.texts.index(text)
        return (chr(ord("a") + place // 26 - 1) if place >= 26 else "") + chr(ord("a") + place % 26)

    @property
    def lines(self) -> tuple[tuple[str, str], ...]:
        """Each note with its letter."""
        return tuple((self.letter(text), text) for text in self.texts)

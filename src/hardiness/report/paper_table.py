"""A LaTeX table that fits one column or both of a paper on A4: what is too wide or too high for it is turned or cut."""

from __future__ import annotations

import re
import textwrap
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field, replace
from functools import cached_property, lru_cache

from hardiness.sources.files import shown as printable

COLUMN_PT, PAGE_PT, TEXT_PT = 239.0, 495.0, 610.0
"""Widths of one column and of two of a page of A4, and the height of its text, less some lines."""

SEPARATION_PT = 3.0
"""Room on each side of a column."""

LETTERS = {
    **dict.fromkeys("0123456789$", 0.53),
    **dict.fromkeys("abdghknopquvxyfß", 0.58),
    **dict.fromkeys("ceszrt()[]-", 0.47),
    **dict.fromkeys("ijl.,:;|!'", 0.31),
    **dict.fromkeys("mw", 0.88),
    " ": 0.36,
    "…": 1.3,
}
"""Width of letters of 7 and 8 points by 8 points, a little more than they have; of others `LETTER`."""

LETTER = 0.84

LINE_PT, SMALL_LINE_PT = 9.8, 8.6
"""Height of a line of the table, and of its small print."""

NAME_MOST, WIDE_NAME_MOST, CELL_MOST, HEAD_MOST = 24, 40, 25, 16
"""Letters of a line of a name in one column and in two, of words in place of a number, and of a heading."""

SENTENCE = 50
"""Letters from which a text in words is a sentence, whose column is as wide as there is room for."""

SENTENCE_PT = 110.0
"""Width of the column of a sentence at least."""

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


@lru_cache(maxsize=10_000)
def width_pt(text: str) -> float:
    """About how wide a text of a table is, in points."""
    return 8.0 * sum(LETTERS.get(letter, LETTER) for letter in text)


@dataclass(frozen=True, slots=True)
class PaperCell:
    """A text of a table, with small print behind it and below it, and the letters of its notes."""

    text: str
    beside: str = ""
    below: str = ""
    letters: str = ""
    bold: bool = False

    def lines(self, most: int) -> tuple[str, ...]:
        """Its text in lines of at most that many letters, broken between words, else where a name can be broken."""
        return (self.text,) if len(self.text) <= most else _lines_of(tuple(self.words), most)

    @property
    def words(self) -> list[str]:
        """Its words; an arrow goes with the one before it, and stands in no line of its own."""
        return self.text.replace(" ↑", "\xa0↑").replace(" ↓", "\xa0↓").split(" ")

    def width(self, most: int) -> float:
        """The width of its widest line, in points."""
        *_, last = lines = self.lines(most)
        behind = f"{last} {self.beside}" if self.beside else last
        bold = 1.15 if self.bold else 1.0
        letters = 5.0 * len(self.letters)
        return max(bold * width_pt(max(lines, key=width_pt)), bold * width_pt(behind) + letters, width_pt(self.below))

    def latex(self, most: int, side: str = "r") -> str:
        """Its text and what stands behind it, in LaTeX."""
        lines = [escaped(line) for line in self.lines(most)]
        if self.bold:
            lines = [rf"\textbf{{{line}}}" for line in lines]
        if self.letters:
            lines[-1] += rf"\textsuperscript{{{self.letters}}}"
        if self.beside:
            lines[-1] += rf" {{\scriptsize {escaped(self.beside)}}}"
        stacked = r" \\ ".join(lines)
        return stacked if len(lines) == 1 else rf"\shortstack[{side}]{{{stacked}}}"


@lru_cache(maxsize=10_000)
def _lines_of(words: tuple[str, ...], most: int) -> tuple[str, ...]:
    text = " ".join(part for word in words for part in _breakable(word, most))
    lines = textwrap.wrap(text, most, break_long_words=False, break_on_hyphens=False)
    return tuple(line.replace("\xa0", " ") for line in lines)


def _breakable(word: str, most: int) -> list[str]:
    """The parts of a long word, each of which can stand in a line."""
    if len(word) <= most:
        return [word]
    parts = [""]
    for piece in re.findall(r"[^/:_.=-]*[/:_.=-]|[^/:_.=-]+", word):
        for part in (piece[at : at + most] for at in range(0, len(piece), most)):
            if len(parts[-1]) + len(part) > most:
                parts.append("")
            parts[-1] += part
    return parts


@dataclass(frozen=True, slots=True)
class Row:
    """Names and numbers; ``ruled``: a line below it; ``title``: of it and the rows that follow, in a row of its own."""

    names: tuple[PaperCell, ...]
    cells: tuple[PaperCell, ...]
    ruled: bool = False
    title: str = ""

    @property
    def has_small_print(self) -> bool:
        """Whether it has a second line."""
        return any(cell.below for cell in (*self.names, *self.cells))


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

    def latex(self) -> list[str]:
        """The lines of its floats: as many as it takes for none to be higher than a page, the notes below the last."""
        room, layout = self._layout()
        blocks = [block for columns in layout.chunks for block in self._blocks(layout, columns)]
        floats: list[list[_Block]] = [[]]
        for block in blocks:
            if floats[-1] and sum(each.height for each in (*floats[-1], block)) > TEXT_PT:
                floats.append([])
            floats[-1].append(block)
        notes_pt = sum(SMALL_LINE_PT * (1 + width_pt(text) // room) for _, text in self.notes)
        are_inside = sum(block.height for block in floats[-1]) + notes_pt <= TEXT_PT
        name = "table*" if room > COLUMN_PT else "table"
        lines: list[str] = []
        for place, content in enumerate(floats, 1):
            count = f" ({place} of {len(floats)})" if len(floats) > 1 else ""
            lines += ["", rf"\begin{{{name}}}", r"\centering", r"\footnotesize", rf"\caption{{{self.caption}{count}}}"]
            if self.label and place == 1:
                lines += [rf"\label{{{self.label}}}"]
            lines += [rf"\setlength{{\tabcolsep}}{{{SEPARATION_PT:g}pt}}"]
            for number, block in enumerate(content):
                lines += [*([r"\par\vspace{6pt}"] if number else []), *block.lines]
            if are_inside and place == len(floats) and self.notes:
                lines += [r"\par\vspace{3pt}", r"\begin{minipage}{\linewidth}\scriptsize\raggedright", *self._notes()]
                lines += [r"\end{minipage}"]
            lines += [rf"\end{{{name}}}"]
        if self.notes and not are_inside:
            lines += ["", rf"{{\footnotesize\noindent\raggedright\textbf{{Notes to the table of {self.caption}.}}\par"]
            lines += [*self._notes(), "}"]
        return lines

    def _notes(self) -> Iterator[str]:
        for letter, text in self.notes:
            yield (rf"\textsuperscript{{{letter}}}\," if letter else "") + escaped(text) + r"\par"

    def _layout(self) -> tuple[float, _Layout]:
        """The width to fit, and the layout that does it: in one column where it can, then in both, then cut."""
        layouts = [_Layout(self, room, turned) for room in (COLUMN_PT, PAGE_PT) for turned in (False, True)]
        best = next((each for each in layouts if len(each.chunks) == 1 and each.fits), None)
        best = best or min(layouts[2:], key=lambda layout: len(layout.chunks))
        return best.room, best

    def _blocks(self, layout: _Layout, columns: range) -> Iterator[_Block]:
        """The tables of some columns, of which none is higher than a page, as high as each other or nearly."""
        parts = fewest = list(self._parts(layout, columns, TEXT_PT))
        for most in range(int(fewest[0][1] / len(fewest)), int(TEXT_PT), int(LINE_PT)):
            parts = list(self._parts(layout, columns, most))
            if len(parts) == len(fewest):
                break
        for rows, height in parts if len(parts) == len(fewest) else fewest:
            yield _Block(layout.tabular(rows, columns), height)

    def _parts(self, layout: _Layout, columns: range, most: float) -> Iterator[tuple[list[Row], float]]:
        """The rows of tables of which none is higher than that, each with its height."""
        rows: list[Row] = []
        height = start = layout.head_height(columns) + 24.0
        title = ""
        for row in self.rows:
            title, high = row.title or title, layout.row_height(row, columns)
            if rows and height + high > most:
                yield rows, height
                rows, height = [], start
            rows.append(row if rows else replace(row, title=title))
            height += high
        yield rows, height


@dataclass(frozen=True, slots=True)
class _Block:
    """The lines of a table, and its height in points."""

    lines: list[str]
    height: float


FITTED = r"\resizebox{\ifdim\width>\linewidth\linewidth\else\width\fi}{!}{%"
"""The command, of graphicx, that makes a table as wide as a column where that is narrower than on A4."""


@dataclass(frozen=True)
class _Layout:
    """A table in some width, its headings level or turned."""

    table: PaperTable
    room: float
    turned: bool

    @cached_property
    def chunks(self) -> list[range]:
        """The columns of numbers, cut into as few tables as fit, each of as many as the others, or nearly."""
        count = len(self.table.heads)
        for pieces in range(1, count + 1):
            size = -(-count // pieces)
            chunks = [range(start, min(start + size, count)) for start in range(0, count, size)]
            if all(self._width(chunk) <= self.room for chunk in chunks):
                return chunks
        return [range(count)] if count < 2 else [range(place, place + 1) for place in range(count)]

    @property
    def fits(self) -> bool:
        """Whether each of its tables is as wide as there is room, or narrower."""
        return all(self._width(chunk) <= self.room for chunk in self.chunks)

    @property
    def name_most(self) -> int:
        """Letters of a line of a name."""
        return WIDE_NAME_MOST if self.room > COLUMN_PT else NAME_MOST

    @cached_property
    def _sentences(self) -> list[bool]:
        """Which columns of names hold sentences."""
        return [
            any(len(row.names[place].text) > SENTENCE and " " in row.names[place].text for row in self.table.rows)
            for place in range(len(self.table.named))
        ]

    def _is_sentence(self, place: int) -> bool:
        return self._sentences[place]

    @cached_property
    def _name_widths(self) -> list[float]:
        columns = zip(self.table.named, *(row.names for row in self.table.rows), strict=True)
        widths = [max(cell.width(self.name_most) for cell in column) for column in columns]
        return [SENTENCE_PT if self._is_sentence(place) else width for place, width in enumerate(widths)]

    @cached_property
    def _body_widths(self) -> list[float]:
        count = len(self.table.heads)
        return [max((row.cells[at].width(CELL_MOST) for row in self.table.rows), default=0.0) for at in range(count)]

    @cached_property
    def _column_widths(self) -> list[float]:
        return [self._column_width(column) for column in range(len(self.table.heads))]

    def _head_letters(self, column: int) -> int:
        """Letters of a line of a level heading: as many as its numbers are wide, and no word is broken."""
        head = self.table.heads[column]
        longest = max(map(len, head.words))
        return min(HEAD_MOST, max(longest, 10, int(self._body_widths[column] / 4.2)))

    def _column_width(self, column: int) -> float:
        head = self.table.heads[column]
        above = LINE_PT if self.turned else head.width(self._head_letters(column))
        return max(self._body_widths[column], above, width_pt(head.below))

    def _width(self, columns: range) -> float:
        names, numbers = self._name_widths, [self._column_widths[column] for column in columns]
        return sum(names) + sum(numbers) + 2 * SEPARATION_PT * (len(names) + len(numbers))

    def _sentence_width(self, columns: range) -> float:
        """The width of each sentence's column, which share what the others leave."""
        count = sum(map(self._is_sentence, range(len(self.table.named))))
        return SENTENCE_PT + (self.room - self._width(columns)) / max(1, count) - 1

    def head_height(self, columns: range) -> float:
        """The height of the headings."""
        heads = [self.table.heads[column] for column in columns]
        below = SMALL_LINE_PT * any(head.below for head in heads)
        if self.turned:
            return below + max((width_pt(head.text) for head in heads), default=0.0)
        lines = [len(self.table.heads[column].lines(self._head_letters(column))) for column in columns]
        return below + LINE_PT * max(lines, default=1)

    def row_height(self, row: Row, columns: range) -> float:
        """The height of a row."""
        lines = [len(row.cells[column].lines(CELL_MOST)) for column in columns]
        for place, name in enumerate(row.names):
            sentence_lines = 1 + int(width_pt(name.text) / (0.9 * self._sentence_width(columns)))
            lines.append(sentence_lines if self._is_sentence(place) else len(name.lines(self.name_most)))
        titles = LINE_PT + 2 if row.title else 0.0
        return titles + LINE_PT * max(lines) + (SMALL_LINE_PT + 1.5 if row.has_small_print else 0.0) + 3 * row.ruled

    def tabular(self, rows: Sequence[Row], columns: range) -> list[str]:
        """The lines of a table of these rows and columns."""
        table, wide = self.table, self._sentence_width(columns)
        names = [rf"p{{{wide:.0f}pt}}" if self._is_sentence(place) else "l" for place in range(len(table.named))]
        lines = [FITTED, rf"\begin{{tabular}}{{{''.join(names)}{'r' * len(columns)}}}", r"\toprule"]
        heads = [*(cell.latex(self.name_most, "l") for cell in table.named), *map(self._head, columns)]
        lines += [rf"{' & '.join(heads)} \\"]
        if any(table.heads[column].below for column in columns):
            small = [_small(""), *([""] * (len(table.named) - 1))]
            small += [_small(table.heads[column].below) for column in columns]
            lines += [rf"{' & '.join(small)} \\"]
        lines += [r"\midrule"]
        for number, row in enumerate(rows):
            if row.title:
                lines += [*([r"\addlinespace[2pt]"] if number else [])]
                span = len(table.named) + len(columns)
                lines += [rf"\multicolumn{{{span}}}{{l}}{{\textit{{{escaped(row.title)}}}}} \\"]
            chosen = [row.cells[column] for column in columns]
            texts = [self._name(place, cell) for place, cell in enumerate(row.names)]
            lines += [rf"{' & '.join([*texts, *(cell.latex(CELL_MOST) for cell in chosen)])} \\"]
            if row.has_small_print:
                small = [_small(cell.below) for cell in (*row.names, *chosen)]
                lines[-1] += "[-1pt]"
                lines += [rf"{' & '.join(small)} \\[1.5pt]"]
            if row.ruled:
                lines += [r"\midrule"]
        return [*lines, r"\bottomrule", r"\end{tabular}}"]

    def _name(self, place: int, cell: PaperCell) -> str:
        if self._is_sentence(place):
            return rf"{{\raggedright {cell.latex(10**6, 'l')}\par}}"
        return cell.latex(self.name_most, "l")

    def _head(self, column: int) -> str:
        head = self.table.heads[column]
        return rf"\rotatebox{{90}}{{{head.latex(10**6)}}}" if self.turned else head.latex(self._head_letters(column))


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

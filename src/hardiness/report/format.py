"""Numbers and tables as plain text; percent exists here and nowhere else."""

from __future__ import annotations

import io
from collections import Counter
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

from rich.cells import cell_len
from rich.console import Console, ConsoleOptions, RenderableType, RenderResult
from rich.measure import Measurement
from rich.segment import Segment
from rich.table import Table
from rich.text import Span, Text

from hardiness.core.errors import CONTROLS
from hardiness.core.result import TextTable
from hardiness.core.spread import Interval
from hardiness.report.charts import GridCell

SPELLED = {
    "↑": "higher is better",
    "↓": "lower is better",
    "→": "to",
    "–": "-",
    "−": "-",
    "…": "...",
    "≥": ">=",
    "≤": "<=",
    "×": "x",
    "ε": "epsilon",
}
"""Words for signs that a terminal without Unicode has not."""


class PlainConsole(Console):
    """A console that leaves out controls in what it is given, so that the only ones are its own colours and cursor.

    Names of classes come from folders and names of models from endpoints: neither may give orders to a terminal, nor
    is a part of one, such as ``:llama:``, the code of a picture. Where the locale has no Unicode, signs are spelled.
    """

    def __init__(self, **settings: Any) -> None:
        super().__init__(**settings, emoji=False)

    def render(self, renderable: RenderableType, options: ConsoleOptions | None = None) -> Iterable[Segment]:
        """The segments of what is printed, without controls in their text."""
        if (options or self.options).ascii_only:
            renderable = self.render_str(renderable) if isinstance(renderable, str) else renderable
            renderable = spelled_text(renderable) if isinstance(renderable, Text) else renderable
        for segment in super().render(renderable, options):
            # Controls take no room, so that tables without them stay as they are.
            yield segment if segment.control else Segment(CONTROLS.sub("", segment.text), segment.style)


def spelled(text: str) -> str:
    """The text with words for signs that a terminal without Unicode has not."""
    return "".join(SPELLED.get(character, character) for character in text)


def spelled_text(text: Text) -> Text:
    """The text with words for signs; colours stay where they are."""
    if text.plain.isascii():
        return text
    result = text.blank_copy()
    for place, character in enumerate(text.plain):
        part = text[place]
        word = SPELLED.get(character, character)
        result.append_text(Text(word, part.style, spans=[Span(0, len(word), span.style) for span in part.spans]))
    return result


PERCENT_UNITS = ("fraction", "ratio")


def number(value: float, unit: str) -> str:
    """A value in its unit: fractions and ratios in percent with one decimal, others with three digits."""
    text = f"{100 * value:.1f}" if unit in PERCENT_UNITS else f"{value:.3g}"
    return text.removeprefix("-") if float(text) == 0 else text


def interval(bounds: Interval, unit: str) -> str:
    """An interval as ``low–high``, or ``low to high`` where a sign would stand beside the dash."""
    low, high = number(bounds.low, unit), number(bounds.high, unit)
    return f"{low} to {high}" if "-" in low + high else f"{low}–{high}"


def direction(higher_is_better: bool) -> str:
    """``↑`` where higher is better, ``↓`` where lower is."""
    return "↑" if higher_is_better else "↓"


def shortened(text: str, most: int) -> str:
    """The text, or its beginning and end where it has more characters than that."""
    half = max(1, (most - 1) // 2)
    return text if len(text) <= most else f"{text[: most - 1 - half]}…{text[-half:]}"


def shortened_apart(names: Iterable[str], most: int) -> dict[str, str]:
    """Each name as `shortened` gives it; names that would look alike begin near where they differ, or are numbered.

    Args:
        names: to show beside each other.
        most: characters of each, at least 12.
    """
    short = {name: shortened(name, most) for name in names}
    for alike in _alike(short):
        same = [len(set(letters)) == 1 for letters in zip(*alike, strict=False)]
        start = max(0, [*same, False].index(False) - most // 3)
        short |= {name: "…" + shortened(name[start:], most - 1) for name in alike}
    doubles = [name for alike in _alike(short) for name in alike]
    for place, name in enumerate(doubles, 1):
        end = f" ({place})"
        short[name] = shortened(name, most - len(end)) + end
    return short


def _alike(short_names: Mapping[str, str]) -> list[list[str]]:
    """The names that are shown as the same text."""
    texts = [text for text, count in Counter(short_names.values()).items() if count > 1]
    return [[name for name, each in short_names.items() if each == text] for text in texts]


def grid_cell(cell: GridCell | None) -> str:
    """A cell's number; empty where nothing was measured."""
    if cell is None:
        return ""
    text = "undefined" if cell.value is None else number(cell.value, cell.unit)
    return f"{text} {cell.doubt}" if cell.doubt else text


WIDTH = 140


def as_text(parts: Iterable[RenderableType]) -> str:
    """The parts below each other, without colours."""
    stream = io.StringIO()
    console = PlainConsole(file=stream, width=WIDTH, no_color=True)
    for part in parts:
        console.print(part)
    return stream.getvalue().rstrip()


@dataclass(frozen=True)
class FittingTable:
    """A table that is no wider than the terminal, and in which no word of a name is cut.

    Where it is too narrow for all columns, some are left out; where it still is, the named ones stand below each other
    in one; other words are broken, and never cut.

    Attributes:
        heads, rows: of texts, of which all lines but the first are dim.
        title: above it; empty where there is none.
        named: columns at the left whose words are names.
        droppable: heads of columns that may be left out, the first of them first.
        styles: of first lines, by their text.
        sections: places of rows above which a line stands.
    """

    heads: Sequence[str]
    rows: Sequence[Sequence[str]]
    title: str = ""
    named: int = 1
    droppable: Sequence[str] = ()
    styles: Mapping[str, str] = field(default_factory=dict)
    sections: Sequence[int] = ()

    def __rich_console__(self, console: Console, options: ConsoleOptions) -> RenderResult:
        droppable, heads = list(self.droppable), [Text(head) for head in self.heads]
        rows, named = [[*map(self._cell, row)] for row in self.rows], self.named
        if options.ascii_only:
            heads, rows = [*map(spelled_text, heads)], [[*map(spelled_text, row)] for row in rows]
        while (need := _least(heads, rows)) > options.max_width and droppable:
            place = [head.plain for head in heads].index(droppable.pop(0))
            heads.pop(place)
            rows = [[*row[:place], *row[place + 1 :]] for row in rows]
        if need > options.max_width and named > 1:
            heads = _first_stacked(heads, named)
            rows = [_first_stacked(row, named) for row in rows]
            named = 1
        yield self._table(heads, rows, named, options.max_width)
        present = [head.plain for head in heads]
        if missing := [head for head in self.droppable if head not in present]:
            yield Text(f"a wider terminal shows {' and '.join(missing)} too", style="dim")

    def __rich_measure__(self, console: Console, options: ConsoleOptions) -> Measurement:
        columns = zip(map(Text, self.heads), *(map(Text, row) for row in self.rows), strict=True)
        widest = min(_room(len(self.heads)) + sum(map(_longest_line, columns)), options.max_width)
        return Measurement(widest, widest)

    def _table(self, heads: Sequence[Text], rows: Sequence[Sequence[Text]], named: int, width: int) -> Table:
        lines = any("\n" in cell.plain for row in rows for cell in row)
        title = Text(self.title) if self.title else None
        table = Table(title=title, title_justify="left", title_style="bold", show_lines=lines)
        columns = list(zip(heads, *rows, strict=True))
        words, longest = map(_longest_word, columns), map(_longest_line, columns)
        widths = _widths([*words], [*longest], named, width - _room(len(columns)))
        for place, (head, column_width) in enumerate(zip(heads, widths, strict=True)):
            table.add_column(head, justify="left" if place < named else "right", width=column_width, overflow="fold")
        for place, row in enumerate(rows):
            table.add_row(*row, end_section=place + 1 in self.sections)
        return table

    def _cell(self, text: str) -> Text:
        """The first line as it is, or in its colour; what follows it dim."""
        first, newline, rest = text.partition("\n")
        return Text.assemble((first, self.styles.get(first, "")), newline, (rest, "dim"))


def _first_stacked(cells: Sequence[Text], count: int) -> list[Text]:
    """The first cells below each other in one, then the others."""
    return [Text("\n").join(cells[:count]), *cells[count:]]


def _least(heads: Sequence[Text], rows: Sequence[Sequence[Text]]) -> int:
    """The width of a table below which words are broken."""
    return _room(len(heads)) + sum(map(_longest_word, zip(heads, *rows, strict=True)))


def _room(columns: int) -> int:
    """Characters of a row that borders and the spaces beside them take."""
    return 3 * columns + 1


def _longest_word(cells: Iterable[Text]) -> int:
    return max((cell_len(word) for cell in cells for word in cell.plain.split()), default=1)


def _longest_line(cells: Iterable[Text]) -> int:
    return max((cell_len(line) for cell in cells for line in cell.plain.split("\n")), default=1)


def _widths(words: Sequence[int], lines: Sequence[int], named: int, room: int) -> list[int]:
    """The width of each column: of its lines where there is room, at least of its words, of names last of all less.

    Args:
        words, lines: the longest of each column.
        named: columns at the left that are narrowed last.
        room: characters of all columns together.
    """
    least, widths = [*words], [*map(max, lines, words)]
    # The widest column gives way first: at most down to its longest word; where that does not do, names do so last.
    everywhere = range(len(widths))
    for columns, smallest in (
        (everywhere, least),
        (range(named, len(widths)), [NARROWEST] * len(widths)),
        (range(named), [NARROWEST] * len(widths)),
    ):
        while sum(widths) > room and (wide := [place for place in columns if widths[place] > smallest[place]]):
            widths[max(wide, key=lambda place: widths[place])] -= 1
    return widths


NARROWEST = 4
"""Characters below which no column is made narrower."""


def terminal_table(view: TextTable, styles: Mapping[str, str] | None = None) -> Iterator[RenderableType]:
    """The table, then its notes.

    Args:
        view: the table.
        styles: of cells, by their first line.
    """
    yield FittingTable(view.heads, view.rows, view.title, view.named, styles=styles or {})
    yield from map(Text, view.notes)

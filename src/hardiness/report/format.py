"""Numbers and tables as plain text; percent exists here and nowhere else."""

from __future__ import annotations

import io
from collections import Counter
from collections.abc import Iterable, Iterator, Mapping

from rich.console import Console, ConsoleOptions, RenderableType
from rich.segment import Segment
from rich.table import Table
from rich.text import Text

from hardiness.core.errors import CONTROLS
from hardiness.core.result import Interval, TextTable
from hardiness.report.charts import GridCell


class PlainConsole(Console):
    """A console that leaves out controls in what it is given, so that the only ones are its own colours and cursor.

    Names of classes come from folders and names of models from endpoints: neither may give orders to a terminal.
    """

    def render(self, renderable: RenderableType, options: ConsoleOptions | None = None) -> Iterable[Segment]:
        """The segments of what is printed, without controls in their text."""
        for segment in super().render(renderable, options):
            # Controls take no room, so that tables without them stay as they are.
            yield segment if segment.control else Segment(CONTROLS.sub("", segment.text), segment.style)


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


def terminal_table(view: TextTable) -> Iterator[RenderableType]:
    """The table, then its notes."""
    lines = any("\n" in cell for row in view.rows for cell in row)
    table = Table(title=Text(view.title), title_justify="left", title_style="bold", show_lines=lines)
    for place, head in enumerate(view.heads):
        table.add_column(Text(head), justify="left" if place < view.named else "right")
    for row in view.rows:
        table.add_row(*map(_cell, row))
    yield table
    yield from map(Text, view.notes)


def _cell(text: str) -> Text:
    """The first line as it is, what follows it dim."""
    first, newline, rest = text.partition("\n")
    return Text.assemble(first, newline, (rest, "dim"))

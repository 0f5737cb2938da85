"""Tables of text for the terminal."""

from __future__ import annotations

from collections.abc import Iterator

from rich.console import RenderableType
from rich.table import Table
from rich.text import Text

from hardiness.core import TextTable


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

"""Printing for commands: tables, JSON, and failures."""

from __future__ import annotations

import json
import os
from collections.abc import Iterable, Mapping, Sequence
from typing import Any

import click

from hardiness.core.errors import printable
from hardiness.core.result import TextTable
from hardiness.core.table import Failure
from hardiness.report.format import PlainConsole, terminal_table
from hardiness.report.words import with_texts

PIPE_WIDTH = 160
"""Characters of a line where output goes to a file or a pipe."""

SHOWN_FAILURES = 10


def amount(count: int, noun: str) -> str:
    """A count and its noun: ``1 file``, ``1,000 files``."""
    return f"{count:,} {noun}{'' if count == 1 else 's'}"


def wide() -> PlainConsole:
    """A console, wide enough for a table when its output goes to a file or a pipe and ``COLUMNS`` is not set."""
    console = PlainConsole()
    if not console.is_terminal and "COLUMNS" not in os.environ:
        console.width = PIPE_WIDTH
    return console


def print_json(value: Any) -> None:
    """Print the JSON form of a value, with the texts of facts."""
    click.echo(json.dumps(with_texts(value), indent=1))


def print_views(views: Iterable[TextTable], styles: Mapping[str, str] | None = None) -> None:
    """Print tables; cells whose first line is a key of ``styles`` in its colour."""
    console = wide()
    for view in views:
        for part in terminal_table(view, styles):
            console.print(part, highlight=False)


def print_failures(failures: Sequence[Failure]) -> None:
    """Print the first pictures that could not be used, and how many others there are."""
    for failure in failures[:SHOWN_FAILURES]:
        click.echo(printable(f"failed: {failure.reason}"), err=True)
    if len(failures) > SHOWN_FAILURES:
        click.echo(f"… and {len(failures) - SHOWN_FAILURES} more photographs", err=True)

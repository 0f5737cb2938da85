"""Lines that commands print beside their results; printing them loads no table."""

from __future__ import annotations

from collections.abc import Iterable

import click

from hardiness.core.errors import printable


def print_lines(*lines: str, problems: Iterable[str] = ()) -> None:
    """Print lines to standard error, then those of what went wrong."""
    for line in lines:
        click.echo(printable(line), err=True)
    for line in problems:
        click.echo(printable(f"hardiness: {line}"), err=True)

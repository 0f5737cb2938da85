"""``hardiness corruptions``."""

from __future__ import annotations

import inspect

import click
from rich.console import Console
from rich.table import Table

from hardiness.cli.show import wide
from hardiness.distortions import SEVERITIES, corruptions
from hardiness.reference import IMAGENET_C


@click.command()
@click.argument("name", required=False)
def command(name: str | None) -> int:
    """List the corruptions, or describe NAME with its five severities."""
    console = wide(Console())
    if name:
        _describe(console, name)
        return 0
    table = Table("corruption", "group", "random", "what")
    published = (*IMAGENET_C.members, *IMAGENET_C.extra)
    for each in (*published, *(other for other in corruptions.names() if other not in published)):
        entry = corruptions.get(each)
        table.add_row(each, entry.group, "no" if entry.deterministic else "by seed and id", entry.summary)
    console.print(table)
    return 0


def _describe(console: Console, name: str) -> None:
    entry = corruptions.get(name)
    console.print(f"[bold]{name}[/bold]  {entry.group}\n", highlight=False)
    console.print(inspect.getdoc(entry.apply) or "", highlight=False, markup=False)
    console.print()
    rows = entry.parameters
    table = Table("severity", *rows[0])
    for severity, row in zip(SEVERITIES, rows, strict=True):
        table.add_row(str(severity), *map(str, row.values()))
    console.print(table)

"""``hardiness list corruptions``."""

from __future__ import annotations

import inspect

import click
from rich.console import Console
from rich.table import Column, Table

from hardiness.cli.options import wide
from hardiness.distortions import corruptions
from hardiness.reference import distortion_set, set_names


@click.command()
@click.argument("name", required=False)
def command(name: str | None) -> int:
    """List the corruptions, or describe NAME with its severities."""
    console = wide(Console())
    if name:
        _describe(console, name)
        return 0
    sets = [distortion_set(each) for each in set_names("still")]
    published = list(
        dict.fromkeys(member for each in sets for member in each.published if member not in each.stored_only)
    )
    table = Table(Column("corruption", no_wrap=True), "sets", "group", "severities", "random", "what")
    for each in (*published, *(other for other in corruptions.names() if other not in published)):
        entry = corruptions.get(each)
        belongs = ", ".join(found.name for found in sets if each in found.published) or "none"
        chance = "no" if entry.deterministic else "by seed and id"
        table.add_row(each, belongs, entry.group, str(len(entry.levels)), chance, entry.summary)
    console.print(table)
    return 0


def _describe(console: Console, name: str) -> None:
    entry = corruptions.get(name)
    console.print(f"[bold]{name}[/bold]  {entry.group}\n", highlight=False)
    console.print(inspect.getdoc(entry.apply) or "", highlight=False, markup=False)
    console.print()
    rows = entry.parameters
    table = Table("severity", *rows[0])
    for severity, row in zip(entry.severities, rows, strict=True):
        table.add_row(str(severity), *map(str, row.values()))
    console.print(table)

"""``hardiness perturbations``."""

from __future__ import annotations

import inspect

import click
from rich.console import Console
from rich.table import Table

from hardiness.cli.show import wide
from hardiness.perturbations import DIFFICULTIES, TEST, VALIDATION, registry


@click.command()
@click.argument("name", required=False)
def command(name: str | None) -> int:
    """List the perturbations, or describe NAME with its parameters."""
    console = wide(Console())
    if name:
        _describe(console, name)
        return 0
    table = Table("perturbation", "group", "set", "frames", "compared with", "random", "what")
    published = (*TEST, *VALIDATION)
    for each in (*published, *(other for other in registry.names() if other not in published)):
        entry = registry.get(each)
        belongs = "test" if each in TEST else "validation" if each in VALIDATION else "none"
        reference = "first frame" if entry.compared_with_first else "frame before"
        chance = "no" if entry.deterministic else "by seed and id"
        table.add_row(each, entry.group, belongs, str(entry.frames), reference, chance, entry.summary)
    console.print(table)
    return 0


def _describe(console: Console, name: str) -> None:
    entry = registry.get(name)
    reference = "first" if entry.compared_with_first else "one before"
    console.print(f"[bold]{name}[/bold]  {entry.group}\n", highlight=False)
    console.print(inspect.getdoc(entry.apply) or "", highlight=False, markup=False)
    console.print(f"\n{entry.frames} frames, each compared with the {reference}.\n", highlight=False)
    rows = entry.parameters
    table = Table("difficulty", *rows[0])
    for difficulty, row in zip(DIFFICULTIES, rows, strict=False):
        table.add_row(str(difficulty), *map(str, row.values()))
    console.print(table)

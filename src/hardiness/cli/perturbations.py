"""``hardiness list perturbations``."""

from __future__ import annotations

import inspect

import click
from rich.console import Console
from rich.table import Column, Table

from hardiness.cli.options import wide
from hardiness.distortions import DIFFICULTIES, perturbations
from hardiness.reference import IMAGENET_P


@click.command()
@click.argument("name", required=False)
def command(name: str | None) -> int:
    """List the perturbations, or describe NAME with its parameters."""
    console = wide(Console())
    if name:
        _describe(console, name)
        return 0
    table = Table(Column("perturbation", no_wrap=True), "group", "set", "frames", "compared with", "random", "what")
    published = IMAGENET_P.published
    for each in (*published, *(other for other in perturbations.names() if other not in published)):
        entry = perturbations.get(each)
        belongs = "test" if each in IMAGENET_P.members else "validation" if each in IMAGENET_P.extra else "none"
        reference = "first frame" if entry.compared_with_first else "frame before"
        chance = "no" if entry.deterministic else "by seed and id"
        table.add_row(each, entry.group, belongs, str(entry.frames), reference, chance, entry.summary)
    console.print(table)
    return 0


def _describe(console: Console, name: str) -> None:
    entry = perturbations.get(name)
    reference = "first" if entry.compared_with_first else "one before"
    console.print(f"[bold]{name}[/bold]  {entry.group}\n", highlight=False)
    console.print(inspect.getdoc(entry.apply) or "", highlight=False, markup=False)
    console.print(f"\n{entry.frames} frames, each compared with the {reference}.\n", highlight=False)
    rows = entry.parameters
    table = Table("difficulty", *rows[0])
    for difficulty, row in zip(DIFFICULTIES, rows, strict=False):
        table.add_row(str(difficulty), *map(str, row.values()))
    console.print(table)

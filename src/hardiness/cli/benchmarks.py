"""``hardiness benchmarks``."""

from __future__ import annotations

import inspect

import click
from rich.console import Console
from rich.table import Table

from hardiness.benchmarks import describe, registry
from hardiness.cli.show import wide


@click.command()
@click.argument("name", required=False)
def command(name: str | None) -> int:
    """List the benchmarks, or describe NAME with its options."""
    console = wide(Console())
    if name:
        _describe(console, name)
        return 0
    table = Table("benchmark", "question", "paper", "protocol", "data")
    for each in registry.names():
        benchmark = registry.get(each)
        table.add_row(each, benchmark.question, benchmark.paper, benchmark.protocol, " or ".join(benchmark.needs))
    console.print(table)
    return 0


def _describe(console: Console, name: str) -> None:
    benchmark = registry.get(name)
    console.print(f"[bold]{name}[/bold]  {benchmark.question}\n", highlight=False)
    console.print(inspect.getdoc(benchmark) or "", highlight=False, markup=False)
    table = Table(show_header=False, box=None)
    table.add_row("paper", benchmark.paper)
    table.add_row("protocol", benchmark.protocol)
    table.add_row("data", " or ".join(benchmark.needs))
    for option, default, text in describe(benchmark):
        table.add_row(f":{option}=", f"{text} (default {default})")
    console.print(table)

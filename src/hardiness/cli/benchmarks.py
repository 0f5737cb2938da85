"""``hardiness list benchmarks``."""

from __future__ import annotations

import inspect

import click
from rich.console import Console
from rich.table import Table

from hardiness.benchmarks import cards, describe, registry, suite
from hardiness.cli.options import wide
from hardiness.core import GROUPS, BenchmarkIdentity, DataIdentity, ModelIdentity, Run


@click.command()
@click.argument("name", required=False)
def command(name: str | None) -> int:
    """List the benchmarks, or describe NAME with its options."""
    console = wide(Console())
    if name:
        _describe(console, name)
        return 0
    table = Table("about", "benchmark", "question", "paper", "protocol", "data")
    about = ""
    for each in sorted(registry.names(), key=_place):
        benchmark, group = registry.get(each), GROUPS[_place(each)[0]]
        row = (each, benchmark.question, benchmark.paper, benchmark.protocol, " or ".join(benchmark.needs))
        table.add_row("" if group == about else group, *row)
        about = group
    console.print(table)
    return 0


def _place(name: str) -> tuple[int, bool, int, str]:
    """Of a benchmark in the list: by the page's groups, in each the paper's first."""
    of_the_paper = name in {row.benchmark.partition(":")[0] for row in suite("paper").rows}
    card = cards.get(registry.get(name).card)
    run = Run(ModelIdentity(name), BenchmarkIdentity(name, registry.get(name).card), DataIdentity(name, "", 0))
    return GROUPS.index(card.group_of(run)), not of_the_paper, card.place_of(run), name


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

"""``hardiness list attacks``."""

from __future__ import annotations

import inspect

import click
from rich.console import Console
from rich.table import Table

from hardiness import attacks
from hardiness.attacks import threat_models
from hardiness.benchmarks import described
from hardiness.cli.options import wide


@click.command()
@click.argument("name", required=False)
def command(name: str | None) -> int:
    """List the attacks and threat models, or describe the attack NAME with its options."""
    console = wide(Console())
    if name:
        _describe(console, name)
        return 0
    table = Table("attack", "threat models", "gradients", "what")
    for each in attacks.registry.names():
        table.add_row(each, ", ".join(attacks.threats_of(each)), _gradients(each), _first_line(each))
    console.print(table)
    bounds = Table("threat model", "epsilon", "what")
    for each in threat_models.names():
        bounds.add_row(
            each, threat_models.get(each).unit, (inspect.getdoc(threat_models.get(each)) or "").partition("\n")[0]
        )
    console.print(bounds)
    console.print("Used as whitebox:attack=NAME,norm=THREAT,option=value, and in blackbox.", highlight=False)
    return 0


def _gradients(name: str) -> str:
    return "yes" if attacks.needs_gradients(name) else "no"


def _first_line(name: str) -> str:
    return (inspect.getdoc(attacks.registry.get(name)) or "").partition("\n\n")[0].replace("\n", " ")


def _describe(console: Console, name: str) -> None:
    attack = attacks.registry.get(name)
    console.print(f"[bold]{name}[/bold]  version {attacks.version_of(name)}\n", highlight=False)
    console.print(inspect.getdoc(attack) or "", highlight=False, markup=False)
    table = Table(show_header=False, box=None)
    table.add_row("threat models", ", ".join(attacks.threats_of(name)))
    table.add_row("needs gradients", _gradients(name))
    for option, default in described(name).items():
        table.add_row(f"{option}=", f"default {default}")
    console.print(table)

"""``hardiness compare --noise``."""

from __future__ import annotations

import json
from dataclasses import asdict, dataclass

import click
from rich.console import Console

from hardiness import api
from hardiness.cli import options
from hardiness.cli.options import PrintOptions, grouped, wide
from hardiness.core import Request
from hardiness.report import terminal_table


@dataclass(frozen=True, slots=True)
class NoiseOptions:
    """Which model on which benchmark, with which data."""

    model: str
    benchmark: str
    data: tuple[str, ...]


@click.command(context_settings={"show_default": True})
@grouped(
    "chosen",
    NoiseOptions,
    click.option("-m", "--model", required=True, metavar="MODEL[:option=value,…]", help="The model."),
    click.option("-b", "--benchmark", required=True, metavar="BENCHMARK[:option=value,…]", help="The benchmark."),
    click.option(
        "--data", multiple=True, metavar="ROOT|NAME=PATH|embedded", help="As of 'hardiness run', also several times."
    ),
)
@click.option("--out", default="runs/latest", metavar="FOLDER|s3://…", help="Output folder, or an object store.")
@grouped("request", Request, options.limit("samples"), options.seed)
@grouped("placement", api.Placement, options.device)
@grouped(
    "shown",
    PrintOptions,
    options.quiet,
    click.option("--json", "as_json", is_flag=True, help="Print everything as JSON."),
)
def command(chosen: NoiseOptions, out: str, request: Request, placement: api.Placement, shown: PrintOptions) -> int:
    """How far does the protocol itself move the scores of one model on one benchmark?

    Resize backend, precision, runtime, batch size and seed are varied, each alone, on the same images. 'hardiness
    compare' then calls a difference nothing that is no larger.
    """
    asked = {**asdict(request), **asdict(placement)}
    progress = False if shown.quiet else None
    found = api.noise(chosen.model, chosen.benchmark, chosen.data, out, progress=progress, **asked)
    if shown.as_json:
        click.echo(json.dumps(found.as_dict(), indent=1))
        return 0
    console = wide(Console())
    for part in terminal_table(found.view()):
        console.print(part, highlight=False)
    return 0

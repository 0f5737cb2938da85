"""``hardiness compare``."""

from __future__ import annotations

import json

import click
from rich.console import Console

from hardiness import api
from hardiness.cli.options import wide
from hardiness.report import tables_in, terminal_table


@click.command(context_settings={"show_default": True})
@click.argument("outs", nargs=-1, required=True, metavar="OUT [OUT2 …]")
@click.option("-m", "--model", "models", multiple=True, metavar="MODEL", help="Which models; all if none is given.")
@click.option(
    "--reference",
    multiple=True,
    metavar="MODEL",
    help="Models of OUT that the line of effective robustness goes through, instead of the published ones.",
)
@click.option("--format", "form", metavar="FORMAT", help="The tables as latex, csv or markdown, for a paper.")
@click.option("--json", "as_json", is_flag=True, help="Print everything as JSON: cells, parts, images and ranks too.")
@click.option(
    "--noise",
    is_flag=True,
    expose_value=False,
    help="How far does the protocol itself move a model's scores? See 'compare --noise --help'.",
)
@click.option("--power", is_flag=True, expose_value=False, help="How many images does it take? See its --help.")
def command(
    outs: tuple[str, ...], models: tuple[str, ...], reference: tuple[str, ...], form: str | None, as_json: bool
) -> int:
    """Do models of OUT differ? Paired on the same images, with intervals and the smallest difference that n tells."""
    found = api.compare(outs, *models, reference=reference)
    if as_json:
        click.echo(json.dumps(found.as_dict(), indent=1))
        return 0
    if form:
        click.echo(tables_in(form, found.views()), nl=False)
        return 0
    console = wide(Console())
    for sentence in found.sentences():
        console.print(sentence, highlight=False, markup=False)
    for view in found.views():
        for part in terminal_table(view):
            console.print(part, highlight=False)
    return 0

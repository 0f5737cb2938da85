"""``hardiness show --claims``."""

from __future__ import annotations

import json

import click
from rich.console import Console

from hardiness import api
from hardiness.cli.options import wide
from hardiness.core import ArgumentError
from hardiness.report import tables_in, terminal_table


@click.command(context_settings={"show_default": True})
@click.argument("out", required=False)
@click.option(
    "-m",
    "--model",
    "family",
    multiple=True,
    metavar="MODEL",
    help="A model of the family, smallest first; may be given several times. [default: all of OUT, by parameters]",
)
@click.option("--reference", metavar="MODEL", help="The model that the family is compared with.")
@click.option("--published", is_flag=True, help="Judge the published five instead of an output folder.")
@click.option("--format", "form", metavar="FORMAT", help="The table as latex, csv or markdown, for a paper.")
@click.option("--json", "as_json", is_flag=True, help="Print everything as JSON.")
def command(
    out: str | None,
    family: tuple[str, ...],
    reference: str | None,
    published: bool,
    form: str | None,
    as_json: bool,
) -> int:
    """Do the sentences of the paper hold for the models of OUT?

    Each is answered with holds, does not hold, cannot be told from this n, or cannot be told: a score or a model is
    missing, and which. p is two-sided, of the contrast that the verdict rests on; of a contrast that speaks against the
    sentence it is multiplied by the number of the sentence's contrasts, and is 1 at most.
    """
    if published == (out is not None):
        raise ArgumentError("claims needs either OUT, the folder of an earlier 'hardiness run', or --published")
    found = api.published_claims() if out is None else api.claims(out, *family, reference=reference)
    if as_json:
        click.echo(json.dumps(found.as_dict(), indent=1))
        return 0
    if form:
        click.echo(tables_in(form, [found.view()]), nl=False)
        return 0
    console = wide(Console())
    for part in terminal_table(found.view()):
        console.print(part, highlight=False)
    return 0

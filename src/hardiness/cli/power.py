"""``hardiness compare --power``."""

from __future__ import annotations

import json
from dataclasses import asdict

import click
from rich.console import Console
from rich.table import Table

from hardiness.cli.options import wide
from hardiness.core import ArgumentError
from hardiness.statistics import images_needed

IMAGENET = 50_000
"""Photographs in ImageNet's validation set."""

USUAL = (0.3, 0.5, 0.7)
"""Correlations of right and wrong shown where none is given."""


@click.command(context_settings={"show_default": True})
@click.option("--difference", type=float, required=True, metavar="D", help="Of the error rates: 0.01 is one point.")
@click.option("--baseline-error", type=float, required=True, metavar="E", help="The baseline's error rate, a fraction.")
@click.option(
    "--correlation",
    "correlations",
    type=float,
    multiple=True,
    metavar="R",
    help="Of right and wrong between the two models over images; may be given several times. "
    f"[default: {', '.join(map(str, USUAL))}]",
)
@click.option("--power", "--chance", "power", type=float, default=0.8, metavar="P", help="Of telling the difference.")
@click.option("--json", "as_json", is_flag=True, help="Print everything as JSON.")
def command(
    difference: float, baseline_error: float, correlations: tuple[float, ...], power: float, as_json: bool
) -> int:
    """How many images tell that a model errs by D less often than a baseline that errs on E of them?

    Paired is both models on the same images, where only those count that one of them alone gets right; unpaired is each
    on photographs of its own.
    """
    found = {}
    for each in correlations or USUAL:
        try:
            found[each] = images_needed(difference, baseline_error, each, power)
        except ArgumentError:
            # Very unequal error rates cannot correlate much: of the usual ones, those that can be are shown.
            if correlations or each == min(USUAL):
                raise
    if as_json:
        rows = [{"correlation": each, **asdict(needed)} for each, needed in found.items()]
        click.echo(
            json.dumps({"difference": difference, "baseline_error": baseline_error, "power": power, "rows": rows})
        )
        return 0
    table = Table("correlation", "one alone is right", "images, paired", "images each, unpaired")
    for column in table.columns:
        column.justify = "right"
    for each, needed in found.items():
        row = (f"{each:g}", f"{100 * needed.disagreement:.1f} %", f"{needed.paired:,}", f"{needed.unpaired:,}")
        table.add_row(*row)
    wide(Console()).print(table)
    least = min(needed.paired for needed in found.values())
    if least > IMAGENET:
        click.echo(f"ImageNet's {IMAGENET:,} validation photographs are too few for this difference.")
    return 0

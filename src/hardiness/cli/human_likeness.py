"""``hardiness human-likeness``."""

from __future__ import annotations

import json
from pathlib import Path

import click
from rich.console import Console

from hardiness.cli.show import wide
from hardiness.reference import read_set_trials
from hardiness.report import consistency_by_set_table, human_likeness_table
from hardiness.results import human_likeness
from hardiness.store import Store


@click.command()
@click.argument("out", type=click.Path(path_type=Path))
@click.option(
    "--humans",
    "folder",
    required=True,
    type=click.Path(path_type=Path),
    metavar="FOLDER",
    help="People's answers, trial by trial: a folder of csv files for each set, as raw-data of model-vs-human.",
)
@click.option("--by-set", is_flag=True, help="Also the error consistency on each set of stimuli.")
@click.option("--json", "as_json", is_flag=True, help="Print everything as JSON.")
def command(out: Path, folder: Path, by_set: bool, as_json: bool) -> int:
    """How like people do the models of OUT err on model-vs-human? Its four numbers, and the mean rank of three.

    Networks whose answers lie beside people's are rows of their own.
    """
    trials = read_set_trials(folder)
    found = human_likeness(Store.open(out), trials)
    if as_json:
        click.echo(json.dumps([each.as_dict() for each in found], indent=1))
    else:
        console = wide(Console())
        console.print(human_likeness_table(found))
        if by_set:
            console.print(consistency_by_set_table(found))
    return 0

"""``hardiness consistency``."""

from __future__ import annotations

import json
from pathlib import Path

import click
from rich.console import Console

from hardiness.cli.show import wide
from hardiness.reference import read_trials
from hardiness.report import consistency_tables
from hardiness.results import consistency
from hardiness.store import Store


@click.command(context_settings={"show_default": True})
@click.argument("out", type=click.Path(path_type=Path))
@click.option(
    "--humans",
    "files",
    multiple=True,
    type=click.Path(path_type=Path),
    metavar="FILE.csv|FOLDER",
    help="People's answers, trial by trial, in the form of model-vs-human; may be given several times.",
)
@click.option("--protocol", default="geirhos2019", metavar="NAME", help="How a model's answer is read off its logits.")
@click.option("--all", "everything", is_flag=True, help="Each person, not only the mean over them.")
@click.option("--json", "as_json", is_flag=True, help="Print everything as JSON.")
def command(out: Path, files: tuple[Path, ...], protocol: str, everything: bool, as_json: bool) -> int:
    """Do two observers err on the same stimuli? Cohen's kappa of the models of OUT on cue-conflict, and of people."""
    found = consistency(Store.open(out), read_trials(files), protocol)
    if as_json:
        click.echo(json.dumps([each.as_dict() for each in found], indent=1))
    else:
        console = wide(Console())
        for table in consistency_tables(found, everything):
            console.print(table)
        if hidden := 0 if everything else sum(each.detail for each in found):
            console.print(f"and {hidden} single pairs: --all", style="dim")
    return 0

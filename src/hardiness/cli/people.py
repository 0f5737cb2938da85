"""``hardiness show --people``, and the two commands of 0.1 whose tables it prints."""

from __future__ import annotations

import json
from collections.abc import Sequence
from pathlib import Path

import click
from rich.console import Console

from hardiness.cli.options import wide
from hardiness.core import ArgumentError
from hardiness.reference import read_set_trials, read_trials
from hardiness.report import consistency_by_set_table, consistency_tables, human_likeness_table
from hardiness.results import Comparison, Likeness, consistency, human_likeness
from hardiness.store import Store


@click.command(context_settings={"show_default": True})
@click.argument("out", type=click.Path(path_type=Path))
@click.option(
    "--humans",
    "files",
    multiple=True,
    type=click.Path(path_type=Path),
    metavar="FILE.csv|FOLDER",
    help="People's answers, trial by trial, as model-vs-human publishes them; may be given several times. For runs of "
    "model-vs-human a folder of csv files for each set.",
)
@click.option("--protocol", default="geirhos2019", metavar="NAME", help="How an answer to a cue conflict is read.")
@click.option("--all", "everything", is_flag=True, help="Each person, not only the mean over them; each set.")
@click.option("--json", "as_json", is_flag=True, help="Print everything as JSON.")
def command(out: Path, files: tuple[Path, ...], protocol: str, everything: bool, as_json: bool) -> int:
    """How like people do the models of OUT err?

    On cue conflicts Cohen's kappa of every two models and, with their answers, people; on model-vs-human its four
    numbers and the mean rank of three.
    """
    store = Store.open(out)
    benchmarks = {stored.run.benchmark.name for stored in store.runs()}
    if not benchmarks & {"cue-conflict", "model-vs-human"}:
        raise ArgumentError(f"{out} holds no run of cue-conflict or model-vs-human, on which people were asked too")
    kappas = consistency(store, read_trials(files), protocol) if "cue-conflict" in benchmarks else []
    if "model-vs-human" in benchmarks and not files:
        raise ArgumentError("--humans is needed for runs of model-vs-human: a folder of csv files for each set")
    likeness = human_likeness(store, read_set_trials(files[0])) if "model-vs-human" in benchmarks else []
    if as_json:
        click.echo(
            json.dumps(
                {
                    "consistency": [each.as_dict() for each in kappas],
                    "human_likeness": [each.as_dict() for each in likeness],
                },
                indent=1,
            )
        )
        return 0
    if kappas:
        _print_kappas(kappas, everything)
    if likeness:
        _print_likeness(likeness, everything)
    return 0


def _print_kappas(found: Sequence[Comparison], everything: bool) -> None:
    console = wide(Console())
    for table in consistency_tables(found, everything):
        console.print(table)
    if hidden := 0 if everything else sum(each.detail for each in found):
        console.print(f"and {hidden} single pairs: --all", style="dim")


def _print_likeness(found: Sequence[Likeness], by_set: bool) -> None:
    console = wide(Console())
    console.print(human_likeness_table(found))
    if by_set:
        console.print(consistency_by_set_table(found))


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
def consistency_command(out: Path, files: tuple[Path, ...], protocol: str, everything: bool, as_json: bool) -> int:
    """Do two observers err on the same stimuli? Cohen's kappa of the models of OUT on cue-conflict, and of people."""
    found = consistency(Store.open(out), read_trials(files), protocol)
    if as_json:
        click.echo(json.dumps([each.as_dict() for each in found], indent=1))
    else:
        _print_kappas(found, everything)
    return 0


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
def human_likeness_command(out: Path, folder: Path, by_set: bool, as_json: bool) -> int:
    """How like people do the models of OUT err on model-vs-human? Its four numbers, and the mean rank of three.

    Networks whose answers lie beside people's are rows of their own.
    """
    trials = read_set_trials(folder)
    found = human_likeness(Store.open(out), trials)
    if as_json:
        click.echo(json.dumps([each.as_dict() for each in found], indent=1))
    else:
        _print_likeness(found, by_set)
    return 0

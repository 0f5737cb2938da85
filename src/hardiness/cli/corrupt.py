"""``hardiness corrupt``."""

from __future__ import annotations

from pathlib import Path
from typing import TypedDict, Unpack

import click
from rich.console import Console

from hardiness.benchmarks.corruption_set import corruption_benchmark
from hardiness.cli.progress import Bars
from hardiness.cli.show import SHOWN_FAILURES
from hardiness.core import ArgumentError, Request
from hardiness.reference import set_names
from hardiness.trees.distorted import write_corrupted
from hardiness.trees.tree import Written


class Asked(TypedDict):
    """The options of the command."""

    members: str
    corruptions: str
    severities: str
    extra: bool
    seed: int
    limit: int | None
    quiet: bool


@click.command(context_settings={"show_default": True})
@click.argument("source", metavar="SRC")
@click.argument("folder", metavar="DST", type=click.Path(path_type=Path))
@click.option(
    "--set", "members", default="imagenet-c", metavar="NAME", help=f"Of corruptions: {', '.join(set_names('still'))}."
)
@click.option("--corruptions", default="", metavar="NAME+NAME", help="These alone; those of the set if not given.")
@click.option("--severities", default="", metavar="1+3", help="These alone; all if not given.")
@click.option("--extra", is_flag=True, help="Also the four that the authors set apart for validation.")
@click.option("--seed", type=int, default=0, help="Keys every draw.")
@click.option("--limit", type=int, metavar="N", help="The first N photographs of a seeded, class-stratified order.")
@click.option("--quiet", is_flag=True, help="Neither progress nor a closing line.")
def command(source: str, folder: Path, **asked: Unpack[Asked]) -> int:
    """Write DST/<corruption>/<severity>/<wnid>/*.JPEG from the photographs of SRC.

    SRC is what --data takes for imagenet: a data root, imagenet=FOLDER, or embedded. The same command again continues
    where it stopped; used as --data imagenet-c=DST (or as the set is called) the tree gives the same predictions as
    generating.
    """
    kind = corruption_benchmark(asked["members"])
    severities = asked["severities"]
    benchmark = kind(
        extra=asked["extra"],
        corruptions=tuple(filter(None, asked["corruptions"].split("+"))),
        severities=tuple(map(_severity, severities.split("+"))) if severities else kind.members.levels,
    )
    listener = None if asked["quiet"] else Bars(Console(stderr=True))
    request = Request(limit=asked["limit"], seed=asked["seed"])
    written = write_corrupted(source, folder, benchmark, request, listener)
    return tell(written, folder / "manifest.json", asked["quiet"])


def tell(written: Written, path: Path, quiet: bool) -> int:
    """Say what became of a tree, with a file of it to look at; the exit status."""
    for failure in written.failures[:SHOWN_FAILURES]:
        click.echo(f"failed: {failure.reason}", err=True)
    if len(written.failures) > SHOWN_FAILURES:
        click.echo(f"… and {len(written.failures) - SHOWN_FAILURES} more photographs", err=True)
    for note in written.notes:
        click.echo(f"hardiness: {note}", err=True)
    if not quiet:
        click.echo(f"{written.files:,} files  {path}")
    return written.exit_status


def _severity(text: str) -> int:
    if not text.isdecimal():
        raise ArgumentError(f"--severities must be numbers with + between them, had {text!r}")
    return int(text)

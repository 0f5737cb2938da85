"""``hardiness make corruptions``."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

import click
from rich.console import Console

from hardiness.api import progress_on
from hardiness.benchmarks import CorruptionSet, corruption_benchmark
from hardiness.cli import options
from hardiness.cli.options import grouped
from hardiness.cli.show import SHOWN_FAILURES
from hardiness.core import ArgumentError, Request
from hardiness.reference import set_names
from hardiness.trees import FORMATS, TreeOutcome, write_corrupted


@dataclass(frozen=True, slots=True)
class CorruptionOptions:
    """Which cells are written, as they were typed."""

    members: str
    corruptions: str
    severities: str
    extra: bool
    format: str

    def benchmark(self) -> CorruptionSet:
        """The benchmark of the set, with those cells."""
        kind, severities = corruption_benchmark(self.members), self.severities
        return kind(
            extra=self.extra,
            corruptions=tuple(filter(None, self.corruptions.split("+"))),
            severities=tuple(map(_severity, severities.split("+"))) if severities else kind.members.levels,
        )


@click.command(context_settings={"show_default": True})
@click.argument("source", metavar="SRC")
@click.argument("folder", metavar="DST", type=click.Path(path_type=Path))
@grouped(
    "chosen",
    CorruptionOptions,
    click.option(
        "--set", "members", default="imagenet-c", metavar="NAME", help=f"One of {', '.join(set_names('still'))}."
    ),
    click.option("--corruptions", default="", metavar="NAME+NAME", help="These alone; those of the set if not given."),
    click.option("--severities", default="", metavar="1+3", help="These alone; all if not given."),
    click.option(
        "--format",
        default=FORMATS[0],
        metavar="|".join(FORMATS),
        help="Of the files; as JPEG they are like released ones, without clean ones.",
    ),
    click.option("--extra", is_flag=True, help="Also the four that the authors set apart for validation."),
)
@grouped("request", Request, options.seed, options.limit("photographs"))
@options.wait
@options.quiet
def command(source: str, folder: Path, chosen: CorruptionOptions, request: Request, wait_s: float, quiet: bool) -> int:
    """Write DST/<corruption>/<severity>/<wnid>/*.png and DST/clean/<wnid>/*.png from the photographs of SRC.

    SRC is what --data takes for imagenet: a data root, imagenet=FOLDER, or embedded. The same command again continues
    where it stopped; used as --data imagenet-c=DST (or as the set is called) the tree gives the same predictions as
    generating.
    """
    listener = None if quiet else progress_on(Console(stderr=True))
    written = write_corrupted(source, folder, chosen.benchmark(), request, listener, wait_s, chosen.format)
    return tell(written, folder / "manifest.json", quiet)


def tell(written: TreeOutcome, path: Path, quiet: bool) -> int:
    """Print what was written and what failed, and return the exit status."""
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

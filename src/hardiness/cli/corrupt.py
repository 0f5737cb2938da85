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
from hardiness.trees import FORMATS, PictureForm, TreeOutcome, write_corrupted, write_corruption_sheet


@dataclass(frozen=True, slots=True)
class CorruptionOptions:
    """Which cells are written, as they were typed."""

    members: str
    corruptions: str
    severities: str
    extra: bool

    def benchmark(self) -> CorruptionSet:
        """The benchmark of the set, with those cells."""
        kind = corruption_benchmark(self.members)
        names = (self._of(name) for name in _parts("--corruptions", self.corruptions))
        severities = tuple(map(_severity, _parts("--severities", self.severities)))
        return kind(
            extra=self.extra,
            corruptions=tuple(dict.fromkeys(name for group in names for name in group)),
            severities=severities or kind.members.levels,
        )

    def _of(self, name: str) -> tuple[str, ...]:
        """The corruptions of a group of the set, or the one of that name."""
        return corruption_benchmark(self.members).members.groups.get(name, (name,))


def _parts(option: str, text: str) -> list[str]:
    """What stands between ``+``.

    Raises:
        ArgumentError: it is parted by something else.
    """
    for wrong in (",", " "):
        if wrong in text.strip():
            parts = [part for part in text.replace(" ", ",").split(",") if part]
            raise ArgumentError(f"{option} takes + between names, as in {'+'.join(parts)}; had {text!r}")
    return [part for part in text.split("+") if part]


@click.command(context_settings={"show_default": True})
@click.argument("source", metavar="SRC")
@click.argument("folder", metavar="DST", type=click.Path(path_type=Path))
@grouped(
    "chosen",
    CorruptionOptions,
    click.option(
        "--set", "members", default="imagenet-c", metavar="NAME", help=f"One of {', '.join(set_names('still'))}."
    ),
    click.option("--corruptions", default="", metavar="NAME+GROUP", help="These alone; the set's if not given."),
    click.option("--severities", default="", metavar="1+3", help="These alone; all if not given."),
    click.option("--extra", is_flag=True, help="Also the four that the authors set apart for validation."),
)
@grouped(
    "form",
    PictureForm,
    click.option("--keep-size", is_flag=True, help="Each picture at its own size, without a crop."),
    click.option("--size", "size_px", type=int, metavar="PX", help="Side of the centre crop; 224 if not given."),
    click.option(
        "--format",
        default=FORMATS[0],
        metavar="|".join(FORMATS),
        help="Of the files. PNG and WebP lose nothing; JPEG is as released ones, without clean ones.",
    ),
)
@click.option("--contact-sheet", is_flag=True, help="Also a picture of the first photograph under all of them.")
@grouped("request", Request, options.seed, options.limit("photographs"))
@options.wait
@options.quiet
def command(
    source: str,
    folder: Path,
    chosen: CorruptionOptions,
    form: PictureForm,
    contact_sheet: bool,
    request: Request,
    wait_s: float,
    quiet: bool,
) -> int:
    """Write DST/<corruption>/<severity>/<wnid>/*.png and DST/clean/<wnid>/*.png from the photographs of SRC.

    SRC is any folder of pictures, as it lies, or one picture; or what --data takes for imagenet: a data root,
    imagenet=FOLDER, or embedded. The same command again continues where it stopped. A tree of ImageNet's photographs,
    used as --data imagenet-c=DST (or as the set is called), gives the same predictions as generating.
    """
    listener = None if quiet else progress_on(Console(stderr=True))
    benchmark = chosen.benchmark()
    written = write_corrupted(source, folder, benchmark, request, listener, wait_s, form)
    if contact_sheet:
        path = write_corruption_sheet(source, folder, benchmark, request, form)
        click.echo("" if quiet else str(path), nl=not quiet)
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

"""``hardiness make perturbations``."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

import click
from rich.console import Console

from hardiness.api import progress_on
from hardiness.benchmarks import ImagenetP
from hardiness.cli import options
from hardiness.cli.corrupt import tell
from hardiness.cli.options import grouped
from hardiness.core import Request
from hardiness.trees import write_contact_sheet, write_perturbed


@dataclass(frozen=True, slots=True)
class SequenceOptions:
    """Which sequences are written, as they were typed, and whether with a contact sheet."""

    perturbations: str
    extra: bool
    difficulty: int
    contact_sheet: bool

    def benchmark(self) -> ImagenetP:
        """ImageNet-P with those sequences."""
        names = tuple(filter(None, self.perturbations.split("+")))
        return ImagenetP(extra=self.extra, perturbations=names, difficulty=self.difficulty)


@click.command(context_settings={"show_default": True})
@click.argument("source", metavar="SRC")
@click.argument("folder", metavar="DST", type=click.Path(path_type=Path))
@grouped(
    "chosen",
    SequenceOptions,
    click.option("--perturbations", default="", metavar="NAME+NAME", help="These alone; the ten if not given."),
    click.option("--extra", is_flag=True, help="Also the four that the authors set apart for validation."),
    click.option("--difficulty", type=int, default=1, help="2 or 3: stronger noise, of the noises alone."),
    click.option(
        "--contact-sheet", is_flag=True, help="Also write DST/contact-sheet.png: frames of the first photograph."
    ),
)
@grouped("request", Request, options.seed, options.limit("photographs"))
@options.wait
@options.quiet
def command(source: str, folder: Path, chosen: SequenceOptions, request: Request, wait_s: float, quiet: bool) -> int:
    """Write DST/<perturbation>/<wnid>/*.mp4 from the photographs of SRC.

    SRC is what --data takes for imagenet: a data root, imagenet=FOLDER, or embedded. The same command again continues
    where it stopped; the tree is used as --data imagenet-p=DST.
    """
    benchmark = chosen.benchmark()
    bars = None if quiet else progress_on(Console(stderr=True))
    written = write_perturbed(source, folder, benchmark, request, bars, wait_s)
    path = write_contact_sheet(source, folder, benchmark, request) if chosen.contact_sheet else folder / "manifest.json"
    return tell(written, path, quiet)

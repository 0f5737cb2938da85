"""``hardiness perturb``."""

from __future__ import annotations

from pathlib import Path
from typing import TypedDict, Unpack

import click
from rich.console import Console

from hardiness.benchmarks.imagenet_p import ImagenetP
from hardiness.cli.corrupt import tell
from hardiness.cli.progress import Bars
from hardiness.core import Request
from hardiness.trees.distorted import write_contact_sheet, write_perturbed


class Asked(TypedDict):
    """The options of the command."""

    perturbations: str
    extra: bool
    difficulty: int
    contact_sheet: bool
    seed: int
    limit: int | None
    quiet: bool


@click.command(context_settings={"show_default": True})
@click.argument("source", metavar="SRC")
@click.argument("folder", metavar="DST", type=click.Path(path_type=Path))
@click.option("--perturbations", default="", metavar="NAME+NAME", help="These alone; the ten if not given.")
@click.option("--extra", is_flag=True, help="Also the four that the authors set apart for validation.")
@click.option("--difficulty", type=int, default=1, help="2 or 3: stronger noise, of the noises alone.")
@click.option("--contact-sheet", is_flag=True, help="Also write DST/contact-sheet.png: frames of the first photograph.")
@click.option("--seed", type=int, default=0, help="Keys every draw.")
@click.option("--limit", type=int, metavar="N", help="The first N photographs of a seeded, class-stratified order.")
@click.option("--quiet", is_flag=True, help="Neither progress nor a closing line.")
def command(source: str, folder: Path, **asked: Unpack[Asked]) -> int:
    """Write DST/<perturbation>/<wnid>/*.mp4 from the photographs of SRC.

    SRC is what --data takes for imagenet: a data root, imagenet=FOLDER, or embedded. The same command again continues
    where it stopped; the tree is used as --data imagenet-p=DST.
    """
    benchmark = ImagenetP(
        extra=asked["extra"],
        perturbations=tuple(filter(None, asked["perturbations"].split("+"))),
        difficulty=asked["difficulty"],
    )
    request = Request(limit=asked["limit"], seed=asked["seed"])
    listener = None if asked["quiet"] else Bars(Console(stderr=True))
    written = write_perturbed(source, folder, benchmark, request, listener)
    sheet = asked["contact_sheet"]
    path = write_contact_sheet(source, folder, benchmark, request) if sheet else folder / "manifest.json"
    return tell(written, path, asked["quiet"])

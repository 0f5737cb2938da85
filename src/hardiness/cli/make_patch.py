"""``hardiness make patch``."""

from __future__ import annotations

from dataclasses import dataclass
from functools import partial
from pathlib import Path

import click
from rich.console import Console

from hardiness import data as datasets
from hardiness import models
from hardiness.api import progress_on
from hardiness.cli import options
from hardiness.cli.options import grouped
from hardiness.cli.show import SHOWN_FAILURES
from hardiness.visualise import GRID, PatchSettings, class_unit, write_patch


@dataclass(frozen=True, slots=True)
class Victim:
    """Whom the patch shall fool, on which photographs, and into seeing what."""

    name: str
    device: str
    data: tuple[str, ...]
    target: str | None


@click.command(context_settings={"show_default": True})
@grouped(
    "victim",
    Victim,
    click.option("-m", "--model", "name", required=True, metavar="MODEL[:option=value,…]", help="Any model but onnx:."),
    click.option("--data", multiple=True, metavar="ROOT|NAME=PATH|embedded", help="Photographs to put it on."),
    click.option(
        "--target", metavar="NAME", help="Class that all shall become, by index, wnid or name; any if left out."
    ),
    options.device,
)
@click.option("--out", type=click.Path(path_type=Path), default=Path("runs/patch"), help="Output folder.")
@grouped(
    "settings",
    PatchSettings,
    click.option("--share", type=float, default=0.05, help="Of the picture's area that the patch covers."),
    click.option(
        "--limit",
        "photographs",
        type=int,
        default=100,
        metavar="N",
        help="The last N photographs of the order of which 'run --limit' takes the first.",
    ),
    click.option("--steps", type=int, default=300, help="Steps of the optimiser, each on one batch."),
    click.option("--rate", type=float, default=0.05, help="Size of a step, as a share of the range of pixels."),
    options.seed,
    click.option("--batch-size", type=int, metavar="B", help="Photographs in one step; chosen if not given."),
)
@options.quiet
def command(victim: Victim, out: Path, settings: PatchSettings, quiet: bool) -> int:
    """Train one patch that fools a model on any picture, wherever it is put.

    OUT gets the patch, grid.png with photographs under it, and features.json. Then measure it on other photographs:
    hardiness run -b whitebox:attack=universal-patch,file=OUT/000_patch.png,protocol=standard,norm=patch,epsilons=SHARE
    """
    spec = models.resolve(victim.name)
    photographs = datasets.locate(victim.data).dataset("imagenet")
    bars = None if quiet else progress_on(Console(stderr=True))
    classifier = models.load(spec, device=victim.device, progress=partial(bars.download, spec.name) if bars else None)
    target = None if victim.target is None else class_unit(classifier.spec, victim.target)
    made = write_patch(classifier, photographs, target, out, settings, bars)
    for failure in made.failures[:SHOWN_FAILURES]:
        click.echo(f"failed: {failure.reason}", err=True)
    if not quiet:
        wanted = "another class" if target is None else f"class {victim.target}"
        click.echo(
            f"{wanted} on {100 * made.after:.0f} % of the {len(made.ids)} photographs that it was trained on "
            f"(noise: {100 * made.before:.0f} %)  {out / '000_patch.png'}  {out / GRID}"
        )
    return made.exit_status

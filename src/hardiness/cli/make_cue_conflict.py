"""``hardiness make-cue-conflict``."""

from __future__ import annotations

from functools import partial
from pathlib import Path

import click
from rich.console import Console

from hardiness import models
from hardiness.cli.progress import Bars
from hardiness.cli.show import SHOWN_FAILURES
from hardiness.visualise.pairs import photographs
from hardiness.visualise.stimuli import SHEET, Wanted, make_stimuli
from hardiness.visualise.style import StyleSettings


@click.command(context_settings={"show_default": True})
@click.option(
    "--shapes", required=True, metavar="DIR", help="Photographs that give shapes: a folder for each category."
)
@click.option("--textures", required=True, metavar="DIR", help="Photographs that give textures, likewise.")
@click.option("--out", required=True, type=click.Path(path_type=Path), help="Output folder; becomes a data root.")
@click.option("-m", "--model", "name", default="efficientnet_lite0", metavar="MODEL", help="Whose features are read.")
@click.option("--each", type=int, default=1, metavar="K", help="Textures, of K other categories, for every shape.")
@click.option("--limit", type=int, metavar="N", help="The first N stimuli of a seeded, class-stratified order.")
@click.option("--seed", type=int, default=0, help="Keys every draw.")
@click.option("--steps", type=int, default=150, help="Steps of the optimiser.")
@click.option("--size", type=int, default=224, metavar="PX", help="Side of the stimuli.")
@click.option("--texture-weight", type=float, default=20.0, metavar="W", help="Of the texture; the shape's is 1.")
@click.option("--variants", default="", metavar="silhouettes,edges,stylised", help="Further sets.")
@click.option("--batch-size", type=int, metavar="B", help="Pairs in one pass; chosen if not given.")
@click.option("--device", default="auto", metavar="auto|cpu|cuda", help="Where the model runs.")
@click.option("--quiet", is_flag=True, help="Neither progress nor a closing line.")
def command(
    shapes: str,
    textures: str,
    out: Path,
    name: str,
    each: int,
    limit: int | None,
    seed: int,
    steps: int,
    size: int,
    texture_weight: float,
    variants: str,
    batch_size: int | None,
    device: str,
    quiet: bool,
) -> int:
    """Make stimuli with the shape of one photograph and the texture of another.

    DIR holds a folder for each category (any names, or wnids), or is what --data takes for imagenet. The benchmark
    runs on the result: -b cue-conflict --data OUT. The same command again continues where it stopped.
    """
    spec = models.resolve(name)
    wanted = Wanted(each, limit, size, tuple(filter(None, variants.split(","))), batch_size)
    style = StyleSettings(steps=steps, style=texture_weight, seed=seed)
    sides = photographs("--shapes", shapes), photographs("--textures", textures)
    bars = None if quiet else Bars(Console(stderr=True))
    classifier = models.load(spec, device=device, progress=partial(bars.download, spec.name) if bars else None)
    made = make_stimuli(classifier, sides, out, wanted, style, bars)
    for failure in made.failures[:SHOWN_FAILURES]:
        click.echo(f"failed: {failure.reason}", err=True)
    if len(made.failures) > SHOWN_FAILURES:
        click.echo(f"… and {len(made.failures) - SHOWN_FAILURES} more photographs", err=True)
    for note in made.notes:
        click.echo(f"hardiness: {note}", err=True)
    if not quiet:
        click.echo(f"{made.files:,} files  {out / SHEET}  {out / 'manifest.json'}")
    return made.exit_status

"""``hardiness make stimuli``."""

from __future__ import annotations

from dataclasses import dataclass
from functools import partial
from pathlib import Path

import click
from rich.console import Console

from hardiness import models
from hardiness.api import progress_on
from hardiness.cli import options
from hardiness.cli.options import grouped
from hardiness.cli.show import SHOWN_FAILURES
from hardiness.visualise import SHEET, StimulusRequest, StyleSettings, make_stimuli, photographs


@dataclass(frozen=True, slots=True)
class Sides:
    """Folders of the photographs that give shapes, and of those that give textures."""

    shapes: str
    textures: str


@dataclass(frozen=True, slots=True)
class Model:
    """Whose features are read, and where it runs."""

    name: str
    device: str


def _names(context: click.Context, option: click.Parameter, text: str) -> tuple[str, ...]:
    return tuple(filter(None, text.split(",")))


@click.command(context_settings={"show_default": True})
@grouped(
    "sides",
    Sides,
    click.option(
        "--shapes", required=True, metavar="DIR", help="Photographs that give shapes: a folder for each category."
    ),
    click.option("--textures", required=True, metavar="DIR", help="Photographs that give textures, likewise."),
)
@click.option("--out", required=True, type=click.Path(path_type=Path), help="Output folder; becomes a data root.")
@grouped(
    "model",
    Model,
    click.option(
        "-m", "--model", "name", default="efficientnet_lite0", metavar="MODEL", help="Whose features are read."
    ),
    options.device,
)
@grouped(
    "wanted",
    StimulusRequest,
    click.option("--each", type=int, default=1, metavar="K", help="Textures, of K other categories, for every shape."),
    options.limit("stimuli"),
    click.option("--size", "size_px", type=int, default=224, metavar="PX", help="Side of the stimuli."),
    click.option("--variants", default="", callback=_names, metavar="silhouettes,edges,stylised", help="Further sets."),
    click.option("--batch-size", type=int, metavar="B", help="Pairs in one pass; chosen if not given."),
    options.wait,
)
@grouped(
    "style",
    StyleSettings,
    options.seed,
    click.option("--steps", type=int, default=150, help="Steps of the optimiser."),
    click.option(
        "--texture-weight", "style", type=float, default=20.0, metavar="W", help="Of the texture; the shape's is 1."
    ),
)
@options.quiet
def command(sides: Sides, out: Path, model: Model, wanted: StimulusRequest, style: StyleSettings, quiet: bool) -> int:
    """Make stimuli with the shape of one photograph and the texture of another.

    DIR holds a folder for each category (any names, or wnids), or is what --data takes for imagenet. The benchmark
    runs on the result: -b cue-conflict --data OUT. The same command again continues where it stopped.
    """
    spec = models.resolve(model.name)
    given = photographs("--shapes", sides.shapes), photographs("--textures", sides.textures)
    bars = None if quiet else progress_on(Console(stderr=True))
    classifier = models.load(spec, device=model.device, progress=partial(bars.download, spec.name) if bars else None)
    made = make_stimuli(classifier, given, out, wanted, style, bars)
    for failure in made.failures[:SHOWN_FAILURES]:
        click.echo(f"failed: {failure.reason}", err=True)
    if len(made.failures) > SHOWN_FAILURES:
        click.echo(f"… and {len(made.failures) - SHOWN_FAILURES} more photographs", err=True)
    for note in made.notes:
        click.echo(f"hardiness: {note}", err=True)
    if not quiet:
        click.echo(f"{made.files:,} files  {out / SHEET}  {out / 'manifest.json'}")
    return made.exit_status

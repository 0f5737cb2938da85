"""``hardiness make features``."""

from __future__ import annotations

from dataclasses import dataclass
from functools import partial
from pathlib import Path

import click
from rich.console import Console
from rich.table import Table

from hardiness import data as datasets
from hardiness import models
from hardiness.api import progress_on
from hardiness.cli import options
from hardiness.cli.options import grouped, wide
from hardiness.core import ArgumentError, UnknownNameError
from hardiness.models import Classifier
from hardiness.visualise import (
    GRID,
    PROTOCOL,
    RECORD,
    STEPS,
    LayerUnit,
    Pushed,
    Settings,
    Transforms,
    Unit,
    channels,
    class_unit,
    neuron,
    probability_text,
    write_features,
    write_pushed,
)


@dataclass(frozen=True, slots=True)
class UnitOptions:
    """Whose units are shown, and which, as they were typed."""

    name: str
    device: str
    layer: str | None
    channel: tuple[str, ...]
    neurons: tuple[str, ...]
    classes: tuple[str, ...]
    listing: bool
    protocol: str | None
    data: tuple[str, ...]

    def units(self) -> list[Unit]:
        """The units of the layer; classes need the loaded model.

        Raises:
            ArgumentError, UnknownNameError: the options do not go together.
        """
        units = _units_of_layer(self.layer, self.channel, self.neurons)
        if self.protocol not in (None, PROTOCOL):
            raise UnknownNameError("protocol", self.protocol, (PROTOCOL,))
        if self.protocol and (units or self.classes):
            raise ArgumentError(f"--protocol {PROTOCOL} draws its own units; leave out --layer and --class")
        if not (self.protocol or units or self.classes or self.listing):
            raise ArgumentError(f"nothing to visualise: give --layer, --class or --protocol {PROTOCOL}")
        return units


@dataclass(frozen=True, slots=True)
class PictureOptions:
    """How pictures are made, as typed; `Settings` says what each is."""

    steps: int | None
    size: int | None
    parametrisation: str
    decorrelate: bool
    jitter: float
    rotate: float
    scale: float
    variants: int
    diversity: float
    smoothness: float
    seed: int
    batch_size: int | None

    def settings(self) -> Settings:
        """The settings of the optimiser.

        Raises:
            ArgumentError, UnknownNameError: one of them cannot be.
        """
        return Settings(
            steps=256 if self.steps is None else self.steps,
            size_px=self.size,
            kind=self.parametrisation,  # type: ignore[arg-type]  # checked by Settings
            decorrelate=self.decorrelate,
            transforms=Transforms(self.jitter, self.rotate, self.scale),
            variants=self.variants,
            diversity=self.diversity,
            smoothness=self.smoothness,
            seed=self.seed,
            batch_size=self.batch_size,
        )


@click.command(context_settings={"show_default": True})
@grouped(
    "wanted",
    UnitOptions,
    click.option("-m", "--model", "name", required=True, metavar="MODEL[:option=value,…]", help="Any model but onnx:."),
    click.option("--layer", metavar="NAME", help="Layer, by its dotted name; --layers lists them."),
    click.option("--channel", multiple=True, metavar="N|N,N|N-N", help="Channels of the layer; may be repeated."),
    click.option(
        "--neuron", "neurons", multiple=True, metavar="C,Y,X", help="One output of the layer: C,Y,X or TOKEN,C."
    ),
    click.option("--class", "classes", multiple=True, metavar="NAME", help="Class by index, wnid or name."),
    click.option("--layers", "listing", is_flag=True, help="List the layers with their output shapes, and stop."),
    click.option("--protocol", metavar="orhan2019", help="The paper's features, pushed from photographs of --data."),
    click.option(
        "--data", multiple=True, metavar="ROOT|NAME=PATH|embedded", help="Photographs to start the protocol from."
    ),
    options.device,
)
@click.option("--out", type=click.Path(path_type=Path), default=Path("runs/visualise"), help="Output folder.")
@grouped(
    "pictures",
    PictureOptions,
    click.option("--steps", type=int, help="Steps of the optimiser; 256, or the protocol's 500."),
    click.option("--size", type=int, metavar="PX", help="Side of the pictures; the model's own if not given."),
    click.option("--parametrisation", default="fourier", metavar="fourier|pixels", help="What is optimised."),
    click.option("--decorrelate/--plain-colours", default=True, help="Mix colours as photographs do, or not."),
    click.option(
        "--jitter", type=float, default=0.1, metavar="FRACTION", help="Largest random shift before each step."
    ),
    click.option("--rotate", type=float, default=20.0, metavar="DEGREES", help="Largest random turn."),
    click.option("--scale", type=float, default=0.35, metavar="FRACTION", help="Largest random zoom."),
    click.option("--variants", type=int, default=1, help="Pictures of each unit, kept apart from each other."),
    click.option("--diversity", type=float, default=0.5, metavar="WEIGHT", help="What likeness of variants costs."),
    click.option(
        "--smoothness", type=float, default=0.0, metavar="WEIGHT", help="What differences of neighbours cost."
    ),
    click.option("--seed", type=int, default=0, help="Keys every draw; the protocol has its own."),
    click.option("--batch-size", type=int, metavar="B", help="Pictures in one pass; chosen if not given."),
)
@options.quiet
def command(wanted: UnitOptions, out: Path, pictures: PictureOptions, quiet: bool) -> int:
    """Show what units of a model respond to, as pictures made by optimisation.

    OUT gets a picture each, grid.png and features.json. With --protocol orhan2019 it follows the paper instead:
    six pooled features, from two photographs and from noise.
    """
    spec = models.resolve(wanted.name)
    settings, units = pictures.settings(), wanted.units()
    photographs = datasets.locate(wanted.data).dataset("imagenet") if wanted.protocol else None
    bars = None if quiet else progress_on(Console(stderr=True))
    classifier = models.load(spec, device=wanted.device, progress=partial(bars.download, spec.name) if bars else None)
    if wanted.listing:
        _list_layers(classifier, pictures.size or spec.input_px or spec.view.crop_px)
    elif photographs is not None:
        steps = STEPS if pictures.steps is None else pictures.steps
        _tell_pushed(write_pushed(classifier, photographs, out, steps, bars), quiet)
    else:
        units += [class_unit(classifier.spec, text) for text in wanted.classes]
        write_features(classifier, units, settings, out, bars)
    if not quiet and not wanted.listing:
        click.echo(f"{out / GRID}  {out / RECORD}")
    return 0


def _units_of_layer(layer: str | None, channel: tuple[str, ...], neurons: tuple[str, ...]) -> list[Unit]:
    if layer is None:
        if channel or neurons:
            raise ArgumentError("--channel and --neuron need the --layer they belong to; --layers lists them")
        return []
    units: list[Unit] = [each for text in channel for each in channels(layer, text)]
    units += [neuron(layer, text) for text in neurons]
    return units or [LayerUnit(layer)]


def _list_layers(classifier: Classifier, px: int) -> None:
    table = Table("layer", "output for one picture")
    for layer, shape in classifier.layers(px).items():
        table.add_row(layer, " x ".join(map(str, shape)))
    wide(Console()).print(table)


def _tell_pushed(pushed: list[Pushed], quiet: bool) -> None:
    failed = [each for each in pushed if each.image is None]
    for each in () if quiet else failed:
        told = probability_text(each.probability)
        click.echo(f"unit {each.unit} from {each.start} never reached its probability (p {told})", err=True)

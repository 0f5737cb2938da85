"""``hardiness visualise``."""

from __future__ import annotations

from functools import partial
from pathlib import Path

import click
from rich.console import Console
from rich.table import Table

from hardiness import data as datasets
from hardiness import models
from hardiness.cli.progress import Bars
from hardiness.cli.show import wide
from hardiness.core import ArgumentError, UnknownNameError
from hardiness.models import Classifier
from hardiness.visualise import (
    LayerUnit,
    Pushed,
    Settings,
    Transforms,
    Unit,
    channels,
    class_unit,
    neuron,
    write_features,
    write_pushed,
)
from hardiness.visualise.exhibition import GRID, RECORD
from hardiness.visualise.orhan2019 import PROTOCOL, STEPS
from hardiness.visualise.sheet import probability_text


@click.command(context_settings={"show_default": True})
@click.option("-m", "--model", "name", required=True, metavar="MODEL[:option=value,…]", help="Any model but onnx:.")
@click.option("--layer", metavar="NAME", help="Layer, by its dotted name; --layers lists them.")
@click.option("--channel", multiple=True, metavar="N|N,N|N-N", help="Channels of the layer; may be repeated.")
@click.option("--neuron", "neurons", multiple=True, metavar="C,Y,X", help="One output of the layer: C,Y,X or TOKEN,C.")
@click.option("--class", "classes", multiple=True, metavar="NAME", help="Class by index, wnid or name.")
@click.option("--layers", "listing", is_flag=True, help="List the layers with their output shapes, and stop.")
@click.option("--protocol", metavar="orhan2019", help="The paper's features, pushed from photographs of --data.")
@click.option(
    "--data", multiple=True, metavar="ROOT|NAME=PATH|embedded", help="Photographs to start the protocol from."
)
@click.option("--out", type=click.Path(path_type=Path), default=Path("runs/visualise"), help="Output folder.")
@click.option("--steps", type=int, help="Steps of the optimiser; 256, or the protocol's 500.")
@click.option("--size", type=int, metavar="PX", help="Side of the pictures; the model's own if not given.")
@click.option("--parametrisation", default="fourier", metavar="fourier|pixels", help="What is optimised.")
@click.option("--decorrelate/--plain-colours", default=True, help="Mix colours as photographs do, or not.")
@click.option("--jitter", type=float, default=0.1, metavar="FRACTION", help="Largest random shift before each step.")
@click.option("--rotate", type=float, default=20.0, metavar="DEGREES", help="Largest random turn.")
@click.option("--scale", type=float, default=0.35, metavar="FRACTION", help="Largest random zoom.")
@click.option("--variants", type=int, default=1, help="Pictures of each unit, kept apart from each other.")
@click.option("--diversity", type=float, default=0.5, metavar="WEIGHT", help="What likeness of variants costs.")
@click.option("--smoothness", type=float, default=0.0, metavar="WEIGHT", help="What differences of neighbours cost.")
@click.option("--seed", type=int, default=0, help="Keys every draw; the protocol has its own.")
@click.option("--batch-size", type=int, metavar="B", help="Pictures in one pass; chosen if not given.")
@click.option("--device", default="auto", metavar="auto|cpu|cuda", help="Where the model runs.")
@click.option("--quiet", is_flag=True, help="Neither progress nor a closing line.")
def command(
    name: str,
    layer: str | None,
    channel: tuple[str, ...],
    neurons: tuple[str, ...],
    classes: tuple[str, ...],
    listing: bool,
    protocol: str | None,
    data: tuple[str, ...],
    out: Path,
    steps: int | None,
    size: int | None,
    parametrisation: str,
    decorrelate: bool,
    jitter: float,
    rotate: float,
    scale: float,
    variants: int,
    diversity: float,
    smoothness: float,
    seed: int,
    batch_size: int | None,
    device: str,
    quiet: bool,
) -> int:
    """Show what units of a model respond to, as pictures made by optimisation.

    OUT gets a picture each, grid.png and features.json. With --protocol orhan2019 it follows the paper instead:
    six pooled features, from two photographs and from noise.
    """
    spec = models.resolve(name)
    settings = Settings(
        steps=256 if steps is None else steps,
        size_px=size,
        kind=parametrisation,  # type: ignore[arg-type]  # checked by Settings
        decorrelate=decorrelate,
        transforms=Transforms(jitter, rotate, scale),
        variants=variants,
        diversity=diversity,
        smoothness=smoothness,
        seed=seed,
        batch_size=batch_size,
    )
    units = _units_of_layer(layer, channel, neurons)
    if protocol not in (None, PROTOCOL):
        raise UnknownNameError("protocol", protocol, (PROTOCOL,))
    if protocol and (units or classes):
        raise ArgumentError(f"--protocol {PROTOCOL} draws its own units; leave out --layer and --class")
    if not (protocol or units or classes or listing):
        raise ArgumentError(f"nothing to visualise: give --layer, --class or --protocol {PROTOCOL}")
    photographs = datasets.locate(data).dataset("imagenet") if protocol else None
    bars = None if quiet else Bars(Console(stderr=True))
    classifier = models.load(spec, device=device, progress=partial(bars.download, spec.name) if bars else None)
    if listing:
        _list_layers(classifier, size or spec.input_px or spec.view.crop_px)
    elif photographs is not None:
        pushed = write_pushed(classifier, photographs, out, STEPS if steps is None else steps, bars)
        _tell_pushed(pushed, quiet)
    else:
        units += [class_unit(classifier.spec, text) for text in classes]
        write_features(classifier, units, settings, out, bars)
    if not quiet and not listing:
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

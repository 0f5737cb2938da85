"""``hardiness make``: pictures under corruptions and perturbations, of what units see, stimuli, a patch."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, replace
from functools import partial
from pathlib import Path
from typing import Any

import click
from rich.table import Table

from hardiness import data as datasets
from hardiness import distortions, models, visualise
from hardiness.api.progress import progress_on
from hardiness.benchmarks.corruptions import CorruptionSet, corruption_benchmark
from hardiness.benchmarks.imagenet_p import ImagenetP
from hardiness.benchmarks.options import own_name
from hardiness.cli.lines import print_lines
from hardiness.cli.options import command, quiet_flag
from hardiness.cli.output import amount, print_failures, wide
from hardiness.core.errors import ArgumentError, UnknownNameError
from hardiness.core.options import argument, option, part, wait_option
from hardiness.core.progress import Listener
from hardiness.core.request import Placement, Request
from hardiness.models.classifier import Classifier
from hardiness.reference.sets import set_names
from hardiness.reference.strengths import protocol_names
from hardiness.report.format import PlainConsole
from hardiness.report.words import line
from hardiness.store.lock import WAIT_S
from hardiness.trees.contact_sheets import write_contact_sheet, write_corruption_sheet
from hardiness.trees.corruptions import PictureForm, write_corrupted
from hardiness.trees.perturbations import write_perturbed
from hardiness.trees.writing import TreeOutcome
from hardiness.visualise.activation import Settings
from hardiness.visualise.exhibition import GRID, RECORD
from hardiness.visualise.orhan2019 import PROTOCOL
from hardiness.visualise.patch import PatchSettings
from hardiness.visualise.stimuli import StimulusRequest
from hardiness.visualise.style import StyleSettings
from hardiness.visualise.units import Unit


@dataclass(frozen=True, kw_only=True)
class TreeOptions:
    """From which photographs a tree of files is made."""

    source: str = argument("SRC")
    folder: Path = argument("DST")
    contact_sheet: bool = option("Also contact-sheet.png: the first photograph under all of them.", False)
    request: Request = part(Request, "limit", "seed")
    wait_s: float = wait_option(WAIT_S)
    quiet: bool = quiet_flag()

    @property
    def listener(self) -> Listener | None:
        """Who shows how far it is."""
        return None if self.quiet else progress_on(PlainConsole(stderr=True))

    def tell(self, written: TreeOutcome, sheet: Path | None) -> int:
        """Print what was written and what failed; the exit status."""
        print_failures(written.failures)
        print_lines(*map(line, () if self.quiet else written.remarks), problems=map(line, written.notes))
        if sheet is not None and not self.quiet:
            click.echo(sheet)
        if not self.quiet:
            click.echo(f"{amount(written.files, 'file')}  {self.folder / 'manifest.json'}")
        return written.exit_status


@dataclass(frozen=True, kw_only=True)
class CorruptionOptions:
    """Which cells are written, as they were typed, and in which form."""

    members: str = option(
        f"One of {', '.join(set_names('still'))}, or one that you have added.",
        "imagenet-c",
        name="--set",
        metavar="NAME",
    )
    corruptions: str = option("These alone; the set's if not given.", "", metavar="NAME+GROUP")
    severities: str = option("These alone; all if not given.", "", metavar="1+3")
    levels: str = option(
        "Values of the corruptions' quantity in place of severities, as 17+20 or 5..95..10.",
        "",
        metavar="FROM..TO..STEP",
    )
    extra: bool = option("Also the four that the authors set apart for validation.", False)
    protocol: str = option(
        f"Whose severities, at the pictures' own size: {', '.join(protocol_names())}.", "", metavar="NAME"
    )
    form: PictureForm = part(PictureForm)
    tree: TreeOptions

    @property
    def picture_form(self) -> PictureForm:
        """The form of the pictures; those of another protocol are not enlarged, unless a size is given."""
        is_small = self.protocol or corruption_benchmark(self.members).members.strengths
        return replace(self.form, keep_size=True) if is_small and not self.form.size_px else self.form

    def benchmark(self) -> CorruptionSet:
        """The benchmark of the set, with those cells."""
        kind = corruption_benchmark(self.members)
        members = (own_name(name, distortions.corruptions) for name in _parts("--corruptions", self.corruptions))
        names = (self._members_of(name) for name in members)
        severities = tuple(map(_severity, _parts("--severities", self.severities)))
        with _as_typed(kind.name):
            return kind(
                extra=self.extra,
                corruptions=tuple(dict.fromkeys(name for group in names for name in group)),
                severities=severities or kind.members.levels,
                levels=tuple(_parts("--levels", self.levels)),
                strengths=self.protocol or kind.members.strengths,
            )

    def _members_of(self, name: str) -> tuple[str, ...]:
        """The corruptions of a group of the set, or the one of that name."""
        return corruption_benchmark(self.members).members.groups.get(name, (name,))


@contextmanager
def _as_typed(benchmark: str) -> Iterator[None]:
    """Errors about an option of the benchmark name the option of this command: nobody typed a benchmark here."""
    try:
        yield
    except ArgumentError as error:
        error.args = (str(error).replace(f"{benchmark}:", "--", 1),)
        raise


def _parts(option: str, text: str) -> list[str]:
    """The parts that stand between ``+``.

    Raises:
        ArgumentError: it is parted by something else.
    """
    for wrong in (",", " "):
        if wrong in text.strip():
            parts = [part for part in text.replace(" ", ",").split(",") if part]
            raise ArgumentError(f"{option} takes + between names, as in {'+'.join(parts)}; had {text!r}")
    return [part for part in text.split("+") if part]


def _severity(text: str) -> int:
    if not text.isdecimal():
        raise ArgumentError(f"--severities must be numbers with + between them, had {text!r}")
    return int(text)


@command
def make_corruptions(options: CorruptionOptions) -> int:
    """Write DST/<corruption>/<severity>/<wnid>/*.png and DST/clean/<wnid>/*.png from the photographs of SRC.

    SRC is any folder of pictures, as it lies, or one picture; or what --data takes for imagenet: a data root,
    imagenet=FOLDER, or embedded. The same command again continues where it stopped. A tree of ImageNet's photographs,
    used as --data imagenet-c=DST (or as the set is called), gives the same predictions as generating.
    """
    tree = options.tree
    arguments = tree.source, tree.folder, options.benchmark(), tree.request
    form = options.picture_form
    written = write_corrupted(*arguments, tree.listener, tree.wait_s, form)
    return tree.tell(written, write_corruption_sheet(*arguments, form) if tree.contact_sheet else None)


@dataclass(frozen=True, kw_only=True)
class SequenceOptions:
    """Which sequences are written, as they were typed."""

    perturbations: str = option("These alone; the ten if not given.", "", metavar="NAME+NAME")
    extra: bool = option("Also the four that the authors set apart for validation.", False)
    difficulty: int = option("2 or 3: stronger noise, of the noises alone.", 1)
    tree: TreeOptions

    def benchmark(self) -> ImagenetP:
        """ImageNet-P with those sequences."""
        words = filter(None, self.perturbations.split("+"))
        names = tuple(own_name(name, distortions.perturbations) for name in words)
        with _as_typed(ImagenetP.name):
            return ImagenetP(extra=self.extra, perturbations=names, difficulty=self.difficulty)


@command
def make_perturbations(options: SequenceOptions) -> int:
    """Write DST/<perturbation>/<wnid>/*.mp4 from the photographs of SRC.

    SRC is what --data takes for imagenet: a data root, imagenet=FOLDER, or embedded. The same command again continues
    where it stopped; the tree is used as --data imagenet-p=DST.
    """
    tree = options.tree
    arguments = tree.source, tree.folder, options.benchmark(), tree.request
    written = write_perturbed(*arguments, tree.listener, tree.wait_s)
    return tree.tell(written, write_contact_sheet(*arguments) if tree.contact_sheet else None)


def _load(model: str, placement: Placement, quiet: bool) -> tuple[Classifier, Listener | None]:
    """The model, and who shows how far its download and the pictures are."""
    spec, bars = models.resolve(model), None if quiet else progress_on(PlainConsole(stderr=True))
    progress = partial(bars.download, spec.name) if bars else None
    return models.load(spec, device=placement.device, progress=progress), bars


def _model_option() -> Any:
    return option("Any model but onnx:.", name="-m --model", metavar="MODEL[:option=value,…]")


@dataclass(frozen=True, kw_only=True)
class FeatureOptions:
    """Whose units are shown, which, and how their pictures are made."""

    model: str = _model_option()
    layer: str | None = option("Layer, by its dotted name; --layers lists them.", None, metavar="NAME")
    channel: tuple[str, ...] = option("Channels of the layer; may be repeated.", (), metavar="N|N,N|N-N")
    neuron: tuple[str, ...] = option("One output of the layer: C,Y,X or TOKEN,C.", (), metavar="C,Y,X")
    classes: tuple[str, ...] = option("Class by index, wnid or name.", (), name="--class", metavar="NAME")
    layers: bool = option("List the layers with their output shapes, and stop.", False)
    protocol: str | None = option("The paper's features, pushed from photographs of --data.", None, metavar="orhan2019")
    data: tuple[str, ...] = option("Photographs to start the protocol from.", (), metavar="ROOT|NAME=PATH|embedded")
    placement: Placement = part(Placement, "device")
    out: Path = option("Output folder.", Path("runs/visualise"))
    steps: int | None = option("Steps of the optimiser; 256, or the protocol's 500.", None)
    settings: Settings = part(Settings)
    quiet: bool = quiet_flag()

    def units(self) -> list[Unit]:
        """The units of the layer; classes need the loaded model.

        Raises:
            ArgumentError, UnknownNameError: the options do not go together.
        """
        if self.layer is None and (self.channel or self.neuron):
            raise ArgumentError("--channel and --neuron need the --layer they belong to; --layers lists them")
        units: list[Unit] = []
        if self.layer is not None:
            units += [each for text in self.channel for each in visualise.channels(self.layer, text)]
            units += [visualise.neuron(self.layer, text) for text in self.neuron]
            units = units or [visualise.LayerUnit(self.layer)]
        if self.protocol not in (None, PROTOCOL):
            raise UnknownNameError("protocol", self.protocol, (PROTOCOL,))
        if self.protocol and (units or self.classes):
            raise ArgumentError(f"--protocol {PROTOCOL} draws its own units; leave out --layer and --class")
        if not (self.protocol or units or self.classes or self.layers):
            raise ArgumentError(f"nothing to visualise: give --layer, --class or --protocol {PROTOCOL}")
        return units


@command
def make_features(options: FeatureOptions) -> int:
    """Show what units of a model respond to, as pictures made by optimisation.

    OUT gets a picture each, grid.png and features.json. With --protocol orhan2019 it follows the paper instead:
    six pooled features, from two photographs and from noise.
    """
    units, settings = options.units(), options.settings
    if options.steps is not None:
        settings = replace(settings, steps=options.steps)
    photographs = datasets.locate(options.data).dataset("imagenet") if options.protocol else None
    classifier, bars = _load(options.model, options.placement, options.quiet)
    if options.layers:
        _list_layers(classifier, settings.size_px)
        return 0
    if photographs is not None:
        steps = visualise.STEPS if options.steps is None else options.steps
        pushed = visualise.write_pushed(classifier, photographs, options.out, steps, bars)
        for each in () if options.quiet else [each for each in pushed if each.image is None]:
            probability = visualise.probability_text(each.probability)
            click.echo(f"unit {each.unit} from {each.start} never reached its probability (p {probability})", err=True)
    else:
        units += [visualise.class_unit(classifier.spec, text) for text in options.classes]
        visualise.write_features(classifier, units, settings, options.out, bars)
    if not options.quiet:
        click.echo(f"{options.out / GRID}  {options.out / RECORD}")
    return 0


def _list_layers(classifier: Classifier, px: int | None) -> None:
    table = Table("layer", "output for one picture")
    spec = classifier.spec
    for layer, shape in classifier.layers.shapes(px or spec.input_px or spec.view.crop_px).items():
        table.add_row(layer, " x ".join(map(str, shape)))
    wide().print(table)


@dataclass(frozen=True, kw_only=True)
class StimulusOptions:
    """Whose shapes in whose textures, as which model sees them."""

    shapes: str = option("Photographs that give shapes: a folder for each category.", metavar="DIR")
    textures: str = option("Photographs that give textures, likewise.", metavar="DIR")
    out: Path = option("Output folder; becomes a data root.")
    model: str = option("Whose features are read.", "efficientnet_lite0", name="-m --model", metavar="MODEL")
    placement: Placement = part(Placement, "device")
    wanted: StimulusRequest = part(StimulusRequest)
    style: StyleSettings = part(StyleSettings)
    quiet: bool = quiet_flag()


@command
def make_stimuli(options: StimulusOptions) -> int:
    """Make stimuli with the shape of one photograph and the texture of another.

    DIR holds a folder for each category (any names, or wnids), or is what --data takes for imagenet. The benchmark
    runs on the result: -b cue-conflict --data OUT. The same command again continues where it stopped.
    """
    sides = visualise.photographs("--shapes", options.shapes), visualise.photographs("--textures", options.textures)
    classifier, bars = _load(options.model, options.placement, options.quiet)
    made = visualise.make_stimuli(classifier, sides, options.out, options.wanted, options.style, bars)
    print_failures(made.failures)
    print_lines(problems=made.notes)
    if not options.quiet:
        click.echo(f"{amount(made.files, 'file')}  {options.out / visualise.SHEET}  {options.out / 'manifest.json'}")
    return made.exit_status


@dataclass(frozen=True, kw_only=True)
class PatchOptions:
    """Whom the patch shall fool, on which photographs, and into seeing what."""

    model: str = _model_option()
    data: tuple[str, ...] = option("Photographs to put it on.", (), metavar="ROOT|NAME=PATH|embedded")
    target: str | None = option(
        "Class that all shall become, by index, wnid or name; any if left out.", None, metavar="NAME"
    )
    placement: Placement = part(Placement, "device")
    out: Path = option("Output folder.", Path("runs/patch"))
    settings: PatchSettings = part(PatchSettings)
    quiet: bool = quiet_flag()


@command
def make_patch(options: PatchOptions) -> int:
    """Train one patch that fools a model on any picture, wherever it is put.

    OUT gets the patch, grid.png with photographs under it, and features.json. Then measure it on other photographs:
    hardiness run -b whitebox:attack=universal-patch,file=OUT/000_patch.png,protocol=standard,norm=patch,epsilons=SHARE
    """
    photographs = datasets.locate(options.data).dataset("imagenet")
    classifier, bars = _load(options.model, options.placement, options.quiet)
    target = None if options.target is None else visualise.class_unit(classifier.spec, options.target)
    made = visualise.write_patch(classifier, photographs, target, options.out, options.settings, bars)
    print_failures(made.failures)
    if not options.quiet:
        target_text = "another class" if target is None else f"class {options.target}"
        click.echo(
            f"{target_text} on {100 * made.after:.0f} % of the {len(made.ids)} photographs that it was trained on "
            f"(noise: {100 * made.before:.0f} %)  {options.out / '000_patch.png'}  {options.out / GRID}"
        )
    return made.exit_status

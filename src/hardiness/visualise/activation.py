"""Activation maximisation: pictures that excite units as strongly as they can, many in one pass."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from itertools import groupby
from pathlib import Path
from typing import TYPE_CHECKING, Any

from hardiness.core.benchmark import Image
from hardiness.core.bounds import MOST_IMAGES, MOST_STEPS, require_within
from hardiness.core.errors import ArgumentError, ModelError, UnknownNameError
from hardiness.core.forms import json_form
from hardiness.core.model import MAX_PX
from hardiness.core.options import option
from hardiness.core.progress import Listener, Silence
from hardiness.core.random import rng
from hardiness.models.classifier import Classifier
from hardiness.visualise.exhibition import Exhibition, about, refuse_strangers, to_images
from hardiness.visualise.likeness import roughness, similarity
from hardiness.visualise.painting import KINDS, Kind, Painting
from hardiness.visualise.sheets import SheetTile, fold, probability_text
from hardiness.visualise.transforms import Transforms, move
from hardiness.visualise.units import ClassUnit, Unit, activations, check_units, reader

if TYPE_CHECKING:
    from torch import Tensor


CPU_BATCH, GPU_BATCH = 16, 64
CPU_BYTES = 2 << 30
KICK = 0.05
"""Standard deviation of what is added to the numbers of a picture whose unit has no gradient."""

MOST = {"steps": MOST_STEPS, "variants": 1000, "size_px": MAX_PX, "batch_size": MOST_IMAGES}
"""Largest values of settings."""

MOST_WEIGHT = 1e6

PROTOCOL = "activation-maximisation"


@dataclass(frozen=True, slots=True)
class Settings:
    """How pictures are made.

    Attributes:
        steps: of the optimiser, Adam.
        rate: its step size.
        size_px: side of the pictures; by default what the model was trained on.
        kind: ``"fourier"`` or ``"pixels"``; see `Painting`.
        decorrelate: see `Painting`.
        transforms: what pictures are moved by before each step.
        variants: pictures of each unit.
        diversity: how much alike pictures of one unit cost, relative to the activation.
        smoothness: how much differences of neighbouring pixels cost, relative to the activation.
        seed: keys every draw.
        batch_size: pictures in one pass; chosen where not given.
    """

    steps: int = 256
    rate: float = 0.05
    size_px: int | None = option(
        "Side of the pictures; the model's own if not given.", None, name="--size", metavar="PX"
    )
    kind: Kind = option("What is optimised.", "fourier", name="--parametrisation", metavar="fourier|pixels")
    decorrelate: bool = option("Mix colours as photographs do, or not.", True, off="--plain-colours")
    transforms: Transforms = field(default_factory=Transforms)
    variants: int = option("Pictures of each unit, kept apart from each other.", 1)
    diversity: float = option("What likeness of variants costs.", 0.5, metavar="WEIGHT")
    smoothness: float = option("What differences of neighbours cost.", 0.0, metavar="WEIGHT")
    seed: int = option("Keys every draw; the protocol has its own.", 0)
    batch_size: int | None = option("Pictures in one pass; chosen if not given.", None, metavar="B")

    def __post_init__(self) -> None:
        for name, most in MOST.items():
            if (value := getattr(self, name)) is not None:
                require_within(name, value, 1, most)
        for name in ("diversity", "smoothness"):
            require_within(name, getattr(self, name), -MOST_WEIGHT, MOST_WEIGHT)
        if self.kind not in KINDS:
            raise UnknownNameError("parametrisation", self.kind, KINDS)
        if self.rate <= 0:
            raise ArgumentError(f"rate must be positive, was {self.rate}")


@dataclass(frozen=True, eq=False)
class Feature:
    """One picture.

    Attributes:
        unit: what it was made for.
        variant: its number among the pictures of that unit, from 0.
        image: ``uint8 (px, px, 3)``.
        before, after: the unit's activation on the first random picture, and on this one.
        probability: of the class after, softmax, where the unit is a class.
    """

    unit: Unit
    variant: int
    image: Image
    before: float
    after: float
    probability: float | None = None

    def tile(self) -> SheetTile:
        """Its place on the sheet, with its caption."""
        change = f"{self.before:.3g} to {self.after:.3g}"
        if self.probability is not None:
            change += f"   p {probability_text(self.probability)}"
        return SheetTile((self.unit.label, change), self.image)


def maximise(
    classifier: Classifier, units: Sequence[Unit], settings: Settings, listener: Listener | None = None
) -> list[Feature]:
    """Pictures of the units, in their order; the variants of a unit stand together.

    A picture depends on its unit and the settings, not on the other units (beyond rounding, by the size of a batch).

    Args:
        classifier: any model that has gradients.
        units: what to make pictures for.
        settings: how.
        listener: hears progress, in steps of a picture.

    Raises:
        ArgumentError: the model has not the layer or unit; the message offers close names or gives the range.
        ModelError: it has no gradients, or its gradients are not finite.

    Source: Erhan et al. 2009, Visualizing higher-layer features of a deep network; Olah, Mordvintsev & Schubert 2017,
        doi:10.23915/distill.00007.
    """
    px = side_px(classifier, settings)
    check_units(classifier, units, px)
    listener = listener or Silence()
    listener.begin("visualise", len(units) * settings.variants * settings.steps, 0)
    try:
        return [
            feature
            for batch in _batches(classifier, units, settings, px)
            for feature in _Ascent(classifier, batch, settings, px).run(listener)
        ]
    finally:
        listener.end()


def side_px(classifier: Classifier, settings: Settings) -> int:
    """The side of the pictures.

    Raises:
        ArgumentError: another was asked for than the only one the model accepts.
    """
    own = classifier.spec.input_px
    if own is not None and settings.size_px not in (None, own):
        raise ArgumentError(f"{classifier.spec.name} takes pictures of {own} px alone, and size was {settings.size_px}")
    return settings.size_px or own or classifier.spec.view.crop_px


def _batches(classifier: Classifier, units: Sequence[Unit], settings: Settings, px: int) -> Iterator[list[Unit]]:
    """Units that are optimised together: of one layer, so few that their activations fit memory, at least one."""
    largest = settings.batch_size or GPU_BATCH
    if settings.batch_size is None and classifier.device == "cpu":
        largest = min(CPU_BATCH, CPU_BYTES // (2 * classifier.activation_bytes(px)))
    count = max(1, largest // settings.variants)
    for _, group in groupby(units, key=lambda unit: "" if isinstance(unit, ClassUnit) else unit.layer):
        layer_units = list(group)
        for first in range(0, len(layer_units), count):
            yield layer_units[first : first + count]


class _Ascent:
    """The optimisation of one batch."""

    def __init__(self, classifier: Classifier, units: Sequence[Unit], settings: Settings, px: int) -> None:
        self._classifier, self._settings = classifier, settings
        self._rows = [unit for unit in units for _ in range(settings.variants)]
        self._keys = [(unit.label, variant) for unit in units for variant in range(settings.variants)]
        self._painting = Painting(settings.kind, px, settings.decorrelate)
        self._read = reader(classifier, units[0])
        self._diverse = _diverse_layer(classifier, units[0], px) if settings.variants > 1 else None

    def run(self, listener: Listener) -> Iterator[Feature]:
        """Every picture of the batch."""
        import torch

        numbers = self._painting.start(self._draws("start")).to(self._classifier.device).requires_grad_()
        before = self._measure(numbers)[0]
        adam = torch.optim.Adam([numbers], self._settings.rate)
        for step in range(self._settings.steps):
            self._climb(numbers, adam, step)
            listener.advance(len(self._rows))
        after, probabilities = self._measure(numbers)
        with torch.no_grad():
            images = to_images(self._painting.pixels(numbers))
        for row, (unit, (_, variant)) in enumerate(zip(self._rows, self._keys, strict=True)):
            yield Feature(unit, variant, images[row], before[row], after[row], probabilities[row])

    def _climb(self, numbers: Tensor, adam: Any, step: int) -> None:
        """One step of the optimiser, and a push for pictures that have no gradient to follow."""
        import torch

        pixels = self._painting.pixels(numbers)
        shown = pixels
        if self._settings.transforms.any:
            maps = [self._settings.transforms.draw(draw) for draw in self._draws("transform", step)]
            shown = move(pixels, maps)
        shown = shown.contiguous(memory_format=torch.channels_last)  # half the time of most convolutions on a CPU
        (gradient,) = torch.autograd.grad(-self._worth(pixels, shown), numbers)
        if not bool(gradient.isfinite().all()):
            where = f"for {self._rows[0].label} or beside it"
            raise ModelError(f"{self._classifier.spec.name} has a gradient that is not finite, {where}")
        numbers.grad = gradient
        adam.step()
        still = (gradient.flatten(1).abs().amax(1) == 0).nonzero()[:, 0].tolist()
        if still:
            draws = self._draws("push", step)
            with torch.no_grad():
                for row in still:
                    push = draws[row].standard_normal(tuple(numbers.shape[1:]), "float32")
                    numbers[row] += KICK * torch.from_numpy(push).to(numbers)

    def _worth(self, pixels: Tensor, shown: Tensor) -> Tensor:
        """The objective: activations, less what likeness and roughness cost, all relative to the activation."""
        import torch

        diverse = None
        if self._diverse is None:
            outputs = self._read(shown)
        elif isinstance(self._rows[0], ClassUnit):
            outputs, diverse = self._read(shown), self._classifier.layers.output(shown, self._diverse)
        else:
            outputs, diverse = self._classifier.layers.outputs(shown, (self._rows[0].layer, self._diverse))
        values = activations(self._rows, outputs)
        scale = values.detach().abs()
        worth = values.sum()
        if diverse is not None:
            group = self._settings.variants
            cost = similarity(diverse, group) * scale.view(-1, group).sum(1)
            worth = worth - self._settings.diversity * cost.sum()
        if self._settings.smoothness:
            worth = worth - self._settings.smoothness * (scale * roughness(pixels)).sum()
        result: Tensor = torch.as_tensor(worth)
        return result

    def _measure(self, numbers: Tensor) -> tuple[list[float], list[float | None]]:
        """The activations of the pictures as they are, not moved, and the probabilities where units are classes."""
        import torch

        with torch.no_grad():
            outputs = self._read(self._painting.pixels(numbers))
            values: list[float] = activations(self._rows, outputs).tolist()
            if not isinstance(self._rows[0], ClassUnit):
                return values, [None] * len(values)
            return values, activations(self._rows, outputs.double().softmax(1)).tolist()

    def _draws(self, purpose: str, step: int = 0) -> list[Any]:
        """A generator for each picture."""
        return [rng(self._settings.seed, "visualise", purpose, *key, step) for key in self._keys]


def _diverse_layer(classifier: Classifier, unit: Unit, px: int) -> str:
    """The layer in which variants are kept apart: the unit's own where it has positions, else the last that has.

    Raises:
        ModelError: no layer has positions.
    """
    shapes = {
        layer: shape for layer, shape in classifier.layers.shapes(px).items() if len(shape) > 1 and max(shape[:2]) > 1
    }
    if not isinstance(unit, ClassUnit) and unit.layer in shapes:
        return unit.layer
    if not shapes:
        raise ModelError(f"{classifier.spec.name} has no layer with positions, so pictures cannot be kept apart")
    return next(reversed(shapes))


def write_features(
    classifier: Classifier, units: Sequence[Unit], settings: Settings, folder: Path, listener: Listener | None = None
) -> list[Feature]:
    """Make pictures of the units and write them: one PNG each, ``grid.png`` and ``features.json``.

    Args:
        classifier: any model that has gradients.
        units: at least one.
        settings: how pictures are made.
        folder: replaced where an earlier command wrote it; refused where it holds anything else.
        listener: listener of progress.

    Raises:
        ArgumentError: no unit, one that the model has not, or a folder with other files.
        ModelError, StoreError: as the message says.
    """
    if not units:
        raise ArgumentError("nothing to visualise: name a layer, channel, neuron or class")
    refuse_strangers(folder)
    features = maximise(classifier, units, settings, listener)
    settings_form = {**json_form(settings), "size_px": side_px(classifier, settings)}
    del settings_form["batch_size"]
    exhibition = Exhibition(folder, about(classifier, PROTOCOL, settings_form))
    for feature in features:
        facts = {
            **json_form(feature.unit),
            "variant": feature.variant,
            "activation_before": feature.before,
            "activation_after": feature.after,
        }
        if feature.probability is not None:
            facts["probability_after"] = feature.probability
        label = feature.unit.label if settings.variants == 1 else f"{feature.unit.label} {feature.variant}"
        exhibition.add(label, feature.image, facts)
    columns = settings.variants if settings.variants > 2 else None
    exhibition.write(fold([feature.tile() for feature in features], columns))
    return features

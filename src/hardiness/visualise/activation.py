"""Activation maximisation: pictures that excite units as strongly as they can, many in one pass."""

from __future__ import annotations

import difflib
import re
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, field
from itertools import groupby
from pathlib import Path
from typing import TYPE_CHECKING, Any, Literal, get_args

import numpy as np
from numpy.typing import NDArray

from hardiness.core.benchmark import Image
from hardiness.core.bounds import MOST_IMAGES, MOST_STEPS, require_within
from hardiness.core.errors import ArgumentError, ModelError, UnknownNameError
from hardiness.core.forms import json_field, json_form
from hardiness.core.model import MAX_PX, ModelSpec
from hardiness.core.options import option
from hardiness.core.progress import Listener, Silence
from hardiness.core.random import rng
from hardiness.models.classifier import Classifier
from hardiness.reference import classes
from hardiness.reference.classes import class_name
from hardiness.visualise.exhibition import (
    Exhibition,
    SheetTile,
    about,
    folded,
    probability_text,
    refuse_strangers,
    to_images,
)

if TYPE_CHECKING:
    from torch import Tensor


@dataclass(frozen=True, slots=True)
class LayerUnit:
    """A whole layer: the mean of its squared outputs."""

    layer: str

    @property
    def label(self) -> str:
        """Its name in captions."""
        return self.layer

    def check(self, shape: Sequence[int]) -> None:
        """Accept every shape: a whole layer can always be shown."""

    def value(self, output: Tensor) -> Tensor:
        """Its activation, a scalar, from its layer's output for one picture."""
        return output.square().mean()


@dataclass(frozen=True, slots=True)
class Channel:
    """One channel of a layer: its mean over positions."""

    layer: str
    channel: int

    @property
    def label(self) -> str:
        """Its name in captions."""
        return f"{self.layer} {self.channel}"

    def check(self, shape: Sequence[int]) -> None:
        """Raise an error unless an output of this shape (without the batch) has the channel.

        Raises:
            ArgumentError: it has not; the message gives the range.
        """
        _require_index("channel", self.channel, shape[channel_axis(shape)], self.layer)

    def value(self, output: Tensor) -> Tensor:
        """Its activation, a scalar, from its layer's output for one picture."""
        return output.select(channel_axis(output.shape), self.channel).mean()


@dataclass(frozen=True, slots=True)
class Neuron:
    """One number that a layer puts out; its indices stand in the order of the layer's own axes."""

    layer: str
    indices: tuple[int, ...] = field(metadata=json_field("neuron"))

    @property
    def label(self) -> str:
        """Its name in captions."""
        return f"{self.layer} {','.join(map(str, self.indices))}"

    def check(self, shape: Sequence[int]) -> None:
        """Raise an error unless an output of this shape (without the batch) has the neuron.

        Raises:
            ArgumentError: it has not; the message gives the shape or the range.
        """
        if len(self.indices) != len(shape):
            raise ArgumentError(
                f"neuron of {self.layer} must be {len(shape)} numbers ({_axes(shape)}), one for each axis of its "
                f"output {tuple(shape)}, was {','.join(map(str, self.indices))}"
            )
        for axis, (index, length) in enumerate(zip(self.indices, shape, strict=True)):
            _require_index(f"neuron's {_axes(shape).split(',')[axis]}", index, length, self.layer)

    def value(self, output: Tensor) -> Tensor:
        """Its activation, a scalar, from its layer's output for one picture."""
        return output[self.indices]


@dataclass(frozen=True, slots=True)
class ClassUnit:
    """A class: its logit."""

    index: int = field(metadata=json_field("class"))
    name: str

    @property
    def label(self) -> str:
        """Its name in captions."""
        return self.name

    def check(self, shape: Sequence[int]) -> None:
        """Raise an error unless there are enough logits for the class.

        Raises:
            ArgumentError: there are fewer.
        """
        _require_index("class", self.index, shape[0], "the model")

    def value(self, output: Tensor) -> Tensor:
        """Its logit, a scalar, from the logits of one picture."""
        return output[self.index]


Unit = LayerUnit | Channel | Neuron | ClassUnit


def reader(classifier: Classifier, unit: Unit) -> Callable[[Tensor], Tensor]:
    """What the unit's activation is read from, for pixels ``(N, 3, H, W)``: its layer's output, or the logits."""
    if isinstance(unit, ClassUnit):
        return classifier.differentiable
    layer = unit.layer
    return lambda pixels: classifier.layers.output(pixels, layer)


def activations(units: Sequence[Unit], outputs: Tensor) -> Tensor:
    """The activation of each picture's own unit, ``(N,)``, from outputs ``(N, …)``; differentiable."""
    import torch

    return torch.stack([unit.value(output) for unit, output in zip(units, outputs, strict=True)])


def check_units(classifier: Classifier, units: Sequence[Unit], px: int) -> None:
    """Raise an error unless the model has every unit.

    Args:
        classifier: the model.
        units: to look for.
        px: side of the pictures.

    Raises:
        ArgumentError: it has not the layer (close names are offered), or not the unit (the range is given).
        ModelError: it has no gradients, or cannot be run on pictures of that size.
    """
    import torch

    shapes: dict[str, Sequence[int]] = {}
    blank = torch.full((1, 3, px, px), 0.5)
    for unit in units:
        source = "" if isinstance(unit, ClassUnit) else unit.layer
        if source not in shapes:
            try:
                with torch.no_grad():
                    output = reader(classifier, unit)(blank)
            except RuntimeError as error:
                raise ModelError(
                    f"{classifier.spec.name} cannot be run on pictures of {px} px: {str(error).splitlines()[0]}"
                ) from None
            shapes[source] = output.shape[1:]
        unit.check(shapes[source])


def channel_axis(shape: Sequence[int]) -> int:
    """Which axis of an output, without the batch, holds its channels.

    Tokens ``(T, D)`` have theirs last. So have maps ``(H, W, C)`` of some transformers, which are told from
    ``(C, H, W)`` by their being square.
    """
    if len(shape) == 3:
        return 2 if shape[0] == shape[1] != shape[2] else 0
    return len(shape) - 1


def _axes(shape: Sequence[int]) -> str:
    if len(shape) == 3:
        return "row,column,channel" if channel_axis(shape) == 2 else "channel,row,column"
    return {1: "channel", 2: "token,channel"}.get(len(shape), ",".join(f"axis {n}" for n in range(len(shape))))


def _require_index(what: str, index: int, length: int, where: str) -> None:
    if not 0 <= index < length:
        raise ArgumentError(f"{what} of {where} must be from 0 to {length - 1}, was {index}")


MOST_CHANNEL = 1_000_000
"""No layer has as many."""


def channels(layer: str, text: str) -> list[Channel]:
    """The channels in ``"12"``, ``"3,7"`` or ``"0-8"``.

    Raises:
        ArgumentError: it is none of these.
    """
    found: list[Channel] = []
    for part in text.split(","):
        bounds = re.fullmatch(r"(\d+)(?:-(\d+))?", part.strip())
        first, last = (int(bounds[1]), int(bounds[2] or bounds[1])) if bounds else (1, 0)
        require_within("--channel", last, 0, MOST_CHANNEL)
        if first > last:
            raise ArgumentError(f"--channel must be a number, a list (3,7) or a range (0-8), was {text!r}")
        found += [Channel(layer, number) for number in range(first, last + 1)]
    return found


def neuron(layer: str, text: str) -> Neuron:
    """The neuron that ``"c,y,x"`` (maps), ``"token,channel"`` or ``"channel"`` means.

    Raises:
        ArgumentError: it is no list of numbers.
    """
    parts = [part.strip() for part in text.split(",")]
    if not all(part.isdecimal() for part in parts):
        raise ArgumentError(
            f"--neuron must be channel,row,column (or token,channel), each a number from 0, was {text!r}"
        )
    return Neuron(layer, tuple(map(int, parts)))


def class_unit(spec: ModelSpec, text: str) -> ClassUnit:
    """The class of that index, wnid or name (any synonym, in any case).

    Raises:
        ArgumentError: there is none, or several have the name; the message offers close names or the indices.
    """
    names = class_names(spec)
    wnids = classes.wnids() if spec.class_names is None and spec.num_classes == len(classes.wnids()) else ()
    if text.isdecimal():
        index = int(text)
        if index >= spec.num_classes:
            raise ArgumentError(f"class of {spec.name} must be from 0 to {spec.num_classes - 1}, was {text}")
        return ClassUnit(index, names[index][0])
    if text in wnids:
        return ClassUnit(wnids.index(text), names[wnids.index(text)][0])
    found = [index for index, synonyms in enumerate(names) if text.lower() in map(str.lower, synonyms)]
    if len(found) == 1:
        return ClassUnit(found[0], text)
    if found:
        which = ", ".join(f"{index} ({wnids[index] if wnids else names[index][0]})" for index in found)
        raise ArgumentError(f"{len(found)} classes of {spec.name} are called {text!r}; give an index: {which}")
    raise ArgumentError(f"{spec.name} has no class {text!r}{_close(text, names)}; give a name, a wnid or an index")


def class_names(spec: ModelSpec) -> Sequence[Sequence[str]]:
    """Every class's synonyms, by index."""
    if spec.class_names is not None:
        return [(name,) for name in spec.class_names]
    if spec.num_classes == len(classes.wnids()):
        return [class_name(index).split(", ") for index in range(spec.num_classes)]
    return [(f"class {index}",) for index in range(spec.num_classes)]


def _close(text: str, names: Sequence[Sequence[str]]) -> str:
    every = {name.lower(): name for synonyms in names for name in synonyms}
    close = difflib.get_close_matches(text.lower(), every, n=3, cutoff=0.6)
    return f"; did you mean {' or '.join(repr(every[name]) for name in close)}?" if close else ""


@dataclass(frozen=True, slots=True)
class Transforms:
    """How far pictures are moved at random before each step.

    Attributes:
        jitter: largest shift along each axis, as a fraction of the side.
        rotate_deg: largest turn either way, in degrees.
        scale: largest zoom either way, as a fraction of the size.

    Raises:
        ArgumentError: one is negative, or ``scale`` is not below 1.

    Source: Olah, Mordvintsev & Schubert 2017, doi:10.23915/distill.00007, section "Transformation Robustness".
    """

    jitter: float = option("Largest random shift before each step.", 0.1, metavar="FRACTION")
    rotate_deg: float = option("Largest random turn.", 20.0, name="--rotate", metavar="DEGREES")
    scale: float = option("Largest random zoom.", 0.35, metavar="FRACTION")

    def __post_init__(self) -> None:
        if self.scale >= 1:
            raise ArgumentError(f"scale must be below 1, was {self.scale}")
        for name, most in {"jitter": 1, "rotate_deg": 360, "scale": 1}.items():
            require_within(name, getattr(self, name), 0, most)

    @property
    def any(self) -> bool:
        """Whether pictures are moved at all."""
        return bool(self.jitter or self.rotate_deg or self.scale)

    def draw(self, generator: np.random.Generator) -> NDArray[np.float32]:
        """Where one picture is looked at: an affine map ``(2, 3)`` of coordinates in [-1, 1]."""
        turn, zoom, right, down = generator.uniform(-1, 1, 4)
        angle, size = np.deg2rad(turn * self.rotate_deg), 1 + zoom * self.scale
        cosine, sine = np.cos(angle) / size, np.sin(angle) / size
        shift = 2 * self.jitter
        return np.array([[cosine, -sine, right * shift], [sine, cosine, down * shift]], np.float32)


def moved(pixels: Tensor, maps: Sequence[NDArray[np.float32]]) -> Tensor:
    """Each of ``pixels (N, 3, H, W)`` looked at through its own map, mirrored beyond the border; differentiable."""
    import torch
    from torch.nn import functional

    theta = torch.from_numpy(np.stack(maps)).to(pixels)
    grid = functional.affine_grid(theta, list(pixels.shape), align_corners=False)
    return functional.grid_sample(pixels, grid, mode="bilinear", padding_mode="reflection", align_corners=False)


def similarity(outputs: Tensor, group: int) -> Tensor:
    """How alike the pictures of each group of ``group`` are in a layer, ``(N / group,)``, in [-1, 1]; differentiable.

    The mean cosine, over pairs of pictures of one group, of the Gram matrices of their channels.

    Args:
        outputs: ``(N, …)``, what the layer puts out; groups stand together.
        group: pictures of one unit, at least 2.

    Source: Olah, Mordvintsev & Schubert 2017, doi:10.23915/distill.00007, section "Diversity"; Gram matrices as in
        Gatys et al. 2015, arXiv:1505.07376.
    """
    from torch.nn import functional

    directions = functional.normalize(gram(outputs).flatten(1), dim=1)
    grams = directions.view(-1, group, directions.shape[1])
    cosines = grams @ grams.transpose(1, 2)
    others: Tensor = cosines.sum((1, 2)) - cosines.diagonal(dim1=1, dim2=2).sum(1)
    return others / (group * (group - 1))


def gram(outputs: Tensor) -> Tensor:
    """Products of channels, averaged over positions, ``(N, C, C)``, of a layer's outputs ``(N, …)``; differentiable."""
    axis = 1 + channel_axis(outputs.shape[1:])
    channels = outputs.unsqueeze(2) if outputs.ndim == 2 else outputs.movedim(axis, 1).flatten(2)
    products: Tensor = channels @ channels.transpose(1, 2)
    return products / channels.shape[2]


Kind = Literal["fourier", "pixels"]
KINDS: tuple[Kind, ...] = get_args(Kind)

COLOUR_COVARIANCE = (
    (0.069803, 0.061261, 0.054359),
    (0.061261, 0.065756, 0.061563),
    (0.054359, 0.061563, 0.073303),
)
"""Covariance of the R, G and B values, in [0, 1], of ordinary photographs.

Source: measured on 250 ImageNet photographs, one a class, on the 224-pixel canvas: 12.5 million pixels.
"""

START_AMPLITUDE = 0.01
"""Standard deviation of the numbers before the first step."""


@dataclass(frozen=True)
class Painting:
    """A way of writing pictures of one size as numbers.

    Attributes:
        kind: ``"fourier"``: coefficients scaled by 1 over their frequency, so that a step changes all scales alike, as
            in photographs. ``"pixels"``: every pixel by itself.
        px: side of the pictures.
        decorrelate: whether the three numbers of a place stand for brightness, blue–orange and green–magenta, each as
            strong as in photographs, and not for red, green and blue.

    Source: Olah, Mordvintsev & Schubert 2017, Feature Visualization, doi:10.23915/distill.00007, section
        "Preconditioning and Parameterization".
    """

    kind: Kind
    px: int
    decorrelate: bool = True

    def start(self, generators: Sequence[np.random.Generator]) -> Tensor:
        """The numbers of one faint random picture for each generator, float32 ``(N, …)``."""
        import torch

        shape = (3, self.px, self.px // 2 + 1, 2) if self.kind == "fourier" else (3, self.px, self.px)
        drawn = np.stack([generator.standard_normal(shape, np.float32) for generator in generators])
        found: Tensor = torch.from_numpy(START_AMPLITUDE * drawn)
        return found

    def pixels(self, numbers: Tensor) -> Tensor:
        """The pictures, float32 ``(N, 3, px, px)``, RGB in [0, 1], on the device of the numbers; differentiable."""
        import torch

        if self.kind == "fourier":
            gain = torch.from_numpy(self._gain()).to(numbers)[None, None, :, :, None]
            spectrum = torch.view_as_complex((numbers * gain).contiguous())
            flat = torch.fft.irfft2(spectrum, s=(self.px, self.px), norm="ortho")
        else:
            flat = numbers
        if self.decorrelate:
            flat = torch.einsum("rc,nchw->nrhw", torch.from_numpy(colour_axes()).to(numbers), flat)
        found: Tensor = flat.sigmoid()
        return found

    def numbers(self, pixels: Tensor) -> Tensor:
        """The numbers that stand for given pictures ``(N, 3, px, px)``: the inverse of `pixels`.

        Values nearer than 0.01 to 0 or 1, which no number stands for, are moved there.
        """
        import torch

        flat = torch.logit(pixels.clamp(0.01, 0.99))
        if self.decorrelate:
            axes = torch.linalg.inv(torch.from_numpy(colour_axes()).to(pixels))
            flat = torch.einsum("rc,nchw->nrhw", axes, flat)
        if self.kind == "pixels":
            return flat.contiguous()
        spectrum = torch.fft.rfft2(flat, norm="ortho")
        gain = torch.from_numpy(self._gain()).to(pixels)[None, None, :, :, None]
        return (torch.view_as_real(spectrum) / gain).contiguous()

    def _gain(self) -> np.ndarray[tuple[int, int], np.dtype[np.float32]]:
        """What each coefficient is multiplied by; the lowest frequency counts as that of one period a side."""
        rows, columns = np.fft.fftfreq(self.px), np.fft.rfftfreq(self.px)
        frequency = np.hypot(rows[:, None], columns[None, :])
        found: np.ndarray[tuple[int, int], np.dtype[np.float32]] = (0.25 / np.maximum(frequency, 1 / self.px)).astype(
            np.float32
        )
        return found


def colour_axes() -> np.ndarray[tuple[int, int], np.dtype[np.float32]]:
    """The colours of photographs as columns, float32 ``(3, 3)``: brightest axis first, of length at most 1.

    Unit normal numbers, times this matrix, have `COLOUR_COVARIANCE` up to one factor.
    """
    variance, axes = np.linalg.eigh(np.array(COLOUR_COVARIANCE))
    scaled = (axes * np.sqrt(variance))[:, ::-1]
    signs = np.sign(scaled[np.abs(scaled).argmax(axis=0), range(3)])  # eigh leaves them open
    found: np.ndarray[tuple[int, int], np.dtype[np.float32]] = (
        scaled * signs / np.linalg.norm(scaled, axis=0).max()
    ).astype(np.float32)
    return found


CPU_BATCH, GPU_BATCH = 16, 64
CPU_BYTES = 2 << 30
KICK = 0.05
"""Standard deviation of what is added to the numbers of a picture whose unit has no gradient."""


MOST = {"steps": MOST_STEPS, "variants": 1000, "size_px": MAX_PX, "batch_size": MOST_IMAGES}
"""Largest values of settings."""

MOST_WEIGHT = 1e6


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
        told = f"{self.before:.3g} to {self.after:.3g}"
        if self.probability is not None:
            told += f"   p {probability_text(self.probability)}"
        return SheetTile((self.unit.label, told), self.image)


def maximise(
    classifier: Classifier, units: Sequence[Unit], settings: Settings, listener: Listener | None = None
) -> list[Feature]:
    """Pictures of the units, in their order; the variants of a unit stand together.

    A picture depends on its unit and the settings, not on the other units (beyond rounding, by the size of a batch).

    Args:
        classifier: any model that has gradients.
        units: what to make pictures for.
        settings: how.
        listener: listener of progress, in steps of a picture.

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
    for _, same in groupby(units, key=lambda unit: "" if isinstance(unit, ClassUnit) else unit.layer):
        found = list(same)
        for first in range(0, len(found), count):
            yield found[first : first + count]


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
        before = self._measured(numbers)[0]
        adam = torch.optim.Adam([numbers], self._settings.rate)
        for step in range(self._settings.steps):
            self._climb(numbers, adam, step)
            listener.advance(len(self._rows))
        after, probabilities = self._measured(numbers)
        with torch.no_grad():
            images = to_images(self._painting.pixels(numbers))
        for row, (unit, (_, variant)) in enumerate(zip(self._rows, self._keys, strict=True)):
            yield Feature(unit, variant, images[row], before[row], after[row], probabilities[row])

    def _climb(self, numbers: Tensor, adam: Any, step: int) -> None:
        """One step of the optimiser, and a push for pictures that have no gradient to follow."""
        import torch

        pixels = self._painting.pixels(numbers)
        seen = pixels
        if self._settings.transforms.any:
            maps = [self._settings.transforms.draw(draw) for draw in self._draws("transform", step)]
            seen = moved(pixels, maps)
        seen = seen.contiguous(memory_format=torch.channels_last)  # half the time of most convolutions on a CPU
        (gradient,) = torch.autograd.grad(-self._worth(pixels, seen), numbers)
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

    def _worth(self, pixels: Tensor, seen: Tensor) -> Tensor:
        """The objective: activations, less what likeness and roughness cost, all relative to the activation."""
        import torch

        diverse = None
        if self._diverse is None:
            outputs = self._read(seen)
        elif isinstance(self._rows[0], ClassUnit):
            outputs, diverse = self._read(seen), self._classifier.layers.output(seen, self._diverse)
        else:
            outputs, diverse = self._classifier.layers.outputs(seen, (self._rows[0].layer, self._diverse))
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

    def _measured(self, numbers: Tensor) -> tuple[list[float], list[float | None]]:
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


def roughness(pixels: Tensor) -> Tensor:
    """The mean distance between neighbouring pixels, ``(N,)``, of ``pixels (N, 3, H, W)``; differentiable."""
    across, down = pixels.diff(dim=3), pixels.diff(dim=2)
    return across.abs().mean((1, 2, 3)) + down.abs().mean((1, 2, 3))


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


PROTOCOL = "activation-maximisation"


def write_features(
    classifier: Classifier, units: Sequence[Unit], settings: Settings, folder: Path, listener: Listener | None = None
) -> list[Feature]:
    """The pictures of the units, which it also writes: one PNG each, ``grid.png`` and ``features.json``.

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
    stated = {**json_form(settings), "size_px": side_px(classifier, settings)}
    del stated["batch_size"]
    exhibition = Exhibition(folder, about(classifier, PROTOCOL, stated))
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
    exhibition.write(folded([feature.tile() for feature in features], columns))
    return features

"""Units of a network that pictures can be made for: layers, channels, neurons and classes; their names as typed."""

from __future__ import annotations

import difflib
import re
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from typing import TYPE_CHECKING

from hardiness.core.bounds import require_within
from hardiness.core.errors import ArgumentError, ModelError
from hardiness.core.forms import json_field
from hardiness.core.model import ModelSpec
from hardiness.models.classifier import Classifier
from hardiness.reference import classes
from hardiness.reference.classes import class_name

if TYPE_CHECKING:
    from torch import Tensor

MOST_CHANNEL = 1_000_000
"""Number of a channel that no layer has."""


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
    """A function from pixels ``(N, 3, H, W)`` to what the unit's activation is read from: an output, or the logits."""
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


def channels(layer: str, text: str) -> list[Channel]:
    """The channels in ``"12"``, ``"3,7"`` or ``"0-8"``.

    Raises:
        ArgumentError: it is none of these.
    """
    selected: list[Channel] = []
    for part in text.split(","):
        bounds = re.fullmatch(r"(\d+)(?:-(\d+))?", part.strip())
        first, last = (int(bounds[1]), int(bounds[2] or bounds[1])) if bounds else (1, 0)
        require_within("--channel", last, 0, MOST_CHANNEL)
        if first > last:
            raise ArgumentError(f"--channel must be a number, a list (3,7) or a range (0-8), was {text!r}")
        selected += [Channel(layer, number) for number in range(first, last + 1)]
    return selected


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
    matches = [index for index, synonyms in enumerate(names) if text.lower() in map(str.lower, synonyms)]
    if len(matches) == 1:
        return ClassUnit(matches[0], text)
    if matches:
        indices = ", ".join(f"{index} ({wnids[index] if wnids else names[index][0]})" for index in matches)
        raise ArgumentError(f"{len(matches)} classes of {spec.name} are called {text!r}; give an index: {indices}")
    raise ArgumentError(f"{spec.name} has no class {text!r}{_suggestion(text, names)}; give a name, a wnid or an index")


def class_names(spec: ModelSpec) -> Sequence[Sequence[str]]:
    """Every class's synonyms, by index."""
    if spec.class_names is not None:
        return [(name,) for name in spec.class_names]
    if spec.num_classes == len(classes.wnids()):
        return [class_name(index).split(", ") for index in range(spec.num_classes)]
    return [(f"class {index}",) for index in range(spec.num_classes)]


def _suggestion(text: str, names: Sequence[Sequence[str]]) -> str:
    every = {name.lower(): name for synonyms in names for name in synonyms}
    close = difflib.get_close_matches(text.lower(), every, n=3, cutoff=0.6)
    return f"; did you mean {' or '.join(repr(every[name]) for name in close)}?" if close else ""

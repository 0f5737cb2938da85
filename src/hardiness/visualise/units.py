"""What a picture is made for: a layer, a channel, a neuron or a class, and how strongly pixels excite it."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from hardiness.core import ArgumentError, ModelError
from hardiness.models import Classifier

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

    def as_dict(self) -> dict[str, Any]:
        """The JSON form."""
        return {"layer": self.layer}

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

    def as_dict(self) -> dict[str, Any]:
        """The JSON form."""
        return {"layer": self.layer, "channel": self.channel}

    def check(self, shape: Sequence[int]) -> None:
        """Raise an error unless an output of this shape (without the batch) has the channel.

        Raises:
            ArgumentError: it has not; the message gives the range.
        """
        _within("channel", self.channel, shape[channel_axis(shape)], self.layer)

    def value(self, output: Tensor) -> Tensor:
        """Its activation, a scalar, from its layer's output for one picture."""
        return output.select(channel_axis(output.shape), self.channel).mean()


@dataclass(frozen=True, slots=True)
class Neuron:
    """One number that a layer puts out; its indices stand in the order of the layer's own axes."""

    layer: str
    indices: tuple[int, ...]

    @property
    def label(self) -> str:
        """Its name in captions."""
        return f"{self.layer} {','.join(map(str, self.indices))}"

    def as_dict(self) -> dict[str, Any]:
        """The JSON form."""
        return {"layer": self.layer, "neuron": list(self.indices)}

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
            _within(f"neuron's {_axes(shape).split(',')[axis]}", index, length, self.layer)

    def value(self, output: Tensor) -> Tensor:
        """Its activation, a scalar, from its layer's output for one picture."""
        return output[self.indices]


@dataclass(frozen=True, slots=True)
class ClassUnit:
    """A class: its logit."""

    index: int
    name: str

    @property
    def label(self) -> str:
        """Its name in captions."""
        return self.name

    def as_dict(self) -> dict[str, Any]:
        """The JSON form."""
        return {"class": self.index, "name": self.name}

    def check(self, shape: Sequence[int]) -> None:
        """Raise an error unless there are enough logits for the class.

        Raises:
            ArgumentError: there are fewer.
        """
        _within("class", self.index, shape[0], "the model")

    def value(self, output: Tensor) -> Tensor:
        """Its logit, a scalar, from the logits of one picture."""
        return output[self.index]


Unit = LayerUnit | Channel | Neuron | ClassUnit


def reader(classifier: Classifier, unit: Unit) -> Callable[[Tensor], Tensor]:
    """What the unit's activation is read from, for pixels ``(N, 3, H, W)``: its layer's output, or the logits."""
    if isinstance(unit, ClassUnit):
        return classifier.differentiable
    layer = unit.layer
    return lambda pixels: classifier.activations(pixels, layer)


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


def _within(what: str, index: int, length: int, where: str) -> None:
    if not 0 <= index < length:
        raise ArgumentError(f"{what} of {where} must be from 0 to {length - 1}, was {index}")

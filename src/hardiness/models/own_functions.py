"""Models that are no ordinary networks of torch: functions, models of MAITE, TorchScript, int8."""

from __future__ import annotations

import functools
import hashlib
import inspect
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy as np

from hardiness.core.errors import ArgumentError, ModelError
from hardiness.core.model import View
from hardiness.models.activation import SMALLEST
from hardiness.models.catalogue import PlainFunction
from hardiness.models.identity import state_sha256
from hardiness.models.logits import logits_of
from hardiness.models.own_source import code_sha256
from hardiness.models.service import Service

if TYPE_CHECKING:
    from torch import nn

_QUANTISED = ("torch.ao.nn.", "torch.nn.quantized", "torch.nn.intrinsic.quantized", "torchao.")
_BY_BATCH = ("torch.ao.nn.quantized.dynamic", "torch.ao.nn.intrinsic.quantized.dynamic", "torch.nn.quantized.dynamic")
"""Modules that choose the scale of integers by all numbers of a tensor, so by all images of a call."""

_NUMBERS = ("mean", "std", "range")


@dataclass(frozen=True, eq=False)
class TorchForm:
    """A network in a form of torch that can be run and neither copied nor changed as others can.

    Attributes:
        network: what is called.
        original: what its weights and its code are read from.
        one_by_one: whether it scales integers by all images of a call, so that each image needs a call of its own.
    """

    network: Callable[[Any], Any]
    original: Any
    one_by_one: bool = False

    def __call__(self, inputs: Any) -> Any:
        """The network's output; of several the first."""
        if self.one_by_one:
            import torch

            return torch.cat([self._outputs(image) for image in inputs.split(1)])
        return self._outputs(inputs)

    def _outputs(self, inputs: Any) -> Any:
        outputs = self.network(inputs)
        outputs = getattr(outputs, "logits", outputs)
        return outputs[0] if isinstance(outputs, tuple | list) else outputs

    def identity(self) -> str:
        """The hash over its weights, whatever numbers they are, and over its code."""
        code = "" if _is_exported(self.original) else code_sha256(self.original)
        digest = hashlib.sha256()
        for part in (*_parts(self.original), code):
            digest.update(part.encode())
        return digest.hexdigest()


@dataclass(frozen=True, eq=False)
class MaiteModel:
    """A model by MAITE's protocol, called with a batch of bytes.

    Source: maite 0.10, ``protocols.image_classification.Model``: a sequence of images (C, H, W) to a sequence of (Cl,).
    """

    model: Callable[[Any], Any]

    def __call__(self, images: Any) -> Any:
        """Rows ``(N, K)`` for images ``uint8 (N, H, W, 3)``."""
        rows = self.model([np.ascontiguousarray(image.transpose(2, 0, 1)) for image in images])
        return np.stack([np.asarray(row) for row in rows])


def _parts(value: Any) -> Iterator[str]:
    """Texts that change where a model's weights or its code do."""
    import torch

    if isinstance(value, torch.export.ExportedProgram):
        yield str(value.graph)
        yield from _state({**value.state_dict, **value.constants})
        return
    yield type(value).__qualname__
    if not isinstance(value, torch.jit.ScriptModule):
        yield repr(value)
        yield str(getattr(value, "code", ""))
    yield from _state(value.state_dict())


def _state(state: Mapping[str, Any]) -> Iterator[str]:
    import torch

    for name, value in state.items():
        yield name
        for item in value if isinstance(value, tuple | list) else (value,):
            if isinstance(item, torch.Tensor) and item.is_quantized:
                scales = item.q_scale() if item.qscheme() == torch.per_tensor_affine else item.q_per_channel_scales()
                yield f"{item.qscheme()} {scales}"
                yield state_sha256({"": item.int_repr()})
            elif isinstance(item, torch.Tensor):
                yield state_sha256({"": item})
            else:
                yield repr(item)


def foreign(value: Any) -> PlainFunction | None:
    """The function called with batches; ``None`` for an ordinary network of torch, and for what cannot be called."""
    import torch
    from torch import nn

    if isinstance(value, torch.jit.ScriptModule):
        value.eval()
        return PlainFunction(TorchForm(value, value), bytes_in=False, description="is TorchScript")
    if isinstance(value, torch.export.ExportedProgram):
        return PlainFunction(
            TorchForm(value.module(), value), bytes_in=False, description="is a program of torch.export"
        )
    if isinstance(value, nn.Module):
        if _is_exported(value):
            return PlainFunction(TorchForm(value, value), bytes_in=False, description="is a program of torch.export")
        kinds = {type(module).__module__ for module in value.modules()}
        if any(kind.startswith(_QUANTISED) for kind in kinds):
            value.eval()
            form = TorchForm(value, value, one_by_one=any(kind.startswith(_BY_BATCH) for kind in kinds))
            return PlainFunction(form, bytes_in=False, description="is an int8 network of torch")
        return None
    if not callable(value) or isinstance(value, type):
        return None
    metadata = getattr(value, "metadata", None)
    if isinstance(metadata, Mapping) and "id" in metadata:
        return PlainFunction(MaiteModel(value), description="is a model of MAITE")
    return PlainFunction(value)


def _is_exported(value: Any) -> bool:
    """Whether a value is a program of ``torch.export``, or the module of one."""
    import torch

    return isinstance(value, torch.export.ExportedProgram) or (hasattr(value, "graph") and not _can_change(value))


def read_by_sigmoid(network: nn.Module, name: str, *, behind: bool) -> nn.Module:
    """A network that gives logits as `hardiness.models.activation.sigmoid_logits` does; gradients go through it.

    Args:
        network: in evaluation mode; its tensors are shared.
        name: the model's, for messages.
        behind: whether it puts out probabilities, behind the sigmoid.
    """
    import torch
    from torch import nn

    class ReadBySigmoid(nn.Module):
        def __init__(self) -> None:
            super().__init__()
            self.network = network

        def forward(self, x: torch.Tensor) -> torch.Tensor:
            outputs = self.network(x)
            if isinstance(outputs, torch.Tensor) and outputs.ndim == 1:
                outputs = outputs[:, None]
            outputs = logits_of(outputs, name, len(x))
            if behind:
                # What is 1 in fp32 is next to it: beyond there is neither a number nor a gradient.
                outputs = torch.logit(outputs.clamp(SMALLEST, 1 - 2**-24))
            return torch.cat([torch.zeros_like(outputs), outputs], dim=1) if outputs.shape[1] == 1 else outputs

    return ReadBySigmoid().eval()


def _can_change(network: Any) -> bool:
    """Whether a network can be put in evaluation mode; the module of an exported program cannot."""
    try:
        network.eval()
    except NotImplementedError:
        return False
    return True


def is_factory(value: Any) -> bool:
    """Whether a value makes a model: a class, or a function whose arguments all have defaults."""
    if isinstance(value, type):
        return True
    if not (inspect.isroutine(value) or isinstance(value, functools.partial)):
        return False
    positional = (inspect.Parameter.POSITIONAL_ONLY, inspect.Parameter.POSITIONAL_OR_KEYWORD)
    parameters = inspect.signature(value).parameters.values()
    return not any(parameter.kind in positional and parameter.default is parameter.empty for parameter in parameters)


def class_names_of(function: Callable[[Any], Any]) -> tuple[str, ...] | None:
    """The classes that a model of MAITE, or an object with ``class_names``, says it has; ``None`` where it does not."""
    if isinstance(function, MaiteModel):
        labels = getattr(function.model, "metadata", {}).get("index2label")
        return tuple(str(labels[index]) for index in sorted(labels, key=int)) if labels else None
    names = getattr(function, "class_names", None)
    if isinstance(names, set | frozenset | dict):
        raise ModelError(
            f"class_names must be a list of names in the order of the outputs, was a {type(names).__name__}, which has "
            "no such order"
        )
    return tuple(map(str, names)) if isinstance(names, tuple | list) else None


def identity_of(function: Any, text: str, tag: str | None) -> str:
    """The hash over such a function: weights and code, or the tag that a person gives."""
    if isinstance(function, TorchForm | Service) and tag is None:
        return function.identity()
    return code_sha256(function.model if isinstance(function, MaiteModel) else function, text, tag)


def refuse_numbers(name: str, view: View) -> None:
    """Raise an error where a view states numbers for a function that takes images as bytes.

    Raises:
        ArgumentError: naming the field.
    """
    usual = View()
    odd = [key for key in _NUMBERS if getattr(view, key) != getattr(usual, key)]
    if odd:
        raise ArgumentError(
            f"{odd[0]}= is not for {name}, which takes images as bytes and normalises them itself; leave it out"
        )

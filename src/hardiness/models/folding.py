"""The same network in evaluation with fewer passes over memory: batch norms become part of their convolutions."""

from __future__ import annotations

import copy
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from torch import Tensor, nn

# Only layers whose output is linear in their stored kernel; weight-standardised and other clever ones are left alone.
_CONVOLUTIONS = frozenset(("torch.nn.modules.conv.Conv2d", "timm.layers.conv2d_same.Conv2dSame"))
_NORMS = frozenset(("torch.nn.modules.batchnorm.BatchNorm2d", "timm.layers.norm_act.BatchNormAct2d"))


@dataclass
class Watch:
    """What was seen during one forward pass: which norm took its input straight from which convolution."""

    pairs: dict[str, str] = field(default_factory=dict)
    calls: dict[str, int] = field(default_factory=dict)

    def foldable(self) -> dict[str, str]:
        """Norm to convolution, by name, where both ran exactly once."""
        return {norm: conv for norm, conv in self.pairs.items() if self.calls[norm] == 1 == self.calls[conv]}


@contextmanager
def watching(network: nn.Module) -> Iterator[Watch]:
    """Observe one forward pass of ``network``; needs no graph tracing, so it works on any module."""
    watch = Watch()
    last: list[tuple[str, Tensor]] = []

    def hook(name: str, is_norm: bool) -> Any:
        def seen(module: nn.Module, inputs: tuple[Any, ...], output: Any) -> None:
            watch.calls[name] = watch.calls.get(name, 0) + 1
            if is_norm and last and inputs and inputs[0] is last[0][1]:
                watch.pairs[name] = last[0][0]
            last[:] = [] if is_norm else [(name, output)]

        return seen

    handles = [
        module.register_forward_hook(hook(name, kind in _NORMS))
        for name, module in network.named_modules()
        if (kind := f"{type(module).__module__}.{type(module).__qualname__}") in _CONVOLUTIONS | _NORMS
    ]
    try:
        yield watch
    finally:
        for handle in handles:
            handle.remove()


def folded(network: nn.Module, pairs: dict[str, str]) -> nn.Module:
    """A copy of ``network`` in which each norm of ``pairs`` is folded into its convolution; same values, less work.

    Without pairs it is a plain copy. The pairs are what one pass showed, which proves nothing about other readers of a
    convolution's output; the caller compares the result with the original.
    """
    from torch import nn

    result = copy.deepcopy(network)
    for norm_name, conv_name in pairs.items():
        norm: Any = result.get_submodule(norm_name)
        if norm.running_mean is None:
            continue
        _fold(result.get_submodule(conv_name), norm)
        rest = [part for part in (getattr(norm, "drop", None), getattr(norm, "act", None)) if part is not None]
        result.set_submodule(norm_name, nn.Sequential(*rest) if rest else nn.Identity())
    if pairs:
        _leave_inputs_alone(result)
    return result


def _leave_inputs_alone(network: nn.Module) -> None:
    """Let activations not work in place, but ReLU: they need their input for the gradient, so torch would copy it."""
    from torch import nn

    for module in network.modules():
        if getattr(module, "inplace", False) is True and not isinstance(module, nn.ReLU):
            module.inplace = False  # type: ignore[assignment]


def _fold(conv: Any, norm: Any) -> None:
    """Source: batch norm in evaluation is y = (x - mean) / sqrt(var + eps) * weight + bias, per channel."""
    import torch
    from torch import nn

    with torch.no_grad():
        scale = (norm.running_var.double() + norm.eps).rsqrt()
        if norm.weight is not None:
            scale = scale * norm.weight.double()
        shift = -norm.running_mean.double()
        if conv.bias is not None:
            shift = shift + conv.bias.double()
        shift = shift * scale
        if norm.bias is not None:
            shift = shift + norm.bias.double()
        dtype = conv.weight.dtype
        kernel = conv.weight * scale.to(dtype).view(-1, 1, 1, 1)
        conv.weight = nn.Parameter(kernel, requires_grad=False)
        conv.bias = nn.Parameter(shift.to(dtype), requires_grad=False)

"""Norms that are folded into the convolutions before them."""

from __future__ import annotations

import copy
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from torch import nn


NORMS = frozenset(("torch.nn.modules.batchnorm.BatchNorm2d", "timm.layers.norm_act.BatchNormAct2d"))
"""Layers that can be folded into the convolution before them."""


def with_the_same_tensors(network: nn.Module) -> nn.Module:
    """A copy whose layers can be exchanged while ``network`` keeps its own; all parameters and buffers are shared."""
    tensors = [*network.parameters(), *network.buffers()]
    return copy.deepcopy(network, {id(tensor): tensor for tensor in tensors})


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
    """Keep activations but ReLU from working in place: the gradient needs their input, so that torch would copy it."""
    from torch import nn

    for module in network.modules():
        if getattr(module, "inplace", False) is True and not isinstance(module, nn.ReLU):
            module.inplace = False  # type: ignore[assignment]


def _fold(conv: Any, norm: Any) -> None:
    """Fold a norm into the convolution before it.

    Source: batch norm in evaluation is y = (x - mean) / sqrt(var + eps) * weight + bias, per channel.
    """
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

"""How much memory a forward pass needs, for choosing a batch size."""

from __future__ import annotations

import copy
from typing import TYPE_CHECKING, Any

from hardiness.models.failures import FOREIGN_ERRORS

if TYPE_CHECKING:
    from torch import nn


def activation_bytes(network: nn.Module, px: int) -> int:
    """Bytes of fp32 that all layers of ``network`` put out for one image of ``px`` x ``px``.

    Shapes are computed by a copy on torch's meta device, without arithmetic; a network that cannot run there is run
    once.
    A forward pass without gradients needs less at any one time, one with gradients about as much.
    """
    import torch

    total = 0

    def count(module: nn.Module, inputs: Any, output: Any) -> None:
        nonlocal total
        # Layers that work in place, and those that do nothing, put out what they were given.
        fresh = [tensor for tensor in _tensors(output) if all(tensor is not given for given in inputs)]
        total += sum(tensor.numel() for tensor in fresh) * 4

    def run(counted: nn.Module, device: Any) -> None:
        nonlocal total
        total = 0
        leaves = [module for module in counted.modules() if not list(module.children())]
        handles = [module.register_forward_hook(count) for module in leaves]
        try:
            with torch.no_grad():
                counted(torch.zeros(1, 3, px, px, device=device))
        finally:
            for handle in handles:
                handle.remove()

    try:
        run(_shadow(network), "meta")
    except FOREIGN_ERRORS:
        run(network, next(network.parameters(), torch.empty(0)).device)
    return total + 3 * px * px * 4


def _shadow(network: nn.Module) -> nn.Module:
    """A copy whose tensors have shapes and no values; the network itself is not touched."""
    tensors = [*network.parameters(), *network.buffers()]
    return copy.deepcopy(network, {id(tensor): tensor.to("meta") for tensor in tensors})


def _tensors(output: Any) -> list[Any]:
    import torch

    if isinstance(output, torch.Tensor):
        return [output]
    if isinstance(output, tuple | list):
        return [tensor for part in output for tensor in _tensors(part)]
    return []

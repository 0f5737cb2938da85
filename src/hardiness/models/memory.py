"""An estimate of the memory that a network takes."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from torch import nn


def activation_bytes(network: nn.Module, px: int) -> int:
    """Bytes of fp32 that all layers of ``network`` put out for one image of ``px`` x ``px``.

    It is run once: shapes alone, on torch's meta device, cost more, which loads torch's compiler to know them.
    A forward pass without gradients needs less at any one time, one with gradients about as much.
    """
    import torch

    total = 0

    def count(module: nn.Module, inputs: Any, output: Any) -> None:
        nonlocal total
        # Layers that work in place, and those that do nothing, put out what they were given.
        fresh = [tensor for tensor in _tensors(output) if all(tensor is not entry for entry in inputs)]
        total += sum(tensor.numel() for tensor in fresh) * 4

    leaves = [module for module in network.modules() if not list(module.children())]
    handles = [module.register_forward_hook(count) for module in leaves]
    try:
        # A network that draws leaves torch's generator as it was, so that it answers as if nothing had been asked.
        device = next(network.parameters(), torch.empty(0)).device
        with torch.no_grad(), torch.random.fork_rng(devices=[device] if device.type == "cuda" else []):
            network(torch.zeros(1, 3, px, px, device=device))
    finally:
        for handle in handles:
            handle.remove()
    return total + 3 * px * px * 4


def _tensors(output: Any) -> list[Any]:
    import torch

    if isinstance(output, torch.Tensor):
        return [output]
    if isinstance(output, tuple | list):
        return [tensor for part in output for tensor in _tensors(part)]
    return []

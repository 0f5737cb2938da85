"""How much memory a forward pass needs, for choosing a batch size."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from torch import nn


def activation_bytes(network: nn.Module, px: int) -> int:
    """Bytes of fp32 that all layers of ``network`` put out for one image of ``px`` x ``px``.

    Shapes are computed on torch's meta device, without arithmetic; a network that cannot run there is run once.
    A forward pass without gradients needs less at any one time, one with gradients about as much.
    """
    import torch
    from torch.func import functional_call

    total = 0

    def count(module: nn.Module, inputs: Any, output: Any) -> None:
        nonlocal total
        # Layers that work in place, and those that do nothing, put out what they were given.
        fresh = [tensor for tensor in _tensors(output) if all(tensor is not given for given in inputs)]
        total += sum(tensor.numel() for tensor in fresh) * 4

    leaves = [module for module in network.modules() if not list(module.children())]
    handles = [module.register_forward_hook(count) for module in leaves]
    try:
        state = {**dict(network.named_parameters()), **dict(network.named_buffers())}
        with torch.no_grad():
            try:
                shadows = {name: tensor.to("meta") for name, tensor in state.items()}
                functional_call(network, shadows, (torch.empty(1, 3, px, px, device="meta"),))
            except (RuntimeError, NotImplementedError, TypeError, ValueError):
                total = 0
                reference = next(iter(state.values()), torch.empty(0))
                network(torch.zeros(1, 3, px, px, device=reference.device))
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

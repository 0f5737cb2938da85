"""The same network for gradients on a CPU: each kernel brought into oneDNN's order once, and ReLU joined with it."""

from __future__ import annotations

from typing import TYPE_CHECKING

from hardiness.models.chunks import largest_chunk
from hardiness.models.copying import with_the_same_tensors
from hardiness.models.failures import FOREIGN_ERRORS
from hardiness.models.onednn import available
from hardiness.models.outputs import logits_of
from hardiness.models.packed_layer import is_packable, packed_layer
from hardiness.models.watching import kind_of, watching

if TYPE_CHECKING:
    from torch import Tensor, nn

_CEILINGS = {"torch.nn.modules.activation.ReLU": float("inf"), "torch.nn.modules.activation.ReLU6": 6.0}

MAX_BYTES = 1 << 29
"""Of parameters: above, two more copies of the kernels cost more than they bring, since large layers gain little."""

MAX_GRADIENT_ERROR = 1e-2
"""Largest ‖Δ‖ / ‖gradient‖ on an image. Rounding may carry an activation over its kink; a wrong gradient is far off."""


def packed(network: nn.Module, given: Tensor) -> nn.Module:
    """A network with the values and gradients of ``network``, or ``network`` itself where it cannot be had.

    It takes images of any size and any number of them, and differentiates once, with respect to its input only.

    Args:
        network: in evaluation mode, its norms folded.
        given: normalised images, of the size that most will have.
    """
    import torch

    size = sum(tensor.nbytes for tensor in network.parameters())
    if given.device.type != "cpu" or size > MAX_BYTES or not available():
        return network
    with torch.inference_mode(False):
        images = given.detach().clone()
        try:
            result = _with_packed_kernels(network, images)
            error = _distance(_gradient(result, images[:1]), _gradient(network, images[:1]))
        except FOREIGN_ERRORS:
            return network
    return result if error <= MAX_GRADIENT_ERROR else network


def _with_packed_kernels(network: nn.Module, given: Tensor) -> nn.Module:
    import torch
    from torch import nn

    with torch.no_grad(), watching(network, frozenset(_CEILINGS)) as watch:
        network(given)
    result = with_the_same_tensors(network)
    activations = {conv: reader for reader, conv in watch.once().items()}
    for name, (_, *rest) in watch.shapes.items():
        conv, shape = result.get_submodule(name), torch.Size((largest_chunk(), *rest))
        if not is_packable(conv, shape):
            continue
        ceiling = None
        if name in activations:
            ceiling = _CEILINGS[kind_of(result.get_submodule(activations[name]))]
            result.set_submodule(activations[name], nn.Identity())
        result.set_submodule(name, packed_layer(conv, shape, ceiling))
    return result


def _gradient(network: nn.Module, given: Tensor) -> Tensor:
    """Of a sum of all logits with different weights; zeros where the network has none."""
    import torch

    with torch.enable_grad():
        leaf = given.clone().requires_grad_()
        outputs = logits_of(network(leaf), "network")
        if not outputs.requires_grad:
            return torch.zeros_like(leaf)
        weights = torch.linspace(-1.0, 1.0, outputs.shape[1])
        (found,) = torch.autograd.grad((outputs * weights).sum(), leaf, materialize_grads=True)
    return found.double()


def _distance(found: Tensor, expected: Tensor) -> float:
    """‖found - expected‖ / ‖expected‖; NaN where either is not finite."""
    return float((found - expected).norm() / expected.norm().clamp(min=1e-30))

"""The same network for gradients on a CPU: each kernel brought into oneDNN's order once, and ReLU joined with it."""

from __future__ import annotations

from functools import cache
from typing import TYPE_CHECKING, Any

from hardiness.models.chunks import IMAGES_A_CORE
from hardiness.models.copying import with_the_same_tensors
from hardiness.models.failures import FOREIGN_ERRORS
from hardiness.models.onednn import Convolution, Packed, Pair, available, clamp_backward, pack, run_packed
from hardiness.models.outputs import logits_of
from hardiness.models.transposing import Transposed, transposed
from hardiness.models.watching import changes, kind_of, watching

if TYPE_CHECKING:
    import torch
    from torch import Tensor, nn

_CEILINGS = {"torch.nn.modules.activation.ReLU": float("inf"), "torch.nn.modules.activation.ReLU6": 6.0}
_PADS_BY_SIZE = "timm.layers.conv2d_same.Conv2dSame"

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
        conv, shape = result.get_submodule(name), torch.Size((IMAGES_A_CORE * torch.get_num_threads(), *rest))
        if not _is_packable(conv, shape):
            continue
        ceiling = None
        if name in activations:
            ceiling = _CEILINGS[kind_of(result.get_submodule(activations[name]))]
            result.set_submodule(activations[name], nn.Identity())
        layer = _packed_convolution()(conv, ceiling)
        layer.prepare(shape)
        result.set_submodule(name, layer)
    return result


@cache
def _packed_convolution() -> Any:
    """The class of the layer; a function's, because torch is not loaded before it is used."""
    import torch
    from torch import nn

    class Convolve(torch.autograd.Function):
        @staticmethod
        def forward(ctx: Any, given: Tensor, packed: Packed, back: Transposed, clamped: float | None) -> Tensor:
            output = run_packed(given, packed)
            ctx.packed, ctx.back, ctx.clamped, ctx.shape = packed, back, clamped, given.shape
            kept = given if back.reads_input or clamped is not None else None
            ctx.save_for_backward(kept, output if packed.ceiling is not None else None)
            return output

        @staticmethod
        @torch.autograd.function.once_differentiable
        def backward(ctx: Any, gradient: Tensor) -> tuple[Tensor, None, None, None]:
            given, output = ctx.saved_tensors
            if output is not None and _noted(gradient) != output.data_ptr():
                gradient = clamp_backward(gradient, output, ctx.packed.ceiling)
            found = ctx.back.run(gradient, ctx.shape, given)
            if ctx.clamped is not None:
                clamp_backward(found, given, ctx.clamped, out=found)
                _note(found, given.data_ptr())
            return found, None, None, None

    class PackedConvolution(nn.Module):
        """A convolution, clamped where there is a ceiling; packed once for each padding, where that goes by size."""

        def __init__(self, conv: Any, ceiling: float | None) -> None:
            super().__init__()
            self.conv, self.ceiling = conv, ceiling
            self.ways: dict[Any, tuple[Packed, Transposed]] = {}

        def prepare(self, shape: torch.Size) -> tuple[Packed, Transposed]:
            zeros = _zeros(self.conv, shape)
            if zeros not in self.ways:
                laid = _laid(self.conv, shape)
                self.ways[zeros] = pack(laid, shape, self.ceiling), transposed(laid, shape)
            return self.ways[zeros]

        def forward(self, x: Tensor) -> Tensor:
            clamped = _noted(x)
            result: Tensor = Convolve.apply(x, *self.prepare(x.shape), clamped)  # type: ignore[no-untyped-call]
            if self.ceiling is not None:
                _note(result, self.ceiling)
            return result

        def __deepcopy__(self, _memo: object) -> Any:
            return self  # its parts cannot be copied, and nothing changes them

    return PackedConvolution


def _note(tensor: Any, fact: float) -> None:
    """Say something of a tensor that holds until it is written to.

    Of an output: what it is clamped to. Of a gradient: the address of the output whose clamping it has passed already.
    A layer that reads a clamped output does that for the one before, in the memory that it has just written; where
    the gradients of several readers meet, they are added up, and the sum bears no note.
    """
    tensor.noted = (fact, changes(tensor))


def _noted(tensor: Any) -> Any:
    fact, when = getattr(tensor, "noted", (None, None))
    return fact if when == changes(tensor) else None


def _is_packable(conv: Any, shape: torch.Size) -> bool:
    import torch

    plain = conv.padding_mode == "zeros" and not isinstance(conv.padding, str) and conv.weight.dtype == torch.float32
    of_any_size = kind_of(conv) != _PADS_BY_SIZE or conv.dilation == (1, 1)
    return plain and of_any_size and _laid(conv, shape).is_packable()


def _laid(conv: Any, shape: torch.Size) -> Convolution:
    bias = None if conv.bias is None else conv.bias.detach()
    before, after = _zeros(conv, shape)
    return Convolution(conv.weight.detach(), bias, before, after, conv.stride, conv.dilation, conv.groups)


def _zeros(conv: Any, shape: torch.Size) -> tuple[Pair, Pair]:
    """Zeros before and after each axis of an input of that shape."""
    if kind_of(conv) != _PADS_BY_SIZE:
        return conv.padding, conv.padding
    from timm.layers.padding import get_same_padding

    axes = zip(shape[2:], conv.kernel_size, conv.stride, conv.dilation, strict=True)
    high, wide = (get_same_padding(*axis) for axis in axes)
    return (high // 2, wide // 2), (high - high // 2, wide - wide // 2)


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

"""A convolution whose kernel is kept in oneDNN's own order, with its gradient with respect to the input."""

from __future__ import annotations

from functools import cache
from typing import TYPE_CHECKING, Any

from hardiness.models.onednn import Convolution, Packed, Pair, clamp_backward, pack, run_packed
from hardiness.models.transposing import Transposed, transposed
from hardiness.models.watching import changes, kind_of

if TYPE_CHECKING:
    import torch
    from torch import Tensor, nn

_PADS_BY_SIZE = "timm.layers.conv2d_same.Conv2dSame"


def is_packable(conv: Any, shape: torch.Size) -> bool:
    """Whether a convolution of `watching.CONVOLUTIONS` can be packed for inputs of that shape."""
    import torch

    plain = conv.padding_mode == "zeros" and not isinstance(conv.padding, str) and conv.weight.dtype == torch.float32
    of_any_size = kind_of(conv) != _PADS_BY_SIZE or conv.dilation == (1, 1)
    return plain and of_any_size and _laid(conv, shape).is_packable()


def packed_layer(conv: nn.Module, shape: torch.Size, ceiling: float | None) -> nn.Module:
    """A layer with the values of a packable convolution, clamped to [0, ceiling] if there is one.

    It is fastest on inputs of that shape, and right on all; it differentiates once, with respect to its input.
    """
    layer: Any = _class()(conv, ceiling)
    layer.prepare(shape)
    result: nn.Module = layer
    return result


@cache
def _class() -> Any:
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

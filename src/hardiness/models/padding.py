"""Convolutions with "same" padding, padded alike on both sides."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from hardiness.models.forward_pass import SAME_CONVOLUTION, kind_of

if TYPE_CHECKING:
    from torch import Tensor, nn


def evenly_padded(network: nn.Module) -> nn.Module:
    """The network itself, its depthwise "same" convolutions padded alike on both sides; the same values.

    Where such a convolution pads one side by one more, it is given a padded copy of its input, which takes as long as
    the convolution. Padded on both sides by the larger number, under a kernel with a row and a column of zeros in
    front, it needs none. Padding depends on the size of the input, so both are found anew in every pass.

    Args:
        network: a copy that may be changed, whose weights want no gradient.
    """
    for name, module in list(network.named_modules()):
        if kind_of(module) == SAME_CONVOLUTION and _can_be_even(module):
            network.set_submodule(name, _evenly(module))
    return network


def _can_be_even(conv: Any) -> bool:
    """Whether a convolution is depthwise, where a tap more costs little, and not dilated, where it is many pixels."""
    return bool(conv.groups == conv.in_channels and set(conv.dilation) == {1})


def _evenly(conv: Any) -> nn.Module:
    from torch import nn
    from torch.nn import functional

    class EvenPadding(nn.Module):
        def __init__(self) -> None:
            super().__init__()
            self.conv = conv

        def forward(self, x: Tensor) -> Tensor:
            (height, top), (width, left) = (
                even_padding(size, taps, stride)
                for size, taps, stride in zip(x.shape[2:], conv.kernel_size, conv.stride, strict=True)
            )
            kernel = functional.pad(conv.weight, (left, 0, top, 0)) if top or left else conv.weight
            return functional.conv2d(x, kernel, conv.bias, conv.stride, (height, width), groups=conv.groups)

    return EvenPadding()


def even_padding(size: int, taps: int, stride: int) -> tuple[int, int]:
    """Pixels on both sides, and zeros in front of the kernel, that do what "same" padding of one axis does.

    Source: TensorFlow's SAME, as in timm: ceil(size / stride) outputs, and where the pixels to be added are odd in
    number, one more at the end.
    """
    outputs = -(-size // stride)
    missing = max((outputs - 1) * stride + taps - size, 0)
    return missing - missing // 2, missing % 2

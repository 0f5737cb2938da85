"""oneDNN's convolutions on kernels in its own order; the one place that knows torch's names for them, none public."""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from torch import Tensor

Pair = tuple[int, int]


@dataclass(frozen=True)
class Convolution:
    """A kernel and how it is laid over an image.

    Attributes:
        kernel: float32 ``(O, I / groups, kh, kw)`` on a CPU.
        bias: float32 ``(O,)``, or ``None``.
        before, after: zeros at the top and left, at the bottom and right.
        stride, dilation, groups: as torch's.
    """

    kernel: Tensor
    bias: Tensor | None
    before: Pair
    after: Pair
    stride: Pair = (1, 1)
    dilation: Pair = (1, 1)
    groups: int = 1

    def output_shape(self, shape: tuple[int, ...]) -> tuple[int, ...]:
        """Of the outputs for inputs of a shape, ``(N, I, H, W)``."""
        axes = zip(shape[2:], self.kernel.shape[2:], self.before, self.after, self.stride, self.dilation, strict=True)
        sides = ((side + b + a - d * (k - 1) - 1) // s + 1 for side, k, b, a, s, d in axes)
        return (shape[0], self.kernel.shape[0], *sides)

    def is_packable(self) -> bool:
        """Whether oneDNN takes it: no kernel may read zeros alone, and a dilated one wants as many on both sides."""
        reaches = [d * (k - 1) for k, d in zip(self.kernel.shape[2:], self.dilation, strict=True)]
        zeros = zip(self.before, self.after, reaches, strict=True)
        within = all(max(before, after) <= reach for before, after, reach in zeros)
        return within and (self.before == self.after or self.dilation == (1, 1))

    def symmetric(self) -> Convolution:
        """The same with as many zeros before as after, which is all that torch takes: the kernel gets them instead."""
        from torch.nn import functional

        if self.before == self.after:
            return self
        more = [max(a - b, 0) for b, a in zip(self.before, self.after, strict=True)]
        less = [max(b - a, 0) for b, a in zip(self.before, self.after, strict=True)]
        most = (max(self.before[0], self.after[0]), max(self.before[1], self.after[1]))
        kernel = functional.pad(self.kernel, (more[1], less[1], more[0], less[0]))
        return replace(self, kernel=kernel, before=most, after=most)


@dataclass(frozen=True)
class Packed:
    """A convolution ready to run.

    Attributes:
        kernel: opaque to all but oneDNN.
        laid: the operator's other arguments.
        ceiling: the output is clamped to [0, ceiling]; ``inf`` is ReLU, 6 is ReLU6, ``None`` no clamping.
    """

    kernel: Any
    laid: tuple[Any, ...]
    ceiling: float | None


def available() -> bool:
    """Whether this torch has the operators."""
    import torch

    named = hasattr(torch._C._nn, "mkldnn_reorder_conv2d_weight")
    return named and torch._C._has_mkldnn and hasattr(torch.ops.mkldnn, "_convolution_pointwise")


def pack(convolution: Convolution, shape: tuple[int, ...], ceiling: float | None = None) -> Packed:
    """A packable convolution, clamped if there is a ceiling; fastest on inputs of that shape, and right on all."""
    import torch

    by = convolution.symmetric()
    order: Any = torch._C._nn.mkldnn_reorder_conv2d_weight
    kernel = order(by.kernel.contiguous().to_mkldnn(), by.before, by.stride, by.dilation, by.groups, list(shape))
    clamped: tuple[Any, ...] = ("none", [], "")
    if ceiling is not None:
        clamped = ("relu", [], "") if ceiling == float("inf") else ("hardtanh", [0.0, ceiling], "")
    return Packed(kernel, (by.bias, by.before, by.stride, by.dilation, by.groups, *clamped), ceiling)


def run_packed(given: Tensor, by: Packed) -> Tensor:
    """The convolution of float32 ``(N, I, H, W)``; the output is channels-last."""
    import torch

    result: Tensor = torch.ops.mkldnn._convolution_pointwise(given, by.kernel, *by.laid)
    return result


def clamp_backward(gradient: Tensor, output: Tensor, ceiling: float, out: Tensor | None = None) -> Tensor:
    """Gradient of what was clamped to [0, ceiling], from that of the output; into ``out`` if given, else a new one."""
    import torch

    into = {} if out is None else {"grad_input": out}
    aten: Any = torch.ops.aten
    if ceiling == float("inf"):
        result: Tensor = aten.threshold_backward(gradient, output, 0, **into)
    else:
        result = aten.hardtanh_backward(gradient, output, 0, ceiling, **into)
    return result

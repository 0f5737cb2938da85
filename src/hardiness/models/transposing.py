"""From the gradient of a convolution's output to that of its input: three ways to the same values on a CPU."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from hardiness.models.onednn import Convolution, pack, run_packed

if TYPE_CHECKING:
    from torch import Tensor


@dataclass(frozen=True)
class Transposed:
    """Gradient ``(N, O, H', W')`` of the output and shape ``(N, I, H, W)`` of the input to the gradient of the input.

    Attributes:
        run: the two, and the input if it is read, to a new tensor.
        reads_input: its layout, nothing else.
    """

    run: Callable[[Tensor, tuple[int, ...], Tensor | None], Tensor]
    reads_input: bool = False


_FEW_CHANNELS = 4


def transposed(by: Convolution, shape: tuple[int, ...]) -> Transposed:
    """The fastest way for a packable convolution whose inputs are mostly of that shape, ``(N, I, H, W)``.

    At stride 1 it is a convolution itself, with the flipped kernel. The first layer of a network strides over three
    channels, for which oneDNN's own way is slow: a sixth of the speed of other layers.
    """
    if by.stride == (1, 1):
        return _by_flipped_kernel(by, shape)
    if by.kernel.shape[1] <= _FEW_CHANNELS and by.groups == 1 and by.dilation == (1, 1):
        axes = [_Axis(*each) for each in zip(by.kernel.shape[2:], by.stride, by.before, by.after, strict=True)]
        if all(axis.beyond <= axis.last - axis.first for axis in axes):
            return _by_phases(by, axes, shape)
    return _by_torch(by.symmetric())


def _by_flipped_kernel(by: Convolution, shape: tuple[int, ...]) -> Transposed:
    outputs, inputs, *sides = by.kernel.shape
    grouped = by.kernel.view(by.groups, outputs // by.groups, inputs, *sides).transpose(1, 2)
    kernel = grouped.reshape(by.groups * inputs, outputs // by.groups, *sides).flip(2, 3)
    before, after = _flipped(by.before, by), _flipped(by.after, by)
    back = Convolution(kernel, None, before, after, dilation=by.dilation, groups=by.groups)
    packed = pack(back, by.output_shape(shape))
    return Transposed(lambda gradient, _shape, _given: run_packed(gradient, packed))


def _flipped(zeros: tuple[int, int], by: Convolution) -> tuple[int, int]:
    high, wide = (d * (k - 1) - z for d, k, z in zip(by.dilation, by.kernel.shape[2:], zeros, strict=True))
    return high, wide


@dataclass(frozen=True)
class _Axis:
    """One axis of a convolution. Position stride q + r of its input, for r < stride, takes tap stride m + r + before of
    the ``taps`` from position q - m of its output."""

    taps: int
    stride: int
    before: int
    after: int

    @property
    def first(self) -> int:
        """Least m that has a tap."""
        return -((self.before + self.stride - 1) // self.stride)

    @property
    def last(self) -> int:
        """Largest m that has a tap."""
        return (self.taps - 1 - self.before) // self.stride

    @property
    def missing(self) -> tuple[int, int]:
        """Taps to add at both ends, so that every m has one for each r."""
        start = -(self.stride * self.first + self.before)
        return start, self.stride * (self.last - self.first + 1) - start - self.taps

    @property
    def beyond(self) -> int:
        """How far behind its end the output is read at most, for inputs of any size."""
        return (self.taps - self.before - self.after + self.stride - 2) // self.stride - self.first


def _by_phases(by: Convolution, axes: list[_Axis], shape: tuple[int, ...]) -> Transposed:
    """Over m the taps are a kernel of stride 1, one for each r: phases that become channels, and pixels afterwards."""
    from torch.nn import functional

    rows, columns = axes
    outputs, inputs = by.kernel.shape[:2]
    whole = functional.pad(by.kernel, (*columns.missing, *rows.missing))
    taps = whole.view(outputs, inputs, -1, rows.stride, whole.shape[3] // columns.stride, columns.stride).flip(2, 4)
    kernel = taps.permute(1, 3, 5, 0, 2, 4).flatten(0, 2)
    around = (max(rows.last, rows.beyond), max(columns.last, columns.beyond))
    back = Convolution(kernel, None, around, around)
    packed = pack(back, by.output_shape(shape))

    def run(gradient: Tensor, shape: tuple[int, ...], _given: Tensor | None) -> Tensor:
        phases = run_packed(gradient, packed)
        for dim, (pad, axis) in enumerate(zip(around, axes, strict=True), 2):
            phases = phases.narrow(dim, pad - axis.last, -(-shape[dim] // axis.stride))
        high, wide = phases.shape[2:]
        phases = phases.reshape(-1, inputs, rows.stride, columns.stride, high, wide)
        pixels = phases.permute(0, 1, 4, 2, 5, 3).reshape(-1, inputs, high * rows.stride, wide * columns.stride)
        return pixels[:, :, : shape[2], : shape[3]]

    return Transposed(run)


def _by_torch(by: Convolution) -> Transposed:
    import torch

    kernel = by.kernel.contiguous(memory_format=torch.channels_last)
    laid: Any = (None, by.stride, by.before, by.dilation, False, (0, 0), by.groups, (True, False, False))

    def run(gradient: Tensor, _shape: tuple[int, ...], given: Tensor | None) -> Tensor:
        result: Tensor = torch.ops.aten.convolution_backward(gradient, given, kernel, *laid)[0]
        return result

    return Transposed(run, reads_input=True)

"""Full fp32 on a GPU, without leaving global switches turned."""

from __future__ import annotations

import threading
from collections.abc import Callable, Iterator
from contextlib import ExitStack, contextmanager
from typing import TYPE_CHECKING, Any

from hardiness.models.execution.allocator import keep_freed_memory

if TYPE_CHECKING:
    import torch
    from torch import Tensor

GRADIENTS_VERSION = 1
"""Part of the key of every attack; raised when gradients are computed otherwise, beyond rounding."""


class _FullFp32Switches:
    """The process's switches: turned by the first thread that computes in full fp32, put back by the last.

    All who turn them turn them the same way, so no thread has to wait for another one. A lock held meanwhile would: a
    thread that holds it and waits for a backward pass waits for autograd's one thread of the device, which may be in
    another model's backward pass and wait for that lock.
    """

    def __init__(self) -> None:
        self._turning = threading.Lock()
        self._threads_inside = 0
        self._before = ExitStack()

    def __enter__(self) -> None:
        import torch

        with self._turning:
            if not self._threads_inside:
                self._before.enter_context(
                    torch.backends.cudnn.flags(enabled=True, deterministic=True, allow_tf32=False)
                )
                self._before.callback(torch.set_float32_matmul_precision, torch.get_float32_matmul_precision())
                torch.set_float32_matmul_precision("highest")
            self._threads_inside += 1

    def __exit__(self, *error: object) -> None:
        with self._turning:
            self._threads_inside -= 1
            if not self._threads_inside:
                self._before.close()


_SWITCHES = _FullFp32Switches()


@contextmanager
def full_fp32(device: torch.device) -> Iterator[None]:
    """Within: no TF32 in matrix products and convolutions, deterministic kernels; afterwards everything as before.

    The switches are the process's, so other threads compute in full fp32 meanwhile. Nothing happens on a CPU.
    """
    if device.type != "cuda":
        yield
        return
    with _SWITCHES:
        yield


def differentiable_fp32(function: Callable[[Tensor], Tensor], pixels: Tensor) -> Tensor:
    """``function(pixels)`` whose forward *and* backward pass run in full fp32; first derivatives only on a GPU."""
    (output,) = differentiable_outputs(lambda given: (function(given),), pixels)
    return output


def differentiable_outputs(function: Callable[[Tensor], tuple[Tensor, ...]], pixels: Tensor) -> tuple[Tensor, ...]:
    """`differentiable_fp32` of a function that returns several tensors.

    The backward pass runs long after a ``with`` block is left, so on a GPU it is wrapped as well.
    """
    if pixels.is_cuda:
        return _guarded(function, pixels)
    keep_freed_memory()
    return function(pixels)


def _guarded(function: Callable[[Tensor], tuple[Tensor, ...]], pixels: Tensor) -> tuple[Tensor, ...]:
    import torch

    class FullFp32(torch.autograd.Function):
        @staticmethod
        def forward(ctx: Any, given: Tensor) -> tuple[Tensor, ...]:
            with torch.enable_grad(), full_fp32(given.device):
                ctx.given = given.detach().requires_grad_(given.requires_grad)
                outputs = function(ctx.given)
            # Saved, so that their graph goes as any graph does: when the last gradient that was asked for is there,
            # and not when the caller lets go of the outputs, which is a step later.
            ctx.save_for_backward(*outputs)
            return tuple(output.detach() for output in outputs)

        @staticmethod
        def backward(ctx: Any, *gradients: Tensor) -> Tensor:
            with full_fp32(ctx.given.device):
                # Several gradients may be asked for, as FAB does: whoever asks for them says which is the last.
                (gradient,) = torch.autograd.grad(ctx.saved_tensors, ctx.given, gradients, retain_graph=True)
            result: Tensor = gradient
            return result

    result: tuple[Tensor, ...] = FullFp32.apply(pixels)  # type: ignore[no-untyped-call]
    return result

"""Full fp32 and one order of sums, within a block of code."""

from __future__ import annotations

import threading
import warnings
from collections.abc import Callable, Iterator
from contextlib import ExitStack, contextmanager
from typing import TYPE_CHECKING, Any

from hardiness.core.memory import keep_freed_memory

if TYPE_CHECKING:
    import torch
    from torch import Tensor

GRADIENTS_VERSION = 1
"""Part of the key of every attack; raised when gradients are computed otherwise, beyond rounding."""


class _Switches:
    """Switches of the process: turned by the first thread that needs them so, put back by the last.

    All who turn them turn them the same way, so no thread has to wait for another one. A lock held meanwhile would: a
    thread that holds it and waits for a backward pass waits for autograd's one thread of the device, which may be in
    another model's backward pass and wait for that lock.

    Args:
        turn: turns them, and leaves with the stack how each was before.
    """

    def __init__(self, turn: Callable[[ExitStack], None]) -> None:
        self._turn, self._turning = turn, threading.Lock()
        self._threads_inside = 0
        self._before = ExitStack()

    def __enter__(self) -> None:
        with self._turning:
            if not self._threads_inside:
                self._turn(self._before)
            self._threads_inside += 1

    def __exit__(self, *error: object) -> None:
        with self._turning:
            self._threads_inside -= 1
            if not self._threads_inside:
                self._before.close()


def _ask_for_full_fp32(before: ExitStack) -> None:
    import torch

    before.enter_context(torch.backends.cudnn.flags(enabled=True, deterministic=True, allow_tf32=False))
    before.callback(torch.set_float32_matmul_precision, torch.get_float32_matmul_precision())
    torch.set_float32_matmul_precision("highest")


_NO_SUCH_KERNEL = "|".join(
    (
        ".*does not have a deterministic implementation",
        ".*defaults to a non-deterministic algorithm",
        "Deterministic behavior was enabled with either",
    )
)
"""Beginnings of torch's warnings, one a call, about layers without a deterministic backward pass on a GPU."""


def _ask_for_determinism(before: ExitStack) -> None:
    """Have every layer's backward pass add up in one order, where torch has a kernel that does; else as it can.

    Attention goes without the kernel for fp32 whose backward pass has no such order. Source: torch's manual of
    `torch.use_deterministic_algorithms`, which lists the layers.
    """
    import torch

    former = torch.are_deterministic_algorithms_enabled(), torch.is_deterministic_algorithms_warn_only_enabled()
    before.callback(torch.use_deterministic_algorithms, former[0], warn_only=former[1])
    filling: Any = torch.utils.deterministic
    before.callback(setattr, filling, "fill_uninitialized_memory", filling.fill_uninitialized_memory)
    attention: Any = torch.backends.cuda
    before.callback(attention.enable_mem_efficient_sdp, attention.mem_efficient_sdp_enabled())
    warnings.filterwarnings("ignore", _NO_SUCH_KERNEL, UserWarning)  # it stays: foreign code may reset the list
    torch.use_deterministic_algorithms(True, warn_only=True)
    filling.fill_uninitialized_memory = False  # every element is written here
    attention.enable_mem_efficient_sdp(False)


_FULL_FP32, _DETERMINISM = _Switches(_ask_for_full_fp32), _Switches(_ask_for_determinism)


@contextmanager
def same_every_time(device: torch.device) -> Iterator[None]:
    """Add gradients up in the same order each time within the block, wherever torch can; see also `full_fp32`."""
    if device.type != "cuda":
        yield
        return
    with _DETERMINISM:
        yield


@contextmanager
def full_fp32(device: torch.device) -> Iterator[None]:
    """Compute without TF32 and by deterministic kernels within the block; afterwards everything is as before.

    The switches are the process's, so other threads compute in full fp32 meanwhile. Nothing happens on a CPU.
    """
    if device.type != "cuda":
        yield
        return
    with _FULL_FP32:
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
            with torch.enable_grad(), full_fp32(given.device), same_every_time(given.device):
                ctx.given = given.detach().requires_grad_(given.requires_grad)
                outputs = function(ctx.given)
            # Saved, so that their graph goes as any graph does: when the last gradient that was asked for is there,
            # and not when the caller lets go of the outputs, which is a step later.
            ctx.save_for_backward(*outputs)
            return tuple(output.detach() for output in outputs)

        @staticmethod
        def backward(ctx: Any, *gradients: Tensor) -> Tensor:
            with full_fp32(ctx.given.device), same_every_time(ctx.given.device):
                # Several gradients may be asked for, as FAB does: whoever asks for them says which is the last.
                (gradient,) = torch.autograd.grad(ctx.saved_tensors, ctx.given, gradients, retain_graph=True)
            result: Tensor = gradient
            return result

    result: tuple[Tensor, ...] = FullFp32.apply(pixels)  # type: ignore[no-untyped-call]
    return result

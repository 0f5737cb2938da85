"""The memory layout in which a network is fastest."""

from __future__ import annotations

import math
import time
from collections.abc import Callable
from typing import TYPE_CHECKING

from hardiness.models.failures import is_out_of_memory

if TYPE_CHECKING:
    import torch
    from torch import Tensor, nn

LAYOUT_IMAGES, LAYOUT_TRIES = 16, 3
"""Images of noise in a forward pass that tries a memory layout, and how many are timed after one that warms up."""

LEAST_GAIN = 1.05
"""Channels-last must be so many times as fast as the layout that a network is built in: less may be noise."""


def in_faster_layout(
    network: nn.Module, run: Callable[[Tensor], object], px: tuple[int, int], device: torch.device
) -> nn.Module:
    """The network itself in channels-last memory, or on a GPU in the faster layout, each tried once with noise.

    Args:
        network: a copy that may be changed.
        run: one forward pass of it, on pixels on ``device``.
        px: height and width of the images.
        device: where it computes; on a CPU nothing is tried, as nothing was faster there.
    """
    import torch

    if device.type == "cpu":
        return network.to(memory_format=torch.channels_last)  # type: ignore[call-overload,no-any-return]
    generator = torch.Generator().manual_seed(0)
    noise = torch.rand(LAYOUT_IMAGES, 3, *px, generator=generator).to(device)
    seconds = {}
    for layout in (torch.contiguous_format, torch.channels_last):
        network.to(memory_format=layout)  # type: ignore[call-overload]
        seconds[layout] = seconds_of(run, noise.to(memory_format=layout), device)
    gain = seconds[torch.contiguous_format] / seconds[torch.channels_last]
    chosen = torch.channels_last if gain >= LEAST_GAIN else torch.contiguous_format
    return network.to(memory_format=chosen)  # type: ignore[call-overload,no-any-return]


def seconds_of(run: Callable[[Tensor], object], pixels: Tensor, device: torch.device) -> float:
    """Seconds of a few passes on a GPU, after one that warms up; infinite where its memory is too small for them."""
    import torch

    try:
        with torch.no_grad():
            run(pixels)
            torch.cuda.synchronize(device)
            begin = time.perf_counter()
            for _ in range(LAYOUT_TRIES):
                run(pixels)
            torch.cuda.synchronize(device)
        return time.perf_counter() - begin
    except RuntimeError as error:
        if not is_out_of_memory(error):
            raise
        return math.inf


def layout_of(network: nn.Module) -> torch.memory_format:
    """The memory layout of a network's kernels, in which it is given images; that of a plain tensor if it has none."""
    import torch

    kernels = [tensor for tensor in network.parameters() if tensor.ndim == 4 and not tensor.is_contiguous()]
    return torch.channels_last if kernels else torch.contiguous_format

"""Batches on a CPU by a few images at a time."""

from __future__ import annotations

from collections.abc import Callable
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from torch import Tensor

IMAGES_A_CORE = 4


def largest_chunk() -> int:
    """How many images are computed together at most, on more than one core."""
    import torch

    return IMAGES_A_CORE * torch.get_num_threads()


def in_chunks(function: Callable[[Tensor], Tensor], pixels: Tensor) -> Tensor:
    """``function(pixels)``, whose rows do not depend on each other, four rows a core at a time.

    What a layer puts out for few images is still in the cache when the next one reads it. On one core the batch stays
    whole: there torch computes 1x1 convolutions of fewer than 16 images by a product that takes twice the time.

    Args:
        function: ``(M, 3, H, W)`` to ``(M, K)``.
        pixels: ``(N, 3, H, W)`` on a CPU.
    """
    import torch

    chunks = -(-len(pixels) // largest_chunk())
    if torch.get_num_threads() == 1 or chunks < 2:
        return function(pixels)
    parts = torch.split(pixels, -(-len(pixels) // chunks))
    return torch.cat([function(part) for part in parts])

"""The one place where images become pixels."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING

import numpy as np

from hardiness.core import Image, Pixels

if TYPE_CHECKING:
    import torch


def to_pixels(images: Sequence[Image | Pixels]) -> torch.Tensor:
    """A batch of images as pixels.

    Args:
        images: N arrays ``uint8 (H, W, 3)`` of one size, RGB, 0–255; those that are pixels already stay as they are.

    Returns:
        ``float32 (N, 3, H, W)``, RGB in [0, 1], laid out channels-last as the runtimes want it.

    Source: torchvision's ``ToTensor``, to the bit: division by 255 in float32.
    """
    import torch

    if any(image.dtype != np.uint8 for image in images):
        crossed = [torch.from_numpy(i)[None] if i.dtype != np.uint8 else to_pixels([i]) for i in images]
        return torch.cat(crossed).contiguous(memory_format=torch.channels_last)
    stacked = torch.from_numpy(np.stack(images))
    return stacked.permute(0, 3, 1, 2).to(torch.float32).div_(255)

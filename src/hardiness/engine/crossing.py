"""The one place where images become pixels."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING

import numpy as np

from hardiness.core import Image

if TYPE_CHECKING:
    import torch


def to_pixels(images: Sequence[Image]) -> torch.Tensor:
    """A batch of images as pixels.

    Args:
        images: N arrays ``uint8 (H, W, 3)`` of one size, RGB, 0–255.

    Returns:
        ``float32 (N, 3, H, W)``, RGB in [0, 1], laid out channels-last as the runtimes want it.

    Source: torchvision's ``ToTensor``, to the bit: division by 255 in float32.
    """
    import torch

    stacked = torch.from_numpy(np.stack(images))
    return stacked.permute(0, 3, 1, 2).to(torch.float32).div_(255)

"""The one place where images become pixels."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING

import numpy as np

from hardiness.core import Image, Pixels
from hardiness.models.execution.device_link import DeviceLink, link_to

if TYPE_CHECKING:
    import torch


def to_pixels(images: Sequence[Image | Pixels], link: DeviceLink | None = None) -> torch.Tensor:
    """A batch of images as pixels.

    Args:
        images: N arrays ``uint8 (H, W, 3)`` of one size, RGB, 0–255; those that are pixels already stay as they are.
        link: to the device that they are wanted on, which also casts them; main memory if ``None``.

    Returns:
        ``float32 (N, 3, H, W)``, RGB in [0, 1], laid out channels-last as the runtimes want it.

    Source: torchvision's ``ToTensor``, to the bit: division by 255 in float32.
    """
    import torch

    way = link or link_to("cpu")
    if any(image.dtype != np.uint8 for image in images):
        crossed = [torch.from_numpy(i)[None] if i.dtype != np.uint8 else to_pixels([i]) for i in images]
        return torch.cat(crossed).contiguous(memory_format=torch.channels_last).to(way.device)
    pixels = way.send(images).to(torch.float32)
    # A tensor: by a Python number a GPU multiplies with the reciprocal, which is another number.
    return pixels.div_(torch.full((), 255.0, device=pixels.device))

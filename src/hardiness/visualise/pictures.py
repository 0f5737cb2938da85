"""From pixels back to images, for the eye: nothing that is measured reads them."""

from __future__ import annotations

from typing import TYPE_CHECKING

from hardiness.core import Image

if TYPE_CHECKING:
    from torch import Tensor


def to_images(pixels: Tensor) -> list[Image]:
    """Images ``uint8 (H, W, 3)``, rounded, from ``pixels (N, 3, H, W)`` in [0, 1]."""
    rounded = (pixels.detach().clamp(0, 1) * 255).round().byte()
    return list(rounded.permute(0, 2, 3, 1).contiguous().cpu().numpy())

"""Changes of HSV value and saturation without the round trip: both are linear in each channel between its extremes."""

from __future__ import annotations

from functools import lru_cache

import numpy as np
from numpy.typing import NDArray

from hardiness.imaging.compiled import compiled

Bytes = NDArray[np.uint8]
Float64 = NDArray[np.float64]


@lru_cache(maxsize=64)
def brightness_table(added: float) -> Bytes:
    """New channel values by (largest channel, channel), ``uint8 (256, 256)``, for an HSV value changed by ``added``.

    Hue and saturation stay, so every channel is scaled by new value over old; black turns grey. Where a channel is
    larger than the largest the table is undefined.

    Args:
        added: in [-1, 1]; the sum is cut at 0 and 1.

    Source: Smith 1978, HSV; truncated to uint8 as the generator of ImageNet-C does.
    """
    value = np.arange(256)[:, None] / 255.0
    channel = np.arange(256)[None, :] / 255.0
    raised = np.clip(value + added, 0.0, 1.0)
    share = np.divide(channel, value, out=np.ones((256, 256)), where=value > 0)
    table: Bytes = (np.clip(raised * share, 0.0, 1.0) * 255.0).astype(np.uint8)
    table.setflags(write=False)
    return table


@compiled
def look_up_by_largest(image: Bytes, table: Bytes) -> Bytes:
    """Each channel replaced by ``table[largest channel of its pixel, channel]``; the image is ``uint8 (H, W, 3)``."""
    height, width, _ = image.shape
    out = np.empty_like(image)
    for y in range(height):
        for x in range(width):
            red, green, blue = image[y, x, 0], image[y, x, 1], image[y, x, 2]
            row = table[max(red, green, blue)]
            out[y, x, 0] = row[red]
            out[y, x, 1] = row[green]
            out[y, x, 2] = row[blue]
    return out


@compiled
def saturate_image(image: Bytes, factor: float, offset: float) -> Bytes:
    """The image ``uint8 (H, W, 3)`` with HSV saturation ``s`` replaced by ``clip(factor s + offset)``; truncated.

    A channel that lies at share ``r`` between the smallest and the largest of its pixel becomes
    ``largest (1 - s' (1 - r))``. Greys have hue 0, so that an offset turns them reddish, as in the generator.

    Args:
        image: RGB.
        factor, offset: of the saturation, in [0, 1].

    Source: Smith 1978, HSV; scikit-image's rgb2hsv for greys and black.
    """
    height, width, _ = image.shape
    out = np.empty_like(image)
    inverse = np.ones(256)
    inverse[1:] = 1.0 / np.arange(1, 256)
    grey_share = 1.0 - min(max(offset, 0.0), 1.0)
    for y in range(height):
        for x in range(width):
            red, green, blue = image[y, x, 0], image[y, x, 1], image[y, x, 2]
            largest = max(red, green, blue)
            spread = largest - min(red, green, blue)
            if spread > 0:
                ratio = largest * inverse[spread]
                slope = min(factor + offset * ratio, ratio)  # new saturation times largest over spread
                out[y, x, 0] = np.uint8(largest - slope * (largest - red))
                out[y, x, 1] = np.uint8(largest - slope * (largest - green))
                out[y, x, 2] = np.uint8(largest - slope * (largest - blue))
            else:
                other = np.uint8(largest * grey_share)
                out[y, x, 0] = largest
                out[y, x, 1] = other
                out[y, x, 2] = other
    return out

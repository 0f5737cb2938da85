"""Pictures that a data set stores as the network is to see them."""

from __future__ import annotations

from hardiness.core import CANVAS_224, Image, SampleError


def sized(image: Image, name: str, of: str) -> Image:
    """The picture itself, ``uint8 (224, 224, 3)``: it has the size of the fixed canvas, so nothing is resampled.

    Args:
        image: what was decoded.
        name: the file, for the message.
        of: the pictures that have this size, for the message.

    Raises:
        SampleError: it has another size.
    """
    side = CANVAS_224.crop_px
    if image.shape[:2] != (side, side):
        raise SampleError(f"{name}: must be {side}x{side} pixels as {of}, was {image.shape[1]}x{image.shape[0]}")
    return image

"""Text drawn over a picture, half transparent, as PIL draws it."""

from __future__ import annotations

from functools import lru_cache
from io import BytesIO

import numpy as np
import PIL.Image
import PIL.ImageDraw
import PIL.ImageFont
from numpy.typing import NDArray

from hardiness.core import Image

Colour = tuple[int, int, int]


@lru_cache(maxsize=8)
def _layer(
    height: int, width: int, text: str, font: bytes, look: tuple[int, float, float, Colour, int]
) -> PIL.Image.Image:
    size_px, left, top, colour, alpha = look
    layer = PIL.Image.new("RGBA", (width, height), (*colour, 0))
    face = PIL.ImageFont.truetype(BytesIO(font), size_px, layout_engine=PIL.ImageFont.Layout.BASIC)
    PIL.ImageDraw.Draw(layer).text((left, top), text, font=face, fill=(*colour, alpha))
    return layer


def overlay_text(
    image: Image, text: str, font: bytes, look: tuple[int, float, float, Colour, int]
) -> NDArray[np.uint8]:
    """The image ``uint8 (H, W, 3)`` with text laid over it.

    Args:
        image: RGB.
        text: one line.
        font: the bytes of a font file.
        look: size of the font in pixels, left and upper end of the text in pixels, colour, and opacity from 0 to 255.
    """
    layer = _layer(image.shape[0], image.shape[1], text, font, look)
    below = PIL.Image.fromarray(image).convert("RGBA")
    return np.array(PIL.Image.alpha_composite(below, layer).convert("RGB"))

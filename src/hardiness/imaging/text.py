"""Text drawn over a picture."""

from __future__ import annotations

import math
from dataclasses import dataclass
from functools import lru_cache
from io import BytesIO

import numpy as np
import PIL.Image
import PIL.ImageDraw
import PIL.ImageFont
from numpy.typing import NDArray

from hardiness.core.benchmark import Image

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


@dataclass(frozen=True, slots=True)
class Lettering:
    """How opaque letters look.

    Attributes:
        font: the bytes of a font file.
        size_px: of the font.
        fill, stroke: colours of the letters and of their outline, RGB.
        stroke_px: width of the outline.
    """

    font: bytes
    size_px: int
    fill: Colour
    stroke: Colour
    stroke_px: int = 1

    def box(self, text: str) -> tuple[int, int, int, int]:
        """Left, upper, right and lower end of text that is written at (0, 0), outline and all, in pixels."""
        draw = PIL.ImageDraw.Draw(PIL.Image.new("RGB", (1, 1)))
        face = _face(self.font, self.size_px)
        left, top, right, bottom = draw.multiline_textbbox((0, 0), text, font=face, stroke_width=self.stroke_px)
        return math.floor(left), math.floor(top), math.ceil(right), math.ceil(bottom)

    def write(self, image: Image, text: str, place: tuple[int, int]) -> NDArray[np.uint8]:
        """The image ``uint8 (H, W, 3)`` with text written on it.

        Args:
            image: RGB.
            text: lines, with line breaks between them.
            place: left and upper end of the text's box, in pixels.
        """
        picture = PIL.Image.fromarray(image)
        left, top, _, _ = self.box(text)
        corner, face = (place[0] - left, place[1] - top), _face(self.font, self.size_px)
        pen = PIL.ImageDraw.Draw(picture)
        pen.multiline_text(corner, text, self.fill, face, stroke_width=self.stroke_px, stroke_fill=self.stroke)
        return np.array(picture)


@lru_cache(maxsize=64)
def _face(font: bytes, size_px: int) -> PIL.ImageFont.FreeTypeFont:
    return PIL.ImageFont.truetype(BytesIO(font), size_px, layout_engine=PIL.ImageFont.Layout.BASIC)


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

"""The watermark that ImageNet-trained networks take for a carton."""

from __future__ import annotations

from functools import cache
from typing import NamedTuple

from hardiness.core.benchmark import Image
from hardiness.distortions.apply import corruption, no_draws
from hardiness.imaging.text import overlay_text
from hardiness.reference.files import reference_file

TEXT = "捷径" * 3
SIZES_PX = {224: 36, 384: 62, 512: 82, 518: 84}
"""Size of the font by the picture's side; for other sides, the side over `SIDE_TO_SIZE`, rounded down."""

SIDE_TO_SIZE = 6.22
WHITE = (255, 255, 255)


class Opacity(NamedTuple):
    """Opacity of the text, from 0 to 255."""

    alpha: int


@cache
def watermark_font() -> bytes:
    """The font file: two glyphs of Source Han Serif SC ExtraLight, under the SIL Open Font License 1.1."""
    return reference_file("fonts/watermark.otf").read_bytes()


@corruption(
    "occlusion",
    (Opacity(128),),
    no_draws,
    units=("of 255",),
    summary="Six white Chinese characters, half transparent, across the picture.",
)
def watermark(image: Image, level: Opacity, draws: None) -> Image:
    """Source: Li et al. 2023, arXiv:2212.04825, and its published code."""
    height, width = image.shape[:2]
    side = min(height, width)
    size_px = SIZES_PX.get(side, int(side / SIDE_TO_SIZE))
    return overlay_text(image, TEXT, watermark_font(), (size_px, 0.01 * width, 0.4 * height, WHITE, level.alpha))

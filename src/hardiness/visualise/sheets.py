"""Sheets: pictures in rows on one page, with captions."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
import PIL.Image
import PIL.ImageDraw
import PIL.ImageFont

from hardiness.core.benchmark import Image

MARGIN_PX, GAP_PX, FONT_PX, LINE_PX = 16, 12, 13, 17

PAPER, INK, FAINT, EMPTY = (255, 255, 255), (34, 34, 34), (110, 110, 110), (236, 236, 236)


@dataclass(frozen=True, eq=False)
class SheetTile:
    """One place of the page.

    Attributes:
        caption: lines below the picture; the first is printed darker.
        image: ``uint8 (H, W, 3)``, or ``None`` where there is no picture to show.
        instead: what stands in the place of a picture that is not there.
    """

    caption: tuple[str, ...]
    image: Image | None
    instead: str = ""


def probability_text(probability: float) -> str:
    """A probability with three decimals; near 1, its distance to 1, since 1e-3 and 1e-6 differ a lot as logits."""
    return f"{probability:.3f}" if probability < 0.9995 else f"1 - {max(1 - probability, 0.0):.0e}"


def sheet(rows: Sequence[Sequence[SheetTile]], cell_px: int = 224) -> Image:
    """The page, ``uint8 (H, W, 3)``: rows of panels, each picture as large as its cell, captions below.

    Args:
        rows: from the top, each from the left; at least one panel in all.
        cell_px: side of a picture; others are resampled to it.
    """
    lines = max(len(panel.caption) for row in rows for panel in row)
    width = 2 * MARGIN_PX + max(map(len, rows)) * (cell_px + GAP_PX) - GAP_PX
    height_of_row = cell_px + 6 + lines * LINE_PX + GAP_PX
    page = PIL.Image.new("RGB", (width, 2 * MARGIN_PX + len(rows) * height_of_row - GAP_PX), PAPER)
    draw = PIL.ImageDraw.Draw(page)
    for row, panels in enumerate(rows):
        for column, panel in enumerate(panels):
            left, top = MARGIN_PX + column * (cell_px + GAP_PX), MARGIN_PX + row * height_of_row
            _place(page, draw, panel, (left, top, cell_px))
    return np.array(page)


def fold(panels: Sequence[SheetTile], columns: int | None = None) -> list[list[SheetTile]]:
    """One list of panels as rows; by default of a page that is a little wider than high."""
    width = columns or max(1, min(8, int(np.ceil(np.sqrt(1.6 * len(panels))))))
    return [list(panels[first : first + width]) for first in range(0, len(panels), width)]


def _place(page: PIL.Image.Image, draw: PIL.ImageDraw.ImageDraw, panel: SheetTile, place: tuple[int, int, int]) -> None:
    left, top, side = place
    font = PIL.ImageFont.load_default(FONT_PX)
    if panel.image is None:
        draw.rectangle((left, top, left + side - 1, top + side - 1), fill=EMPTY)
        draw.text((left + side / 2, top + side / 2), panel.instead, FAINT, font, anchor="mm", align="center")
    else:
        picture = PIL.Image.fromarray(panel.image)
        if picture.size != (side, side):
            picture = picture.resize((side, side), PIL.Image.Resampling.LANCZOS)
        page.paste(picture, (left, top))
    for number, line in enumerate(panel.caption):
        where = (left, top + side + 6 + number * LINE_PX)
        draw.text(where, _shorten(line, side, font), INK if number == 0 else FAINT, font)


def _shorten(text: str, width_px: int, font: PIL.ImageFont.ImageFont | PIL.ImageFont.FreeTypeFont) -> str:
    """The text, shortened in its middle where it is too wide: the end of a layer's name says most."""
    if font.getlength(text) <= width_px:
        return text
    for length in range(len(text) - 1, 1, -1):
        shorter = f"{text[: (length + 1) // 2]}…{text[len(text) - length // 2 :]}"
        if font.getlength(shorter) <= width_px:
            return shorter
    return "…"

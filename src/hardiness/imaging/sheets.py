"""Contact sheets: frames side by side, and strips of them below each other with their names."""

from __future__ import annotations

from collections.abc import Iterable, Mapping

import numpy as np
import PIL.Image
import PIL.ImageDraw

from hardiness.core.benchmark import Image
from hardiness.imaging.resizing import resize

CELL_PX, GAP_PX, LABEL_PX = 96, 2, 116
CELLS = 8
"""Frames of a strip."""


def strip(frames: Iterable[Image]) -> Image:
    """Eight frames from first to last side by side, ``uint8 (96, 782, 3)``.

    Args:
        frames: at least one, ``uint8 (H, W, 3)``; they are shrunk as they come, so that few are held.
    """
    small = [resize(frame, CELL_PX, CELL_PX, "box") for frame in frames]
    indices = np.linspace(0, len(small) - 1, CELLS).round().astype(int).tolist()
    out = np.full((CELL_PX, CELLS * (CELL_PX + GAP_PX) - GAP_PX, 3), 255, np.uint8)
    for cell, index in enumerate(indices):
        left = cell * (CELL_PX + GAP_PX)
        out[:, left : left + CELL_PX] = small[index]
    return out


def sheet(strips: Mapping[str, Image]) -> Image:
    """Strips of one size below each other, each with its name to the left; ``uint8 (H, W, 3)``."""
    height, width = next(iter(strips.values())).shape[:2]
    canvas = PIL.Image.new("RGB", (LABEL_PX + width, len(strips) * (height + GAP_PX) - GAP_PX), "white")
    pen = PIL.ImageDraw.Draw(canvas)
    for row, (name, picture) in enumerate(strips.items()):
        top = row * (height + GAP_PX)
        pen.text((4, top + height // 2 - 6), name, fill="black")
        canvas.paste(PIL.Image.fromarray(picture), (LABEL_PX, top))
    return np.asarray(canvas)

"""The ten photographs that the small networks tell apart, and crops of them: out of packages, with or without data."""

from __future__ import annotations

from functools import cache
from pathlib import Path

import numpy as np
from PIL import Image

from hardiness.data.root import locate

CLASSES = 10


@cache
def ten() -> tuple[Path, ...]:
    """Every tenth of the photographs inside installed packages, in the order of their names.

    Raises:
        DataError: a package is not installed; the message says what to install.
    """
    items = sorted(locate(["embedded"]).dataset("imagenet").items, key=lambda item: item.id)
    return tuple(Path(item.file.path) for item in items[::10])


@cache
def opened(photograph: Path) -> Image.Image:
    """Its pixels."""
    with Image.open(photograph) as image:
        return image.convert("RGB")


def crop(number: int, draws: np.random.Generator, side: int, share: float = 0.5) -> Image.Image:
    """A square of the photograph of class ``number % 10``, anywhere in it.

    Args:
        number: of the crop; classes take turns.
        draws: where the square lies.
        side: of what comes out, in pixels.
        share: the square's side as a share of the photograph's shorter one.
    """
    photograph = opened(ten()[number % CLASSES])
    size = int(min(photograph.size) * share)
    left, top = (int(draws.integers(0, length - size + 1)) for length in photograph.size)
    return photograph.resize((side, side), Image.Resampling.BOX, box=(left, top, left + size, top + size))

"""Resizing and JPEGs by Pillow, bit for bit as by our kernels: for commands that show few pictures, without numba.

Loading these two takes longer than writing a page. Where thousands of pictures are resized our kernels are faster.
"""

from __future__ import annotations

import io
from collections.abc import Iterator
from contextlib import contextmanager
from contextvars import ContextVar

import numpy as np
from PIL import Image as Pictures

from hardiness.core.benchmark import Image
from hardiness.core.model import Interpolation

_is_alone: ContextVar[bool] = ContextVar("is_alone", default=False)


@contextmanager
def pillow_alone() -> Iterator[None]:
    """Let this thread resize images and write JPEGs by Pillow, whose bytes are the same, within."""
    token = _is_alone.set(True)
    try:
        yield
    finally:
        _is_alone.reset(token)


def is_pillow_alone() -> bool:
    """Whether this is within `pillow_alone`."""
    return _is_alone.get()


def resize_by_pillow(
    image: Image, height: int, width: int, box: tuple[int, int, int, int], interpolation: Interpolation
) -> Image:
    """A part of the image at another size, always a new array.

    Args:
        image: ``uint8 (H, W, 3)``.
        height, width: of the whole resized image, in pixels.
        box: left, top, right and bottom of the part that is wanted, which lies inside.
        interpolation: filter.
    """
    resized = Pictures.fromarray(image).resize((width, height), Pictures.Resampling[interpolation.upper()])
    return np.array(resized.crop(box), np.uint8)


def jpeg_by_pillow(image: Image, quality: int, optimise: bool) -> bytes:
    """The bytes of a baseline JPEG; as `hardiness.imaging.encode_jpeg`."""
    stream = io.BytesIO()
    Pictures.fromarray(image).save(stream, "JPEG", quality=quality, optimize=optimise)
    return stream.getvalue()

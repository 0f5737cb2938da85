"""Resizing, bit for bit as PIL does it, and only the part of the result that is wanted."""

from __future__ import annotations

import importlib
from functools import cache
from typing import Any, NamedTuple

import numpy as np
import PIL
from numpy.typing import NDArray

from hardiness.core import ArgumentError, Image
from hardiness.core.view import Interpolation

_PILLOW_MAJOR = int(PIL.__version__.split(".")[0])

RESAMPLING = "pillow>=13" if _PILLOW_MAJOR >= 13 else "pillow<13"
"""Which Pillow's order of passes is followed. Resized photographs differ between the two, so it is part of the key."""


class Size(NamedTuple):
    """Height and width, in pixels."""

    height: int
    width: int


class Window(NamedTuple):
    """A rectangle of pixels."""

    top: int
    left: int
    height: int
    width: int


def resize(image: Image, height: int, width: int, interpolation: Interpolation) -> Image:
    """The image at another size.

    Args:
        image: ``uint8 (H, W, 3)``, 0–255.
        height, width: new size in pixels, at least 1.
        interpolation: filter, as PIL defines it.

    Returns:
        ``uint8 (height, width, 3)``; always a new array.

    Raises:
        ArgumentError: the image is no ``uint8 (H, W, 3)`` or a size is below 1.

    Source: equals ``PIL.Image.resize((width, height), resample)`` of an RGB image.
    """
    return resize_window(image, Size(height, width), Window(0, 0, height, width), interpolation)


def resize_window(image: Image, size: Size, window: Window, interpolation: Interpolation) -> Image:
    """A window of the image at another size; what lies outside the window is not computed.

    Args:
        image: ``uint8 (H, W, 3)``, 0–255.
        size: size of the whole resized image.
        window: the part of the resized image that is wanted; it must lie inside.
        interpolation: filter, as PIL defines it.

    Returns:
        ``uint8 (window.height, window.width, 3)``; always a new array. Runs without the GIL (nearest aside).

    Raises:
        ArgumentError: the image is no ``uint8 (H, W, 3)``, or the window is empty or not inside.

    Source: equals ``PIL.Image.resize(size, resample).crop(window)`` of an RGB image.
    """
    _check(image, size, window)
    if interpolation == "nearest":
        rows = _nearest(image.shape[0], size.height)[window.top : window.top + window.height]
        columns = _nearest(image.shape[1], size.width)[window.left : window.left + window.width]
        return image[rows[:, None], columns]
    # one memory layout, hence one compiled variant; a copy only where the array is read-only or not contiguous
    plain = np.require(image, np.uint8, ["C", "W"])
    return _kernels().resample(  # type: ignore[no-any-return]
        plain, tuple(size), tuple(window), _kind(interpolation), _vertical_first(Size(*image.shape[:2]), size)
    )


@cache
def _kernels() -> Any:
    """The compiled kernels, loaded when first used: numba takes longer to import than most commands to answer."""
    return importlib.import_module("hardiness.imaging._resampling")


@cache
def _kind(interpolation: Interpolation) -> int:
    return getattr(_kernels(), interpolation.upper())  # type: ignore[no-any-return]


def _vertical_first(old: Size, new: Size) -> bool:
    """Whether PIL resamples rows before columns, which changes the rounding in between.

    Source: Pillow 13 does so where the height shrinks by over twice as many pixels as the width (its pull request
        9549; the rule was fitted to its results); earlier versions never do.
    """
    shrinks = new.height < old.height and old.height - new.height > 2 * (old.width - new.width)
    return shrinks and _PILLOW_MAJOR >= 13


def _nearest(old: int, new: int) -> NDArray[np.intp]:
    """Which old pixel each new one copies; positions are summed step by step, as PIL does, rounding errors included."""
    scale = old / new
    steps = np.full(new, scale)
    steps[0] = scale * 0.5
    return np.cumsum(steps).astype(np.intp)


def _check(image: Image, size: Size, window: Window) -> None:
    if image.dtype != np.uint8 or image.ndim != 3 or image.shape[2] != 3 or 0 in image.shape:
        raise ArgumentError(f"an image must be uint8 of shape (height, width, 3), was {image.dtype} {image.shape}")
    if min(size) < 1:
        raise ArgumentError(f"height and width must be at least 1 pixel, were {size.height} and {size.width}")
    inside = window.top + window.height <= size.height and window.left + window.width <= size.width
    if min(window.height, window.width) < 1 or min(window.top, window.left) < 0 or not inside:
        raise ArgumentError(f"the window {tuple(window)} must lie inside the resized image {tuple(size)}")

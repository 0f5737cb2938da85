"""Resizing, bit for bit as PIL does it, and the square that a network sees."""

from __future__ import annotations

import importlib
from functools import cache
from typing import Any, NamedTuple

import numpy as np
import PIL
from numpy.typing import NDArray

from hardiness.core.benchmark import Image
from hardiness.core.errors import ArgumentError
from hardiness.core.model import Canvas, Interpolation
from hardiness.imaging.by_pillow import is_pillow_alone, resize_by_pillow

_PILLOW_MAJOR = int(PIL.__version__.split(".")[0])

RESAMPLING = "pillow>=13" if _PILLOW_MAJOR >= 13 else "pillow<13"
"""The Pillow whose order of passes is followed: photographs differ between the two, so it is part of the key."""


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
    if size == image.shape[:2]:  # PIL copies such an image, too; numba is not even loaded
        return image[window.top : window.top + window.height, window.left : window.left + window.width].copy()
    if is_pillow_alone():
        box = (window.left, window.top, window.left + window.width, window.top + window.height)
        return resize_by_pillow(image, *size, box, interpolation)
    if interpolation == "nearest":
        rows = _nearest(image.shape[0], size.height)[window.top : window.top + window.height]
        columns = _nearest(image.shape[1], size.width)[window.left : window.left + window.width]
        return image[rows[:, None], columns]
    # one memory layout, hence one compiled variant; a copy only where the array is read-only or not contiguous
    plain = np.require(image, np.uint8, ["C", "W"])
    kernels = _kernels()
    kind, vertical_first = getattr(kernels, interpolation.upper()), _vertical_first(Size(*image.shape[:2]), size)
    return kernels.resample(plain, tuple(size), tuple(window), kind, vertical_first)  # type: ignore[no-any-return]


@cache
def _kernels() -> Any:
    """The compiled kernels, loaded when first used: numba takes longer to import than most commands to answer."""
    return importlib.import_module("hardiness.imaging._resampling")


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


def on_canvas(image: Image, canvas: Canvas) -> Image:
    """The square of the image that the canvas shows.

    Args:
        image: ``uint8 (H, W, 3)``, 0–255.
        canvas: resized size, crop, filter, crop mode and border colour.

    Returns:
        ``uint8 (crop_px, crop_px, 3)``; only the pixels that the crop keeps are resampled.

    Raises:
        ArgumentError: the image is no ``uint8 (H, W, 3)``.

    Source: ``center`` equals torchvision's ``Resize(resize_px)`` and ``CenterCrop(crop_px)`` on PIL images, and
        ``unresized`` the second of these alone; ``squash`` and ``border`` equal timm's evaluation transforms of these
        names; ``center_floor`` equals ``center_crop`` of transformers' processors.
    Differs: where timm's ``border`` would resize a side to 0 pixels and fail, the side has 1 pixel.
    """
    size = resized_size(Size(*image.shape[:2]), canvas)
    offset = _offset_down if canvas.crop_mode == "center_floor" else _offset
    top, left = offset(size.height, canvas.crop_px), offset(size.width, canvas.crop_px)
    first_row, first_column = max(top, 0), max(left, 0)
    window = Window(
        first_row,
        first_column,
        min(top + canvas.crop_px, size.height) - first_row,
        min(left + canvas.crop_px, size.width) - first_column,
    )
    visible = resize_window(image, size, window, canvas.interpolation)
    if visible.shape[:2] == (canvas.crop_px, canvas.crop_px):
        return visible
    padded = np.full((canvas.crop_px, canvas.crop_px, 3), canvas.fill, np.uint8)
    row, column = first_row - top, first_column - left
    padded[row : row + window.height, column : column + window.width] = visible
    return padded


def before_crop(image: Image, canvas: Canvas) -> Image:
    """The whole image as the canvas resizes it, ``uint8 (H, W, 3)``, before the crop.

    Raises:
        ArgumentError: the image is no ``uint8 (H, W, 3)``.
    """
    size = resized_size(Size(*image.shape[:2]), canvas)
    return resize(image, size.height, size.width, canvas.interpolation)


def centre(size: Size, side_px: int) -> Window:
    """The square of ``side_px`` pixels that a centre crop keeps of an image of that size, which must be as large."""
    return Window(_offset(size.height, side_px), _offset(size.width, side_px), side_px, side_px)


def resized_size(old: Size, canvas: Canvas) -> Size:
    """The size to which a canvas brings an image of that size, before the crop."""
    if canvas.crop_mode == "unresized":
        return old
    if canvas.crop_mode == "squash":
        return Size(canvas.resize_px, canvas.resize_px)
    if canvas.crop_mode == "border":
        ratio = max(old.height / canvas.resize_px, old.width / canvas.resize_px)
        return Size(max(round(old.height / ratio), 1), max(round(old.width / ratio), 1))
    short, long = min(old), max(old)
    longer = int(canvas.resize_px * long / short)
    return Size(longer, canvas.resize_px) if old.width <= old.height else Size(canvas.resize_px, longer)


def _offset(length: int, crop_px: int) -> int:
    """First pixel of the crop along an axis of the resized image; negative where it is padded."""
    missing = crop_px - length
    return -(missing // 2) if missing > 0 else round(-missing / 2.0)


def _offset_down(length: int, crop_px: int) -> int:
    """`_offset` with half pixels rounded down where something is cut off."""
    return (length - crop_px) // 2 if length >= crop_px else _offset(length, crop_px)

"""From a photograph of any size to the square that a network sees."""

from __future__ import annotations

import numpy as np

from hardiness.core import Canvas, Image
from hardiness.imaging.resize import Size, Window, resize, resize_window


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
    size = _resized(Size(*image.shape[:2]), canvas)
    offset = _offset_down if canvas.crop_mode == "center_floor" else _offset
    top, left = offset(size.height, canvas.crop_px), offset(size.width, canvas.crop_px)
    first_row, first_column = max(top, 0), max(left, 0)
    window = Window(
        first_row,
        first_column,
        min(top + canvas.crop_px, size.height) - first_row,
        min(left + canvas.crop_px, size.width) - first_column,
    )
    seen = resize_window(image, size, window, canvas.interpolation)
    if seen.shape[:2] == (canvas.crop_px, canvas.crop_px):
        return seen
    padded = np.full((canvas.crop_px, canvas.crop_px, 3), canvas.fill, np.uint8)
    row, column = first_row - top, first_column - left
    padded[row : row + window.height, column : column + window.width] = seen
    return padded


def before_crop(image: Image, canvas: Canvas) -> Image:
    """The whole image as the canvas resizes it, ``uint8 (H, W, 3)``, before the crop.

    Raises:
        ArgumentError: the image is no ``uint8 (H, W, 3)``.
    """
    size = _resized(Size(*image.shape[:2]), canvas)
    return resize(image, size.height, size.width, canvas.interpolation)


def centre(size: Size, side_px: int) -> Window:
    """The square of ``side_px`` pixels that a centre crop keeps of an image of that size, which must be as large."""
    return Window(_offset(size.height, side_px), _offset(size.width, side_px), side_px, side_px)


def _resized(old: Size, canvas: Canvas) -> Size:
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

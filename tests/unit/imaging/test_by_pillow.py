"""A page's pictures have the same bytes whether our kernels or Pillow make them, and only the first load a library."""

from __future__ import annotations

import sys
from typing import get_args

import numpy as np
import pytest

from hardiness.core.benchmark import Image
from hardiness.core.model import Interpolation
from hardiness.imaging.by_pillow import pillow_alone
from hardiness.imaging.codecs import encode_jpeg
from hardiness.imaging.resizing import Size, Window, resize_window


def picture(height: int, width: int) -> Image:
    return np.random.default_rng(height).integers(0, 256, (height, width, 3), np.uint8)


@pytest.mark.parametrize("interpolation", get_args(Interpolation))
def test_a_resized_part_is_the_same(interpolation: Interpolation) -> None:
    for old, new, window in (
        ((300, 500), Size(90, 144), Window(0, 0, 90, 144)),
        ((900, 300), Size(768, 256), Window(40, 16, 224, 224)),
        ((64, 48), Size(128, 96), Window(1, 2, 3, 4)),
    ):
        image = picture(*old)
        with pillow_alone():
            part = resize_window(image, new, window, interpolation)
        np.testing.assert_array_equal(part, resize_window(image, new, window, interpolation))
        assert part.flags.writeable


@pytest.mark.parametrize("quality", [1, 50, 68, 75, 95])
@pytest.mark.parametrize("optimise", [False, True])
def test_a_jpeg_is_the_same(quality: int, optimise: bool, monkeypatch: pytest.MonkeyPatch) -> None:
    image = picture(95, 128)
    by_opencv = encode_jpeg(image, quality, optimise)
    monkeypatch.setitem(sys.modules, "cv2", None)  # importing it is an error now
    with pillow_alone():
        assert encode_jpeg(image, quality, optimise) == by_opencv

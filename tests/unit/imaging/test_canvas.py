"""Canvases against torchvision and timm on PIL images: every bit."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import PIL.Image
import pytest
from hypothesis import assume, given, settings
from hypothesis import strategies as st
from timm.data.transforms import CenterCropOrPad, ResizeKeepRatio
from torchvision import transforms
from torchvision.transforms import InterpolationMode

from hardiness.benchmarks.autoattack import CANVASES
from hardiness.core.model import CANVAS_224, Canvas, View
from hardiness.imaging.codecs import decode
from hardiness.imaging.resizing import on_canvas

filters = st.sampled_from([mode.value for mode in InterpolationMode if mode.value != "nearest-exact"])
sides = st.one_of(st.integers(1, 20), st.integers(1, 300))
px = st.integers(1, 160)


def picture(height: int, width: int) -> np.ndarray:
    return np.random.default_rng(height * 1000 + width).integers(0, 256, (height, width, 3), np.uint8)


def by_torchvision(image: np.ndarray, canvas: Canvas) -> np.ndarray:
    size = canvas.resize_px if canvas.crop_mode == "center" else (canvas.resize_px, canvas.resize_px)
    resized = transforms.Resize(size, InterpolationMode(canvas.interpolation))
    steps = [*([] if canvas.crop_mode == "unresized" else [resized]), transforms.CenterCrop(canvas.crop_px)]
    return np.asarray(transforms.Compose(steps)(PIL.Image.fromarray(image)))


@pytest.mark.slow
@settings(max_examples=250, deadline=None)
@given(
    size=st.tuples(sides, sides),
    resize_px=px,
    crop_px=px,
    interpolation=filters,
    mode=st.sampled_from(["center", "squash", "unresized"]),
)
def test_canvases_equal_torchvision(
    size: tuple[int, int], resize_px: int, crop_px: int, interpolation: str, mode: str
) -> None:
    assume(max(size) / min(size) * resize_px < 5000)
    canvas = Canvas(resize_px, crop_px, interpolation, mode)
    image = picture(*size)
    assert np.array_equal(on_canvas(image, canvas), by_torchvision(image, canvas))


@pytest.mark.slow
@settings(max_examples=150, deadline=None)
@given(size=st.tuples(sides, sides), resize_px=px, crop_px=px, interpolation=filters)
def test_border_equals_timm(size: tuple[int, int], resize_px: int, crop_px: int, interpolation: str) -> None:
    assume(round(min(size) / max(size) * resize_px) > 0)
    view = View(resize_px, crop_px, interpolation, "border", mean=(0.1, 0.45, 0.9), std=0.25)
    steps = [
        ResizeKeepRatio(resize_px, longest=1.0, interpolation=interpolation),
        CenterCropOrPad(crop_px, fill=tuple(round(255 * value) for value in view.mean)),
    ]
    image = picture(*size)
    expected = np.asarray(transforms.Compose(steps)(PIL.Image.fromarray(image)))
    assert np.array_equal(on_canvas(image, view.canvas), expected)


def test_border_colour_is_the_mean_in_rgb_whatever_the_models_order_and_range() -> None:
    mean = (104.0, 116.7, 122.7)
    caffe = View(224, 224, crop_mode="border", mean=mean, std=1, channel_order="BGR", range="0..255")
    assert caffe.canvas.fill == (123, 117, 104)
    assert tuple(on_canvas(picture(10, 100), caffe.canvas)[0, 0]) == (123, 117, 104)


def test_a_side_that_would_vanish_keeps_a_pixel() -> None:
    assert on_canvas(picture(1, 900), Canvas(64, 64, crop_mode="border")).shape == (64, 64, 3)


def test_a_very_long_image_costs_no_more_than_its_crop() -> None:
    assert on_canvas(picture(1, 60_000), CANVAS_224).shape == (224, 224, 3)


@pytest.mark.parametrize("canvas", [each for each in CANVASES.values() if each], ids=str)
def test_photographs_as_robustbench_takes_them(photographs: list[Path], canvas: Canvas) -> None:
    for file in photographs[::5]:
        image = decode(file.read_bytes(), file.name)
        assert np.array_equal(on_canvas(image, canvas), by_torchvision(image, canvas)), file

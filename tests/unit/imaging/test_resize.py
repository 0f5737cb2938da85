"""Resampling against PIL: every bit, for every filter."""

from __future__ import annotations

import threading

import numpy as np
import PIL
import PIL.Image
import pytest
from hypothesis import example, given, settings
from hypothesis import strategies as st

from hardiness.core.errors import ArgumentError
from hardiness.core.model import Interpolation
from hardiness.imaging.resizing import Size, Window, resize, resize_window

FILTERS = {
    "nearest": PIL.Image.Resampling.NEAREST,
    "bilinear": PIL.Image.Resampling.BILINEAR,
    "bicubic": PIL.Image.Resampling.BICUBIC,
    "box": PIL.Image.Resampling.BOX,
    "hamming": PIL.Image.Resampling.HAMMING,
    "lanczos": PIL.Image.Resampling.LANCZOS,
}

filters = st.sampled_from(list(FILTERS))
sides = st.one_of(st.integers(1, 12), st.integers(1, 400))
patterns = st.sampled_from(["noise", "extremes", "ramp"])


def picture(height: int, width: int, pattern: str = "noise") -> np.ndarray:
    image = np.random.default_rng(height * 1000 + width).integers(0, 256, (height, width, 3), np.uint8)
    if pattern == "extremes":  # overshoot, so that clipping matters
        return np.where(image > 127, 255, 0).astype(np.uint8)
    if pattern == "ramp":
        return np.arange(image.size, dtype=np.int64).reshape(image.shape).astype(np.uint8)
    return image


def by_pil(image: np.ndarray, height: int, width: int, interpolation: str) -> np.ndarray:
    return np.asarray(PIL.Image.fromarray(image).resize((width, height), FILTERS[interpolation]))


@pytest.mark.slow
@settings(max_examples=300, deadline=None)
@given(old=st.tuples(sides, sides), new=st.tuples(sides, sides), interpolation=filters, pattern=patterns)
@example(old=(900, 300), new=(768, 256), interpolation="bicubic", pattern="noise")  # tall: Pillow 13 goes down first
@example(old=(101, 101), new=(50, 75), interpolation="bilinear", pattern="noise")
@example(old=(100, 100), new=(50, 75), interpolation="bilinear", pattern="noise")  # just not
@example(old=(1, 1), new=(300, 300), interpolation="lanczos", pattern="extremes")
@example(old=(2000, 3), new=(5, 400), interpolation="hamming", pattern="extremes")
def test_equals_pil(old: tuple[int, int], new: tuple[int, int], interpolation: Interpolation, pattern: str) -> None:
    image = picture(*old, pattern)
    resized = resize(image, *new, interpolation)
    assert resized.dtype == np.uint8
    assert np.array_equal(resized, by_pil(image, *new, interpolation))


@settings(max_examples=150, deadline=None)
@given(data=st.data(), old=st.tuples(sides, sides), new=st.tuples(sides, sides), interpolation=filters)
def test_a_window_is_a_crop_of_the_whole(
    data: st.DataObject, old: tuple[int, int], new: tuple[int, int], interpolation: Interpolation
) -> None:
    top, left = data.draw(st.integers(0, new[0] - 1)), data.draw(st.integers(0, new[1] - 1))
    height, width = data.draw(st.integers(1, new[0] - top)), data.draw(st.integers(1, new[1] - left))
    image = picture(*old)
    seen = resize_window(image, Size(*new), Window(top, left, height, width), interpolation)
    assert np.array_equal(seen, by_pil(image, *new, interpolation)[top : top + height, left : left + width])


@pytest.mark.parametrize("interpolation", FILTERS)
def test_same_size_is_a_copy(interpolation: Interpolation) -> None:
    image = picture(30, 40)
    resized = resize(image, 30, 40, interpolation)
    assert np.array_equal(resized, image)
    assert not np.shares_memory(resized, image)


def test_read_only_flipped_and_cropped_arrays_are_read_right() -> None:
    whole = picture(60, 80)
    locked = whole.copy()
    locked.setflags(write=False)
    for view in (locked, whole[::-1, ::-1], whole[10:50, 5:70], whole.transpose(1, 0, 2)):
        expected = by_pil(np.ascontiguousarray(view), 20, 30, "bicubic")
        assert np.array_equal(resize(view, 20, 30, "bicubic"), expected)


def test_the_input_is_left_as_it_was() -> None:
    image = picture(60, 80)
    before = image.copy()
    resize(image, 20, 30, "bicubic")
    assert np.array_equal(image, before)


def test_threads_do_not_disturb_each_other() -> None:
    images = [picture(50 + i, 70) for i in range(8)]
    expected = [by_pil(image, 40, 40, "bicubic") for image in images]
    wrong: list[int] = []

    def work(i: int) -> None:
        wrong.extend(i for _ in range(50) if not np.array_equal(resize(images[i], 40, 40, "bicubic"), expected[i]))

    threads = [threading.Thread(target=work, args=(i,)) for i in range(8)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert wrong == []


@pytest.mark.parametrize(
    "image",
    [
        np.zeros((4, 4), np.uint8),
        np.zeros((4, 4, 4), np.uint8),
        np.zeros((0, 4, 3), np.uint8),
        np.zeros((4, 4, 3), np.float32),
    ],
)
def test_what_is_no_image_is_refused(image: np.ndarray) -> None:
    with pytest.raises(ArgumentError, match="uint8 of shape"):
        resize(image, 2, 2, "bilinear")


@pytest.mark.parametrize(("height", "width"), [(0, 5), (5, -1)])
def test_impossible_sizes_are_refused(height: int, width: int) -> None:
    with pytest.raises(ArgumentError, match="at least 1 pixel"):
        resize(picture(4, 4), height, width, "bilinear")


@pytest.mark.parametrize("window", [(-1, 0, 2, 2), (0, 0, 9, 2), (7, 0, 2, 2), (0, 0, 0, 1)])
def test_windows_outside_are_refused(window: tuple[int, int, int, int]) -> None:
    with pytest.raises(ArgumentError, match="inside"):
        resize_window(picture(4, 4), Size(8, 8), Window(*window), "bilinear")


@pytest.mark.parametrize("interpolation", FILTERS)
def test_what_has_that_size_already_is_copied_without_kernels(
    interpolation: Interpolation, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Of pictures at their own size, as CIFAR's, a second went to loading numba."""
    monkeypatch.delattr("hardiness.imaging.resizing._kernels")
    image = picture(32, 40)
    found = resize_window(image, Size(32, 40), Window(2, 3, 28, 30), interpolation)
    theirs = PIL.Image.fromarray(image).resize((40, 32), FILTERS[interpolation]).crop((3, 2, 33, 30))
    np.testing.assert_array_equal(found, np.asarray(theirs))
    assert not np.shares_memory(found, image)

"""Affine maps against Pillow's, perspective against its definition, the running mean against a division."""

from __future__ import annotations

import numpy as np
import PIL.Image
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from hardiness.imaging.geometry import Affine, about_centre, add_and_mean, affine_window, perspective_window
from hardiness.imaging.resizing import Window


def noise(height: int, width: int, seed: int = 0) -> np.ndarray:
    return np.random.default_rng(seed).integers(0, 256, (height, width, 3), dtype=np.uint8)


def by_pillow(image: np.ndarray, inverse: Affine, window: Window) -> np.ndarray:
    size = (window.left + window.width, window.top + window.height)
    mapped = PIL.Image.fromarray(image).transform(
        size, PIL.Image.Transform.AFFINE, inverse, PIL.Image.Resampling.BILINEAR
    )
    return np.asarray(mapped)[window.top :, window.left :]


@settings(max_examples=150, deadline=None)
@given(
    st.tuples(st.integers(1, 40), st.integers(1, 40)),
    st.floats(-180, 180),
    st.floats(0.2, 3.0),
    st.floats(-60, 60),
    st.tuples(st.integers(0, 9), st.integers(0, 9), st.integers(1, 40), st.integers(1, 40)),
)
def test_an_affine_map_is_pillows_bit_for_bit(
    size: tuple[int, int], angle: float, scale: float, shear: float, window: tuple[int, int, int, int]
) -> None:
    image, inverse = noise(*size), about_centre(size, angle, scale, shear)
    before = image.copy()
    found = affine_window(image, inverse, Window(*window))
    np.testing.assert_array_equal(found, by_pillow(image, inverse, Window(*window)))
    np.testing.assert_array_equal(image, before)


def test_no_angle_scale_or_shear_is_the_image_itself() -> None:
    image = noise(40, 56)
    assert about_centre((40, 56)) == (1.0, 0.0, 0.0, 0.0, 1.0, 0.0)
    np.testing.assert_array_equal(
        affine_window(image, about_centre((40, 56)), Window(8, 12, 24, 32)), image[8:32, 12:44]
    )


def test_the_fixed_point_lies_half_a_pixel_beyond_the_middle() -> None:
    for angle, scale, shear in ((30.0, 1.0, 0.0), (0.0, 0.5, 0.0), (10.0, 1.3, 20.0)):
        inverse = about_centre((256, 341), angle, scale, shear)
        x, y = 171.0, 128.5
        assert inverse.xx * x + inverse.xy * y + inverse.x0 == pytest.approx(x)
        assert inverse.yx * x + inverse.yy * y + inverse.y0 == pytest.approx(y)


def test_a_positive_angle_turns_clockwise_and_a_large_scale_enlarges() -> None:
    image = np.zeros((41, 41, 3), np.uint8)
    image[20, 32] = 255  # right of the middle
    turned = affine_window(image, about_centre((40, 40), 90.0), Window(0, 0, 41, 41))
    assert np.unravel_index(turned[..., 0].argmax(), (41, 41)) == (32, 20)
    larger = affine_window(image, about_centre((40, 40), scale=1.5), Window(0, 0, 41, 41))
    assert np.unravel_index(larger[..., 0].argmax(), (41, 41)) == (20, 38)


def by_definition(image: np.ndarray, inverse: np.ndarray, window: Window) -> np.ndarray:
    """Bilinear in double precision on an image with a black frame, rounded."""
    far = 60
    framed = np.pad(image, ((far, far), (far, far), (0, 0))).astype(float)
    y, x = np.mgrid[window.top : window.top + window.height, window.left : window.left + window.width]
    across, down, depth = np.einsum("ij,jyx->iyx", inverse, np.stack([x, y, np.ones_like(x)]).astype(float))
    place_x = np.clip(across / depth + far, 0, framed.shape[1] - 2)
    place_y = np.clip(down / depth + far, 0, framed.shape[0] - 2)
    column, row = np.floor(place_x).astype(int), np.floor(place_y).astype(int)
    right, low = (place_x - column)[..., None], (place_y - row)[..., None]
    upper = framed[row, column] * (1 - right) + framed[row, column + 1] * right
    lower = framed[row + 1, column] * (1 - right) + framed[row + 1, column + 1] * right
    return upper * (1 - low) + lower * low


@settings(max_examples=60, deadline=None)
@given(st.lists(st.floats(-1, 1), min_size=9, max_size=9), st.integers(0, 5))
def test_a_perspective_is_bilinear_with_black_around(numbers: list[float], seed: int) -> None:
    steps = np.array(numbers).reshape(3, 3) * [[0.3, 0.3, 9], [0.3, 0.3, 9], [0.004, 0.004, 0]]
    inverse, window = np.eye(3) + steps, Window(3, 2, 25, 30)
    image = noise(31, 37, seed)
    found = perspective_window(image, inverse, window).astype(float)
    exact = by_definition(image, inverse, window)
    assert np.abs(found - exact).max() <= 0.5 + 1e-3


def test_the_running_mean_is_a_division_without_remainder() -> None:
    rng = np.random.default_rng(0)
    for last in (rng.integers(0, 256, (31, 9, 11, 3), dtype=np.uint8), np.full((31, 2, 2, 3), 255, np.uint8)):
        total = np.zeros(last.shape[1:], np.uint16)
        for count, image in enumerate(last, start=1):
            expected = last[:count].sum(axis=0, dtype=np.int64) // count
            np.testing.assert_array_equal(add_and_mean(total, image, count), expected)

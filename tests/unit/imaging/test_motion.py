"""Motion blur against a plain loop over pixels and against what a single bright pixel must leave behind."""

from __future__ import annotations

import math

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from hardiness.imaging.blur import motion_blur_image, motion_trail


def by_pixel(image: np.ndarray, radius: int, sigma: float, angle: float) -> np.ndarray:
    height, width, channels = image.shape
    size = 2 * radius + 1
    weights = [math.exp(-(i**2) / (2 * sigma**2)) for i in range(size)]
    end_y, end_x = size * math.sin(math.radians(angle)), size * math.cos(math.radians(angle))
    out = np.zeros(image.shape)
    for i, weight in enumerate(weights):
        # divided as ImageMagick does, since at -150 degrees half a pixel depends on the last bit
        dy = math.ceil(i * end_y / math.hypot(end_y, end_x) - 0.5)
        dx = math.ceil(i * end_x / math.hypot(end_y, end_x) - 0.5)
        for y in range(height):
            for x in range(width):
                source = image[min(max(y + dy, 0), height - 1), min(max(x + dx, 0), width - 1)]
                out[y, x] += weight / sum(weights) * source
    return np.floor(np.round(out * 257) / 257).astype(np.uint8).reshape(height, width, channels)


@settings(max_examples=15, deadline=None)
@given(
    size=st.tuples(st.integers(8, 24), st.integers(8, 24), st.sampled_from([1, 3])),
    radius=st.integers(1, 20),
    sigma=st.floats(0.5, 15.0),
    angle=st.floats(-180.0, 180.0),
    seed=st.integers(0, 2**32 - 1),
)
def test_rows_of_vectors_and_a_loop_over_pixels_agree(
    size: tuple[int, int, int], radius: int, sigma: float, angle: float, seed: int
) -> None:
    image = np.random.default_rng(seed).integers(0, 256, size, dtype=np.uint8)
    found = motion_blur_image(image, *motion_trail(radius, sigma, angle)).astype(int)
    expected = by_pixel(image, radius, sigma, angle).astype(int)
    assert np.abs(found - expected).max() <= 1
    assert np.mean(found != expected) < 0.01


def test_a_bright_pixel_leaves_half_a_gaussian_on_one_side() -> None:
    image = np.zeros((9, 41, 1), np.uint8)
    image[4, 30] = 255
    blurred = motion_blur_image(image, *motion_trail(10, 3.0, 0.0))[4, :, 0].astype(float)
    assert blurred[31:].max() == 0
    assert np.all(np.diff(blurred[20:31]) >= 0)
    assert blurred[29] / blurred[30] == pytest.approx(math.exp(-1 / 18), abs=0.03)


def test_a_flat_image_stays_flat() -> None:
    image = np.full((40, 50, 3), 255, np.uint8)
    np.testing.assert_array_equal(motion_blur_image(image, *motion_trail(20, 15.0, 33.0)), image)

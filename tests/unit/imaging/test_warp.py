"""Warps and wide filters against scipy.ndimage and closed forms."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy import ndimage

from hardiness.imaging.geometry import affine_inverse, displace, smooth_reflected, warp_affine

seeds = st.integers(0, 2**32 - 1)
sides = st.integers(32, 60)


def test_the_inverse_takes_the_moved_points_back() -> None:
    rng = np.random.default_rng(0)
    source, target = rng.normal(size=(3, 2)) * 50, rng.normal(size=(3, 2)) * 50
    inverse = affine_inverse(source, target)
    np.testing.assert_allclose(target @ inverse[:, :2].T + inverse[:, 2], source, atol=1e-9)


@pytest.mark.slow
@pytest.mark.parametrize("rounds", [True, False])
def test_a_whole_shift_moves_pixels_and_mirrors_the_border(rounds: bool) -> None:
    image = np.random.default_rng(0).integers(0, 256, (33, 40, 3), dtype=np.uint8)
    found = warp_affine(image, np.array([[1.0, 0.0, 3.0], [0.0, 1.0, -2.0]]), rounds)
    expected = np.pad(image, ((2, 0), (0, 3), (0, 0)), mode="reflect")[:33, 3:]
    np.testing.assert_array_equal(found, expected)


@settings(max_examples=15, deadline=None)
@given(sides, sides, seeds)
def test_a_warped_ramp_is_right_to_a_64th_of_a_pixel(height: int, width: int, seed: int) -> None:
    rows, columns = np.mgrid[:height, :width]
    image = np.stack([rows * 4, columns * 4, rows + columns], -1).astype(np.uint8)
    inverse = np.array([[1.0, 0.0, 0.0], [0.0, 1.0, 0.0]]) + np.random.default_rng(seed).uniform(-0.2, 0.2, (2, 3))
    x = columns * inverse[0, 0] + rows * inverse[0, 1] + inverse[0, 2]
    y = columns * inverse[1, 0] + rows * inverse[1, 1] + inverse[1, 2]
    inner = (x >= 0) & (x <= width - 1) & (y >= 0) & (y <= height - 1)
    for rounds, off_px in ((True, 1 / 64 + height / 1024), (False, 1e-4)):
        found = warp_affine(image, inverse, rounds)
        assert np.abs(found[..., 0] - 4 * y)[inner].max() <= 4 * off_px
        assert np.abs(found[..., 1] - 4 * x)[inner].max() <= 4 * off_px


@settings(max_examples=20, deadline=None)
@given(sides, sides, seeds)
def test_displacement_reads_as_scipy_does(height: int, width: int, seed: int) -> None:
    rng = np.random.default_rng(seed)
    image = (rng.random((height, width, 3)) * 255).astype(np.float32)
    down, right = (rng.normal(size=(2, height, width)) * rng.choice([2.0, 100.0])).astype(np.float32)
    rows, columns = np.mgrid[:height, :width]
    place = np.stack([rows + down.astype(float), columns + right.astype(float)])
    expected = np.stack([ndimage.map_coordinates(image[..., c], place, order=1, mode="reflect") for c in range(3)], -1)
    found = displace(image, down, right)
    assert np.all(found <= expected + 1e-3)
    assert np.all(found > expected - 1 - 1e-3)


@pytest.mark.parametrize("sigma", [2.44, 19.52, 170.8])
@pytest.mark.parametrize("size", [(32, 45), (64, 64)])
def test_a_filter_wider_than_the_field_is_scipys(size: tuple[int, int], sigma: float) -> None:
    field = np.random.default_rng(0).uniform(-1, 1, size).astype(np.float32)
    expected = ndimage.gaussian_filter(field.astype(float), sigma, mode="reflect", truncate=3)
    np.testing.assert_allclose(smooth_reflected(field, sigma, 3.0), expected, atol=2e-6)

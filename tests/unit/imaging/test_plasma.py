"""The plasma fractal against whole-array arithmetic, and the veil against its formula."""

from __future__ import annotations

import numpy as np
import pytest

from hardiness.imaging.noise import plasma_fractal, veil


def by_arrays(draws: np.ndarray, size: int, decay: float) -> np.ndarray:
    """Diamond-square on a torus with wrap-around shifts of whole arrays."""
    heights, amplitude, step, used = np.zeros((size, size)), 100.0, size, 0

    def deviation(count: int) -> np.ndarray:
        nonlocal used
        used += count * count
        return amplitude**2 * (2 * draws[used - count * count : used].reshape(count, count) - 1)

    while step > 1:
        half, count = step // 2, size // step
        corner = heights[::step, ::step]
        right = np.roll(corner, -1, 1)
        heights[half::step, half::step] = (
            corner + right + np.roll(corner, -1, 0) + np.roll(right, -1, 0)
        ) / 4 + deviation(count)
        centre = heights[half::step, half::step]
        heights[::step, half::step] = (centre + np.roll(centre, 1, 0) + corner + right) / 4 + deviation(count)
        heights[half::step, ::step] = (
            centre + np.roll(centre, 1, 1) + corner + np.roll(corner, -1, 0)
        ) / 4 + deviation(count)
        step, amplitude = half, amplitude / decay
    assert used == draws.size
    return (heights - heights.min()) / (heights.max() - heights.min())


@pytest.mark.parametrize(("size", "decay"), [(2, 2.0), (4, 1.4), (32, 1.7), (256, 2.0)])
def test_loops_and_arrays_agree(size: int, decay: float) -> None:
    draws = np.random.default_rng(size).random(size * size - 1)
    np.testing.assert_allclose(plasma_fractal(draws, size, decay), by_arrays(draws, size, decay), atol=1e-12)


def test_a_veil_lightens_and_keeps_the_brightest_value() -> None:
    image = np.random.default_rng(0).integers(0, 200, (32, 40, 3), dtype=np.uint8)
    image[0, 0, 0] = 200
    layer = np.random.default_rng(1).random((40, 40))
    expected = (image / 255 + 1.5 * layer[:32, :40, None]) * (200 / 255) / (200 / 255 + 1.5) * 255
    found = veil(image, layer, 1.5)
    assert np.abs(found - np.floor(expected)).max() <= 1
    assert found.max() <= 200

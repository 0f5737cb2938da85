"""Copying neighbours in place: order, direction, and that it copies rather than exchanges."""

from __future__ import annotations

import numpy as np
import pytest

from hardiness.imaging.geometry import copy_neighbours


@pytest.mark.parametrize(("reach", "passes", "size"), [(1, 2, (32, 33)), (4, 2, (40, 35))])
def test_pixels_are_copied_one_after_the_other(reach: int, passes: int, size: tuple[int, int]) -> None:
    rng = np.random.default_rng(reach)
    image = rng.integers(0, 256, (*size, 3), dtype=np.uint8)
    offsets = rng.integers(-reach, reach, (passes, size[0] - 2 * reach, size[1] - 2 * reach, 2), dtype=np.int8)
    expected, stream = image.copy(), iter(offsets.reshape(-1, 2))
    for _ in range(passes):
        for y in range(size[0] - reach, reach, -1):
            for x in range(size[1] - reach, reach, -1):
                dx, dy = next(stream)
                expected[y, x] = expected[y + dy, x + dx]
    before = image.copy()
    np.testing.assert_array_equal(copy_neighbours(image, offsets), expected)
    np.testing.assert_array_equal(image, before)


def test_a_copied_pixel_stays_where_it_came_from() -> None:
    image = np.zeros((32, 32, 3), np.uint8)
    image[10, 10] = 200
    offsets = np.zeros((1, 30, 30, 2), np.int8)
    offsets[0, 31 - 10, 31 - 11] = (-1, 0)
    out = copy_neighbours(image, offsets)
    assert out[10, 11, 0] == out[10, 10, 0] == 200
    assert np.count_nonzero(out[:, :, 0]) == 2

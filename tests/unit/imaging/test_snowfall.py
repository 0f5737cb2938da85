"""Blends against their formulas in whole arrays."""

from __future__ import annotations

import numpy as np

from hardiness.imaging.colour import blend_crop, snow_over


def test_snow_whitens_and_is_added_with_its_half_turn() -> None:
    rng = np.random.default_rng(0)
    image = rng.integers(0, 256, (34, 41, 3), dtype=np.uint8)
    layer = rng.integers(0, 60, (34, 41), dtype=np.uint8)
    x = image / 255
    white = (x @ [0.299, 0.587, 0.114])[..., None] * 1.5 + 0.5
    exact = 0.7 * x + 0.3 * np.maximum(x, white) + (layer / 255 + np.rot90(layer / 255, 2))[..., None]
    exact = np.clip(exact, 0, 1) * 255
    found = snow_over(image, layer, 0.7)
    assert np.all(found <= exact + 1e-3)
    assert np.all(found > exact - 1 - 1e-3)


def test_a_crop_is_weighed_cut_and_truncated() -> None:
    rng = np.random.default_rng(1)
    image, picture = (rng.integers(0, 256, size, dtype=np.uint8) for size in ((32, 33, 3), (70, 80, 3)))
    exact = np.clip(0.6 * image + 0.75 * picture[5:37, 40:73], 0, 255)
    np.testing.assert_array_equal(blend_crop(image, picture, 5, 40, (0.6, 0.75)), exact.astype(np.uint8))

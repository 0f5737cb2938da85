"""Zooms against scipy.ndimage.zoom."""

from __future__ import annotations

import math

import numpy as np
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy import ndimage

from hardiness.imaging.blur import ZoomAxis, mean_of_zooms, zoom_axis, zoom_field

FACTORS = [1.0, 1.01, 1.1, 1.25, 1.3, 2.0, 2.5, 3.0, 4.0, 4.5]


def zoomed(field: np.ndarray, factor: float) -> np.ndarray:
    """Centre cut, scipy's zoom, centre kept: both sides by their own length."""
    cuts, out = [], field
    for size in field.shape[:2]:
        cut = math.ceil(size / factor)
        first = (size - cut) // 2
        cuts.append(slice(first, first + cut))
    out = ndimage.zoom(field[tuple(cuts)], (factor, factor) + (1,) * (field.ndim - 2), order=1)
    top, left = ((out.shape[i] - field.shape[i]) // 2 for i in range(2))
    return out[top : top + field.shape[0], left : left + field.shape[1]]


@settings(max_examples=60, deadline=None)
@given(
    height=st.integers(32, 80),
    width=st.integers(32, 80),
    factor=st.sampled_from(FACTORS),
    seed=st.integers(0, 2**32 - 1),
)
def test_a_field_is_zoomed_as_scipy_zooms_it(height: int, width: int, factor: float, seed: int) -> None:
    field = np.random.default_rng(seed).normal(size=(height, width))
    found = zoom_field(field, zoom_axis(height, factor), zoom_axis(width, factor))
    np.testing.assert_allclose(found, zoomed(field, factor), atol=1e-12)


@settings(max_examples=20, deadline=None)
@given(height=st.integers(32, 70), width=st.integers(32, 70), seed=st.integers(0, 2**32 - 1))
def test_the_mean_of_zooms_counts_the_image_by_its_weight(height: int, width: int, seed: int) -> None:
    image = np.random.default_rng(seed).integers(0, 256, (height, width, 3), dtype=np.uint8)
    factors = np.arange(1, 1.26, 0.05)
    rows, columns = (
        ZoomAxis(*(np.stack(part) for part in zip(*[zoom_axis(size, float(f)) for f in factors], strict=True)))
        for size in (height, width)
    )
    layers = [image.astype(float)] * 3 + [zoomed(image.astype(float), float(f)) for f in factors]
    expected = np.mean(layers, axis=0)
    found = mean_of_zooms(image, rows, columns, 3.0)
    assert np.all(found <= expected + 1e-3)
    assert np.all(found > expected - 1 - 1e-3)

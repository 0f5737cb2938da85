"""Gaussian kernels against scipy.ndimage, which they follow to the last bit."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy import ndimage

from hardiness.imaging.blur import blur_field, blur_image, gaussian_weights


@pytest.mark.parametrize("sigma", [0.7, 1.0, 2.44, 6.0])
def test_weights_are_half_of_a_filter_that_sums_to_one(sigma: float) -> None:
    weights = gaussian_weights(sigma)
    assert weights[0] + 2 * weights[1:].sum() == pytest.approx(1.0, abs=1e-15)
    assert weights.size == int(4 * sigma + 0.5) + 1
    assert weights[1] / weights[0] == pytest.approx(np.exp(-0.5 / sigma**2), rel=1e-12)


@settings(max_examples=25, deadline=None)
@given(height=st.integers(1, 40), width=st.integers(1, 40), sigma=st.floats(0.4, 7.0), seed=st.integers(0, 2**32 - 1))
def test_images_are_blurred_as_scipy_blurs_them(height: int, width: int, sigma: float, seed: int) -> None:
    image = np.random.default_rng(seed).integers(0, 256, (height, width, 3), dtype=np.uint8)
    expected = ndimage.gaussian_filter(image / 255.0, (sigma, sigma, 0), mode="nearest")
    expected = (np.clip(expected, 0, 1) * 255).astype(np.uint8)
    np.testing.assert_array_equal(blur_image(image, gaussian_weights(sigma)), expected)


@settings(max_examples=25, deadline=None)
@given(height=st.integers(1, 40), width=st.integers(1, 40), sigma=st.floats(0.4, 7.0), seed=st.integers(0, 2**32 - 1))
def test_fields_are_blurred_as_scipy_blurs_them(height: int, width: int, sigma: float, seed: int) -> None:
    field = np.random.default_rng(seed).normal(size=(height, width))
    expected = ndimage.gaussian_filter(field, sigma, mode="nearest")
    np.testing.assert_array_equal(blur_field(field, gaussian_weights(sigma)), expected)

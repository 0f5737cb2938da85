"""Our JPEGs against PIL's."""

import io

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from PIL import Image

from hardiness.imaging.codecs import decode, encode_jpeg


def by_pil(image: np.ndarray, quality: int) -> np.ndarray:
    stream = io.BytesIO()
    Image.fromarray(image).save(stream, "JPEG", quality=quality)
    return np.asarray(Image.open(stream).convert("RGB"))


@settings(max_examples=60, deadline=None)
@given(st.integers(32, 90), st.integers(32, 90), st.sampled_from([7, 10, 15, 18, 25, 85, 95]), st.booleans())
def test_pixels_equal_pil(height: int, width: int, quality: int, optimise: bool) -> None:
    image = np.random.default_rng(height * width).integers(0, 256, (height, width, 3), dtype=np.uint8)
    found = decode(encode_jpeg(image, quality, optimise), "x")
    np.testing.assert_array_equal(found, by_pil(image, quality))


@pytest.mark.parametrize("quality", [7, 85])
def test_pixels_equal_pil_on_a_smooth_picture(quality: int) -> None:
    ramp = np.linspace(0, 255, 224 * 224 * 3).reshape(224, 224, 3).astype(np.uint8)
    np.testing.assert_array_equal(decode(encode_jpeg(ramp, quality), "x"), by_pil(ramp, quality))


def test_optimised_files_are_smaller_and_the_image_is_left_alone() -> None:
    image = np.random.default_rng(0).integers(0, 256, (64, 64, 3), dtype=np.uint8)
    before = image.copy()
    assert len(encode_jpeg(image, 85, optimise=True)) < len(encode_jpeg(image, 85))
    np.testing.assert_array_equal(image, before)

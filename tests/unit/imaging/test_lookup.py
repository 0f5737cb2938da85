"""Pointwise kernels against numpy."""

from __future__ import annotations

import numpy as np
from hypothesis import given, settings
from hypothesis import strategies as st

from hardiness.imaging.colour import add_noise, drawn_to_means, multiply_noise, salt_and_pepper

seeds = st.integers(0, 2**32 - 1)


def picture(seed: int) -> tuple[np.random.Generator, np.ndarray]:
    rng = np.random.default_rng(seed)
    return rng, rng.integers(0, 256, (*rng.integers(1, 50, 2), 3), dtype=np.uint8)


@settings(max_examples=20, deadline=None)
@given(seeds, st.floats(0.0, 2.0))
def test_values_move_towards_or_away_from_the_mean_of_their_channel(seed: int, factor: float) -> None:
    _, image = picture(seed)
    means = image.astype(int).sum((0, 1)) / (image.shape[0] * image.shape[1] * 255.0)
    expected = np.clip((image / 255.0 - means) * factor + means, 0.0, 1.0) * 255.0
    np.testing.assert_array_equal(drawn_to_means(image, factor), expected.astype(np.uint8))


@settings(max_examples=20, deadline=None)
@given(seeds, st.floats(0.0, 2.0))
def test_noise_is_scaled_cut_and_truncated(seed: int, scale: float) -> None:
    rng, image = picture(seed)
    noise = rng.standard_normal(image.shape, dtype=np.float32)
    for found, exact in (
        (add_noise(image, noise, scale), image + 255.0 * scale * noise),
        (multiply_noise(image, noise, scale), image * (1.0 + scale * noise.astype(float))),
    ):
        exact = np.clip(exact, 0, 255)
        assert np.all(found <= exact + 1e-3)
        assert np.all(found > exact - 1 - 1e-3)


def test_salt_and_pepper_by_the_bits_of_a_word() -> None:
    image = np.full((1, 4, 1), 7, np.uint8)
    words = np.array([(100 << 1) | 1, 100 << 1, (101 << 1) | 1, 101 << 1], np.uint32).reshape(image.shape)
    assert salt_and_pepper(image, words, 100).ravel().tolist() == [255, 0, 7, 7]

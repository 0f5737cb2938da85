"""Noise of a given spectrum, against the whole transform that it is half of."""

from __future__ import annotations

import numpy as np
import pytest

from hardiness.imaging.noise import amplitudes, keep_above, spectral_noise


@pytest.mark.parametrize("exponent", [1, -2])
@pytest.mark.parametrize("shape", [(32, 32), (34, 58), (90, 42)])
def test_half_a_transform_gives_the_real_part_of_the_whole(shape: tuple[int, int], exponent: int) -> None:
    height, width = shape
    phases = np.random.default_rng(0).uniform(0, 2 * np.pi, (height, width // 2))
    whole = np.concatenate([phases, phases[::-1, ::-1]], axis=1)
    spectrum = amplitudes(height, width, exponent) * np.exp(1j * whole)
    expected = np.fft.ifft2(np.roll(spectrum, (height // 2, width // 2), axis=(0, 1))).real
    np.testing.assert_allclose(spectral_noise(phases, exponent), expected / expected.std(), atol=1e-11)


def test_amplitudes_rise_or_fall_from_the_middle() -> None:
    rising, falling = amplitudes(8, 6, 1), amplitudes(8, 6, -2)
    assert rising[4, 3] == 0
    assert rising[0, 3] == 4
    assert falling[4, 3] == 1
    assert falling[4, 5] == 1 / 5


def test_pixels_above_the_threshold_stay() -> None:
    image = np.full((2, 2, 3), 9, np.uint8)
    found = keep_above(image, np.array([[0.1, 0.2], [0.3, -1.0]]), 0.15)
    assert found[..., 0].tolist() == [[0, 9], [9, 0]]

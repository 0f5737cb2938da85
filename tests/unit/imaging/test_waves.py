"""Sines, angles and powers by polynomials, and the fields made of them, against numpy's."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import example, given, settings
from hypothesis import strategies as st

from hardiness.imaging.noise import (
    angles,
    caustics,
    plane_wave,
    plasma,
    rings,
    sine_and_cosine,
    sines,
    stars,
    to_seven_fifths,
)

GENERATOR = np.random.default_rng(0)
IMAGE = GENERATOR.integers(0, 256, (40, 52, 3), dtype=np.uint8)
ROWS, COLUMNS = np.mgrid[:40, :52].astype(np.float64)


@pytest.mark.parametrize("lead", [0.0, 0.5])
def test_sines_and_cosines_are_right_to_the_last_places(lead: float) -> None:
    values = np.r_[GENERATOR.uniform(-5000, 5000, 20_000), 0.0, np.pi, -np.pi / 2, 1e-300]
    expected = np.sin(values) if lead == 0.0 else np.cos(values)
    assert np.abs(sines(values, lead) - expected).max() <= 5e-16


@settings(deadline=None, max_examples=60)
@given(st.floats(-1e6, 1e6), st.floats(-1e6, 1e6))
@example(-0.0, -1.0)
def test_angles_are_those_of_arctan2(y: float, x: float) -> None:
    if x == 0.0 == y:
        return
    assert angles(np.array([y]), np.array([x]))[0] == pytest.approx(np.arctan2(y, x), abs=1e-15)


def test_powers_are_right_to_the_last_places() -> None:
    values = np.linspace(0.15, 0.9, 2000)
    assert max(abs(to_seven_fifths(value) - value**1.4) for value in values) < 5e-16


def test_a_plane_wave_is_its_formula() -> None:
    expected = np.clip(IMAGE + 50 * np.sin(COLUMNS * 0.7 - ROWS * 1.9 + 1)[..., None], 0, 255).astype(np.uint8)
    np.testing.assert_array_equal(plane_wave(IMAGE, 0.7, -1.9, 1.0, 50.0), expected)


def test_rings_are_their_formula() -> None:
    x, y = COLUMNS - 20.5, ROWS - 11.25
    distance = np.hypot(x, y) + np.sin(np.arctan2(x, y) * 3.3) * 4
    expected = np.clip(IMAGE + 80 * ((distance % 5) / 5 - 0.5)[..., None], 0, 255).astype(np.uint8)
    found = rings(IMAGE, (20.5, 11.25), 3.3, (4.0, 5.0), 80.0)
    assert np.count_nonzero(found != expected) <= 2  # where the remainder is a whole number


def test_plasma_without_intensity_leaves_the_image() -> None:
    np.testing.assert_array_equal(plasma(IMAGE, 3.0, 5, 0.7, (9.0, 0.0)), IMAGE)
    full = plasma(IMAGE, 3.0, 5, 0.7, (9.0, 255.0))
    np.testing.assert_array_equal(full, plasma(np.zeros_like(IMAGE), 3.0, 5, 0.7, (9.0, 255.0)))


def test_a_star_is_white_at_its_centre_and_an_inverse_one_far_from_it() -> None:
    rays = np.full(60, 3.0), np.array([0, 60])
    values = stars(IMAGE, np.array([[20.0, 30.0]]), rays, 1.0, False)
    assert (values[20, 30] == 255).all()
    assert np.abs(values.astype(int) - IMAGE)[0, 0].max() < 5
    inside = stars(IMAGE, np.array([[20.0, 30.0]]), rays, 1.3, True)
    np.testing.assert_allclose(inside[20, 30], IMAGE[20, 30].astype(int), atol=1)
    assert inside[0, 0].min() > 250


def test_two_stars_lie_one_over_another() -> None:
    centres, lengths = np.array([[20.0, 30.0], [5.5, 41.0]]), np.linspace(2.0, 5.0, 70)
    both = stars(IMAGE, centres, (lengths, np.array([0, 20, 70])), 1.0, False)
    assert (both[20, 30] == 255).all()
    one = stars(IMAGE, centres[:1], (lengths[:20], np.array([0, 20])), 1.0, False)
    assert (both >= one).all()
    assert both[5, 41].min() > one[5, 41].min()


def test_caustics_lie_between_dark_and_bright_and_repeat() -> None:
    light = caustics(60, 60, 1.3, 30.0)
    assert light.min() >= 0
    assert light.max() <= 1
    np.testing.assert_allclose(light[:30, :30], light[30:, 30:], atol=1e-9)


def test_sine_and_cosine_are_numpys_to_the_last_place() -> None:
    values = np.concatenate([np.linspace(-300, 300, 4001), np.arange(-40, 41) * np.pi / 4])
    found = np.array([sine_and_cosine(value) for value in values.tolist()])
    np.testing.assert_allclose(found[:, 0], np.sin(values), atol=3e-16)
    np.testing.assert_allclose(found[:, 1], np.cos(values), atol=3e-16)

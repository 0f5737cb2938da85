"""Closed forms against the round trip through HSV of the standard library."""

from __future__ import annotations

import colorsys

import numpy as np
import pytest

from hardiness.imaging.colour import add_colour, brightness_table, cover_colour, look_up_by_largest, saturate_image


@pytest.fixture(scope="module")
def picture() -> np.ndarray:
    rng = np.random.default_rng(0)
    image = rng.integers(0, 256, (40, 50, 3), dtype=np.uint8)
    image[:4] = image[:4, :, :1]  # greys
    image[4:6] = 0
    image[6:8, :, 1] = image[6:8, :, 0]
    return image


def by_hsv(image: np.ndarray, added: float, factor: float, offset: float) -> np.ndarray:
    out = np.empty(image.shape)
    for place in np.ndindex(image.shape[:2]):
        hue, saturation, value = colorsys.rgb_to_hsv(*(image[place] / 255))
        out[place] = colorsys.hsv_to_rgb(hue, min(saturation * factor + offset, 1.0), min(value + added, 1.0))
    return out * 255


@pytest.mark.parametrize("added", [0.1, 0.5])
def test_brightness(picture: np.ndarray, added: float) -> None:
    expected = by_hsv(picture, added, 1.0, 0.0)
    found = look_up_by_largest(picture, brightness_table(added))
    assert np.all(np.abs(found - (expected - 0.5)) <= 0.5 + 1e-6)


@pytest.mark.parametrize(("factor", "offset"), [(0.3, 0.0), (2.0, 0.0), (20.0, 0.2)])
def test_saturation(picture: np.ndarray, factor: float, offset: float) -> None:
    expected = by_hsv(picture, 0.0, factor, offset)
    found = saturate_image(picture, factor, offset)
    assert np.all(np.abs(found - (expected - 0.5)) <= 0.5 + 1e-6)


def test_an_offset_of_saturation_turns_greys_red(picture: np.ndarray) -> None:
    found = saturate_image(np.full((1, 1, 3), 200, np.uint8), 5.0, 0.1)
    assert found.ravel().tolist() == [200, 180, 180]


def test_water_adds_and_mud_covers(picture: np.ndarray) -> None:
    colour = (175.0, 238.0, 20.0)
    amount = np.random.default_rng(1).random(picture.shape[:2], dtype=np.float32)
    for found, exact in (
        (add_colour(picture, amount, colour), picture + amount[:, :, None] * np.array(colour)),
        (
            cover_colour(picture, amount, colour),
            picture * (1 - amount[:, :, None]) + amount[:, :, None] * np.array(colour),
        ),
    ):
        exact = np.clip(exact, 0, 255)
        assert np.all(found <= exact + 1e-3)
        assert np.all(found > exact - 1 - 1e-3)

"""Random shifts, turns and zooms against what they must do to known pictures."""

from __future__ import annotations

from collections.abc import Callable

import numpy as np
import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st
from torch import Tensor

from hardiness.core.errors import ArgumentError
from hardiness.core.random import rng
from hardiness.visualise.transforms import Transforms, move

STILL = Transforms(0, 0, 0)


def test_no_movement_is_the_picture_itself(draw: Callable[..., Tensor]) -> None:
    pixels = draw(2, 3, 15, 15)
    assert not STILL.any
    torch.testing.assert_close(move(pixels, [STILL.draw(rng(0))] * 2), pixels, atol=1e-5, rtol=0)


def test_a_shift_is_a_shift(draw: Callable[..., Tensor]) -> None:
    pixels = draw(1, 3, 16, 16)
    by_two_columns = np.array([[1, 0, 2 * 2 / 16], [0, 1, 0]], np.float32)
    torch.testing.assert_close(move(pixels, [by_two_columns])[..., :14], pixels[..., 2:], atol=1e-5, rtol=0)


def test_beyond_the_border_it_is_mirrored(draw: Callable[..., Tensor]) -> None:
    pixels = draw(1, 3, 16, 16)
    by_two_columns = np.array([[1, 0, 2 * 2 / 16], [0, 1, 0]], np.float32)
    torch.testing.assert_close(move(pixels, [by_two_columns])[..., 14:], pixels[..., [15, 14]], atol=1e-5, rtol=0)


def test_each_picture_has_its_own_map(draw: Callable[..., Tensor]) -> None:
    pixels, maps = draw(3, 3, 16, 16), [Transforms().draw(rng(0, n)) for n in range(3)]
    together = move(pixels, maps)
    for row in range(3):
        torch.testing.assert_close(together[row : row + 1], move(pixels[row : row + 1], maps[row : row + 1]))


@given(st.integers(0, 10_000), st.floats(0, 0.5), st.floats(0, 45), st.floats(0, 0.5))
def test_draws_stay_within_what_is_allowed(seed: int, jitter: float, rotate: float, scale: float) -> None:
    matrix = Transforms(jitter, rotate, scale).draw(rng(seed)).astype(np.float64)
    zoom = 1 / np.sqrt(np.linalg.det(matrix[:, :2]))
    angle = np.rad2deg(np.arctan2(matrix[1, 0], matrix[0, 0]))
    assert 1 - scale - 1e-5 <= zoom <= 1 + scale + 1e-5
    assert abs(angle) <= rotate + 1e-4
    assert np.abs(matrix[:, 2]).max() / 2 <= jitter + 1e-6


def test_draws_fill_the_range() -> None:
    shifts = np.stack([Transforms(0.08, 0, 0).draw(rng(n))[:, 2] * 50 for n in range(400)])
    assert shifts.min() < -7.5
    assert shifts.max() > 7.5
    assert abs(shifts.mean()) < 0.5


@pytest.mark.parametrize("wrong", [{"jitter": -1.0}, {"rotate_deg": -2.0}, {"scale": -0.1}, {"scale": 1.0}])
def test_impossible_movements_are_refused(wrong: dict[str, float]) -> None:
    with pytest.raises(ArgumentError, match=f"{next(iter(wrong))} must be"):
        Transforms(**wrong)

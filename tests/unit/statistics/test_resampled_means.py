"""Means over resampled images: an independent bootstrap, holes, and columns that belong together."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from hardiness.core.random import rng
from hardiness.statistics import intervals
from hardiness.statistics.intervals import RESAMPLES, exact_grid, resampled_means


def test_every_resample_is_the_mean_of_images_drawn_with_repeats() -> None:
    """Against the same draws averaged one by one."""
    values = np.random.default_rng(0).random((23, 4))
    found = resampled_means(values, "test")
    generator = rng(0, "bootstrap", "test", 23)
    expected = [values[generator.integers(0, 23, 23)].mean(axis=0) for _ in range(RESAMPLES)]
    np.testing.assert_allclose(found, expected, rtol=1e-5)
    assert found.shape == (RESAMPLES, 4)
    assert found.dtype == np.float64


@pytest.mark.parametrize("n", [1, 7, 30])
def test_how_many_resamples_are_drawn_at_once_changes_nothing(n: int, monkeypatch: pytest.MonkeyPatch) -> None:
    values = np.random.default_rng(n).random((n, 2))
    expected = resampled_means(values, "blocks")
    for at_once in (1, 50, 7_000):
        monkeypatch.setattr(intervals, "INDICES_AT_ONCE", at_once)
        np.testing.assert_array_equal(resampled_means(values, "blocks"), expected)


def test_spread_is_the_standard_error_of_the_mean() -> None:
    values = np.random.default_rng(1).normal(5, 2, (400, 1))
    found = resampled_means(values, "spread")
    assert found.mean() == pytest.approx(values.mean(), abs=0.02)
    assert found.std() == pytest.approx(values.std() / 20, rel=0.1)


def test_holes_count_nowhere() -> None:
    values = np.random.default_rng(2).random((50, 2))
    values[:20, 1] = np.nan
    found = resampled_means(values, "holes")
    generator = rng(0, "bootstrap", "holes", 50)
    expected = [np.nanmean(values[generator.integers(0, 50, 50)], axis=0) for _ in range(RESAMPLES)]
    np.testing.assert_allclose(found, expected, rtol=1e-5)


def test_a_column_that_a_resample_misses_is_undefined_there_and_nowhere_else() -> None:
    values = np.full((3, 2), 0.25)
    values[1:, 1] = np.nan
    found = resampled_means(values, "empty")
    assert np.isnan(found[:, 1]).mean() == pytest.approx((2 / 3) ** 3, abs=0.05)
    assert set(found[~np.isnan(found[:, 1]), 1]) == {0.25}
    assert not np.isnan(found[:, 0]).any()


@settings(max_examples=20, deadline=None)
@given(n=st.integers(1, 40), columns=st.integers(1, 5), seed=st.integers(0, 99))
def test_columns_of_one_image_move_together_and_stay_in_range(n: int, columns: int, seed: int) -> None:
    values = np.random.default_rng(seed).random((n, columns))
    doubled = np.hstack([values, values])
    found = resampled_means(doubled, "together")
    np.testing.assert_array_equal(found[:, :columns], found[:, columns:])
    assert (found >= doubled.min(axis=0) - 1e-9).all()
    assert (found <= doubled.max(axis=0) + 1e-9).all()


@settings(max_examples=20, deadline=None)
@given(n=st.integers(1, 60), columns=st.integers(1, 9), seed=st.integers(0, 99), power=st.integers(-9, 9))
def test_sums_are_exact_in_whatever_order_they_are_added(n: int, columns: int, seed: int, power: int) -> None:
    """So they are the same on every processor: here against sums of exact whole numbers."""
    generator = np.random.default_rng(seed)
    values = generator.normal(size=(n, columns)) * 10.0**power
    weights = np.stack([np.bincount(generator.integers(0, n, n), minlength=n) for _ in range(5)])
    grid, scale = exact_grid(values, n)
    exact = [[sum(int(w) * int(v) for w, v in zip(row, column, strict=True)) for column in grid.T] for row in weights]
    np.testing.assert_array_equal(weights.astype(grid.dtype) @ grid, np.array(exact, np.float64))
    np.testing.assert_allclose(grid / scale, values, rtol=0, atol=1e-9 * np.abs(values).max())


def test_right_or_wrong_stays_whole_in_the_smaller_float() -> None:
    grid, scale = exact_grid(np.eye(4), 50_000)
    assert grid.dtype == np.float32
    np.testing.assert_array_equal(grid / scale, np.eye(4))
    assert exact_grid(np.eye(4) * 1000, 50_000)[0].dtype == np.float64


def test_the_purpose_keys_the_draws_and_the_input_is_left_alone() -> None:
    values = np.random.default_rng(3).random((30, 2))
    before = values.copy()
    first, again, other = (resampled_means(values, purpose) for purpose in ("a", "a", "b"))
    np.testing.assert_array_equal(first, again)
    assert not np.array_equal(first, other)
    np.testing.assert_array_equal(values, before)

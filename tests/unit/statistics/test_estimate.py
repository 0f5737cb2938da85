"""An estimate against closed forms, against leaving images out, and against the bootstrap of every card's scores."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from hardiness.core.errors import ArgumentError
from hardiness.statistics.cells import cell_estimate
from hardiness.statistics.estimate import Estimate, mean
from hardiness.statistics.intervals import clopper_pearson, effective_wilson, wilson


def names(n: int, first: int = 0) -> np.ndarray:
    return np.array([f"image{place:05d}" for place in range(first, first + n)], object)


def test_the_error_of_a_share_is_the_binomial_one() -> None:
    right = np.arange(100) < 80
    found = mean(names(100), right)
    assert found.value == pytest.approx(0.8, abs=1e-15)
    assert found.error == pytest.approx(np.sqrt(0.8 * 0.2 / 99), rel=1e-12)
    assert found.differing == 20
    assert found.influence.mean() == pytest.approx(0, abs=1e-15)


def test_a_share_of_many_images_has_wilsons_interval() -> None:
    right = np.arange(4000) < 3000
    found, expected = mean(names(4000), right).interval(0, 1), wilson(3000, 4000)
    assert found.low == pytest.approx(expected.low, abs=2e-4)
    assert found.high == pytest.approx(expected.high, abs=2e-4)


@given(st.integers(3, 40), st.integers(0, 2**31), st.sampled_from([0.0, 0.4, 1.0]), st.floats(0.1, 1e3))
def test_what_varies_more_than_a_mean_has_a_wider_interval(n: int, seed: int, value: float, times: float) -> None:
    """Also where all influences are of one size, or the number lies at an end of its range."""
    draws = np.random.default_rng(seed)
    for influence in (np.resize([1.0, -1.0], n), draws.standard_normal(n), np.eye(n)[0]):
        centred = influence - influence.mean()
        found, mean_like = (Estimate(value, names(n), each * centred).interval(0, 1) for each in (times, 0.0))
        assert 0 <= found.low <= value <= found.high <= 1
        if value == 0.4 and times >= 1:
            assert found.high - found.low >= mean_like.high - mean_like.low - 1e-9


def test_where_all_influences_are_of_one_size_those_unlike_the_median_count() -> None:
    found = Estimate(0.5, names(40), np.resize([2.0, -2.0], 40))
    assert found.interval(0, 1) == effective_wilson(0.5, found.variance, found.differing, 0)


@given(st.integers(3, 40), st.integers(1, 4), st.integers(0, 2**31), st.sampled_from([0.0, 0.3]))
def test_leaving_an_image_out_moves_a_mean_by_its_influence(n: int, cells: int, seed: int, missing: float) -> None:
    draws = np.random.default_rng(seed)
    values = draws.random((n, cells))
    values[draws.random((n, cells)) < missing] = np.nan
    values[:2] = 0.5
    weights = draws.normal(size=cells)
    whole, ids = mean(names(n), values, weights), names(n)
    place = {name: at for at, name in enumerate(whole.ids.tolist())}
    for left_out in range(2, n):
        if np.isnan(values[left_out]).all():
            assert ids[left_out] not in place
            continue
        without = mean(np.delete(ids, left_out), np.delete(values, left_out, axis=0), weights)
        present = np.count_nonzero(~np.isnan(values), axis=0)
        # To first order: exact but for n / (n - 1) of each cell's mean.
        apart = np.where(np.isnan(values[left_out]), 0, values[left_out] - np.nanmean(values, axis=0))
        assert whole.value - without.value == pytest.approx(float(apart / (present - 1) @ weights), abs=1e-9)
        influence = whole.influence[place[ids[left_out]]] / whole.n
        assert influence == pytest.approx(float(apart / present @ weights), abs=1e-9)


def test_random_cells_deviate_as_the_two_stage_sample_says() -> None:
    draws = np.random.default_rng(0)
    values = (draws.random((300, 12)) < np.linspace(0.1, 0.8, 12)).astype(float)
    values[draws.random((300, 12)) < 0.7] = np.nan
    weights = draws.random(12)
    found, expected = (
        mean(names(300), values, weights, images_alike=True),
        cell_estimate(names(300), values, weights),
    )
    assert found.value == pytest.approx(expected.value, abs=1e-12)
    np.testing.assert_allclose(found.influence, expected.estimate.influence, atol=1e-12)
    assert found.variance == pytest.approx(expected.variance, rel=1e-12)


def test_a_difference_is_paired_on_shared_images_and_unpaired_on_others() -> None:
    draws = np.random.default_rng(1)
    first, second = draws.random(200), draws.random(150)
    paired = mean(names(200), first) - mean(names(200), first + second.mean())
    assert paired.error == pytest.approx(0, abs=1e-12)
    apart = mean(names(200), first) - mean(names(150, 1000), second)
    assert apart.n == 350
    expected = np.hypot(first.std() / np.sqrt(200), second.std() / np.sqrt(150))
    assert apart.error == pytest.approx(expected, rel=2e-3)
    half = mean(names(200), first) - mean(names(150, 100), second)
    shared = np.cov(first[100:], second[:100])[0, 1] * 99 / 100
    overlap = 2 * 100 / (200 * 150) * shared
    means = 2 * 100 / (200 * 150) * (first[100:].mean() - first.mean()) * (second[:100].mean() - second.mean())
    assert half.variance == pytest.approx(expected**2 - overlap - means, rel=5e-3)


def test_algebra_is_that_of_derivatives() -> None:
    draws = np.random.default_rng(2)
    a, b = mean(names(50), draws.random(50) + 1), mean(names(50), draws.random(50) + 2)
    for found, value, by_a, by_b in (
        (a + b, a.value + b.value, 1, 1),
        (2 * a - b + 3, 2 * a.value - b.value + 3, 2, -1),
        (1 - a, 1 - a.value, -1, 0),
        (a * b, a.value * b.value, b.value, a.value),
        (a / b, a.value / b.value, 1 / b.value, -a.value / b.value**2),
        (a / 4, a.value / 4, 0.25, 0),
        (a.through(np.log(a.value), 1 / a.value), np.log(a.value), 1 / a.value, 0),
    ):
        assert found.value == pytest.approx(value, rel=1e-12)
        np.testing.assert_allclose(found.influence, by_a * a.influence + by_b * b.influence, atol=1e-12)
    assert np.isnan((a / (b - b)).value)


def test_a_ratio_has_the_error_of_its_bootstrap() -> None:
    draws = np.random.default_rng(3)
    shape, texture = draws.random(400) < 0.2, draws.random(400) < 0.5
    texture &= ~shape
    by_shape, by_texture = mean(names(400), shape), mean(names(400), texture)
    found = by_shape / (by_shape + by_texture)
    at = draws.integers(0, 400, (2000, 400))
    resampled = shape[at].sum(axis=1) / (shape[at] | texture[at]).sum(axis=1)
    assert found.value == pytest.approx(shape.sum() / (shape | texture).sum(), abs=1e-12)
    assert found.error == pytest.approx(resampled.std(ddof=1), rel=0.06)


def test_intervals_need_images_that_differ() -> None:
    same = mean(names(20), np.ones(20))
    assert same.differing == 0
    assert same.interval(0, 1).low == pytest.approx(clopper_pearson(20, 20).low)
    with pytest.raises(ArgumentError, match="two images that differ from the others, had 0"):
        same.interval()
    with pytest.raises(ArgumentError, match="a cell had none"):
        mean(names(3), np.array([[1, np.nan]] * 3))
    assert Estimate(1.0, names(1), np.zeros(1)).variance == 0


@pytest.mark.slow
@pytest.mark.parametrize(("n", "lost", "holds"), [(50, 0.03, 0.78), (200, 0.01, 0.87)])
def test_a_ratio_does_not_protect_against_pictures_that_are_lost_wholly(n: int, lost: float, holds: float) -> None:
    """The limit that statistics.md and score_files.md state: the others keep nearly the same part of their score."""
    draws, inside, at = np.random.default_rng(n), 0, np.arange(n)
    for _ in range(1000):
        clean = np.clip(0.85 + 0.05 * draws.standard_normal(n), 0, 1)
        kept = np.where(draws.random(n) < lost, 0.0, 0.8 * clean + 0.02 * draws.standard_normal(n))
        interval = (mean(at, kept) / mean(at, clean)).interval()
        inside += interval.low <= 0.8 * (1 - lost) <= interval.high
    assert inside / 1000 == pytest.approx(holds, abs=0.03)

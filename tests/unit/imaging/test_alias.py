"""Alias tables hold exactly the distribution they were made from, and sampling follows them."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy import stats

from hardiness.imaging.noise import AliasTables, alias_tables, poisson_tables, sample


def probabilities_of(tables: AliasTables) -> np.ndarray:
    """The probability of each column for each value, read back from the tables."""
    columns = tables.outcomes.size
    kept = tables.limits / 2.0**tables.shift
    out = kept.copy()
    for value in range(256):
        np.add.at(out[value], tables.others[value], 1 - kept[value])
    return out / columns


@pytest.mark.parametrize("rate", [3.0, 5.0, 12.0, 25.0, 60.0])
def test_poisson_tables_hold_the_poisson_distribution(rate: float) -> None:
    tables = poisson_tables(rate)
    count = int(rate) + 1
    means = rate * np.arange(256)[:, None] / 255
    expected = stats.poisson.pmf(np.arange(count)[None, :], means)
    expected[:, -1] = stats.poisson.sf(count - 2, means[:, 0])
    found = probabilities_of(tables)
    np.testing.assert_allclose(found[:, :count], expected, atol=2e-7)
    np.testing.assert_allclose(found[:, count:], 0.0, atol=2e-7)
    np.testing.assert_array_equal(tables.outcomes[:count], (np.arange(count) / rate * 255).astype(np.uint8))


@settings(max_examples=10, deadline=None)
@given(count=st.integers(2, 40), seed=st.integers(0, 2**32 - 1))
def test_any_distribution_survives(count: int, seed: int) -> None:
    probabilities = np.random.default_rng(seed).dirichlet(np.full(count, 0.3), 256)
    found = probabilities_of(alias_tables(probabilities, np.arange(count, dtype=np.uint8)))
    np.testing.assert_allclose(found[:, :count], probabilities, atol=1e-6)


def test_samples_follow_the_tables() -> None:
    tables = poisson_tables(5.0)
    rng = np.random.default_rng(3)
    image = np.full((200, 1000, 3), 128, np.uint8)
    drawn = sample(image, rng.integers(0, 2**32, image.shape, dtype=np.uint32), *tables)
    observed = np.array([np.count_nonzero(drawn == outcome) for outcome in tables.outcomes[:6]])
    expected = probabilities_of(tables)[128, :6] * image.size
    assert observed.sum() == image.size
    assert stats.chisquare(observed, expected * observed.sum() / expected.sum()).pvalue > 1e-4

"""Cells drawn unevenly: closed forms."""

from __future__ import annotations

import numpy as np
import pytest

from hardiness.core import ArgumentError
from hardiness.scoring.stopping.allocation import neyman_chances, saved_by, uneven_order_of_cells


def test_chances_follow_weight_times_spread() -> None:
    chances = neyman_chances(np.array([1.0, -2.0, 0.0]), np.array([0.5, 0.5, 0.4]))
    np.testing.assert_allclose(chances, [1 / 3, 2 / 3, 0])
    with pytest.raises(ArgumentError, match="a weight and a spread"):
        neyman_chances(np.zeros(3), np.ones(3))


def test_two_cells_of_which_one_is_known_save_half() -> None:
    """Equal chances waste every second draw on a cell that has no spread."""
    weights, spreads = np.array([0.5, 0.5]), np.array([0.4, 0.0])
    assert saved_by(neyman_chances(weights, spreads), weights, spreads) == pytest.approx(0.5)


def test_no_other_chances_save_more() -> None:
    generator = np.random.default_rng(0)
    weights, spreads = generator.uniform(0.5, 1.5, 9), generator.uniform(0.1, 0.5, 9)
    best = saved_by(neyman_chances(weights, spreads), weights, spreads)
    assert saved_by(np.full(9, 1 / 9), weights, spreads) == pytest.approx(0)
    for _ in range(50):
        other = generator.dirichlet(np.full(9, 20))
        assert saved_by(other, weights, spreads) < best


def test_what_is_saved_is_what_the_variance_of_draws_loses() -> None:
    """The sum from one drawn cell an image, many times, with either chances."""
    weights, rates = np.array([2.0, 0.5, 0.5]), np.array([0.5, 0.05, 0.9])
    spreads = np.sqrt(rates * (1 - rates))
    generator = np.random.default_rng(1)

    def variance(chances: np.ndarray) -> float:
        drawn = generator.choice(3, 400_000, p=chances)
        wrong = generator.random(400_000) < rates[drawn]
        return float(np.var(weights[drawn] / chances[drawn] * (wrong - rates[drawn])))

    chances = neyman_chances(weights, spreads)
    saved = 1 - variance(chances) / variance(np.full(3, 1 / 3))
    assert saved == pytest.approx(saved_by(chances, weights, spreads), abs=0.02)


def test_cells_of_larger_chance_come_first_more_often() -> None:
    chances = np.array([0.6, 0.3, 0.1, 0.0])
    first = [uneven_order_of_cells(0, f"n/{image}", chances)[0] for image in range(4000)]
    np.testing.assert_allclose(np.bincount(first, minlength=4) / 4000, chances, atol=0.03)
    order = uneven_order_of_cells(0, "n/1", chances)
    np.testing.assert_array_equal(order, uneven_order_of_cells(0, "n/1", chances))
    assert sorted(order) == [0, 1, 2, 3]

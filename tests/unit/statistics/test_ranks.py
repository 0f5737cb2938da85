"""A rank rises only where a difference is told."""

import numpy as np

from hardiness.statistics.comparison import ranks


def test_models_that_cannot_be_told_apart_share_their_rank() -> None:
    generator = np.random.default_rng(0)
    truth = np.array([0.9, 0.7, 0.69, 0.5])
    draws = np.vstack([truth, truth + 0.01 * generator.normal(size=(1000, 4))])
    p = np.full((4, 4), np.nan)
    p[np.triu_indices(4, 1)] = [1e-9, 1e-9, 1e-9, 0.4, 1e-6, 1e-6]
    found = ranks(draws, p, higher_is_better=True)
    assert [each.rank for each in found] == [1, 2, 2, 4]
    assert [each.worst for each in found] == [1, 3, 3, 4]
    assert [each.drawn for each in found] == [(1, 1), (2, 3), (2, 3), (4, 4)]
    assert [each.rank for each in ranks(draws, p, higher_is_better=False)] == [4, 2, 2, 1]


def test_a_barely_told_pair_among_many_does_not_rise() -> None:
    p = np.full((3, 3), np.nan)
    p[np.triu_indices(3, 1)] = [0.04, 0.5, 0.5]
    draws = np.tile([0.6, 0.5, 0.55], (11, 1))
    assert [each.rank for each in ranks(draws, p, higher_is_better=True)] == [1, 1, 1]
    p[0, 1] = 0.01
    assert [each.rank for each in ranks(draws, p, higher_is_better=True)] == [1, 2, 1]


def test_pairs_without_a_test_are_not_told() -> None:
    draws = np.tile([0.6, 0.5], (11, 1))
    assert [each.rank for each in ranks(draws, np.full((2, 2), np.nan), higher_is_better=True)] == [1, 1]

"""Adjusted p-values against scipy and by hand."""

import numpy as np
from scipy.stats import false_discovery_control

from hardiness.statistics.multiplicity import benjamini_hochberg, holm


def test_benjamini_hochberg_is_scipys() -> None:
    p = np.random.default_rng(0).random(75) ** 3
    np.testing.assert_allclose(benjamini_hochberg(p), false_discovery_control(p))


def test_holm_by_hand() -> None:
    np.testing.assert_allclose(holm([0.01, 0.04, 0.03, 0.005]), [0.03, 0.06, 0.06, 0.02])
    np.testing.assert_allclose(holm([0.5, 0.9]), [1.0, 1.0])


def test_what_was_not_tested_counts_nowhere() -> None:
    p = np.array([0.02, np.nan, 0.03])
    np.testing.assert_allclose(benjamini_hochberg(p), [0.03, np.nan, 0.03])
    np.testing.assert_allclose(holm(p), [0.04, np.nan, 0.04])
    assert np.isnan(holm([np.nan])).all()

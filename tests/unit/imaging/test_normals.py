"""Normal numbers against the quantile function, into the tails."""

from __future__ import annotations

import numpy as np
from scipy import special, stats

from hardiness.imaging.noise import normals_from_words, quantile_table


def exact(words: np.ndarray) -> np.ndarray:
    quantile = -special.ndtri((words | 1) / 2.0**33)
    return np.where(words & 1, quantile, -quantile)


def test_every_word_gives_its_quantile() -> None:
    rng = np.random.default_rng(0)
    anywhere = rng.integers(0, 2**32, 200_000, dtype=np.uint32)
    tail = anywhere >> rng.integers(0, 32, anywhere.size, dtype=np.uint32)
    ends = np.array([0, 1, 2, 3, 2**31 - 1, 2**31, 2**32 - 2, 2**32 - 1], np.uint32)
    for words in (anywhere, tail, ends):
        np.testing.assert_allclose(normals_from_words(words, *quantile_table()), exact(words), atol=1e-5)


def test_the_distribution_is_symmetric_and_normal() -> None:
    words = np.random.default_rng(1).integers(0, 2**32, (1000, 1000), dtype=np.uint32)
    drawn = normals_from_words(words, *quantile_table())
    assert drawn.shape == words.shape
    assert stats.kstest(drawn.ravel(), "norm").pvalue > 1e-4
    np.testing.assert_array_equal(normals_from_words(words ^ 1, *quantile_table()), -drawn)

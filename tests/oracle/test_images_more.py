"""How many images more decide a rule: simulated cases are followed to the number that was said, and then judged."""

from __future__ import annotations

from functools import cache

import numpy as np
import pytest
from numpy.typing import NDArray
from scipy.stats import binom

from hardiness.core.result import Score
from hardiness.statistics.spreads.shares import ShareOfImages
from hardiness.statistics.verdicts import ImagesMore, Limit, rulings

LEVEL, BELOW = 0.025, -1
Z, POWER = 1.959964, 0.841621


@cache
def needed(hits: int, n: int, limit: float) -> ImagesMore | None:
    """What is said of that many hits; ``None`` where they decide already."""
    score = Score("share", hits / n, "fraction", n, ShareOfImages(hits, n))
    return rulings([(score, Limit(limit, BELOW))])[0].needed


def decided(hits: NDArray[np.int64], n: NDArray[np.int64], limit: float) -> NDArray[np.bool_]:
    """Whether the exact test passes or fails a share."""
    return (binom.sf(hits - 1, n, limit) <= LEVEL) | (binom.cdf(hits, n, limit) < LEVEL)


def followed(shares: NDArray[np.float64], n: int, limit: float, seed: int) -> tuple[float, float]:
    """Of cases that cannot be told: how many are decided after the number of images more that was said.

    And in how many the spread holds the number that the truth needs; both as shares.
    """
    draws = np.random.default_rng(seed)
    first = draws.binomial(n, shares)
    said = [needed(int(hits), n, limit) for hits in first]
    open_ = np.array([each is not None for each in said])
    of = [each for each in said if each is not None]
    more = np.array([each.count for each in of])
    hits = first[open_] + draws.binomial(more, shares[open_])
    error = np.sqrt(shares[open_] * (1 - shares[open_]))
    truth = (((Z + POWER) * error / np.maximum(np.abs(shares[open_] - limit), 1e-9)) ** 2) - n
    low = np.array([each.low if each.low > 1 else -np.inf for each in of])
    high = np.array([np.inf if each.high is None else each.high for each in of])
    return float(decided(hits, n + more, limit).mean()), float(((low <= truth) & (truth <= high)).mean())


SETTINGS = [
    (0.80, 0.77, 250),
    (0.80, 0.78, 250),
    (0.80, 0.76, 250),
    (0.80, 0.785, 1000),
    (0.70, 0.72, 1000),
    (0.95, 0.92, 100),
    (0.60, 0.55, 250),
    (0.50, 0.52, 1000),
]
"""Truth, limit and images; the truth is .7 to 1.6 standard errors away from the limit."""


@pytest.mark.parametrize(("share", "limit", "n"), SETTINGS)
def test_after_so_many_images_more_four_of_five_are_decided(share: float, limit: float, n: int) -> None:
    """The number that gives an even chance were the first value true decides in 48 to 78 % there."""
    held, _ = followed(np.full(4000, share), n, limit, seed=3)
    assert held >= 0.8


@pytest.mark.parametrize(("limit", "n"), [(0.77, 250), (0.5, 1000), (0.9, 2000)])
def test_wherever_the_truth_is_it_is_the_number_of_an_80_percent_chance(limit: float, n: int) -> None:
    """Truths spread evenly around the limit, as far as rules cannot be told: neither more nor less are decided.

    And in four of five the spread holds the number that the truth would need.
    """
    error = np.sqrt(limit * (1 - limit) / n)
    shares = limit + error * np.random.default_rng(4).uniform(-6, 6, 20_000)
    held, within = followed(np.clip(shares, 0, 1), n, limit, seed=5)
    assert 0.79 <= held <= 0.83
    assert 0.8 <= within <= 0.9

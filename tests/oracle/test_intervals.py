"""Wilson against its defining equation and scipy; the bootstrap against known sampling distributions."""

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from scipy.stats import binom, binomtest

from hardiness.core.errors import ArgumentError
from hardiness.core.spread import Interval
from hardiness.statistics.confidence import rms_calibration_error
from hardiness.statistics.intervals import (
    centred,
    clopper_pearson,
    newcombe,
    outermost,
    proportion,
    resampled_means,
    wilson,
)


@given(st.integers(1, 100_000).flatmap(lambda n: st.tuples(st.integers(0, n), st.just(n))))
def test_wilson_equals_scipy_and_holds_its_value(case: tuple[int, int]) -> None:
    successes, n = case
    ours = wilson(successes, n)
    theirs = binomtest(successes, n).proportion_ci(0.95, method="wilson")
    assert ours.low == pytest.approx(theirs.low, abs=1e-9)
    assert ours.high == pytest.approx(theirs.high, abs=1e-9)
    assert 0 <= ours.low <= successes / n <= ours.high <= 1


def test_wilson_at_the_edges() -> None:
    assert wilson(0, 10).low == 0
    assert wilson(10, 10).high == 1
    with pytest.raises(ArgumentError, match="0 <= successes <= n"):
        wilson(11, 10)
    with pytest.raises(ArgumentError):
        wilson(0, 0)


def test_resampled_means_have_the_normal_interval() -> None:
    values = np.random.default_rng(0).normal(3, 2, 2000)
    found = centred(resampled_means(values[:, None], "mean")[:, 0], float(values.mean()))
    half = 1.96 * values.std() / np.sqrt(2000)
    assert found.low == pytest.approx(values.mean() - half, abs=0.25 * half)
    assert found.high == pytest.approx(values.mean() + half, abs=0.25 * half)


def test_resampled_means_are_the_same_every_time_and_move_together() -> None:
    values = np.random.default_rng(0).random(50)
    twice, again = (resampled_means(np.column_stack([values, 2 * values]), "two") for _ in range(2))
    assert np.array_equal(twice, again)
    assert twice[:, 1] == pytest.approx(2 * twice[:, 0])


def test_an_interval_surrounds_a_statistic_that_noise_only_raises() -> None:
    """A perfectly calibrated model: the plain percentile interval would lie wholly above the value."""
    generator = np.random.default_rng(2)
    confidence = np.sort(generator.random(1000))
    correct = generator.random(1000) < confidence
    value = rms_calibration_error(confidence, correct, "all-bins")
    resamples = (np.sort(generator.integers(0, 1000, 1000)) for _ in range(1000))
    draws = np.array([rms_calibration_error(confidence[at], correct[at], "all-bins") for at in resamples])
    found = centred(draws, value)
    assert draws.mean() > value
    assert found.low < value < found.high


@pytest.mark.parametrize(
    ("first", "second", "expected"),
    [  # Newcombe 1998, table II, method 10, to four decimals
        ((56, 70), (48, 80), (0.0524, 0.3339)),
        ((9, 10), (3, 10), (0.1705, 0.8090)),
        ((10, 10), (0, 10), (0.6075, 1.0)),
    ],
)
def test_difference_interval_of_newcombe(
    first: tuple[int, int], second: tuple[int, int], expected: tuple[float, float]
) -> None:
    shares = [(hits / n, wilson(hits, n)) for hits, n in (first, second)]
    found = newcombe(*shares[0], *shares[1])
    assert found == Interval(pytest.approx(expected[0], abs=6e-5), pytest.approx(expected[1], abs=6e-5))


@pytest.mark.parametrize("n", [12, 20, 35, 50, 100, 1000])
def test_a_share_holds_at_every_rate(n: int) -> None:
    """By summing the binomial distribution, just beside each end, where it holds least; Wilson's alone held in 84 %."""
    found = [proportion(k, n) for k in range(n + 1)]
    ends = np.unique([end for each in found for end in (each.low, each.high)])
    rates = np.concatenate([ends - 1e-9, ends + 1e-9])
    rates = rates[(rates > 0) & (rates <= 0.5)]
    chance = binom.pmf(np.arange(n + 1), n, rates[:, None])
    below, above = (
        np.sum(chance * side, axis=1)
        for side in (
            np.array([each.high for each in found]) < rates[:, None],
            np.array([each.low for each in found]) > rates[:, None],
        )
    )
    assert float(np.min(1 - below - above)) >= 0.9345
    assert float(max(below.max(), above.max())) <= 0.05


def test_exact_ends_without_scipy_are_those_with_it() -> None:
    for k, n in ((0, 1), (1, 2), (0, 50), (3, 50), (49, 50), (14, 50_000), (11, 12)):
        ours, theirs = proportion(k, n), outermost(wilson(k, n), clopper_pearson(k, n))
        assert (ours.low, ours.high) == pytest.approx((theirs.low, theirs.high), abs=1e-9)

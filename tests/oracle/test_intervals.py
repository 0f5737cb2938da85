"""Wilson against its defining equation and scipy; the bootstrap against known sampling distributions."""

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from one_score import bootstrap
from scipy.stats import binomtest

from hardiness.core import ArgumentError, Interval
from hardiness.statistics.calibration import rms_calibration_error
from hardiness.statistics.intervals import newcombe, wilson


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


def test_bootstrap_of_a_mean_is_the_normal_interval() -> None:
    values = np.random.default_rng(0).normal(3, 2, 2000)
    (found,) = bootstrap(lambda images: float(values[images].mean()), 2000, "mean")
    half = 1.96 * values.std() / np.sqrt(2000)
    assert found.low == pytest.approx(values.mean() - half, abs=0.25 * half)
    assert found.high == pytest.approx(values.mean() + half, abs=0.25 * half)


def test_bootstrap_is_the_same_every_time_and_moves_together() -> None:
    values = np.random.default_rng(0).random(50)
    twice = bootstrap(lambda images: np.array([values[images].mean(), 2 * values[images].mean()]), 50, "two")
    again = bootstrap(lambda images: np.array([values[images].mean(), 2 * values[images].mean()]), 50, "two")
    assert twice == again
    assert twice[1].low == pytest.approx(2 * twice[0].low)


def test_bootstrap_surrounds_a_statistic_that_noise_only_raises() -> None:
    """A perfectly calibrated model: the plain percentile interval would lie wholly above the value."""
    generator = np.random.default_rng(2)
    confidence = np.sort(generator.random(1000))
    correct = generator.random(1000) < confidence
    value = rms_calibration_error(confidence, correct, "all-bins")
    (found,) = bootstrap(
        lambda images: rms_calibration_error(confidence[images], correct[images], "all-bins"), 1000, "c"
    )
    assert found.low < value < found.high


def test_bootstrap_needs_an_image() -> None:
    with pytest.raises(ArgumentError, match="at least one"):
        bootstrap(lambda images: 0.0, 0, "none")


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

"""Error consistency: closed forms, scikit-learn's kappa, and what two independent observers give."""

from __future__ import annotations

import warnings

import numpy as np
import pytest
from hypothesis import assume, given
from hypothesis import strategies as st
from sklearn.metrics import cohen_kappa_score

from hardiness.core.codes import Lack
from hardiness.core.errors import ArgumentError
from hardiness.core.fact import Fact
from hardiness.statistics.kappa import cohens_kappa, error_consistency, expected_agreement, pairwise

Bits = list[bool]


def right(*counts: int) -> tuple[np.ndarray, np.ndarray]:
    """Two observers from a two-by-two table: both right, first alone, second alone, neither."""
    first = np.repeat([True, True, False, False], counts)
    second = np.repeat([True, False, True, False], counts)
    return first, second


def test_all_numbers_by_hand() -> None:
    found = error_consistency(*right(40, 10, 20, 30))
    assert found.n == 100
    assert found.accuracies == pytest.approx((0.5, 0.6))
    assert found.agreement.value == pytest.approx(0.7)
    assert found.expected.value == pytest.approx(0.5 * 0.6 + 0.5 * 0.4)
    assert found.kappa.value == pytest.approx((0.7 - 0.5) / (1 - 0.5))
    scores = found.agreement, found.expected, found.kappa
    assert [score.metric for score in scores] == ["observed_consistency", "expected_consistency", "error_consistency"]
    for score in scores:
        assert score.n == 100
        assert score.spread is not None
        least = -1 if score is found.kappa else 0
        wider, narrower = score.spread.interval(0.99999999), score.spread.interval()
        assert least <= wider.low < narrower.low < score.number < narrower.high < wider.high <= 1


def test_the_extremes() -> None:
    assert error_consistency(*right(50, 0, 0, 50)).kappa.value == pytest.approx(1.0)
    assert error_consistency(*right(0, 50, 50, 0)).kappa.value == pytest.approx(-1.0)
    assert error_consistency(*right(25, 25, 25, 25)).kappa.value == pytest.approx(0.0)
    lucky = error_consistency(*right(0, 0, 100, 0))  # never right, always right: agreement 0, expected 0
    assert lucky.agreement.value == lucky.expected.value == 0.0
    assert lucky.kappa.value == pytest.approx(0.0)


@pytest.mark.parametrize("counts", [(9, 0, 0, 0), (0, 0, 0, 9)])
def test_kappa_of_two_who_are_always_right_or_always_wrong_is_undefined(counts: tuple[int, ...]) -> None:
    found = error_consistency(*right(*counts))
    assert found.agreement.value == found.expected.value == 1.0
    assert found.kappa.value is None
    assert found.kappa.interval is None
    assert found.kappa.lack == Fact(Lack.NOTHING_BEYOND_CHANCE)
    assert found.agreement.interval is not None


@given(st.lists(st.tuples(st.booleans(), st.booleans()), min_size=2, max_size=60))
def test_kappa_is_scikit_learn_s(pairs: list[tuple[bool, bool]]) -> None:
    first, second = (np.array(column) for column in zip(*pairs, strict=True))
    assume(not (first.all() and second.all()) and (first.any() or second.any()))
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        theirs = cohen_kappa_score(first, second)
    found = error_consistency(first, second)
    assert found.kappa.value == pytest.approx(theirs, abs=1e-12)
    assert found.agreement.value == pytest.approx(np.mean(first == second))
    swapped = error_consistency(second, first)
    assert swapped.kappa.value == pytest.approx(found.kappa.value, abs=1e-12)
    for estimate in (found.kappa, found.agreement, found.expected):
        assert estimate.value is not None
        assert estimate.interval is not None
        assert estimate.interval.low <= estimate.value <= estimate.interval.high


@pytest.mark.parametrize(("p", "q"), [(0.5, 0.5), (0.2, 0.9), (0.95, 0.8), (0.0, 0.3), (1.0, 1.0)])
def test_the_expectation_is_what_independent_observers_agree_in(p: float, q: float) -> None:
    generator = np.random.default_rng(0)
    n = 200_000
    agreed = np.mean((generator.random(n) < p) == (generator.random(n) < q))
    assert expected_agreement(p, q) == pytest.approx(agreed, abs=4 / np.sqrt(n))
    if p != 1.0:
        assert cohens_kappa(agreed, expected_agreement(p, q)) == pytest.approx(0, abs=0.03)


def test_intervals_are_as_wide_as_the_asymptotic_ones() -> None:
    counts = np.array([480, 120, 160, 440])
    found = error_consistency(*right(*counts.tolist()))
    n, shares = counts.sum(), counts / counts.sum()
    seen, chance = shares[0] + shares[3], found.expected.value
    assert chance is not None
    # Fleiss, Cohen & Everitt (1969): the variance of kappa in large samples.
    p, q = shares[0] + shares[1], shares[0] + shares[2]
    kappa = (seen - chance) / (1 - chance)
    diagonal = sum(
        share * ((1 - (a + b) * (1 - kappa)) ** 2) for share, a, b in ((shares[0], p, q), (shares[3], 1 - p, 1 - q))
    )
    crossed = (1 - kappa) ** 2 * (shares[1] * (q + 1 - p) ** 2 + shares[2] * (1 - q + p) ** 2)
    variance = (diagonal + crossed - (kappa - chance * (1 - kappa)) ** 2) / (n * (1 - chance) ** 2)
    interval = found.kappa.interval
    assert interval is not None
    assert interval.high - interval.low == pytest.approx(2 * 1.96 * np.sqrt(variance), rel=0.12)


def test_pairs_count_only_what_both_were_shown() -> None:
    first, second = right(40, 10, 20, 30)
    shown = np.stack([first, second, second], axis=1).astype(float)
    shown[::2, 2] = np.nan
    whole, part = pairwise(shown, [[(0, 1)], [(0, 2)]])
    alone = error_consistency(first[1::2], second[1::2])
    assert (whole.n, part.n) == (100, 50)
    assert part.accuracies == pytest.approx(alone.accuracies)
    assert part.kappa.value == pytest.approx(alone.kappa.value)


def test_a_mean_over_pairs_is_the_mean_of_their_values_and_surer_than_one() -> None:
    generator = np.random.default_rng(1)
    model = generator.random(400) < 0.5
    people = [np.where(generator.random(400) < 0.6, model, generator.random(400) < 0.5) for _ in range(8)]
    table = np.stack([model, *people], axis=1).astype(float)
    pairs = [(0, person) for person in range(1, 9)]
    mean, *single = pairwise(table, [pairs, *([pair] for pair in pairs)])
    values = [each.kappa.value for each in single]
    assert mean.kappa.value == pytest.approx(np.mean([value for value in values if value is not None]))
    assert mean.kappa.interval is not None
    narrow = mean.kappa.interval.high - mean.kappa.interval.low
    for each in single:
        assert each.kappa.interval is not None
        assert narrow < each.kappa.interval.high - each.kappa.interval.low


def test_unequal_or_no_answers_are_refused() -> None:
    with pytest.raises(ArgumentError, match="had 2 and 3"):
        error_consistency(np.ones(2, bool), np.ones(3, bool))
    with pytest.raises(ArgumentError, match="had 0 and 0"):
        error_consistency(np.ones(0, bool), np.ones(0, bool))


@pytest.mark.parametrize(("n", "rate"), [(50, 0.04), (50, 0.1), (250, 0.02), (250, 0.5)])
def test_kappa_s_interval_holds_its_value_also_where_hardly_any_error_is_expected(n: int, rate: float) -> None:
    generator, held, trials = np.random.default_rng(5), 0, 300
    for _ in range(trials):
        together, both = generator.random(n) < 0.3, generator.random(n) >= rate
        first, second = (np.where(together, both, generator.random(n) >= rate) for _ in range(2))
        interval = error_consistency(first, second).kappa.interval
        held += interval is None or interval.low <= 0.3 <= interval.high
    assert held / trials >= 0.93 - 2 * np.sqrt(0.05 * 0.95 / trials)


def test_conditions_are_taken_together_with_images_as_units() -> None:
    generator = np.random.default_rng(6)
    first = generator.random((80, 5)) < 0.6
    second = np.where(generator.random((80, 5)) < 0.5, first, generator.random((80, 5)) < 0.6)
    found, flat = error_consistency(first, second), error_consistency(first.ravel(), second.ravel())
    assert found.kappa.value == pytest.approx(flat.kappa.value)
    assert found.n == 80
    assert found.kappa.interval is not None
    always = np.ones((80, 5), bool)
    assert error_consistency(always, second).kappa.interval is None

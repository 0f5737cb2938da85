"""McNemar, Tango and Newcombe against published examples, exact sums and a numerical likelihood."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from one_score import paired_difference
from scipy.optimize import minimize_scalar
from scipy.stats import binom, binomtest, chi2

from hardiness.statistics.comparison import detectable_paired, difference
from hardiness.statistics.estimate import mean
from hardiness.statistics.intervals import newcombe, wilson
from hardiness.statistics.paired_shares import mcnemar, score_interval


@given(st.integers(0, 300), st.integers(0, 300))
def test_mid_p_is_the_exact_p_less_half_of_what_was_seen_on_either_side(b: int, c: int) -> None:
    if b == c:
        assert mcnemar(b, c) == pytest.approx(1)
    else:
        exact = binomtest(b, b + c).pvalue
        assert mcnemar(b, c) == pytest.approx(exact - binom.pmf(b, b + c, 0.5), rel=1e-6, abs=1e-12)


def test_mid_p_of_many_cells_at_once() -> None:
    np.testing.assert_allclose(mcnemar([1, 7, 0], [7, 1, 0]), [0.0390625, 0.0390625, 1.0])  # 2 (1 + 8) / 256 - 8 / 256


def test_tango_of_a_published_table() -> None:
    """21 children before and after a transplant, 1 and 7 changed: Fagerland, Lydersen & Laake 2014, table IV."""
    found = score_interval(1, 7, 21)
    assert (found.low, found.high) == (pytest.approx(-0.517, abs=5e-4), pytest.approx(-0.026, abs=5e-4))


def test_tango_where_nothing_differs_is_the_score_interval_of_no_event() -> None:
    found = score_interval(0, 0, 100)
    assert found.high == -found.low == pytest.approx(1.959964**2 / (100 + 1.959964**2))


@settings(max_examples=25, deadline=None)
@given(st.integers(0, 30), st.integers(0, 30), st.integers(5, 60))
def test_the_ends_of_tangos_interval_are_where_the_score_test_refuses(b: int, c: int, rest: int) -> None:
    """Against the likelihood's own maximum under each difference, found numerically."""
    n = b + c + rest
    found = score_interval(b, c, n)
    for end in (found.low, found.high):
        if abs(end) > 0.999 or b == c == 0:
            continue
        low, high = max(0.0, -end), (1 - end) / 2

        def loss(share: float, end: float = end) -> float:
            cells = np.array([share + end, share, 1 - 2 * share - end])
            return -float(np.sum(np.array([b, c, rest]) * np.log(np.maximum(cells, 1e-300))))

        share = minimize_scalar(loss, bounds=(low, high), method="bounded", options={"xatol": 1e-12}).x
        z = (b - c - n * end) / np.sqrt(n * (2 * share + end * (1 - end)))
        assert abs(z) == pytest.approx(1.959964, abs=2e-3)


def test_a_paired_difference_by_hand() -> None:
    first, second = np.array([1] * 9 + [0], bool), np.array([1] * 5 + [0] * 4 + [1], bool)
    found = paired_difference(first, second)
    assert found.value == pytest.approx(0.3)
    assert found.n == 10
    assert found.p == pytest.approx(2 * (1 + 5) / 32 - 5 / 32)  # four of five on one side
    assert found.interval is not None
    assert found.interval.low < 0.3 < found.interval.high
    assert not found.is_told_apart
    swapped = paired_difference(second, first)
    assert swapped.value == -found.value
    assert swapped.interval is not None
    assert swapped.interval.low == pytest.approx(-found.interval.high)


def test_one_image_can_be_compared_and_tells_nothing() -> None:
    found = paired_difference(np.array([True]), np.array([False]))
    assert found.value == 1
    assert not found.is_told_apart


def test_an_unpaired_difference_is_newcombes() -> None:
    """Newcombe 1998, table II, method 10, row (a): 56 of 70 and 48 of 80."""
    found = difference(mean(np.arange(70), np.arange(70) < 56), mean(np.arange(100, 180), np.arange(80) < 48))
    assert found.value == pytest.approx(0.2)
    assert found.interval is not None
    assert found.interval.low == pytest.approx(0.0524, abs=6e-5)
    assert found.interval.high == pytest.approx(0.3339, abs=6e-5)
    assert "different photographs" in found.method
    # Its p is the level at which its interval reaches 0, near the chi-squared test's.
    assert found.p == pytest.approx(chi2.sf((56 * 32 - 14 * 48) ** 2 * 149 / (70 * 80 * 104 * 46), 1), rel=0.1)
    narrowed = newcombe(56 / 70, wilson(56, 70, 1 - found.p), 48 / 80, wilson(48, 80, 1 - found.p))
    assert narrowed.low == pytest.approx(0, abs=1e-9)


def test_what_can_be_told_solves_connors_equation() -> None:
    """n = (1.96 sqrt(psi) + 0.8416 sqrt(psi - d^2))^2 / d^2 has the answer 0.0198 for psi = .2 in 4,000 images."""
    found = detectable_paired(0.2, 4000)
    n = (1.959964 * np.sqrt(0.2) + 0.841621 * np.sqrt(0.2 - found**2)) ** 2 / found**2
    assert n == pytest.approx(4000, rel=1e-6)
    assert found == pytest.approx(0.0198, abs=1e-4)
    assert detectable_paired(0.0, 100) == pytest.approx((1.959964 + 0.841621) ** 2 / 100, rel=0.05)

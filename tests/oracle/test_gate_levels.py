"""How often a gate is wrong about single shares: exactly, over all outcomes that there are."""

from __future__ import annotations

from functools import cache

import numpy as np
import pytest
from scipy.stats import binom

from hardiness.core.result import Score
from hardiness.core.spread import Spread
from hardiness.statistics.estimate import mean
from hardiness.statistics.spreads.shares import ExactShare, LowestShare, ShareOfImages, WilsonShare
from hardiness.statistics.verdicts import Limit, rulings

ABOVE, BELOW = 1, -1
LEVEL = 0.025


def scored(spread: Spread, n: int) -> Score:
    """A share or a mean that a rule is on."""
    return Score("number", spread.value, "fraction", n, spread)


@cache
def outcomes(n: int, limit: float, side: int) -> tuple[str, ...]:
    """The verdict of each number of hits."""
    return tuple(rulings([(scored(ShareOfImages(hits, n), n), Limit(limit, side))])[0].outcome for hits in range(n + 1))


def chance(outcome: str, n: int, share: float, limit: float, side: int) -> float:
    """How likely that verdict is where the share is ``share``."""
    given = np.array([each == outcome for each in outcomes(n, limit, side)])
    return float(binom.pmf(np.arange(n + 1), n, share)[given].sum())


@pytest.mark.parametrize("n", [1, 5, 30, 100, 250])
@pytest.mark.parametrize("limit", [0.001, 0.01, 0.05, 0.3, 0.5, 0.9, 0.99, 0.999])
@pytest.mark.parametrize("side", [ABOVE, BELOW])
def test_a_share_on_its_limit_is_failed_and_passed_in_at_most_one_of_forty(n: int, limit: float, side: int) -> None:
    assert chance("fail", n, limit, limit, side) <= LEVEL
    # Nearer to what is good a fail is rarer still; what lies just beyond the limit is passed as seldom.
    assert chance("fail", n, limit - side * limit * (1 - limit) / 2, limit, side) <= LEVEL
    assert chance("pass", n, limit, limit, side) <= LEVEL


def test_wilsons_interval_would_fail_three_times_as_often() -> None:
    """The interval that tables show is near enough to read a number by, and not to block a merge."""
    judged = [rulings([(scored(WilsonShare(k, 100), 100), Limit(0.99, BELOW))])[0].outcome for k in range(101)]
    false = binom.pmf(np.arange(101), 100, 0.99)[np.array(judged) == "fail"].sum()
    assert false == pytest.approx(0.079, abs=0.001)
    assert chance("fail", 100, 0.99, 0.99, BELOW) == pytest.approx(0.0184, abs=0.0001)


def test_of_ten_rules_on_their_limits_one_is_failed_in_at_most_one_of_forty_policies() -> None:
    """Ten shares of other pictures each, as the rules of ten benchmarks; drawn, since Holm looks at all at once."""
    draws = np.random.default_rng(5).binomial(100, 0.99, (4000, 10))
    found = {
        tuple(row): any(
            ruling.outcome == "fail"
            for ruling in rulings([(scored(ShareOfImages(hits, 100), 100), Limit(0.99, BELOW)) for hits in row])
        )
        for row in {tuple(sorted(row)) for row in draws.tolist()}
    }
    false = np.mean([found[tuple(sorted(row))] for row in draws.tolist()])
    assert false <= LEVEL


def test_the_power_that_it_costs_is_small() -> None:
    """A share ten points beyond its limit is failed nearly as often as by Wilson's interval."""
    assert chance("fail", 250, 0.8, 0.9, BELOW) > 0.97
    assert chance("pass", 250, 0.97, 0.9, BELOW) > 0.97


@pytest.mark.parametrize(("classes", "n", "share"), [(2, 20, 0.99), (7, 8, 0.9), (10, 50, 0.97)])
def test_the_lowest_of_several_recalls_on_the_limit_is_seldom_failed_or_passed(
    classes: int, n: int, share: float
) -> None:
    """All classes on the limit is where a fail is likeliest; one on it, and all others perfect, where a pass is."""
    draws = np.random.default_rng(7).binomial(n, share, (4000, classes))
    draws.sort(axis=1)
    rows, counts = np.unique(draws, axis=0, return_counts=True)

    def judged(hits: np.ndarray) -> str:
        lowest = LowestShare(tuple(ExactShare(each, n) for each in hits.tolist()))
        return rulings([(scored(lowest, n), Limit(share, BELOW))])[0].outcome

    false = sum(count for row, count in zip(rows, counts.tolist(), strict=True) if judged(row) == "fail") / len(draws)
    assert false <= LEVEL + 0.004, "4,000 draws"
    others = [n] * (classes - 1)
    passed = [judged(np.array([hits, *others])) == "pass" for hits in range(n + 1)]
    assert float(binom.pmf(np.arange(n + 1), n, share)[passed].sum()) <= LEVEL


def test_one_class_that_is_surely_low_fails_and_all_that_are_surely_high_pass() -> None:
    def judged(*hits: int) -> str:
        lowest = LowestShare(tuple(ExactShare(each, 50) for each in hits))
        return rulings([(scored(lowest, 50), Limit(0.8, BELOW))])[0].outcome

    assert judged(50, 50, 25) == "fail"
    assert judged(49, 50, 48) == "pass"
    assert judged(50, 50, 40) == "cannot tell"
    spread = LowestShare(tuple(ExactShare(hits, 50) for hits in (49, 50, 48)))
    ends = spread.deciding_ends(0.05)
    assert ends.low < spread.value == 0.96 < ends.high
    assert spread.p(ends.low, ABOVE) == pytest.approx(0.025, rel=1e-6)
    assert spread.p(ends.high, BELOW) == pytest.approx(0.025, rel=1e-6)


@pytest.mark.slow
@pytest.mark.parametrize("cells", [45, pytest.param(75, marks=pytest.mark.thorough)])
def test_a_mean_over_cells_with_hopeless_images_is_seldom_passed_on_its_limit(cells: int) -> None:
    """1 % of 1,000 images err in nine of ten cells, others in one of fifty; 3.3 % passed by effective Wilson alone."""
    draws, trials, limit, at = np.random.default_rng(cells), 4000, 0.9 * 0.01 + 0.02 * 0.99, np.arange(1000)
    outcomes, by_interval = list[str](), list[str]()
    for _ in range(trials):
        often = np.where(draws.random(1000) < 0.01, 0.9, 0.02)
        estimate = mean(at, draws.binomial(cells, often) / cells)
        for spread, verdicts in ((estimate.spread_of_cells(1.0), outcomes), (estimate.spread(0, 1), by_interval)):
            verdicts.append(rulings([(scored(spread, 1000), Limit(limit, ABOVE))])[0].outcome)
    most = LEVEL + 2 * np.sqrt(LEVEL * (1 - LEVEL) / trials)
    assert outcomes.count("pass") / trials <= most < by_interval.count("pass") / trials
    assert outcomes.count("fail") / trials <= most


def test_the_interval_of_a_mean_ends_where_its_p_value_is_the_level() -> None:
    """Also of one that few images decide, and that is no share."""
    draws = np.random.default_rng(3)
    for values, top in ((draws.beta(0.3, 3, 200), 1.0), (3 * draws.beta(0.5, 3, 200), 3.0), (draws.random(900), 1.0)):
        spread = mean(np.arange(len(values)), values).spread_of_cells(top)
        for level in (0.2, 0.05, 0.001):
            ends = spread.deciding_ends(level)
            assert 0 < ends.low < spread.value < ends.high < top
            assert spread.p(ends.low, ABOVE) == pytest.approx(level / 2, rel=1e-6)
            assert spread.p(ends.high, BELOW) == pytest.approx(level / 2, rel=1e-6)

"""Verdicts on limits: each method against what it names, Holm over all, and how often they are false."""

from __future__ import annotations

import math

import numpy as np
import pytest

from hardiness.core.result import Score
from hardiness.core.spread import Interval, Spread
from hardiness.statistics.comparison import difference
from hardiness.statistics.estimate import mean
from hardiness.statistics.intervals import wilson
from hardiness.statistics.paired_shares import score_interval
from hardiness.statistics.spreads.combined import Scaled, TwoEnds, cut
from hardiness.statistics.spreads.differences import ExactSides
from hardiness.statistics.spreads.shares import WilsonShare
from hardiness.statistics.verdicts import LEVEL, Limit, rulings

ABOVE = 1


def judged(spread: Spread, n: int, unit: str = "fraction") -> Score:
    return Score("number", spread.value, unit, n, spread)


def share(hits: int, n: int) -> Score:
    return judged(WilsonShare(hits, n), n)


def ends_of(score: Score, level: float) -> Interval:
    assert score.spread is not None
    return score.spread.deciding_ends(level)


def of_shares(first_only: int, second_only: int, n: int, worse: float = 1.0) -> Score:
    """The difference of two shares of the same images."""
    at = np.arange(n)
    sides = mean(at, at < first_only), mean(at, (at >= first_only) & (at < first_only + second_only))
    spread = difference(*sides, 1.0).spread
    assert spread is not None
    return judged(Scaled(spread, 0.0, worse), n)


@pytest.mark.parametrize("confidence", [0.9, 0.99, 0.999])
@pytest.mark.parametrize(("hits", "n"), [(3, 40), (20, 40), (199, 200), (400, 1000)])
def test_a_share_at_another_confidence_has_wilsons_interval(hits: int, n: int, confidence: float) -> None:
    found, wanted = ends_of(share(hits, n), 1 - confidence), wilson(hits, n, confidence)
    assert (found.low, found.high) == (pytest.approx(wanted.low), pytest.approx(wanted.high))


def test_p_is_small_where_and_only_where_the_interval_leaves_the_limit_out() -> None:
    for score in (share(30, 100), of_shares(20, 8, 100), judged(TwoEnds(1.2, 0.9, 1.6), 50, "ratio")):
        for level in (0.2, 0.05, 0.005):
            ends = ends_of(score, level)
            assert score.p(ends.low, ABOVE) == pytest.approx(level / 2, rel=1e-3)
            assert score.p(ends.high, -ABOVE) == pytest.approx(level / 2, rel=1e-3)


def test_paired_shares_have_the_outermost_ends_of_tangos_and_of_exact_intervals() -> None:
    shown = score_interval(20, 8, 100, 0.01)
    exact = ExactSides(20, 8, 100).ends(0.01)
    assert ends_of(of_shares(20, 8, 100), 0.01) == Interval(min(shown.low, exact.low), max(shown.high, exact.high))
    assert ends_of(of_shares(20, 8, 100, worse=-1.0), 0.01).high == -ends_of(of_shares(20, 8, 100), 0.01).low


def test_pass_fail_and_cannot_tell_of_one_rule_are_those_of_its_95_percent_interval() -> None:
    score = share(300, 1000)
    ends = ends_of(score, 0.05)
    for limit, side, outcome in (
        (ends.high + 1e-6, 1, "pass"),
        (ends.high - 1e-6, 1, "cannot tell"),
        (ends.low - 1e-6, 1, "fail"),
        (ends.low + 1e-6, 1, "cannot tell"),
        (ends.low - 1e-6, -1, "pass"),
        (ends.high + 1e-6, -1, "fail"),
    ):
        (ruling,) = rulings([(score, Limit(limit, side))])
        assert ruling.outcome == outcome
        assert ruling.family == 1
        assert (ruling.more > 0) == (outcome == "cannot tell")


def test_a_failure_among_many_rules_needs_the_simultaneous_interval_and_a_pass_does_not() -> None:
    barely = share(330, 1000), Limit(0.30, ABOVE)  # z about 2.07: beyond 1.96, not beyond what ten rules ask
    assert rulings([barely])[0].outcome == "fail"
    others = [(share(300, 1000), Limit(0.30, ABOVE))] * 9
    first = rulings([barely, *others])[0]
    assert (first.outcome, first.family) == ("cannot tell", 10)
    assert first.interval.low < 0.30 < first.interval.high
    passing = share(270, 1000), Limit(0.30, ABOVE)
    assert rulings([passing, *others])[0].outcome == "pass"
    assert rulings([passing, *others])[0].family == 1


def test_holm_steps_down() -> None:
    """The second of two clear failures is asked less than the first."""
    cases = [(share(900, 1000), Limit(0.3, ABOVE)), (share(330, 1000), Limit(0.3, ABOVE))]
    assert [ruling.outcome for ruling in rulings(cases)] == ["fail", "fail"]
    assert [ruling.family for ruling in rulings(cases)] == [2, 1]


def test_how_many_images_more_would_decide() -> None:
    (near,) = rulings([(share(310, 1000), Limit(0.30, ABOVE))])
    assert near.outcome == "cannot tell"
    n = 1000 + near.more
    (then,) = rulings([(share(math.ceil(0.31 * n), n), Limit(0.30, ABOVE))])
    assert then.outcome == "fail"
    fewer = 1000 + near.more // 2
    assert rulings([(share(round(0.31 * fewer), fewer), Limit(0.30, ABOVE))])[0].outcome == "cannot tell"
    (at,) = rulings([(share(300, 1000), Limit(0.30, ABOVE))])
    assert at.more == 100_000


def test_a_number_on_the_limit_needs_sixty_times_the_images_and_no_number_is_sure() -> None:
    """With a flat prior it lies beyond a quarter of an error on either side with 80 % chance: 1.96 / .2533 squared."""
    (at,) = rulings([(share(300, 1000), Limit(0.30, ABOVE))])
    assert at.needed is not None
    assert at.needed.count == pytest.approx(1000 * (1.95996 / 0.25335) ** 2, rel=1e-3)
    assert (at.needed.at_least, at.needed.high) == (False, None)
    among = rulings([(share(300, 1000), Limit(0.30, ABOVE))] * 200)[0]
    assert among.needed is not None
    assert (among.needed.count, among.needed.at_least) == (100_000, True)
    (near,) = rulings([(share(325, 1000), Limit(0.30, ABOVE))])
    assert near.needed is not None
    assert near.needed.high is not None
    assert near.needed.low < near.needed.count < near.needed.high


def test_what_no_share_can_be_beyond_is_passed_whatever_was_seen() -> None:
    for score in (share(0, 1), share(1, 1), share(40, 90)):
        for limit in (Limit(0.0, -1), Limit(1.0, 1), Limit(1.5, 1)):
            assert rulings([(score, limit)])[0].outcome == "pass"


def test_none_of_n_does_not_prove_none() -> None:
    (none,) = rulings([(share(0, 100), Limit(0.0, ABOVE))])
    assert none.outcome == "cannot tell"
    (enough,) = rulings([(share(0, 1000), Limit(0.01, ABOVE))])
    assert enough.outcome == "pass"


@pytest.mark.slow
def test_false_failures_over_all_rules_are_rare_at_the_limit_itself() -> None:
    draws = np.random.default_rng(5)
    false = 0
    for _ in range(2000):
        hits = draws.binomial(400, 0.3, 5)
        found = rulings([(share(int(each), 400), Limit(0.3, ABOVE)) for each in hits])
        false += any(ruling.outcome == "fail" for ruling in found)
    assert false / 2000 < 0.05


@pytest.mark.parametrize(
    ("value", "facts", "side", "bound"), [(0.9, (0.11, 0.99), -1, 0.0), (0.1, (0.01, 0.89), 1, 1.0)]
)
def test_of_two_pictures_an_equal_share_may_fall_to_its_bound(
    value: float, facts: tuple[float, float], side: int, bound: float
) -> None:
    spread = cut(TwoEnds(value, *facts))
    assert spread.end_of_next(side, 0.0018, LEVEL) == bound
    assert spread.end_of_next(-side, 0.0018, LEVEL) == 1 - bound, "so few answers say little"

"""Intervals of every kind at other levels are those of the methods' own formulas, as scipy has them; p-values too."""

from __future__ import annotations

import json
import math

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy.stats import beta, binom, gamma, norm, t

from hardiness.core.errors import ArgumentError, StoreError
from hardiness.core.fact import error_of
from hardiness.core.forms import from_json, json_form
from hardiness.core.result import Metric, Score
from hardiness.core.spread import Spread
from hardiness.statistics.estimate import mean
from hardiness.statistics.intervals import clopper_pearson
from hardiness.statistics.paired_shares import score_statistic
from hardiness.statistics.sequences import STOP_ERRORS
from hardiness.statistics.spreads.combined import Among, Combined, Scaled, Sum, TwoEnds, cut
from hardiness.statistics.spreads.differences import (
    ExactSides,
    PairedShares,
    SpreadOfDifference,
    TwoSides,
    UnseenDifference,
)
from hardiness.statistics.spreads.looks import PairedSharesAtEveryLook, ShareAtEveryLook, ShareAtStop, SumAtEveryLook
from hardiness.statistics.spreads.means import (
    AreaUnderCurve,
    BoundedMean,
    ExactlyBoundedMean,
    Gamma,
    Mean,
    MeanOfCells,
    MeanWithoutSkew,
    Unseen,
)
from hardiness.statistics.spreads.shares import ClusteredShare, ExactShare, LowestShare, ShareOfImages, WilsonShare

LEVELS = (0.2, 0.05, 0.01, 0.05 / 60)
ABOVE, BELOW = 1, -1


def of_wilson(share: float, n: float, z: float) -> tuple[float, float]:
    """The two shares that lie z of their own standard errors from the one seen: the roots of a square equation."""
    low, high = sorted(np.roots([1 + z * z / n, -2 * share - z * z / n, share * share]).real)
    return float(low), float(high)


def of_clopper_pearson(hits: float, n: float, level: float) -> tuple[float, float]:
    low = beta.ppf(level / 2, hits, n - hits + 1) if hits else 0.0
    return float(low), float(beta.ppf(1 - level / 2, hits + 1, n - hits)) if hits < n else 1.0


def ends_of(spread: Spread, level: float) -> tuple[float, float]:
    """By what is left of it in a file."""
    made = Spread.from_dict(json.loads(json.dumps(spread.as_dict()))).ends(level)
    return made.low, made.high


@pytest.mark.parametrize("level", LEVELS)
@pytest.mark.parametrize(("hits", "n"), [(0, 30), (3, 40), (20, 40), (199, 200), (400, 1000)])
def test_of_a_share(hits: int, n: int, level: float) -> None:
    exact, close = of_clopper_pearson(hits, n, level), of_wilson(hits / n, n, norm.isf(level / 2))
    few = min(hits, n - hits) < 15
    wanted = (min(exact[0], close[0]), max(exact[1], close[1])) if few else close
    assert ends_of(ShareOfImages(hits, n), level) == pytest.approx(wanted, abs=1e-9)
    assert ends_of(WilsonShare(hits, n), level) == pytest.approx(close, abs=1e-9)
    assert ends_of(ExactShare(hits, n), level) == pytest.approx(exact, abs=1e-9)
    assert ShareOfImages(hits, n).deciding_ends(level) == clopper_pearson(hits, n, 1 - level)


@pytest.mark.parametrize("level", LEVELS)
def test_of_a_mean_over_cells(level: float) -> None:
    """Wilson's with as many answers as vary as much, fewer the less is known of that."""
    draws = np.random.default_rng(1)
    values = (draws.random((300, 5)) < draws.beta(1, 3, (300, 1))).astype(float)
    estimate = mean(np.arange(300), values)
    z, points = norm.isf(level / 2), t.isf(level / 2, estimate.telling - 1)
    answers = estimate.value * (1 - estimate.value) / estimate.variance * (z / points) ** 2
    assert answers > 300, "more than there are images"
    wanted = of_wilson(estimate.value, answers, z)
    assert ends_of(estimate.spread(0.0, 1.0), level) == pytest.approx(wanted, abs=1e-9)
    straight = estimate.interval(0.0, 1.0, level)
    assert (straight.low, straight.high) == pytest.approx(wanted, abs=1e-9)
    of_twice = (estimate * 2.0).spread(0.0, 2.0)
    assert ends_of(of_twice, level) == pytest.approx([2 * end for end in wanted], abs=1e-9)


@pytest.mark.parametrize("level", LEVELS)
def test_of_a_number_that_nothing_bounds(level: float) -> None:
    """Without skew Student's; with it, an end whose transformation is Student's point, where that lies further out."""
    points = t.isf(level / 2, 24)
    assert ends_of(Mean(3.0, 0.2, 0.0, 24), level) == pytest.approx((3 - 0.2 * points, 3 + 0.2 * points))
    low, high = ends_of(Mean(3.0, 0.2, 0.15, 24), level)
    assert low == pytest.approx(3 - 0.2 * points), "the shorter side is Student's"
    apart = (3.0 - high) / 0.2
    transformed = apart + 0.15 * apart**2 / 3 + 0.15**2 * apart**3 / 27 + 0.15 / 6
    assert transformed == pytest.approx(-points)


@pytest.mark.parametrize("level", LEVELS)
def test_of_a_sum_in_which_cells_count_against_others(level: float) -> None:
    """That of a number that nothing bounds, reaching to the images that may have been left out of either end."""
    draws = np.random.default_rng(4)
    values = (draws.random((400, 2)) < [0.02, 0.01]).astype(float)
    estimate = mean(np.arange(400), values, np.array([2.0, -1.0]))
    spread, unseen = estimate.interval(alpha=level), of_wilson(0.0, 400, norm.isf(level / 2))[1]
    low, high = estimate.value - (estimate.value + 1) * unseen, estimate.value + (2 - estimate.value) * unseen
    wanted = min(low, spread.low), max(high, spread.high)
    straight = estimate.interval(-1.0, 2.0, level, signed=True)
    assert (straight.low, straight.high) == pytest.approx(wanted)
    assert ends_of(estimate.spread(-1.0, 2.0, signed=True), level) == pytest.approx(wanted)
    assert ends_of(estimate.spread(-1.0, 2.0), level) != pytest.approx(wanted), "which is Wilson's, of a range"


@pytest.mark.parametrize("level", LEVELS)
def test_of_differences_on_the_same_images(level: float) -> None:
    low, high = ends_of(PairedShares(20, 8, 100), level)
    for end in (low, high):
        assert abs(score_statistic(20, 8, 100, end)) == pytest.approx(norm.isf(level / 2), rel=1e-6)
    ahead, behind = (of_wilson(count / 100, 100, norm.isf(level / 2)) for count in (3, 2))
    below, above = math.hypot(0.03 - ahead[0], behind[1] - 0.02), math.hypot(ahead[1] - 0.03, 0.02 - behind[0])
    assert ends_of(TwoSides(3, 2, 100), level) == pytest.approx((0.01 - below, 0.01 + above), abs=1e-9)


@pytest.mark.parametrize("level", LEVELS)
def test_of_areas_and_of_what_chance_left_out(level: float) -> None:
    z = norm.isf(level / 2)
    for end in ends_of(AreaUnderCurve(0.9, 12, 80), level):
        variance = end * (1 - end) * (1 + 45 * ((1 - end) / (2 - end) + end / (1 + end))) / (12 * 80)
        assert abs(0.9 - end) == pytest.approx(z * math.sqrt(variance), rel=1e-6)
    shape = 0.02**2 / 1e-4
    assert ends_of(Gamma(0.01, 0.02, 1e-4), level) == pytest.approx(
        (0.01, gamma.isf(level / 2, shape, scale=1e-4 / 0.02))
    )
    unseen, usual = z * z / (60 + z * z), Mean(0.5, 1e-6, 0.0, 50)
    assert ends_of(Combined((usual, Unseen(0.5, 60, -1.0, 2.0))), level) == pytest.approx(
        (0.5 - 1.5 * unseen, 0.5 + 1.5 * unseen)
    )


@pytest.mark.parametrize("level", LEVELS)
def test_of_intervals_that_are_made_of_others(level: float) -> None:
    one, other = WilsonShare(30, 100), WilsonShare(45, 120)
    (a, b), (c, d) = (of_wilson(hits / n, n, norm.isf(level / 2)) for hits, n in ((30, 100), (45, 120)))
    wanted = 0.3 - 0.375 - math.hypot(0.3 - a, d - 0.375), 0.3 - 0.375 + math.hypot(b - 0.3, 0.375 - c)
    assert ends_of(Sum(0.3 - 0.375, (one,), (other,)), level) == pytest.approx(wanted)
    assert ends_of(Combined((one, other)), level) == pytest.approx((min(a, c), max(b, d)))
    assert ends_of(cut(one, 0.28, math.inf), level) == pytest.approx((max(a, 0.28), b))
    assert ends_of(Scaled(one, 1.0, -1.0), level) == pytest.approx((1 - b, 1 - a))
    of_four = of_wilson(0.3, 100, norm.isf(level / 8))
    assert ends_of(Among(one, 0.25), level) == pytest.approx(of_four), "four such intervals all hold"
    assert Among(one, 0.25).p(0.2, ABOVE) == pytest.approx(4 * one.p(0.2, ABOVE))
    assert ends_of(cut(one, most=0.31), level) == pytest.approx((a, min(b, 0.31)))
    assert cut(one) is one, "a share cannot leave [0, 1]"


@pytest.mark.parametrize("level", LEVELS)
def test_of_a_run_that_stopped_by_width_and_of_one_that_says_nothing(level: float) -> None:
    z = norm.isf(level / 2)
    wanted = of_wilson(0.4, 500, STOP_ERRORS * z / norm.isf(0.025))
    assert ends_of(ShareAtStop(200, 500, None), level) == pytest.approx(wanted, abs=1e-9)
    times = z / norm.isf(0.025)
    assert ends_of(TwoEnds(1.2, 0.9, 1.8), level) == pytest.approx((1.2 - 0.3 * times, 1.2 + 0.6 * times))


@pytest.mark.parametrize("limit", [0.2, 0.28, 0.35, 0.5])
def test_p_values_are_those_of_the_binomial_the_normal_and_students_distribution(limit: float) -> None:
    exact = ShareOfImages(30, 100)
    assert exact.p(limit, ABOVE) == pytest.approx(binom.sf(29, 100, limit), rel=1e-9)
    assert exact.p(limit, BELOW) == pytest.approx(binom.cdf(30, 100, limit), rel=1e-9)
    errors = (0.3 - limit) / math.sqrt(limit * (1 - limit) / 100)
    close = WilsonShare(30, 100)
    beyond, other = (ABOVE, BELOW) if limit < 0.3 else (BELOW, ABOVE)
    assert close.p(limit, beyond) == pytest.approx(norm.sf(abs(errors)), rel=1e-9)
    assert close.p(limit, other) == pytest.approx(norm.cdf(abs(errors)), rel=1e-9)
    of_t = Mean(0.3, 0.05, 0.0, 9)
    assert of_t.p(limit, beyond) == pytest.approx(t.sf(abs(0.3 - limit) / 0.05, 9), rel=1e-9)
    stretch = TwoEnds(0.3, 0.2, 0.4)
    errors = abs(0.3 - limit) / 0.1 * norm.isf(0.025)
    assert stretch.p(limit, beyond) == pytest.approx(norm.sf(errors), rel=1e-9)
    errors = score_statistic(40, 10, 100, limit)
    assert PairedShares(40, 10, 100).level_reaching(limit) == pytest.approx(2 * norm.sf(abs(errors)), rel=1e-9)


SHARES = st.integers(1, 2000).flatmap(lambda n: st.tuples(st.integers(0, n), st.just(n)))


@st.composite
def kinds(draw: st.DrawFn) -> Spread:
    """A spread of any kind."""
    hits, n = draw(SHARES)
    share = hits / n
    error, skew = draw(st.floats(1e-3, 0.3)), draw(st.floats(-0.5, 0.5))
    telling = draw(st.integers(2, 400))
    first, second = draw(st.integers(1, 200)), draw(st.integers(1, 200))
    bounded = BoundedMean(share, error**2, telling, n, n)
    pairs = PairedShares(hits, n // 3, 2 * n)
    return draw(
        st.sampled_from(
            [
                ShareOfImages(hits, n),
                ExactShare(hits, n),
                WilsonShare(hits, n),
                ClusteredShare(share, error**2, n, max(telling // 4, 2)),
                ShareAtStop(hits, n, None),
                ShareAtEveryLook(hits, n),
                PairedSharesAtEveryLook(hits, n // 3, 2 * n),
                SumAtEveryLook(share, n, error**2, 0.02, 0.0, 1.0, skew, telling),
                LowestShare((ExactShare(hits, n), ExactShare(n // 2, n))),
                bounded,
                ExactlyBoundedMean(3 * share - 1, error**2, telling, n, n, -1.0, 2.0),
                MeanOfCells(share, error**2, telling, n, n, skew=skew, degrees=telling - 1),
                Scaled(ShareOfImages(hits, n), 2.0, -3.0),
                Among(ExactShare(hits, n), 0.25),
                Combined((WilsonShare(hits, n), AreaUnderCurve(share, first, second, 0.5))),
                Combined((bounded, Gamma(share, share + 1 / n, error**2 + 2 / n**2)), 0.0, 1.0),
                Combined((Mean(share, error, skew, telling), Unseen(share, n, -1.0, 1.0)), -1.0, 1.0),
                Mean(share, error, skew, telling - 1),
                MeanWithoutSkew(share, error, skew / 4, telling + 20),
                TwoEnds(share, share - error, share + 2 * error),
                Sum(share - 0.5, (ShareOfImages(hits, n),), (ExactShare(n // 2, n),)),
                Sum(share, (Mean(share, error, skew, telling), UnseenDifference(share, n, 1.0))),
                TwoSides(hits / 2, n / 3, n, 2.0),
                ExactSides(hits / 2, n / 3, n, 2.0),
                pairs,
                SpreadOfDifference(
                    pairs, pairs.level_reaching(0.0), Combined((pairs, ExactSides(hits, n // 3, 2 * n)))
                ),
            ]
        )
    )


@settings(deadline=None, max_examples=150)
@given(kinds(), st.tuples(st.floats(1e-6, 0.9), st.floats(1e-6, 0.9)).map(sorted))
def test_a_higher_confidence_is_wider_and_every_interval_holds_the_number(spread: Spread, levels: list[float]) -> None:
    assert Spread.from_dict(json.loads(json.dumps(spread.as_dict()))) == spread
    assert spread.interval(0.95) == spread.interval() == spread.ends(0.05)
    for ends in (spread.ends, spread.deciding_ends):
        wider, narrower = map(ends, levels)
        assert wider.low <= narrower.low + 1e-9
        assert narrower.high <= wider.high + 1e-9
        # Of Hall's transformation the middle is a sixth of the skew away, which a wide interval holds.
        assert wider.low - 1e-9 <= spread.value <= wider.high + 1e-9 or levels[0] > 0.5


@settings(deadline=None, max_examples=300)
@given(kinds(), st.floats(0.0, 1.0), st.floats(1e-6, 0.25))
def test_what_rules_take_for_sure_lies_beyond_the_limit_on_pages_too(spread: Spread, place: float, a: float) -> None:
    """A p below a says that the interval of 1 - 2a lies beyond the limit, which the deciding one leaves out there.

    Pages show of few hits Wilson's interval, which reaches further than the exact one, and of the lowest of several
    shares bounds that hold for all of them at once.
    """
    kind = spread.of if isinstance(spread, Scaled) else spread
    wide = spread.deciding_ends(1e-4)
    limit = wide.low + place * (wide.high - wide.low)
    shown, deciding = spread.ends(2 * a), spread.deciding_ends(2 * a)
    for side, ends in ((1, (shown.low, deciding.low)), (-1, (shown.high, deciding.high))):
        if spread.p(limit, side) < a * (1 - 1e-6):
            assert side * (ends[1] - limit) >= -1e-6
            assert isinstance(kind, ShareOfImages | LowestShare) or side * (ends[0] - limit) >= -1e-6
        elif spread.p(limit, side) > a * (1 + 1e-6):
            assert side * (ends[1] - limit) <= 1e-6


def test_a_score_is_kept_with_its_spread() -> None:
    score = Metric("top1").score(0.3, 100, ShareOfImages(30, 100))
    form = json.loads(json.dumps(json_form(score)))
    assert form["interval"] == [score.interval.low, score.interval.high]  # type: ignore[union-attr]
    assert form["spread"] == {"kind": "share", "hits": 30, "n": 100}
    again = from_json(Score, form, "the memo")
    assert again == score
    form["spread"]["kind"] = "guess"
    with pytest.raises(StoreError, match="the field 'spread' of the memo must be a spread with its kind"):
        from_json(Score, form, "the memo")


def test_what_has_no_interval_is_not_decided() -> None:
    with pytest.raises(ValueError, match=r"top1 has no interval: error \(line few\)"):
        Metric("top1").score(0.3, 100, lack=error_of(ArgumentError("few"))).p(0.5, ABOVE)

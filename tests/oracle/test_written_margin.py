"""How often a new, equally good model passes the limits that are written of today's numbers."""

from __future__ import annotations

import numpy as np
import pytest
from scipy.stats import betabinom, binom, hypergeom

from hardiness.core.result import Score
from hardiness.core.spread import Spread
from hardiness.statistics.binomial import next_hits
from hardiness.statistics.comparison import difference
from hardiness.statistics.estimate import mean
from hardiness.statistics.intervals import proportion
from hardiness.statistics.spreads.combined import TwoEnds
from hardiness.statistics.spreads.means import BoundedMean
from hardiness.statistics.spreads.shares import ShareOfImages
from hardiness.statistics.verdicts import LEVEL, Limit, rulings, spread_of_shares

ABOVE, BELOW = 1, -1
CHANCE = 0.9


def limit_of(spread: Spread, side: int, rules: int) -> float:
    """Where the limit of one of so many rules lies, a rounding further out."""
    return spread.end_of_next(side, (1 - CHANCE) / rules, LEVEL) + side * 1e-9


def judged(spread: Spread) -> Score:
    """A number that a rule is on."""
    return Score("number", spread.value, "ratio", 100, spread)


@pytest.mark.parametrize(("hits", "n"), [(0, 7), (3, 20), (160, 200), (199, 200), (4000, 5000)])
def test_the_fewest_and_most_new_hits_are_those_that_fishers_test_does_not_tell_apart(hits: int, n: int) -> None:
    for level in (0.1, 0.02):
        fewest, most = next_hits(hits, n, BELOW, level), next_hits(hits, n, ABOVE, level)
        new = np.arange(n + 1)
        first = hypergeom.sf(hits - 1, 2 * n, hits + new, n)
        last = hypergeom.cdf(hits, 2 * n, hits + new, n)
        assert (fewest, most) == (int(np.argmax(first > level)), n - int(np.argmax(last[::-1] > level)))
        assert fewest <= hits <= most
        # As of a beta posterior whose prior leans away from the side.
        assert betabinom.cdf(fewest - 1, n, hits, n - hits + 1) <= level + 1e-9 if hits else fewest == 0


@pytest.mark.parametrize("rules", [1, 5])
@pytest.mark.parametrize("n", [100, 1000, 5000])
@pytest.mark.parametrize("share", [0.1, 0.5, 0.8, 0.95, 0.99])
def test_an_equal_model_passes_a_policy_of_shares_in_nine_of_ten_cases(share: float, n: int, rules: int) -> None:
    """Summed over all outcomes of both, on other images; the end of today's own interval passes it in about half."""
    some = np.arange(int(binom.ppf(1e-6, n, share)), int(binom.ppf(1 - 1e-6, n, share)) + 1)
    fewest = [next_hits(int(hits), n, BELOW, (1 - CHANCE) / rules) for hits in some]
    passes = float(binom.pmf(some, n, share) @ binom.sf(np.array(fewest) - 1, n, share)) ** rules
    assert passes >= CHANCE
    assert passes <= 0.95 or share > 0.9 or n == 100, "and the margin is not larger than that takes"


@pytest.mark.parametrize("hits", [0, 1, 60, 99, 100])
def test_the_model_itself_and_the_next_at_the_last_place_pass(hits: int) -> None:
    for rules in (1, 5):
        for side in (ABOVE, BELOW):
            spread = ShareOfImages(hits, 100)
            limit = Limit(limit_of(spread, side * -1, rules), side * -1)
            limit = Limit(min(max(limit.at, 0.0), 1.0), limit.side)
            following = ShareOfImages(next_hits(hits, 100, limit.side, (1 - CHANCE) / rules), 100)
            shares = (Score("share", each.value, "fraction", 100, each) for each in (spread, following))
            assert [each.outcome for each in rulings([(share, limit) for share in shares])] == ["pass", "pass"]


def of_cells(n: int, kind: str, draws: np.random.Generator) -> Spread:
    """The mean error over 15 cells of pictures that are hard or easy, of which 3 % may be hopeless."""
    hard = draws.beta(1, 2.3, (n, 1)) if kind == "hard" else np.where(draws.random((n, 1)) < 0.03, 0.9, 0.02)
    wrong = (draws.random((n, 15)) < hard).astype(np.float64)
    return spread_of_shares(np.arange(n).astype(object), wrong)


def of_ratio(n: int, kind: str, draws: np.random.Generator) -> Spread:
    """A mean over cells that is no share, as the mCE is, which nothing bounds; or of which a few images hold much."""
    values = draws.lognormal(0, 1, n) if kind == "heavy" else 3 * draws.beta(0.5, 2, n)
    found = mean(np.arange(n), values)
    return found.spread()


@pytest.mark.slow
@pytest.mark.parametrize("rules", [1, 5])
@pytest.mark.parametrize(
    ("kind", "n"),
    [("hard", 100), ("hard", 1000), ("hopeless", 1000), ("ratio", 100), ("ratio", 1000), ("heavy", 1000)],
)
def test_an_equal_model_passes_a_rule_on_a_mean_as_often_as_its_part_of_a_policy(kind: str, n: int, rules: int) -> None:
    draws, make = np.random.default_rng(6), of_ratio if kind in ("ratio", "heavy") else of_cells
    some = [make(n, kind, draws) for _ in range(800)]
    limits = [Limit(limit_of(each, ABOVE, rules), ABOVE) for each in some]
    assert all(rulings([(judged(each), limit)])[0].outcome == "pass" for each, limit in zip(some, limits, strict=True))
    ends = np.array([each.deciding_ends(0.05).high for each in some])
    # Each of today's models beside each of the next ones.
    apart = ~np.eye(len(some), dtype=bool)
    passed = (ends[:, None] <= np.array([limit.at for limit in limits]))[apart].mean()
    assert passed >= 1 - (1 - CHANCE) / rules - 0.01


def test_a_skewed_number_has_the_wider_margin_on_its_longer_side() -> None:
    even, skewed = TwoEnds(1.0, 0.9, 1.1), TwoEnds(1.0, 0.92, 1.12)
    assert limit_of(even, ABOVE, 1) - 1 == pytest.approx(1 - limit_of(even, BELOW, 1))
    # Of a normal number: 1.96 errors of its own and 1.28 of the difference of two.
    assert limit_of(even, ABOVE, 1) - 1 == pytest.approx(0.1 / 1.96 * (1.96 + np.sqrt(2) * 1.2816), rel=3e-3)
    assert limit_of(skewed, ABOVE, 1) - 1 > limit_of(even, ABOVE, 1) - 1


@pytest.mark.parametrize("side", [ABOVE, BELOW])
def test_a_mean_over_cells_never_leaves_its_range(side: int) -> None:
    for value in (0.0, 0.004, 0.5, 0.996, 1.0):
        ends = proportion(round(value * 250), 250)
        limit = limit_of(BoundedMean(round(value * 250) / 250, 0.0, 1, 250), side, 5)
        assert -2e-9 <= limit <= 1 + 2e-9
        assert side * (limit - (ends.high if side > 0 else ends.low)) >= 0


@pytest.mark.slow
def test_an_equal_pair_of_models_keeps_its_margin_to_the_baseline() -> None:
    """7 of a hundred images are lost and 5 won, on other images than those that the limit was written of."""
    draws, n = np.random.default_rng(8), 500
    counts = draws.multinomial(n, [0.07, 0.05, 0.88], 200)
    at = np.arange(n)
    sides = [(mean(at, at < a), mean(at, (at >= a) & (at < a + b))) for a, b, _ in counts]
    some = [difference(*each, 1.0).spread for each in sides]
    assert all(some)
    limits = np.array([limit_of(each, ABOVE, 2) for each in some])
    ends = np.array([each.deciding_ends(0.05).high for each in some])
    passed = (ends[:, None] <= limits)[~np.eye(len(some), dtype=bool)].mean()
    assert 0.94 <= passed <= 0.99

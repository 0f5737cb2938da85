"""Verdicts on images that are looked at while they come in: exact where they can be, and never too soon.

How often one is false over all rules and looks, and how many images it takes, `bench/decide.py` simulates.
"""

from __future__ import annotations

import math
from collections.abc import Callable
from functools import cache
from itertools import product

import numpy as np
import pytest

from hardiness.core.result import Score
from hardiness.core.spread import Spread
from hardiness.statistics.cells import cell_estimate
from hardiness.statistics.sequences import anytime_p, anytime_p_of_pairs, anytime_p_of_share
from hardiness.statistics.spreads.looks import PairedSharesAtEveryLook, ShareAtEveryLook
from hardiness.statistics.verdicts import TIGHTEST, Limit, rulings, spread_of_looks

IDS = np.array([f"{k:05d}" for k in range(2000)], object)


Path = tuple[int, ...]


def judged(spread: Spread, n: int) -> Score:
    return Score("number", spread.value, "ratio", n, spread)


def ever(paths: list[tuple[float, Path]], level: float, p: Callable[[Path], float]) -> float:
    """How likely a run of few images is ever to have a p-value as small as that."""
    return sum(chance for chance, path in paths if any(p(path[:n]) <= level for n in range(1, len(path) + 1)))


@pytest.mark.parametrize("limit", [0.1, 0.5])
def test_a_share_on_its_limit_seldom_has_a_small_p_value_at_any_look(limit: float) -> None:
    """Every path of 8 images, by its chance: an exact sum, no draw."""
    paths = [(limit ** sum(path) * (1 - limit) ** (8 - sum(path)), path) for path in product((0, 1), repeat=8)]

    @cache
    def of(hits: int, n: int) -> float:
        return anytime_p_of_share(hits, n, limit) if hits > limit * n else 1.0

    def p(path: Path) -> float:
        return of(sum(path), len(path))

    assert sum(chance for chance, _ in paths) == pytest.approx(1)
    for level in (0.2, 0.05):
        assert ever(paths, level, p) <= level


@pytest.mark.parametrize("margin", [0.0, 0.2])
def test_a_difference_of_pairs_on_its_margin_seldom_has_a_small_p_value_at_any_look(margin: float) -> None:
    chances = {1: 0.3, -1: 0.3 - margin, 0: 0.4 + margin}
    paths = [(math.prod(chances[each] for each in path), path) for path in product((1, -1, 0), repeat=6)]

    @cache
    def of(first: int, second: int, n: int) -> float:
        return anytime_p_of_pairs(first, second, n, margin) if first - second > margin * n else 1.0

    def p(path: Path) -> float:
        return of(path.count(1), path.count(-1), len(path))

    for level in (0.3, 0.05):
        assert ever(paths, level, p) <= level


def test_the_interval_of_looks_is_where_the_p_value_is_not_small() -> None:
    values = np.random.default_rng(0).random((400, 3)) < 0.4
    mean = spread_of_looks(IDS[:400], values.astype(float), np.full(3, 1 / 3))
    for found in (ShareAtEveryLook(40, 400), PairedSharesAtEveryLook(30, 9, 400), mean):
        assert found is not None
        assert found.is_sequential
        ends = found.ends(0.01)
        assert ends.low < found.value < ends.high
        for end, side in ((ends.low, 1), (ends.high, -1)):
            assert found.p(end, side) == pytest.approx(0.005, rel=1e-6)
        assert Spread.from_dict(found.as_dict()) == found


def test_what_is_looked_at_is_counted_exactly_where_it_is_a_share_or_a_difference_of_shares() -> None:
    share, one = np.array([[1.0], [0.0], [np.nan], [1.0]]), np.ones(1)
    assert spread_of_looks(IDS[:4], share, one) == ShareAtEveryLook(2, 3)
    assert spread_of_looks(IDS[:4], share - 1, one, paired=True) == PairedSharesAtEveryLook(0, 1, 3)
    assert spread_of_looks(IDS[:0], share[:0], one) is None
    assert spread_of_looks(IDS[:4], share / 2, one) is None  # four images do not tell how much they vary
    many = np.random.default_rng(1).random((500, 2))
    found = spread_of_looks(IDS[:500], many, np.full(2, 0.5), top=3)
    of = cell_estimate(IDS[:500], many, np.full(2, 0.5))
    assert found is not None
    plain = anytime_p(found.value - 0.47, of.variance, 3 * TIGHTEST)
    assert plain < found.p(0.47, 1) < 1.2 * plain, "with Student's t, and hardly any skew"


def test_passes_and_failures_share_the_level_among_rules_with_and_without_evidence() -> None:
    good, bad = (judged(ShareAtEveryLook(hits, 1000), 1000) for hits in (100, 300))
    alone = rulings([(good, Limit(0.15, 1)), (bad, Limit(0.23, 1))])
    assert [each.outcome for each in alone] == ["pass", "fail"]
    assert [each.family for each in alone] == [2, 2]
    among = rulings([(good, Limit(0.15, 1)), (bad, Limit(0.24, 1))], family=400)
    assert [each.outcome for each in among] == ["cannot tell", "cannot tell"]
    assert among[0].more > 0


def test_clear_pairs_are_decided_although_few_images_differ() -> None:
    """Of a network and its int8 form most answers are the same."""
    (passed,) = rulings([(judged(PairedSharesAtEveryLook(2, 2, 800), 800), Limit(0.02, 1))])
    (failed,) = rulings([(judged(PairedSharesAtEveryLook(60, 5, 800), 800), Limit(0.02, 1))])
    assert (passed.outcome, failed.outcome) == ("pass", "fail")


@pytest.mark.slow
def test_a_mean_over_cells_with_hopeless_images_seldom_passes_at_its_own_limit() -> None:
    """1 % of images err in nine of ten cells, the others in one of fifty: of 250, 8 % of runs hold none of them."""
    draws, cells, trials, limit, passed = np.random.default_rng(6), 30, 300, 0.9 * 0.01 + 0.02 * 0.99, 0
    for _ in range(trials):
        often = np.where(draws.random((250, 1)) < 0.01, 0.9, 0.02)
        wrong = (draws.random((250, cells)) < often).astype(float)
        looks = (spread_of_looks(IDS[:n], wrong[:n], np.full(cells, 1 / cells)) for n in (60, 90, 130, 190, 250))
        scores = [judged(spread, 250) for spread in looks if spread]
        passed += any(rulings([(score, Limit(limit, 1))])[0].outcome == "pass" for score in scores)
    assert passed / trials <= 0.025 + 2 * np.sqrt(0.025 * 0.975 / trials)


@pytest.mark.slow
def test_the_mean_of_random_cells_with_hopeless_images_seldom_passes_at_its_own_limit() -> None:
    """500 images in two cells each, then in all: 3.0 % passed where a few hopeless images counted as many errors."""
    draws, images, cells, trials, limit, passed = np.random.default_rng(9), 500, 15, 700, 0.9 * 0.01 + 0.02 * 0.99, 0
    for _ in range(trials):
        often = np.where(draws.random((images, 1)) < 0.01, 0.9, 0.02)
        wrong = (draws.random((images, cells)) < often).astype(float)
        order = draws.random((images, cells)).argsort(axis=1).argsort(axis=1)
        looks = (np.where(order < count, wrong, np.nan) for count in (2, 4, 8, 15))
        spreads = (spread_of_looks(IDS[:images], each, np.full(cells, 1 / cells)) for each in looks)
        scores = [judged(spread, images) for spread in spreads if spread]
        passed += any(rulings([(score, Limit(limit, 1))])[0].outcome == "pass" for score in scores)
    assert passed / trials <= 0.02

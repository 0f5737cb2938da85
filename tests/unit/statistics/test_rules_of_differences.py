"""The one interval by which all rules on a difference decide: what it allows for, and that no two contradict."""

from __future__ import annotations

from collections.abc import Callable
from itertools import pairwise

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from numpy.typing import NDArray

from hardiness.core.result import Score
from hardiness.core.spread import Spread
from hardiness.report.words import text
from hardiness.report.words import text as said
from hardiness.results.comparison import hidden_losses
from hardiness.statistics.clusters import Clusters
from hardiness.statistics.comparison import Difference, difference
from hardiness.statistics.estimate import mean
from hardiness.statistics.spreads.combined import Scaled
from hardiness.statistics.verdicts import Limit, equivalence_outcome, rulings

WORSE, MARGIN = 1, 0
Draw = Callable[[np.random.Generator, int], tuple[NDArray[np.float64], float]]


def of_differences(differences: NDArray[np.float64], clusters: Clusters | None = None) -> Difference:
    """The test of a model against one whose scores are 0, where scores lie in [-1, 1] or shares are 0 and 1."""
    at = np.arange(len(differences)) if clusters is None else clusters.ids
    first, second = np.maximum(differences, 0.0), np.maximum(-differences, 0.0)
    return difference(mean(at, first), mean(at, second), 1.0, clusters=clusters)


def spread_of(test: Difference) -> Spread:
    assert test.spread is not None
    return test.spread


def judged(test: Difference, worse: float = 1.0) -> Score:
    """The difference as rules judge it, or its reverse."""
    spread = Scaled(spread_of(test), 0.0, worse)
    return Score("difference", spread.value, "fraction", test.n, spread, clusters=test.clusters)


def loses_wholly(generator: np.random.Generator, n: int) -> tuple[NDArray[np.float64], float]:
    """One picture in ``n`` is lost wholly, all others as good as before."""
    return np.where(generator.random(n) < 1 / n, -0.9, 0.02 * generator.standard_normal(n)), -0.9 / n


def half_and_half(generator: np.random.Generator, n: int) -> tuple[NDArray[np.float64], float]:
    """Half of the loss is one picture in ``n``, the other half is all pictures'."""
    lost = generator.random(n) < 1 / n
    return np.where(lost, -0.9, -0.9 / n + 0.02 * generator.standard_normal(n)), -0.9 / n * (2 - 1 / n)


def rescues(generator: np.random.Generator, n: int) -> tuple[NDArray[np.float64], float]:
    """All pictures are a little worse, and one in ``n`` is won wholly."""
    won = generator.random(n) < 1 / n
    return np.where(won, 0.9, -2.0 / n + 0.02 * generator.standard_normal(n)), (0.9 - 2.0 * (1 - 1 / n)) / n


@pytest.mark.parametrize("draw", [loses_wholly, half_and_half, rescues])
def test_what_a_sample_did_not_show_is_allowed_for_on_either_side(draw: Draw) -> None:
    """By t 36 to 60 % of samples of 100 lie on the wrong side; 2.5 % may, and here 300 are drawn."""
    generator = np.random.default_rng(0)
    below, above, shown = 0, 0, 0
    for _ in range(300):
        differences, truth = draw(generator, 100)
        test = of_differences(differences)
        ends, own = spread_of(test).deciding_ends(0.05), spread_of(test).ends(0.05)
        below, above = below + (ends.high < truth), above + (ends.low > truth)
        shown += not own.low <= truth <= own.high
    assert shown / 300 > 0.3, "the interval that comparisons show does not promise this"
    assert max(below, above) / 300 <= 0.025


@pytest.mark.parametrize("size", [4, 20])
@pytest.mark.parametrize("lost", [0.7, 3.0])
def test_whole_clusters_may_be_lost_beside_ordinary_flips(size: int, lost: float) -> None:
    generator, count, beyond = np.random.default_rng([size, int(lost)]), 30, np.zeros(2)
    clusters = Clusters(np.arange(count * size), np.repeat(np.arange(count), size))
    for _ in range(300):
        flips = generator.choice([-1.0, 0.0, 1.0], count * size, p=[0.05, 0.9, 0.05])
        of_lost = np.repeat(generator.random(count) < lost / count, size)
        test = of_differences(np.where(of_lost, -1.0, flips), clusters)
        ends = spread_of(test).deciding_ends(0.05)
        beyond += ends.high < -lost / count, ends.low > -lost / count
    assert beyond.max() / 300 <= 0.025 + 2 * np.sqrt(0.025 * 0.975 / 300)


def test_equivalence_by_clusters_is_no_wider_than_clusters_that_may_be_lost_ask() -> None:
    """190 pictures in 44 clusters of 1 to 8, of which 17 flip: it was -11.9 … +10.7 points at 90 %."""
    code = np.repeat(np.arange(44), np.repeat(np.arange(1, 9), [6, 6, 6, 6, 5, 5, 5, 5]))
    differences = np.zeros(len(code))
    places = np.random.default_rng(1).permutation(len(code))[:17]
    differences[places] = np.where(np.arange(17) < 9, -1.0, 1.0)
    test = of_differences(differences, Clusters(np.arange(len(code)), code))
    deciding, of_t = spread_of(test).deciding_ends(0.1), spread_of(test).ends(0.1)
    width = (deciding.high - deciding.low) / (of_t.high - of_t.low)
    assert 1.5 < width < 2.7, "it was 3.2; to 2.4 reach the clusters alone of which chance shows none"
    assert spread_of(test).allows_for_unseen


@pytest.mark.parametrize("n", [100, 300, 1000])
def test_no_sample_that_shows_no_lost_picture_passes_below_three_of_n(n: int) -> None:
    """So few pictures show none of a kind of which there are 3 in n in one of twenty samples."""
    noise = 0.001 * np.random.default_rng(n).standard_normal(n)
    score = judged(of_differences(noise - noise.mean()), worse=-1.0)
    least = 1 - 0.025 ** (1 / n)
    limits = Limit(0.98 * least, WORSE), Limit(1.02 * least, WORSE)
    assert [rulings([(score, limit)])[0].outcome for limit in limits] == ["cannot tell", "pass"]
    for limit in (*limits, Limit(0.01, MARGIN)):
        needed = limit.pass_needs(score)
        level = 0.025 if limit.side else 0.05
        assert (1 - limit.at) ** needed <= level < (1 - limit.at) ** (needed - 1)
    assert rulings([(score, limits[0])])[0].needed.count >= 0.02 * n


def test_what_one_picture_can_move_makes_the_allowance_smaller_in_proportion() -> None:
    noise = 0.001 * np.random.default_rng(2).standard_normal(100)
    at = np.arange(100)
    whole, tenth = (difference(mean(at, noise), mean(at, 0 * noise), span) for span in (1.0, 0.1))
    highs = [spread_of(test).deciding_ends(0.05).high for test in (tenth, whole)]
    assert highs[0] == pytest.approx(highs[1] / 10, rel=0.02)
    nothing = difference(mean(at, noise), mean(at, 0 * noise))
    assert spread_of(nothing).deciding_ends(0.05) == spread_of(nothing).ends(0.05), (
        "nothing bounds it, and there is no allowance"
    )
    assert not nothing.can_hide_losses
    assert whole.can_hide_losses
    assert Limit(0.01, WORSE).pass_needs(judged(nothing)) == 0


def test_comparisons_say_where_a_rare_large_loss_could_be_hidden() -> None:
    generator = np.random.default_rng(3)
    hiding = of_differences(0.02 * generator.standard_normal(300))
    assert hiding.can_hide_losses
    of_clusters = of_differences(0.02 * generator.standard_normal(300), Clusters(np.arange(300), np.arange(300) % 30))
    told = hidden_losses([("top-1", hiding), ("AURRA", of_clusters), ("mCE", hiding)])
    assert [*map(text, told)] == [
        "top-1, mCE: a large loss on fewer than 3 in 300 pictures cannot be seen here",
        "AURRA: a large loss on fewer than 3 in 30 clusters cannot be seen here",
    ]
    assert not of_differences(0.3 * generator.standard_normal(300)).can_hide_losses, "the interval reaches as far"
    assert not of_differences(generator.choice([-1.0, 0.0, 1.0], 300, p=[0.02, 0.97, 0.01])).can_hide_losses, "exact"
    shown = 0.02 * generator.standard_normal(300)
    shown[:5] = -0.9
    assert not of_differences(shown).can_hide_losses, "the sample showed such losses"


@st.composite
def some_difference(draw: st.DrawFn) -> Difference:
    """Differences of 0 and 1, of means, of few pictures, of few that differ, and of clusters."""
    generator = np.random.default_rng(draw(st.integers(0, 2**32)))
    n, kind = draw(st.sampled_from([9, 25, 60, 400])), draw(st.sampled_from(["shares", "noise", "few", "lost"]))
    shift = draw(st.floats(-0.1, 0.1))
    differences = {
        "shares": lambda: generator.choice([-1.0, 0.0, 1.0], n, p=[0.1, 0.85, 0.05]),
        "noise": lambda: shift + draw(st.sampled_from([0.01, 0.1, 0.3])) * generator.standard_normal(n),
        "few": lambda: np.where(np.arange(n) < draw(st.integers(0, 9)), shift, 0.0),
        "lost": lambda: np.where(generator.random(n) < 0.02, -0.9, shift + 0.02 * generator.standard_normal(n)),
    }[kind]()
    in_clusters = draw(st.sampled_from(["none", "equal", "unlike"]))
    if in_clusters == "none":
        return of_differences(np.clip(differences, -1, 1))
    count = max(n // 3, 1)
    code = np.arange(n) % count if in_clusters == "equal" else np.sort(generator.integers(0, count, n))
    return of_differences(np.clip(differences, -1, 1), Clusters(np.arange(n), code))


@settings(max_examples=15, deadline=None)
@given(test=some_difference())
def test_an_interval_lies_inside_that_of_a_higher_confidence_and_that_of_rules_around_it(test: Difference) -> None:
    if test.spread is None:
        assert said(test.lack)
        return
    levels = (0.3, 0.1, 0.05, 0.01, 0.001)
    for ends in (test.spread.ends, test.spread.deciding_ends):
        intervals = [ends(level) for level in levels]
        for inner, outer in pairwise(intervals):
            assert outer.low <= inner.low + 1e-9
            assert inner.high <= outer.high + 1e-9
    for level in levels:
        shown, deciding = test.spread.ends(level), test.spread.deciding_ends(level)
        assert deciding.low <= shown.low + 1e-9 <= shown.high + 2e-9 <= deciding.high + 3e-9


@settings(max_examples=15, deadline=None)
@given(test=some_difference(), at=st.floats(0.001, 0.2), others=st.integers(0, 3))
def test_two_rules_on_one_difference_never_contradict_each_other(test: Difference, at: float, others: int) -> None:
    """One asks how much worse a model is, the other whether it is equivalent, within one limit."""
    if test.spread is None:
        return
    worse, apart = judged(test, -1.0), judged(test)
    cases = [(worse, Limit(at, WORSE)), (apart, Limit(at, MARGIN))] + [(worse, Limit(0.5, WORSE))] * others
    one, other = rulings(cases)[:2]
    is_worse = test.value < 0
    assert {one.outcome, other.outcome} != {"pass", "fail"} or not is_worse, "better by more than a margin is no fault"
    if is_worse:
        assert (one.outcome == "fail") == (other.outcome == "fail")
    for ruling, limit in ((one, Limit(at, WORSE)), (other, Limit(at, MARGIN))):
        ends = ruling.interval
        if ruling.outcome == "pass":
            assert ends.high <= at + 1e-6
            assert limit.side or ends.low >= -at - 1e-6
        elif ruling.outcome == "fail":
            assert ends.low > at - 1e-6 or (not limit.side and ends.high < -at + 1e-6)
    assert (equivalence_outcome(test.spread, at) == "pass") == (other.outcome == "pass")


def test_the_rules_that_disagreed_now_say_the_same() -> None:
    """A general loss of 3.1 points on 300 pictures and a limit of 2.4: *fail* and *cannot tell* it was."""
    generator = np.random.default_rng(6)
    differences = -0.031 + 0.03 * generator.standard_normal(300)
    test = of_differences(differences)
    cases = [(judged(test, -1.0), Limit(0.024, WORSE)), (judged(test), Limit(0.024, MARGIN))]
    assert [each.outcome for each in rulings(cases)] == ["cannot tell"] * 2
    shown = spread_of(test).ends(0.05)
    assert shown.high < -0.024, "what comparisons show lies wholly beyond it"

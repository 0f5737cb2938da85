"""Scores of slices: the ends hold, exactly where they can, and the worst slice knows that it is the worst."""

from __future__ import annotations

import math

import numpy as np
import pytest
from scipy.stats import binomtest

from hardiness.statistics.clusters import FEWEST_CLUSTERS, Clusters
from hardiness.statistics.estimate import Estimate, mean
from hardiness.statistics.slices import Partition, SlicedEstimate


def shares(hits: list[int], n: list[int]) -> SlicedEstimate:
    values = np.concatenate([np.arange(count) < right for right, count in zip(hits, n, strict=True)])
    return Partition(np.repeat(np.arange(len(n)), n), len(n)).means(values.astype(float), 0.0, 1.0)


def test_intervals_of_shares_are_exact_at_the_level_of_one_of_several() -> None:
    score = shares([45, 80, 7], [50, 100, 12])
    for k, interval in score.simultaneous().items():
        exact = binomtest(int(score.hits[k]), int(score.n[k])).proportion_ci(1 - 0.05 / 3, "exact")
        assert (interval.low, interval.high) == pytest.approx((exact.low, exact.high), abs=1e-9)


def test_the_worst_knows_that_it_is_the_lowest_of_several() -> None:
    alone, among = shares([25], [30]), shares([25, *[27] * 9], [30] * 10)
    assert among.extreme(-1).low == alone.extreme(-1).low  # the lowest true one is not below all lower ends
    assert among.extreme(-1).high > alone.extreme(-1).high  # and the slice that looks worst may be so by chance
    assert among.extreme(1).high >= among.extreme(-1).high


def test_slices_that_are_surely_apart_have_a_gap_above_0_and_others_do_not() -> None:
    value, interval = shares([950, 700], [1000, 1000]).gap()
    assert value == pytest.approx(0.25)
    assert 0.2 < interval.low < 0.25 < interval.high < 0.3
    assert shares([45, 44, 46], [50, 50, 50]).gap()[1].low == 0
    assert shares([45], [50]).gap() is None


def test_what_differs_from_all_others_is_told_and_nothing_else() -> None:
    p = [each.p for each in shares([450, 460, 455, 300], [500] * 4).against_rest()]
    assert p[3] < 1e-6
    of_equals = [each.p for each in shares([450, 452, 455, 449], [500] * 4).against_rest()]
    assert min(of_equals) > 0.05


def test_of_two_slices_it_is_one_test() -> None:
    first, second = shares([80, 60], [100, 100]).against_rest()
    assert first.p == second.p
    assert first.level == 0.05
    assert (first.interval.low, first.interval.high) == (-second.interval.high, -second.interval.low)


def test_moments_of_a_slice_and_of_the_rest_are_those_of_their_estimates() -> None:
    generator = np.random.default_rng(0)
    codes, values = generator.integers(-1, 4, 400), generator.gamma(2.0, size=400)
    score = Partition(codes, 4).means(values, 0.0, math.inf)
    for k in range(4):
        for places, value, spread in (
            (codes == k, score.value, score.spread),
            ((codes >= 0) & (codes != k), score.rest, score.rest_spread),
        ):
            estimate = mean(np.flatnonzero(places), values[places])
            assert value[k] == pytest.approx(estimate.value)
            assert spread.variance[k] == pytest.approx(estimate.variance)
            assert spread.skew[k] == pytest.approx(estimate.skew)
            assert abs(spread.telling(k) - estimate.telling) <= 1


def test_clusters_collapse_as_everywhere() -> None:
    generator = np.random.default_rng(1)
    codes, clusters = np.sort(generator.integers(0, 3, 600)), generator.integers(0, 60, 600)
    values = (generator.random(600) < 0.8).astype(float)
    score = Partition(codes, 3, clusters).means(values, 0.0, 1.0)
    for k in range(3):
        places = np.flatnonzero(codes == k)
        collapsed = Clusters(np.arange(600), clusters).collapse(mean(places, values[places]))
        rest = np.flatnonzero(codes != k)
        difference = mean(places, values[places]) - mean(rest, values[rest])
        joint = Clusters(np.arange(600), clusters).collapse(difference)
        assert score.spread.units[k] == collapsed.n
        assert score.spread.variance[k] == pytest.approx(collapsed.variance)
        assert score.difference_spread.variance[k] == pytest.approx(joint.variance)


def test_clusters_of_one_picture_change_nothing_but_the_exactness_of_shares() -> None:
    generator = np.random.default_rng(2)
    codes, values = generator.integers(0, 3, 300), generator.random(300)
    plain = Partition(codes, 3).means(values, 0.0, 1.0)
    single = Partition(codes, 3, np.arange(300)).means(values, 0.0, 1.0)
    assert np.allclose(plain.spread.variance, single.spread.variance)
    assert [plain.interval(k).low for k in range(3)] == pytest.approx([single.interval(k).low for k in range(3)])
    assert single.correlation is None


def test_a_slice_of_few_clusters_has_no_interval_and_says_why() -> None:
    codes = np.repeat([0, 1], 100)
    clusters = np.concatenate([np.arange(100) % (FEWEST_CLUSTERS - 1), 50 + np.arange(100) % 30])
    score = Partition(codes, 2, clusters).means((np.arange(200) % 3 > 0).astype(float), 0.0, 1.0)
    assert score.judged == [1]
    assert score.why_no_interval(0) == "an interval needs 8 clusters, had 7"


def test_clusters_without_an_error_count_once_each() -> None:
    score = Partition(np.zeros(200, int), 1, np.arange(200) % 40).means(np.ones(200), 0.0, 1.0)
    exact = binomtest(40, 40).proportion_ci(0.95, "exact")
    assert score.interval(0).low == pytest.approx(exact.low)


def test_the_average_of_a_mix_is_that_of_waterbirds() -> None:
    # Sagawa et al. (2020), arXiv:1911.08731: accuracies by group, weighed by the training proportions.
    score = shares([2240, 1900, 390, 610], [2255, 2255, 642, 642])
    training = np.array([3498, 184, 56, 1057]) / 4795
    average = float(training @ score.value)
    interval = score.average(training)
    assert average == pytest.approx(np.average(score.value, weights=[3498, 184, 56, 1057]))
    assert interval.low < average < interval.high
    # Nearly all of it is the first group's, exactly known as that is.
    assert interval.high - interval.low < 0.02


def test_values_that_differ_between_slices_are_told_and_equal_ones_are_not() -> None:
    assert shares([95, 60, 90], [100] * 3).heterogeneity() < 1e-4
    assert shares([90, 91, 89], [100] * 3).heterogeneity() > 0.5
    assert shares([25, 20], [29, 29]).heterogeneity() is None  # of fewer than thirty pictures nothing is said


def test_an_estimate_of_no_own_values_is_asked_for_each_slice() -> None:
    def estimate(places: np.ndarray) -> Estimate:
        return mean(places, (places % 5 > 0).astype(float)) * 2.0

    codes = np.arange(200) % 2
    partition = Partition(codes, 3, np.arange(200) // 4)
    score = partition.estimates(estimate, lambda at: "" if len(at) > 50 else "few", 0.0, 2.0)
    assert score.value[:2] == pytest.approx([1.6, 1.6])
    assert score.why_no_interval(2) == "no picture"
    assert score.interval(0).low < 1.6 < score.interval(0).high <= 2
    assert score.correlation is not None  # each cluster has pictures of both


def coverage(p: list[float], n: list[int], runs: int, clusters: int = 0, icc: float = 0.0) -> dict[str, float]:
    """How often all intervals, the worst, the gap and the average hold, in simulated runs."""
    generator, codes = np.random.default_rng(len(n) + clusters), np.repeat(np.arange(len(n)), n)
    truth, hits = np.array(p), dict.fromkeys(("all", "worst", "gap", "average"), 0)
    groups = np.concatenate([k * clusters + np.arange(m) % max(clusters, 1) for k, m in enumerate(n)])
    partition = Partition(codes, len(n), groups if clusters else None)
    for _ in range(runs):
        chance = truth[codes]
        if clusters:
            spread = 1 / icc - 1
            means = np.repeat(truth, clusters)
            chance = generator.beta(means * spread, (1 - means) * spread)[groups]
        score = partition.means((generator.random(len(codes)) < chance).astype(float), 0.0, 1.0)
        worst, gap = score.extreme(-1), score.gap()[1]
        average = score.average(np.full(len(n), 1 / len(n)))
        hits["all"] += all(each.low <= truth[k] <= each.high for k, each in score.simultaneous().items())
        hits["worst"] += worst.low <= truth.min() <= worst.high
        hits["gap"] += gap.low <= truth.max() - truth.min() <= gap.high
        hits["average"] += average.low <= truth.mean() <= average.high
    return {name: count / runs for name, count in hits.items()}


@pytest.mark.slow
@pytest.mark.parametrize(
    ("p", "n", "clusters", "icc"),
    [
        ([0.9] * 5, [100] * 5, 0, 0.0),
        ([0.95, 0.9, 0.7], [400, 200, 40], 0, 0.0),
        ([0.8] * 4, [200] * 4, 40, 0.2),
    ],
)
def test_the_worst_and_all_intervals_hold_in_93_percent(
    p: list[float], n: list[int], clusters: int, icc: float
) -> None:
    held = coverage(p, n, 300, clusters, icc)
    assert min(held.values()) >= 0.93, held
    # An interval of the lowest share seen, as if it were the only one, holds far less often where all are equal.


@pytest.mark.slow
def test_as_if_it_were_the_only_one_the_worst_holds_too_seldom() -> None:
    generator, held = np.random.default_rng(3), 0
    for _ in range(300):
        score = shares(generator.binomial(100, 0.9, 10).tolist(), [100] * 10)
        lowest = score.plain_interval(int(np.argmin(score.value)))
        held += lowest.low <= 0.9 <= lowest.high
    assert held / 300 < 0.9

"""Scores of slices: the ends hold, exactly where they can, and the worst slice knows that it is the worst."""

from __future__ import annotations

import math

import numpy as np
import pytest
from scipy.stats import binomtest

from hardiness.core.codes import Lack
from hardiness.core.fact import Fact, too_few
from hardiness.statistics.clusters import FEWEST_CLUSTERS, Clusters
from hardiness.statistics.estimate import Estimate, mean
from hardiness.statistics.slices import LeadOverRest, Partition, SlicedEstimate


def shares(hits: list[int], n: list[int]) -> SlicedEstimate:
    values = np.concatenate([np.arange(count) < right for right, count in zip(hits, n, strict=True)])
    return Partition(np.repeat(np.arange(len(n)), n), len(n)).means(values.astype(float), 0.0, 1.0)


def test_intervals_of_shares_are_exact_at_the_level_of_one_of_several() -> None:
    score = shares([45, 80, 7], [50, 100, 12])
    for k, interval in ((k, spread.interval()) for k, spread in score.simultaneous().items()):
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
    assert first.p == pytest.approx(second.p)
    assert first.level == 0.05
    assert (first.interval.low, first.interval.high) == (-second.interval.high, -second.interval.low)


def test_the_lead_of_a_slice_varies_as_the_difference_of_its_estimates() -> None:
    generator = np.random.default_rng(0)
    codes, values = generator.integers(-1, 4, 400), generator.gamma(2.0, size=400)
    partition = Partition(codes, 4)
    score = partition.means(values, 0.0, math.inf)
    for k in range(4):
        own, rest = partition.places(k), partition.places_of_rest(k)
        sides = [mean(places, values[places]) for places in (own, rest)]
        assert (score.value[k], score.rest[k]) == pytest.approx(tuple(side.value for side in sides))
        assert score.variation.variance[k] == pytest.approx(sides[0].variance)
        assert abs(score.variation.telling(k) - sides[0].telling) <= 1
        lead = LeadOverRest.of(score.variation, score.variation.of_rest(score.value, score.rest))
        variances = [side.variance for side in sides]
        third = sides[0].skew * variances[0] ** 1.5 - sides[1].skew * variances[1] ** 1.5
        assert lead.variance[k] == pytest.approx(sum(variances))
        assert lead.skew[k] == pytest.approx(third / sum(variances) ** 1.5)


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
        assert score.variation.units[k] == collapsed.n
        assert score.variation.variance[k] == pytest.approx(collapsed.variance)
        assert score.lead.variance[k] >= joint.variance * (1 - 1e-9)


def test_clusters_of_one_picture_change_nothing_but_the_exactness_of_shares() -> None:
    generator = np.random.default_rng(2)
    codes, values = generator.integers(0, 3, 300), generator.random(300)
    plain = Partition(codes, 3).means(values, 0.0, 1.0)
    single = Partition(codes, 3, np.arange(300)).means(values, 0.0, 1.0)
    assert np.allclose(plain.variation.variance, single.variation.variance)
    assert [plain.interval(k).low for k in range(3)] == pytest.approx([single.interval(k).low for k in range(3)])
    assert single.correlation is None


def test_a_slice_of_few_clusters_has_no_interval_and_says_why() -> None:
    codes = np.repeat([0, 1], 100)
    clusters = np.concatenate([np.arange(100) % (FEWEST_CLUSTERS - 1), 50 + np.arange(100) % 30])
    score = Partition(codes, 2, clusters).means((np.arange(200) % 3 > 0).astype(float), 0.0, 1.0)
    assert score.judged == [1]
    assert score.why_no_interval(0) == too_few((8, "clusters"), had=(7,))


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


def heterogeneity(hits: list[int], n: list[int]) -> float | None:
    codes = np.repeat(np.arange(len(n)), n)
    partition = Partition(codes, len(n))
    places = [partition.places(k) for k in range(len(n))]
    return partition.heterogeneity(
        [mean(each, np.arange(len(each)) < right) for each, right in zip(places, hits, strict=True)]
    )


def test_values_that_differ_between_slices_are_told_and_equal_ones_are_not() -> None:
    assert heterogeneity([95, 60, 90], [100] * 3) < 1e-4
    assert heterogeneity([90, 91, 89], [100] * 3) > 0.5
    assert heterogeneity([25, 20], [29, 29]) is None  # of fewer than thirty pictures nothing is said


def equal_slices(kind: str, generator: np.random.Generator) -> tuple[np.ndarray, np.ndarray, np.ndarray | None]:
    """Values, slices and clusters of a table whose slices have one mean."""
    if kind == "unlike spread":
        codes = np.repeat(np.arange(21), [2000, *[40] * 20])
        return generator.normal(0.6, np.where(codes == 0, 0.05, 0.15)), codes, None
    codes = np.repeat(np.arange(20), 60)
    clusters = np.arange(1200) // 3 if kind == "clusters lost" else np.arange(1200)
    fails = (generator.random(1200) < 0.03)[clusters]
    values = np.where(fails, 0.0, generator.uniform(0.9, 1.0, 1200))
    return values, codes, clusters if kind == "clusters lost" else None


@pytest.mark.parametrize("kind", ["pictures fail", "clusters lost", "unlike spread"])
def test_of_equal_slices_none_is_named(kind: str) -> None:
    generator, named = np.random.default_rng(1), 0
    for _ in range(25):
        values, codes, clusters = equal_slices(kind, generator)
        partition = Partition(codes, int(codes.max()) + 1, clusters)
        named += any(each.is_told_apart for each in partition.means(values, 0.0, 1.0).against_rest())
    assert named <= 4  # 5 % are 1 or 2; where a slice without a failure has its own spread alone it is 20 to 25


@pytest.mark.parametrize("clustered", [False, True])
def test_equal_slices_of_unlike_sizes_are_not_called_unequal(clustered: bool) -> None:
    generator, codes, told = np.random.default_rng(2), np.repeat(np.arange(40), [2000, *[36] * 39]), 0
    partition = Partition(codes, 40, np.arange(len(codes)) // 2 if clustered else None)
    for _ in range(20 - 10 * clustered):
        values = np.where(generator.random(len(codes)) < 0.03, 0.0, generator.uniform(0.9, 1.0, len(codes)))
        places = [partition.places(k) for k in range(40)]
        told += partition.heterogeneity([mean(each, values[each]) for each in places]) < 0.05
    assert told <= 3


def test_a_slice_that_fails_more_often_is_named() -> None:
    generator, named = np.random.default_rng(3), 0
    codes = np.repeat(np.arange(10), 60)
    for _ in range(20):
        fails = generator.random(600) < np.where(codes == 0, 0.15, 0.03)
        values = np.where(fails, 0.0, generator.uniform(0.9, 1.0, 600))
        named += Partition(codes, 10).means(values, 0.0, 1.0).against_rest()[0].is_told_apart
    assert named >= 9  # a third by its own spread alone, adjusted for ten slices; here three in five


def test_a_slice_in_which_no_picture_differs_is_tested_by_the_spread_of_all() -> None:
    generator = np.random.default_rng(4)
    values, codes = generator.uniform(0.2, 0.9, 400), np.repeat(np.arange(4), 100)
    values[codes == 0] = 1.0
    first = Partition(codes, 4).means(values, 0.0, 1.0).against_rest()[0]
    assert first.is_told_apart
    assert first.interval.low > 0.3
    assert first.interval.high - first.interval.low > 0.05


def test_an_estimate_of_no_own_values_is_asked_for_each_slice() -> None:
    def estimate(places: np.ndarray) -> Estimate:
        return mean(places, (places % 5 > 0).astype(float)) * 2.0

    codes = np.arange(200) % 2
    partition = Partition(codes, 3, np.arange(200) // 4)
    score = partition.estimates(estimate, lambda at: "" if len(at) > 50 else "few", 0.0, 2.0)
    assert score.value[:2] == pytest.approx([1.6, 1.6])
    assert score.why_no_interval(2) == Fact(Lack.UNSEEN_SLICE)
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
        shared = {k: spread.interval() for k, spread in score.simultaneous().items()}
        hits["all"] += all(each.low <= truth[k] <= each.high for k, each in shared.items())
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

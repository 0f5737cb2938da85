"""Numbers whose pictures come in clusters: collapsed influences, their intervals, and how often these hold."""

from __future__ import annotations

import math
import warnings
from itertools import product

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from scipy.special import stdtrit
from scipy.stats import norm

from hardiness.benchmarks.own_classes import area_under_roc
from hardiness.benchmarks.shares import NLL, basis_of_loss
from hardiness.core.errors import ArgumentError
from hardiness.core.fact import too_few
from hardiness.statistics.clusters import (
    FEWEST_CLUSTERS,
    Clusters,
    EstimateBasis,
    WorstBasis,
    area_rule,
    basis_of_difference,
    basis_of_share,
)
from hardiness.statistics.estimate import Estimate, mean
from hardiness.statistics.intervals import area_interval, clopper_pearson, clustered_proportion, proportion

NAMES = np.array([f"n/{k:05d}" for k in range(4000)], object)


def clusters_of(sizes: list[int], shuffled: bool = False) -> Clusters:
    codes = np.repeat(np.arange(len(sizes)), sizes)
    if shuffled:
        codes = np.random.default_rng(0).permutation(codes)
    return Clusters(NAMES[: len(codes)], codes, "patient")


sizes = st.lists(st.integers(1, 6), min_size=2, max_size=12)


@given(sizes, st.integers(0, 1000))
def test_sums_differences_and_ratios_are_formed_by_picture_and_collapsed_last(sizes: list[int], seed: int) -> None:
    clusters, generator = clusters_of(sizes, shuffled=True), np.random.default_rng(seed)
    first, second = (mean(clusters.ids, generator.random(len(clusters.ids)) + 0.1) for _ in range(2))
    for combine in (Estimate.__add__, Estimate.__sub__, Estimate.__mul__, Estimate.__truediv__):
        last = clusters.collapse(combine(first, second))
        by_cluster = combine(clusters.collapse(first), clusters.collapse(second))
        assert last.value == pytest.approx(by_cluster.value)
        np.testing.assert_allclose(last.influence, by_cluster.influence, atol=1e-12)
    influence = clusters.collapse(first).influence
    members = [np.flatnonzero(clusters.codes == code) for code in range(len(sizes))]
    by_hand = [len(sizes) / len(clusters.ids) * first.influence[at].sum() for at in members]
    np.testing.assert_allclose(influence, by_hand, atol=1e-12)


@given(st.integers(2, 60), st.integers(0, 1000))
def test_clusters_of_one_picture_leave_the_estimate_bit_for_bit(n: int, seed: int) -> None:
    estimate = mean(NAMES[:n], np.random.default_rng(seed).random(n))
    collapsed = clusters_of([1] * n).collapse(estimate)
    assert (collapsed.value, collapsed.variance, collapsed.n) == (estimate.value, estimate.variance, n)
    np.testing.assert_array_equal(collapsed.influence, estimate.influence)
    assert (collapsed.independent, collapsed.telling) == (n, estimate.telling)
    made = EstimateBasis(lambda: estimate, 0.0, 1.0).spread(clusters_of([1] * n)).spread
    assert made == (estimate.spread(0.0, 1.0) if n >= FEWEST_CLUSTERS else None)


def test_pictures_are_named_or_told_by_their_places() -> None:
    clusters = clusters_of([2, 3, 5])
    places = np.array([0, 4, 9])
    assert clusters.codes_of(places).tolist() == clusters.codes_of(NAMES[places]).tolist() == [0, 1, 2]
    assert clusters.count(places[:0]) == 0
    with pytest.raises(ArgumentError, match="each picture must have a patient, and 'n/00010' has none"):
        clusters.codes_of(NAMES[8:12])


@pytest.mark.parametrize("is_difference", [False, True])
def test_variances_are_those_of_statsmodels(is_difference: bool) -> None:
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        sm = pytest.importorskip("statsmodels.api")
    generator = np.random.default_rng(5)
    clusters = clusters_of(generator.integers(1, 30, 40).tolist())
    n, count = len(clusters.codes), 40
    effect = generator.normal(size=count)[clusters.codes]
    first, second = (effect + generator.normal(size=n) for _ in range(2))
    if is_difference:
        estimate, values = mean(clusters.ids, first) - mean(clusters.ids, 2 * second), first - 2 * second
    else:
        estimate, values = mean(clusters.ids, first), first
    fit = sm.OLS(values, np.ones(n)).fit(cov_type="cluster", cov_kwds={"groups": clusters.codes})
    # It enlarges by G / (G - 1) * (n - 1) / (n - 1) with one coefficient, which is ours.
    assert clusters.collapse(estimate).variance == pytest.approx(float(fit.cov_params()[0, 0]), rel=1e-9)
    assert estimate.value == pytest.approx(float(fit.params[0]), abs=1e-12)


def test_unlike_means_of_two_groups_have_the_variance_of_statsmodels() -> None:
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        sm = pytest.importorskip("statsmodels.api")
    generator = np.random.default_rng(6)
    clusters = clusters_of([8] * 50)
    n = len(clusters.codes)
    group = generator.random(n) < 0.4
    values = generator.normal(size=50)[clusters.codes] + generator.normal(size=n) + group
    difference = mean(clusters.ids[group], values[group]) - mean(clusters.ids[~group], values[~group])
    design = np.column_stack([np.ones(n), group])
    fit = sm.OLS(values, design).fit(cov_type="cluster", cov_kwds={"groups": clusters.codes})
    enlarged = (n - 1) / (n - 2)  # for its second coefficient
    assert clusters.collapse(difference).variance * enlarged == pytest.approx(float(fit.cov_params()[1, 1]), rel=1e-9)


def test_a_share_is_exact_at_the_answers_that_vary_as_much() -> None:
    clusters, generator = clusters_of([10] * 40), np.random.default_rng(1)
    right = generator.random(400) < np.where(generator.random(40) < 0.3, 0.5, 0.95)[clusters.codes]
    made = basis_of_share(clusters.ids, right).spread(clusters)
    estimate = mean(clusters.ids, right)
    share, variance = estimate.value, clusters.collapse(estimate).variance
    answers = share * (1 - share) / variance * (stdtrit(399, 0.975) / stdtrit(39, 0.975)) ** 2
    exact = clopper_pearson(share * answers, answers)
    assert made.clusters == 40
    assert (made.spread.interval().low, made.spread.interval().high) == pytest.approx((exact.low, exact.high))
    for all_right in (True, False):
        made = basis_of_share(clusters.ids, np.full(400, all_right)).spread(clusters)
        assert made.spread.interval() == clopper_pearson(40.0 * all_right, 40.0)


def test_clusters_of_unlike_sizes_tell_less() -> None:
    generator = np.random.default_rng(2)
    alike, unlike = clusters_of([20] * 40), clusters_of([5] * 30 + [65] * 10)
    for clusters, is_alike in ((alike, True), (unlike, False)):
        effect = generator.normal(size=40)[clusters.codes]
        collapsed = clusters.collapse(mean(clusters.ids, effect + generator.normal(size=800)))
        assert collapsed.units is None if is_alike else 10 < collapsed.units < 20
        assert collapsed.telling <= (40 if is_alike else collapsed.units)


def test_too_few_clusters_have_no_interval_and_the_reason_says_how_many() -> None:
    right = np.arange(70) % 3 > 0
    made = basis_of_share(NAMES[:70], right).spread(clusters_of([10] * 7))
    assert made == (7, None, too_few((8, "clusters"), had=(7,)))
    basis = EstimateBasis(
        lambda: mean(NAMES[:90], right.repeat(2)[:90]), 0.0, 1.0, kinds=lambda: (NAMES[:50], NAMES[50:90]), names="two"
    )
    assert basis.spread(clusters_of([10] * 9)).lack == too_few((10, "clusters of each of two"), had=(4,))
    same = basis_of_difference(NAMES[:90], np.zeros(90)).spread(clusters_of([10] * 9))
    assert same == (9, None, too_few((2, "clusters that differ"), had=(0,)))


def effects(generator: np.random.Generator, clusters: Clusters, correlation: float, columns: int = 1) -> np.ndarray:
    """Standard normal numbers ``(n, columns)`` that share a part by cluster."""
    n, count = len(clusters.codes), int(clusters.codes.max()) + 1
    shared, own = generator.normal(size=(count, 1))[clusters.codes], generator.normal(size=(n, columns))
    return math.sqrt(correlation) * shared + math.sqrt(1 - correlation) * own


def share_of(generator: np.random.Generator, clusters: Clusters, correlation: float):  # type: ignore[no-untyped-def]
    return basis_of_share(clusters.ids, effects(generator, clusters, correlation)[:, 0] < norm.ppf(0.8)), 0.8


def mean_over_cells(generator: np.random.Generator, clusters: Clusters, correlation: float):  # type: ignore[no-untyped-def]
    edges = norm.ppf(0.8) + np.array([-0.5, 0.0, 0.5])
    values = effects(generator, clusters, correlation, 3) < edges
    return EstimateBasis(lambda: mean(clusters.ids, values), 0.0, 1.0), float(norm.cdf(edges).mean())


def loss_of(generator: np.random.Generator, clusters: Clusters, correlation: float):  # type: ignore[no-untyped-def]
    sizes = effects(generator, clusters, correlation)[:, 0]
    right = sizes < norm.ppf(0.8)
    kinds = clusters.ids[~right], clusters.ids[right]
    return basis_of_loss(NLL, lambda: mean(clusters.ids, np.exp(sizes)), lambda: kinds), math.exp(0.5)


def ratio_of(generator: np.random.Generator, clusters: Clusters, correlation: float):  # type: ignore[no-untyped-def]
    clean, hard = (effects(generator, clusters, correlation, 2) < norm.ppf(0.8) - np.array([0.0, 0.6])).T
    true = float(norm.cdf(norm.ppf(0.8) - 0.6)) / 0.8
    return EstimateBasis(lambda: mean(clusters.ids, hard) / mean(clusters.ids, clean)), true


def area_of(generator: np.random.Generator, clusters: Clusters, correlation: float):  # type: ignore[no-untyped-def]
    is_positive = clusters.codes % 2 == 0
    score = effects(generator, clusters, correlation)[:, 0] + math.sqrt(2) * norm.ppf(0.8) * is_positive

    def estimate() -> Estimate:
        value, added = area_under_roc(is_positive, score)
        return Estimate(value, clusters.ids, added)

    kinds = clusters.ids[is_positive], clusters.ids[~is_positive]
    return EstimateBasis(estimate, 0.0, 1.0, kinds=lambda: kinds), 0.8


def worst_of(generator: np.random.Generator, clusters: Clusters, correlation: float):  # type: ignore[no-untyped-def]
    right = effects(generator, clusters, correlation)[:, 0] < norm.ppf(0.8)
    classes = [clusters.codes % 3 == k for k in range(3)]
    return WorstBasis(lambda: [mean(clusters.ids[is_in], right[is_in]) for is_in in classes]), 0.8


KINDS = (share_of, mean_over_cells, loss_of, ratio_of, area_of, worst_of)


@pytest.mark.slow
@pytest.mark.parametrize("kind", KINDS)
def test_intervals_hold_and_are_hardly_wider_where_pictures_stand_alone(kind) -> None:  # type: ignore[no-untyped-def]
    runs = 150
    for correlation, is_unlike in product((0.0, 0.3), (False, True)):
        generator, holds, widths, plain = np.random.default_rng(3), 0, [], []
        for _ in range(runs):
            sizes = np.maximum(1, np.rint(10 * generator.gamma(4, 1 / 4, 60))).astype(int) if is_unlike else [10] * 60
            clusters = clusters_of(list(sizes))
            basis, true = kind(generator, clusters, correlation)
            interval = basis.spread(clusters).spread.interval()
            holds += interval.low <= true <= interval.high
            widths.append(interval.high - interval.low)
            if not correlation:
                alone = basis.spread(Clusters(clusters.ids, np.arange(len(clusters.ids)))).spread.interval()
                plain.append(alone.high - alone.low)
        assert holds / runs > 0.93 - 2 * math.sqrt(0.93 * 0.07 / runs), (correlation, is_unlike)
        if plain and kind is not worst_of:  # whose classes come in twenty clusters each
            assert np.mean(widths) < 1.06 * np.mean(plain), is_unlike


def test_shares_of_single_pictures_are_those_of_an_exact_test() -> None:
    right = np.arange(300) % 7 > 0
    made = basis_of_share(NAMES[:300], right).spread(clusters_of([1] * 300))
    hits = int(right.sum())
    exact, usual = clopper_pearson(hits, 300), proportion(hits, 300)
    # The variance of an estimate is that of a sample, n / (n - 1) of a share's.
    assert made.spread.interval() == clustered_proportion(hits / 300, mean(NAMES[:300], right).variance, 300, 300)
    assert (made.spread.interval().low, made.spread.interval().high) == pytest.approx((exact.low, exact.high), abs=2e-4)
    assert made.spread.interval().low < usual.low < usual.high < made.spread.interval().high


def test_the_interval_of_an_area_reaches_to_that_of_as_many_independent_pictures() -> None:
    """Of 40 clusters that all rank alike the influences say nothing of a picture that would not."""
    positive, clusters = np.arange(200) % 2 == 1, Clusters(np.arange(200), np.arange(200) // 5)
    area, influence = area_under_roc(positive, np.where(positive, 2.0, 1.0))
    estimate = Estimate(area, np.arange(200), influence)
    basis = EstimateBasis(lambda: estimate, 0.0, 1.0, rule=area_rule(100, 100))
    interval = basis.spread(clusters).spread.interval()
    assert interval is not None
    part = clusters.collapse(estimate).independent / 200
    assert interval.high == 1
    assert interval.low <= area_interval(1.0, 100 * part, 100 * part).low < 1

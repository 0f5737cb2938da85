"""Differences of models on pictures that come in clusters, against scipy, statsmodels and simulated models."""

from __future__ import annotations

import math

import numpy as np
import pytest
from scipy.stats import ttest_ind, ttest_rel

from hardiness.core.condition import Condition
from hardiness.report.words import text as said
from hardiness.statistics.clusters import Clusters
from hardiness.statistics.comparison import (
    CLUSTERS_APART,
    FEW_CLUSTERS,
    ClusterDifferences,
    Difference,
    difference,
)
from hardiness.statistics.decomposition import by_calibration, by_cell, by_cells, by_class
from hardiness.statistics.estimate import mean


def names(n: int, first: int = 0) -> np.ndarray:
    return np.array([f"{i:05d}" for i in range(first, first + n)], object)


def in_clusters(n: int, size: int, first: int = 0) -> Clusters:
    """Pictures in clusters of one size."""
    return Clusters(names(n, first), np.arange(n) // size, "patient")


def ends(found: Difference) -> tuple[float, float]:
    assert found.interval is not None
    return found.interval.low, found.interval.high


@pytest.mark.parametrize("size", [1, 5, 20])
def test_clusters_of_one_size_have_the_t_test_of_their_means(size: int) -> None:
    generator = np.random.default_rng(size)
    first, second = generator.random(20 * size), generator.random(20 * size) + 0.05
    clusters = in_clusters(20 * size, size)
    found = difference(mean(clusters.ids, first), mean(clusters.ids, second), 2.0, clusters=clusters)
    of_t = ttest_rel(*(side.reshape(20, size).mean(axis=1) for side in (first, second)))
    assert found.p == pytest.approx(of_t.pvalue, rel=1e-9)
    assert ends(found) == pytest.approx(tuple(of_t.confidence_interval()), rel=1e-9)
    assert (found.n, found.clusters) == (20 * size, 20)


def test_shares_of_clusters_have_no_exact_test() -> None:
    """McNemar's p of the same answers is far below that of t over patients."""
    generator = np.random.default_rng(1)
    first = np.repeat(generator.random(12) < 0.7, 25)
    second = np.repeat(generator.random(12) < 0.4, 25)
    clusters = in_clusters(300, 25)
    single = difference(mean(clusters.ids, first), mean(clusters.ids, second))
    found = difference(mean(clusters.ids, first), mean(clusters.ids, second), 1.0, clusters=clusters)
    of_t = ttest_rel(1.0 * first[::25], 1.0 * second[::25])
    assert single.p is not None
    assert found.p is not None
    assert single.p < 0.001 < of_t.pvalue <= found.p


def test_other_photographs_add_their_variances_with_welchs_degrees() -> None:
    generator = np.random.default_rng(2)
    first, second = generator.normal(0.5, 0.1, 15 * 6), generator.normal(0.45, 0.3, 24 * 6)
    clusters = Clusters(names(39 * 6), np.arange(39 * 6) // 6)
    found = difference(mean(names(90), first), mean(names(144, 90), second), clusters=clusters)
    of_t = ttest_ind(*(side.reshape(-1, 6).mean(axis=1) for side in (first, second)), equal_var=False)
    assert found.p == pytest.approx(of_t.pvalue, rel=1e-9)
    assert ends(found) == pytest.approx(tuple(of_t.confidence_interval()), rel=1e-9)
    assert (found.n, found.clusters, found.method) == (90, 15, CLUSTERS_APART)


def test_other_photographs_of_the_same_patients_are_paired_by_them() -> None:
    generator = np.random.default_rng(3)
    patient = generator.normal(0, 1, 40)
    first, second = (np.repeat(patient, 5) + generator.normal(0, 0.2, 200) for _ in range(2))
    clusters = Clusters(names(400), np.tile(np.arange(200) // 5, 2))
    found = difference(mean(names(200), first), mean(names(200, 200), second), clusters=clusters)
    of_t = ttest_rel(*(side.reshape(40, 5).mean(axis=1) for side in (first, second)))
    assert found.p == pytest.approx(of_t.pvalue, rel=1e-9)
    apart = Clusters(names(400), np.arange(400) // 5)
    alone = difference(mean(names(200), first), mean(names(200, 200), second), clusters=apart)
    assert np.diff(ends(alone)) > 3 * np.diff(ends(found)), "other patients"


def test_the_error_is_that_of_statsmodels_also_where_sizes_are_unlike() -> None:
    sm = pytest.importorskip("statsmodels.api")
    generator = np.random.default_rng(4)
    code = np.sort(generator.integers(0, 40, 300))
    apart = generator.normal(0.05, 1, 300) + generator.normal(0, 0.7, 40)[code]
    fitted = sm.OLS(apart, np.ones(300)).fit(cov_type="cluster", cov_kwds={"groups": code}, use_t=True)
    clusters = Clusters(names(300), code)
    collapsed = clusters.collapse(mean(clusters.ids, apart) - mean(clusters.ids, np.zeros(300)))
    assert collapsed.error == pytest.approx(float(fitted.bse[0]), rel=1e-9)
    found = difference(mean(clusters.ids, apart), mean(clusters.ids, np.zeros(300)), clusters=clusters)
    low, high = ends(found)
    least, most = fitted.conf_int()[0]
    assert low <= least < most <= high
    assert high - low < 1.5 * (most - least)
    assert found.p is not None
    assert found.p >= fitted.pvalues[0]


def test_fewer_than_eight_clusters_have_no_interval_and_say_so() -> None:
    generator = np.random.default_rng(5)
    first, second = generator.random(70), generator.random(70)
    seven, eight = in_clusters(70, 10), Clusters(names(70), np.minimum(np.arange(70) // 9, 7))
    found = difference(mean(seven.ids, first), mean(seven.ids, second), 1.0, clusters=seven)
    assert (found.interval, found.p, found.clusters) == (None, None, 7)
    assert said(found.lack) == "it needs 8 clusters, had 7"
    assert difference(mean(eight.ids, first), mean(eight.ids, second), 1.0, clusters=eight).interval is not None
    apart = difference(mean(names(35), first[:35]), mean(names(35, 35), second[35:]), clusters=seven)
    assert (apart.interval, said(apart.lack)) == (None, "it needs 8 clusters, had 4")


@pytest.mark.parametrize("differing", [0, 1, 4, 9])
def test_few_clusters_that_differ_show_no_spread(differing: int) -> None:
    clusters, first = in_clusters(400, 10), np.ones(400)
    first[: 10 * differing : 10] = 0
    found = difference(mean(clusters.ids, np.ones(400)), mean(clusters.ids, first), 1.0, clusters=clusters)
    low, high = ends(found)
    assert found.method == FEW_CLUSTERS
    if not differing:
        assert (low, high) == pytest.approx((-0.088, 0.088), abs=0.001), "of 40 patients, as a share in which none errs"
    else:
        assert 0.01 < high - low < 0.06, "of about 370 pictures, as each differs in a patient of its own"
    assert found.is_told_apart == (low > 0)
    assert not found.is_told_apart or differing > 5
    nothing_bounds = difference(mean(clusters.ids, np.ones(400)), mean(clusters.ids, first), clusters=clusters)
    assert said(nothing_bounds.lack) == f"it needs 10 clusters that differ, had {differing}"


def test_few_clusters_that_differ_as_a_whole_are_few_answers() -> None:
    clusters, first = in_clusters(400, 10), np.ones(400)
    first[:30] = 0
    whole = difference(mean(clusters.ids, np.ones(400)), mean(clusters.ids, first), 1.0, clusters=clusters)
    low, high = ends(whole)
    assert high - low > 0.18, "three of 40 patients, not 30 of 400 pictures"


@pytest.mark.slow
def test_p_is_below_a_level_exactly_where_the_interval_of_that_level_leaves_out_0() -> None:
    generator = np.random.default_rng(6)
    for trial in range(200):
        count = int(generator.integers(8, 60))
        code = np.sort(generator.integers(0, count, 6 * count)) if trial % 2 else np.arange(6 * count) // 6
        clusters, rate = Clusters(names(len(code)), code), generator.random() ** 3
        own = generator.random(count)[code] ** 2
        sides = [generator.random(len(code)) < own * rate for _ in range(2)]
        if trial % 5 == 0:
            test = difference(
                mean(clusters.ids[: len(code) // 2], sides[0][: len(code) // 2]),
                mean(clusters.ids[len(code) // 2 :], sides[1][len(code) // 2 :]),
                clusters=clusters,
            )
        else:
            test = difference(*(mean(clusters.ids, side) for side in sides), 1.0, clusters=clusters)
        if test.p is None:
            continue
        for level in (0.5, 0.05, 0.001):
            low, high = ends(test.among(test.p, level))
            assert (test.p < level) == (not low <= 0 <= high), (test, level)


@pytest.mark.slow
@pytest.mark.parametrize("unlike", [False, True])
@pytest.mark.parametrize(("count", "icc"), [(30, 0.0), (30, 0.5), (120, 0.3)])
def test_coverage_of_a_difference_by_clusters(count: int, icc: float, unlike: bool) -> None:
    """Intervals of independent pictures held in 30 to 75 % with an ICC of .3 and more."""
    generator, trials, held = np.random.default_rng([count, int(10 * icc), unlike]), 600, 0
    for _ in range(trials):
        sizes = (
            np.maximum(1, np.rint(generator.lognormal(2.0, 0.7, count))).astype(int) if unlike else np.full(count, 10)
        )
        code = np.repeat(np.arange(count), sizes)
        effect = np.sqrt(icc) * generator.standard_normal(count)[code]
        first = effect + np.sqrt(1 - icc) * generator.standard_normal(len(code)) < 0.84
        second = np.sqrt(1 - icc) * generator.standard_normal(len(code)) < 0.52 + effect
        clusters = Clusters(np.arange(len(code)), code)
        low, high = ends(difference(mean(clusters.ids, first), mean(clusters.ids, second), 1.0, clusters=clusters))
        held += low <= 0.7995 - 0.6985 <= high
    assert held / trials >= 0.93 - 2 * math.sqrt(0.05 * 0.95 / trials)


def test_every_part_of_a_difference_is_by_clusters() -> None:
    """Each part is what the test of its own differences gives, formed by picture and collapsed last."""
    generator = np.random.default_rng(7)
    first, second = (generator.random((240, 4)) < 0.6 + 0.2 * k for k in range(2))
    code, label = generator.integers(0, 30, 240), np.repeat(np.arange(6), 40)
    levels = [Condition(corruption="fog", severity=k) for k in range(4)]

    def by_hand(differences: np.ndarray, span: float) -> Difference:
        return ClusterDifferences.from_images(differences, code).test(span)

    cells = by_cell(first, second, levels, code)
    assert [cell.difference for cell in cells] == [by_hand(cell, 1.0) for cell in (1.0 * second - first).T]
    weights = np.full(4, 0.25)
    whole, *_ = by_cells(~first, ~second, weights, ["all"] * 4, code)
    apart = (~first * 1.0 - ~second) @ weights
    assert whole.difference == by_hand(apart, 1.0)
    for part in by_class(apart, label, codes=code):
        mine, alone = part.difference, by_hand(np.where(label == int(str(part.name)), apart, 0.0), 1.0)
        assert (mine.n, mine.clusters, mine.method) == (240, 30, alone.method)
        assert (mine.value, mine.p, *ends(mine)) == pytest.approx((alone.value, alone.p, *ends(alone)))
    answers = [(generator.random(240), side[:, 0]) for side in (first, second)]
    assert {part.difference.clusters for part in by_calibration(*answers, code)} == {30}

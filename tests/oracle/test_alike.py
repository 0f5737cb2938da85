"""What holds if groups of pictures are alike: the hypergeometric distribution, and all ways to deal pictures anew."""

from __future__ import annotations

from itertools import combinations

import numpy as np
import pytest
from scipy.stats import hypergeom, permutation_test

from hardiness.statistics.alike import AlikeGroups, shares_p_as_rest


def test_of_shares_it_is_the_hypergeometric_mid_p() -> None:
    generator = np.random.default_rng(0)
    for _ in range(20):
        n = generator.integers(1, 80, 6)
        hits = generator.binomial(n, generator.random())
        total, counted = int(n.sum()), int(hits.sum())
        chance = hypergeom(total, counted, n)
        below, above = chance.cdf(hits), chance.sf(hits - 1)
        expected = np.minimum(2 * np.minimum(below, above) - chance.pmf(hits), 1.0)
        assert shares_p_as_rest(hits, n) == pytest.approx(expected, abs=1e-9)


def test_moments_are_those_of_all_ways_to_deal_the_pictures() -> None:
    values = np.array([0.0, 0.1, 0.9, 1.0, 0.95, 0.9, 0.2, 0.97, 0.93])
    groups = AlikeGroups.of(values, np.repeat([0, 1], [3, 6]), 2)
    sums = np.array([sum(values[list(dealt)] - values.mean()) for dealt in combinations(range(9), 3)])
    share = 3 / 9
    assert groups.variance * 3 * (1 - share) == pytest.approx(np.mean(sums**2))
    assert groups.cubes * 3 * (1 - share) * (1 - 2 * share) == pytest.approx(np.mean(sums**3))


@pytest.mark.parametrize("failing", [0.0, 0.04, 0.15])
@pytest.mark.parametrize("seed", range(3))
def test_the_p_value_is_that_of_permutations(failing: float, seed: int) -> None:
    generator = np.random.default_rng(seed)
    first, rest = (np.where(generator.random(n) < failing, 0.0, generator.normal(0.8, 0.05, n)) for n in (40, 200))
    first -= 0.015
    values, codes = np.concatenate([first, rest]), np.repeat([0, 1], [40, 200])
    dealt = permutation_test(
        (first, rest), lambda one, other, axis: one.mean(axis) - other.mean(axis), vectorized=True, n_resamples=4999
    )
    p = AlikeGroups.of(values, codes, 2).p_as_rest()
    assert p[0] == pytest.approx(p[1])
    assert dealt.pvalue * 0.8 - 0.02 < p[0] < dealt.pvalue * 1.6 + 0.02, "the larger of two, with skew and without"


@pytest.mark.parametrize("sizes", [(40, 40, 40), (300, 30, 30, 30)])
def test_all_alike_has_the_p_value_of_permutations(sizes: tuple[int, ...]) -> None:
    generator, codes = np.random.default_rng(len(sizes)), np.repeat(np.arange(len(sizes)), sizes)
    values = generator.gamma(0.3, size=len(codes)) + 0.15 * (codes == 1)

    def between(dealt: np.ndarray) -> float:
        sums = np.bincount(codes, dealt - values.mean())
        return float(np.sum(sums**2 / np.array(sizes)))

    seen = between(values)
    as_far = np.mean([between(generator.permutation(values)) >= seen for _ in range(4000)])
    assert AlikeGroups.of(values, codes, len(sizes)).heterogeneity() == pytest.approx(as_far, abs=0.03)


def test_of_clusters_of_one_size_the_variance_is_that_of_dealing_clusters() -> None:
    generator = np.random.default_rng(4)
    by_cluster = generator.gamma(1.0, size=9)
    values = np.repeat(by_cluster, 4) + generator.normal(0, 0.3, 36)
    codes, clusters = np.repeat([0, 1, 2], 12), np.repeat(np.arange(9), 4)
    groups = AlikeGroups.of(values, codes, 3, clusters)
    of_clusters = np.bincount(clusters, values - values.mean())
    sums = np.array([of_clusters[list(dealt)].sum() for dealt in combinations(range(9), 3)])
    assert groups.variance * 12 * (2 / 3) == pytest.approx(np.mean(sums**2))


def test_what_a_cluster_adds_to_all_groups_alike_falls_out() -> None:
    generator = np.random.default_rng(5)
    clusters, codes = np.repeat(np.arange(30), 6), np.tile([0, 0, 1, 1, 2, 2], 30)
    own = generator.normal(0, 0.01, 180)
    alone = AlikeGroups.of(own, codes, 3, clusters)
    with_clusters = AlikeGroups.of(own + generator.normal(0, 5, 30)[clusters], codes, 3, clusters)
    assert with_clusters.variance == pytest.approx(alone.variance)
    assert with_clusters.p_as_rest() == pytest.approx(alone.p_as_rest())


def test_groups_without_any_spread_are_as_the_rest() -> None:
    for clusters in (None, np.arange(60) // 3):
        groups = AlikeGroups.of(np.full(60, 0.1), np.arange(60) % 3, 4, clusters)
        assert groups.p_as_rest().tolist() == [1.0] * 4
        assert groups.heterogeneity() == 1.0

"""Intervals that may be looked at, and those of a run that stops by width: closed forms, coverage over many orders."""

from __future__ import annotations

import numpy as np
import pytest
from scipy.stats import betabinom, binom, hypergeom

from hardiness.core.errors import ArgumentError
from hardiness.statistics.sequences import STOP_ERRORS, half_width, multiplier, share_interval
from hardiness.statistics.stopping import Extent, headline_of_share, images_needed, next_extent


def test_the_multiplier_is_the_least_there_is() -> None:
    """The square root of the least (1 + 1/u) (log(1 + u) + 2 log 20) over u, found on a grid."""
    u = np.linspace(0.1, 60, 200_000)
    assert multiplier() == pytest.approx(np.sqrt(((1 + 1 / u) * (np.log1p(u) + 2 * np.log(20))).min()), abs=1e-6)
    assert multiplier() == pytest.approx(3.035, abs=1e-3)
    assert multiplier(0.99) > multiplier()


def test_it_is_tightest_where_it_is_aimed_at() -> None:
    target = 0.01
    variance = (target / multiplier()) ** 2
    assert half_width(variance, target) == pytest.approx(target)
    for factor in (0.05, 0.3, 3, 20):
        other = half_width(factor * variance, target)
        assert other / np.sqrt(factor * variance) > multiplier()
        assert (other < target) == (factor < 1)
    assert half_width(0.0, target) == 0


@pytest.mark.parametrize("target", [0.0, -1.0])
def test_a_target_of_nothing_is_refused(target: float) -> None:
    with pytest.raises(ArgumentError, match="precision-target must be above 0"):
        half_width(1.0, target)


def test_a_brownian_motion_leaves_the_bounds_once_in_twenty_at_most() -> None:
    """At any of 400 looks from a hundredth of the aim's information to a hundred times it; 1.96 fails most."""
    generator, target = np.random.default_rng(0), 1.0
    information = np.geomspace(0.01, 100, 400) * multiplier() ** 2
    steps = generator.normal(size=(4000, 400)) * np.sqrt(np.diff(information, prepend=0))
    estimate = np.cumsum(steps, axis=1) / information
    bounds = np.array([half_width(1 / each, target) for each in information])
    assert 0.95 <= np.mean((np.abs(estimate) <= bounds).all(axis=1)) <= 0.985
    assert np.mean((np.abs(estimate) <= 1.96 / np.sqrt(information)).all(axis=1)) < 0.7


@pytest.mark.slow
@pytest.mark.parametrize("rate", [0.0, 0.002, pytest.param(0.998, marks=pytest.mark.slow)])
def test_a_rare_share_is_covered_at_every_look_at_once(rate: float) -> None:
    """Without replacement from 4,000, at 40 looks; of fewer than thirty hits, or misses, the interval is exact."""
    generator, population = np.random.default_rng(1), 4000
    right = np.arange(population) < rate * population
    looks = np.unique(np.geomspace(5, population, 40).astype(int))
    covered = 0
    for _ in range(150):
        hits = np.cumsum(generator.permutation(right))
        intervals = [share_interval(int(hits[n - 1]), int(n), population) for n in looks]
        covered += all(each.low - 1e-9 <= rate <= each.high + 1e-9 for each in intervals)
    assert covered / 150 >= 0.93


@pytest.mark.slow
@pytest.mark.parametrize("population", [None, 4000])
@pytest.mark.parametrize("rate", [0.02, 0.1, 0.5, 0.95])
def test_a_share_is_covered_where_a_run_stops_by_its_width(rate: float, population: int | None) -> None:
    """In 95 % of orders and more, of which two standard errors are the simulation's; 1.96 errors would do nearly."""
    generator, target, orders = np.random.default_rng(1), 0.02, 1500
    covered = 0
    for _ in range(orders):
        images = population or 20_000
        hits = np.cumsum(generator.permutation(np.arange(images) < rate * images))
        extent: Extent | None = Extent(100, 1)
        while extent is not None:
            found = headline_of_share("top1", int(hits[extent.images - 1]), extent.images, target, population)
            if found.half_width <= target:
                break
            extent = next_extent(extent, [found], target, Extent(images, 1))
        assert found.spread is not None
        ends = found.spread.interval()
        covered += ends.low <= rate <= ends.high
    assert covered / orders >= 0.95


def test_the_whole_population_leaves_nothing_open() -> None:
    found = share_interval(30, 100, 100)
    assert (found.low, found.high) == (pytest.approx(0.3, abs=1e-9), pytest.approx(0.3, abs=1e-9))
    assert share_interval(30, 100).high > 0.4


@pytest.mark.parametrize(("hits", "n", "population"), [(0, 40, 300), (3, 40, 300), (38, 40, 300), (2, 100, None)])
def test_the_ends_of_the_exact_interval_are_where_the_likelihood_is_a_twentieth(
    hits: int, n: int, population: int | None
) -> None:
    """Against scipy's distributions, the likelihood of the order of hits and misses over its mean under the prior."""
    found = share_interval(hits, n, population)
    mixed = betabinom.pmf(hits, n, 0.5, 0.5)
    for share in np.linspace(0.001, 0.999, 333):
        if population is None:
            seen = binom.pmf(hits, n, share)
        else:
            share = round(share * population) / population
            seen = hypergeom.pmf(hits, population, round(share * population), n)
        assert (found.low <= share <= found.high) == (seen * 20 >= mixed), share


def test_no_hit_in_few_images_is_no_certainty() -> None:
    found = share_interval(0, 50, 50_000)
    assert found.low == 0
    assert found.high > 0.05  # three in n, the rule for one look, would be .06
    mirrored = share_interval(50, 50, 50_000)
    assert mirrored.low == pytest.approx(1 - found.high)


@pytest.mark.parametrize("case", [(1, 0, None), (3, 2, None), (-1, 2, None), (1, 11, 10)])
def test_impossible_counts_are_refused(case: tuple[int, int, int | None]) -> None:
    with pytest.raises(ArgumentError, match="0 <= hits <= n <= population"):
        share_interval(*case)


def test_images_needed_reach_the_target() -> None:
    n = images_needed(0.25, 0.0, 0.01)
    assert STOP_ERRORS * np.sqrt(0.25 / n) == pytest.approx(0.01, rel=1e-3)
    finite = images_needed(0.25, 0.0, 0.01, 50_000)
    assert finite == pytest.approx(n / (1 + n / 50_000), abs=1)
    assert STOP_ERRORS * np.sqrt((1 - finite / 50_000) * 0.25 / finite) == pytest.approx(0.01, rel=1e-3)


@pytest.mark.parametrize("population", [None, 5000])
@pytest.mark.parametrize(("hits", "n"), [(30, 100), (400, 1000), (960, 1000)])
def test_a_share_of_some_ends_where_it_is_so_many_errors_away(hits: int, n: int, population: int | None) -> None:
    """The error is that of a share at the end, and of what is left of a population."""
    found = share_interval(hits, n, population)
    left = 1.0 if population is None else (population - n) / (population - 1)
    for end in (found.low, found.high):
        assert abs(hits / n - end) == pytest.approx(STOP_ERRORS * np.sqrt(end * (1 - end) * left / n))

"""Two one-sided tests: against statsmodels, and by what the binomial distribution says where few pictures differ."""

from __future__ import annotations

import numpy as np
import pytest
from statsmodels.stats.weightstats import ttost_paired

from hardiness.report.words import text as said
from hardiness.statistics.clusters import Clusters
from hardiness.statistics.comparison import difference, exact_paired_difference
from hardiness.statistics.estimate import mean
from hardiness.statistics.verdicts import equivalence_outcome, equivalence_p, least_margin


@pytest.mark.parametrize("shift", [0.0, 0.01, 0.03])
@pytest.mark.parametrize("n", [60, 400])
def test_of_many_differing_pictures_it_is_statsmodels_ttost_paired(n: int, shift: float) -> None:
    generator = np.random.default_rng([n, round(100 * shift)])
    half = generator.normal(0.0, 0.1, n // 2)
    first = np.full(n, 0.5) + shift + np.concatenate([half, -half])  # without skew, which t does not know
    second, ids = np.full(n, 0.5), np.arange(n)
    for margin in (0.01, 0.02, 0.05):
        theirs = ttost_paired(first, second, -margin, margin)[0]
        sides = mean(ids, first), mean(ids, second)
        ours = difference(*sides).spread
        assert equivalence_p(ours, margin) == pytest.approx(theirs, rel=0.08, abs=1e-4)
        assert (equivalence_outcome(ours, margin) == "pass") == (theirs < 0.05)
        ones = difference(*sides, clusters=Clusters(ids, ids)).spread
        of_clusters = equivalence_p(ones, margin)
        assert of_clusters == pytest.approx(theirs, rel=0.08, abs=1e-4), "each picture a cluster of its own"


@pytest.mark.parametrize("n", [150, 250, 598, 599, 1000])
def test_where_no_picture_differs_a_margin_is_shown_only_from_three_of_n_on(n: int) -> None:
    right, ids = np.ones(n), np.arange(n)
    spread = difference(mean(ids, right), mean(ids, right), 1.0).spread
    assert spread is not None
    ends, outcome = spread.deciding_ends(0.1), equivalence_outcome(spread, 0.005)
    assert ends.high == pytest.approx(1 - 0.05 ** (1 / n), rel=1e-6)
    assert ends.low == -ends.high
    assert (outcome == "pass") == (0.995**n < 0.05), "else as few would be seen where the truth is the margin"
    assert least_margin(spread) == ends.high


@pytest.mark.slow
@pytest.mark.parametrize(("n", "rate", "margin"), [(150, 0.0, 0.05), (250, 0.003, 0.02)])
def test_a_difference_on_the_margin_passes_in_at_most_one_of_twenty(n: int, rate: float, margin: float) -> None:
    draws = np.random.default_rng(n).multinomial(n, [margin + rate, rate, 1 - margin - 2 * rate], 4000)
    counts, times = np.unique(draws[:, :2], axis=0, return_counts=True)
    passed = 0
    for (ahead, behind), many in zip(counts.tolist(), times.tolist(), strict=True):
        ends = exact_paired_difference(ahead, behind, n).interval(0.9)
        passed += many * (-margin < ends.low and ends.high < margin)
    assert 0 < passed / 4000 <= 0.05


def test_clusters_that_do_not_differ_are_no_certainty() -> None:
    ids = np.arange(1000)
    right, clusters = mean(ids, np.ones(1000)), Clusters(ids, ids // 50)
    tested = difference(right, right, 1.0, clusters=clusters)
    assert tested.spread is not None
    assert (equivalence_outcome(tested.spread, 0.05), tested.clusters) == ("cannot tell", 20)
    assert tested.spread.deciding_ends(0.1).high == pytest.approx(1 - 0.05 ** (1 / 20), rel=1e-6)
    few = difference(right, right, 1.0, clusters=Clusters(ids, ids // 200))
    assert equivalence_outcome(few.spread, 0.05) == "cannot tell"
    assert said(few.lack).startswith("it needs")

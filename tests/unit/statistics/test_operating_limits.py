"""Operating limits: which level, between which ends, and where there is none."""

from __future__ import annotations

import numpy as np
import pytest

from hardiness.core.result import Metric, Score
from hardiness.distortions.levels import number_text
from hardiness.report.words import text as said
from hardiness.statistics.clusters import Clusters
from hardiness.statistics.operating_limits import LevelAnswers, operating_limit, surely_rising
from hardiness.statistics.spreads.combined import TwoEnds

QUALITY = Metric("limit", unit="quality", higher_is_better=False)
IDS = np.array([f"n/{k:03d}" for k in range(200)], object)


def levels(*accuracies: float, n: int = 200) -> list[LevelAnswers]:
    """Levels 10, 20, …, each of which answers the first pictures of one order rightly."""
    return [
        LevelAnswers(10.0 * place, IDS[:n], np.arange(n) < round(accuracy * n))
        for place, accuracy in enumerate(accuracies, 1)
    ]


def limit(answers: list[LevelAnswers], above: float = 0.9, clusters: Clusters | None = None) -> Score:
    return operating_limit(QUALITY, answers, above, (0.0, 100.0), number_text, clusters)


def test_the_strongest_level_up_to_which_accuracy_stays_and_the_ends_that_intervals_leave() -> None:
    found = limit(levels(0.99, 0.97, 0.92, 0.85, 0.60))
    # 0.97 of 200 is surely above .9 (its interval begins at .936), .92 is not; .85 surely is not below, .60 is.
    assert (found.spread, found.n) == (TwoEnds(30.0, 20.0, 40.0), 200)
    assert found.lack is None
    assert (found.metric, found.unit, found.higher_is_better) == ("limit", "quality", False)


def test_an_end_that_no_level_bounds_is_that_of_the_quantity() -> None:
    assert limit(levels(0.99, 0.92, 0.89)).spread == TwoEnds(20.0, 10.0, 100.0)
    assert limit(levels(0.92, 0.5)).spread == TwoEnds(10.0, 0.0, 20.0)


def test_a_limit_of_which_no_level_tells_anything_has_no_interval_over_the_whole_range() -> None:
    found = limit(levels(0.92, 0.91, 0.89))
    assert (found.value, found.spread) == (20.0, None)
    assert said(found.lack) == "no level that was run is surely above that accuracy or below it"


def test_where_accuracy_holds_at_all_levels_there_is_no_limit() -> None:
    found = limit(levels(0.99, 0.99))
    assert (found.value, found.spread, said(found.lack)) == (None, None, "no limit up to 20")
    assert said(limit(levels(0.99, 0.98, 0.91)).lack) == "no limit up to 30 (surely none up to 20)"
    assert said(limit(levels(0.92, 0.91, 0.90)).lack) == "no limit up to 30 (may be chance)"
    falling = [level._replace(value=100 - level.value) for level in levels(0.99, 0.99)]
    assert said(operating_limit(QUALITY, falling, 0.9, (100.0, 1.0), number_text).lack) == "no limit down to 80"
    few = Clusters(IDS, (np.arange(200) // 50).astype(np.int64), "patient")
    assert said(limit(levels(0.97, 0.96), clusters=few).lack) == "no limit up to 20 (may be chance)"


def test_a_quantity_that_falls_has_the_same_limit() -> None:
    falling = [level._replace(value=100 - level.value) for level in levels(0.99, 0.97, 0.92, 0.85, 0.60)]
    found = operating_limit(QUALITY, falling, 0.9, (100.0, 1.0), number_text)
    assert found.spread == TwoEnds(70.0, 60.0, 80.0)


def test_there_is_none_where_the_mildest_level_is_below_or_accuracy_surely_rises_again() -> None:
    below = limit(levels(0.8, 0.7))
    assert (below.value, below.spread) == (None, None)
    assert said(below.lack) == "accuracy is below it already at the mildest level, 10: 80.0 %"
    rising = limit(levels(0.99, 0.6, 0.95))
    assert (rising.value, rising.spread) == (None, None)
    assert said(rising.lack) == "accuracy rises again with the level: 60.0 % at 20, 95.0 % at 30"


def test_a_rise_within_chance_leaves_the_limit_before_the_first_fall() -> None:
    found = limit(levels(0.96, 0.895, 0.905, 0.6))
    assert (found.value, found.lack) == (10.0, None)
    assert surely_rising(levels(0.96, 0.895, 0.905, 0.6)) is None


def test_levels_are_held_against_each_other_on_the_pictures_that_both_have() -> None:
    """Half of the pictures, in another place of their array, are the ones that are right at the stronger level."""
    milder = LevelAnswers(10.0, IDS, np.arange(200) < 100)
    stronger = LevelAnswers(20.0, IDS[50:], np.arange(150) < 140)
    # Of the 150 shared pictures 50 are right at both levels and 90 at the stronger one alone.
    assert surely_rising([milder, stronger]) == (milder, stronger)
    same = LevelAnswers(20.0, IDS[50:100], np.ones(50, bool))
    assert surely_rising([milder, same]) is None, "all that is right there is right at the milder level, too"


def test_of_clusters_each_counts_once() -> None:
    """Two hundred pictures of ten patients: what surely rises of pictures is two patients' change."""
    answers = levels(0.99, 0.6, 0.8)
    patients = Clusters(IDS, (np.arange(200) // 20).astype(np.int64), "patient")
    assert surely_rising(answers) is not None
    assert surely_rising(answers, patients) is None
    wide, narrow = limit(levels(0.97, 0.5), clusters=patients), limit(levels(0.97, 0.5))
    assert wide.value == narrow.value == 10.0
    assert (wide.clusters, narrow.clusters) == (10, 0)
    assert narrow.spread == TwoEnds(10.0, 10.0, 20.0)
    assert wide.spread == TwoEnds(10.0, 0.0, 20.0)
    few = Clusters(IDS, (np.arange(200) // 50).astype(np.int64), "patient")
    assert limit(levels(0.97, 0.5), clusters=few).spread is None
    assert "cluster" in said(limit(levels(0.97, 0.5), clusters=few).lack)


@pytest.mark.parametrize(("above", "value"), [(0.99, 10.0), (0.97, 20.0), (0.975, 10.0), (0.61, 40.0)])
def test_the_stated_accuracy_itself_is_kept(above: float, value: float) -> None:
    assert limit(levels(0.99, 0.97, 0.92, 0.85, 0.60), above).value == value

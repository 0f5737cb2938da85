"""From what a metric returns to scores with intervals, and to functions of images."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace
from typing import Any

import numpy as np
import pytest

from hardiness.core.attack_plan import Round
from hardiness.core.codes import Lack
from hardiness.core.condition import Condition
from hardiness.core.errors import ArgumentError
from hardiness.core.fact import Fact, error_of
from hardiness.core.result import Metric, Score
from hardiness.core.run import Run
from hardiness.core.spread import Interval
from hardiness.core.table import ImageTable
from hardiness.metrics.scoring import (
    Outcome,
    OutcomeOfPart,
    Outcomes,
    Scoring,
    WeightedCells,
    as_measurable,
    as_score,
)
from hardiness.report.words import text as said
from hardiness.statistics.estimate import Estimate, mean
from hardiness.statistics.intervals import proportion, within

SHARE = Metric("share_of_them")
GAP = Metric("gap", signed=True)
LENGTH = Metric("length", unit="pixels")
FOG = tuple(Condition(corruption="fog", severity=severity) for severity in (1, 2))
DRAWS = np.random.default_rng(0)


def scoring(n: int = 60, cells: tuple[Condition, ...] = (Condition(),), **columns: Any) -> Scoring:
    right = (np.random.default_rng(1).random((n, len(cells))) < 0.6).astype(np.int8)
    table = ImageTable(
        np.array([f"n/{i:03}" for i in range(n)], object),
        np.arange(n, dtype=np.int32),
        cells,
        np.arange(len(cells), dtype=np.int16),
        {"right": right, **columns},
    )
    return Scoring(table, Run())


def score_of(metric: Metric, outcome: Any, of: Scoring) -> Score:
    return as_score(metric, Condition(), outcome, of)


def test_a_share_has_its_exact_interval_and_counts_the_images_that_were_evaluated() -> None:
    of = scoring()
    counts = np.where(np.arange(60) < 10, np.nan, of.table["right"][:, 0])
    score = score_of(SHARE, of.mean_of(counts), of)
    hits = int(np.nansum(counts))
    assert (score.value, score.n, score.interval) == (hits / 50, 50, proportion(hits, 50))


def test_a_mean_over_cells_leaves_out_the_clean_one_unless_it_is_named() -> None:
    of = scoring(cells=(Condition(), *FOG))
    right = of.table["right"]
    assert of.clean == 0
    score = score_of(SHARE, of.mean_of(right), of)
    assert score.value == pytest.approx(right[:, 1:].mean())
    assert score.interval is not None
    estimate = mean(of.table.ids, right[:, 1:])
    assert score.interval == estimate.interval(0.0, 1.0), "that of the benchmarks' own means"
    named = score_of(SHARE, of.mean_of(right, Condition(), FOG[1]), of)
    assert named.value == pytest.approx(right[:, [0, 2]].mean())
    alone = scoring()
    assert score_of(SHARE, alone.mean_of(alone.table["right"]), alone).value == pytest.approx(
        alone.table["right"].mean()
    )


def test_images_that_were_not_evaluated_in_a_cell_count_in_none() -> None:
    of = scoring(cells=FOG)
    of.table["right"][:20, 0] = -1
    score = score_of(SHARE, of.mean_of(of.table["right"] == 1), of)
    right = of.table["right"]
    assert score.value == pytest.approx(((right[20:, 0] == 1).mean() + (right[:, 1] == 1).mean()) / 2)
    of.table["right"][:, 0] = -1
    nothing = score_of(SHARE, of.mean_of(of.table["right"] == 1), of)
    assert (nothing.value, said(nothing.lack)) == (None, "a condition has no image")


def test_a_sum_in_which_cells_count_against_others_may_be_below_0() -> None:
    of = scoring(cells=FOG)
    score = score_of(GAP, WeightedCells(of.table["right"], {FOG[0]: 1.0, FOG[1]: -1.0}), of)
    first, second = of.table["right"].mean(axis=0)
    assert score.value == pytest.approx(first - second)
    assert score.interval is not None
    assert score.interval.low < 0 < score.interval.high


def test_an_estimate_has_the_interval_of_its_images_within_its_range() -> None:
    of = scoring()
    values = np.random.default_rng(2).random(60)
    fraction = mean(of.table.ids, values)
    assert score_of(SHARE, fraction, of).interval == fraction.interval(0.0, 1.0)
    lengths = mean(of.table.ids, 9 * values)
    assert score_of(LENGTH, lengths, of).interval == within(lengths.interval(), 0.0, np.inf)
    difference = fraction - mean(of.table.ids, of.table["right"][:, 0])
    assert score_of(GAP, difference, of).interval == difference.interval(-1.0, 1.0, signed=True)
    few = mean(of.table.ids[:3], np.array([-0.9, 0.0, 0.9]))
    assert score_of(GAP, few, of).interval == Interval(-1.0, 1.0), "not beyond what it can be"
    part = score_of(SHARE, OutcomeOfPart(fraction, 7), of)
    assert (part.value, part.n) == (fraction.value, 7)


def test_what_is_undefined_or_has_no_interval_says_why() -> None:
    of = scoring()
    score = score_of(SHARE, error_of(ArgumentError("nobody said so")), of)
    assert (score.value, said(score.lack), score.n) == (None, "nobody said so", 60)
    same = mean(of.table.ids, np.full(60, 0.5))
    score = score_of(LENGTH, same, of)
    assert (score.value, score.interval) == (0.5, None)
    assert said(score.lack) == "it needs 2 images that differ, had 0"
    ratio = mean(of.table.ids, of.table["right"][:, 0]) / mean(of.table.ids, np.zeros(60))
    assert said(score_of(SHARE, ratio, of).lack) == "it is not defined for these images"


@pytest.mark.parametrize(
    ("outcome", "message"),
    [
        (mean(np.arange(60), np.full(60, 2.0)), "its value for the headline must be from 0 to 1, was 2"),
        (WeightedCells(np.full((60, 1), 2.0), {Condition(): 1.0}), "must be from 0 to 1, were 0 to 2"),
        (WeightedCells(np.zeros((60, 2)), {Condition(): 1.0}), "must be of 60 images and 1 cells, were 60 and 2"),
        (0.5, "must be WeightedCells, an Estimate, or a Fact or a text that says why there is none, was float"),
    ],
)
def test_an_outcome_that_is_none_is_refused(outcome: Any, message: str) -> None:
    with pytest.raises(ArgumentError, match=message):
        score_of(SHARE, outcome, scoring())


def ratio_of(of: Scoring) -> Outcomes:
    """How often the first half of the alphabet of ids is right, over how often all are; undefined of few."""
    if len(of.table) < 10:
        return {Condition(): error_of(ArgumentError("there are fewer than ten"))}
    right = of.table["right"][:, 0] == 1
    return {Condition(): mean(of.table.ids, right) / mean(of.table.ids, of.table["weight"])}


def test_an_estimate_is_computed_again_of_the_images_that_are_chosen() -> None:
    of = scoring(weight=np.random.default_rng(3).random(60) + 0.5)
    outcome = ratio_of(of)[Condition()]
    measurable = as_measurable(LENGTH, Condition(), outcome, of, ratio_of)
    assert measurable is not None
    every = measurable.estimate(np.arange(60))
    assert isinstance(outcome, Estimate)
    assert every.value == outcome.value
    assert np.array_equal(every.ids, np.arange(60))
    chosen = np.flatnonzero(DRAWS.random(60) < 0.5)
    found = measurable.estimate(chosen)
    alone = ratio_of(of.on_images(chosen))[Condition()]
    assert isinstance(alone, Estimate)
    assert found.value == alone.value
    assert np.array_equal(found.ids, chosen)
    assert measurable.lacks(chosen) is None
    assert said(measurable.lacks(chosen[:5])) == "there are fewer than ten"
    assert np.isnan(measurable.estimate(chosen[:5]).value)


def test_cells_are_a_sum_by_which_a_run_may_be_stopped_and_a_text_is_nothing() -> None:
    of = scoring(cells=FOG)

    def evaluate(given: Scoring) -> Mapping[Condition, Outcome]:
        return {Condition(): given.mean_of(given.table["right"])}

    found = as_measurable(SHARE, Condition(), evaluate(of)[Condition()], of, evaluate)
    assert found is not None
    assert found.estimate(np.arange(30)).value == pytest.approx(of.table["right"][:30].mean())
    assert found.span == 1.0
    assert as_measurable(SHARE, Condition(), Fact(Lack.UNDEFINED), of, evaluate) is None


def test_what_is_of_pictures_under_attack_says_so_and_what_is_of_clean_ones_does_not() -> None:
    attacked = Condition(epsilon=2 / 255, steps=10)
    of = scoring(cells=(Condition(), attacked))
    of = of._replace(run=replace(of.run, attack=(Round("pgd", "linf", 2 / 255, {10: attacked}),)))
    right = of.table["right"]
    assert score_of(SHARE, of.mean_of(right), of).attacked
    assert not score_of(SHARE, of.mean_of(right, Condition()), of).attacked
    assert score_of(SHARE, mean(of.table.ids, right[:, 0]), of).attacked  # nobody can tell what it is of
    assert not score_of(SHARE, scoring().mean_of(scoring().table["right"]), scoring()).attacked

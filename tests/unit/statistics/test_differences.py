"""Differences of scores: closed forms, what has no interval, and coverage."""

from __future__ import annotations

import numpy as np
import pytest
from scipy.stats import norm, ttest_rel

from hardiness.core import ArgumentError
from hardiness.statistics.comparison import (
    BOUNDED,
    FEWEST_DIFFERING,
    MEAN,
    PAIRED,
    difference,
    mean_difference,
    of_draws,
    unpaired,
)
from hardiness.statistics.intervals import Resamples
from hardiness.statistics.measures import (
    OfMeans,
    area_under_response,
    calibration_measure,
    corruption_weights,
    mean,
    relative_corruption,
    shape_bias,
    weighted,
)


def resamples(n: int, seed: int = 0) -> Resamples:
    return Resamples(np.array([f"{i:05d}" for i in range(n)]), seed)


def test_a_mean_difference_is_the_paired_t_test() -> None:
    generator = np.random.default_rng(0)
    first, second = generator.random((200, 5)), generator.random((200, 5))
    found = difference(mean(first), mean(second), resamples(200))
    theirs = ttest_rel(first.mean(axis=1), second.mean(axis=1))
    low, high = theirs.confidence_interval()
    assert found.interval is not None
    assert (found.value, found.p) == (pytest.approx(np.mean(first - second)), pytest.approx(theirs.pvalue))
    assert (found.interval.low, found.interval.high) == (pytest.approx(low), pytest.approx(high))


def test_the_closed_form_is_what_drawing_gives() -> None:
    generator = np.random.default_rng(1)
    first, second = generator.random((300, 4)) < 0.3, generator.random((300, 4)) < 0.35
    weights = np.array([0.1, 0.2, 0.3, 0.6])
    draws = resamples(300)
    closed = difference(weighted(first, weights), weighted(second, weights), draws)
    drawn = of_draws(weighted(first, weights).draws(draws), weighted(second, weights).draws(draws), 300)
    assert closed.interval is not None
    assert drawn.interval is not None
    assert drawn.value == pytest.approx(closed.value)
    width = closed.interval.high - closed.interval.low
    assert drawn.interval.high - drawn.interval.low == pytest.approx(width, rel=0.08)


def test_mce_weights_give_the_published_sum() -> None:
    baseline = {"fog": [0.5, 0.7], "snow": [0.8, 0.4]}
    weights = corruption_weights(["fog", "fog", "snow", "snow"], [1, 2, 1, 2], baseline)
    errors = np.array([0.1, 0.3, 0.5, 0.7])
    assert errors @ weights == pytest.approx((0.4 / 1.2 + 1.2 / 1.2) / 2)
    relative = relative_corruption(
        np.tile(errors, (40, 1)), np.full(40, 0.05), (["fog", "fog", "snow", "snow"], [1, 2, 1, 2]), (0.2, baseline)
    )
    assert relative.draws(resamples(40))[0] == pytest.approx(((0.4 - 0.1) / 0.8 + (1.2 - 0.1) / 0.8) / 2)
    with pytest.raises(ArgumentError, match="lacks frost"):
        corruption_weights(["frost"], [1], baseline)


def test_shape_bias_is_a_share_of_the_answers_that_name_a_cue() -> None:
    by_shape, by_texture = np.array([1, 1, 1, 0, 0, 0] * 10, bool), np.array([0, 0, 0, 1, 0, 0] * 10, bool)
    measure = shape_bias(by_shape, by_texture)
    assert measure.draws(resamples(60))[0] == pytest.approx(0.75)
    found = difference(measure, shape_bias(by_texture, by_shape), resamples(60))
    assert found.value == pytest.approx(0.5)
    assert found.told
    nothing = difference(measure, shape_bias(np.zeros(60, bool), np.zeros(60, bool)), resamples(60))
    assert nothing.interval is None
    assert nothing.reason == "no answer names a cue"


def test_two_models_that_answer_alike_have_no_difference_but_a_width() -> None:
    right = np.random.default_rng(2).random((500, 3)) < 0.5
    found = difference(mean(right), mean(right.copy()), resamples(500))
    assert found.value == 0
    assert found.interval is not None
    assert found.interval.high == -found.interval.low
    assert 0 < found.interval.high < 0.02
    assert found.reason is not None
    assert "0 of 500" in found.reason


def test_scores_without_a_share_an_image_say_why_they_have_no_interval() -> None:
    confidence, right = np.linspace(0, 1, 150), np.ones(150, bool)
    few = difference(calibration_measure(confidence, right), calibration_measure(confidence, right), resamples(150))
    assert few.reason == "hendrycks2019 calibration needs 200 images, had 150"
    alike = difference(area_under_response(confidence, right), area_under_response(confidence, right), resamples(150))
    assert alike.interval is None
    assert alike.value == 0
    less = area_under_response(confidence[:20], right[:20])
    assert difference(less, less, resamples(20)).reason == "a bootstrap needs 30 images, had 20"


def test_few_errors_leave_a_value_without_an_interval() -> None:
    """The bootstrap of AURRA holds its value far too seldom there."""
    generator = np.random.default_rng(5)
    confidence, right = generator.random(200), np.arange(200) >= 9
    other = np.arange(200) >= 12
    found = difference(area_under_response(confidence, right), area_under_response(confidence, other), resamples(200))
    assert found.value > 0
    assert found.interval is None
    assert found.reason == "a bootstrap needs 10 errors and 10 right answers, had 9 and 191"


def test_scores_of_other_images_are_refused() -> None:
    with pytest.raises(ArgumentError, match="same images"):
        difference(mean(np.ones(5)), mean(np.ones(6)), resamples(6))


def test_unpaired_adds_the_variances_and_says_so() -> None:
    generator = np.random.default_rng(3)
    first, second = generator.normal(size=1001), generator.normal(size=1001)
    found = unpaired(0.03 * first, 0.04 * second, (500, 900))
    assert found.interval is not None
    assert found.interval.high - found.interval.low == pytest.approx(2 * 1.96 * 0.05, rel=0.06)
    assert found.method.startswith("different photographs")
    assert unpaired(first, second, (10, 900)).interval is None


_REST = np.sqrt(1 - 0.6**2 - 0.56**2)


def errors(generator: np.random.Generator, n: int, cells: int, share: float, shift: float) -> tuple[np.ndarray, ...]:
    """Two models' errors on the same images, which are hard for both, harder for one of them, or by cell."""
    hard = generator.normal(size=(n, 1))
    sides = []
    for harder in (0.0, shift):
        latent = 0.6 * hard + 0.56 * generator.normal(size=(n, 1)) + _REST * generator.normal(size=(n, cells))
        sides.append(latent < norm.ppf(share) + harder)
    return tuple(sides)


CASES = [(50, 0.01), (50, 0.3), (200, 0.05), (200, 0.5), (1000, 0.9), (5000, 0.01)]


@pytest.mark.parametrize(
    ("n", "share", "cells"),
    [pytest.param(n, p, m, marks=pytest.mark.slow if n * m > 1000 else ()) for n, p in CASES for m in (1, 20)],
)
def test_coverage_of_the_interval_of_a_mean_difference(n: int, share: float, cells: int) -> None:
    """93 to 97 % where ten errors and ten right answers are expected, else at least 90 %."""
    generator, trials = np.random.default_rng(n), 1500
    truth = share - norm.cdf(norm.ppf(share) + 0.1)
    covered = 0
    for _ in range(trials):
        first, second = errors(generator, n, cells, share, 0.1)
        interval = mean_difference(first.mean(axis=1) - second.mean(axis=1), 1.0).interval
        assert interval is not None
        covered += interval.low <= truth <= interval.high
    slack = 2.5 * np.sqrt(0.05 * 0.95 / trials)
    if n * min(share, 1 - share) * (1 if cells == 1 else cells) >= 10:
        assert 0.93 - slack <= covered / trials
    assert covered / trials >= 0.90


def test_too_few_differing_images_never_reach_the_bootstrap() -> None:
    apart = np.zeros(1000)
    apart[: FEWEST_DIFFERING - 1] = 1
    assert mean_difference(apart, 1.0).method == BOUNDED
    apart[:FEWEST_DIFFERING] = 1
    assert mean_difference(apart, 1.0).method == MEAN


def test_a_linear_score_with_holes_is_drawn() -> None:
    generator = np.random.default_rng(4)
    first, second = generator.random((200, 6)), generator.random((200, 6))
    first[generator.random(first.shape) < 0.5] = np.nan
    measure = OfMeans(first, lambda means: np.asarray(means.mean(axis=-1)))
    assert measure.by_image() is None
    assert difference(measure, mean(second), resamples(200)).method == PAIRED

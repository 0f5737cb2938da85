"""Differences of scores: closed forms, what has no interval, and coverage."""

from __future__ import annotations

import json
import math
from collections.abc import Callable
from dataclasses import astuple

import numpy as np
import pytest
from one_score import compared, paired_difference
from scipy.stats import binom, norm, permutation_test, ttest_rel

from hardiness.core.condition import Condition
from hardiness.core.errors import ArgumentError
from hardiness.core.forms import from_json, json_form
from hardiness.core.result import Metric
from hardiness.report.words import text as said
from hardiness.statistics.comparison import (
    APART,
    BOUNDED,
    FEWEST_DIFFERING,
    MEAN,
    Difference,
    adjust_differences,
    difference,
    mean_difference,
    sign_flip_p,
)
from hardiness.statistics.decomposition import by_class
from hardiness.statistics.estimate import Estimate, mean
from hardiness.statistics.measures import (
    Measurable,
    WeightedSum,
    area_under_response,
    calibration_measure,
    corruption_weights,
    relative_corruption_weights,
)
from hardiness.statistics.measures import shape_bias as shape_bias_of
from hardiness.statistics.multiplicity import holm

ERROR, AREA = Metric("error", higher_is_better=False), Metric("area")


def names(n: int, first: int = 0) -> np.ndarray:
    return np.array([f"{i:05d}" for i in range(first, first + n)], object)


def apart(first: Measurable, second: Measurable, n: int) -> Difference:
    """The difference of two scores of the same images."""
    at = np.arange(n)
    return difference(first.estimate(at), second.estimate(at), first.span, first.lacks(at) or second.lacks(at))


def shape_bias(by_shape: np.ndarray, by_texture: np.ndarray) -> Measurable:
    return shape_bias_of(Metric("shape_bias"), by_shape, by_texture, Condition())


def ends(found: Difference) -> tuple[float, float]:
    assert found.interval is not None
    return found.interval.low, found.interval.high


def test_a_mean_difference_without_skew_is_the_paired_t_test() -> None:
    generator = np.random.default_rng(0)
    half = generator.random(100)
    first, second = np.append(half, 1 - half) + 0.05, np.full(200, 0.5)
    found = difference(mean(names(200), first), mean(names(200), second))
    theirs = ttest_rel(first, second)
    low, high = theirs.confidence_interval()
    assert (found.value, found.p) == (pytest.approx(0.05), pytest.approx(theirs.pvalue, rel=1e-6))
    assert ends(found) == (pytest.approx(low), pytest.approx(high))
    assert found.method == MEAN


def test_mce_weights_give_the_published_sum() -> None:
    baseline = {"fog": [0.5, 0.7], "snow": [0.8, 0.4]}
    cells = ["fog", "fog", "snow", "snow"], [1, 2, 1, 2]
    weights = corruption_weights(*cells, baseline)
    errors = np.array([0.1, 0.3, 0.5, 0.7])
    assert errors @ weights == pytest.approx((0.4 / 1.2 + 1.2 / 1.2) / 2)
    relative = relative_corruption_weights(*cells, 0.2, baseline)
    assert np.append(errors, 0.05) @ relative == pytest.approx(((0.4 - 0.1) / 0.8 + (1.2 - 0.1) / 0.8) / 2)
    with pytest.raises(ArgumentError, match="lacks frost"):
        corruption_weights(["frost"], [1], baseline)


def test_shape_bias_is_a_share_of_the_answers_that_name_a_cue() -> None:
    by_shape, by_texture = np.array([1, 1, 1, 0, 0, 0] * 10, bool), np.array([0, 0, 0, 1, 0, 0] * 10, bool)
    measure = shape_bias(by_shape, by_texture)
    assert measure.estimate(np.arange(60)).value == pytest.approx(0.75)
    found = apart(measure, shape_bias(by_texture, by_shape), 60)
    assert found.value == pytest.approx(0.5)
    assert found.is_told_apart
    nothing = apart(measure, shape_bias(np.zeros(60, bool), np.zeros(60, bool)), 60)
    assert nothing.interval is None
    assert said(nothing.lack) == "none of 60 stimuli was answered with one of its cues"


def test_two_models_that_answer_alike_have_no_difference_but_a_width() -> None:
    right = (np.random.default_rng(2).random((500, 3)) < 0.5).astype(float)
    score = WeightedSum("accuracy", right, np.full(3, 1 / 3))
    found = apart(score, WeightedSum("accuracy", right.copy(), np.full(3, 1 / 3)), 500)
    low, high = ends(found)
    assert (found.value, found.p) == (0, 1)
    assert high == -low
    assert 0 < high < 0.02
    assert said(found.lack) is not None
    assert "0 of 500" in said(found.lack)


def test_scores_without_a_share_an_image_say_why_they_have_no_interval() -> None:
    confidence, right = np.linspace(0, 1, 150), np.ones(150, bool)
    few = apart(calibration_measure(ERROR, confidence, right), calibration_measure(ERROR, confidence, right), 150)
    assert said(few.lack) == "it needs 200 images, had 150"
    half = np.arange(150) % 2 == 0
    alike = apart(area_under_response(AREA, confidence, half), area_under_response(AREA, confidence, half), 150)
    assert (alike.interval, alike.value) == (None, 0)
    assert said(alike.lack) == "it needs 30 images and 10 images that differ, had 150 and 0"


def test_few_errors_leave_a_value_without_an_interval() -> None:
    confidence = np.random.default_rng(5).random(200)
    first, second = (area_under_response(AREA, confidence, np.arange(200) >= wrong) for wrong in (9, 12))
    found = apart(first, second, 200)
    assert found.value > 0
    assert found.interval is None
    assert said(found.lack) == "it needs 10 errors and 10 right answers, had 9 and 191"


def test_different_photographs_add_their_variances_and_say_so() -> None:
    generator = np.random.default_rng(3)
    first, second = generator.normal(0, 0.3, 500), generator.normal(0, 0.4, 900)
    found = difference(mean(names(500), first), mean(names(900, 1000), second))
    low, high = ends(found)
    assert high - low == pytest.approx(2 * 1.96 * np.hypot(0.3 / 500**0.5, 0.4 / 900**0.5), rel=0.06)
    assert found.method == APART
    few = difference(mean(names(10), first[:10]), mean(names(900, 1000), second))
    assert (few.interval, said(few.lack)) == (None, "it needs 30 images and 10 images that differ, had 10 and 909")
    shares = difference(mean(names(70), np.arange(70) < 56), mean(names(80, 1000), np.arange(80) < 48))
    assert (shares.n, "different photographs" in shares.method) == (70, True)
    assert ends(shares) == (pytest.approx(0.0524, abs=6e-5), pytest.approx(0.3339, abs=6e-5)), "Newcombe's"


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


@pytest.mark.slow
@pytest.mark.parametrize(
    ("n", "share", "cells"),
    [
        pytest.param(n, p, m, marks=[pytest.mark.slow] * (n * m > 1000) + [pytest.mark.thorough] * (n * m > 10_000))
        for n, p in CASES
        for m in (1, 20)
    ],
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


@pytest.mark.parametrize("n", [2, 3, 5, 8, 20, 250])
@pytest.mark.parametrize("differing", [2, 5, 6, 8, 9])
def test_few_differing_images_are_told_apart_no_more_often_than_by_chance(n: int, differing: int) -> None:
    """With eight images, all differing by 1, 29 % of all signs told the models apart before; with two images 50 %."""
    told = []
    for ahead in range(min(differing, n) + 1):
        values = np.zeros(n)
        values[: min(differing, n)] = -1
        values[:ahead] = 1
        told.append(mean_difference(values, 1.0).is_told_apart)
    assert binom.pmf(range(len(told)), len(told) - 1, 0.5) @ np.array(told) <= 0.05
    assert any(told) == (len(told) > 6), "six on one side are the fewest that tell"


def test_no_part_of_four_pictures_is_told_from_none() -> None:
    differences, labels = np.zeros(20), np.repeat([0, 1], 10)
    differences[[0, 1, 2, 3, 10]] = 1.0
    both = by_class(differences, labels)
    assert [part.difference.value for part in both] == [0.2, 0.05]
    assert [part.difference.p for part in both] == [pytest.approx(0.125), pytest.approx(1.0)]
    assert not any(part.difference.is_told_apart for part in both)


def test_the_interval_of_twelve_images_ends_near_that_of_students_t() -> None:
    """Without the skew, which was removed though of twelve it is mostly chance, its ends were -60 and 53 points."""
    values = np.array([0.35, 0.05, 0.3, 0.2, 0.25, 0.65, -0.5, 0.3, 0.4, 0.2, 0.35, 0.45])
    of_t = ttest_rel(values, np.zeros(12)).confidence_interval()
    low, high = ends(mean_difference(values, 1.0))
    assert of_t.low - 0.15 <= low <= of_t.low < of_t.high <= high <= of_t.high + 0.15


def test_all_ways_to_flip_signs_are_those_of_scipy() -> None:
    generator = np.random.default_rng(11)
    for k in (2, 5, 8, 11):
        numbers = np.round(generator.normal(0.4, 1, k), 1) + 0.05
        exact = permutation_test((numbers,), np.sum, permutation_type="samples", n_resamples=10_000)
        assert sign_flip_p(numbers) == pytest.approx(exact.pvalue, abs=1e-12)
    assert sign_flip_p(np.ones(20)) == 2.0**-19
    assert sign_flip_p(np.ones(1)) == sign_flip_p(np.array([1.0, -1.0])) == 1.0


Sizes = Callable[[np.random.Generator, int], np.ndarray]
SIZES: dict[str, tuple[Sizes, float, float]] = {
    "equal": (lambda draws, k: np.ones(k), 1.0, 1.0),
    "exponential": (lambda draws, k: draws.exponential(1.0, k), 1.0, 20.0),
    "heavy tails": (lambda draws, k: np.exp(1.5 * draws.standard_normal(k)), math.exp(1.125), 200.0),
}
"""Sizes of what two models are apart by on an image, their mean, and the most that is thought of."""


@pytest.mark.slow
@pytest.mark.parametrize("ahead", [1.0, 0.8, 0.5])
@pytest.mark.parametrize("n", [60, 1000])
@pytest.mark.parametrize("sizes", SIZES)
def test_coverage_where_twenty_images_differ_by_unequal_sizes(sizes: str, n: int, ahead: float) -> None:
    """Student's t with n - 1 degrees of freedom held in 91.0 % (exponential) and 78.6 % (heavy tails)."""
    draw, size, span = SIZES[sizes]
    generator, trials, below, above = np.random.default_rng([n, int(10 * ahead)]), 600, 0, 0
    truth = 20 / n * size * (2 * ahead - 1)
    for _ in range(trials):
        values = np.zeros(n)
        k = max(int(generator.binomial(n, 20 / n)), FEWEST_DIFFERING)
        values[:k] = draw(generator, k) * np.where(generator.random(k) < ahead, 1, -1)
        low, high = ends(mean_difference(values, span))
        below, above = below + (truth < low), above + (truth > high)
    slack = 2.5 * np.sqrt(0.05 * 0.95 / trials)
    asked = 0.935 if sizes == "heavy tails" else 0.94  # 93.7 to 99.6 % in 6,000 trials, unlike signs the least
    assert 1 - (below + above) / trials >= asked - slack, (below, above)


@pytest.mark.slow
@pytest.mark.parametrize("n", [12, 20, 29, 40])
@pytest.mark.parametrize("differing", [0.1, 0.4, 0.9])
def test_coverage_of_few_images(n: int, differing: float) -> None:
    """Wilson's intervals of either side, taken for independent, held in 82 to 85 % where most differ."""
    generator, trials, held = np.random.default_rng([n, int(10 * differing)]), 800, 0
    for _ in range(trials):
        values = np.where(generator.random(n) < differing, np.where(generator.random(n) < 0.6, 1.0, -1.0), 0.0)
        low, high = ends(mean_difference(values, 1.0))
        held += low <= 0.2 * differing <= high
    assert held / trials >= 0.94 - 2.5 * np.sqrt(0.05 * 0.95 / trials)


def any_test(generator: np.random.Generator) -> Difference:
    """A test of one of the kinds that there are, of few images or many."""
    n = int(generator.integers(5, 80))
    first, second = generator.random(n), generator.random(n)
    kind, rate = generator.integers(5), generator.random()
    if kind == 0:
        return difference(mean(names(n), first < rate), mean(names(n), first < rate * second))
    if kind == 1:
        return difference(mean(names(n), first < rate), mean(names(n, 100), second < rate / 2))
    if kind == 2:
        return difference(mean(names(n), first), mean(names(n), np.where(first < rate, first, second)), 1.0)
    if kind == 3:
        return difference(mean(names(n), first), mean(names(n, 100), second**2))
    return difference(mean(names(n), first**4), mean(names(n), first**4 * rate), 1.0)


@pytest.mark.slow
def test_p_is_below_a_level_exactly_where_the_interval_of_that_level_leaves_out_0() -> None:
    generator, told = np.random.default_rng(7), 0
    for _ in range(400):
        test = any_test(generator)
        if test.p is None:
            continue
        for level in (0.5, 0.05, 0.001):
            found = test.among(test.p, level)
            low, high = ends(found)
            assert (test.p < level) == (not low <= 0 <= high), (test, level)
            told += test.p < level
    assert told > 100


def test_a_difference_that_was_stored_has_its_interval_at_every_level_and_its_p_values() -> None:
    generator = np.random.default_rng(8)
    for alone in (any_test(generator) for _ in range(40)):
        found = alone.among(0.04, 0.02)
        form = json.loads(json.dumps(json_form(found)))
        back = from_json(Difference, form, "the difference")
        assert back == found
        if found.spread is None or back.spread is None:
            assert form["interval"] is form["p"] is None
            continue
        assert form["interval"] == [*astuple(found.spread.ends(0.02))]
        assert back.spread.deciding_ends(0.1) == found.spread.deciding_ends(0.1)
        assert back.spread.p(0.01, -1) == found.spread.p(0.01, -1)


def test_told_apart_interval_p_and_ranks_never_contradict_each_other() -> None:
    """One table said "told apart? yes", an interval of +0.15 to +9.84, p 0.062, and ranks 1-3, 1-3, 1-3."""
    four = paired_difference(np.arange(40) < 30, np.arange(40) < 26)
    assert four.p == pytest.approx(0.0625)
    low, high = ends(four)
    assert low == 0
    assert high > 0.1
    generator, told = np.random.default_rng(8), 0
    for trial in range(120):
        n = int(generator.integers(10, 60))
        hard = generator.random(n)
        rates = np.sort(generator.random(3))
        shares = {f"m{k}": mean(names(n), hard + 0.2 * generator.random(n) < rate) for k, rate in enumerate(rates)}
        means = {f"m{k}": mean(names(n), hard**2 * rate) for k, rate in enumerate(rates)}
        found = compared("top1", shares if trial % 2 else means, trial % 3 > 0, span=1.0)
        better = dict.fromkeys(shares, 0)
        for pair, each in found.pairs.items():
            low, high = ends(each)
            assert found.is_told_apart(pair) == each.is_told_apart == (not low <= 0 <= high)
            if each.is_told_apart:
                told += 1
                better[pair[1] if (each.value > 0) == found.higher_is_better else pair[0]] += 1
        assert {name: rank.rank - 1 for name, rank in found.ranks.items()} == better
    assert told > 50


def test_every_pair_and_score_of_a_table_is_adjusted_together() -> None:
    generator = np.random.default_rng(9)
    hard = generator.random(200)
    scores = [
        {(f"m{k}", "base"): difference(mean(names(200), hard < 0.5 + shift), mean(names(200), hard < 0.5))}
        for k, shift in enumerate((0.0, 0.0, 0.0, 0.02, 0.3))
    ]
    found = [next(iter(each.values())) for each in adjust_differences(scores)]
    alone = [next(iter(each.values())) for each in scores]
    assert [each.p for each in found] == pytest.approx(holm([each.p or 0.0 for each in alone]).tolist())
    for one, many in zip(alone, found, strict=True):
        low, high = ends(many)
        assert many.is_told_apart == (not low <= 0 <= high)
        assert low <= ends(one)[0] <= ends(one)[1] <= high
    assert [each.is_told_apart for each in found] == [False, False, False, False, True]
    assert [each.is_told_apart for each in alone] == [False, False, False, True, True]


@pytest.mark.slow
def test_a_table_of_equal_models_tells_none_apart() -> None:
    """Of tables of six pairs by two scores, one in twenty at most says of any that it is told apart."""
    generator, wrong, trials = np.random.default_rng(10), 0, 300
    for _ in range(trials):
        hard = generator.standard_normal(150)
        sides = {f"m{k}": hard + 0.7 * generator.standard_normal(150) for k in range(4)}
        tests = []
        for at in (-0.5, 0.5):
            means = {name: mean(names(150), side < at) for name, side in sides.items()}
            pairs = [(a, b) for a in means for b in means if a < b]
            tests.append({pair: difference(means[pair[0]], means[pair[1]]) for pair in pairs})
        wrong += any(each.is_told_apart for score in adjust_differences(tests) for each in score.values())
    assert wrong / trials <= 0.05 + 2 * np.sqrt(0.05 * 0.95 / trials)


@pytest.mark.parametrize("n", [250, 600])
def test_influences_of_scores_that_sort_are_those_of_leaving_images_out(n: int) -> None:
    generator = np.random.default_rng(n)
    chance = generator.random(n)
    right, every = generator.random(n) < chance, np.arange(n)
    area = area_under_response(AREA, np.sqrt(chance), right)
    whole = area.estimate(every)
    without = np.array([area.estimate(np.delete(every, k)).value for k in range(0, n, 7)])
    pull = (n - 1) * (whole.value - without)
    np.testing.assert_allclose(whole.influence[::7] - whole.influence[0], pull - pull[0], atol=1e-9)
    # A bin's edges move with each image that is left out: its influence is that of the others' gaps, on the whole.
    error = calibration_measure(ERROR, np.sqrt(chance), right).estimate(every)
    drawn = [
        calibration_measure(ERROR, np.sqrt(chance[at]), right[at]).estimate(every).value
        for at in generator.integers(0, n, (400, n))
    ]
    assert error.error == pytest.approx(np.std(drawn), rel=0.25)
    assert isinstance(error, Estimate)

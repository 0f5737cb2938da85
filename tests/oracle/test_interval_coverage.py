"""How often intervals of one run hold the true value: by simulation, from few images and few errors to many."""

from __future__ import annotations

from collections.abc import Callable

import numpy as np
import pytest
from scipy.special import ndtr, ndtri

from hardiness.benchmarks.card import cards
from hardiness.benchmarks.losses import INVERSE_TEMPERATURES
from hardiness.benchmarks.shares import confidence_scores, selective_scores
from hardiness.benchmarks.temperature import best_inverse, temperature_estimate
from hardiness.core.condition import Condition
from hardiness.core.errors import ArgumentError
from hardiness.core.run import BenchmarkIdentity, DataIdentity, Run
from hardiness.core.spread import Interval
from hardiness.core.table import ImageTable
from hardiness.metrics.imagenet_x import error_ratio, error_ratios
from hardiness.metrics.scoring import Scoring, as_score
from hardiness.statistics.acceptance import accepted_spread, threshold
from hardiness.statistics.calibration_intervals import Gaps, calibration_interval
from hardiness.statistics.cells import cell_estimate
from hardiness.statistics.confidence import bin_of, bin_of_hundred, rms_calibration_error
from hardiness.statistics.intervals import effective_wilson, proportion, wilson
from hardiness.statistics.kappa import pairwise
from hardiness.statistics.stopping import (
    Companions,
    Extent,
    Headline,
    headline_of_cells,
    headline_of_share,
    next_extent,
)

TRIALS = 240
SLACK = 2 * np.sqrt(0.05 * 0.95 / TRIALS)
"""Twice the error of a share of so many trials."""

CELLS = tuple(
    Condition(corruption=name, severity=level) for name in ("fog", "snow", "frost", "jpeg") for level in range(1, 6)
)


def held(trial: Callable[[np.random.Generator], tuple[Interval | None, float]], *key: int) -> float:
    """The share of trials with an interval whose interval holds the true value; most trials must have one."""
    generator = np.random.default_rng(key)
    found = [(each, true) for each, true in (trial(generator) for _ in range(TRIALS)) if each is not None]
    assert len(found) > TRIALS / 2, f"{len(found)} of {TRIALS} trials had an interval"
    return sum(each.low <= true <= each.high for each, true in found) / len(found)


def least(n: int, rate: float) -> float:
    """What is asked: 93 % where ten errors and ten right answers are expected, else 90 %."""
    return (0.93 if n * min(rate, 1 - rate) >= 10 else 0.90) - SLACK


def latent(generator: np.random.Generator, n: int, cells: int) -> np.ndarray:
    """Difficulties ``(n, cells)``; the cells of an image go together."""
    return 0.7 * generator.standard_normal((n, 1)) + np.sqrt(1 - 0.49) * generator.standard_normal((n, cells))


def further(*values: float) -> object:
    """Values that repeat a test at another size or rate."""
    return pytest.param(*values, marks=pytest.mark.thorough)


@pytest.mark.slow
@pytest.mark.parametrize(
    ("n", "rate"),
    [(50, 0.01), (50, 0.05), further(50, 0.5), further(50, 0.99), further(250, 0.01), further(250, 0.2)],
)
def test_a_mean_of_cells_of_one_run(n: int, rate: float) -> None:
    run = Run(benchmark=BenchmarkIdentity("own", "corruption"), data=DataIdentity("d", "f", n, 7), conditions=CELLS)
    ids = np.array([f"{k:04d}" for k in range(n)], object)
    card = cards.get("corruption")

    def trial(generator: np.random.Generator) -> tuple[Interval | None, float]:
        right = (latent(generator, n, len(CELLS)) >= ndtri(rate)).astype(np.int8)
        # Without confidence: calibration has intervals and tests of its own, and takes three quarters of the time.
        table = ImageTable(ids, np.zeros(n, np.int32), CELLS, np.arange(len(CELLS), dtype=np.int16), {"right": right})
        scores = card.scores(table, run, None)
        return next(score for score in scores if score.metric.startswith("mean_error")).interval, rate

    assert held(trial, n, int(1000 * rate)) >= least(n, rate)


def aurra_of(right: np.ndarray) -> float:
    return float(np.mean(np.cumsum(right) / np.arange(1, len(right) + 1)))


@pytest.mark.slow
@pytest.mark.parametrize(("n", "rate"), [(50, 0.05), further(50, 0.2), (50, 0.9), further(250, 0.04), (250, 0.5)])
def test_aurra_and_aurc_of_one_run(n: int, rate: float) -> None:
    def answers(generator: np.random.Generator, count: int) -> tuple[np.ndarray, np.ndarray]:
        """Confidence, and right or wrong, the surest first."""
        chance = ndtr((latent(generator, count, 1)[:, 0] - ndtri(rate) * np.sqrt(1.5)) / np.sqrt(0.5))
        order = np.argsort(-chance)
        return chance[order], (generator.random(count) < chance)[order]

    true = aurra_of(answers(np.random.default_rng(99), 400_000)[1])

    def trial(generator: np.random.Generator) -> tuple[Interval | None, float]:
        confidence, right = answers(generator, n)
        aurra = next(each for each in confidence_scores(confidence, right) if each.metric == "aurra")
        ids = np.array([f"{k:04d}" for k in range(n)], object)
        columns = {"right": right.astype(np.int8)[:, None], "confidence": confidence[:, None]}
        cells = np.zeros(1, np.int16)
        table = ImageTable(ids, np.zeros(n, np.int32), (Condition(),), cells, columns)
        aurc = next(each for each in selective_scores(table) if each.metric == "aurc")
        assert aurra.value == pytest.approx(1 - aurc.value, abs=1e-12)
        if aurra.interval and aurc.interval:  # two sides of one number never contradict each other
            assert aurra.interval.low == pytest.approx(1 - aurc.interval.high, abs=1e-9)
            assert aurra.interval.high == pytest.approx(1 - aurc.interval.low, abs=1e-9)
        return aurra.interval, true

    assert held(trial, n, int(1000 * rate)) >= least(n, rate)


@pytest.mark.slow
@pytest.mark.parametrize(("fitted", "temperature"), [(20, 1.0), (50, 2.0), further(10, 1.0), further(200, 2.0)])
def test_a_fitted_temperature(fitted: int, temperature: float) -> None:
    """Of calibrated logits times a factor: a bootstrap holds in 86 to 93 % of the first three."""
    factors = np.array(INVERSE_TEMPERATURES)

    def trial(generator: np.random.Generator) -> tuple[Interval | None, float]:
        calibrated = 3 * generator.standard_normal((fitted, 10))
        chance = np.exp(calibrated - calibrated.max(axis=1, keepdims=True))
        label = (np.cumsum(chance, axis=1) > chance.sum(axis=1, keepdims=True) * generator.random((fitted, 1))).argmax(
            1
        )
        logits = temperature * calibrated
        below = logits - logits.max(axis=1, keepdims=True)
        curves = np.stack([np.log(np.exp(factor * below).sum(axis=1)) for factor in factors], axis=1)
        gap = -below[np.arange(fitted), label]
        best = best_inverse(curves.mean(axis=0), float(gap.mean()))
        if not factors[0] < best < factors[-1]:
            return None, temperature
        return temperature_estimate(curves, gap, best).interval(), temperature

    assert held(trial, fitted, int(10 * temperature)) >= 0.95 - SLACK


RMS = ("all-bins", "hendrycks2019")
BINS = {"all-bins": "rms_calibration_error", "equal-width": "ece", "equal-mass": "ece"}


def answers_with_confidence(
    generator: np.random.Generator, n: int, rate: float, power: float
) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """Confidence, right or wrong, and the chance of being right, whose power the confidence is."""
    chance = ndtr((latent(generator, n, 1)[:, 0] - ndtri(rate) * np.sqrt(1.5)) / np.sqrt(0.5))
    return chance**power, generator.random(n) < chance, chance


def true_error(name: str, n: int, rate: float, power: float) -> float:
    """What the same bins of n images would show without noise."""
    sure, _, chance = answers_with_confidence(np.random.default_rng(99), 200_000, rate, power)
    gap = (sure - chance)[np.argsort(sure)]
    if name == "equal-width":
        return float(np.abs(np.bincount(bin_of(np.sort(sure), "equal-width"), gap)).sum() / len(gap))
    hundreds = name in RMS
    shares = np.arange(0, n // 100 * 100, 100) / n if hundreds else np.arange(15) / 15
    starts = (shares * len(gap)).astype(int)
    sizes = np.diff(np.append(starts, len(gap)))
    means = np.add.reduceat(gap, starts) / sizes
    if hundreds:
        counted = slice(None, -1) if name == "hendrycks2019" else slice(None)
        return float(np.sqrt(np.sum((sizes * means**2)[counted]) / len(gap)))
    return float(np.sum(sizes * np.abs(means)) / len(gap))


@pytest.mark.slow
@pytest.mark.parametrize("power", [1.0, *map(further, (0.5, 0.7, 1.5))])
@pytest.mark.parametrize(("n", "rate"), [(150, 0.2), further(250, 0.06), (250, 0.5), further(250, 0.94), (1000, 0.05)])
def test_a_calibration_error_of_one_run(n: int, rate: float, power: float) -> None:
    """Overconfident, calibrated and underconfident models; a bootstrap held in 88 % where calibration was good."""
    true = {name: true_error(name, n, rate, power) for name in BINS}
    generator, had = np.random.default_rng([n, int(1000 * rate)]), 0
    hits = dict.fromkeys(BINS, 0)
    for _ in range(TRIALS):
        sure, right, _ = answers_with_confidence(generator, n, rate, power)
        if min(right.sum(), n - right.sum()) < 10:
            continue
        had += 1
        gaps = {name: Gaps.from_answers(sure, right, bin_of(sure, name)) for name in ("equal-width", "equal-mass")}
        gaps["all-bins"] = Gaps.from_answers(sure, right, bin_of_hundred(sure))
        for name, each in gaps.items():
            found = calibration_interval(each, 2 if name == "all-bins" else 1)
            hits[name] += found.low <= true[name] <= found.high
    assert had > 100
    assert min(hits.values()) / had >= 0.93 - 2 * np.sqrt(0.05 * 0.95 / had), hits


Answers = Callable[[np.random.Generator], tuple[np.ndarray, np.ndarray]]
"""Confidence, and right or wrong, of as many images."""


def of_many_kinds(n: int) -> list[tuple[Answers, dict[str, float]]]:
    """Calibrated, over- and underconfident models, and the error of each by protocol."""
    return [
        (
            lambda draws, power=power: answers_with_confidence(draws, n, 0.3, power)[:2],
            {name: true_error(name, n, 0.3, power) for name in RMS[: 1 if n < 200 else 2]},
        )
        for power in (0.5, 0.8, 1.0, 1.25, 1.8)
    ]


def equally_sure(n: int) -> list[tuple[Answers, dict[str, float]]]:
    """A model that is 80 % sure of each answer, of which 79 % are right."""
    shares = {"all-bins": 1.0, "hendrycks2019": (n // 100 * 100 - 100) / n}
    errors = {name: 0.01 * float(np.sqrt(shares[name])) for name in RMS[: 1 if n < 200 else 2]}
    return [(lambda draws: (np.full(n, 0.8), draws.random(n) < 0.79), errors)]


@pytest.mark.slow
@pytest.mark.parametrize("models", [of_many_kinds, equally_sure])
@pytest.mark.parametrize("n", [100, further(120), further(150), further(199), 200, further(250), further(500)])
def test_few_bins_of_a_hundred_of_one_run(
    n: int, models: Callable[[int], list[tuple[Answers, dict[str, float]]]]
) -> None:
    """One to five bins, 500 trials: 94 % hold, with noise on either side, so that 91.8 % are too few.

    Intervals that ended at an error of nought held in 91.4 % of calibrated models, and of those that are equally sure
    of all answers in 87.5 % where n is 100, in 89.4 where it is 150 (exactly, by summing the binomial distribution).
    """
    kinds = models(n)
    names = RMS[: 1 if n < 200 else 2]
    below, above, narrowest = (dict.fromkeys(names, start) for start in (0, 0, 1.0))
    generator, trials = np.random.default_rng([n, 22]), 0
    for answers, true in kinds:
        for _ in range(500 // len(kinds)):
            sure, right = answers(generator)
            bins = bin_of_hundred(sure)
            gaps, trials = Gaps.from_answers(sure, right, bins), trials + 1
            for name in names:
                counted = gaps if name == "all-bins" else gaps.counted(slice(None, int(bins.max())))
                found = calibration_interval(counted, 2)
                below[name] += true[name] < found.low
                above[name] += true[name] > found.high
                narrowest[name] = min(narrowest[name], found.high - found.low)
    for name in names:
        assert 1 - (below[name] + above[name]) / trials >= 0.94 - 2 * np.sqrt(0.06 * 0.94 / trials), (below, above)
        assert max(below[name], above[name]) / trials <= 0.03 + 2 * np.sqrt(0.03 * 0.97 / trials), (below, above)
        # The error of a share of n images is .46 / sqrt(n) at this accuracy: no interval is much narrower.
        assert narrowest[name] >= 0.4 / np.sqrt(n)


@pytest.mark.parametrize("n", [100, 130, 200, 250])
def test_an_error_of_nought_beside_an_accuracy_that_is_known_to_18_points(n: int) -> None:
    """Nine of ten right at a confidence of .9: no error is seen, 0.0 (0.0-0.0) was said, and some may well be there."""
    right = np.arange(n) % 10 > 0
    scores = confidence_scores(np.full(n, 0.9), right)
    for score in (each for each in scores if each.metric == "rms_calibration_error" and each.value is not None):
        assert score.value == pytest.approx(0, abs=1e-9)
        assert score.interval is not None
        assert score.interval.low == 0
        weight = 1.0 if score.condition["protocol"] == "all-bins" else np.sqrt(0.5)
        accuracy = wilson(int(right.sum()), n)
        assert score.interval.high >= 0.7 * weight * (accuracy.high - accuracy.low) / 2


@pytest.mark.parametrize(("inside", "outside"), [(250, 250), (1000, 250), (250, 2000)])
def test_a_share_that_passes_a_threshold(inside: int, outside: int) -> None:
    """Half of the others pass where 95 % of the photographs do; Wilson's interval alone held in 60 %."""

    def trial(generator: np.random.Generator) -> tuple[Interval | None, float]:
        own, others = generator.standard_normal(inside) + ndtri(0.95), generator.standard_normal(outside)
        return accepted_spread(own, others, int(np.count_nonzero(others >= threshold(own)))).interval(), 0.5

    assert held(trial, inside, outside) >= 0.93 - SLACK


def test_a_calibration_interval_ends_where_noise_alone_would_do() -> None:
    """A calibrated model may have no error at all; one that is always too sure has not."""
    sure = np.linspace(0.5, 1, 1000)
    calibrated = np.random.default_rng(0).random(1000) < sure
    low, high = (calibration_interval(Gaps.from_answers(sure, calibrated, bin_of_hundred(sure)), 2) for _ in range(2))
    assert low == high, "nothing is drawn"
    value = rms_calibration_error(sure, calibrated, "all-bins")
    assert (low.low, low.low <= value <= low.high) == (0.0, True)
    never = Gaps.from_answers(np.full(1000, 0.9), np.arange(1000) % 2 == 0, np.zeros(1000, int))
    one = calibration_interval(never, 1)
    # One bin, a gap of .4, half of the answers right: the interval of a mean.
    assert one.low == pytest.approx(0.4 - 1.96 * 0.5 / np.sqrt(1000), abs=2e-3)
    assert one.high == pytest.approx(0.4 + 1.96 * 0.5 / np.sqrt(1000), abs=2e-3)


def test_effective_wilson_is_wilson_for_a_share() -> None:
    n, hits = 5000, 1000
    share = hits / n
    found, plain = effective_wilson(share, share * (1 - share) / n, n, 0), wilson(hits, n)
    assert found.low == pytest.approx(plain.low, rel=1e-3)
    assert found.high == pytest.approx(plain.high, rel=1e-3)
    assert effective_wilson(0.0, 0.0, 0, 40) == proportion(0, 40)
    assert effective_wilson(0.2, 1.0, 100, 40) == proportion(8, 40)
    assert effective_wilson(0.4, 1.0, 100, 40) == wilson(16, 40), "of fifteen and more of either kind"
    few, many = (effective_wilson(0.02, 1e-4, telling, 0) for telling in (3, 300))
    assert few.high - few.low > 2 * (many.high - many.low)
    with pytest.raises(ArgumentError, match="had neither"):
        effective_wilson(1.0, 0.0, 0, 0)


@pytest.mark.slow
@pytest.mark.parametrize("power", [1, 4])
@pytest.mark.parametrize(("n", "rate"), [(100, 0.2), further(250, 0.5)])
def test_a_mean_loss_of_one_run(n: int, rate: float, power: int) -> None:
    """Of a calibrated and of an overconfident model; a bootstrap of the NLL held in 92 and in 89 % of 100 images."""

    def losses(generator: np.random.Generator, count: int) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
        chance = np.clip(ndtr((latent(generator, count, 1)[:, 0] - ndtri(rate) * np.sqrt(1.5)) / np.sqrt(0.5)), 1e-9, 1)
        odds = power * (np.log(chance) - np.log1p(-np.minimum(chance, 1 - 1e-9)))
        right = generator.random(count) < chance
        return 1 / (1 + np.exp(-odds)), right, np.where(right, np.logaddexp(0, -odds), np.logaddexp(0, odds))

    sure, hits, nll = losses(np.random.default_rng(99), 400_000)
    true = {"nll": float(nll.mean()), "brier_top1": float(np.mean((sure - hits) ** 2))}
    generator, trials = np.random.default_rng([n, power]), 200
    had, held = dict.fromkeys(true, 0), dict.fromkeys(true, 0)
    for _ in range(trials):
        sure, hits, nll = losses(generator, n)
        for score in confidence_scores(sure, hits, {"nll": nll}):
            if score.metric in true and score.interval:
                had[score.metric] += 1
                held[score.metric] += score.interval.low <= true[score.metric] <= score.interval.high
    for name, count in had.items():
        assert count > trials / 2
        assert held[name] / count >= 0.94 - 2 * np.sqrt(0.06 * 0.94 / count), name


@pytest.mark.slow
@pytest.mark.parametrize(
    ("people", "n", "model", "person"),
    [(10, 200, 0.8, 0.95), (3, 200, 0.8, 0.95), further(3, 50, 0.5, 0.9), further(10, 200, 0.95, 0.97)],
)
def test_the_mean_of_kappa_over_people(people: int, n: int, model: float, person: float) -> None:
    """A bootstrap held in 87.5 % of the first case: errors of several pairs are of the same few stimuli."""
    pairs = [(0, 1 + each) for each in range(people)]
    threshold_of = ndtri(np.array([model, *[person] * people]))

    def seen(generator: np.random.Generator, count: int) -> np.ndarray:
        shared, own = generator.standard_normal((count, 1)), generator.standard_normal((count, 1 + people))
        return (np.sqrt(0.3) * shared + np.sqrt(0.7) * own < threshold_of).astype(float)

    (truth,) = pairwise(seen(np.random.default_rng(7), 400_000), [pairs])
    true = truth.kappa.value
    assert true is not None

    def trial(generator: np.random.Generator) -> tuple[Interval | None, float]:
        (found,) = pairwise(seen(generator, n), [pairs])
        return found.kappa.interval, true

    assert held(trial, people, n) >= 0.94 - SLACK


def test_the_mean_of_kappa_has_no_interval_of_few_joint_errors() -> None:
    right = np.ones((100, 4))
    right[:4] = 0.0
    (few,) = pairwise(right, [[(0, 1), (0, 2), (0, 3)]])
    assert few.kappa.value == pytest.approx(1.0)
    assert few.kappa.interval is None
    right[4] = 0.0
    right[5, 0] = 0.0
    (enough,) = pairwise(right, [[(0, 1), (0, 2), (0, 3)]])
    assert enough.kappa.interval is not None
    assert enough.kappa.interval.high > enough.kappa.interval.low


@pytest.mark.slow
@pytest.mark.parametrize(
    ("n", "share", "rate", "times"), [(500, 0.1, 0.2, 2.0), further(500, 0.4, 0.3, 0.5), further(500, 0.1, 0.05, 1.5)]
)
def test_an_error_ratio(n: int, share: float, rate: float, times: float) -> None:
    """How much more often a model errs where a factor is than anywhere; below ten errors a bootstrap held in 94 %."""
    true = times * rate / (rate * (1 - share) + times * rate * share)

    def trial(generator: np.random.Generator) -> tuple[Interval | None, float]:
        has = generator.random(n) < share
        wrong = generator.random(n) < np.where(has, times * rate, rate)
        ((condition, outcome),) = error_ratios(
            np.arange(len(wrong)), wrong, [(0,) if each else () for each in has]
        ).items()
        return as_score(error_ratio.metric, condition, outcome, Scoring(ImageTable.empty(()), Run())).interval, true

    assert held(trial, n, round(100 * share)) >= 0.94 - SLACK


@pytest.mark.slow
@pytest.mark.parametrize("rate", [0.1, *map(further, (0.3, 0.7))])
def test_a_share_at_the_stop_helped_by_a_model_that_answered_everything(rate: float) -> None:
    images, target, used = 1000, 0.03, list[int]()
    both, *own = np.random.default_rng(5).standard_normal((3, images))
    right, known = (np.sqrt(0.8) * both + np.sqrt(0.2) * each < ndtri(rate) for each in own)
    companions = Companions(np.arange(images).astype(object), known[:, None].astype(float))

    def look(chosen: np.ndarray) -> Headline:
        found = cell_estimate(companions.ids[chosen], right[chosen, None].astype(float), np.ones(1), images)
        better = companions.correct(found, companions.values[chosen], images)
        if better is found:
            return headline_of_share("accuracy", int(right[chosen].sum()), len(chosen), target, images)
        return headline_of_cells("accuracy", better, target, images)

    def trial(generator: np.random.Generator) -> tuple[Interval | None, float]:
        order, extent = generator.permutation(images), Extent(60, 1)
        while (headline := look(np.sort(order[: extent.images]))).half_width > target:
            extent = next_extent(extent, [headline], target, Extent(images, 1)) or extent
        used.append(extent.images)
        interval = headline.spread.interval() if headline.spread else None
        return interval, float(right.mean())

    assert held(trial, int(100 * rate)) >= 0.95 - SLACK
    assert np.mean(used) < 0.9 * images, "it stops early"

"""Populations on which intervals are known to have failed once: what was rare, hopeless, saturated or chosen by luck.

Each trial is one simulated measurement of n images at a rate, as `interval_coverage` has them: its interval, or none
where the score gives none, and the true value.
"""

from __future__ import annotations

from functools import cache

import numpy as np
from numpy.typing import NDArray
from scipy.special import ndtr, ndtri

from hardiness.benchmarks.losses import INVERSE_TEMPERATURES
from hardiness.benchmarks.own_classes import class_scores
from hardiness.benchmarks.shares import LOSSES, aurra_score, estimated_loss, selective_scores, two_of_each
from hardiness.benchmarks.temperature import best_inverse, temperature_estimate
from hardiness.core.condition import Condition
from hardiness.core.result import Metric
from hardiness.core.run import DataIdentity, Run
from hardiness.core.spread import Interval
from hardiness.core.table import ImageTable
from hardiness.statistics.calibration_intervals import Gaps, calibration_interval
from hardiness.statistics.cells import cell_means, equal_weights
from hardiness.statistics.comparison import ScoreComparison, adjust_differences, difference, pairs_tested
from hardiness.statistics.confidence import bin_of, bin_of_hundred
from hardiness.statistics.estimate import mean
from hardiness.statistics.kappa import pairwise
from hardiness.statistics.measures import calibration_measure

Floats = NDArray[np.float64]
Bools = NDArray[np.bool_]
Measured = tuple[Interval | None, float]
"""The interval of one simulated measurement, and the true value."""

LEVELS = tuple(Condition(corruption="fog", severity=level) for level in (1, 2, 3))


@cache
def names(n: int) -> NDArray[np.object_]:
    """The ids of n images."""
    return np.array([f"{i:06d}" for i in range(n)], object)


def table_of(right: Bools, columns: dict[str, NDArray[np.generic]] | None = None, clean: bool = False) -> ImageTable:
    """A table of answers ``(N, M)`` under M severities of fog; the first column is of clean images where asked."""
    cells = right.shape[1]
    fog = tuple(Condition(corruption="fog", severity=level + 1) for level in range(cells - clean))
    conditions = (Condition(),) * clean + fog if cells > 1 else (Condition(),)
    return ImageTable(
        names(len(right)),
        np.zeros(len(right), np.int32),
        conditions,
        np.arange(cells, dtype=np.int16),
        {"right": right.astype(np.int8), **(columns or {})},
    )


def by_class(
    metric: str, label: NDArray[np.int64], right: Bools, clean: bool = False, **columns: Floats
) -> Interval | None:
    """The interval of a score by class over all corruptions; a wrong answer names the next class."""
    classes = int(label.max()) + 1
    answer = np.where(right, label[:, None], (label[:, None] + 1) % classes)
    table = table_of(right, {"answer": answer.astype(np.int32), **columns}, clean)
    table = ImageTable(table.ids, label.astype(np.int32), table.conditions, table.cells, table.columns)
    known = tuple(f"class {k}" for k in range(classes))
    run = Run(data=DataIdentity("own", "f", len(label), classes, classes=known), conditions=table.conditions)
    found = class_scores(table, run)
    return next(score.interval for score in found if score.metric == metric and not score.condition)


def rare_class(area: float, generator: np.random.Generator, n: int, rate: float) -> Measured:
    """AUROC where a share of the images is of the class that is looked for, and the classifier is good."""
    positive = np.arange(n) < round(n * rate)
    score = ndtr(generator.standard_normal(n) + np.sqrt(2) * ndtri(area) * positive - 2)
    return auroc_interval(positive, score), area


def rare_class_saturated(generator: np.random.Generator, n: int, rate: float) -> Measured:
    """The same where every confidence above .8 is 1."""
    positive = np.arange(n) < round(n * rate)
    score = ndtr(generator.standard_normal(n) + SATURATED_SHIFT * (positive - 0.5))
    return auroc_interval(positive, np.where(score > 0.8, 1.0, score)), 0.975


SATURATED_SHIFT = 2.859
"""By how much the scores of two classes lie apart whose AUROC is .975 where those above .8 are 1."""


def auroc_interval(positive: Bools, score: Floats) -> Interval | None:
    second = score > 0.5
    columns = {"confidence": np.where(second, score, 1 - score)[:, None]}
    return by_class("auroc_two_classes", positive.astype(np.int64), (second == positive)[:, None], **columns)


def average_precision(generator: np.random.Generator, n: int, rate: float) -> Measured:
    positive = np.arange(n) < round(n * rate)
    score = ndtr(generator.standard_normal(n) + 2 * positive - 1)
    second = score > 0.5
    columns = {"confidence": np.where(second, score, 1 - score)[:, None]}
    found = by_class("average_precision", positive.astype(np.int64), (second == positive)[:, None], **columns)
    return found, true_precision(rate)


@cache
def true_precision(rate: float) -> float:
    """The average precision of endlessly many images whose scores lie two deviations apart."""
    at = np.linspace(-8, 10, 200_001)
    hits, alarms = rate * ndtr(2 - at), (1 - rate) * ndtr(-at)
    density = np.exp(-((at - 2) ** 2) / 2) / np.sqrt(2 * np.pi)
    return float(np.sum(density * hits / (hits + alarms)) * (at[1] - at[0]))


def worst_class(classes: int, together: float, generator: np.random.Generator, n: int, rate: float) -> Measured:
    """Equal classes under three severities, whose errors go together: always where ``together`` is 1."""
    label = np.arange(n) % classes
    hard, own = generator.standard_normal((n, 1)), generator.standard_normal((n, 3))
    right = np.sqrt(together) * hard + np.sqrt(1 - together) * own >= ndtri(rate)
    return by_class("worst_class", label, right), 1 - rate


def retained(generator: np.random.Generator, n: int, rate: float) -> Measured:
    """Nine of ten are answered rightly without corruption; of these a share is lost under every severity."""
    clean = generator.random(n) < 0.9
    right = clean & (generator.random(n) >= rate)
    columns = np.column_stack([clean, *[right] * 3])
    return by_class("retained_accuracy", np.arange(n) % 2, columns, clean=True), 1 - rate


def unsure_and_wrong(generator: np.random.Generator, n: int, rate: float) -> tuple[Floats, Bools]:
    """Confidence and right or wrong of a model whose errors are among a share of images that it is least sure of."""
    ease = generator.standard_normal(n)
    hard = ease < ndtri(rate)
    return 0.98 - 0.05 * hard + 0.001 * ease, np.where(hard, generator.random(n) < 0.3, True)


def equal_calibration(generator: np.random.Generator, n: int, rate: float) -> Measured:
    """The difference of the RMS calibration errors of two equal models, to each of which other images are hard."""
    first, second = (calibration_measure(Metric("rms"), *unsure_and_wrong(generator, n, rate)) for _ in range(2))
    at = np.arange(n)
    lacks = first.lacks(at) or second.lacks(at)
    return difference(first.estimate(at), second.estimate(at), lacks=lacks).interval, 0.0


def heavy_nll(generator: np.random.Generator, n: int, rate: float) -> Measured:
    """The mean NLL over three severities, lognormal over images and errors."""
    size = 1.5 * (np.sqrt(0.7) * generator.standard_normal((n, 1)) + np.sqrt(0.3) * generator.standard_normal((n, 3)))
    return mean_loss("nll", generator.random((n, 3)) >= rate, np.exp(size)), float(np.exp(1.125))


def too_sure(metric: str, generator: np.random.Generator, n: int, rate: float) -> Measured:
    """A mean loss over three severities of a model that is too sure: its logits are four times what they should be."""
    chance = chances(generator, (n, 3), rate)
    odds = 4 * (np.log(chance) - np.log1p(-chance))
    right, sure = generator.random((n, 3)) < chance, 1 / (1 + np.exp(-odds))
    nll = np.where(right, np.logaddexp(0, -odds), np.logaddexp(0, odds))
    return mean_loss(metric, right, nll if metric == "nll" else (sure - right) ** 2), true_loss(metric, rate)


def chances(generator: np.random.Generator, shape: tuple[int, int], rate: float) -> Floats:
    """How probable it is that each answer is right; the answers to one image go together."""
    hard = 0.7 * generator.standard_normal((shape[0], 1)) + np.sqrt(0.51) * generator.standard_normal(shape)
    return np.asarray(np.clip(ndtr((hard - ndtri(rate) * np.sqrt(1.5)) / np.sqrt(0.5)), 1e-6, 1 - 1e-6))


@cache
def true_loss(metric: str, rate: float) -> float:
    chance = chances(np.random.default_rng(99), (2_000_000, 1), rate)
    odds = 4 * (np.log(chance) - np.log1p(-chance))
    sure = 1 / (1 + np.exp(-odds))
    if metric == "nll":
        return float(np.mean(chance * np.logaddexp(0, -odds) + (1 - chance) * np.logaddexp(0, odds)))
    return float(np.mean(chance * (1 - sure) ** 2 + (1 - chance) * sure**2))


def mean_loss(metric: str, right: Bools, losses: Floats) -> Interval | None:
    """The interval of a mean over cells, as means over severities have it."""
    fewer = min(int(np.any(right == each, axis=1).sum()) for each in (True, False))
    of = next(each for each in LOSSES if each.name == metric)
    return estimated_loss(of, mean(np.arange(len(right)), losses), fewer).interval


def hopeless(cells: int, generator: np.random.Generator, n: int, rate: float) -> Measured:
    """The mean error over many cells where a share of the images is wrong in nine of ten, others in one of fifty."""
    often = np.where(generator.random((n, 1)) < rate, 0.9, 0.02)
    wrong = generator.random((n, cells)) < often
    means = cell_means(table_of(~wrong), wrong.astype(np.float64))
    return means.score(Metric("mean_error"), equal_weights(means.cells)).interval, 0.9 * rate + 0.02 * (1 - rate)


def good_ranker(generator: np.random.Generator, n: int, rate: float) -> tuple[Floats, Bools]:
    """Confidence and right or wrong: 15 % are unsure and half of them wrong, of the others few."""
    unsure = generator.random(n) < 0.15
    confidence = np.where(unsure, generator.uniform(0.2, 0.8, n), generator.uniform(0.8, 1.0, n))
    return confidence, generator.random(n) >= np.where(unsure, 0.5, rate)


def saturated_ranker(generator: np.random.Generator, n: int, rate: float) -> tuple[Floats, Bools]:
    """The same where four of five confidences are 1."""
    unsure = generator.random(n) < 0.2
    confidence = np.where(unsure, generator.uniform(0.2, 0.8, n), 1.0)
    return confidence, generator.random(n) >= np.where(unsure, 0.4, rate)


def certain(generator: np.random.Generator, n: int, rate: float) -> tuple[Floats, Bools]:
    """A model whose confidence is always 1."""
    return np.ones(n), generator.random(n) >= rate


RANKERS = {"good": good_ranker, "saturated": saturated_ranker, "certain": certain}


def ranked(ranker: str, metric: str, generator: np.random.Generator, n: int, rate: float) -> Measured:
    """A score of one run that sorts the answers by confidence."""
    confidence, right = RANKERS[ranker](generator, n, rate)
    if metric == "aurra":
        return aurra_score(confidence, right).interval, 1 - true_area(ranker, "aurc", rate)
    found = selective_scores(table_of(right[:, None], {"confidence": confidence[:, None]}))
    return next(score.interval for score in found if score.metric == metric), true_area(ranker, metric, rate)


@cache
def true_area(ranker: str, metric: str, rate: float) -> float:
    """AURC, AUGRC or the risk at 80 % coverage of endlessly many images."""
    if metric == "risk_at_80_coverage":
        return rate
    if ranker == "certain":
        return rate if metric == "aurc" else rate / 2
    hard, wrong = (0.15, 0.5) if ranker == "good" else (0.2, 0.4)
    kept = (np.arange(1_000_000) + 0.5) / 1_000_000
    errors = np.minimum(kept, 1 - hard) * rate + np.maximum(kept - (1 - hard), 0) * wrong
    return float(np.mean(errors / kept if metric == "aurc" else errors))


def certain_calibration(metric: str, generator: np.random.Generator, n: int, rate: float) -> Measured:
    """A calibration error or loss of a model that is always sure."""
    confidence, right = certain(generator, n, rate)
    if metric == "brier_top1":
        return mean_loss(metric, right[:, None], (confidence - right)[:, None] ** 2), rate
    fewer = min(int(right.sum()), int((~right).sum()))
    if two_of_each(fewer):
        return None, rate
    bins = bin_of(confidence, "equal-width") if metric == "ece" else bin_of_hundred(confidence)
    gaps = Gaps.from_answers(confidence, right, bins)
    return calibration_interval(gaps, 1 if metric == "ece" else 2, fewer=fewer), rate


def fitted_temperature(generator: np.random.Generator, n: int, rate: float) -> Measured:
    """The temperature of a model whose calibrated logits were multiplied by 1 over ``rate``."""
    calibrated, factors = 3 * generator.standard_normal((n, 10)), np.array(INVERSE_TEMPERATURES)
    chance = np.exp(calibrated - calibrated.max(axis=1, keepdims=True))
    drawn = chance.sum(axis=1, keepdims=True) * generator.random((n, 1))
    label = (np.cumsum(chance, axis=1) > drawn).argmax(axis=1)
    below = (calibrated - calibrated.max(axis=1, keepdims=True)) / rate
    curves = np.stack([np.log(np.exp(factor * below).sum(axis=1)) for factor in factors], axis=1)
    gap = -below[np.arange(n), label]
    best = best_inverse(curves.mean(axis=0), float(gap.mean()))
    if not factors[0] < best < factors[-1]:
        return None, 1 / rate
    return temperature_estimate(curves, gap, best).interval(), 1 / rate


def kappa_of_pairs(people: int, generator: np.random.Generator, n: int, rate: float) -> Measured:
    """The mean of kappa of a model with each of several people, who err half as often."""
    (found,) = pairwise(seen_by(people, generator, n, rate), [[(0, 1 + each) for each in range(people)]])
    return found.kappa.interval, true_kappa(people, rate)


def seen_by(people: int, generator: np.random.Generator, n: int, rate: float) -> Floats:
    shared, own = generator.standard_normal((n, 1)), generator.standard_normal((n, 1 + people))
    edges = ndtri(1 - rate / np.array([1.0, *[2.0] * people]))
    return np.asarray(np.sqrt(0.3) * shared + np.sqrt(0.7) * own < edges, np.float64)


@cache
def true_kappa(people: int, rate: float) -> float:
    """Of half a million stimuli; that of each pair is the same."""
    (found,) = pairwise(seen_by(1, np.random.default_rng(7), 500_000, rate), [[(0, 1)]])
    assert found.kappa.value is not None
    return found.kappa.value


def place_of_five(generator: np.random.Generator, n: int, rate: float) -> Measured:
    """The places that the middle one of five models may have, whose errors lie two points apart."""
    hard, ids = generator.standard_normal(n), np.arange(n)
    rates = rate + 0.02 * np.arange(-2, 3)
    rights = [np.sqrt(0.5) * hard + np.sqrt(0.5) * generator.standard_normal(n) >= ndtri(each) for each in rates]
    estimates = {str(k): mean(ids, right) for k, right in enumerate(rights)}
    (pairs,) = adjust_differences([pairs_tested(estimates, 1.0)])
    values = {name: each.value for name, each in estimates.items()}
    place = ScoreComparison("top1", True, values, pairs, n).ranks["2"]
    return Interval(float(place.rank), float(place.worst)), 3.0


def flips_of_sequences(generator: np.random.Generator, n: int, rate: float) -> Measured:
    """The mean flip probability over ten perturbations of 31 frames; images flip unlike often, and many never."""
    often = generator.beta(0.3, 0.3 * (1 - rate) / rate, (n, 1))
    flips = generator.binomial(30, often, (n, 10)) / 30
    conditions = tuple(Condition(perturbation=f"kind {k}") for k in range(10))
    columns = {"right": np.zeros((n, 10), np.int8)}
    table = ImageTable(names(n), np.zeros(n, np.int32), conditions, np.arange(10, dtype=np.int16), columns)
    means = cell_means(table, flips)
    return means.score(Metric("flip_probability"), equal_weights(means.cells)).interval, rate

"""Populations on which intervals are known to have failed once: what was rare, hopeless, saturated or chosen by luck.

Each trial is one simulated measurement of n images at a rate, as `interval_coverage` has them: its interval, or none
where the score gives none, and the true value.
"""

from __future__ import annotations

from functools import cache

import numpy as np
from numpy.typing import NDArray
from scipy.special import ndtr, ndtri

from hardiness.benchmarks.confidence import calibration_of_cells
from hardiness.benchmarks.own_classes import class_scores
from hardiness.benchmarks.shares import aurra_score, confidence_scores, selective_scores
from hardiness.core import Condition, DataIdentity, ImageTable, Interval, Metric, Run
from hardiness.statistics.cells import cell_means, equal_weights
from hardiness.statistics.comparison import difference
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
    return mean_loss("nll", generator.random((n, 3)) >= rate, nll=np.exp(size)), float(np.exp(1.125))


def too_sure(metric: str, generator: np.random.Generator, n: int, rate: float) -> Measured:
    """A mean loss over three severities of a model that is too sure: its logits are four times what they should be."""
    chance = chances(generator, (n, 3), rate)
    odds = 4 * (np.log(chance) - np.log1p(-chance))
    right = generator.random((n, 3)) < chance
    nll = np.where(right, np.logaddexp(0, -odds), np.logaddexp(0, odds))
    return mean_loss(metric, right, nll=nll, confidence=1 / (1 + np.exp(-odds))), true_loss(metric, rate)


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


def mean_loss(metric: str, right: Bools, **columns: Floats) -> Interval | None:
    columns.setdefault("confidence", np.full(right.shape, 0.9))
    found = calibration_of_cells(table_of(right, {name: each.astype(np.float32) for name, each in columns.items()}))
    return next(score.interval for score in found if score.metric == metric)


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
    found = confidence_scores(*certain(generator, n, rate))
    protocols = ("all-bins", "equal-width", None)
    found = [each for each in found if each.metric == metric and each.condition.get("protocol") in protocols]
    return found[0].interval, rate

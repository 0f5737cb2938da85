"""How often each kind of interval holds the true value: simulated over sizes, error rates and kinds.

    python bench/interval_coverage.py [--trials 1000] [--part usual|small] [--only KIND] [--points FILE] [--json]
                                      [--picture docs/pictures/coverage.svg] [--write docs/statistics.md]

Every interval is made by the function that scores runs. ``small`` are samples of fewer than 50 images and error rates
of 0, ``usual`` the others; without ``--part`` both are simulated. ``--points`` writes each size and rate by itself as
CSV, misses below and above apart. The bars are 94 % where ten errors and ten right answers are expected, else 93.5 %,
and 5 % on either side; for the kinds in ``KNOWN`` what these are known to hold in, which is 93.5 % and more. Each bar
leaves two standard errors of the simulation.
"""

from __future__ import annotations

import csv
import multiprocessing
import os
import sys
import time
from collections.abc import Callable, Sequence
from dataclasses import astuple, dataclass, fields
from functools import cache, partial
from pathlib import Path

import numpy as np
from numpy.typing import NDArray
from scipy.special import ndtr, ndtri

import populations
from bars import at_least, at_most, sized, tell, versions
from hardiness.benchmarks.cell_calibration import calibration_of_cells
from hardiness.benchmarks.ood import of_set
from hardiness.benchmarks.own_classes import class_scores
from hardiness.benchmarks.shares import aurra_score, mean_loss, two_of_each
from hardiness.core.condition import Condition
from hardiness.core.result import Metric
from hardiness.core.run import DataIdentity, Run
from hardiness.core.spread import Interval
from hardiness.core.table import ImageTable
from hardiness.statistics.calibration_intervals import Gaps, calibration_interval
from hardiness.statistics.cells import CellMeans, cell_means, equal_weights
from hardiness.statistics.comparison import difference, mean_difference
from hardiness.statistics.confidence import aurra, bin_of, bin_of_hundred
from hardiness.statistics.estimate import mean
from hardiness.statistics.intervals import proportion
from hardiness.statistics.kappa import cohens_kappa, error_consistency, expected_agreement
from hardiness.statistics.measures import Measurable, area_under_response, calibration_measure, shape_bias

sys.path.append(str(Path(__file__).resolve().parents[1] / "docs"))

from write import table, with_block

SMALL = (12, 20, 35)
TO_250, TO_1000 = (*SMALL, 50, 250), (*SMALL, 50, 250, 1000)
SIZES = (*TO_1000, 5000)
WITH_ERRORS = (0.01, 0.05, 0.2, 0.5, 0.8, 0.95, 0.99)
RATES = (0.0, *WITH_ERRORS)
CELLS = 20
FEW_CELLS = 2
DIFFERING = (0.012, 0.02, 0.04, 0.1, 0.3)
"""Shares of images on which two models differ."""

Trial = Callable[[np.random.Generator, int, float], tuple[Interval | None, float]]
"""One simulated measurement of n images at an error rate: its interval, and the true value."""


def latent(generator: np.random.Generator, n: int, cells: int, shift: float = 0.0) -> list[NDArray[np.float64]]:
    """Difficulties ``(n, cells)`` of two models for the same images; errors are where they are below a threshold."""
    hard = 0.7 * generator.standard_normal((n, 1))
    own = (0.5 * generator.standard_normal((n, 1)) for _ in range(2))
    rest = np.sqrt(1 - 0.7**2 - 0.5**2)
    return [hard + each + rest * generator.standard_normal((n, cells)) - k * shift for k, each in enumerate(own)]


def share(generator: np.random.Generator, n: int, rate: float) -> tuple[Interval | None, float]:
    return proportion(int(generator.binomial(n, rate)), n), rate


def unpaired(generator: np.random.Generator, n: int, rate: float) -> tuple[Interval | None, float]:
    other = 0.9 * rate
    return of_hits(int(generator.binomial(n, rate)), int(generator.binomial(n, other)), n), rate - other


@cache
def of_hits(first: int, second: int, n: int) -> Interval | None:
    places = np.arange(n)
    return difference(mean(places, places < first), mean(n + places, places < second)).interval


def paired(generator: np.random.Generator, n: int, rate: float) -> tuple[Interval | None, float]:
    first, second = (side[:, 0] < ndtri(rate) for side in latent(generator, n, 1, 0.1))
    found = of_pairs(int(np.sum(first & ~second)), int(np.sum(second & ~first)), n)
    return found, rate - float(ndtr(ndtri(rate) + 0.1))


@cache
def of_pairs(first_only: int, second_only: int, n: int) -> Interval | None:
    """The interval depends on nothing else of the answers."""
    places = np.arange(n)
    others = (places >= first_only) & (places < first_only + second_only)
    return difference(mean(places, places < first_only), mean(places, others)).interval


def paired_cells(generator: np.random.Generator, n: int, rate: float) -> tuple[Interval | None, float]:
    first, second = (mean(images(n), side < ndtri(rate)) for side in latent(generator, n, CELLS, 0.1))
    return difference(first, second, 1.0).interval, rate - float(ndtr(ndtri(rate) + 0.1))


def paired_few_cells(generator: np.random.Generator, n: int, rate: float) -> tuple[Interval | None, float]:
    first, second = (mean(images(n), side < ndtri(rate)) for side in latent(generator, n, FEW_CELLS, 0.1))
    return difference(first, second, 1.0).interval, rate - float(ndtr(ndtri(rate) + 0.1))


def one_run_few_cells(generator: np.random.Generator, n: int, rate: float) -> tuple[Interval | None, float]:
    errors = of_cells(latent(generator, n, FEW_CELLS)[0] < ndtri(rate))
    return errors.score(Metric("mean_error"), equal_weights(errors.cells)).interval, rate


def three_classes(metric: str, generator: np.random.Generator, n: int, rate: float) -> tuple[Interval | None, float]:
    """A score by class where three classes are equally common and equally hard, and mistaken for one another alike."""
    label, wrong = np.arange(n) % 3, generator.random(n) < rate
    answer = np.where(wrong, (label + generator.integers(1, 3, n)) % 3, label)
    columns = {"right": (~wrong)[:, None].astype(np.int8), "answer": answer[:, None].astype(np.int32)}
    table = ImageTable(images(n), label.astype(np.int32), (Condition(),), np.zeros(1, np.int16), columns)
    run = Run(data=DataIdentity("own", "f", n, 3, classes=("a", "b", "c")), conditions=(Condition(),))
    found = next(score for score in class_scores(table, run) if score.metric == metric)
    return found.interval, 1 - rate


def one_run_cells(generator: np.random.Generator, n: int, rate: float) -> tuple[Interval | None, float]:
    errors = of_cells(latent(generator, n, CELLS)[0] < ndtri(rate))
    return errors.score(Metric("mean_error"), equal_weights(errors.cells)).interval, rate


def of_cells(values: NDArray[np.bool_]) -> CellMeans:
    """The means of ``(n, M)`` values in as many conditions."""
    conditions = tuple(Condition(corruption="fog", severity=k) for k in range(1, values.shape[1] + 1))
    at = np.arange(len(conditions), dtype=np.int16)
    table = ImageTable(
        images(len(values)), np.zeros(len(values), np.int32), conditions, at, {"right": (~values).astype(np.int8)}
    )
    return cell_means(table, values.astype(np.float64))


def confidences(
    generator: np.random.Generator, n: int, rate: float
) -> list[tuple[NDArray[np.float64], NDArray[np.bool_]]]:
    """Confidence and right or wrong of two models for the same images; overconfident, the second more so."""
    sides = []
    for k, side in enumerate(latent(generator, n, 1)):
        chance = ndtr((side[:, 0] - ndtri(rate) * np.sqrt(1.5)) / np.sqrt(0.5))
        right = generator.random(n) < chance
        sides.append((np.clip(chance ** (0.7 - 0.2 * k), 0, 1), right))
    return sides


def one_run_aurra(generator: np.random.Generator, n: int, rate: float) -> tuple[Interval | None, float]:
    return aurra_score(*confidences(generator, n, rate)[0]).interval, truth("aurra", rate)


def one_run_calibration(generator: np.random.Generator, n: int, rate: float) -> tuple[Interval | None, float]:
    return binned("all-bins", generator, n, rate)


def one_run_without_last_bin(generator: np.random.Generator, n: int, rate: float) -> tuple[Interval | None, float]:
    return binned("hendrycks2019", generator, n, rate)


def one_run_ece(generator: np.random.Generator, n: int, rate: float) -> tuple[Interval | None, float]:
    return binned("equal-mass", generator, n, rate)


def binned(bins: str, generator: np.random.Generator, n: int, rate: float) -> tuple[Interval | None, float]:
    """The true value is what the same bins would show on endlessly many images."""
    confidence, right = confidences(generator, n, rate)[0]
    rms = bins in ("all-bins", "hendrycks2019")
    each = bin_of_hundred(confidence) if rms else bin_of(confidence, bins)
    last = int(each.max()) if bins == "hendrycks2019" else int(each.max()) + 1
    counted = right[each < last]
    fewer = int(min(counted.sum(), len(counted) - counted.sum()))
    if two_of_each(fewer):
        return None, 0.0
    gaps = Gaps.from_answers(confidence, right, each)
    gaps = gaps.counted(slice(None, last)) if rms else gaps
    return calibration_interval(gaps, 2 if rms else 1, fewer=fewer), true_in_bins(bins, n, rate)


def one_run_brier(generator: np.random.Generator, n: int, rate: float) -> tuple[Interval | None, float]:
    confidence, right = confidences(generator, n, rate)[0]
    losses = (confidence - right) ** 2
    return mean_loss(Metric("brier_top1"), losses, right).interval, truth("brier", rate)


def one_run_mean_ece(generator: np.random.Generator, n: int, rate: float) -> tuple[Interval | None, float]:
    """Over eight cells in which an image is about as hard; an ImageNet-C run has 75."""
    confidence, right = cells_with_confidence(generator, n, rate)
    cells = np.arange(right.shape[1], dtype=np.int16)
    conditions = tuple(Condition(corruption="fog", severity=int(k) + 1) for k in cells)
    columns = {"right": right.astype(np.int8), "confidence": confidence.astype(np.float32)}
    table = ImageTable(images(n), np.zeros(n, np.int32), conditions, cells, columns)
    found = calibration_of_cells(table)
    ece = next(s for s in found if s.metric == "ece" and s.condition.get("protocol") == "equal-mass")
    return ece.interval, true_in_bins("equal-mass", n, rate)


def cells_with_confidence(
    generator: np.random.Generator, n: int, rate: float
) -> tuple[NDArray[np.float64], NDArray[np.bool_]]:
    chance = ndtr((latent(generator, n, 8)[0] - ndtri(rate) * np.sqrt(1.5)) / np.sqrt(0.5))
    return chance**0.7, generator.random(chance.shape) < chance


def one_run_relative(generator: np.random.Generator, n: int, rate: float) -> tuple[Interval | None, float]:
    """What corruption adds to the clean error, as the relative mCE has it."""
    harder = latent(generator, n, CELLS + 1)[0]
    errors = of_cells(np.column_stack([harder[:, 1:] < ndtri(rate), harder[:, 0] < ndtri(rate) - 0.5]))
    *corrupted, clean = errors.cells
    added = errors.score(Metric("error_gap"), {**equal_weights(corrupted), clean: -1.0})
    return added.interval, rate - float(ndtr(ndtri(rate) - 0.5))


def one_run_auroc(generator: np.random.Generator, n: int, rate: float) -> tuple[Interval | None, float]:
    inside, outside = generator.standard_normal((2, n))
    return of_set(inside + np.sqrt(2) * ndtri(1 - rate), outside, "ood", "msp")[0].interval, 1 - rate


def one_run_fpr95(generator: np.random.Generator, n: int, rate: float) -> tuple[Interval | None, float]:
    inside, outside = generator.standard_normal((2, n))
    return of_set(inside + ndtri(0.95) - ndtri(rate), outside, "ood", "msp")[3].interval, rate


def drawn_cells(generator: np.random.Generator, n: int, rate: float) -> tuple[Interval | None, float]:
    """Each image in two of 20 cells, the same for both models, as a precision target leaves them."""
    sides = [(side < ndtri(rate)).astype(np.float64) for side in latent(generator, n, CELLS, 0.1)]
    left_out = generator.permuted(np.tile(np.arange(CELLS), (n, 1)), axis=1)[:, 2:]
    for side in sides:
        np.put_along_axis(side, left_out, np.nan, axis=1)
    first, second = (mean(images(n), side) for side in sides)
    return difference(first, second).interval, rate - float(ndtr(ndtri(rate) + 0.1))


def paired_calibration(generator: np.random.Generator, n: int, rate: float) -> tuple[Interval | None, float]:
    first, second = (calibration_measure(Metric("rms"), *side, "all-bins") for side in confidences(generator, n, rate))
    return paired_scores(first, second, n), truth("calibration", rate) - truth("calibration", rate, 1)


def paired_aurra(generator: np.random.Generator, n: int, rate: float) -> tuple[Interval | None, float]:
    first, second = (area_under_response(Metric("aurra"), *side) for side in confidences(generator, n, rate))
    return paired_scores(first, second, n), truth("aurra", rate) - truth("aurra", rate, 1)


def paired_shape_bias(generator: np.random.Generator, n: int, rate: float) -> tuple[Interval | None, float]:
    sides, true = [], []
    for k, side in enumerate(latent(generator, n, 1)):
        by_shape = side[:, 0] < ndtri(0.6 * (rate + (1 - rate) * 0.1 * k))
        by_texture = side[:, 0] > ndtri(0.4 + 0.6 * (rate + (1 - rate) * 0.1 * k))
        sides.append(shape_bias(Metric("shape_bias"), by_shape, by_texture, Condition()))
        true.append(rate + (1 - rate) * 0.1 * k)
    return paired_scores(sides[0], sides[1], n), true[0] - true[1]


def paired_scores(first: Measurable, second: Measurable, n: int) -> Interval | None:
    at = np.arange(n)
    return difference(first.estimate(at), second.estimate(at), lacks=first.lacks(at) or second.lacks(at)).interval


def unequal(
    generator: np.random.Generator, n: int, rate: float, sizes: NDArray[np.float64], size: float, ahead: float
) -> tuple[Interval | None, float]:
    """Two models that differ on a share of images alone, by sizes that are not alike, most of them to one side."""
    apart = np.where(generator.random(n) < rate, sizes * np.where(generator.random(n) < ahead, 1, -1), 0.0)
    if np.count_nonzero(apart) < 10:
        return None, 0.0
    return mean_difference(apart, 200.0).interval, rate * size * (2 * ahead - 1)


def exponential(generator: np.random.Generator, n: int, rate: float) -> tuple[Interval | None, float]:
    return unequal(generator, n, rate, generator.exponential(1.0, n), 1.0, 1.0)


def exponential_both_ways(generator: np.random.Generator, n: int, rate: float) -> tuple[Interval | None, float]:
    return unequal(generator, n, rate, generator.exponential(1.0, n), 1.0, 0.8)


def heavy_tails(generator: np.random.Generator, n: int, rate: float) -> tuple[Interval | None, float]:
    return unequal(generator, n, rate, np.exp(1.5 * generator.standard_normal(n)), float(np.exp(1.125)), 1.0)


def heavy_tails_both_ways(generator: np.random.Generator, n: int, rate: float) -> tuple[Interval | None, float]:
    return unequal(generator, n, rate, np.exp(1.5 * generator.standard_normal(n)), float(np.exp(1.125)), 0.8)


def kappa(generator: np.random.Generator, n: int, rate: float) -> tuple[Interval | None, float]:
    hard = generator.random(n) < 0.3  # on these both answer alike, elsewhere each by itself
    both = generator.random(n) >= rate
    first, second = (np.where(hard, both, generator.random(n) >= rate) for _ in range(2))
    return error_consistency(first, second).kappa.interval, 0.3


def kappa_of_cells(generator: np.random.Generator, n: int, rate: float) -> tuple[Interval | None, float]:
    first, second = (side >= ndtri(rate) for side in latent(generator, n, CELLS))
    return error_consistency(first, second).kappa.interval, truth("kappa", rate)


_TRUTHS: dict[tuple[str, float, int], float] = {}
_IMAGES: dict[int, NDArray[np.object_]] = {}


def truth(score: str, rate: float, side: int = 0) -> float:
    """The score of four hundred thousand images; the calibration's bins are finer than any of a small sample."""
    key = (score, rate, side)
    if key not in _TRUTHS and score == "kappa":
        first, second = (each >= ndtri(rate) for each in latent(np.random.default_rng(99), 100_000, CELLS))
        by_chance = expected_agreement(first.mean(), second.mean())
        _TRUTHS[key] = float(cohens_kappa(np.mean(first == second), by_chance))
    if key not in _TRUTHS:
        confidence, right = confidences(np.random.default_rng(99), 400_000, rate)[side]
        if score == "aurra":
            _TRUTHS[key] = aurra(confidence, right)
        elif score == "brier":
            _TRUTHS[key] = float(np.mean((confidence - right) ** 2))
        else:
            order = np.argsort(confidence)
            gap = (confidence[order] - right[order]).reshape(-1, 4000).mean(axis=1)
            _TRUTHS[key] = float(np.sqrt(np.mean(gap**2)))
    return _TRUTHS[key]


def true_in_bins(bins: str, n: int, rate: float) -> float:
    """The calibration error of four hundred thousand images whose chances are known, in as many bins as n images have.

    Bins of hundreds: those shares of all that n images have in each; hendrycks2019 leaves the last out.
    """
    hundreds = bins in ("all-bins", "hendrycks2019")
    key = (f"{bins} {n}", rate, 0)
    if key not in _TRUTHS:
        side = latent(np.random.default_rng(99), 400_000, 1)[0][:, 0]
        chance = ndtr((side - ndtri(rate) * np.sqrt(1.5)) / np.sqrt(0.5))
        gap = (chance**0.7 - chance)[np.argsort(chance)]
        shares = np.arange(0, n // 100 * 100, 100) / n if hundreds else np.arange(15) / 15
        starts = (shares * len(gap)).astype(int)
        sizes = np.diff(np.append(starts, len(gap)))
        sums = np.add.reduceat(gap, starts)
        each = (sums**2 / sizes)[: -1 if bins == "hendrycks2019" else None]
        squares = float(np.sqrt(np.sum(each) / len(gap)))
        _TRUTHS[key] = squares if hundreds else float(np.abs(sums).sum() / len(gap))
    return _TRUTHS[key]


def images(n: int) -> NDArray[np.object_]:
    if n not in _IMAGES:
        _IMAGES[n] = np.array([f"{i:06d}" for i in range(n)], object)
    return _IMAGES[n]


@dataclass(frozen=True)
class Kind:
    """How one kind of interval is simulated; some only at sizes and rates at which it says something."""

    trial: Trial
    sizes: tuple[int, ...] = SIZES
    rates: tuple[float, ...] = WITH_ERRORS
    only: tuple[tuple[int, float], ...] = ()
    before: str = ""
    """What of the intervals held on 29 November 2026, in percent, where the population was simulated then."""

    @property
    def points(self) -> list[tuple[int, float]]:
        """Sizes and rates: those of ``only``, or each size at each rate."""
        return list(self.only) or [(n, rate) for n in self.sizes for rate in self.rates]


FEW_RATES = (0.05, 0.5, 0.95)

KINDS = {
    "share: Wilson, exact where few": Kind(share, rates=RATES),
    "shares, different photographs: Newcombe": Kind(unpaired, rates=RATES),
    "shares, same photographs: Tango": Kind(paired, rates=RATES),
    "means of 20 cells, same photographs: t": Kind(paired_cells, sizes=TO_1000, rates=RATES),
    "means of 2 cells, same photographs: t": Kind(paired_few_cells, sizes=TO_1000, rates=RATES),
    "exponential sizes, one ahead: t, with skew": Kind(exponential, sizes=(250, 1000), rates=DIFFERING),
    "exponential sizes, both ways: t, with skew": Kind(exponential_both_ways, sizes=(250, 1000), rates=DIFFERING),
    "heavy tails, one ahead: t, with skew": Kind(heavy_tails, sizes=(250, 1000), rates=DIFFERING),
    "heavy tails, both ways: t, with skew": Kind(heavy_tails_both_ways, sizes=(250, 1000), rates=DIFFERING),
    "mean of 20 cells, one run: effective Wilson": Kind(one_run_cells, sizes=TO_1000, rates=RATES),
    "mean of 2 cells, one run: effective Wilson": Kind(one_run_few_cells, sizes=TO_1000, rates=RATES),
    "AURRA, one run: effective Wilson": Kind(one_run_aurra, TO_250, FEW_RATES),
    "RMS calibration error, one run: tests inverted": Kind(one_run_calibration, (100, 150, 200, 250, 1000, 5000)),
    "RMS without the last bin, one run: tests inverted": Kind(one_run_without_last_bin, (200, 250, 500, 1000)),
    "ECE, one run: tests inverted": Kind(one_run_ece, (35, 50, 250, 1000, 5000)),
    "mean ECE of 8 cells, one run: tests inverted": Kind(one_run_mean_ece, (35, 250), FEW_RATES),
    "Brier score, one run: effective Wilson": Kind(one_run_brier, (*SMALL, 250), FEW_RATES),
    "relative mCE, one run: t, with skew": Kind(one_run_relative, sizes=TO_1000),
    "AUROC: DeLong and Newcombe": Kind(one_run_auroc, sizes=TO_1000),
    "FPR at 95 %: effective Wilson": Kind(one_run_fpr95, sizes=TO_1000),
    "means in 2 random cells, same photographs: t": Kind(drawn_cells, sizes=(250, 1000), rates=FEW_RATES),
    "AURRA, same photographs: t": Kind(paired_aurra, sizes=(35, 50, 250), rates=FEW_RATES),
    "calibration error, same photographs: t": Kind(paired_calibration, sizes=(250,), rates=FEW_RATES),
    "shape bias, same photographs: t": Kind(paired_shape_bias, sizes=(35, 50, 250, 1000), rates=FEW_RATES),
    "kappa: posterior of the two-by-two table": Kind(kappa, sizes=TO_1000),
    "kappa over 20 cells: t": Kind(kappa_of_cells, (35, 50, 250, 1000)),
    "balanced accuracy of 3 classes: effective Wilson": Kind(
        partial(three_classes, "balanced_accuracy"), TO_250, RATES
    ),
    "macro F1 of 3 classes: effective Wilson": Kind(partial(three_classes, "macro_f1"), (35, 50, 250), RATES),
    "worst of 3 classes: Clopper & Pearson": Kind(partial(three_classes, "worst_class"), TO_250, RATES),
}

FAILED_ONCE = {
    "AUROC, rare class, .983: DeLong and Newcombe": Kind(
        partial(populations.rare_class, 0.983),
        only=((510, 10 / 510), (520, 20 / 520), (550, 50 / 550), (60, 0.5)),
        before="80.1 to 91.6",
    ),
    "AUROC, rare class, .962: DeLong and Newcombe": Kind(
        partial(populations.rare_class, 0.962), only=((1010, 10 / 1010), (1020, 20 / 1020)), before="85.4"
    ),
    "AUROC, saturated: DeLong and Newcombe": Kind(
        populations.rare_class_saturated, only=((510, 10 / 510), (550, 50 / 550)), before="71.2 to 86.2"
    ),
    "average precision: effective Wilson": Kind(
        populations.average_precision, only=((250, 0.1), (510, 10 / 510), (500, 0.2), (100, 0.5), (1000, 0.05))
    ),
    "worst of 50 classes, three severities: Clopper & Pearson": Kind(
        partial(populations.worst_class, 50, 1.0), only=((500, 0.05),), before="55.1"
    ),
    "worst of 20 classes, three severities: Clopper & Pearson": Kind(
        partial(populations.worst_class, 20, 1.0), only=((100, 0.1), (400, 0.05)), before="75.0 to 85.8"
    ),
    "worst of 20 classes, severities unlike: Clopper & Pearson": Kind(
        partial(populations.worst_class, 20, 0.8), only=((100, 0.1),), before="90.0"
    ),
    "worst of 10 classes, three severities: Clopper & Pearson": Kind(
        partial(populations.worst_class, 10, 1.0), only=((200, 0.1),), before="90.8"
    ),
    "retained accuracy: t, with skew": Kind(
        populations.retained,
        only=((50, 0.01), (100, 0.005), (100, 0.02), (250, 0.01), (250, 0.04), (250, 0.1), (100, 0.2)),
        before="34.0 to 92.5",
    ),
    "RMS of equal models, same photographs: t": Kind(
        populations.equal_calibration,
        only=((250, 0.15), (1000, 0.15), (2000, 0.15), (5000, 0.15)),
        before="87.3 to 94.5",
    ),
    "mean NLL, lognormal: t, with skew": Kind(
        populations.heavy_nll, only=((50, 0.3), (100, 0.3), (250, 0.3)), before="85.5 to 89.8"
    ),
    "mean NLL, too sure: t, with skew": Kind(
        partial(populations.too_sure, "nll"), only=((50, 0.2), (100, 0.2), (250, 0.2), (100, 0.05)), before="89.7"
    ),
    "mean Brier score, too sure: effective Wilson": Kind(
        partial(populations.too_sure, "brier_top1"), only=((50, 0.2), (100, 0.2), (250, 0.2), (100, 0.05))
    ),
    "mean of 75 cells, some hopeless: effective Wilson": Kind(
        partial(populations.hopeless, 75),
        only=tuple((n, h) for h in (0.005, 0.01, 0.03) for n in (50, 100, 250, 1000)),
        before="39 to 96",
    ),
    "AURRA, good ranker: effective Wilson": Kind(
        partial(populations.ranked, "good", "aurra"),
        only=((100, 0.003), (250, 0.003), (1000, 0.003), (5000, 0.003)),
        before="89.0 to 94.2",
    ),
    "AURC, good ranker: effective Wilson": Kind(
        partial(populations.ranked, "good", "aurc"),
        only=((100, 0.003), (250, 0.003), (1000, 0.003), (5000, 0.003)),
        before="89.0 to 94.2",
    ),
    "AUGRC, good ranker: effective Wilson": Kind(
        partial(populations.ranked, "good", "augrc"), only=((100, 0.003), (250, 0.003), (1000, 0.003)), before="94.7"
    ),
    "risk at 80 % coverage, good ranker: effective Wilson": Kind(
        partial(populations.ranked, "good", "risk_at_80_coverage"), only=((100, 0.003), (250, 0.003), (1000, 0.003))
    ),
    "AURRA, saturated: effective Wilson": Kind(
        partial(populations.ranked, "saturated", "aurra"),
        only=((100, 0.01), (250, 0.01), (1000, 0.01)),
        before="90.2 to 93.1",
    ),
    "AURC, always sure: effective Wilson": Kind(
        partial(populations.ranked, "certain", "aurc"), only=((100, 0.05), (250, 0.02), (100, 0.2)), before="68"
    ),
    "AUGRC, always sure: effective Wilson": Kind(
        partial(populations.ranked, "certain", "augrc"), only=((100, 0.05), (250, 0.02), (100, 0.2)), before="45"
    ),
    "ECE, always sure: tests inverted": Kind(
        partial(populations.certain_calibration, "ece"), only=((100, 0.05), (250, 0.02), (100, 0.2)), before="0"
    ),
    "RMS, always sure: tests inverted": Kind(
        partial(populations.certain_calibration, "rms_calibration_error"), only=((250, 0.02), (250, 0.2))
    ),
    "Brier score, always sure: effective Wilson": Kind(
        partial(populations.certain_calibration, "brier_top1"), only=((100, 0.05), (250, 0.02), (100, 0.2))
    ),
    "temperature: t, with skew": Kind(
        populations.fitted_temperature, only=((20, 1.0), (50, 1.0), (50, 0.5), (200, 0.5))
    ),
    "mean kappa over 3 pairs: t, with skew": Kind(
        partial(populations.kappa_of_pairs, 3), only=((200, 0.2), (200, 0.1), (600, 0.05))
    ),
    "mean kappa over 10 pairs: t, with skew": Kind(
        partial(populations.kappa_of_pairs, 10), only=((200, 0.2), (200, 0.1))
    ),
    "place among five models: Holm": Kind(
        populations.place_of_five, only=((100, 0.2), (250, 0.2), (1000, 0.2), (5000, 0.2))
    ),
    "ImageNet-P, mean flip probability: effective Wilson": Kind(
        populations.flips_of_sequences, only=((50, 0.05), (100, 0.05), (250, 0.05), (250, 0.01), (1000, 0.01))
    ),
}
"""Populations on which intervals failed once, or that nobody had simulated, at such sizes and rates and beside them."""

KINDS |= FAILED_ONCE

LEAST, LEAST_OF_FEW = 0.94, 0.935
"""What a kind must hold in at each size and rate: with ten errors and ten right answers expected, and with fewer."""


LEAST_KNOWN = 0.935
"""What every kind must hold in at every size and rate, the least of those in `KNOWN`."""


MOST_ON_A_SIDE = 0.05
"""The share of intervals that may lie below the true value, and above it."""


@dataclass(frozen=True)
class Exempt:
    """What a kind that stays below `LEAST`, or misses to one side, is known to hold in, and why no better is taken."""

    why: str
    least: float = LEAST_KNOWN
    on_a_side: float = MOST_ON_A_SIDE


KNOWN = {
    "share: Wilson, exact where few": Exempt("hits are whole numbers"),
    "heavy tails, one ahead: t, with skew": Exempt(
        "no method knows of sizes that are not in the sample, all of which lie on one side", on_a_side=1 - LEAST_KNOWN
    ),
    "heavy tails, both ways: t, with skew": Exempt(
        "the same, and the largest may have either sign", on_a_side=1 - LEAST_KNOWN
    ),
    "kappa over 20 cells: t": Exempt("few images hold most of the joint errors"),
}


def standard(many: bool) -> float:
    """What every kind should hold in."""
    return LEAST if many else LEAST_OF_FEW


def bar(kind: str, many: bool) -> float:
    """What a kind must hold in."""
    return KNOWN[kind].least if many and kind in KNOWN else standard(many)


def side_bar(kind: str) -> float:
    """The share of a kind's intervals that may lie below the true value, and above it."""
    return KNOWN[kind].on_a_side if kind in KNOWN else MOST_ON_A_SIDE


@dataclass(frozen=True)
class Point:
    """What the intervals of one size and rate held.

    Attributes:
        n, rate: images, and the error rate.
        trials: those that had an interval; the others hold nothing.
        below, above: shares of these whose interval lies below the true value, and above it.
    """

    n: int
    rate: float
    trials: int
    below: float
    above: float

    @property
    def held(self) -> float:
        """The share that holds the true value."""
        return 1 - self.below - self.above

    @property
    def many(self) -> bool:
        """Whether ten errors and ten right answers are expected."""
        return self.n * min(self.rate, 1 - self.rate) >= 10

    @property
    def misses(self) -> str:
        """The share that holds the true value, and below and above what the others lie, in percent."""
        return f"{percent(self.held)} ({percent(self.below)}/{percent(self.above)})"


PARTS = ("usual", "small")


def part_of(n: int, rate: float) -> str:
    """Which of `PARTS` a size and rate is in."""
    return PARTS[n < SIZES[len(SMALL)] or rate == 0]


def simulated(kind: Kind, trials: int) -> list[Point]:
    """Each size and rate."""
    return [point(kind, trials, n, rate) for n, rate in kind.points]


def point(kind: Kind, trials: int, n: int, rate: float) -> Point:
    """One size and rate, whose draws do not depend on what else is simulated."""
    generator, below, above, had = np.random.default_rng([n, int(1000 * rate)]), 0, 0, 0
    for _ in range(trials):
        interval, true = kind.trial(generator, n, rate)
        if interval is not None:
            had += 1
            below += interval.high + 1e-12 < true
            above += interval.low - 1e-12 > true
    return Point(n, rate, had, below / had if had else float("nan"), above / had if had else float("nan"))


def _point_of(job: tuple[str, int, int, float]) -> tuple[str, Point]:
    name, trials, n, rate = job
    return name, point(KINDS[name], trials, n, rate)


def sizes_and_rates(kind: Kind) -> list[tuple[int, float]]:
    """All of a kind; in the short size the most images at the rate in the middle, where every trial has an interval."""
    if kind.only:
        return kind.points[-sized(len(kind.points)) :]
    middle = sized(0, len(kind.rates) // 2)
    rates = kind.rates[middle : middle + sized(len(kind.rates))]
    return [(n, rate) for n in kind.sizes[-sized(len(kind.sizes)) :] for rate in rates]


def all_simulated(names: Sequence[str], trials: int, parts: Sequence[str] = PARTS) -> dict[str, list[Point]]:
    """Every size and rate of these kinds, by one process a core; the largest samples first, which take the longest."""
    jobs = [(name, trials, n, rate) for name in names for n, rate in sizes_and_rates(KINDS[name])]
    jobs = sorted((job for job in jobs if part_of(*job[2:]) in parts), key=lambda job: -job[2])
    found: dict[str, list[Point]] = {name: [] for name in names}
    with multiprocessing.get_context("spawn").Pool(len(os.sched_getaffinity(0))) as pool:
        for name, each in pool.imap_unordered(_point_of, jobs):
            found[name].append(each)
    return {name: sorted(points, key=lambda each: (each.n, each.rate)) for name, points in found.items()}


def draw(path: Path, found: dict[str, list[Point]]) -> None:
    """Coverage over the expected number of the rarer answers, a line for each kind."""
    import matplotlib

    matplotlib.use("Agg")
    matplotlib.rcParams.update({"svg.hashsalt": "coverage", "svg.fonttype": "none"})
    from matplotlib import pyplot

    figure, axes = pyplot.subplots(
        -(-len(found) // 6), 6, figsize=(16, 2.1 * -(-len(found) // 6)), sharex=True, sharey=True
    )
    for axis, (kind, points) in zip(axes.flat, found.items(), strict=False):
        x = [max(each.n * min(each.rate, 1 - each.rate), 0.3) for each in points]
        axis.axhspan(0.93, 0.97, color="0.9")
        axis.axhline(0.95, color="0.6", lw=0.8)
        axis.axvline(10, color="0.6", lw=0.8, ls=":")
        sizes = [np.log10(each.n) for each in points]
        axis.scatter(x, [each.held for each in points], s=14, c=sizes, cmap="viridis")
        axis.set_title(kind.replace(", ", "\n", 1), fontsize=8)
        axis.set_xscale("log")
        axis.set_ylim(0.8, 1.005)
    for axis in axes.flat[len(found) :]:
        axis.axis("off")
    figure.supxlabel("expected number of the rarer answer (errors or right ones); darker is fewer images")
    figure.supylabel("share of intervals that hold the true value")
    figure.tight_layout()
    figure.savefig(path, metadata={"Date": None})


def believed(points: list[Point]) -> list[Point]:
    """Those of which most trials had an interval: elsewhere these are trials with unusually many errors."""
    most = max((each.trials for each in points), default=0)
    return [each for each in points if each.trials >= max(most / 2, 1)]


def percent(share: float) -> str:
    return f"{100 * share:.1f}"


def part(points: list[Point]) -> tuple[str, str, str]:
    """How often all intervals of these points held, and those of the point where they held least."""
    if not points:
        return "", "", ""
    trials, least = sum(each.trials for each in points), min(points, key=lambda each: each.held)
    pooled = sum(each.held * each.trials for each in points) / trials
    return percent(pooled), least.misses, f"{least.n:,}, {least.rate:g}"


def coverage_table(found: dict[str, list[Point]]) -> str:
    """How often each kind held over all sizes and rates, with many and with few errors, as Markdown."""
    rows = []
    for kind, points in found.items():
        name, _, method = kind.partition(": ")
        many, few = ([each for each in believed(points) if each.many is side] for side in (True, False))
        rows.append((name, method, *part(many), *part(few)))
    head = ("interval of", "method", "ten of each: all, %", "least (below/above)", "at n, rate")
    return table((*head, "fewer: all, %", "least (below/above)", "at n, rate"), rows)


def failed_table(found: dict[str, list[Point]], trials: int) -> str:
    """How often intervals hold on each population of `FAILED_ONCE`, and on which they failed before, as Markdown."""
    rows = []
    for kind, points in found.items():
        name, _, method = kind.partition(": ")
        least = min(points, key=lambda each: each.held)
        shown = f"{least.n:,}, {least.rate:.3g}", percent(least.trials / trials)
        rows.append((name, method, KINDS[kind].before, part(points)[0], least.misses, *shown))
    head = ("interval of", "method", "before: holds in, %", "now: all, %", "least (below/above)", "at n, rate")
    return table((*head, "have one, %"), rows)


def below_bars(found: dict[str, list[Point]]) -> str:
    """Sizes and rates at which a kind holds in less than 94 %, 93.5 with few errors, or misses over 5 to a side."""
    rows = [
        (
            kind.partition(": ")[0],
            f"{each.n:,}, {each.rate:g}",
            "ten of each" if each.many else "fewer",
            each.misses,
            KNOWN[kind].why if kind in KNOWN else "within the simulation's error",
        )
        for kind, points in found.items()
        for each in believed(points)
        if each.held < standard(each.many) or max(each.below, each.above) > MOST_ON_A_SIDE
    ]
    return table(("interval of", "at n, rate", "errors", "holds in, % (below/above)", "why"), rows)


def write_points(path: Path, found: dict[str, list[Point]]) -> None:
    with path.open("w", newline="") as stream:
        rows = csv.writer(stream)
        rows.writerow(["interval", *(each.name for each in fields(Point))])
        rows.writerows([kind, *astuple(each)] for kind, points in found.items() for each in points)


def option(name: str, default: str) -> str:
    """The value that follows an option on the command line."""
    return sys.argv[sys.argv.index(name) + 1] if name in sys.argv else default


def main() -> int:
    trials, began = int(option("--trials", str(sized(1000, 2)))), time.perf_counter()
    parts = [each for each in PARTS if option("--part", each) == each]
    found = all_simulated([name for name in KINDS if option("--only", "") in name], trials, parts)
    found = {kind: points for kind, points in found.items() if believed(points)}
    bars, notes = {}, {}
    for kind, points in found.items():
        known = believed(points)
        for many, which in ((True, "ten of each"), (False, "fewer")):
            if some := [each for each in known if each.many is many]:
                # Each point by its own number of trials; the one that is farthest below counts.
                worst = min(some, key=lambda each: each.held + slack(each))
                bars[f"{kind}: least, {which}"] = at_least(worst.held, bar(kind, many) - slack(worst))
                notes[f"{kind}: most, {which}"] = float(max(each.held for each in some))
        if known:
            worst = max(known, key=lambda each: max(each.below, each.above) - slack(each))
            bars[f"{kind}: most on a side"] = at_most(max(worst.below, worst.above), side_bar(kind) + slack(worst))
    notes["seconds"] = time.perf_counter() - began
    if path := option("--points", ""):
        write_points(Path(path), found)
    if path := option("--picture", ""):
        draw(Path(path), found)
    if path := option("--write", ""):
        page = Path(path)
        for name in parts:
            some = {
                kind: kept
                for kind, points in found.items()
                if kind not in FAILED_ONCE
                and believed(kept := [each for each in points if part_of(each.n, each.rate) == name])
            }
            for block, text in ((f"coverage {name}", coverage_table(some)), (f"below bars {name}", below_bars(some))):
                page.write_text(with_block(page.read_text("utf-8"), block, text), "utf-8")
        if failed := {kind: [p for p in points if p.trials] for kind, points in found.items() if kind in FAILED_ONCE}:
            text = with_block(page.read_text("utf-8"), "coverage failed", failed_table(failed, trials))
            page.write_text(text, "utf-8")
    return tell(bars, notes, versions("numpy", "scipy"), trials)


def slack(point: Point) -> float:
    """Two standard errors of a simulated share of 95 %."""
    return float(2 * np.sqrt(0.05 * 0.95 / point.trials))


if __name__ == "__main__":
    sys.exit(main())

"""How often equally good models are told apart, settings without an effect move a score, unlike models are equivalent.

    python bench/equal_models.py [--trials 2000] [--only KIND] [--json]

Every verdict is made by the functions that `compare` and `compare --noise` call. The bar is 5 % of tables, or of runs,
and two standard errors of the simulation. Where scores sort answers by confidence, a model errs among those that it is
least sure of: there the RMS calibration errors of equal models were told apart most often.
"""

from __future__ import annotations

import multiprocessing
import os
import sys
import time
from collections.abc import Callable
from functools import partial

import numpy as np
from numpy.typing import NDArray
from scipy.special import ndtri

from bars import at_most, sized, tell, versions
from hardiness.core.condition import Condition
from hardiness.core.result import Metric
from hardiness.core.run import BenchmarkIdentity, DataIdentity, ModelIdentity, Run
from hardiness.core.table import ImageTable
from hardiness.results.measured import RunByImage, measured
from hardiness.results.noise import Noise, moved_by
from hardiness.statistics.clusters import Clusters
from hardiness.statistics.comparison import adjust_differences, difference, pairs_tested
from hardiness.statistics.estimate import mean
from hardiness.statistics.measures import area_under_response, calibration_measure
from hardiness.statistics.verdicts import equivalence_outcome
from populations import names, unsure_and_wrong

Trial = Callable[[np.random.Generator, int], bool]
"""One table, or run, of n images: whether two equal models are told apart, or a setting seems to move a score."""

HARD, CELLS, SETTINGS, TURNED = 0.15, 20, 5, 0.03
"""A share of images that are hard; cells of a mean; settings that are varied, and answers that each turns."""


def shares(models: int, generator: np.random.Generator, n: int) -> bool:
    """Top-1 of models that are right equally often on the same images."""
    hard, at = generator.standard_normal(n), np.arange(n)
    sides = [np.sqrt(0.6) * hard + np.sqrt(0.4) * generator.standard_normal(n) > ndtri(0.2) for _ in range(models)]
    (pairs,) = adjust_differences([pairs_tested({str(k): mean(at, side) for k, side in enumerate(sides)}, 1.0)])
    return any(each.is_told_apart for each in pairs.values())


def means(models: int, generator: np.random.Generator, n: int) -> bool:
    """Mean errors over cells, in which 1 % of the images of each model err in nine of ten."""
    at = np.arange(n)
    often = np.where(generator.random((models, n)) < 0.01, 0.9, generator.beta(0.4, 1.6, n))
    estimates = {str(k): mean(at, generator.binomial(CELLS, each) / CELLS) for k, each in enumerate(often)}
    (pairs,) = adjust_differences([pairs_tested(estimates, 1.0)])
    return any(each.is_told_apart for each in pairs.values())


def calibration(models: int, generator: np.random.Generator, n: int) -> bool:
    """The RMS calibration errors of models alone."""
    at = np.arange(n)
    measures = [calibration_measure(Metric("rms"), *unsure_and_wrong(generator, n, HARD)) for _ in range(models)]
    (pairs,) = adjust_differences([pairs_tested({str(k): each.estimate(at) for k, each in enumerate(measures)})])
    return any(each.is_told_apart for each in pairs.values())


def three_scores(models: int, generator: np.random.Generator, n: int) -> bool:
    """A table of top-1, RMS calibration error and AURRA, all pairs and scores adjusted together."""
    at = np.arange(n)
    answers = [unsure_and_wrong(generator, n, HARD) for _ in range(models)]
    tests = [pairs_tested({str(k): mean(at, right) for k, (_, right) in enumerate(answers)}, 1.0)]
    sorting = partial(calibration_measure, Metric("rms")), partial(area_under_response, Metric("aurra"))
    tests += [pairs_tested({str(k): of(*each).estimate(at) for k, each in enumerate(answers)}) for of in sorting]
    return any(each.is_told_apart for pairs in adjust_differences(tests) for each in pairs.values())


def in_clusters(right: float, unlike: bool, cells: int, generator: np.random.Generator, n: int) -> bool:
    """Two models on pictures in clusters of about 20, in half of which each has an effect of its own.

    Args:
        right: the share of right answers, about.
        unlike: whether the sizes of clusters are log-normal, so that a few hold most pictures; else all are of 20.
        cells: of a mean over cells; 1 for top-1.
        generator, n: as of `Trial`.
    """
    count = n // 20
    sizes = generator.lognormal(0.0, 1.0, count) if unlike else np.ones(count)
    code = np.repeat(np.arange(count), np.maximum(1, np.rint(sizes / sizes.sum() * n)).astype(int))
    clusters, at = Clusters(np.arange(len(code)), code), np.arange(len(code))
    ease = np.sqrt(0.3) * generator.standard_normal(count)[code] + np.sqrt(0.35) * generator.standard_normal(len(code))
    estimates = {}
    for name in "ab":
        own = 0.55 * generator.standard_normal(count) * (generator.random(count) < 0.5)
        answer = np.sqrt(0.35) * generator.standard_normal((len(code), cells))
        estimates[name] = mean(at, ((ease + own[code])[:, None] + answer < ndtri(right)).mean(axis=1))
    (pairs,) = adjust_differences([pairs_tested(estimates, 1.0, clusters=clusters)])
    return pairs["a", "b"].is_told_apart


def at_margin(margin: float, reverse: float, generator: np.random.Generator, n: int) -> bool:
    """Top-1 of two models that differ by just the margin, seen as equivalent within it.

    Args:
        margin: the share of images that the first alone gets right, less the reverse.
        reverse: the share of images that the second alone gets right.
        generator, n: as of `Trial`.
    """
    draws, at = generator.random(n), np.arange(n)
    hard = generator.random(n) < HARD
    first_only, second_only = draws < margin + reverse, draws > 1 - reverse
    sides = (mean(at, (hard | first_only) & ~second_only), mean(at, (hard | second_only) & ~first_only))
    return equivalence_outcome(difference(*sides, 1.0).spread, margin) == "pass"


def mean_at_margin(margin: float, generator: np.random.Generator, n: int) -> bool:
    """Means over cells that differ by just the margin, by a few images that one of two errs on in nine of ten cells."""
    at, often = np.arange(n), generator.beta(0.4, 1.6, n) * 0.1
    first, second = (generator.binomial(CELLS, often) for _ in range(2))
    first = np.where(generator.random(n) < margin / 0.9, np.minimum(second + round(0.9 * CELLS), CELLS), first)
    # Those images end a little below nine tenths where their sum is cut: the margin is the difference that is left.
    apart = margin / 0.9 * float(np.mean(np.minimum(second + round(0.9 * CELLS), CELLS) - second)) / CELLS
    tested = difference(mean(at, first / CELLS), mean(at, second / CELLS), 1.0)
    return equivalence_outcome(tested.spread, apart) == "pass"


def clusters_at_margin(margin: float, size: int, generator: np.random.Generator, n: int) -> bool:
    """Top-1 of two models on clusters of so many images, some of which one of two gets wrong as a whole."""
    count, at = n // size, np.arange(n // size * size)
    code = np.repeat(np.arange(count), size)
    first = generator.random(len(at)) < 0.9
    second = np.where(generator.random(len(at)) < 0.05, generator.random(len(at)) < 0.9, first)
    lost = (generator.random(count) < margin / 0.9)[code]
    sides = (mean(at, first), mean(at, second & ~lost))
    tested = difference(*sides, 1.0, clusters=Clusters(at, code))
    return equivalence_outcome(tested.spread, margin) == "pass"


def noise(metric: str, generator: np.random.Generator, n: int) -> bool:
    """Settings that each draw 3 % of the answers anew, wrong for right as often as right for wrong."""
    ease = generator.standard_normal(n)
    hard = ease < ndtri(HARD)
    confidence = 0.98 - 0.05 * hard + 0.001 * ease
    chance = np.where(hard, 0.3, 1.0)
    right = generator.random(n) < chance
    drawn_anew = TURNED / (HARD * 2 * 0.3 * 0.7)
    usual, effects = run_of(confidence, right), []
    for setting in range(SETTINGS):
        varied = np.where(generator.random(n) < drawn_anew, generator.random(n) < chance, right)
        effects += moved_by("resize", str(setting), usual, run_of(confidence, varied), SETTINGS)
    return Noise("k", "m", "imagenet-val", "imagenet", tuple(effects)).least(metric, Condition())[0] > 0


def run_of(confidence: NDArray[np.float64], right: NDArray[np.bool_]) -> RunByImage:
    """A run of plain classification."""
    n = len(right)
    run = Run(ModelIdentity("m"), BenchmarkIdentity("imagenet-val", "classification"), DataIdentity("d", "f", n))
    answers = right[:, None].astype(np.int8)
    columns = {"right": answers, "right_top5": answers, "confidence": confidence[:, None]}
    table = ImageTable(names(n), np.zeros(n, np.int32), (Condition(),), np.zeros(1, np.int16), columns)
    by_image = measured(table, run)
    assert by_image is not None
    return by_image


KINDS: dict[str, tuple[Trial, tuple[int, ...]]] = {
    "two models, top-1": (partial(shares, 2), (250, 1000, 5000)),
    "ten models, top-1": (partial(shares, 10), (250, 1000)),
    "two models, mean of 20 cells": (partial(means, 2), (50, 250, 1000)),
    "ten models, mean of 20 cells": (partial(means, 10), (250, 1000)),
    "two models, RMS calibration error": (partial(calibration, 2), (250, 1000, 2000, 5000)),
    "two models, three scores": (partial(three_scores, 2), (1000, 2000)),
    "ten models, three scores": (partial(three_scores, 10), (1000, 2000)),
    "two models in clusters, top-1": (partial(in_clusters, 0.8, False, 1), (600, 2000, 10_000)),
    "two models in clusters, top-1 of 98 %": (partial(in_clusters, 0.98, False, 1), (600, 2000)),
    "two models in clusters of unlike sizes, top-1": (partial(in_clusters, 0.8, True, 1), (600, 2000)),
    "two models in clusters of unlike sizes, top-1 of 98 %": (partial(in_clusters, 0.98, True, 1), (600, 2000)),
    "two models in clusters, mean of 20 cells": (partial(in_clusters, 0.8, False, 20), (600, 2000)),
    "two models in clusters of unlike sizes, mean of 20 cells": (partial(in_clusters, 0.8, True, 20), (600, 2000)),
    "a margin of 5 points, top-1": (partial(at_margin, 0.05, 0.0), (150, 250, 1000)),
    "a margin of 5 points, top-1, 1 % the reverse": (partial(at_margin, 0.05, 0.01), (150, 250, 1000)),
    "a margin of 2 points, top-1": (partial(at_margin, 0.02, 0.0), (150, 250, 1000)),
    "a margin of 2 points, top-1, 0.3 % the reverse": (partial(at_margin, 0.02, 0.003), (250, 500, 1000)),
    "a margin of half a point, top-1": (partial(at_margin, 0.005, 0.0), (600, 1000)),
    "a margin of half a point, top-1, 0.1 % the reverse": (partial(at_margin, 0.005, 0.001), (1000, 5000)),
    "a margin of 2 points, mean of 20 cells": (partial(mean_at_margin, 0.02), (150, 250, 1000)),
    "a margin of 5 points, clusters of 20": (partial(clusters_at_margin, 0.05, 20), (600, 2000)),
    "a margin of 10 points, clusters of 20": (partial(clusters_at_margin, 0.1, 20), (600, 2000)),
    "five settings, top-1": (partial(noise, "top1"), (250, 1000)),
    "five settings, RMS calibration error": (partial(noise, "rms_calibration_error"), (250, 1000)),
}
"""What is simulated, and of how many images."""

LEVEL = 0.05
"""The most that may be told apart, moved, or seen as equivalent on the edge of a margin."""


def told_apart(job: tuple[str, int, int]) -> tuple[str, int, int]:
    """Of so many trials of a kind and size, those in which equal models are told apart."""
    kind, n, trials = job
    generator = np.random.default_rng([n, len(kind)])
    return kind, n, sum(KINDS[kind][0](generator, n) for _ in range(trials))


def most(trials: int) -> float:
    """The bar of a share of so many trials: the level, and two standard errors."""
    return float(LEVEL + 2 * np.sqrt(LEVEL * (1 - LEVEL) / trials))


def main() -> int:
    """Print the share of each kind and size."""
    trials = int(sys.argv[sys.argv.index("--trials") + 1]) if "--trials" in sys.argv else sized(2000, 2)
    only = sys.argv[sys.argv.index("--only") + 1] if "--only" in sys.argv else ""
    jobs = [(kind, n, trials) for kind, (_, sizes) in KINDS.items() for n in sizes[: sized(len(sizes))] if only in kind]
    began, bars = time.perf_counter(), {}
    with multiprocessing.get_context("spawn").Pool(len(os.sched_getaffinity(0))) as pool:
        for kind, n, wrong in pool.imap(told_apart, jobs):
            bars[f"{kind}, n = {n:,}"] = at_most(wrong / trials, most(trials))
    return tell(bars, {"seconds": time.perf_counter() - began}, versions("numpy", "scipy"), trials)


if __name__ == "__main__":
    sys.exit(main())

"""Stopping early: does the interval at the stop cover the full set's value, and how little has to be evaluated?

A population of 50,000 images x 75 cells is made: published error rates for the cells, and for what the cells of an
image have in common the correlations of real rows (``--rows OUT``, a stored ImageNet-C run; else those measured once).
Then the rule is followed over many random orders, and beside it runs that stop when 1.96 standard errors are tight.

    python bench/early.py [--orders 1000] [--rows OUT] [--json]
"""

from __future__ import annotations

import sys
import time
from dataclasses import dataclass
from itertools import combinations

import numpy as np
from numpy.typing import NDArray
from scipy.optimize import brentq
from scipy.special import expit, logit, ndtr, ndtri

from bars import at_least, at_most, tell, versions
from hardiness.benchmarks.card import card_of
from hardiness.core import Condition
from hardiness.reference import baseline, distortion_set, published
from hardiness.results.runs import ScoredRun
from hardiness.statistics.cells import CellEstimate, cell_estimate
from hardiness.statistics.comparison import mcnemar
from hardiness.statistics.measures import corruption_weights
from hardiness.statistics.stopping import (
    Companions,
    Extent,
    multiplier,
    next_extent,
    of_cells,
    of_share,
)
from hardiness.store import Store

IMAGENET_C = distortion_set("imagenet-c")

IMAGES, CLASSES, TARGET = 50_000, 1000, 0.005
CORRUPTIONS = [name for name in IMAGENET_C.members for _ in IMAGENET_C.levels]
SEVERITIES = [level for _ in IMAGENET_C.members for level in IMAGENET_C.levels]
FIRST = 1000
"""Images of the first round: each class once."""

COVERAGE = 0.95 - 2 * np.sqrt(0.05 * 0.95 / 1000)
"""95 % less two standard errors of a share of 1,000 orders: 93.6 %."""

SHARED, SAME_CORRUPTION = 0.60, 0.85
"""Latent correlation of two cells of an image, of different corruptions and of one: `measured` on 60 photographs.

EfficientNet-Lite0 has .57 and .84 there, Lite2 .65 and .87.
"""


@dataclass(frozen=True)
class Population:
    """Errors ``bool (N, 75)`` of two models on the same images, whose full-set values are known."""

    dear: NDArray[np.bool_]
    cheap: NDArray[np.bool_]
    labels: NDArray[np.int64]


def cell_errors(model: str) -> NDArray[np.float64]:
    """Published mean error of each corruption, spread over severities as AlexNet's is."""
    by_severity = (baseline("imagenet-c") or {})["error_by_severity"]
    rates = []
    for name in IMAGENET_C.members:
        (row,) = published(model, "imagenet-c", "error", {"corruption": name})
        shape = logit(np.clip(by_severity[name], 1e-3, 0.995))
        shift = brentq(lambda by, shape=shape, mean=row.value: float(expit(shape + by).mean()) - mean, -9, 9)
        rates.append(expit(shape + shift))
    return np.concatenate(rates)


def made(shared: float, same: float, seed: int = 0) -> Population:
    """A population whose latent correlations are these; classes and the two models share a part of the difficulty."""
    generator = np.random.default_rng(seed)
    labels = np.repeat(np.arange(CLASSES), IMAGES // CLASSES)
    by_class, own = 0.25 * shared, 0.75 * shared
    common = np.sqrt(by_class) * generator.standard_normal(CLASSES)[labels]
    common = (common + np.sqrt(own) * generator.standard_normal(IMAGES)).astype(np.float32)
    sides = []
    both = generator.standard_normal((IMAGES, 15), np.float32)
    for model in ("resnext101_32x8d_wsl", "resnext101_32x8d"):
        corruption = np.sqrt(same - shared) * (0.8 * both + 0.6 * generator.standard_normal((IMAGES, 15), np.float32))
        rest = np.sqrt(1 - same) * generator.standard_normal((IMAGES, 75), np.float32)
        latent = common[:, None] + np.repeat(corruption, 5, axis=1) + rest
        sides.append(latent < ndtri(cell_errors(model)))
    dear, cheap = sides
    return Population(dear, cheap, labels)


def measured(out: str) -> tuple[float, float]:
    """Latent correlations of cells of one image in stored rows, of different corruptions and of one.

    Those for which two normal variables cut at the cells' error rates are both below as often as both cells are wrong.
    """
    table, cells = rows(out)
    u, w = np.polynomial.hermite_e.hermegauss(31)
    w = w / w.sum()
    cut = ndtri(np.clip(table.mean(axis=0), 0.5 / len(table), 1 - 0.5 / len(table)))
    pairs = np.array(list(combinations(range(len(cells)), 2)))
    alike = np.array([cells[a]["corruption"] == cells[b]["corruption"] for a, b in pairs])
    seen = (table[:, pairs[:, 0]] & table[:, pairs[:, 1]]).mean(axis=0)

    def both(correlation: float, chosen: NDArray[np.bool_]) -> float:
        a, b = (cut[pairs[chosen, side], None] for side in (0, 1))
        spread = np.sqrt(1 - correlation)
        inside = ndtr((a + np.sqrt(correlation) * u) / spread) * ndtr((b + np.sqrt(correlation) * u) / spread)
        return float((inside @ w).sum())

    return tuple(
        float(brentq(lambda r, chosen=chosen: both(r, chosen) - seen[chosen].sum(), 0.001, 0.98))
        for chosen in (~alike, alike)
    )


def rows(out: str) -> tuple[NDArray[np.bool_], list[Condition]]:
    """Errors of the first stored ImageNet-C run, one row an image, and its cells."""
    stored = next(each for each in Store.open(out).runs() if each.run.benchmark.name == "imagenet-c")
    table = ScoredRun(stored, card_of(stored.run)).table
    cells = [k for k, condition in enumerate(table.present) if condition.get("corruption") in IMAGENET_C.members]
    whole = table.evaluated[:, cells].all(axis=1)
    return table["right"][whole][:, cells] == 0, [table.present[k] for k in cells]


@dataclass(frozen=True)
class Stop:
    """Where one order stopped: the value, half of its interval, and image-cells evaluated."""

    value: float
    half: float
    evaluated: int


def stratified(labels: NDArray[np.int64], generator: np.random.Generator) -> NDArray[np.int64]:
    """A random order in which every class comes once before any comes twice, as ``--limit`` has it."""
    members = np.argsort(generator.random((CLASSES, IMAGES // CLASSES)), axis=1)
    turn = generator.permutation(CLASSES)
    return (members[turn] + turn[:, None] * (IMAGES // CLASSES)).T.ravel() if len(labels) else members


def by_rule(errors: NDArray[np.bool_], order: NDArray[np.int64], draws: NDArray[np.int64], start: int) -> Stop:
    """The rule of `hardiness.statistics.stopping`, from the first round to the stop."""
    extent, whole = Extent(FIRST, start), Extent(IMAGES, 75)
    while True:
        found = drawn(errors, order, draws, extent, IMAGES)
        headline = of_cells("mCE", found, TARGET, IMAGES)
        if headline.half_width <= TARGET:
            return Stop(found.value, headline.half_width, extent.images * extent.cells)
        following = next_extent(extent, [headline], TARGET, whole)
        assert following is not None
        extent = following


def by_peeking(errors: NDArray[np.bool_], by_image: NDArray[np.float64], order: NDArray[np.int64]) -> tuple[Stop, Stop]:
    """Two naive runs: all cells of each image, a look after every 100, a stop when 1.96 standard errors are tight.

    The first takes every image-cell for a throw of its own, the second every image.
    """
    looks = np.arange(100, IMAGES + 1, 100)
    few = errors[order[:5000]].astype(np.int32).cumsum(axis=0)[99::100] / looks[:50, None]
    halves = 1.96 * np.sqrt((few * (1 - few)) @ WEIGHTS**2 / looks[:50])
    first = int(np.flatnonzero(halves <= TARGET)[0])
    values = by_image[order]
    means, squares = (np.cumsum(each)[99::100] / looks for each in (values, values**2))
    spread = 1.96 * np.sqrt(np.maximum(squares - means**2, 0) / looks)
    second = int(np.flatnonzero(spread <= TARGET)[0])
    return (
        Stop(float(few[first] @ WEIGHTS), float(halves[first]), int(looks[first]) * 75),
        Stop(float(means[second]), float(spread[second]), int(looks[second]) * 75),
    )


def drawn(
    errors: NDArray[np.bool_],
    order: NDArray[np.int64],
    draws: NDArray[np.int64],
    extent: Extent,
    population: int | None,
) -> CellEstimate:
    """The mCE of what an extent evaluates."""
    images = order[: extent.images]
    cells = draws[images, : extent.cells]
    values = np.full((extent.images, errors.shape[1]), np.nan)
    np.put_along_axis(values, cells, errors[images[:, None], cells], axis=1)
    return cell_estimate(images, values, WEIGHTS, population)


def shares(rate: float, orders: int, target: float, generator: np.random.Generator) -> dict[str, float]:
    """A share of images, say right answers under an attack: coverage of the rule, and of looking every 50 images."""
    right = np.zeros(IMAGES, bool)
    right[: round(rate * IMAGES)] = True
    covered = naive_covered = images = 0
    for _ in range(orders):
        order = generator.permutation(right)
        hits = np.cumsum(order)
        extent = Extent(100, 1)
        while True:
            headline = of_share("accuracy", int(hits[extent.images - 1]), extent.images, target, IMAGES)
            if headline.half_width <= target:
                break
            extent = next_extent(extent, [headline], target, Extent(IMAGES, 1)) or extent
        assert headline.interval is not None
        covered += headline.interval.low <= rate <= headline.interval.high
        images += extent.images
        looks = np.arange(50, IMAGES + 1, 50)
        seen = hits[looks - 1] / looks
        tight = np.flatnonzero(1.96 * np.sqrt(seen * (1 - seen) / looks) <= target)[0]
        naive_covered += abs(seen[tight] - rate) <= target
    return {"rule": covered / orders, "naive": naive_covered / orders, "images": images / orders}


def saved(population: Population) -> dict[str, float]:
    """Images saved at equal width: by a cheap model that is known on all images."""
    generator = np.random.default_rng(1)
    cells = generator.permuted(ALL_CELLS, axis=1)
    images, first = np.arange(IMAGES), np.arange(IMAGES).astype(object)
    cheap = Companions(first, (population.cheap @ WEIGHTS)[:, None])
    found = {}
    for name, extent in (("two cells an image", Extent(20_000, 2)), ("all cells an image", Extent(20_000, 75))):
        plain = drawn(population.dear, images, cells, extent, None)
        better = cheap.correct(plain, cheap.values[: extent.images], IMAGES)
        finite = drawn(population.dear, images, cells, extent, IMAGES)
        found[f"a cheap model, {name}"] = 1 - better.variance / finite.variance
    return found


def helped(rate: float, orders: int, generator: np.random.Generator) -> dict[str, float]:
    """A share of 2,000 images to +-2 points, helped by a model that answered all of them: coverage and images used."""
    images, target = 2000, 0.02
    right, known = _alike(rate, images, generator)
    truth = right.mean()
    companions = Companions(np.arange(images).astype(object), known[:, None].astype(float))
    covered = used = 0.0
    for _ in range(orders):
        order = generator.permutation(images)
        extent = Extent(100, 1)
        while True:
            chosen = np.sort(order[: extent.images])
            found = cell_estimate(companions.ids[chosen], right[chosen, None].astype(float), np.ones(1), images)
            better = companions.correct(found, companions.values[chosen], images)
            if better is found:
                headline = of_share("accuracy", int(right[chosen].sum()), len(chosen), target, images)
            else:
                headline = of_cells("accuracy", better, target, images)
            if headline.half_width <= target:
                break
            extent = next_extent(extent, [headline], target, Extent(images, 1)) or extent
        assert headline.interval is not None
        covered += headline.interval.low <= truth <= headline.interval.high
        used += extent.images
    return {"rule": covered / orders, "images": used / orders}


def smaller_targets(orders: int, generator: np.random.Generator) -> dict[str, float]:
    """How often two equally good models are told apart by one target, and by ever smaller ones until they are."""
    images, rate, targets = 20_000, 0.7, (0.04, 0.028, 0.02, 0.014, 0.01)
    at_first = at_some = 0
    for _ in range(orders):
        first, second = _alike(rate, images, generator)
        told = []
        for target in targets:
            n = int(np.ceil(rate * (1 - rate) * (multiplier() / target) ** 2))
            told.append(float(mcnemar([np.sum(first[:n] & ~second[:n])], [np.sum(second[:n] & ~first[:n])])[0]) < 0.05)
        at_first, at_some = at_first + told[0], at_some + any(told)
    return {"one target": at_first / orders, f"{len(targets)} targets": at_some / orders}


def _alike(rate: float, images: int, generator: np.random.Generator) -> tuple[NDArray[np.bool_], NDArray[np.bool_]]:
    """Right answers of two models that are equally good on average; what is hard for one mostly is for the other."""
    both, *own = generator.standard_normal((3, images))
    first, second = (np.sqrt(0.8) * both + np.sqrt(0.2) * each < ndtri(rate) for each in own)
    return first, second


def option(name: str, default: str | None) -> str | None:
    """The value that follows an option on the command line."""
    return sys.argv[sys.argv.index(name) + 1] if name in sys.argv else default


ALL_CELLS = np.tile(np.arange(75, dtype=np.int8), (IMAGES, 1))
WEIGHTS = corruption_weights(CORRUPTIONS, SEVERITIES, (baseline("imagenet-c") or {})["error_by_severity"])


def main() -> int:
    orders, given = int(option("--orders", "1000") or 1000), option("--rows", None)
    shared, same = measured(given) if given else (SHARED, SAME_CORRUPTION)
    population = made(shared, same)
    truth, by_image = float(population.dear.mean(axis=0) @ WEIGHTS), population.dear @ WEIGHTS
    generator = np.random.default_rng(0)
    began, stops = time.perf_counter(), []
    naive: dict[str, list[Stop]] = {"cells taken as independent": [], "images taken as independent": []}
    for _ in range(orders):
        draws = generator.permuted(ALL_CELLS, axis=1)[:, :16]
        order = stratified(population.labels, generator)
        stops.append(by_rule(population.dear, order, draws, 2))
        for kind, stop in zip(naive, by_peeking(population.dear, by_image, order), strict=True):
            naive[kind].append(stop)
    covered = np.mean([abs(stop.value - truth) <= stop.half for stop in stops])
    cells = np.mean([stop.evaluated for stop in stops]) / (IMAGES * 75)
    rare = {rate: shares(rate, orders, TARGET, generator) for rate in (0.01, 0.05, 0.5)}
    beside = {rate: helped(rate, orders, generator) for rate in (0.1, 0.3, 0.7)}
    notes = {
        "orders": orders,
        "latent correlation of an image's cells": shared,
        "the same within one corruption": same,
        "mCE of the population": truth,
        "mCE: 1.96 standard deviations of the stopped values / 0.005": float(
            1.96 * np.std([stop.value for stop in stops]) / TARGET
        ),
        **{
            f"mCE: naive stopping, {kind}, covers": float(np.mean([abs(s.value - truth) <= s.half for s in found]))
            for kind, found in naive.items()
        },
        **{
            f"mCE: naive stopping, {kind}, share evaluated": float(
                np.mean([stop.evaluated for stop in found]) / (IMAGES * 75)
            )
            for kind, found in naive.items()
        },
        **{f"accuracy {rate}: naive stopping covers": found["naive"] for rate, found in rare.items()},
        **{f"accuracy {rate}: images at the stop": found["images"] for rate, found in rare.items()},
        **{f"accuracy {rate} of 2,000: images at the stop, helped": found["images"] for rate, found in beside.items()},
        **{f"equal models told apart, {name}": share for name, share in smaller_targets(orders, generator).items()},
        **{f"images saved by: {name}": share for name, share in saved(population).items()},
        "seconds": time.perf_counter() - began,
    }
    bars = {
        "mCE +-0.5 points: the interval at the stop covers": at_least(float(covered), COVERAGE),
        "mCE +-0.5 points: share of 3.75 million image-cells": at_most(float(cells), 0.04),
        **{
            f"accuracy {rate}: the interval at the stop covers": at_least(found["rule"], COVERAGE)
            for rate, found in rare.items()
        },
        **{
            f"accuracy {rate} of 2,000, helped by a model: the interval at the stop covers": at_least(
                found["rule"], COVERAGE
            )
            for rate, found in beside.items()
        },
    }
    return tell(bars, notes, versions("numpy", "scipy"), orders)


if __name__ == "__main__":
    sys.exit(main())

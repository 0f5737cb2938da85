"""Stopping early: does the interval at the stop cover the full set's value, and how little has to be evaluated?

A population of 50,000 images x 75 cells is made: published error rates for the cells, and for what the cells of an
image have in common the correlations of real rows (``--rows OUT``, a stored ImageNet-C run; else those measured once).
Then two rules are followed over many random orders, that which stops by width and one that is valid at every look, and
beside them naive runs, whose failures come from wrong clustering and from zero width, not from looking.

    python bench/early.py [--orders 1000] [--rows OUT] [--json]
"""

from __future__ import annotations

import math
import sys
import time
from collections.abc import Callable
from dataclasses import dataclass, replace
from itertools import combinations

import numpy as np
from numpy.typing import NDArray
from scipy.optimize import brentq
from scipy.special import expit, logit, ndtr, ndtri

from bars import at_least, at_most, sized, tell, versions
from hardiness.core.condition import Condition
from hardiness.core.spread import Interval
from hardiness.reference.published_numbers import baseline, published
from hardiness.reference.sets import distortion_set
from hardiness.results.folder import Folder
from hardiness.statistics.cells import CellEstimate, cell_estimate
from hardiness.statistics.estimate import Estimate
from hardiness.statistics.measures import corruption_weights
from hardiness.statistics.paired_shares import mcnemar
from hardiness.statistics.sequences import FEW, STOP_ERRORS, half_width, last_inside, multiplier
from hardiness.statistics.spreads.combined import TwoEnds
from hardiness.statistics.stopping import (
    Companions,
    Extent,
    Headline,
    headline_of_cells,
    headline_of_share,
    next_extent,
)
from hardiness.store.store import Store

IMAGENET_C = distortion_set("imagenet-c")

IMAGES, CLASSES, TARGET = 50_000, 1000, 0.005
CORRUPTIONS = [name for name in IMAGENET_C.members for _ in IMAGENET_C.levels]
SEVERITIES = [level for _ in IMAGENET_C.members for level in IMAGENET_C.levels]
FIRST = 1000
"""Images of the first round: each class once."""

COVERAGE = 0.95
"""Of every population, in as many orders as are followed."""

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
    table = Folder.of([stored]).alone[0].table
    cells = [k for k, condition in enumerate(table.present) if condition.get("corruption") in IMAGENET_C.members]
    whole = table.evaluated[:, cells].all(axis=1)
    return table["right"][whole][:, cells] == 0, [table.present[k] for k in cells]


@dataclass(frozen=True)
class Stop:
    """Where one order stopped: the value, half of its interval, and image-cells evaluated."""

    value: float
    half: float
    evaluated: int


Rule = Callable[[Headline, float, float, int], Headline]
"""From a headline of the package, its variance if it has one, the target and the population to one of another rule."""


def by_width(headline: Headline, variance: float, target: float, population: int) -> Headline:
    """The package's own."""
    return headline


def at_every_look(headline: Headline, variance: float, target: float, population: int) -> Headline:
    """The rule before: a confidence sequence, 3.04 standard errors where the half-width is the target."""
    return of_errors(headline, variance, population, lambda each: half_width(each, target), multiplier())


def once(headline: Headline, variance: float, target: float, population: int) -> Headline:
    """As little as there can be: 1.96 standard errors, as if there was one look."""
    return of_errors(headline, variance, population, lambda each: 1.96 * math.sqrt(each), 1.96)


def of_errors(
    headline: Headline, variance: float, population: int, half: Callable[[float], float], errors: float
) -> Headline:
    """A headline with another half-width of a variance; a share of few hits keeps its exact interval."""
    value, n = headline.value, headline.n
    if headline.spread is None:
        return headline
    if variance:
        found = Interval(value - half(variance), value + half(variance))
    elif min(round(value * n), n - round(value * n)) < FEW:
        found = headline.spread.interval()
    else:
        left = (population - n) / max(population - 1, 1)

        def inside(share: float) -> bool:
            return abs(value - share) <= half(share * (1 - share) * left / n)

        found = Interval(last_inside(inside, value, 0.0), last_inside(inside, value, 1.0))
    needed = min(headline.needed, population - 1)
    endless = (errors / STOP_ERRORS) ** 2 / (1 / needed - 1 / population)  # of a population without an end
    return replace(
        headline, spread=TwoEnds(value, found.low, found.high), needed=math.ceil(1 / (1 / endless + 1 / population))
    )


RULES: dict[str, Rule] = {"by width": by_width, "valid at every look": at_every_look, "1.96 errors": once}


def stratified(labels: NDArray[np.int64], generator: np.random.Generator) -> NDArray[np.int64]:
    """A random order in which every class comes once before any comes twice, as ``--limit`` has it."""
    members = np.argsort(generator.random((CLASSES, IMAGES // CLASSES)), axis=1)
    turn = generator.permutation(CLASSES)
    return (members[turn] + turn[:, None] * (IMAGES // CLASSES)).T.ravel() if len(labels) else members


def two_cells(generator: np.random.Generator) -> NDArray[np.int64]:
    """Two random cells of each image, ``(N, 2)``."""
    first, other = generator.integers(0, 75, IMAGES), generator.integers(0, 74, IMAGES)
    return np.stack([first, other + (other >= first)], axis=1)


def of_two_cells(errors: NDArray[np.bool_], order: NDArray[np.int64], cells: NDArray[np.int64]) -> CellEstimate:
    """As `drawn` of these images with two cells each, without a table of all cells: many times as fast."""
    n, population = len(order), len(errors)
    wrong = np.take_along_axis(errors[order], cells, axis=1).astype(np.float64)
    held = np.maximum(np.bincount(cells.ravel(), minlength=75), 1)
    means = np.bincount(cells.ravel(), wrong.ravel(), minlength=75) / held
    apart = (wrong - means[cells]) * (WEIGHTS * n / held)[cells]
    influence = apart.sum(axis=1)
    between = float(influence @ influence) / (n - 1)
    spread = 4 * ((apart**2).sum(axis=1) - influence**2 / 2)
    within = min((1 - 2 / 75) / 2 * float(spread.mean()), between)
    variance = ((1 - n / population) * between + n / population * within) / n
    return CellEstimate(Estimate(float(means @ WEIGHTS), order, influence), variance, between, within)


def by_rule(errors: NDArray[np.bool_], order: NDArray[np.int64], cells: NDArray[np.int64], rule: Rule) -> Stop:
    """A rule, from the first round to the stop; a thousand images have five of each cell, so no round is too thin."""
    extent, whole = Extent(FIRST, 2), Extent(IMAGES, 75)
    while True:
        found = of_two_cells(errors, order[: extent.images], cells[: extent.images])
        headline = rule(headline_of_cells("mCE", found, TARGET, IMAGES), found.variance, TARGET, IMAGES)
        if headline.half_width <= TARGET:
            return Stop(found.value, headline.half_width, extent.images * extent.cells)
        following = next_extent(extent, [headline], TARGET, whole)
        assert following is not None
        assert following.cells == 2, "two cells of all images are enough"
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


def shares(rate: float, orders: int, target: float, generator: np.random.Generator) -> dict[str, tuple[float, float]]:
    """A share of images, say right answers under an attack: coverage and images of the rules, and of naive runs.

    These look every 50 images at 1.96 standard errors; their width is 0 while no image is a hit. The second of them
    waits for thirty hits, and is else the same.
    """
    right = np.arange(IMAGES) < round(rate * IMAGES)
    kinds = (*RULES, "naive", "naive from thirty hits")
    covered, images = dict.fromkeys(kinds, 0), dict.fromkeys(kinds, 0)
    for _ in range(orders):
        hits = np.cumsum(generator.permutation(right))
        for name, rule in RULES.items():
            extent = Extent(100, 1)
            while True:
                n = extent.images
                headline = rule(headline_of_share("accuracy", int(hits[n - 1]), n, target, IMAGES), 0.0, target, IMAGES)
                if headline.half_width <= target:
                    break
                extent = next_extent(extent, [headline], target, Extent(IMAGES, 1)) or extent
            assert headline.spread is not None
            ends = headline.spread.interval()
            covered[name] += ends.low <= rate <= ends.high
            images[name] += n
        looks = np.arange(50, IMAGES + 1, 50)
        seen = hits[looks - 1] / looks
        tight = 1.96 * np.sqrt(seen * (1 - seen) / looks) <= target
        for name, possible in zip(kinds[-2:], (tight, tight & (hits[looks - 1] >= FEW)), strict=True):
            at = np.flatnonzero(possible)[0]
            covered[name] += abs(seen[at] - rate) <= target
            images[name] += int(looks[at])
    return {name: (covered[name] / orders, images[name] / orders) for name in covered}


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


def helped(rate: float, orders: int, generator: np.random.Generator) -> dict[str, tuple[float, float]]:
    """A share of 2,000 images to +-2 points, helped by a model that answered all of them: coverage and images used."""
    images, target = 2000, 0.02
    right, known = _alike(rate, images, generator)
    truth = right.mean()
    companions = Companions(np.arange(images).astype(object), known[:, None].astype(float))
    covered, used = dict.fromkeys(RULES, 0), dict.fromkeys(RULES, 0)
    for _ in range(orders):
        order = generator.permutation(images)
        for name, rule in RULES.items():
            extent = Extent(100, 1)
            while True:
                chosen = np.sort(order[: extent.images])
                found = cell_estimate(companions.ids[chosen], right[chosen, None].astype(float), np.ones(1), images)
                better = companions.correct(found, companions.values[chosen], images)
                if better is found:
                    plain = headline_of_share("accuracy", int(right[chosen].sum()), len(chosen), target, images)
                    headline = rule(plain, 0.0, target, images)
                else:
                    headline = rule(
                        headline_of_cells("accuracy", better, target, images), better.variance, target, images
                    )
                if headline.half_width <= target:
                    break
                extent = next_extent(extent, [headline], target, Extent(images, 1)) or extent
            assert headline.spread is not None
            ends = headline.spread.interval()
            covered[name] += ends.low <= truth <= ends.high
            used[name] += extent.images
    return {name: (covered[name] / orders, used[name] / orders) for name in RULES}


def smaller_targets(orders: int, generator: np.random.Generator) -> dict[str, float]:
    """How often two equally good models are told apart by one target, and by ever smaller ones until they are."""
    images, rate, targets = 20_000, 0.7, (0.04, 0.028, 0.02, 0.014, 0.01)
    at_first = at_some = 0
    for _ in range(orders):
        first, second = _alike(rate, images, generator)
        told = []
        for target in targets:
            n = int(np.ceil(rate * (1 - rate) * (STOP_ERRORS / target) ** 2))
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
    orders, given = int(option("--orders", None) or sized(1000)), option("--rows", None)
    shared, same = measured(given) if given else (SHARED, SAME_CORRUPTION)
    population = made(shared, same)
    truth, by_image = float(population.dear.mean(axis=0) @ WEIGHTS), population.dear @ WEIGHTS
    generator = np.random.default_rng(0)
    began, stops = time.perf_counter(), {name: list[Stop]() for name in (*RULES, *NAIVE)}
    for place in range(orders):
        cells, order = two_cells(generator), stratified(population.labels, generator)
        if not place:
            require_equal(population.dear, order[:FIRST], cells[:FIRST])
        for name, rule in RULES.items():
            stops[name].append(by_rule(population.dear, order, cells, rule))
        for name, stop in zip(NAIVE, by_peeking(population.dear, by_image, order), strict=True):
            stops[name].append(stop)
    whole = IMAGES * 75
    of_mce = {
        name: (
            float(np.mean([abs(stop.value - truth) <= stop.half for stop in found])),
            float(np.mean([stop.evaluated for stop in found])) / whole,
        )
        for name, found in stops.items()
    }
    rare = {f"accuracy {rate}": shares(rate, orders, TARGET, generator) for rate in (0.01, 0.05, 0.5)}
    rare |= {f"accuracy {rate} of 2,000, helped": helped(rate, orders, generator) for rate in (0.1, 0.3, 0.7)}
    deviations = float(1.96 * np.std([stop.value for stop in stops["by width"]]) / TARGET)
    notes = {
        "orders": orders,
        "latent correlation of an image's cells": shared,
        "the same within one corruption": same,
        "mCE of the population": truth,
        "mCE: 1.96 standard deviations of the stopped values / 0.005": deviations,
        **{f"mCE: {name}, covers": covers for name, (covers, _) in of_mce.items()},
        **{f"mCE: {name}, share evaluated": share for name, (_, share) in of_mce.items()},
        **{f"{what}: {name}, covers": each[0] for what, found in rare.items() for name, each in found.items()},
        **{f"{what}: {name}, images": each[1] for what, found in rare.items() for name, each in found.items()},
        **{f"equal models told apart, {name}": share for name, share in smaller_targets(orders, generator).items()},
        **{f"images saved by: {name}": share for name, share in saved(population).items()},
        "seconds": time.perf_counter() - began,
    }
    bars = {
        "mCE +-0.5 points: the interval at the stop covers": at_least(of_mce["by width"][0], COVERAGE),
        "mCE +-0.5 points: share of 3.75 million image-cells": at_most(of_mce["by width"][1], 0.02),
        **{
            f"{what}: the interval at the stop covers": at_least(each["by width"][0], COVERAGE)
            for what, each in rare.items()
        },
        "equal models told apart at one target": at_most(
            float(notes["equal models told apart, one target"]), 0.05 + 2 * math.sqrt(0.05 * 0.95 / orders)
        ),
    }
    print(WARNING, file=sys.stderr)
    return tell(bars, notes, versions("numpy", "scipy"), orders)


NAIVE = ("naive, cells taken as independent", "naive, images taken as independent")

WARNING = (
    "several ever smaller targets, ending once two models are told apart, tell equal models apart far more often than "
    "one target does: 'hardiness compare' says so of stopped runs"
)


def require_equal(errors: NDArray[np.bool_], order: NDArray[np.int64], cells: NDArray[np.int64]) -> None:
    """Raise unless the quick estimate of two cells an image is the package's."""
    draws = np.zeros((IMAGES, 2), np.int64)
    draws[order] = cells
    slow, quick = drawn(errors, order, draws, Extent(len(order), 2), IMAGES), of_two_cells(errors, order, cells)
    pairs = [(each.value, each.variance, each.between, each.within) for each in (slow, quick)]
    assert np.allclose(*pairs, rtol=1e-9), pairs
    assert not slow.thin


if __name__ == "__main__":
    sys.exit(main())

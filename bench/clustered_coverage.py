"""How often intervals hold the true value where pictures come in clusters: as independent pictures, and by cluster.

    python bench/clustered_coverage.py [--trials 1000] [--every 1] [--again 0] [--only FAMILY] [--points FILE]
                                       [--write docs/clusters.md] [--json]

Clusters share a part of the difficulty of their pictures (`icc`, of a normal variable behind right and wrong). Each
design is a number of clusters, of pictures in each, an error rate, clusters of equal or of unlike sizes, and classes
within which clusters lie or that they go across; with `--every 7` every seventh one is simulated, and with
`--again 2000` those that held in less than 93 % once more, with so many trials, which count. Bars: from 30
clusters on, of which ten are expected to hold an error and ten a right answer, every kind holds in at least 93 %, and
two standard errors of the simulation; where no difficulty is shared, intervals are at most 6 % wider than plain ones
from 50 clusters (of a class) on. Of equal models the share that is told apart is what their intervals miss.
"""

from __future__ import annotations

import csv
import math
import multiprocessing
import os
import sys
import time
from collections.abc import Callable, Iterator
from dataclasses import astuple, dataclass, fields
from functools import cache
from pathlib import Path
from typing import Any, NamedTuple

import numpy as np
from numpy.typing import NDArray
from scipy.special import ndtr, ndtri

from bars import at_least, at_most, sized, tell, versions
from hardiness.benchmarks.own_classes import class_scores
from hardiness.benchmarks.shares import LOSSES, accuracy, aurra_score, mean_loss
from hardiness.core.condition import Condition
from hardiness.core.result import Metric, Score
from hardiness.core.run import DataIdentity, Run
from hardiness.core.spread import Interval
from hardiness.core.table import ImageTable
from hardiness.results.clustered import clustered_score
from hardiness.statistics.cells import cell_means, equal_weights
from hardiness.statistics.clusters import Clusters, EstimateBasis
from hardiness.statistics.comparison import difference
from hardiness.statistics.estimate import Estimate, mean
from hardiness.statistics.measures import area_under_response
from hardiness.statistics.spreads.shares import ShareOfImages
from populations import names

sys.path.append(str(Path(__file__).resolve().parents[1] / "docs"))

from write import table, with_block

Floats = NDArray[np.float64]
Bools = NDArray[np.bool_]

CLASSES, CELLS = 3, 20
"""Classes that pictures are of, and cells that a mean is over."""

FEWEST, HOLDING, WIDEST, WIDE_FROM = 30, 0.93, 1.06, 50
"""The bars: from how many clusters on, how often at least, and how much wider at most from how many clusters on."""


@dataclass(frozen=True)
class Design:
    """One population of clusters.

    Attributes:
        clusters: how many are drawn.
        pictures: of each, on average.
        icc: the part of difficulty that the pictures of a cluster share.
        rate: of errors.
        unequal: sizes are exponential, else equal.
        within: each cluster is of one class, else its pictures are of any.
    """

    clusters: int
    pictures: int
    icc: float
    rate: float
    unequal: bool = False
    within: bool = False

    @property
    def text(self) -> str:
        """The design in a table."""
        shape = f"{', unequal' * self.unequal}{', in one class each' * self.within}"
        return f"{self.clusters} × {self.pictures}{shape}; {self.icc:g}; {100 * self.rate:g} %"


class Sample:
    """The pictures of one draw from a design, without their answers."""

    def __init__(self, generator: np.random.Generator, design: Design) -> None:
        sizes = np.full(design.clusters, design.pictures)
        if design.unequal:
            sizes = np.maximum(np.rint(generator.exponential(design.pictures, design.clusters)), 1).astype(int)
        self.generator, self.design = generator, design
        self.codes = np.repeat(np.arange(design.clusters), sizes)
        self.n = len(self.codes)
        self.ids = names(self.n)
        self.label = (self.codes if design.within else np.arange(self.n)) % CLASSES
        self.clusters = Clusters(self.ids, self.codes, "patient")

    def latent(self) -> Floats:
        """A normal variable ``(n,)`` of which the pictures of a cluster share a part."""
        shared = self.generator.standard_normal(self.design.clusters)[self.codes]
        own = self.generator.standard_normal(self.n)
        return np.asarray(np.sqrt(self.design.icc) * shared + np.sqrt(1 - self.design.icc) * own)

    def beside(self, hard: Floats, part: float) -> Floats:
        """Another normal variable that has a part in common with this one, and its own share by cluster."""
        return np.asarray(np.sqrt(part) * hard + np.sqrt(1 - part) * self.latent())

    def in_cells(self, hard: Floats, cells: int) -> Floats:
        """Normal variables ``(n, cells)``, the cells of a picture alike."""
        own = self.generator.standard_normal((self.n, cells))
        return np.asarray(np.sqrt(0.6) * hard[:, None] + np.sqrt(0.4) * own)

    def answers(self, hard: Floats, rate: float) -> tuple[Floats, Bools]:
        """Confidence, a little too high, and right or wrong."""
        chance = ndtr((hard - ndtri(rate) * np.sqrt(1.5)) / np.sqrt(0.5))
        return np.clip(chance**0.7, 1e-6, 1 - 1e-6), self.generator.random(self.n) < chance


class Measured(NamedTuple):
    """An interval as of independent pictures, that by cluster, and the true value."""

    plain: Interval | None
    clustered: Interval | None
    true: float


Trial = Callable[[Sample], dict[str, Measured]]


def of_score(score: Score, sample: Sample, true: float) -> Measured:
    return Measured(score.interval, clustered_score(score, sample.clusters).interval, true)


def of_one_condition(sample: Sample) -> dict[str, Measured]:
    """Scores of photographs as they are."""
    rate = sample.design.rate
    confidence, right = sample.answers(sample.latent(), rate)
    losses = losses_of(confidence, right)
    scores = {
        "share": (accuracy(Metric("top1"), right, ids=sample.ids), 1 - rate),
        "AURRA": (aurra_score(confidence, right, sample.ids), true_values(rate)["aurra"]),
        **{
            LOSS_NAMES[loss.name]: (mean_loss(loss, losses[loss.name], right, sample.ids), true_values(rate)[loss.name])
            for loss in LOSSES
            if loss.name in losses
        },
    }
    return {name: of_score(score, sample, true) for name, (score, true) in scores.items()}


LOSS_NAMES = {"brier_top1": "Brier score", "nll": "NLL"}
"""The names of two losses in the table, by metric."""


def losses_of(confidence: Floats, right: Bools) -> dict[str, Floats]:
    return {
        "brier_top1": (confidence - right) ** 2,
        "nll": -np.log(np.where(right, confidence, 1 - confidence)),
    }


@cache
def true_values(rate: float) -> dict[str, float]:
    """The scores of two million independent pictures."""
    sample = Sample(np.random.default_rng(99), Design(2_000_000, 1, 0.0, rate))
    confidence, right = sample.answers(sample.latent(), rate)
    order = np.argsort(-confidence, kind="stable")
    aurra = float(np.mean(np.cumsum(right[order]) / np.arange(1, len(order) + 1)))
    return {"aurra": aurra, **{name: float(each.mean()) for name, each in losses_of(confidence, right).items()}}


def of_cells(sample: Sample) -> dict[str, Measured]:
    """Means over conditions, and what corruption adds to the clean error."""
    rate = sample.design.rate
    hard = sample.in_cells(sample.latent(), CELLS + 1)
    wrong = np.column_stack([hard[:, 1:] < ndtri(rate), hard[:, 0] < ndtri(rate) - 0.5])
    conditions = tuple(Condition(corruption="fog", severity=k) for k in range(1, CELLS + 2))
    at = np.arange(CELLS + 1, dtype=np.int16)
    right = {"right": (~wrong).astype(np.int8)}
    cells = cell_means(
        ImageTable(sample.ids, np.zeros(sample.n, np.int32), conditions, at, right), wrong.astype(np.float64)
    )
    *corrupted, clean = cells.cells
    weights = equal_weights(corrupted)
    error = cells.score(Metric("mean_error"), weights)
    added = cells.score(Metric("error_gap"), {**weights, clean: -1.0})
    return {
        "mean over 20 cells": of_score(error, sample, rate),
        "what 20 cells add": of_score(added, sample, rate - float(ndtr(ndtri(rate) - 0.5))),
    }


def of_classes(sample: Sample) -> dict[str, Measured]:
    """Scores by class, of three classes that are mistaken for one another alike."""
    rate, label = sample.design.rate, sample.label
    wrong = sample.latent() < ndtri(rate)
    answer = np.where(wrong, (label + sample.generator.integers(1, CLASSES, sample.n)) % CLASSES, label)
    columns = {"right": (~wrong)[:, None].astype(np.int8), "answer": answer[:, None].astype(np.int32)}
    scores = scored_by_class(sample, label, columns, CLASSES)
    metrics = {"balanced accuracy": "balanced_accuracy", "macro F1": "macro_f1", "worst class": "worst_class"}
    return {name: of_score(scores[metric], sample, 1 - rate) for name, metric in metrics.items()}


def of_two_classes(sample: Sample) -> dict[str, Measured]:
    """How well scores rank pictures of two classes."""
    label = (sample.codes if sample.design.within else np.arange(sample.n)) % 2
    logit = sample.latent() + np.sqrt(2) * ndtri(1 - sample.design.rate) * label
    score = ndtr(logit - logit.mean())
    answer = (score > 0.5).astype(np.int32)
    columns = {
        "right": (answer == label)[:, None].astype(np.int8),
        "answer": answer[:, None],
        "confidence": np.where(answer == 1, score, 1 - score)[:, None],
    }
    scores = scored_by_class(sample, label, columns, 2)
    return {"AUROC": of_score(scores["auroc_two_classes"], sample, 1 - sample.design.rate)}


def scored_by_class(
    sample: Sample, label: NDArray[np.int64], columns: dict[str, NDArray[np.generic]], classes: int
) -> dict[str, Score]:
    """The scores of one's own classes under one condition, by metric."""
    pictures = ImageTable(sample.ids, label.astype(np.int32), (Condition(),), np.zeros(1, np.int16), columns)
    own = tuple(f"class {k}" for k in range(classes))
    run = Run(data=DataIdentity("own", "f", sample.n, classes, classes=own), conditions=(Condition(),))
    return {score.metric: score for score in class_scores(pictures, run) if not score.condition}


SHIFT = 0.1
"""By how much the pictures are harder for one of two models that differ."""


def of_two_models(sample: Sample) -> dict[str, Measured]:
    """Two models on the same pictures, each with an effect of its own in every cluster."""
    rate, hard, at = sample.design.rate, sample.latent(), np.arange(sample.n)
    first, second = (sample.beside(hard, 0.6) for _ in range(2))
    right, other = (mean(at, side >= ndtri(rate)) for side in (first, second))
    worse = mean(at, second >= ndtri(rate) + SHIFT)
    cells, other_cells = (mean(at, sample.in_cells(side, CELLS) >= ndtri(rate)) for side in (first, second))
    areas = [area_under_response(Metric("aurra"), *sample.answers(side, rate)) for side in (first, second)]
    lacks = areas[0].lacks(at) or areas[1].lacks(at)
    lost = float(ndtr(ndtri(rate) + SHIFT)) - rate
    return {
        "shares, same pictures": of_difference(right, worse, sample.clusters, lost),
        "equal shares, same pictures": of_difference(right, other, sample.clusters, 0.0),
        "means of 20 cells, same pictures": of_difference(cells, other_cells, sample.clusters, 0.0, 1.0),
        "AURRA, same pictures": of_difference(
            areas[0].estimate(at), areas[1].estimate(at), sample.clusters, 0.0, lacks=lacks
        ),
    }


def of_two_sets(sample: Sample) -> dict[str, Measured]:
    """Two models, each on pictures of other clusters."""
    other, rate = Sample(sample.generator, sample.design), sample.design.rate
    ids = np.arange(sample.n + other.n)
    clusters = Clusters(ids, np.append(sample.codes, sample.design.clusters + other.codes), "patient")
    first = mean(ids[: sample.n], sample.latent() >= ndtri(rate))
    second = mean(ids[sample.n :], other.latent() >= ndtri(rate) + SHIFT)
    return {"shares, other pictures": of_difference(first, second, clusters, float(ndtr(ndtri(rate) + SHIFT)) - rate)}


def of_difference(
    first: Estimate, second: Estimate, clusters: Clusters, true: float, span: float = math.inf, lacks: str = ""
) -> Measured:
    plain = difference(first, second, span, lacks)
    return Measured(plain.interval, difference(first, second, span, lacks, clusters).interval, true)


def of_a_gate(sample: Sample) -> dict[str, Measured]:
    """The intervals by which a gate passes or fails a share and a mean: what they miss are verdicts on a true limit."""
    rate, hard, at = sample.design.rate, sample.latent(), np.arange(sample.n)
    right = hard >= ndtri(rate)
    errors = mean(at, sample.in_cells(hard, CELLS) < ndtri(rate))
    share, error = (
        EstimateBasis(lambda of=of: of, 0.0, 1.0, has_two_tests=True).spread(sample.clusters).spread  # type: ignore[misc]
        for of in (mean(at, right), errors)
    )
    plain = (
        ShareOfImages(int(right.sum()), sample.n).deciding_ends(0.05),
        errors.spread_of_cells(1.0).deciding_ends(0.05),
    )
    return {
        "share, in a gate": Measured(plain[0], share and share.deciding_ends(0.05), 1 - rate),
        "mean over 20 cells, in a gate": Measured(plain[1], error and error.deciding_ends(0.05), rate),
    }


FAMILIES: dict[str, Trial] = {
    "one condition": of_one_condition,
    "cells": of_cells,
    "classes": of_classes,
    "two classes": of_two_classes,
    "two models": of_two_models,
    "two sets": of_two_sets,
    "gate": of_a_gate,
}
"""The families of scores that one draw is measured by together, by name."""

BY_CLASS = ("classes", "two classes")
"""Those in which clusters may lie within a class."""


def designs_of(family: str, every: int) -> Iterator[Design]:
    """Every so manieth design of a family; in the short size one."""
    shapes = [(unequal, within) for unequal in (False, True) for within in (False, True)[: 1 + (family in BY_CLASS)]]
    whole = [
        Design(clusters, pictures, icc, rate, unequal, within)
        for clusters in (8, 30, 50, 100, 500)
        for pictures in (2, 5, 20, 50)
        if clusters * pictures <= 5000
        for icc in (0.0, 0.1, 0.3, 0.5)
        for rate in (0.05, 0.2, 0.5)
        for unequal, within in shapes
    ]
    middle = Design(50, 5, 0.3, 0.2)
    yield from whole[: sized(len(whole), 0) : every] or [middle]


@dataclass(frozen=True)
class Point:
    """The coverage and the width of one kind of interval on one design.

    Attributes:
        family, kind: which.
        clusters, pictures, icc, rate, unequal, within: as of `Design`.
        with_errors, with_rights: clusters that are expected to hold an error, and a right answer.
        simulated: trials.
        trials: those of them with an interval by cluster.
        plain, clustered: the shares of these whose interval as of independent pictures, and by cluster, holds.
        wider: the mean width by cluster over that of plain intervals.
    """

    family: str
    kind: str
    clusters: int
    pictures: int
    icc: float
    rate: float
    unequal: bool
    within: bool
    with_errors: float
    with_rights: float
    simulated: int
    trials: int
    plain: float
    clustered: float
    wider: float

    @property
    def design(self) -> Design:
        return Design(self.clusters, self.pictures, self.icc, self.rate, self.unequal, self.within)

    @property
    def is_promised(self) -> bool:
        """Whether there are 30 clusters of which ten are expected to hold an error, and ten a right answer."""
        return self.clusters >= FEWEST and min(self.with_errors, self.with_rights) >= 10

    @property
    def is_of_many(self) -> bool:
        """Whether there are 50 clusters, in each class where they lie within classes, that have nothing in common.

        How frequent a class is, on which macro F1 rests, is shared by clusters of one class whatever their answers.
        """
        is_of_frequency = self.within and self.kind == "macro F1"
        return not is_of_frequency and self.clusters >= WIDE_FROM * (CLASSES if self.within else 1)

    @property
    def slack(self) -> float:
        """Two standard errors of a simulated share of 95 %."""
        return float(2 * np.sqrt(0.05 * 0.95 / max(self.trials, 1)))


def points(job: tuple[str, Design, int]) -> list[Point]:
    """A point for each kind that a family measures, whose draws do not depend on what else is simulated."""
    family, design, trials = job
    numbers = [int(1000 * number) for number in astuple(design)]
    generator = np.random.default_rng([*family.encode(), *numbers, trials])
    held: dict[str, list[tuple[bool, bool, float, float]]] = {}
    with_errors, with_rights = 0.0, 0.0
    for _ in range(trials):
        sample = Sample(generator, design)
        errors = np.bincount(sample.codes, sample.latent() < ndtri(design.rate), design.clusters)
        with_errors += np.count_nonzero(errors) / trials
        with_rights += np.count_nonzero(errors < np.bincount(sample.codes, minlength=design.clusters)) / trials
        for kind, (plain, clustered, true) in FAMILIES[family](sample).items():
            outcomes = held.setdefault(kind, [])
            if plain is not None and clustered is not None:
                widths = plain.high - plain.low, clustered.high - clustered.low
                outcomes.append((holds(plain, true), holds(clustered, true), *widths))
    coverages = []
    for kind, outcomes in held.items():
        shares = np.mean(outcomes, axis=0) if outcomes else np.full(4, np.nan)
        plain_share, clustered_share, plain_width, clustered_width = shares.tolist()
        wider = clustered_width / plain_width if plain_width else float("nan")
        of_design = (design.clusters, design.pictures, design.icc, design.rate, design.unequal, design.within)
        counts = with_errors, with_rights, trials, len(outcomes)
        coverages.append(Point(family, kind, *of_design, *counts, plain_share, clustered_share, wider))
    return coverages


def holds(interval: Interval, true: float) -> bool:
    return interval.low - 1e-12 <= true <= interval.high + 1e-12


def all_points(only: str, trials: int, every: int, again: int, file: Path | None) -> list[Point]:
    """Every kind and design.

    Args:
        only: a part of the names of the families.
        trials, every: of each design, and how many designs there are to one that is simulated.
        again: trials of a second simulation, which counts, of designs of which a kind held in less than it should; 0
            for none.
        file: csv that points are added to as they come, and those that it has are not simulated again.
    """
    coverages = read_points(file) if file and file.exists() else []
    done_before = {(point.family, point.design) for point in coverages}
    jobs = [(family, design, trials) for family in FAMILIES if only in family for design in designs_of(family, every)]
    coverages = simulated([job for job in jobs if job[:2] not in done_before], coverages, file)
    low = {(point.family, point.design) for point in coverages if point.is_promised and point.clustered < HOLDING}
    few = {(point.family, point.design) for point in coverages if point.simulated < again}
    return simulated([(*job, again) for job in sorted(low & few, key=str)], coverages, file)


def simulated(jobs: list[tuple[str, Design, int]], before: list[Point], file: Path | None) -> list[Point]:
    """The points of some jobs, by one process a core, with those from before that are of no job."""
    replaced = {job[:2] for job in jobs}
    coverages = [point for point in before if (point.family, point.design) not in replaced]
    np.random.default_rng(0).shuffle(jobs)
    with multiprocessing.get_context("spawn").Pool(len(os.sched_getaffinity(0))) as pool:
        for several in pool.imap_unordered(points, jobs):
            coverages += several
            if file:
                write_points(file, coverages)
    return sorted(coverages, key=lambda point: (list(FAMILIES).index(point.family), astuple(point)[2:8]))


def by_kind(coverages: list[Point]) -> dict[str, list[Point]]:
    kinds: dict[str, list[Point]] = {}
    for point in coverages:
        kinds.setdefault(point.kind, []).append(point)
    return kinds


def percent(share: float) -> str:
    return f"{100 * share:.1f}"


def believed(coverages: list[Point]) -> list[Point]:
    """Those of which most trials have an interval: elsewhere these are unusual ones."""
    return [point for point in coverages if point.trials >= 0.5 * point.simulated]


def coverage_table(coverages: list[Point]) -> str:
    """How often each kind holds, as independent pictures and by cluster, as Markdown."""
    rows = []
    for kind, several in by_kind(coverages).items():
        promised = [point for point in believed(several) if point.is_promised]
        dependent = [point for point in promised if point.icc > 0]
        alone = [point for point in believed(several) if point.icc == 0 and point.is_of_many]
        few = [point for point in believed(several) if not point.is_promised]
        if not dependent or not alone:
            continue
        least = min(promised, key=lambda point: point.clustered)
        plain = [point.plain for point in dependent]
        rows.append(
            (
                kind,
                f"{percent(min(plain))} to {percent(max(plain))}",
                percent(float(np.mean([point.clustered for point in promised]))),
                percent(least.clustered),
                least.design.text,
                percent(min((point.clustered for point in few), default=float("nan"))),
                f"{100 * (max(point.wider for point in alone) - 1):+.1f}",
            )
        )
    head = (
        "interval of",
        "as independent pictures, %",
        "by cluster: all, %",
        "least",
        "at clusters × pictures; icc; rate",
    )
    return table((*head, "fewer clusters: least", "wider at icc 0, %"), rows)


def below_bars(coverages: list[Point]) -> list[Point]:
    """Where a promise is not kept, by more than the simulation's error."""
    return [
        point
        for point in believed(coverages)
        if (point.is_promised and point.clustered < HOLDING - point.slack)
        or (point.icc == 0 and point.is_of_many and point.wider > WIDEST)
    ]


def write_points(path: Path, coverages: list[Point]) -> None:
    with path.open("w", newline="") as stream:
        rows = csv.writer(stream)
        rows.writerow([each.name for each in fields(Point)])
        rows.writerows([astuple(point) for point in coverages])


def read_points(path: Path) -> list[Point]:
    with path.open(newline="") as stream:
        return [Point(*(READ[each.type](row[each.name]) for each in fields(Point))) for row in csv.DictReader(stream)]


READ: dict[Any, Callable[[str], Any]] = {"str": str, "int": int, "float": float, "bool": "True".__eq__}
"""The value of a cell of the csv, by the type of the field."""


def option(name: str, default: str) -> str:
    """The value that follows an option on the command line."""
    return sys.argv[sys.argv.index(name) + 1] if name in sys.argv else default


def main() -> int:
    """Print the bars of each kind."""
    trials, began = int(option("--trials", str(sized(1000, 3)))), time.perf_counter()
    file = option("--points", "")
    every, again = int(option("--every", "1")), int(option("--again", "0"))
    coverages = all_points(option("--only", ""), trials, every, again, Path(file) if file else None)
    bars = {}
    for kind, several in by_kind(coverages).items():
        credible = believed(several)
        if promised := [point for point in credible if point.is_promised]:
            least = min(promised, key=lambda point: point.clustered + point.slack)
            bars[f"{kind}: least, by cluster"] = at_least(least.clustered, HOLDING - least.slack)
        if alone := [point for point in credible if point.icc == 0 and point.is_of_many]:
            bars[f"{kind}: widest at icc 0"] = at_most(max(point.wider for point in alone), WIDEST)
    if path := option("--write", ""):
        page = Path(path)
        page.write_text(with_block(page.read_text("utf-8"), "clustered coverage", coverage_table(coverages)), "utf-8")
    if "--json" not in sys.argv:
        for point in below_bars(coverages):
            print(f"below: {point.kind}, {point.design.text}: {percent(point.clustered)} %, {point.wider:.3f} as wide")
    return tell(bars, {"seconds": time.perf_counter() - began}, versions("numpy", "scipy"), trials)


if __name__ == "__main__":
    sys.exit(main())

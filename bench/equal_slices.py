"""How often a slice of equal ones is said to differ from all other pictures, and how often a slice that differs is.

    python bench/equal_slices.py [--trials 1000] [--only KIND] [--json]

Every verdict is made by the functions that ``show --slice`` and ``compare --slice`` call: a slice against the rest,
adjusted by Holm for all slices, and "the values of all slices are equal". The bar of equal slices is 5 % of tables and
two standard errors of the simulation. In the first populations slices are alike: a score is 0 with some chance, else
near 1, so that chance leaves no failure in some slices. In those named *unlike* the means alone are equal.
"""

from __future__ import annotations

import multiprocessing
import os
import sys
import time
from collections.abc import Callable
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from bars import at_most, sized, tell, versions
from hardiness.statistics.estimate import mean
from hardiness.statistics.slices import Partition

Floats = NDArray[np.float64]
Codes = NDArray[np.int64]
Scores = Callable[[np.random.Generator, int], Floats]
"""The scores of so many pictures."""

ONE_LARGE = (2000, *[35] * 39)
"""Pictures of 40 slices, one of which has most."""


@dataclass(frozen=True)
class Table:
    """Pictures of one simulated table.

    Attributes:
        values: ``(N,)`` scores in [0, 1].
        codes: ``(N,)`` the slice of each; the one that may differ is the first.
        clusters: ``(N,)`` of each; ``None`` where each stands alone.
    """

    values: Floats
    codes: Codes
    clusters: Codes | None = None


Draw = Callable[[np.random.Generator], Table]


def failing(rate: float) -> Scores:
    """Word accuracies: 0 with some chance, else uniform from .9 to 1."""
    return lambda generator, n: np.where(generator.random(n) < rate, 0.0, generator.uniform(0.9, 1.0, n))


def solved(rate: float) -> Scores:
    """Scores of a task that hardly any picture solves: 1 with some chance, else below .02."""
    return lambda generator, n: np.where(generator.random(n) < rate, 1.0, generator.uniform(0.0, 0.02, n))


def right(rate: float) -> Scores:
    """Right or wrong."""
    return lambda generator, n: (generator.random(n) < rate).astype(np.float64)


def normal(centre: float, spread: float) -> Scores:
    """Normal scores."""
    return lambda generator, n: np.clip(generator.normal(centre, spread, n), 0.0, 1.0)


def over_cells(rate: float) -> Scores:
    """Mean errors over 20 cells of pictures of unlike difficulty."""
    return lambda generator, n: generator.binomial(20, generator.beta(0.5, 0.5 * (1 - rate) / rate, n)) / 20


def alone(sizes: tuple[int, ...], scores: Scores, other: Scores | None = None) -> Draw:
    """Slices of so many pictures that stand alone; the first has other scores, where these are named."""
    codes = np.repeat(np.arange(len(sizes)), sizes)

    def draw(generator: np.random.Generator) -> Table:
        values = scores(generator, len(codes))
        if other is not None:
            values[codes == 0] = other(generator, sizes[0])
        return Table(values, codes)

    return draw


def spreads(count: int) -> Draw:
    """Slices of 40 to 200 pictures with equal means, each of which has a spread of its own."""

    def draw(generator: np.random.Generator) -> Table:
        codes = np.repeat(np.arange(count), np.exp(generator.uniform(np.log(40), np.log(200), count)).astype(int))
        spread = 0.08 * np.exp(0.5 * generator.standard_normal(count))
        return Table(np.clip(generator.normal(0.6, spread[codes]), 0.0, 1.0), codes)

    return draw


@dataclass(frozen=True)
class Clustered:
    """Tables whose pictures come in clusters.

    Attributes:
        slices, clusters: how many; clusters of all slices together.
        size: pictures of a cluster, or, where ``unlike``, e to the mean of the logarithm of these.
        unlike: whether sizes are log-normal.
        across: the share of pictures that are of another slice than their cluster's own, drawn at random.
        lost: the share of clusters that are wholly lost; else scores are normal with a correlation of .3.
        shift: by which the first slice is worse.
    """

    slices: int
    clusters: int
    size: float
    unlike: bool = False
    across: float = 0.0
    lost: float = 0.0
    shift: float = 0.0

    def __call__(self, generator: np.random.Generator) -> Table:
        """One table."""
        sizes = np.full(self.clusters, self.size)
        if self.unlike:
            sizes = np.ceil(generator.lognormal(self.size, 1.0, self.clusters))
        clusters = np.repeat(np.arange(self.clusters), sizes.astype(int))
        n = len(clusters)
        codes = np.where(
            generator.random(n) < self.across, generator.integers(0, self.slices, n), clusters % self.slices
        )
        if self.lost:
            values = failing(0.0)(generator, n) * (generator.random(self.clusters) >= self.lost)[clusters]
        else:
            own, common = generator.standard_normal(n), generator.standard_normal(self.clusters)[clusters]
            values = 0.7 + 0.12 * (np.sqrt(0.7) * own + np.sqrt(0.3) * common)
        return Table(np.clip(values - self.shift * (codes == 0), 0.0, 1.0), codes, clusters)


EQUAL: dict[str, Draw] = {
    "5 x 40, 3 % fail": alone((40,) * 5, failing(0.03)),
    "5 x 100, 3 % fail": alone((100,) * 5, failing(0.03)),
    "5 x 300, 1 % fail": alone((300,) * 5, failing(0.01)),
    "2 x 60, 3 % fail": alone((60,) * 2, failing(0.03)),
    "10 x 60, 3 % fail": alone((60,) * 10, failing(0.03)),
    "10 x 60, 10 % fail": alone((60,) * 10, failing(0.1)),
    "20 x 60, 3 % fail": alone((60,) * 20, failing(0.03)),
    "2,000 and 39 x 35, 3 % fail": alone(ONE_LARGE, failing(0.03)),
    "2,000 and 39 x 35, 1 % fail": alone(ONE_LARGE, failing(0.01)),
    "10 x 100, 2 % solved": alone((100,) * 10, solved(0.02)),
    "2,000 and 39 x 35, 2 % solved": alone(ONE_LARGE, solved(0.02)),
    "10 x 60, mean over cells": alone((60,) * 10, over_cells(0.1)),
    "10 x 60, normal": alone((60,) * 10, normal(0.7, 0.1)),
    "2,000 and 39 x 35, normal": alone(ONE_LARGE, normal(0.7, 0.1)),
    "2 x 60, 50 % right": alone((60,) * 2, right(0.5)),
    "10 x 60, 97 % right": alone((60,) * 10, right(0.97)),
    "40 x 200, 95 % right": alone((200,) * 40, right(0.95)),
    "2,000 and 39 x 35, 97 % right": alone(ONE_LARGE, right(0.97)),
    "40 of threefold spread, 9 x 100, unlike": alone((40, *[100] * 9), normal(0.6, 0.05), normal(0.6, 0.15)),
    "400 of a third of the spread, 9 x 60, unlike": alone((400, *[60] * 9), normal(0.6, 0.15), normal(0.6, 0.05)),
    "2,000 of a third of the spread, 20 x 40, unlike": alone((2000, *[40] * 20), normal(0.6, 0.15), normal(0.6, 0.05)),
    "10 of any spread, unlike": spreads(10),
    "30 of any spread, unlike": spreads(30),
    "6, 72 clusters of 10, normal": Clustered(6, 72, 10),
    "6, 72 clusters of unlike sizes, normal": Clustered(6, 72, 1.5, unlike=True),
    "6, 72 clusters of 10, 3 % lost": Clustered(6, 72, 10, lost=0.03),
    "6, 180 clusters of 5, 5 % lost": Clustered(6, 180, 5, lost=0.05),
    "20, 400 clusters of 3, 3 % lost": Clustered(20, 400, 3, lost=0.03),
    "6, 120 clusters of unlike sizes, 5 % lost": Clustered(6, 120, 1.5, unlike=True, lost=0.05),
    "6, 40 clusters of 18 across, normal": Clustered(6, 40, 18, across=1.0),
    "6, 60 clusters of 12 across, 5 % lost": Clustered(6, 60, 12, across=1.0, lost=0.05),
    "6, 72 clusters of 10, a fifth across, normal": Clustered(6, 72, 10, across=0.2),
    "6, 72 clusters of 10, a fifth across, 3 % lost": Clustered(6, 72, 10, across=0.2, lost=0.03),
}
"""Slices whose means are equal."""

UNEQUAL: dict[str, Draw] = {
    "5 x 100, 3 % fail, one 15 %": alone((100,) * 5, failing(0.03), failing(0.15)),
    "10 x 60, 3 % fail, one 15 %": alone((60,) * 10, failing(0.03), failing(0.15)),
    "35 and 39 x 60, 3 % fail, one 20 %": alone((35, *[60] * 39), failing(0.03), failing(0.2)),
    "5 x 300, 3 % fail, one 0.3 %": alone((300,) * 5, failing(0.03), failing(0.003)),
    "10 x 60, mean over cells, one twice the error": alone((60,) * 10, over_cells(0.1), over_cells(0.2)),
    "10 x 60, normal, one 10 points worse": alone((60,) * 10, normal(0.6, 0.2), normal(0.5, 0.2)),
    "2 x 60, normal, one 5 points worse": alone((60,) * 2, normal(0.7, 0.1), normal(0.65, 0.1)),
    "35 and 39 x 60, normal, one 7 points worse": alone((35, *[60] * 39), normal(0.7, 0.1), normal(0.63, 0.1)),
    "10 x 100, 90 % right, one 80 %": alone((100,) * 10, right(0.9), right(0.8)),
    "10 x 60, 97 % right, one 87 %": alone((60,) * 10, right(0.97), right(0.87)),
    "10 x 60, 90 % right, one all": alone((60,) * 10, right(0.9), right(1.0)),
    "6, 72 clusters of 10, normal, one 10 points worse": Clustered(6, 72, 10, shift=0.1),
    "6, 40 clusters of 18 across, one 5 points worse": Clustered(6, 40, 18, across=1.0, shift=0.05),
}
"""Slices of which the first differs."""

LEVEL = 0.05
"""The most tables in which a slice of equal ones may be named."""


def named(job: tuple[str, int]) -> tuple[str, int, int]:
    """Of so many tables, those in which a slice is named (of unequal ones: the first), and all are called unequal."""
    kind, trials = job
    draw, slices, unequal = EQUAL.get(kind) or UNEQUAL[kind], 0, 0
    generator = np.random.default_rng([*kind.encode()])
    for _ in range(trials):
        table = draw(generator)
        partition = Partition(table.codes, int(table.codes.max()) + 1, table.clusters)
        tests = partition.means(table.values, 0.0, 1.0).against_rest()
        slices += any(test.is_told_apart for test in (tests if kind in EQUAL else tests[:1]))
        places = [partition.places(k) for k in range(partition.count)]
        p = partition.heterogeneity([mean(each, table.values[each]) for each in places])
        unequal += p is not None and p < LEVEL
    return kind, slices, unequal


def most(trials: int) -> float:
    """The bar of a share of so many tables: the level, and two standard errors."""
    return float(LEVEL + 2 * np.sqrt(LEVEL * (1 - LEVEL) / trials))


def main() -> int:
    """Print the share of each population."""
    trials = int(sys.argv[sys.argv.index("--trials") + 1]) if "--trials" in sys.argv else sized(1000, 2)
    only = sys.argv[sys.argv.index("--only") + 1] if "--only" in sys.argv else ""
    jobs = [(kind, trials) for kind in (*EQUAL, *UNEQUAL) if only in kind]
    began, bars, notes = time.perf_counter(), {}, {}
    with multiprocessing.get_context("spawn").Pool(len(os.sched_getaffinity(0))) as pool:
        for kind, slices, unequal in pool.imap(named, jobs):
            for verdict, count in (("a slice", slices), ("all", unequal)):
                if kind in EQUAL:
                    bars[f"{kind}: {verdict}"] = at_most(count / trials, most(trials))
                else:
                    notes[f"{kind}: {verdict}"] = count / trials
    notes["seconds"] = time.perf_counter() - began
    return tell(bars, notes, versions("numpy", "scipy"), trials)


if __name__ == "__main__":
    sys.exit(main())

"""How often intervals of a score of each picture hold the true value: ours, and scipy's bootstrap beside them.

    python bench/score_coverage.py [--trials 1000] [--write docs/score_files.md] [--json]

Scores are drawn as people have them: about a mean (Dice), with misses of exactly 0 (IoU), at both ends (the average
precision of a picture), near 1 with rare failures (word accuracy), and 0 or 1 (success of an episode). Each picture has
a clean score and one under each of four conditions, which share its difficulty; of pictures that come in clusters a
part of that is shared, too. Measured are the mean, the retained share, and the difference of two models in either, by
the code that scores a run and compares two. ``scipy.stats.bootstrap`` (BCa, 999 resamples of pictures) is asked for the
same interval of the same draws; it knows of no clusters. Bars: from 50 pictures, or 30 clusters, on, each of ours holds
in at least 93 % of draws, less two standard errors of the simulation.
"""

from __future__ import annotations

import math
import multiprocessing
import os
import sys
import time
import warnings
from collections.abc import Callable, Iterator
from dataclasses import astuple, dataclass
from functools import cache
from pathlib import Path
from typing import Any, NamedTuple

import numpy as np
from numpy.typing import NDArray
from scipy.special import ndtr
from scipy.stats import beta, bootstrap

from bars import at_least, sized, tell, versions
from hardiness.benchmarks.card import cards
from hardiness.core.condition import Condition
from hardiness.core.run import BenchmarkIdentity, Run
from hardiness.core.spread import Interval
from hardiness.core.table import ImageTable
from hardiness.results.clustered import clustered_score
from hardiness.statistics.clusters import Clusters
from hardiness.statistics.comparison import difference
from populations import names

sys.path.append(str(Path(__file__).resolve().parents[1] / "docs"))

from write import table, with_block

Floats = NDArray[np.float64]

CONDITIONS, HARM, AHEAD = 4, 0.4, 0.1
"""Conditions beside the clean one; by what power a condition, and the worse of two models, lowers a score."""

HOLDING, FEWEST_PICTURES, FEWEST_CLUSTERS = 0.93, 50, 30
"""The bar: how often at least, and from how many pictures or clusters on."""

RESAMPLES = 999
GRID = 100_000
"""Places at which the quantiles of a population are known."""

CELLS = (Condition(), *(Condition(corruption="fog", severity=k) for k in range(1, CONDITIONS + 1)))
RUN = Run(benchmark=BenchmarkIdentity("scores", "picture_scores", options={"range": "0..1"}), conditions=CELLS)


def with_zeros(share: float, first: float, second: float) -> Callable[[Floats], Floats]:
    """Quantiles of scores of which a share is 0, and the others have a beta distribution."""

    def quantiles(at: Floats) -> Floats:
        return np.where(at < share, 0.0, beta.ppf(np.clip((at - share) / (1 - share), 0, 1), first, second))

    return quantiles


POPULATIONS: dict[str, Callable[[Floats], Floats]] = {
    "Dice, about .75": with_zeros(0.0, 6, 2),
    "IoU, 15 % missed": with_zeros(0.15, 8, 2),
    "AP, at both ends": with_zeros(0.0, 0.4, 0.4),
    "words, 3 % fail": with_zeros(0.03, 50, 1),
    "success, 0 or 1": lambda at: (at >= 0.1).astype(np.float64),
}
"""Quantiles of the scores of clean pictures, by what they are like."""


@cache
def grid(population: str) -> Floats:
    """The quantiles of a population at `GRID` places."""
    return POPULATIONS[population]((np.arange(GRID) + 0.5) / GRID)


@dataclass(frozen=True)
class Design:
    """One population of pictures.

    Attributes:
        population: what scores are like.
        units: pictures, or clusters.
        size: pictures of each cluster, on average; 1 where each stands alone.
        icc: the part of difficulty that the pictures of a cluster share.
    """

    population: str
    units: int
    size: int = 1
    icc: float = 0.0

    @property
    def is_clustered(self) -> bool:
        return self.size > 1

    @property
    def text(self) -> str:
        return f"{self.population}; {self.units}{f' × {self.size}' if self.is_clustered else ''}"

    @property
    def is_promised(self) -> bool:
        return self.units >= (FEWEST_CLUSTERS if self.is_clustered else FEWEST_PICTURES)


def designs() -> Iterator[Design]:
    """Every design; in the short size one of each kind."""
    for population in POPULATIONS:
        for units in (20, 50, 200):
            yield Design(population, units)
        for units in (30, 100):
            yield Design(population, units, 5, 0.4)
        if not sized(1, 0):
            return


def power(model: int, cell: int) -> float:
    """By what power of its place among all pictures a score is lower, of one of two models in one of the cells."""
    return (1 + AHEAD * model) * (1 + HARM * cell)


@cache
def true_means(population: str, model: int) -> Floats:
    """The mean of each cell, ``(CONDITIONS + 1,)``."""
    at = (np.arange(GRID) + 0.5) / GRID
    return np.array([scores_at(population, at ** power(model, cell)).mean() for cell in range(CONDITIONS + 1)])


def scores_at(population: str, at: Floats) -> Floats:
    """The scores at places in (0, 1) among all pictures."""
    return grid(population)[np.minimum((at * GRID).astype(np.int64), GRID - 1)]


class Draw(NamedTuple):
    """The scores of two models on the same pictures, ``(n, CONDITIONS + 1)`` each, and the pictures' clusters."""

    first: Floats
    second: Floats
    codes: NDArray[np.int64]


def drawn(generator: np.random.Generator, design: Design) -> Draw:
    """One draw from a design."""
    sizes = np.ones(design.units, int)
    if design.is_clustered:
        sizes = np.maximum(np.rint(generator.exponential(design.size, design.units)), 1).astype(int)
    codes = np.repeat(np.arange(design.units), sizes)
    n = len(codes)
    hard = math.sqrt(design.icc) * generator.standard_normal(design.units)[codes]
    hard = hard + math.sqrt(1 - design.icc) * generator.standard_normal(n)
    sides = []
    for model in (0, 1):
        of_model = math.sqrt(0.8) * hard + math.sqrt(0.2) * generator.standard_normal(n)
        own = math.sqrt(0.7) * of_model[:, None] + math.sqrt(0.3) * generator.standard_normal((n, CONDITIONS + 1))
        at = ndtr(own)
        powers = [power(model, cell) for cell in range(CONDITIONS + 1)]
        sides.append(np.stack([scores_at(design.population, at[:, k] ** powers[k]) for k in range(len(powers))], 1))
    return Draw(sides[0], sides[1], codes)


class Measured(NamedTuple):
    """Our interval, that of scipy's bootstrap, and the true value."""

    ours: Interval | None
    scipys: Interval | None
    true: float


def measured(draw: Draw, design: Design) -> dict[str, Measured]:
    """The intervals of one draw, by kind."""
    card: Any = cards.get("picture_scores")
    ids = names(len(draw.codes))
    clusters = Clusters(ids, draw.codes, "scene") if design.is_clustered else None
    tables = [table_of(ids, side) for side in (draw.first, draw.second)]
    scores = {score.metric: score for score in card.scores(tables[0], RUN, None) if not score.condition}
    truths = [true_means(design.population, model) for model in (0, 1)]
    kinds = {}
    for kind, (metric, of_pictures) in KINDS.items():
        score = scores[metric]
        interval = score.interval if clusters is None else clustered_score(score, clusters).interval
        true = float(of_pictures(truths[0][None, :]))
        kinds[kind] = Measured(interval, bootstrapped(of_pictures, draw.first), true)
        measurables = [[m for m in card.measurables(each, RUN, None) if not m.condition] for each in tables]
        first, second = (next(m for m in each if m.metric == metric) for each in measurables)
        at = np.arange(len(ids))
        own = None if clusters is None else Clusters(at, draw.codes, "scene")
        span = max(first.span, second.span)
        lacks = first.lacks(at) or second.lacks(at)
        tested = difference(first.estimate(at), second.estimate(at), span, lacks, own)
        lost = true - float(of_pictures(truths[1][None, :]))

        def of_both(pair: Floats, of_one: Callable[[Floats], Floats] = of_pictures) -> Floats:
            return of_one(pair[..., : CONDITIONS + 1]) - of_one(pair[..., CONDITIONS + 1 :])

        beside = bootstrapped(of_both, np.hstack([draw.first, draw.second]))
        kinds[f"{kind}, two models"] = Measured(tested.interval, beside, lost)
    return kinds


def mean_of(pictures: Floats) -> Floats:
    """The mean over conditions of scores ``(…, n, CONDITIONS + 1)``."""
    return np.asarray(pictures[..., 1:].mean(axis=(-2, -1)))


def ratio_of(pictures: Floats) -> Floats:
    """The mean over conditions divided by the clean mean."""
    return np.asarray(mean_of(pictures) / pictures[..., 0].mean(axis=-1))


KINDS: dict[str, tuple[str, Callable[[Floats], Floats]]] = {
    "mean score": ("mean_score", mean_of),
    "retained score": ("retained_score", ratio_of),
}
"""The metric of each kind, and the number as scipy computes it."""


def table_of(ids: NDArray[np.object_], scores: Floats) -> ImageTable:
    """The image table of a file's scores."""
    cells = np.arange(CONDITIONS + 1, dtype=np.int16)
    columns = {"right": np.zeros(scores.shape, np.int8), "score": scores}
    return ImageTable(ids, np.zeros(len(ids), np.int32), CELLS, cells, columns)


def bootstrapped(number: Callable[[Floats], Floats], pictures: Floats) -> Interval | None:
    """The interval of scipy's bootstrap over pictures; ``None`` where it has none, as of scores that are all alike."""
    places = np.arange(len(pictures))

    def of_places(chosen: NDArray[np.int64], axis: int = -1) -> Floats:
        return number(pictures[np.moveaxis(chosen, axis, -1)])

    with warnings.catch_warnings(), np.errstate(all="ignore"):
        warnings.simplefilter("ignore")
        resampled = bootstrap((places,), of_places, n_resamples=RESAMPLES, method="BCa", vectorized=True, rng=0)
    low, high = resampled.confidence_interval
    return None if math.isnan(low) or math.isnan(high) else Interval(float(low), float(high))


@dataclass(frozen=True)
class Point:
    """How often one kind of interval holds on one design.

    Attributes:
        kind, design: which.
        trials: draws.
        ours, scipys: the shares of these in which the interval is there and holds.
        wider: mean width of ours divided by that of scipy's, where both are there.
        without: the share of draws without an interval of ours.
    """

    kind: str
    design: Design
    trials: int
    ours: float
    scipys: float
    wider: float
    without: float

    @property
    def slack(self) -> float:
        """Two standard errors of a simulated share of 95 %."""
        return 2 * math.sqrt(0.05 * 0.95 / self.trials)


def points_of_design(job: tuple[Design, int]) -> list[Point]:
    """A point for each kind on one design."""
    design, trials = job
    generator = np.random.default_rng([*design.text.encode(), trials])
    outcomes: dict[str, list[tuple[float, float, float, float, float]]] = {}
    for _ in range(trials):
        for kind, each in measured(drawn(generator, design), design).items():
            widths = [i.high - i.low if i else math.nan for i in (each.ours, each.scipys)]
            # Where we give no interval, we claim nothing: the draw counts for neither side.
            held = [math.nan if i is None else float(holds(i, each.true)) for i in (each.ours, each.scipys)]
            outcomes.setdefault(kind, []).append((held[0], 0.0 if each.scipys is None else held[1], *widths, 0.0))
    points = []
    for kind, rows in outcomes.items():
        values = np.array(rows)
        is_there = ~np.isnan(values[:, 0])
        both = is_there & ~np.isnan(values[:, 3])
        wider = values[both, 2].mean() / values[both, 3].mean() if both.any() else math.nan
        ours = float(values[is_there, 0].mean()) if is_there.any() else math.nan
        points.append(
            Point(kind, design, trials, ours, float(values[:, 1].mean()), float(wider), float(1 - is_there.mean()))
        )
    return points


def holds(interval: Interval, true: float) -> bool:
    return interval.low - 1e-12 <= true <= interval.high + 1e-12


def percent(share: float) -> str:
    return f"{100 * share:.1f}"


def coverage_table(points: list[Point]) -> str:
    """How often each kind holds by what scores are like, as Markdown."""
    rows = []
    for kind in dict.fromkeys(point.kind for point in points):
        for is_clustered in (False, True):
            own = [p for p in points if p.kind == kind and p.design.is_clustered == is_clustered]
            promised = [p for p in own if p.design.is_promised]
            few = [p for p in own if not p.design.is_promised]
            if not promised:
                continue
            least, lowest = min(promised, key=lambda p: p.ours), min(promised, key=lambda p: p.scipys)
            rows.append(
                (
                    f"{kind}{', by cluster' if is_clustered else ''}",
                    percent(float(np.mean([p.ours for p in promised]))),
                    percent(least.ours),
                    least.design.text,
                    percent(min((p.ours for p in few), default=math.nan)) if few else "",
                    percent(float(np.mean([p.scipys for p in promised]))),
                    percent(lowest.scipys),
                    lowest.design.text,
                )
            )
    head = (
        "interval of",
        "ours: all, %",
        "least, %",
        "at",
        "20 pictures: least, %",
        "scipy's: all, %",
        "least, %",
        "at",
    )
    return table(head, rows)


def option(name: str, default: str) -> str:
    """The value that follows an option on the command line."""
    return sys.argv[sys.argv.index(name) + 1] if name in sys.argv else default


def main() -> int:
    """Print the bars of each kind."""
    trials, began = int(option("--trials", str(sized(1000, 3)))), time.perf_counter()
    jobs = [(design, trials) for design in designs()]
    points: list[Point] = []
    with multiprocessing.get_context("spawn").Pool(len(os.sched_getaffinity(0))) as pool:
        for several in pool.imap_unordered(points_of_design, jobs):
            points += several
    points.sort(key=lambda point: (point.kind, astuple(point.design)))
    bars = {}
    for kind in dict.fromkeys(point.kind for point in points):
        least = min((p for p in points if p.kind == kind and p.design.is_promised), key=lambda p: p.ours)
        bars[f"{kind}: least"] = at_least(least.ours, HOLDING - least.slack)
    if path := option("--write", ""):
        page = Path(path)
        page.write_text(with_block(page.read_text("utf-8"), "score coverage", coverage_table(points)), "utf-8")
    if "--json" not in sys.argv:
        for point in points:
            print(
                f"{point.kind}, {point.design.text}: {percent(point.ours)} %, scipy {percent(point.scipys)} %, "
                f"{point.wider:.3f} as wide, {percent(point.without)} % without"
            )
    return tell(bars, {"seconds": time.perf_counter() - began}, versions("numpy", "scipy"), trials)


if __name__ == "__main__":
    sys.exit(main())

"""A benchmark is evaluated until the headline of every model is exact enough."""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field

from hardiness.benchmarks.registry import registry as benchmarks
from hardiness.core import ArgumentError, Benchmark, DataSet, Request, Stop
from hardiness.engine.rounds import FEW_CELLS, Rounds, in_random_order
from hardiness.scoring.card import card_of, published_baseline
from hardiness.scoring.card import registry as cards
from hardiness.scoring.scored_run import ScoredRun
from hardiness.scoring.stopped import companions_of, look_at, rows_of
from hardiness.scoring.stopping.looks import population_of
from hardiness.scoring.stopping.rule import (
    Extent,
    Headline,
    decide,
    is_out_of_reach,
    largest_extent,
    next_extent,
    out_of_reach,
)
from hardiness.scoring.stopping.sequences import share_interval
from hardiness.store import Store

FIRST_IMAGES, FIRST_IMAGES_OF_CELLS = 100, 1000
"""Of the first round; where each image has two cells of many, more, so that every cell has some."""


def require_reachable(benchmark: Benchmark, data: DataSet, target: float, limit: int | None = None) -> None:
    """Raise unless a benchmark has a headline to be stopped by, and its images could make it as exact as that.

    Raises:
        ArgumentError: it has none, or not even equal answers to all images would do.
    """
    card = cards.get(benchmark.card)
    if not card.stops_on:
        raise ArgumentError(
            f"precision-target does not go with {benchmark.name}, whose headline is no mean over images that could be "
            f"stopped early; it goes with {_stoppable()}; leave it out, or use --limit"
        )
    available, population = min(len(data), limit or len(data)), population_of(data.name, len(data))
    best = _tightest_share(available, population)
    if card.draws_cells or best <= target:
        return
    needed = available + 1
    while _tightest_share(needed, population) > target:
        needed = math.ceil(1.01 * needed)
    raise ArgumentError(
        f"precision-target {target:g} cannot be reached on {benchmark.name}: {available:,} images give ±{best:.2g} "
        f"at best; it would take at least about {needed:,} images"
    )


def _tightest_share(images: int, population: int | None) -> float:
    """Half of the interval where not one image is answered wrongly: no share of as many is known better."""
    images = images if population is None else min(images, population)
    interval = share_interval(0, images, 1.0, population)
    return (interval.high - interval.low) / 2


def first_extent(whole: Extent, cells: int) -> Extent:
    """The first round.

    Args:
        whole: images and cells that there are.
        cells: that an image then has; 1 stands for all where none are drawn.
    """
    first = FIRST_IMAGES_OF_CELLS if cells > 1 else FIRST_IMAGES
    return Extent(min(first, whole.images), min(cells, whole.cells))


def most_wanted(
    tried: Store, data: DataSet, request: Request, wanted: Mapping[str, Sequence[int]]
) -> Mapping[str, Sequence[int]]:
    """Of everything that is wanted, the most that is evaluated before the target is reached, whatever the answers are.

    Args:
        tried: holds a few rows of one model under these conditions.
        data, request: as for an evaluation; with a target.
        wanted: the conditions of each image, in the order of evaluation.
    """
    assert request.precision_target is not None, "there is a target"
    asked = next(iter(wanted.values()), ())
    for stored in tried.runs():
        run = ScoredRun(stored, card_of(stored.run))
        sums = run.card.sums(run.table, stored.run, published_baseline(stored.run))
        if not sums:
            continue
        draws = run.card.draws_cells and len(asked) > FEW_CELLS
        whole = Extent(len(wanted), len(asked) if draws else 1)
        first = first_extent(whole, FEW_CELLS if draws else 1)
        population = population_of(data.name, len(data))
        most = largest_extent(sums[0].weights, first, whole, request.precision_target, population)
        samples = list(wanted)[: most.images]
        if not draws or most.cells >= whole.cells:
            return dict.fromkeys(samples, asked)
        count = len(stored.run.conditions)
        orders = {sample: in_random_order(asked, request.seed, sample, count) for sample in samples}
        return {sample: sorted(order[: most.cells]) for sample, order in orders.items()}
    return wanted


def _stoppable() -> str:
    """The benchmarks that can be stopped early."""
    found = [name for name in benchmarks.names() if cards.get(benchmarks.get(name).card).stops_on]
    return ", ".join(found)


@dataclass
class Precision:
    """The evaluation of one benchmark until it is exact enough.

    Attributes:
        rounds: that it goes in.
        target: the half-width that is aimed at.
        unreached: a line where the target cannot be reached; empty while it may be.
        done: whether nothing is left to evaluate, for whichever reason.
    """

    rounds: Rounds
    target: float
    unreached: str = ""
    done: bool = False
    _companions: dict[str, list[ScoredRun]] = field(default_factory=dict)

    def __post_init__(self) -> None:
        self.extent = first_extent(self.rounds.whole, self.rounds.cells)
        name = self.rounds.benchmark.name
        others = [ScoredRun(o, card_of(o.run)) for o in self.rounds.store.runs() if o.run.benchmark.name == name]
        for task in self.rounds.tasks:
            mine = ScoredRun(task.stored, card_of(task.stored.run))
            self._companions[task.stored.key] = companions_of(mine, others)

    def run(self) -> None:
        """Rounds until it is exact enough, or cannot become so."""
        while not self.done:
            self.rounds.evaluate(self.extent)
            self.look()

    def look(self) -> None:
        """Look at what the extent holds, and choose the next one."""
        found = self._headlines()
        if not found or decide(found, self.target).done:
            self.done = True
            return
        whole = self.rounds.whole
        following = next_extent(self.extent, found, self.target, whole)
        hopeless = [each for each in found if is_out_of_reach(each, self.target, whole.images)]
        if following is None or hopeless:
            worst = max(hopeless or decide(found, self.target).loose, key=lambda each: each.half_width)
            name = self.rounds.benchmark.name
            self.unreached = (
                f"precision-target cannot be reached on {name}: {out_of_reach(worst, self.target, whole.images)}"
            )
            self.done = True
            return
        self.extent = following

    def _headlines(self) -> list[Headline]:
        """Of every model that has one so far; each model's look is kept beside its rows."""
        found: list[Headline] = []
        for run, table in self.rounds.tables(self.extent):
            companions = self._companions[run.stored.key]
            look = look_at(self.target, published_baseline(run.stored.run), companions)
            headlines: Sequence[Headline] = list(look.at(run.card, table, run.stored.run).values())
            keys = tuple(each.stored.key for each in companions)
            run.stored.keep_stop(Stop(self.target, rows_of(run.table), keys))
            run.release()
            found += headlines[:1]
        return found

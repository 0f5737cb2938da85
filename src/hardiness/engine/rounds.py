"""One benchmark in growing rounds, until it is exact enough, a policy's rules are decided, or its time is over."""

from __future__ import annotations

import math
import time
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Protocol

import numpy as np

from hardiness.benchmarks.card import card_of, cards, published_baseline
from hardiness.benchmarks.options import registry as benchmarks
from hardiness.core.benchmark import Benchmark, DataSet
from hardiness.core.errors import ArgumentError
from hardiness.core.random import rng
from hardiness.core.request import Request, Stop
from hardiness.core.run import BenchmarkIdentity, DataIdentity, ModelIdentity, Plan, Run
from hardiness.core.table import ImageTable, Records
from hardiness.data.files import limited
from hardiness.engine.tasks import Task, condition_indices
from hardiness.engine.worker import Worker
from hardiness.results.policy_watch import PolicyWatch
from hardiness.results.runs import ScoredRun
from hardiness.results.stopped import companions_of, look_at, population_of, rows_of
from hardiness.statistics.cells import order_of_cells
from hardiness.statistics.stopping import Extent, Headline, decide, largest_extent, next_extent, share_interval
from hardiness.store.store import Store

FEW_CELLS = 2
"""Random cells that each image has until all images are used up."""


class Rounds:
    """The rounds of one benchmark, for all its models.

    Args:
        workers: of the benchmark, one for each size of unit; at least one.
    """

    def __init__(self, workers: Sequence[Worker]) -> None:
        self.workers = workers
        first = workers[0]
        self.benchmark, self.samples, self._asked = first.benchmark, list(first.items), list(first.asked)
        card = card_of(first.tasks[0].stored.run)
        self._draws = card.draws_cells and len(self._asked) > FEW_CELLS
        self._orders: dict[str, list[int]] = {}
        self.listener = first.listener

    @property
    def whole(self) -> Extent:
        """The extent of everything that was asked for."""
        return Extent(len(self.samples), len(self._asked) if self._draws else 1)

    @property
    def cells(self) -> int:
        """How many cells of an image the first rounds have; 1 stands for all where none are drawn."""
        return FEW_CELLS if self._draws else 1

    @property
    def tasks(self) -> list[Task]:
        """The models that were not given up."""
        return [task for worker in self.workers for task in worker.tasks if task.error is None]

    def pictures(self, extent: Extent) -> int:
        """How many conditions of images an extent has."""
        return extent.images * (extent.cells if self._draws else len(self._asked))

    def wanted(self, extent: Extent) -> dict[str, Sequence[int]]:
        """The conditions of each image of an extent, ascending."""
        samples = self.samples[: extent.images]
        if not self._draws or extent.cells >= len(self._asked):
            return dict.fromkeys(samples, self._asked)
        return {sample: sorted(self._order(sample)[: extent.cells]) for sample in samples}

    def evaluate(self, extent: Extent) -> int:
        """Evaluate what is missing of an extent, and store it; how many rows that were."""
        wanted = self.wanted(extent)
        done = 0
        for worker in self.workers:
            missing = sum(unit.rows for unit in worker.units(wanted))
            if missing:
                worker.run(worker.units(wanted), missing, sum(map(len, wanted.values())) * len(worker.tasks))
            done += missing
        return done

    def first_missing(self, extent: Extent) -> int:
        """How many of an extent's images, from the first on, every model has in all of its cells."""
        wanted = self.wanted(extent)
        place = {sample: number for number, sample in enumerate(wanted)}
        found = extent.images
        for worker in self.workers:
            unit = next(iter(worker.units(wanted)), None)
            if unit is not None:
                found = min(found, *(place[sample] for part in unit.parts for sample, _ in part.work))
        return found

    def stored(self) -> Extent:
        """How far every model has come: the images that have the first cells, then how many cells all images have."""
        whole, cells = self.whole, self.cells
        images = self.first_missing(Extent(whole.images, cells))
        while images == whole.images and cells < whole.cells:
            if self.first_missing(Extent(whole.images, cells + 1)) < whole.images:
                break
            cells += 1
        return Extent(images, cells)

    def tables(self, extent: Extent) -> list[tuple[ScoredRun, ImageTable]]:
        """Each model's run, and its image table of an extent alone."""
        wanted = self.wanted(extent)
        found = []
        for task in self.tasks:
            run = ScoredRun(task.stored, card_of(task.stored.run))
            found.append((run, _part(run.table, wanted)))
        return found

    def _order(self, sample: str) -> list[int]:
        """The conditions asked for in the image's own random order."""
        if sample not in self._orders:
            first = self.workers[0]
            self._orders[sample] = in_random_order(self._asked, first.request.seed, sample, len(first.conditions))
        return self._orders[sample]


def in_random_order(asked: Sequence[int], seed: int, sample: str, conditions: int) -> list[int]:
    """The conditions asked for in an image's own random order, which is one of all the benchmark's conditions."""
    chosen = frozenset(asked)
    return [cell for cell in order_of_cells(seed, sample, conditions).tolist() if cell in chosen]


def _part(table: ImageTable, wanted: Mapping[str, Sequence[int]]) -> ImageTable:
    """The table without what is not wanted, which earlier commands may have evaluated."""
    failed = sum(len(set(failure.conditions) & set(wanted.get(failure.sample, ()))) for failure in table.failures)
    if rows_of(table) + failed == sum(map(len, wanted.values())):
        return table
    return table.only(wanted)


REHEARSED_IMAGES = 200
"""Of a rehearsal, at least."""


def rehearse(benchmark: Benchmark, data: DataSet, store: Store, *, every_class: bool = False) -> ScoredRun | None:
    """A run of made-up answers to a few images, so that a policy can be held against what a benchmark gives.

    ``None`` where its rows are more than answers to pictures: under an attack, and in sequences.

    Args:
        benchmark, data: that are to be evaluated.
        store: for these rows alone.
        every_class: whether each class has an image, however many there are.
    """
    if benchmark.attack is not None or benchmark.frames > 1:
        return None
    classes = len({item.label for item in data.items}) if every_class else 0
    items = limited(data.items, max(REHEARSED_IMAGES, classes), seed=0)
    _, asked = condition_indices(benchmark, data)
    work = [(item.id, index) for item in items for index in asked]
    labels = np.array([item.label for item in items for _ in asked], np.int32)
    names = data.class_names or ()
    run = Run(
        ModelIdentity("rehearsal"),
        BenchmarkIdentity(benchmark.name, benchmark.card, benchmark.protocol, benchmark.identity()),
        DataIdentity(data.name, data.fingerprint, len(data), data.num_classes, data.categories, tuple(names)),
        conditions=benchmark.conditions(),
    )
    generator, decided = rng(0, "rehearsal", 0, benchmark.name), []
    for first in range(0, len(work), REHEARSED_IMAGES):
        some = labels[first : first + REHEARSED_IMAGES]
        logits = generator.normal(size=(len(some), data.num_classes)).astype(np.float32)
        decided.append(benchmark.decide(logits, some))
    columns = {
        "sample": np.array([sample for sample, _ in work], np.str_),
        "condition": np.array([index for _, index in work], np.int16),
        "frame": np.zeros(len(work), np.int16),
        "label": labels,
        **{name: np.concatenate([each[name] for each in decided]) for name in decided[0]},
    }
    stored = store.run(run, Plan(whole=tuple(asked)))
    stored.write(0, work, Records(columns))
    return ScoredRun(stored, card_of(run))


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
    interval = share_interval(0, images, population)
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
    card_of = {name: cards.find(benchmarks.get(name).card) for name in benchmarks.names()}
    return ", ".join(name for name, card in card_of.items() if card is not None and card.stops_on)


class Goal(Protocol):
    """What ends the evaluation of a benchmark before all of it is done."""

    def begin(self, rounds: Rounds) -> None:
        """Prepare; called once, before the first round."""

    def look(self, rounds: Rounds, extent: Extent) -> Outlook:
        """The outlook after a round, by what the extent holds; the look is kept beside each model's rows."""


@dataclass(frozen=True, slots=True)
class Outlook:
    """The next round, or that there is none, and why.

    Attributes:
        following: the next round; ``None`` where the goal is reached, or cannot be.
        remarks: what a person should know.
        unreached: a line where the goal cannot be reached.
    """

    following: Extent | None = None
    remarks: tuple[str, ...] = ()
    unreached: str = ""


@dataclass
class EvaluationToGoal:
    """The evaluation of one benchmark until a goal is reached.

    Attributes:
        rounds: that it goes in.
        goal: what ends it.
        extent: of the round that is evaluated, or was last.
        outlook: after the last look.
        done: whether nothing is left to evaluate, for whichever reason.
    """

    rounds: Rounds
    goal: Goal
    outlook: Outlook = field(default_factory=Outlook)
    done: bool = False

    def __post_init__(self) -> None:
        self.extent = first_extent(self.rounds.whole, self.rounds.cells)
        self.goal.begin(self.rounds)

    def run(self) -> None:
        """Rounds until the goal is reached, or cannot be."""
        while not self.done:
            self.rounds.evaluate(self.extent)
            self.look()

    def look(self) -> None:
        """Look at what the extent holds, and choose the next one."""
        self.outlook = self.goal.look(self.rounds, self.extent)
        self.done = self.outlook.following is None
        self.extent = self.outlook.following or self.extent


@dataclass
class Precision:
    """The goal that every model's headline is exact enough.

    Attributes:
        target: the half-width that is aimed at.
    """

    target: float
    _companions: dict[str, list[ScoredRun]] = field(default_factory=dict)

    def begin(self, rounds: Rounds) -> None:
        """Find what other models have answered on the same pictures."""
        name = rounds.benchmark.name
        others = [ScoredRun(o, card_of(o.run)) for o in rounds.workers[0].store.runs() if o.run.benchmark.name == name]
        for task in rounds.tasks:
            mine = ScoredRun(task.stored, card_of(task.stored.run))
            self._companions[task.stored.key] = companions_of(mine, others)

    def look(self, rounds: Rounds, extent: Extent) -> Outlook:
        """Whether every headline is exact enough, and if not how much more it takes."""
        found = self._headlines(rounds, extent)
        if not found or decide(found, self.target).done:
            return Outlook()
        whole = rounds.whole
        following = next_extent(extent, found, self.target, whole)
        hopeless = [each for each in found if each.is_out_of_reach(self.target, whole.images)]
        if following is None or hopeless:
            worst = max(hopeless or decide(found, self.target).loose, key=lambda each: each.half_width)
            line = worst.out_of_reach(self.target, whole.images)
            return Outlook(unreached=f"precision-target cannot be reached on {rounds.benchmark.name}: {line}")
        return Outlook(following)

    def _headlines(self, rounds: Rounds, extent: Extent) -> list[Headline]:
        """Of every model that has one so far."""
        found: list[Headline] = []
        for run, table in rounds.tables(extent):
            companions = self._companions[run.stored.key]
            look = look_at(self.target, published_baseline(run.stored.run), companions)
            headlines: Sequence[Headline] = list(look.at(run.card, table, run.stored.run).values())
            keys = tuple(each.stored.key for each in companions)
            run.stored.keep_stop(Stop(self.target, rows_of(run.table), keys))
            run.release()
            found += headlines[:1]
        return found


@dataclass
class Verdicts:
    """The goal that every rule of a policy is decided for every model.

    Models whose rows were all there before are judged by these, and do not hold up the others.

    Attributes:
        watch: asks the rules.
    """

    watch: PolicyWatch
    _whole: tuple[str, ...] = ()
    _all_there: frozenset[str] = frozenset()

    def begin(self, rounds: Rounds) -> None:
        """See which models have nothing left to evaluate."""
        runs = [ScoredRun(task.stored, card_of(task.stored.run)) for task in rounds.tasks]
        done = [run.stored.key for run in runs if run.counts().complete and run.stored.stop() is None]
        self._all_there = frozenset(done)

    def look(self, rounds: Rounds, extent: Extent) -> Outlook:
        """Whether every rule is decided, by the round's rows and by all that are stored, and how much more it takes."""
        policy, whole = self.watch.policy, rounds.whole
        if self._whole:
            return Outlook(remarks=self._whole)
        runs = [(run, table) for run, table in rounds.tables(extent) if run.stored.key not in self._all_there]
        found = self.watch.look(runs)
        if found.whole:
            self._whole = found.remarks
            for line in found.remarks:
                rounds.listener.note(line)
            return Outlook(None if extent == whole else whole, found.remarks)
        for run, _ in runs:
            run.stored.keep_stop(Stop(None, rows_of(run.table), policy=policy.source))
        if not found.times and any(rows_of(run.table) > rows_of(table) for run, table in runs):
            found = self.watch.look([(run, run.table) for run, _ in runs])
        times = min(found.times, MOST_TIMES)
        following = extent.grown(extent.images * times, extent.cells * times, whole) if times else None
        for run, _ in runs:
            run.release()
        if following is not None:
            return Outlook(following)
        counts = ", ".join(f"{found.outcomes.count(each)} {each}" for each in dict.fromkeys(found.outcomes))
        name, of = rounds.benchmark.name, f"{extent.images:,} of {whole.images:,} images"
        cells = f", {extent.cells} of {whole.cells} conditions of each" if whole.cells > 1 else ""
        if not found.outcomes:
            return Outlook(remarks=found.remarks)
        end = "every rule is decided" if not times else "all there are, and not every rule is decided"
        return Outlook(remarks=(f"{policy.source}: {name}: after {of}{cells} {end}: {counts}", *found.remarks))


MOST_TIMES = 100.0
"""By which the pictures are said to grow where nobody knows by how much."""


FIRST_IMAGES_IN_TIME = 4
"""Of the first round of each benchmark, which measures what an image costs."""

WARMING = 2
"""Rounds of each benchmark before one is chosen by its cost."""

LARGEST_SHARE = 0.4
"""Of the time that is left, what a round may take by what was measured: images differ, and so do moments."""

LAST_SHARE = 0.8
"""The same of a round that cannot be smaller: one image, or one more condition of each."""

KEPT_SHARE, LEAST_KEPT_S, MOST_KEPT_S = 0.1, 4.0, 120.0
"""Time that is kept for scores and pages."""

SHARED = 0.6
"""Correlation of two cells of an image, as in real rows: what more cells of the same image cannot narrow."""


@dataclass(frozen=True, slots=True)
class Deadline:
    """When a command must have ended.

    Attributes:
        seconds: that it was given.
        ends_s: when no more work may be begun, on the clock of `time.monotonic`.
    """

    seconds: float
    ends_s: float

    @classmethod
    def from_now(cls, seconds: float, spent_s: float = 0.0) -> Deadline:
        """The budget of a command, less what its scores and pages will take.

        Args:
            seconds: that the command was given when it began.
            spent_s: how long ago that was. To begin and to end take about as long on a busy machine.
        """
        kept = min(max(KEPT_SHARE * seconds, LEAST_KEPT_S, spent_s), MOST_KEPT_S, seconds / 2)
        return cls(seconds, time.monotonic() + seconds - spent_s - kept)

    @property
    def left_s(self) -> float:
        """Seconds left for evaluating."""
        return max(0.0, self.ends_s - time.monotonic())


def expected_narrowing(now: Extent, then: Extent) -> float:
    """How much narrower an interval should be at a larger extent, as a share of its width on one image.

    It depends on numbers of images and cells and not on answers, so the usual intervals hold when the time is over.
    """
    return _width(now) - _width(then)


def _width(extent: Extent) -> float:
    cells = math.sqrt(SHARED + (1 - SHARED) / extent.cells)
    return cells / math.sqrt(max(extent.images, 1))


@dataclass
class Progression:
    """One benchmark of those that share the time.

    Attributes:
        rounds: of the benchmark.
        stopping: what ends it before the time is over; ``None`` where only time does.
        extent: evaluated so far.
        measured: rounds that computed something; the first compiles what later ones use, so a second one follows.
        cost_s: seconds for one condition of one image in all models, as last measured; 0 before.
    """

    rounds: Rounds
    stopping: EvaluationToGoal | None = None
    extent: Extent = Extent(0, 1)
    cost_s: float = 0.0
    measured: int = 0

    def __post_init__(self) -> None:
        self.extent = self.rounds.stored()

    @property
    def done(self) -> bool:
        """Whether nothing is left to evaluate."""
        reached = self.stopping is not None and self.stopping.done
        return reached or self.extent == self.rounds.whole or not self.rounds.tasks

    def following(self, left_s: float) -> Extent | None:
        """The next round; ``None`` where what was measured says that the time is too short for any."""
        now, whole = self.extent, self.rounds.whole
        grows_images = now.images < whole.images
        step = Extent(now.images + 1, now.cells) if grows_images else Extent(now.images, now.cells + 1)
        if not self.cost_s:
            return self._grown(now.images + FIRST_IMAGES_IN_TIME) if grows_images else step
        again = self._grown(now.images + FIRST_IMAGES_IN_TIME)
        if self.is_warming and grows_images and self.seconds(again) <= LARGEST_SHARE * left_s:
            return again
        if self.seconds(step) > LAST_SHARE * left_s:
            return None
        affordable = max(1, math.floor(LARGEST_SHARE * left_s / self.seconds(step)))
        if grows_images:
            return self._grown(now.images + min(affordable, max(now.images, FIRST_IMAGES_IN_TIME)))
        return Extent(now.images, min(now.cells + min(affordable, now.cells), whole.cells))

    def seconds(self, extent: Extent) -> float:
        """What it takes from here to an extent, by what was measured."""
        return self.cost_s * (self.rounds.pictures(extent) - self.rounds.pictures(self.extent))

    def gain(self, following: Extent) -> float:
        """What a second of it narrows, over all models; infinite before its cost was measured."""
        models = len(self.rounds.tasks)
        return (
            math.inf
            if self.is_warming
            else models * expected_narrowing(self.extent, following) / self.seconds(following)
        )

    @property
    def is_warming(self) -> bool:
        """Whether what a round costs is not known well enough to choose by."""
        return self.measured < WARMING

    def advance(self, following: Extent) -> None:
        """Evaluate the next round, and measure it."""
        began = time.monotonic()
        if self.rounds.evaluate(following):
            pictures = self.rounds.pictures(following) - self.rounds.pictures(self.extent)
            self.cost_s = (time.monotonic() - began) / pictures
            self.measured += 1
        if all(time.monotonic() < worker.ends_s for worker in self.rounds.workers):
            self.extent = following
            if self.stopping is not None and following.images >= self.stopping.extent.images:
                self.stopping.extent = following
                self.stopping.look()

    def missing(self) -> str:
        """What is not evaluated, and about how long that would take, in one line."""
        now, whole, name = self.extent, self.rounds.whole, self.rounds.benchmark.name
        has = f"{now.images:,} of {whole.images:,} images"
        if whole.cells > 1:
            has += f", {now.cells} of {whole.cells} conditions of each"
        rest = self.seconds(whole)
        about = f"; the rest takes about {_duration(rest)}" if rest else ""
        return f"{name}: the time was over after {has}{about}; the same command continues"

    def _grown(self, images: int) -> Extent:
        """So many images, and no more than there are or than the next look at the target waits for."""
        most = self.rounds.whole.images
        if self.stopping is not None and self.stopping.extent.images > self.extent.images:
            most = self.stopping.extent.images
        return Extent(min(images, most), self.extent.cells)


def evaluate_until_deadline(budget: Deadline, progressions: Sequence[Progression]) -> None:
    """Evaluate as much of some benchmarks as the time allows."""
    for progression in progressions:
        for worker in progression.rounds.workers:
            worker.ends_s = budget.ends_s
    while True:
        left_s = budget.left_s
        open_ = [each for each in progressions if not each.done]
        possible = [(each, following) for each in open_ if left_s and (following := each.following(left_s))]
        if not possible:
            return
        chosen, following = max(possible, key=lambda pair: pair[0].gain(pair[1]))
        chosen.advance(following)


def _duration(seconds: float) -> str:
    for unit, size in (("days", 86400), ("hours", 3600), ("minutes", 60)):
        if seconds >= 2 * size:
            return f"{seconds / size:.0f} {unit}"
    return f"{max(seconds, 1):.0f} seconds"

"""One benchmark in growing rounds: which images and conditions each of them holds."""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence

from hardiness.benchmarks.card import Card, card_of, cards
from hardiness.benchmarks.options import registry as benchmarks
from hardiness.core.benchmark import Benchmark, DataSet
from hardiness.core.errors import ArgumentError
from hardiness.core.table import ImageTable
from hardiness.engine.selection import in_random_order
from hardiness.engine.tasks import Task
from hardiness.engine.worker import Worker
from hardiness.results.folder import Folder
from hardiness.results.runs import ScoredRun
from hardiness.results.stopped import population_of, rows_of
from hardiness.statistics.sequences import share_interval
from hardiness.statistics.stopping import Extent

FEW_CELLS = 2
"""Random cells that each image has until all images are used up."""

FIRST_IMAGES, FIRST_IMAGES_OF_CELLS = 100, 1000
"""Images of the first round; where each image has two cells of many, more, so that every cell has some."""


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
        selected = self.wanted(extent)
        computed = 0
        for worker in self.workers:
            missing = sum(unit.rows for unit in worker.units(selected))
            if missing:
                worker.run(worker.units(selected), missing, sum(map(len, selected.values())) * len(worker.tasks))
            computed += missing
        return computed

    def first_missing(self, extent: Extent) -> int:
        """How many of an extent's images, from the first on, every model has in all of its cells."""
        selected = self.wanted(extent)
        place = {sample: number for number, sample in enumerate(selected)}
        count = extent.images
        for worker in self.workers:
            unit = next(iter(worker.units(selected)), None)
            if unit is not None:
                count = min(count, *(place[sample] for part in unit.parts for sample, _ in part.work))
        return count

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
        selected = self.wanted(extent)
        return [(run, _part(run.table, selected)) for run in Folder.of(task.stored for task in self.tasks).alone]

    def _order(self, sample: str) -> list[int]:
        """The conditions asked for in the image's own random order."""
        if sample not in self._orders:
            first = self.workers[0]
            self._orders[sample] = in_random_order(self._asked, first.request.seed, sample, len(first.conditions))
        return self._orders[sample]


def _part(table: ImageTable, selected: Mapping[str, Sequence[int]]) -> ImageTable:
    """The selected part of a table; earlier commands may have evaluated more."""
    failed = sum(len(set(failure.conditions) & set(selected.get(failure.sample, ()))) for failure in table.failures)
    if rows_of(table) + failed == sum(map(len, selected.values())):
        return table
    return table.only(selected)


def require_drawable(benchmark: Benchmark, conditions: int) -> None:
    """Raise unless images of a benchmark can be evaluated in so many of its conditions, others in others.

    Raises:
        ArgumentError: they have more, and need all of them.
    """
    if len(benchmark.requested()) > conditions and not cards.get(benchmark.card).draws_cells:
        drawable = [name for name, card in _cards_by_benchmark().items() if card.draws_cells]
        raise ArgumentError(
            f"conditions does not go with {benchmark.name}, whose images need all of their conditions; it goes with "
            f"{', '.join(drawable)}; leave it out, or use --limit"
        )


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


def _stoppable() -> str:
    """The benchmarks that can be stopped early."""
    return ", ".join(name for name, card in _cards_by_benchmark().items() if card.stops_on)


def _cards_by_benchmark() -> dict[str, Card]:
    """The card of each benchmark that has one."""
    cards_by_name = {name: cards.find(benchmarks.get(name).card) for name in benchmarks.names()}
    return {name: card for name, card in cards_by_name.items() if card is not None}

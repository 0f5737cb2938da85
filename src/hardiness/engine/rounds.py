"""One benchmark in growing rounds: more images in the seeded order, each in a few random cells where it has many."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from hardiness.core import ImageTable, Listener, Silence
from hardiness.engine.plan import Task
from hardiness.engine.worker import Worker
from hardiness.scoring.card import card_of
from hardiness.scoring.scored_run import ScoredRun
from hardiness.scoring.stopped import rows_of
from hardiness.scoring.stopping.cells import order_of_cells
from hardiness.scoring.stopping.rule import Extent
from hardiness.store import Store

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
        self._listener = first.listener
        for worker in workers:
            worker.listener = _Held(worker.listener)

    @property
    def whole(self) -> Extent:
        """Everything that was asked for."""
        return Extent(len(self.samples), len(self._asked) if self._draws else 1)

    @property
    def cells(self) -> int:
        """How many cells of an image the first rounds have; 1 stands for all where none are drawn."""
        return FEW_CELLS if self._draws else 1

    @property
    def store(self) -> Store:
        """Where the rows are."""
        return self.workers[0].store

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

    def close(self) -> None:
        """Tell the listener that no more rounds come."""
        self._listener.end()

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


@dataclass(frozen=True)
class _Held(Silence):
    """A listener to whom many rounds are one benchmark: it hears of no round's end, and no estimate of one."""

    listener: Listener

    def download(self, model: str, done: int, total: int | None) -> None:
        self.listener.download(model, done, total)

    def begin(self, benchmark: str, total: int, stored: int) -> None:
        self.listener.begin(benchmark, total, stored)

    def advance(self, rows: int) -> None:
        self.listener.advance(rows)

    def stage(self, text: str) -> None:
        self.listener.stage(text)

    def note(self, line: str) -> None:
        self.listener.note(line)


def _part(table: ImageTable, wanted: Mapping[str, Sequence[int]]) -> ImageTable:
    """The table without what is not wanted, which earlier commands may have evaluated."""
    failed = sum(len(set(failure.conditions) & set(wanted.get(failure.sample, ()))) for failure in table.failures)
    if rows_of(table) + failed == sum(map(len, wanted.values())):
        return table
    return table.only(wanted)

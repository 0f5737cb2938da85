"""Listings of models' runs in a store: which rows they lack, and which units nobody has stored."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from functools import partial

from hardiness.core.request import Share
from hardiness.engine.tasks import Task
from hardiness.engine.unit import Unit, UnitPart
from hardiness.store.parallel import in_parallel
from hardiness.store.run import by_shard
from hardiness.store.shards import Row as Work
from hardiness.store.shards import file_name

Remaking = Callable[[Task, Sequence[str], Sequence[Work]], list[Work]]
"""From a task, the stored files of a shard and rows of it to those that are stored and are to be made again."""


class StoredWork:
    """A listing of some models' runs in a store, made once.

    Args:
        tasks: models on one benchmark; one that was given up is left out.
        share: of several processes; each looks into the files of its own shards, and takes from the names of the
            others that they are whole.
        remaking: what is stored and is to be made again; nothing if ``None``.
    """

    def __init__(self, tasks: Sequence[Task], share: Share | None = None, remaking: Remaking | None = None) -> None:
        self._tasks, self._share, self._remaking = tasks, share, remaking
        self._stamps = in_parallel(lambda task: task.stored.stamps(), tasks)
        self._names = [by_shard(stamps) for stamps in self._stamps]

    def parts(self, index: int, rows: list[Work]) -> list[UnitPart]:
        """A part for each model that lacks some of the rows of a shard, then those that are to be made again."""
        whole, sound = file_name(index, rows), [place for place, task in enumerate(self._tasks) if task.error is None]
        lacked = partial(self._lacked, index, rows, whole)
        is_listed = any(index in self._names[place] for place in sound)
        reads = is_listed and (not self._share or self._share.owns(index))
        parts = []
        for place, work in zip(sound, in_parallel(lacked, sound) if reads else map(lacked, sound), strict=True):
            if work:
                file = whole if work is rows else file_name(index, work)
                parts.append(UnitPart(self._tasks[place], index, work, file, self._stamps[place].get(file)))
        return [*parts, *self._parts_again(index, rows)]

    def _parts_again(self, index: int, rows: list[Work]) -> list[UnitPart]:
        if self._remaking is None:
            return []
        return [
            UnitPart(task, index, work, file_name(index, work), again=True)
            for task, names in zip(self._tasks, self._names, strict=True)
            if task.error is None and (work := self._remaking(task, names.get(index, ()), rows))
        ]

    def _lacked(self, index: int, rows: list[Work], whole: str, place: int) -> list[Work]:
        names = self._names[place].get(index, ())
        if whole in names and self._share and not self._share.owns(index):
            return []
        lacked = self._tasks[place].stored.missing(index, rows, self._names[place]) if names else rows
        # Models that lack the same rows share the list: full ImageNet-C has 3.8 million of them a model.
        return rows if len(lacked) == len(rows) else lacked


def uncovered(every: Sequence[Unit]) -> list[Unit]:
    """The units with a part that is neither stored nor given up; each run's folder is listed once."""
    tasks = {id(part.task): part.task for unit in every for part in unit.parts if part.task.error is None}
    first = min((unit.index for unit in every), default=0)
    stamps = dict(zip(tasks, in_parallel(lambda task: task.stored.stamps(first), list(tasks.values())), strict=True))
    listed = {key: by_shard(by_name) for key, by_name in stamps.items()}

    def lacks(part: UnitPart) -> bool:
        key = id(part.task)
        if key not in stamps:
            return False
        if stamps[key].get(part.file) not in (None, part.before):
            return False  # the usual case: nothing is read
        return not part.task.stored.covered(part.index, part.work, listed[key])

    return [unit for unit in every if any(map(lacks, unit.parts))]

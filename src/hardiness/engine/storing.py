"""Finished parts of units become files on threads of their own: no model waits for a disk or a network."""

from __future__ import annotations

from collections import deque
from collections.abc import Callable, Mapping, Sequence
from concurrent.futures import Future, ThreadPoolExecutor

import numpy as np

from hardiness.core import Condition, Failure, Item, Records
from hardiness.data import unchanged
from hardiness.engine.attacking import Members
from hardiness.engine.units import UnitPart
from hardiness.models import return_freed_memory

AHEAD = 64
"""Files that may wait; then the models do, so that a store which is too slow fills no memory."""


class Storing:
    """Work that ends in files, beside the models; what goes wrong is raised where the next piece is handed over.

    Args:
        threads: files that are on their way at one time.
    """

    def __init__(self, threads: int) -> None:
        self._threads = ThreadPoolExecutor(threads, thread_name_prefix="store")
        self._waiting: deque[Future[None]] = deque()

    def put(self, work: Callable[[], None]) -> None:
        """Begin a piece of work, or wait until one of the earlier ones has ended.

        Raises:
            StoreError: an earlier piece failed.
        """
        while self._waiting and (self._waiting[0].done() or len(self._waiting) >= AHEAD):
            self._waiting.popleft().result()
        self._waiting.append(self._threads.submit(work))

    def finish(self) -> None:
        """Wait for everything.

        Raises:
            StoreError: a piece failed.
        """
        while self._waiting:
            self._waiting.popleft().result()

    def close(self) -> None:
        """Let what was handed over end, whatever became of the rest: it is finished work."""
        self._threads.shutdown(wait=True)


def store(
    part: UnitPart,
    records: Records,
    items: Mapping[str, Item],
    conditions: Sequence[Condition],
    members: Members | None = None,
) -> None:
    """Write the file of one part, which is done then.

    Args:
        part: of a unit.
        records: of its rows.
        items: the photographs that they may be of, by id.
        conditions: all of the benchmark.
        members: what was kept until now of the members of an ensemble; ``None`` without one.

    Raises:
        StoreError: it cannot be written.
    """
    part.task.stored.write(part.index, part.work, of_unchanged(records, items, conditions))
    part.done = True
    if members is not None:
        members.remove()
    return_freed_memory()


def of_unchanged(records: Records, items: Mapping[str, Item], conditions: Sequence[Condition]) -> Records:
    """The records without those of photographs that have changed since they were listed, which have failed."""
    read: dict[str, set[int]] = {}
    if len(records):
        for sample, condition in zip(records["sample"].tolist(), records["condition"].tolist(), strict=True):
            read.setdefault(sample, set()).add(condition)
    changed = {
        sample: held
        for sample, held in read.items()
        if not unchanged(items[sample], [conditions[index] for index in sorted(held)])
    }
    if not changed:
        return records
    failures = tuple(
        Failure(sample, f"{items[sample].file.name} changed while it was evaluated", tuple(sorted(held)))
        for sample, held in changed.items()
    )
    kept = records.where(np.array([sample not in changed for sample in records["sample"].tolist()]))
    return Records(kept.columns, (*records.failures, *failures))

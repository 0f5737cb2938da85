"""Several processes that share nothing but the store: each does its part, then what is left of the others'."""

from __future__ import annotations

import time
from collections.abc import Iterable, Iterator, Sequence
from itertools import chain

from hardiness.core import Share
from hardiness.engine.units import Unit
from hardiness.engine.worker import Worker
from hardiness.store import Leases

LONGEST_REST_S = 5.0
"""Between two looks at what others are at work on."""


def shared(worker: Worker, share: Share, leases: Leases) -> None:
    """Evaluate this process's part of the units, then whatever no process has stored or is at work on.

    It ends when every unit is stored, by whomever. A process that dies costs the others the wait for its lease to run
    out; work that is done twice gives the same file twice.

    Args:
        worker: of one benchmark.
        share: which part this process begins with.
        leases: of the output folder.
    """
    every = list(worker.units())
    _evaluate(worker, part_of(every, share), leases)
    while left := uncovered(every):
        if not _evaluate(worker, left, leases):
            waits = [leases.expires_in_s(unit.name) for unit in left]
            time.sleep(min(LONGEST_REST_S, max(0.05, min(waits))))


def part_of(every: Sequence[Unit], share: Share) -> list[Unit]:
    """The units that a share begins with: dealt out by falling cost, so that all parts cost about the same."""
    return sorted(every, key=lambda unit: -unit.rows)[share.index :: share.count]


def uncovered(every: Iterable[Unit]) -> list[Unit]:
    """The units of which some model's part is neither stored nor given up; each run's folder is listed once."""
    tasks = {id(part.task): part.task for unit in every for part in unit.parts}
    listed = {key: task.stored.shards() for key, task in tasks.items() if task.error is None}
    return [
        unit
        for unit in every
        if any(
            id(part.task) in listed and not part.task.stored.covered(part.index, part.work, listed[id(part.task)])
            for part in unit.parts
        )
    ]


def _evaluate(worker: Worker, wanted: Sequence[Unit], leases: Leases) -> bool:
    """Evaluate those of the units that can be had; whether there was one."""
    taken: list[Unit] = []
    units = _leased(wanted, leases, taken)
    try:
        first = next(units, None)
        if first is not None:
            worker.run(chain([first], units), sum(unit.rows for unit in wanted))
    finally:
        for unit in taken:
            leases.give_back(unit.name)
    return first is not None


def _leased(wanted: Iterable[Unit], leases: Leases, taken: list[Unit]) -> Iterator[Unit]:
    """The units that nobody else is at work on or has stored, each under a lease from now on."""
    for unit in wanted:
        if not unit.stored and leases.take(unit.name):
            taken.append(unit)
            if not unit.stored:  # its last holder may have ended just before
                yield unit

"""Several processes that share nothing but the store: each does its part, then what the store lacks of the others'."""

from __future__ import annotations

from collections.abc import Callable, Generator, Iterable, Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from contextlib import closing
from itertools import chain
from random import Random
from typing import Protocol, TypeVar

from hardiness.core.request import Share


class Work(Protocol):
    """A piece of work that can be shared out: `hardiness.engine.unit.Unit`, or one that a simulation makes up."""

    @property
    def index(self) -> int:
        """Equal for all processes, and each index is of the part of one of them."""
        ...

    @property
    def rows(self) -> int:
        """Number of image-conditions, which is its cost."""
        ...

    @property
    def stored(self) -> bool:
        """Whether somebody has stored it since this process listed the store; asks the store."""
        ...

    @property
    def done(self) -> bool:
        """Whether this process has stored it."""
        ...


Unit = TypeVar("Unit", bound=Work)


class UnitWorker(Protocol[Unit]):
    """An evaluator of units: `hardiness.engine.worker.Worker`, or what a simulation puts in its place."""

    def units(self) -> Iterator[Unit]:
        """Every unit with missing rows, as the store is listed now."""
        ...

    def left(self, every: Sequence[Unit]) -> list[Unit]:
        """The units that are not stored, by a new listing, in their order."""
        ...

    def run(self, given: Iterable[Unit], missing: int) -> None:
        """Evaluate units, taken one by one, and store them as they end."""
        ...


Ahead = Callable[[Iterator[Unit]], Generator[Unit, None, None]]


def one_ahead(units: Iterator[Unit]) -> Generator[Unit, None, None]:
    """Units in their order, each looked for on another thread while the one before it is evaluated."""
    with ThreadPoolExecutor(1, thread_name_prefix="next") as thread:
        coming = thread.submit(next, units, None)
        while (unit := coming.result()) is not None:
            coming = thread.submit(next, units, None)
            yield unit


def shared(workers: Sequence[UnitWorker[Unit]], share: Share, ahead: Ahead[Unit] = one_ahead) -> None:
    """Evaluate this process's part of the units, then, in a random order of its own, whatever nobody has stored.

    It ends when every unit is stored, by whomever. No process says what it is at work on, and none waits for another:
    one that dies or is slow costs the others nothing but its part. At the end two may do the same unit at the same
    time, which gives the same files twice. Where orders are random that is rare: in the simulation (docs/scale.md)
    orders that only begin in different places lose twice as much.

    Args:
        workers: one or more for each benchmark, in order.
        share: which part this process begins with.
        ahead: looks for the next unit of this process's own part while one is evaluated.
    """
    parts = []
    for worker in workers:
        units = list(worker.units())
        parts.append((worker, units))
        own = [unit for unit in units if share.owns(unit.index)]
        _evaluate(worker, ahead(unit for unit in own if not unit.stored), own)
    for worker, units in parts:
        remaining = worker.left([unit for unit in units if not unit.done])
        _evaluate(worker, _backlog(worker, Random(share.index).sample(remaining, len(remaining))), remaining)


def _backlog(worker: UnitWorker[Unit], remaining: list[Unit]) -> Generator[Unit, None, None]:
    """Those of some units that nobody has stored; the store is asked before each, and listed anew where it has one.

    A listing may be late: what the store was seen to have is not looked for again, whatever is listed.
    """
    while remaining:
        unit = remaining.pop(0)
        if unit.stored:
            remaining = worker.left(remaining)
        else:
            yield unit


def _evaluate(worker: UnitWorker[Unit], units: Generator[Unit, None, None], missing: Sequence[Unit]) -> None:
    """Evaluate units as they come; nothing begins where there is none."""
    with closing(units):
        if (first := next(units, None)) is not None:
            worker.run(chain([first], units), sum(unit.rows for unit in missing))

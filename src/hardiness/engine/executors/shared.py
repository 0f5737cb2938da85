"""Several processes that share nothing but the store: each does its part, then what is left of the others'."""

from __future__ import annotations

import math
import time
from collections.abc import Callable, Iterable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from itertools import chain
from typing import Protocol, TypeVar

from hardiness.core import Share
from hardiness.store import Leases
from hardiness.store.leases import deaths

LONGEST_REST_S = 5.0
"""Between two looks at what others are at work on."""

PATIENCE = 1.1
"""How many times as long as this process would take another may be at a unit before an idle one begins it too."""

LEAST_PATIENCE_S = 30.0
"""Units that are shorter are waited for."""


SUSPECT = 2
"""Deaths at a unit from which on it is done alone and last: anything may kill a process, but rarely twice there."""

MOST_DEATHS = 5
"""Deaths at a unit after which it is stored as failed: no process can catch its own crash in native code."""


class Work(Protocol):
    """What can be shared out: `hardiness.engine.units.Unit`, or one that a simulation makes up."""

    @property
    def name(self) -> str:
        """Equal for all processes that list the same store."""
        ...

    @property
    def rows(self) -> int:
        """What it costs, in image-conditions."""
        ...

    @property
    def stored(self) -> bool:
        """Whether somebody has stored it since this process listed the store."""
        ...

    @property
    def done(self) -> bool:
        """Whether this process has."""
        ...


Unit = TypeVar("Unit", bound=Work)


class Working(Protocol[Unit]):
    """Who evaluates: `hardiness.engine.worker.Worker`, or what a simulation puts in its place."""

    def units(self) -> Iterator[Unit]:
        """Every unit with missing rows, as the store is listed now."""
        ...

    def left(self, every: Iterable[Unit]) -> list[Unit]:
        """Those of the units that nobody has stored, as the store is listed now."""
        ...

    def run(self, given: Iterable[Unit], missing: int) -> None:
        """Evaluate units, taken one by one, and store them as they end."""
        ...

    def give_up(self, unit: Unit, reason: str) -> object:
        """Store the images of a unit as failed, for that reason."""
        ...


def shared(worker: Working[Unit], share: Share, leases: Leases, sleep: Callable[[float], object] = time.sleep) -> None:
    """Evaluate this process's part of the units, then whatever no process has stored or is at work on.

    It ends when every unit is stored, by whomever. A process that dies costs the others the wait for its lease to run
    out, a slow one nothing but its own share: whoever is idle begins its last units too. Work that is done twice gives
    the same file twice. A unit at which processes die again and again, as where a model crashes in native code, comes
    last and alone, and is at last stored as failed, so that everything else is evaluated.

    Args:
        worker: of one benchmark.
        share: which part this process begins with.
        leases: of the output folder.
        sleep: waits so many seconds.
    """
    every = list(worker.units())
    pace = Pace(leases.now)
    with leases.renewed():
        leases.look()
        _evaluate(worker, _unsuspected(part_of(every, share), leases), leases, pace)
        while left := worker.left(every):
            leases.look()
            usual = _unsuspected(from_own_end(left, share), leases)
            if not (_evaluate(worker, usual, leases, pace) or _one_suspect(worker, left, leases, pace)):
                waits = [leases.expires_in_s(unit.name) for unit in left]
                sleep(min(LONGEST_REST_S, max(0.05, min(waits))))


def _unsuspected(units: Sequence[Unit], leases: Leases) -> list[Unit]:
    return [unit for unit in units if deaths(leases, unit.name) < SUSPECT]


def _one_suspect(worker: Working[Unit], left: Sequence[Unit], leases: Leases, pace: Pace) -> bool:
    """Evaluate one unit at which processes have died, or give it up; whether there was one to be had."""
    suspects = [(count, unit) for unit in left if (count := deaths(leases, unit.name)) >= SUSPECT]
    for count, unit in sorted(suspects, key=lambda each: each[0]):
        if count < MOST_DEATHS:
            if _evaluate(worker, [unit], leases, pace):
                return True
        elif leases.take(unit.name):
            worker.give_up(unit, f"{count} processes ended while they evaluated it")
            leases.give_back(unit.name)
            return True
    return False


def part_of(every: Sequence[Unit], share: Share) -> list[Unit]:
    """The units that a share begins with: dealt out by falling cost, so that all parts cost about the same."""
    return sorted(every, key=lambda unit: -unit.rows)[share.index :: share.count]


def from_own_end(left: Sequence[Unit], share: Share) -> list[Unit]:
    """The units that are left by falling cost, each process beginning elsewhere: few try to take the same one."""
    ordered = sorted(left, key=lambda unit: -unit.rows)
    start = len(ordered) * share.index // share.count
    return [*ordered[start:], *ordered[:start]]


@dataclass
class Pace:
    """How long this process takes for a row.

    Attributes:
        now: a clock in seconds.
        seconds: spent on units so far.
        rows: of these.
    """

    now: Callable[[], float]
    seconds: float = 0.0
    rows: int = 0

    @contextmanager
    def timed(self, units: Sequence[Work]) -> Iterator[None]:
        """Within, units are evaluated; those that are done afterwards count."""
        begin, before = self.now(), sum(unit.rows for unit in units if unit.done)
        yield
        self.seconds += self.now() - begin
        self.rows += sum(unit.rows for unit in units if unit.done) - before

    def patience_s(self, unit: Work) -> float:
        """How long another may be at a unit; for ever where nothing was timed yet here."""
        expected_s = self.seconds / self.rows * unit.rows if self.rows else math.inf
        return max(LEAST_PATIENCE_S, PATIENCE * expected_s)


def _evaluate(worker: Working[Unit], wanted: Sequence[Unit], leases: Leases, pace: Pace) -> bool:
    """Evaluate those of the units that can be had; whether there was one."""
    units = _leased(wanted, leases, pace)
    first = next(units, None)
    if first is None:
        return False
    with pace.timed(wanted):
        worker.run(chain([first], units), sum(unit.rows for unit in wanted))
    return True


def _leased(wanted: Iterable[Unit], leases: Leases, pace: Pace) -> Iterator[Unit]:
    """The units that nobody else is at work on or has stored, each under a lease until it is done."""
    taken: list[Unit] = []
    for unit in wanted:
        for ended in [each for each in taken if each.done]:
            taken.remove(ended)
            leases.give_back(ended.name)
        if not leases.take(unit.name, pace.patience_s(unit)):
            continue
        if unit.stored:  # its last holder may have ended just before
            leases.give_back(unit.name)
            continue
        taken.append(unit)
        yield unit

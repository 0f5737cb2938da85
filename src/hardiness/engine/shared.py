"""Several processes that share nothing but the store: each does its part, then what is left of the others'."""

from __future__ import annotations

import math
import time
from collections.abc import Callable, Generator, Iterable, Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from contextlib import closing, contextmanager
from dataclasses import dataclass, field
from itertools import chain, islice
from typing import Generic, Protocol, TypeVar

from hardiness.core import Share
from hardiness.engine.worker import alone
from hardiness.store import Leases, deaths

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
    """What can be shared out: `hardiness.engine.plan.Unit`, or one that a simulation makes up."""

    @property
    def name(self) -> str:
        """Equal for all processes that list the same store."""
        ...

    @property
    def rows(self) -> int:
        """What it costs, in image-conditions."""
        ...

    @property
    def last(self) -> bool:
        """Whether it is kept for the end, when whoever is idle takes it: part of a unit, so that all end together."""
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

    def left(self, every: Sequence[Unit]) -> list[Unit]:
        """Those of the units that nobody has stored, as the store is listed now."""
        ...

    def run(self, given: Iterable[Unit], missing: int) -> None:
        """Evaluate units, taken one by one, and store them as they end."""
        ...

    def give_up(self, unit: Unit, reason: str) -> object:
        """Store the images of a unit as failed, for that reason."""
        ...


Ahead = Callable[[Iterator[Unit]], Generator[Unit, None, None]]


def one_ahead(units: Iterator[Unit]) -> Generator[Unit, None, None]:
    """The same units, each looked for on another thread while the one before it is evaluated."""
    with ThreadPoolExecutor(1, thread_name_prefix="next") as thread:
        coming = thread.submit(next, units, None)
        while (unit := coming.result()) is not None:
            coming = thread.submit(next, units, None)
            yield unit


def one_by_one(units: Iterator[Unit]) -> Generator[Unit, None, None]:
    """The same units, each looked for when the one before it has been handed on."""
    yield from units


def shared(
    workers: Sequence[Working[Unit]],
    share: Share,
    leases: Leases,
    sleep: Callable[[float], object] = time.sleep,
    ahead: Ahead[Unit] = one_ahead,
) -> None:
    """Evaluate this process's part of the units, then whatever no process has stored or is at work on.

    It ends when every unit is stored, by whomever. A process that dies costs the others the wait for its lease to run
    out, a slow one nothing but its own share: whoever is idle begins its last units too. Nobody waits at the end of one
    benchmark while there is something to do of another. Work that is done twice gives the same file twice. A unit at
    which processes die again and again, as where a model crashes in native code, comes last and alone, and is at last
    stored as failed, so that everything else is evaluated.

    Args:
        workers: one or more for each benchmark, in order.
        share: which part this process begins with.
        leases: of the output folder.
        sleep: waits so many seconds.
        ahead: looks for the next unit while one is evaluated.
    """
    parts = [_Part(worker, Taking(leases, Pace(leases.now))) for worker in workers]
    with leases.renewed():
        for part in parts:
            part.left = list(part.worker.units())
            leases.look(unit.name for unit in part.left)
            own = _unsuspected(part_of(part.left, share), leases)
            _evaluate(part.worker, own, ahead(part.taking.of(own)), part.taking)
            part.taking.give_back()
        while parts := [part for part in parts if part.lists_anew()]:
            stolen = [
                _evaluate(
                    part.worker, part.left, ahead(_stolen(part.worker, part.left, share, part.taking)), part.taking
                )
                for part in parts
            ]
            if any(stolen) or any(_one_suspect(part.worker, part.left, part.taking) for part in parts):
                continue
            waits = [leases.expires_in_s(unit.name) for part in parts for unit in part.left]
            sleep(min(LONGEST_REST_S, max(0.05, min(waits))))


@dataclass
class _Part(Generic[Unit]):
    """What is left of a worker's units, and what this process has taken of them; each has a pace of its own."""

    worker: Working[Unit]
    taking: Taking
    left: list[Unit] = field(default_factory=list)

    def lists_anew(self) -> bool:
        """Look what nobody has stored by now; whether there is something."""
        self.left = self.worker.left(self.left) if self.left else []
        return bool(self.left)


def _unsuspected(units: Sequence[Unit], leases: Leases) -> list[Unit]:
    return [unit for unit in units if deaths(leases, unit.name) < SUSPECT]


def _one_suspect(worker: Working[Unit], left: Sequence[Unit], taking: Taking) -> bool:
    """Evaluate one unit at which processes have died, or give it up; whether there was one to be had."""
    leases = taking.leases
    suspects = [(count, unit) for unit in left if (count := deaths(leases, unit.name)) >= SUSPECT]
    for count, unit in sorted(suspects, key=lambda each: each[0]):
        if count < MOST_DEATHS:
            if _evaluate(worker, [unit], one_by_one(taking.of([unit], overdue=True)), taking):
                return True
        elif leases.take(unit.name):
            worker.give_up(unit, f"{count} processes ended while they evaluated it")
            leases.give_back(unit.name)
            return True
    return False


def part_of(every: Sequence[Unit], share: Share) -> list[Unit]:
    """The units that a share begins with: dealt out by falling cost, so that all parts cost about the same."""
    return sorted((unit for unit in every if not unit.last), key=lambda unit: -unit.rows)[share.index :: share.count]


def from_own_end(left: Sequence[Unit], share: Share) -> list[Unit]:
    """The units that are left by falling cost, those for the end last, each process beginning elsewhere in both.

    So few try to take the same one.
    """
    ordered: list[Unit] = []
    for last in (False, True):
        alike = sorted((unit for unit in left if unit.last is last), key=lambda unit: -unit.rows)
        start = len(alike) * share.index // share.count
        ordered += [*alike[start:], *alike[:start]]
    return ordered


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


@dataclass
class Taking:
    """Units taken under leases, each until it is done."""

    leases: Leases
    pace: Pace
    taken: list[Work] = field(default_factory=list)

    def of(self, wanted: Iterable[Unit], overdue: bool = False) -> Iterator[Unit]:
        """Those that nobody else is at work on or has stored.

        It ends where the listing turns out to be old: another has taken or stored a unit since.

        Args:
            wanted: in order.
            overdue: whether those count too that another has been at work on for longer than they should take.
        """
        found = False
        for unit in wanted:
            self.give_back()
            patience_s = self.pace.patience_s(unit) if overdue else math.inf
            if unit.name in self.leases.held or self.leases.taken(unit.name, patience_s):
                continue
            if self.leases.take(unit.name, patience_s):
                if not unit.stored:
                    self.taken.append(unit)
                    found = True
                    yield unit
                    continue
                self.leases.give_back(unit.name)  # its last holder may have ended just before
            if found:
                return

    def begun(self, units: Iterable[Unit]) -> Iterator[Unit]:
        """The same units, each dated by the moment at which it is begun: it may have been taken long before."""
        for unit in units:
            self.leases.begin(unit.name)
            yield unit

    def give_back(self) -> None:
        """End the leases of what is done."""
        for ended in [unit for unit in self.taken if unit.done]:
            self.taken.remove(ended)
            self.leases.give_back(ended.name)


def _evaluate(
    worker: Working[Unit], wanted: Sequence[Unit], units: Generator[Unit, None, None], taking: Taking
) -> bool:
    """Evaluate units as they come; whether there was one."""
    with closing(units):
        first = next(units, None)
        if first is None:
            return False
        with taking.pace.timed(wanted):
            worker.run(taking.begun(chain([first], units)), sum(unit.rows for unit in wanted))
    return True


def _stolen(worker: Working[Unit], every: Sequence[Unit], share: Share, taking: Taking) -> Iterator[Unit]:
    """What is left of the units and nobody is at work on, listed anew whenever the listing is old.

    Only where there is none from the beginning, one that another should have ended by now.
    """
    left, first = list(every), True
    while left:
        taking.leases.look(unit.name for unit in left)
        ordered, found = _unsuspected(from_own_end(left, share), taking.leases), False
        for unit in taking.of(ordered):
            found = True
            yield unit
        if not found:
            yield from islice(taking.of(ordered, overdue=True), 1 if first else 0)
            return
        left, first = worker.left(left), False


__all__ = ["alone", "shared"]

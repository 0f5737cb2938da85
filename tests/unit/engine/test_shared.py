"""Units among processes that share only a store, without processes: workers that note what they were given."""

from __future__ import annotations

import time
from collections.abc import Iterable, Iterator
from contextlib import suppress
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import pytest

from hardiness.core import Share
from hardiness.engine.shared import LONGEST_REST_S, PATIENCE, from_own_end, part_of, shared
from hardiness.store import Leases
from hardiness.store.files import LocalFiles
from hardiness.store.leases import deaths


@dataclass(eq=False)
class Unit:
    name: str
    rows: int
    finished: set[str]
    done: bool = False
    last: bool = False

    @property
    def stored(self) -> bool:
        return self.name in self.finished


@dataclass
class Worker:
    sizes: tuple[int, ...]
    finished: set[str]
    did: list[str] = field(default_factory=list)
    fails_at: str = ""
    given_up: dict[str, str] = field(default_factory=dict)

    def units(self) -> Iterator[Unit]:
        return (Unit(f"u{index}", rows, self.finished) for index, rows in enumerate(self.sizes))

    def left(self, every: Iterable[Unit]) -> list[Unit]:
        return [unit for unit in every if unit.name not in self.finished]

    def run(self, given: Iterable[Unit], missing: int) -> None:
        for unit in given:
            if unit.name == self.fails_at:
                raise RuntimeError("killed")
            self.did.append(unit.name)
            self.finished.add(unit.name)
            unit.done = True

    def give_up(self, unit: Unit, reason: str) -> None:
        self.given_up[unit.name] = reason
        self.finished.add(unit.name)


class Died(BaseException):
    """What no process survives."""


def leases(folder: Path, holder: str) -> Leases:
    return Leases(LocalFiles(folder), holder=holder)


def test_parts_cost_about_the_same_and_cover_everything() -> None:
    units = [Unit(f"u{rows}", rows, set()) for rows in (1, 9, 5, 5, 7, 3, 2, 8)]
    parts = [part_of(units, Share(i, 3)) for i in range(3)]
    assert sorted(unit.name for part in parts for unit in part) == sorted(unit.name for unit in units)
    assert [[unit.rows for unit in part] for part in parts] == [[9, 5, 2], [8, 5, 1], [7, 3]]


def test_processes_take_what_is_left_from_ends_of_their_own() -> None:
    units = [Unit(f"u{rows}", rows, set()) for rows in (1, 2, 3, 4)]
    firsts = [from_own_end(units, Share(i, 2)) for i in range(2)]
    assert [[unit.rows for unit in order] for order in firsts] == [[4, 3, 2, 1], [2, 1, 4, 3]]
    units[3].last = units[2].last = True
    firsts = [from_own_end(units, Share(i, 2)) for i in range(2)]
    assert [[unit.rows for unit in order] for order in firsts] == [[2, 1, 4, 3], [1, 2, 3, 4]], "pieces last"


def test_a_worker_does_its_part_then_everything_that_nobody_holds(tmp_path: Path) -> None:
    worker = Worker((1, 2, 3, 4), set())
    shared([worker], Share(1, 2), leases(tmp_path, "a"))
    assert worker.did == ["u2", "u0", "u1", "u3"]
    assert not list(tmp_path.glob(".leases/*")), "leases are given back"


def test_what_another_holds_is_waited_for_and_then_done(tmp_path: Path) -> None:
    other, worker, rests = leases(tmp_path, "other"), Worker((1, 1), set()), []
    assert other.take("u1")

    def sleep(seconds: float) -> None:
        rests.append(seconds)
        other.give_back("u1")
        other.renew()

    shared([worker], Share(0, 1), leases(tmp_path, "a"), sleep)
    assert worker.did == ["u0", "u1"]
    assert len(rests) == 1


def test_what_another_has_stored_meanwhile_is_not_done_again(tmp_path: Path) -> None:
    finished: set[str] = set()
    worker = Worker((1, 1, 1), finished)
    run = worker.run

    def beside(given: Iterable[Unit], missing: int) -> None:
        def units() -> Iterator[Unit]:
            for unit in given:
                finished.add("u2")  # by another, which had no lease
                yield unit

        run(units(), missing)

    worker.run = beside  # type: ignore[method-assign]
    shared([worker], Share(0, 1), leases(tmp_path, "a"))
    assert worker.did == ["u0", "u1"]


def test_a_worker_that_fails_leaves_no_lease_behind(tmp_path: Path) -> None:
    worker = Worker((1, 1), set(), fails_at="u1")
    with pytest.raises(RuntimeError, match="killed"):
        shared([worker], Share(0, 1), leases(tmp_path, "a"))
    assert not list(tmp_path.glob(".leases/*"))


def test_the_next_benchmark_is_evaluated_while_another_process_ends_the_first(tmp_path: Path) -> None:
    slow, first, second, rests = leases(tmp_path, "slow"), Worker((1, 1), set()), Worker((2, 2), set()), []
    second.units = lambda: (Unit(f"v{i}", 2, second.finished) for i in range(2))  # type: ignore[method-assign]
    assert slow.take("u1")

    def sleep(seconds: float) -> None:
        rests.append(list(second.did))
        slow.give_back("u1")
        slow.renew()

    shared([first, second], Share(0, 1), leases(tmp_path, "a"), sleep)
    assert rests == [["v0", "v1"]], "it waits once, and when nothing else is left"
    assert (first.did, second.did) == (["u0", "u1"], ["v0", "v1"])


def test_an_idle_worker_begins_what_a_slow_one_does_not_end(tmp_path: Path) -> None:
    """The other one is alive: it renews its lease, and takes ten times as long."""
    clock = [1000.0]
    slow = Leases(LocalFiles(tmp_path), holder="slow", now=lambda: clock[0])
    idle = Leases(LocalFiles(tmp_path), holder="idle", now=lambda: clock[0])
    worker = Worker((1, 1), set())
    run = worker.run

    def timed(given: Iterable[Unit], missing: int) -> None:
        def units() -> Iterator[Unit]:
            for unit in given:
                clock[0] += 100.0
                yield unit

        run(units(), missing)

    def sleep(seconds: float) -> None:
        clock[0] += seconds
        assert clock[0] < 2000.0, "it waits for ever"
        slow.renew()

    worker.run = timed  # type: ignore[method-assign]
    assert slow.take("u1")
    shared([worker], Share(0, 2), idle, sleep)
    assert worker.did == ["u0", "u1"]
    waited = clock[0] - 1000.0 - 200.0
    assert waited + 100.0 == pytest.approx(PATIENCE * 100.0, abs=LONGEST_REST_S), "not before it is overdue"


def test_a_unit_at_which_processes_die_comes_last_and_is_given_up_at_last(tmp_path: Path) -> None:
    """A pod that is started again and again: each life ends at the unit, and leaves the leases it has behind."""
    finished: set[str] = set()
    lives: list[Worker] = []
    while "u1" not in finished:
        mine, worker = leases(tmp_path, "process 1 of the pod"), Worker((3, 9, 5, 7), finished)
        run = worker.run

        def until_death(given: Iterable[Unit], missing: int, mine: Leases = mine, run: Any = run) -> None:
            for unit in list(given):  # all are taken before the first is done, as decoding does
                if unit.name == "u1":
                    mine.held.clear()
                    raise Died
                run([unit], unit.rows)
                mine.give_back(unit.name)

        worker.run = until_death  # type: ignore[method-assign]
        lives.append(worker)
        with suppress(Died):
            shared([worker], Share(0, 1), mine)
        assert len(lives) < 20
    assert [each.did for each in lives] == [[], [], ["u0"], ["u2", "u3"], [], []]
    assert lives[-1].given_up == {"u1": "5 processes ended while they evaluated it"}
    assert not list(tmp_path.glob(".leases/u*"))


def test_a_unit_that_is_given_back_or_overdue_has_seen_no_death(tmp_path: Path) -> None:
    first, second = leases(tmp_path, "a"), leases(tmp_path, "b")
    for _ in range(3):
        assert first.take("unit")
        first.give_back("unit")
    assert first.take("unit")
    assert second.take("unit", patience_s=-1.0), "the first is alive, and slow"
    second.look(["unit"])
    assert deaths(second, "unit") == 0
    assert deaths(leases(tmp_path, "c"), "another") == 0


def test_free_units_go_before_overdue_ones_and_pieces_are_kept_for_the_end(tmp_path: Path) -> None:
    clock = [1000.0]
    slow = Leases(LocalFiles(tmp_path), holder="slow", length_s=1e6, now=lambda: clock[0])
    idle = Leases(LocalFiles(tmp_path), holder="idle", length_s=1e6, now=lambda: clock[0])
    worker = Worker((2, 2, 2, 1, 1), set())
    made = list(worker.units())
    for piece in made[3:]:
        piece.last = True
    worker.units = lambda: iter(made)  # type: ignore[method-assign]
    worker.left = lambda every: [unit for unit in every if unit.name not in worker.finished]  # type: ignore[method-assign]
    run = worker.run

    def timed(given: Iterable[Unit], missing: int) -> None:
        def units() -> Iterator[Unit]:
            for unit in given:
                clock[0] += 100.0 * unit.rows
                yield unit

        run(units(), missing)

    worker.run = timed  # type: ignore[method-assign]
    assert slow.take("u1")
    clock[0] += 1e4  # long overdue
    shared([worker], Share(0, 2), idle)
    assert worker.did == ["u0", "u2", "u3", "u4", "u1"]


def test_no_two_units_that_are_overdue_are_held_at_a_time(tmp_path: Path) -> None:
    """Whoever is idle may begin what another should have ended, but must not keep a second one waiting."""
    clock, held = [1000.0], []
    slow = Leases(LocalFiles(tmp_path), holder="slow", length_s=1e6, now=lambda: clock[0])
    idle = Leases(LocalFiles(tmp_path), holder="idle", length_s=1e6, now=lambda: clock[0])
    worker = Worker((1, 1, 1), set())
    run = worker.run

    def timed(given: Iterable[Unit], missing: int) -> None:
        def units() -> Iterator[Unit]:
            for unit in given:
                clock[0] += 100.0
                time.sleep(0.05)  # whoever looks ahead has the time to take another
                held.append({name for name in idle.held if name.startswith("u")})
                yield unit

        run(units(), missing)

    worker.run = timed  # type: ignore[method-assign]
    assert slow.take("u1")
    assert slow.take("u2")
    clock[0] += 1e4
    shared([worker], Share(0, 3), idle)
    assert worker.did == ["u0", "u1", "u2"]
    assert held == [{"u0"}, {"u1"}, {"u2"}]


def test_the_next_unit_is_taken_while_one_is_evaluated_and_dated_when_it_is_begun(tmp_path: Path) -> None:
    clock, dates = [1000.0], []
    mine = Leases(LocalFiles(tmp_path), holder="mine", now=lambda: clock[0])
    worker, run = Worker((1, 1, 1), set()), Worker.run

    def looking(given: Iterable[Unit], missing: int) -> None:
        def units() -> Iterator[Unit]:
            for unit in given:
                following = f"u{int(unit.name[1]) + 1}"
                end = time.monotonic() + 20
                while following != "u3" and following not in mine.held:
                    assert time.monotonic() < end, f"{following} is not taken while {unit.name} is evaluated"
                    time.sleep(0.001)
                clock[0] += 100.0
                dates.append(mine.held[unit.name]["since"])
                yield unit

        run(worker, units(), missing)

    worker.run = looking  # type: ignore[method-assign]
    shared([worker], Share(0, 1), mine)
    assert worker.did == ["u0", "u1", "u2"]
    assert dates == [1000.0, 1100.0, 1200.0]

"""Units among processes that share only a store, without processes: workers that note what they were given."""

from __future__ import annotations

import threading
from collections.abc import Iterable, Iterator
from dataclasses import dataclass, field

import pytest

from hardiness.core.request import Share
from hardiness.engine.shared import shared


@dataclass(eq=False)
class Unit:
    index: int
    finished: set[int]
    asked: list[int]
    rows: int = 1
    done: bool = False

    @property
    def stored(self) -> bool:
        self.asked.append(self.index)
        return self.index in self.finished


@dataclass
class Worker:
    """Evaluates so many units; ``late`` are never listed, though they are stored."""

    count: int
    finished: set[int] = field(default_factory=set)
    late: frozenset[int] = frozenset()
    did: list[int] = field(default_factory=list)
    asked: list[int] = field(default_factory=list)
    lists: int = 0
    fails_at: int = -1

    def units(self) -> Iterator[Unit]:
        return iter(self.left([Unit(index, self.finished, self.asked) for index in range(self.count)]))

    def left(self, every: Iterable[Unit]) -> list[Unit]:
        self.lists += 1
        return [unit for unit in every if unit.index not in self.finished - self.late]

    def run(self, given: Iterable[Unit], missing: int) -> None:
        for unit in given:
            if unit.index == self.fails_at:
                raise RuntimeError("out of memory")
            self.did.append(unit.index)
            self.finished.add(unit.index)
            unit.done = True


def test_a_process_does_its_part_in_order_and_then_everything_else() -> None:
    worker = Worker(12)
    shared([worker], Share(1, 3))
    assert worker.did[:4] == [1, 4, 7, 10]
    assert sorted(worker.did) == list(range(12)), "each once"


def test_what_is_left_is_done_in_an_order_of_each_process_its_own() -> None:
    orders = []
    for index in range(8):
        worker = Worker(80)
        shared([worker], Share(index, 8))
        orders.append(worker.did[10:])
        again = Worker(80)
        shared([again], Share(index, 8))
        assert again.did == worker.did
    firsts = [order[0] for order in orders]
    assert len(set(firsts)) > 5, "few begin with the same unit"
    assert all(order != sorted(order) for order in orders)


@pytest.mark.parametrize("stored", [2, 5], ids=["of its own part", "of what is left"])
def test_what_another_stores_meanwhile_is_not_done_again(stored: int) -> None:
    worker = Worker(6)
    run = worker.run

    def beside(given: Iterable[Unit], missing: int) -> None:
        def units() -> Iterator[Unit]:
            for unit in given:
                yield unit
                worker.finished.add(stored)  # by another

        run(units(), missing)

    worker.run = beside  # type: ignore[method-assign]
    shared([worker], Share(0, 3), ahead=lambda units: (unit for unit in units))
    assert sorted(worker.did) == [index for index in range(6) if index != stored]


def test_where_the_store_has_a_unit_it_is_listed_anew_and_not_asked_for_each() -> None:
    """As at the end, when others have done nearly everything since the last listing."""
    worker = Worker(1000, set(range(0, 1000, 2)))  # its own part is there
    run = worker.run

    def beside(given: Iterable[Unit], missing: int) -> None:
        def units() -> Iterator[Unit]:
            for unit in given:
                yield unit
                worker.finished |= set(range(900))

        run(units(), missing)

    worker.run = beside  # type: ignore[method-assign]
    shared([worker], Share(0, 2))
    assert len(worker.did) in (50, 51)
    assert len(worker.asked) < 60
    assert worker.lists < 6


def test_a_store_that_lists_late_ends_and_nothing_is_done_twice() -> None:
    worker = Worker(12, late=frozenset(range(12)))
    worker.finished |= {2, 3, 4}
    shared([worker], Share(0, 2))
    assert sorted(worker.did) == [0, 1, *range(5, 12)]


def test_own_parts_of_all_benchmarks_go_before_what_others_left_of_the_first() -> None:
    did: list[tuple[str, int]] = []

    class Noting(Worker):
        name = ""

        def run(self, given: Iterable[Unit], missing: int) -> None:
            def noted() -> Iterator[Unit]:
                for unit in given:
                    did.append((self.name, unit.index))
                    yield unit

            super().run(noted(), missing)

    first, second = Noting(4), Noting(4)
    first.name, second.name = "a", "b"
    shared([first, second], Share(0, 2))
    assert did[:4] == [("a", 0), ("a", 2), ("b", 0), ("b", 2)]
    assert sorted(did) == [(name, index) for name in "ab" for index in range(4)]


def test_nothing_begins_where_nothing_is_missing() -> None:
    worker = Worker(4, {0, 1, 2, 3})
    begun = []
    worker.run = lambda given, missing: begun.append(missing)  # type: ignore[method-assign]
    shared([worker], Share(0, 2))
    assert begun == []


def test_an_error_of_a_worker_is_raised_and_no_thread_is_left() -> None:
    worker = Worker(6, fails_at=2)
    with pytest.raises(RuntimeError, match="out of memory"):
        shared([worker], Share(0, 2))
    assert worker.did == [0]
    assert not any(thread.name.startswith("next") for thread in threading.enumerate())


def test_the_next_unit_of_its_part_is_looked_for_while_one_is_evaluated() -> None:
    worker, looked = Worker(3), [threading.Event() for _ in range(3)]

    class Watched(Unit):
        @property
        def stored(self) -> bool:
            looked[self.index].set()
            return False

    worker.units = lambda: (Watched(index, worker.finished, []) for index in range(3))  # type: ignore[method-assign]
    run = worker.run

    def looking(given: Iterable[Unit], missing: int) -> None:
        def units() -> Iterator[Unit]:
            for unit in given:
                if unit.index < 2:
                    assert looked[unit.index + 1].wait(20), f"{unit.index + 1} is not looked for meanwhile"
                yield unit

        run(units(), missing)

    worker.run = looking  # type: ignore[method-assign]
    shared([worker], Share(0, 1))
    assert worker.did == [0, 1, 2]

"""The driver's loop on a Ray that a test plays: actors that die, refuse, cannot be sent, or never come."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field
from types import SimpleNamespace
from typing import Any

import pytest

from hardiness.benchmarks.options import registry
from hardiness.core.progress import Silence
from hardiness.engine import ray as ray_driver
from hardiness.engine.ray import Driver
from hardiness.engine.ray_actor import ActorRefusal, ActorReport, Errand, UnitOutcome
from hardiness.engine.ray_cluster import Cluster, Connection

UNITS = {f"0-{index:06d}": 10 for index in range(6)}
DONE = UnitOutcome(stored=("key",))


class RayError(Exception):
    """Of any kind."""


class RayActorError(RayError):
    """An actor has died."""


@dataclass(eq=False)
class Call:
    """What an actor was asked, in the order in which it answers."""

    actor: Actor
    method: str
    arguments: tuple[Any, ...]
    answer: Any = None
    answered: bool = False


@dataclass(eq=False)
class Actor:
    """Answers its calls one by one, as ``script`` says; may die at one."""

    script: Callable[[Call], Any]
    number: int
    errand: Errand
    calls: list[Call] = field(default_factory=list)
    dead: bool = False

    def __getattr__(self, method: str) -> Any:
        def remote(*arguments: Any) -> Call:
            self.calls.append(Call(self, method, arguments))
            return self.calls[-1]

        return SimpleNamespace(remote=remote)

    def step(self) -> Call | None:
        """Work on the oldest call; ``None`` where there is none, or the actor never comes."""
        waiting = [call for call in self.calls if not call.answered]
        if not waiting:
            return None
        call = waiting[0]
        call.answer = self.script(call)
        if call.answer is NotImplemented:
            return None
        if isinstance(call.answer, RayActorError):
            self.dead = True
            for other in waiting:
                other.answer, other.answered = call.answer, True
        call.answered = True
        return call


class PlayedRay:
    """As much of the module as the driver uses."""

    exceptions = SimpleNamespace(RayError=RayError, RayActorError=RayActorError)

    def __init__(self, script: Callable[[Call], Any], sending: Exception | None = None) -> None:
        self.script, self.sending = script, sending
        self.actors: list[Actor] = []
        self.killed: list[Actor] = []

    def remote(self, kind: type) -> Any:
        return self

    def options(self, **given: Any) -> Any:
        def remote(*arguments: Any) -> Actor:
            if self.sending:
                raise self.sending
            self.actors.append(Actor(self.script, len(self.actors), arguments[0]))
            return self.actors[-1]

        return SimpleNamespace(remote=remote)

    def wait(self, calls: list[Call], num_returns: int, timeout: float | None) -> tuple[list[Call], list[Call]]:
        done = [call for call in calls if call.answered]
        while not done:
            steps = [actor.step() for actor in self.actors if not actor.dead]
            done = [call for call in calls if call.answered]
            if not done and not any(steps):
                assert timeout is not None, "nothing would ever happen"
                return [], calls
        return done[:1], [call for call in calls if call is not done[0]]

    def get(self, call: Call) -> Any:
        assert call.answered
        if isinstance(call.answer, Exception):
            raise call.answer
        return call.answer

    def kill(self, actor: Actor, no_restart: bool) -> None:
        self.killed.append(actor)
        actor.dead = True
        for call in actor.calls:
            if not call.answered:
                call.answer, call.answered = RayActorError("killed"), True


class Heard(Silence):
    """What a person would see of the progress."""

    def __init__(self) -> None:
        self.told: list[Any] = []

    def begin(self, benchmark: str, total: int, stored: int) -> None:
        self.told.append((benchmark, total, stored))

    def advance(self, rows: int) -> None:
        self.told.append(rows)


def driver(ray: PlayedRay, slots: int = 2, listener: Any = None) -> Driver:
    evaluation: Any = SimpleNamespace(benchmark=SimpleNamespace(name="b"))
    return Driver(Connection(ray, slots, {"CPU": 1.0}), Errand(("m",), {}, (evaluation,), "out"), listener or Silence())


def answers(call: Call) -> Any:
    """An actor to which nothing happens."""
    return ActorReport(("key",), UNITS, 80, ()) if call.method == "ready" else DONE


def evaluated(ray: PlayedRay) -> list[str]:
    return sorted(
        call.arguments[0]
        for actor in ray.actors
        for call in actor.calls
        if call.method == "evaluate" and call.answer == DONE
    )


def test_every_unit_is_done_once_and_progress_is_that_of_one_process() -> None:
    ray, heard = PlayedRay(answers), Heard()
    found = driver(ray, listener=heard).run()
    assert (found.keys, found.problems) == (("key",), ())
    assert sorted({*evaluated(ray)}) == sorted(UNITS)
    assert len(evaluated(ray)) <= len(UNITS) + 1, "at the end the idle one does what the other has begun"
    assert heard.told == [("b", 80, 20), *[10] * 6], "and a unit counts once"
    assert [actor.calls[-1].method for actor in ray.actors] == ["leave", "leave"], "how it was computed is written once"


@pytest.mark.parametrize(
    ("rows", "held"), [(ray_driver.AHEAD_ROWS, ray_driver.IN_FLIGHT), (100, 6), (1, ray_driver.MOST_IN_FLIGHT)]
)
def test_an_actor_has_two_units_or_as_many_small_ones_as_keep_it_busy(rows: int, held: int) -> None:
    most, units = 0, {f"0-{index:06d}": rows for index in range(30)}

    def counting(call: Call) -> Any:
        nonlocal most
        most = max(most, sum(not each.answered for each in call.actor.calls))
        return ActorReport(("key",), units, 30 * rows, ()) if call.method == "ready" else DONE

    driver(PlayedRay(counting)).run()
    assert most == held


def test_few_units_are_shared_out_evenly() -> None:
    ray = PlayedRay(answers)
    driver(ray).run()
    counts = [sum(call.method == "evaluate" for call in actor.calls) for actor in ray.actors]
    assert max(counts) <= 4, counts


def answered(actor: Actor) -> int:
    return sum(call.answered for call in actor.calls)


def raising(once: Callable[[Call], bool], line: str = "m on b: RuntimeError: boom") -> Callable[[Call], Any]:
    """Actors at which a model raises at some units; from then on it raises at all of them, as it is left out there."""
    broken: set[int] = set()

    def script(call: Call) -> Any:
        if call.method != "evaluate" or call.actor.errand.without:
            return ("n01/a", "n02/b") if call.method == "give_up" else answers(call)
        if call.actor.number in broken or once(call):
            broken.add(call.actor.number)
            return UnitOutcome(raised={"key": line})
        return DONE

    return script


def test_an_actor_whose_model_raised_is_replaced_and_its_units_are_done_by_another() -> None:
    ray, heard = PlayedRay(raising(lambda call: call.actor.number == 0 and answered(call.actor) > 1)), Heard()
    found = driver(ray, 1, heard).run()
    assert found.problems == ()
    assert evaluated(ray) == sorted(UNITS)
    assert ray.killed[0] is ray.actors[0]
    assert len(ray.actors) == 2
    assert heard.told == [("b", 80, 20), *[10] * 6], "a unit counts once, when it is stored"


@pytest.mark.parametrize("slots", [1, 2])
def test_a_unit_at_which_a_model_always_raises_is_tried_three_times_and_told_with_its_images(slots: int) -> None:
    bad = "0-000003"
    ray = PlayedRay(raising(lambda call: call.arguments == (bad,)))
    found = driver(ray, slots).run()
    assert evaluated(ray) == sorted(set(UNITS) - {bad})
    assert found.problems == (
        f"unit {bad} was given up: its actor ended 3 times at it (m on b: RuntimeError: boom); its images: n01/a, "
        "n02/b",
    )


@pytest.mark.parametrize("slots", [1, 2])
def test_a_model_that_raises_at_everything_is_given_up_after_three_units(slots: int) -> None:
    ray = PlayedRay(raising(lambda call: True))
    found = driver(ray, slots).run()
    assert found.problems == ("m on b: RuntimeError: boom",)
    assert len(ray.actors) <= ray_driver.ATTEMPTS + 2 * slots
    assert ray.actors[-1].errand.without == {"key"}


def test_a_model_that_begins_to_raise_at_everything_ends_the_run() -> None:
    """As on a machine whose only GPU dies: units are left, and not all are tried by three actors each."""
    ray = PlayedRay(raising(lambda call: call.actor.number > 0 or answered(call.actor) > 1))
    found = driver(ray, 1).run()
    (problem, *_) = [line for line in found.problems if "units are left" in line]
    assert "(m on b: RuntimeError: boom)" in problem
    assert len(ray.actors) < 3 * len(UNITS)


def test_a_full_disk_at_one_actor_costs_no_unit() -> None:
    def full(call: Call) -> Any:
        return (
            UnitOutcome(broken="node-1: disk full")
            if call.method == "evaluate" and call.actor.number == 0
            else answers(call)
        )

    ray = PlayedRay(full)
    assert driver(ray).run().problems == ()
    assert evaluated(ray) == sorted(UNITS)


def test_the_next_benchmark_s_units_are_handed_out_while_a_slow_actor_ends_the_first() -> None:
    units = {**{f"0-{index:06d}": 600 for index in range(3)}, **{f"1-{index:06d}": 600 for index in range(9)}}
    order: list[tuple[int, str]] = []

    def slow(call: Call) -> Any:
        if call.method == "ready":
            return ActorReport(("a", "b"), units, 7200, ())
        if call.actor.number == 0 and len(order) < 6:
            return NotImplemented  # still at its first unit
        order.append((call.actor.number, *call.arguments))
        return DONE

    found = driver(PlayedRay(slow)).run()
    assert found.problems == ()
    assert [name[0] for actor, name in order[:6] if actor == 1].count("1") >= 4


@pytest.mark.parametrize("ends", [True, False], ids=["the slow one ends", "the slow one dies"])
def test_at_the_end_no_slow_actor_is_waited_for(ends: bool) -> None:
    """It has two units, one of which it has not begun; the others do both."""

    def slow(call: Call) -> Any:
        if call.method != "evaluate" or call.actor.number != 0:
            return answers(call)
        others = {each.arguments for actor in ray.actors[1:] for each in actor.calls if each.answer == DONE}
        return (DONE if ends else RayActorError("it died")) if len(others) == len(UNITS) else NotImplemented

    ray, heard = PlayedRay(slow), Heard()
    found = driver(ray, listener=heard).run()
    assert found.problems == ()
    assert sorted({*evaluated(ray)}) == sorted(UNITS)
    assert heard.told == [("b", 80, 20), *[10] * 6], "a unit counts once"
    assert {actor.errand.listed for actor in ray.actors[:2]} == {False}
    assert all(actor.errand.listed for actor in ray.actors[2:])


def test_a_unit_that_kills_two_actors_at_a_time_is_given_up_after_three() -> None:
    bad, deaths = "0-000005", []

    def crashing(call: Call) -> Any:
        if call.method == "give_up":
            return ("n01/a",)
        if call.arguments != (bad,):
            return answers(call)
        deaths.append(call.actor.number)
        return RayActorError("it died")

    ray = PlayedRay(crashing)
    found = driver(ray, 3).run()
    (problem,) = found.problems
    assert problem == f"unit {bad} was given up: its actor ended 3 times at it (it died); its images: n01/a"
    assert len(deaths) == ray_driver.ATTEMPTS
    assert sorted({*evaluated(ray)}) == sorted(set(UNITS) - {bad})


def test_an_actor_that_is_started_later_reads_no_stored_file_before_its_unit_is_handed_out() -> None:
    def killed(call: Call) -> Any:
        third = call.method == "evaluate" and call.actor.number == 0 and len(call.actor.calls) >= 3
        return RayActorError("killed") if third else answers(call)

    ray = PlayedRay(killed)
    assert driver(ray, 1).run().problems == ()
    assert [actor.errand.listed for actor in ray.actors] == [False, True]


def test_two_actors_that_are_killed_cost_no_unit() -> None:
    def killed(call: Call) -> Any:
        third = call.method == "evaluate" and call.actor.number < 2 and len(call.actor.calls) >= 3
        return RayActorError("killed") if third else answers(call)

    ray = PlayedRay(killed)
    found = driver(ray).run()
    assert found.problems == ()
    assert evaluated(ray) == sorted(UNITS)
    assert len(ray.actors) == 4, "each is replaced"


@pytest.mark.parametrize("slots", [1, 2])
def test_a_unit_that_always_crashes_is_tried_three_times_and_told_with_its_images(slots: int) -> None:
    bad, deaths = "0-000003", 0

    def crashing(call: Call) -> Any:
        nonlocal deaths
        if call.method == "give_up":
            return ("n01/a", "n02/b")
        if call.arguments != (bad,):
            return answers(call)
        deaths += 1
        return RayActorError("it died")

    ray = PlayedRay(crashing)
    found = driver(ray, slots).run()
    assert evaluated(ray) == sorted(set(UNITS) - {bad})
    (problem,) = found.problems
    assert problem == f"unit {bad} was given up: its actor ended 3 times at it (it died); its images: n01/a, n02/b"
    assert deaths == ray_driver.ATTEMPTS


def test_only_the_oldest_unit_of_a_dead_actor_counts_as_tried() -> None:
    innocent = "0-000001"
    deaths = 0

    def dying(call: Call) -> Any:
        nonlocal deaths
        if call.method == "evaluate" and call.arguments[0] != innocent and deaths < 5:
            deaths += 1
            return RayActorError("preempted")
        return answers(call)

    ray = PlayedRay(dying)
    found = driver(ray, 1).run()
    assert found.problems == ()
    assert evaluated(ray) == sorted(UNITS)


def test_what_cannot_be_sent_is_one_line() -> None:
    found = driver(PlayedRay(answers, TypeError("cannot pickle '_thread.lock' object\nmore"))).run()
    assert found.problems == ("what is to be evaluated cannot be sent to actors: cannot pickle '_thread.lock' object",)


def test_an_actor_that_is_unfit_is_left_out_and_the_others_do_everything() -> None:
    def unfit(call: Call) -> Any:
        if call.method == "ready" and call.actor.number == 0:
            return ActorRefusal("node-7 runs hardiness 0.2, and the driver 0.1")
        return answers(call)

    ray = PlayedRay(unfit)
    found = driver(ray).run()
    assert found.problems == ()
    assert found.remarks == ("node-7 runs hardiness 0.2, and the driver 0.1",)
    assert evaluated(ray) == sorted(UNITS)


def test_where_all_are_unfit_that_is_the_problem() -> None:
    found = driver(PlayedRay(lambda call: ActorRefusal("no data here"))).run()
    assert found.problems == ("no data here",)
    assert found.keys == ()


def test_a_cluster_that_shrinks_is_waited_for_only_while_nobody_works() -> None:
    """One of two actors dies, and its successor finds no room: the other one does the rest."""

    def shrinking(call: Call) -> Any:
        if call.actor.number >= 2:
            return NotImplemented
        if call.method == "evaluate" and call.actor.number == 1:
            return RayActorError("node was removed")
        return answers(call)

    ray = PlayedRay(shrinking)
    found = driver(ray).run()
    assert found.problems == ()
    assert evaluated(ray) == sorted(UNITS)


def test_a_cluster_without_room_is_told(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(ray_driver, "LOAD_TIMEOUT_S", 60.0)
    found = driver(PlayedRay(lambda call: NotImplemented)).run()
    assert found.problems == ("no actor was ready within 60 s: has the cluster room for CPU=1?",)


def test_actors_that_die_while_they_load_end_the_run() -> None:
    ray = PlayedRay(lambda call: RayActorError("out of memory"))
    found = driver(ray).run()
    assert found.problems[-1] == "no actor could begin: out of memory"
    assert len(ray.actors) == 6


def test_a_command_that_is_stopped_has_its_actors_store_what_is_finished(monkeypatch: pytest.MonkeyPatch) -> None:
    def script(call: Call) -> Any:
        return None if call.method == "stop" else answers(call)

    ray = PlayedRay(script)
    waits = ray.wait
    monkeypatch.setattr(ray_driver, "connect", lambda *args, **kwargs: Connection(ray, 2, {"CPU": 1.0}))

    def interrupted(calls: list[Call], num_returns: int, timeout: float | None) -> Any:
        if any(call.method == "evaluate" for call in calls):
            raise KeyboardInterrupt
        return waits(calls, num_returns, timeout)

    monkeypatch.setattr(ray, "wait", interrupted)
    evaluation: Any = SimpleNamespace(benchmark=registry.get("imagenet-val")())
    errand = Errand(("m",), {"device": "cpu"}, (evaluation,), "out")
    with pytest.raises(KeyboardInterrupt):
        ray_driver.on_ray(errand, Cluster(), Silence())
    assert [call.method for call in ray.actors[0].calls][-1] == "stop"
    assert ray.killed, "and then they end"

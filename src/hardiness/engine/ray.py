"""The driver of actors on a Ray cluster: it hands out units by name, and takes back which rows are stored.

What Ray does of it by its own means, and why not more, stands in `docs/decisions/ray.md`.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import replace
from typing import Any

from hardiness.core.progress import Listener
from hardiness.engine.evaluation import EvaluationOutcome
from hardiness.engine.provenance import package_version
from hardiness.engine.ray_actor import ActorRefusal, Errand, UnitActor, UnitOutcome
from hardiness.engine.ray_cluster import Cluster, Connection, connect, error_line
from hardiness.engine.unit_ledger import ATTEMPTS, UnitLedger

IN_FLIGHT, AHEAD_ROWS, MOST_IN_FLIGHT = 2, 512, 8
"""Units handed to one actor at a time: one it works on, and the next, which it decodes meanwhile; small ones until
they have so many rows together."""

FRUITLESS = 2
"""Units beyond the slots at which actors are replaced three times each, while nothing is evaluated."""

LOAD_TIMEOUT_S = 1800.0
"""How long no actor may be there before the run is given up: a cluster that grows needs minutes for a machine."""

LEAVE_TIMEOUT_S = 60.0
"""How long an actor may take to write how it computed."""

STOP_TIMEOUT_S = 10.0
"""How long an actor may take to store what is finished where the command is stopped: a batch and its file."""


def on_ray(errand: Errand, cluster: Cluster, listener: Listener) -> EvaluationOutcome:
    """Evaluate an errand's missing units by actors of a cluster.

    Raises:
        ModelError: Ray is not installed, or the cluster is not there.
    """
    connection = connect(cluster, on_gpus=str(errand.placing["device"]) != "cpu")
    if connection.dashboard:
        listener.note(f"Ray's dashboard: http://{connection.dashboard.removeprefix('http://')}")
    driver = Driver(connection, replace(errand, version=package_version()), listener)
    try:
        return driver.run()
    except KeyboardInterrupt:
        driver.stop()
        raise
    finally:
        driver.close()


class Driver:
    """The loop that hands units out and takes them back.

    An actor is *loading* until it has answered; then its calls are in `_flying`, oldest first.
    """

    def __init__(self, connection: Connection, errand: Errand, listener: Listener) -> None:
        self._ray, self._slots, self._resources = connection.ray, connection.slots, connection.resources
        self._errand = errand
        names = [evaluation.benchmark.name for evaluation in errand.evaluations]
        self._ledger = UnitLedger(names[0] if len(names) == 1 else f"{len(names)} benchmarks", listener)
        self._loading: dict[Any, Any] = {}
        self._actors: list[Any] = []
        self._flying: dict[Any, tuple[Any, str]] = {}
        self._starts_left = ATTEMPTS * self._slots  # since an actor was last ready
        self._fruitless = 0  # actors that were replaced since a unit was last evaluated

    def run(self) -> EvaluationOutcome:
        """Evaluate everything that can be, and tell what could not."""
        for _ in range(self._slots):
            self._start()
        while self._goes_on():
            self._hand_out()
            limit = None if self._actors else LOAD_TIMEOUT_S
            answers, _ = self._ray.wait([*self._loading, *self._flying], num_returns=1, timeout=limit)
            if not answers:
                resources = ", ".join(f"{name}={amount:g}" for name, amount in self._resources.items())
                self._ledger.problem(
                    f"no actor was ready within {LOAD_TIMEOUT_S:,.0f} s: has the cluster room for {resources}?"
                )
                break
            if answers[0] in self._loading:
                self._take_in(answers[0])
            else:
                self._take_back(answers[0])
        if leaving := [actor.leave.remote() for actor in self._actors]:
            self._ray.wait(leaving, num_returns=len(leaving), timeout=LEAVE_TIMEOUT_S)
        return self._ledger.closed()

    def stop(self) -> None:
        """Have the actors store the images that are finished, also of units that have not ended."""
        if stopping := [actor.stop.remote() for actor in self._actors]:
            self._ray.wait(stopping, num_returns=len(stopping), timeout=STOP_TIMEOUT_S)

    def close(self) -> None:
        """End the actors."""
        for actor in (*self._actors, *self._loading.values()):
            self._ray.kill(actor, no_restart=True)

    def _goes_on(self) -> bool:
        if self._fruitless > ATTEMPTS * (self._slots + FRUITLESS):
            return False
        if self._ledger.ready is None:
            return bool(self._loading)
        under_way = any(name not in self._ledger.kept for _, name in self._flying.values())
        return under_way or bool(self._ledger.waiting and (self._actors or self._loading))

    def _start(self) -> None:
        """Begin an actor; it says so itself once it has loaded."""
        if not self._starts_left:
            return
        self._starts_left -= 1
        resources = dict(self._resources)
        threads = max(1, int(resources.get("CPU", 1)))
        remote = self._ray.remote(UnitActor).options(
            num_cpus=resources.pop("CPU", 1.0),
            num_gpus=resources.pop("GPU", 0.0),
            resources=resources,
            max_restarts=0,
            max_task_retries=0,
            max_concurrency=MOST_IN_FLIGHT + 1,
        )
        try:
            listed, without = self._ledger.ready is not None, frozenset(self._ledger.without)
            actor = remote.remote(replace(self._errand, listed=listed, without=without), threads)
        except (TypeError, ValueError, AttributeError) as error:  # what cannot be pickled
            self._ledger.problem(f"what is to be evaluated cannot be sent to actors: {error_line(error)}")
            return
        self._loading[actor.ready.remote()] = actor

    def _take_in(self, answer: Any) -> None:
        """Take in an actor that has loaded; the first one's list of units counts."""
        actor = self._loading.pop(answer)
        alone = not self._actors and not self._loading
        try:
            report = self._ray.get(answer)
        except self._ray.exceptions.RayActorError as error:
            self._ledger.remark(f"an actor ended while it loaded: {error_line(error)}")
            if alone and not self._starts_left:
                self._ledger.problem(f"no actor could begin: {error_line(error)}")
            self._start()
            return
        except self._ray.exceptions.RayError as error:
            self._ledger.problem(f"an actor could not begin: {error_line(error)}")
            return
        if isinstance(report, ActorRefusal):
            (self._ledger.problem if alone else self._ledger.remark)(report.reason)
            self._ray.kill(actor, no_restart=True)
            return
        self._actors.append(actor)
        self._starts_left = ATTEMPTS * self._slots
        if self._ledger.ready is None:
            self._ledger.begin(report)

    def _hand_out(self) -> None:
        """Give each actor as many units as it may have, one in turn."""
        hungry = list(self._actors)
        while hungry:
            for actor in list(hungry):
                units = [name for holder, name in self._flying.values() if holder is actor]
                under_way = {name for _, name in self._flying.values()}
                name = self._ledger.next(not units, under_way) if self._may_have_more(units) else None
                if name is None and not units:
                    name = self._unit_of_another()
                if name is None:
                    hungry.remove(actor)
                    continue
                reason = self._ledger.given_up.get(name)
                call = actor.evaluate.remote(name) if reason is None else actor.give_up.remote(name, reason)
                self._flying[call] = (actor, name)

    def _unit_of_another(self) -> str | None:
        """A unit that another actor has, for one that would be idle: one that is not begun there, else the oldest.

        So the end of a run waits for no slow actor. Whoever ends first has done it, and both give the same file.
        """
        flying = list(self._flying.values())
        begun = [next((name for holder, name in flying if holder is actor), "") for actor in self._actors]
        holders = Counter(name for _, name in flying)
        candidates = [
            name
            for name, count in holders.items()
            if count == 1 and name not in self._ledger.kept and not self._ledger.is_suspect(name)
        ]
        return min(candidates, key=lambda name: name in begun, default=None)  # the first of those that are not begun

    def _may_have_more(self, units: Sequence[str]) -> bool:
        """Whether an actor that has these units may have another one."""
        if any(map(self._ledger.is_suspect, units)) or len(units) >= MOST_IN_FLIGHT:
            return False
        share = (len(self._ledger.waiting) + len(self._flying)) // self._slots
        return len(units) < IN_FLIGHT or (len(units) < share and sum(map(self._ledger.rows, units)) < AHEAD_ROWS)

    def _take_back(self, answer: Any) -> None:
        """Keep one answer; an actor that has died or whose model raised is replaced, and its units go back."""
        actor, name = self._flying[answer]
        try:
            outcome: UnitOutcome | Sequence[str] = self._ray.get(answer)
        except self._ray.exceptions.RayActorError as error:
            self._replace(actor, error_line(error))
            return
        except self._ray.exceptions.RayError as error:
            if name in self._ledger.given_up:
                del self._flying[answer]
                self._ledger.kept.add(name)
                self._ledger.problem(f"unit {name} was given up and cannot be stored as failed: {error_line(error)}")
            else:
                self._replace(actor, error_line(error), name)
            return
        raised = self._ledger.lost(outcome) if isinstance(outcome, UnitOutcome) else {}
        broken = outcome.broken if isinstance(outcome, UnitOutcome) else ""
        if raised or broken:
            self._replace(actor, broken or "; ".join(dict.fromkeys(raised.values())), name, raised)
            return
        del self._flying[answer]
        self._fruitless = 0
        self._ledger.keep(name, outcome)

    def _replace(
        self, actor: Any, reason: str, guilty: str | None = None, raised: Mapping[str, str] | None = None
    ) -> None:
        """Start another actor in place of one, and take back its units; one of them alone counts as tried.

        Args:
            actor: that has died, or at which a model raised.
            reason: in one line.
            guilty: the unit that counts; the one that it was at work on, its oldest, if not given.
            raised: what models raised, by the key of the run.
        """
        self._ray.kill(actor, no_restart=True)
        self._actors.remove(actor)
        self._fruitless += 1
        back: list[str] = []
        for answer, name in [(answer, name) for answer, (holder, name) in self._flying.items() if holder is actor]:
            del self._flying[answer]
            if name != guilty and (outcome := self._last_answer(answer)) is not None:
                self._ledger.keep(name, outcome)  # it had answered before
            elif name == guilty or guilty is None:
                guilty = name
                if name not in self._ledger.kept:
                    self._ledger.retry(name, reason, raised)
            elif name not in self._ledger.kept and name not in (other for _, other in self._flying.values()):
                back.append(name)
        self._ledger.waiting.extendleft(reversed(back))
        if self._ledger.waiting:
            self._start()

    def _last_answer(self, answer: Any) -> UnitOutcome | Sequence[str] | None:
        """The answer of an actor that is no more; ``None`` where it gave none, or a model had raised."""
        try:
            outcome: UnitOutcome | Sequence[str] = self._ray.get(answer)
        except self._ray.exceptions.RayError:
            return None
        is_lost = isinstance(outcome, UnitOutcome) and (self._ledger.lost(outcome) or outcome.broken)
        return None if is_lost else outcome

"""Units on a Ray cluster: plain actors, one a slot, that live for a command; what one drops another picks up.

See ``docs/decisions/ray.md`` for why neither Ray Data nor an actor pool is used.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import replace
from typing import Any

from hardiness.core import Listener
from hardiness.engine.evaluation import Evaluated
from hardiness.engine.executors.ray_actor import Errand, Unfit, UnitActor, UnitOutcome
from hardiness.engine.executors.ray_cluster import Cluster, Connection, connect, told
from hardiness.engine.executors.unit_ledger import ATTEMPTS, UnitLedger
from hardiness.engine.measuring import package_version

IN_FLIGHT, AHEAD_ROWS, MOST_IN_FLIGHT = 2, 512, 8
"""Units handed to one actor at a time: one it works on, and the next, which it decodes meanwhile; small ones until
they have so many rows together."""

FRUITLESS = 2
"""For so many units more than there are slots actors are replaced three times each, while nothing is evaluated."""

LOAD_TIMEOUT_S = 1800.0
"""How long no actor may be there before the run is given up: a cluster that grows needs minutes for a machine."""

LEAVE_TIMEOUT_S = 60.0
"""How long an actor may take to write how it computed."""


def on_ray(errand: Errand, cluster: Cluster, listener: Listener) -> Evaluated:
    """Evaluate an errand's missing units by actors of a cluster.

    Raises:
        ModelError: Ray is not installed, or the cluster is not there.
    """
    connection = connect(cluster, on_gpus=str(errand.placing["device"]) != "cpu")
    if connection.dashboard:
        listener.note(f"Ray's dashboard: http://{connection.dashboard.removeprefix('http://')}")
    driver = _Driver(connection, replace(errand, version=package_version()), listener)
    try:
        return driver.run()
    finally:
        driver.close()


class _Driver:
    """The loop that hands units out and takes them back.

    An actor is *loading* until it has answered; then its calls are in `_flying`, oldest first.
    """

    def __init__(self, connection: Connection, errand: Errand, listener: Listener) -> None:
        self._ray, self._slots, self._resources = connection.ray, connection.slots, connection.resources
        self._errand = errand
        names = [each.benchmark.name for each in errand.evaluations]
        self._ledger = UnitLedger(names[0] if len(names) == 1 else f"{len(names)} benchmarks", listener)
        self._loading: dict[Any, Any] = {}
        self._actors: list[Any] = []
        self._flying: dict[Any, tuple[Any, str]] = {}
        self._starts_left = ATTEMPTS * self._slots  # since an actor was last ready
        self._fruitless = 0  # actors that were replaced since a unit was last evaluated

    def run(self) -> Evaluated:
        """Everything that can be evaluated, and what could not."""
        for _ in range(self._slots):
            self._start()
        while self._goes_on():
            self._hand_out()
            limit = None if self._actors else LOAD_TIMEOUT_S
            done, _ = self._ray.wait([*self._loading, *self._flying], num_returns=1, timeout=limit)
            if not done:
                resources = ", ".join(f"{name}={amount:g}" for name, amount in self._resources.items())
                self._ledger.problem(
                    f"no actor was ready within {LOAD_TIMEOUT_S:,.0f} s: has the cluster room for {resources}?"
                )
                break
            if done[0] in self._loading:
                self._take_in(done[0])
            else:
                self._take_back(done[0])
        if leaving := [actor.leave.remote() for actor in self._actors]:
            self._ray.wait(leaving, num_returns=len(leaving), timeout=LEAVE_TIMEOUT_S)
        return self._ledger.closed(len(self._flying))

    def close(self) -> None:
        """End the actors."""
        for actor in (*self._actors, *self._loading.values()):
            self._ray.kill(actor, no_restart=True)

    def _goes_on(self) -> bool:
        if self._fruitless > ATTEMPTS * (self._slots + FRUITLESS):
            return False
        if self._ledger.ready is None:
            return bool(self._loading)
        return bool(self._flying or (self._ledger.waiting and (self._actors or self._loading)))

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
            actor = remote.remote(replace(self._errand, without=frozenset(self._ledger.without)), threads)
        except (TypeError, ValueError, AttributeError) as error:  # what cannot be pickled
            self._ledger.problem(f"what is to be evaluated cannot be sent to actors: {told(error)}")
            return
        self._loading[actor.ready.remote()] = actor

    def _take_in(self, answer: Any) -> None:
        """Take in an actor that has loaded; the first one's list of units counts."""
        actor = self._loading.pop(answer)
        alone = not self._actors and not self._loading
        try:
            found = self._ray.get(answer)
        except self._ray.exceptions.RayActorError as error:
            self._ledger.remark(f"an actor ended while it loaded: {told(error)}")
            if alone and not self._starts_left:
                self._ledger.problem(f"no actor could begin: {told(error)}")
            self._start()
            return
        except self._ray.exceptions.RayError as error:
            self._ledger.problem(f"an actor could not begin: {told(error)}")
            return
        if isinstance(found, Unfit):
            (self._ledger.problem if alone else self._ledger.remark)(found.reason)
            self._ray.kill(actor, no_restart=True)
            return
        self._actors.append(actor)
        self._starts_left = ATTEMPTS * self._slots
        if self._ledger.ready is None:
            self._ledger.begin(found)

    def _hand_out(self) -> None:
        """Give each actor as many units as it may have, one in turn."""
        hungry = list(self._actors)
        while hungry:
            for actor in list(hungry):
                busy = [name for each, name in self._flying.values() if each is actor]
                name = self._ledger.next(idle=not busy) if self._may_have_more(busy) else None
                if name is None:
                    hungry.remove(actor)
                    continue
                reason = self._ledger.given_up.get(name)
                call = actor.evaluate.remote(name) if reason is None else actor.give_up.remote(name, reason)
                self._flying[call] = (actor, name)

    def _may_have_more(self, busy: Sequence[str]) -> bool:
        if any(map(self._ledger.is_suspect, busy)) or len(busy) >= MOST_IN_FLIGHT:
            return False
        share = (len(self._ledger.waiting) + len(self._flying)) // self._slots
        return len(busy) < IN_FLIGHT or (len(busy) < share and sum(map(self._ledger.rows, busy)) < AHEAD_ROWS)

    def _take_back(self, answer: Any) -> None:
        """Keep one answer; an actor that has died or whose model raised is replaced, and its units go back."""
        actor, name = self._flying[answer]
        try:
            found: UnitOutcome | Sequence[str] = self._ray.get(answer)
        except self._ray.exceptions.RayActorError as error:
            self._replace(actor, told(error))
            return
        except self._ray.exceptions.RayError as error:
            if name in self._ledger.given_up:
                del self._flying[answer]
                self._ledger.problem(f"unit {name} was given up and cannot be stored as failed: {told(error)}")
            else:
                self._replace(actor, told(error), name)
            return
        raised = self._ledger.lost(found) if isinstance(found, UnitOutcome) else {}
        broken = found.broken if isinstance(found, UnitOutcome) else ""
        if raised or broken:
            self._replace(actor, broken or "; ".join(dict.fromkeys(raised.values())), name, raised)
            return
        del self._flying[answer]
        self._fruitless = 0
        self._ledger.keep(name, found)

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
        back = []
        for answer, name in [(answer, name) for answer, (each, name) in self._flying.items() if each is actor]:
            del self._flying[answer]
            if name != guilty and (found := self._answered(answer)) is not None:
                self._ledger.keep(name, found)  # it had answered before
            elif name == guilty or guilty is None:
                guilty = name
                self._ledger.retry(name, reason, raised)
            else:
                back.append(name)
        self._ledger.waiting.extendleft(reversed(back))
        if self._ledger.waiting:
            self._start()

    def _answered(self, answer: Any) -> UnitOutcome | Sequence[str] | None:
        """What an actor that is no more had answered to a call; ``None`` where it had not, or a model had raised."""
        try:
            found: UnitOutcome | Sequence[str] = self._ray.get(answer)
        except self._ray.exceptions.RayError:
            return None
        return None if isinstance(found, UnitOutcome) and (self._ledger.lost(found) or found.broken) else found

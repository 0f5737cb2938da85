"""Units on a Ray cluster: plain actors, one a slot, each with the same worker; what one drops another picks up.

See ``docs/decisions/ray.md`` for why neither Ray Data nor an actor pool is used.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from typing import Any

from hardiness.core import Listener
from hardiness.engine.evaluation import Evaluated
from hardiness.engine.executors.ray_actor import Errand, Unfit, UnitActor
from hardiness.engine.executors.ray_cluster import Cluster, Connection, connect, told
from hardiness.engine.executors.unit_ledger import ATTEMPTS, UnitLedger
from hardiness.engine.measuring import package_version

IN_FLIGHT = 2
"""Units handed to one actor at a time: one it works on, and the next, so that it never waits for the driver."""

LOAD_TIMEOUT_S = 1800.0
"""How long no actor may be there before the run is given up: a cluster that grows needs minutes for a machine."""

LEAVE_TIMEOUT_S = 60.0
"""How long an actor may take to write how it computed."""


def on_ray(errand: Errand, cluster: Cluster, listener: Listener) -> Evaluated:
    """Evaluate an errand's missing units by actors of a cluster.

    Raises:
        ModelError: Ray is not installed, or the cluster is not there.
    """
    connection = connect(cluster)
    if connection.dashboard:
        listener.note(f"Ray's dashboard: http://{connection.dashboard.removeprefix('http://')}")
    driver = _Driver(connection, replace(errand, version=package_version()), cluster, listener)
    try:
        return driver.run()
    finally:
        driver.close()


class _Driver:
    """The loop that hands units out and takes them back.

    An actor is *loading* until it has answered; then its calls are in `_flying`, oldest first.
    """

    def __init__(self, connection: Connection, errand: Errand, cluster: Cluster, listener: Listener) -> None:
        self._ray, self._slots = connection.ray, connection.slots
        self._errand, self._cluster = errand, cluster
        self._ledger = UnitLedger(errand.benchmark.name, listener)
        self._loading: dict[Any, Any] = {}
        self._actors: list[Any] = []
        self._flying: dict[Any, tuple[Any, str]] = {}
        self._starts_left = ATTEMPTS * self._slots  # since an actor was last ready

    def run(self) -> Evaluated:
        """Everything that can be evaluated, and what could not."""
        for _ in range(self._slots):
            self._start()
        while self._goes_on():
            self._hand_out()
            limit = None if self._actors else LOAD_TIMEOUT_S
            done, _ = self._ray.wait([*self._loading, *self._flying], num_returns=1, timeout=limit)
            if not done:
                resources = ", ".join(f"{name}={amount:g}" for name, amount in self._cluster.resources.items())
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
        if self._ledger.ready is None:
            return bool(self._loading)
        return bool(self._flying or (self._ledger.waiting and (self._actors or self._loading)))

    def _start(self) -> None:
        """Begin an actor; it says so itself once it has loaded."""
        if not self._starts_left:
            return
        self._starts_left -= 1
        resources = dict(self._cluster.resources)
        threads = max(1, int(resources.get("CPU", 1)))
        remote = self._ray.remote(UnitActor).options(
            num_cpus=resources.pop("CPU", 1.0),
            num_gpus=resources.pop("GPU", 0.0),
            resources=resources,
            max_restarts=0,
            max_task_retries=0,
        )
        try:
            actor = remote.remote(self._errand, threads)
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
        waiting = self._ledger.waiting
        for actor in self._actors:
            busy = sum(1 for each, _ in self._flying.values() if each is actor)
            for _ in range(min(IN_FLIGHT - busy, len(waiting))):
                name = waiting.popleft()
                reason = self._ledger.given_up.get(name)
                call = actor.evaluate.remote(name) if reason is None else actor.give_up.remote(name, reason)
                self._flying[call] = (actor, name)

    def _take_back(self, answer: Any) -> None:
        """Keep one answer; the units of an actor that has died go back, and another takes its place."""
        actor, name = self._flying[answer]
        try:
            found: str | Sequence[str] = self._ray.get(answer)
        except self._ray.exceptions.RayActorError as error:
            self._replace_dead(actor, told(error))
            return
        except self._ray.exceptions.RayError as error:
            del self._flying[answer]
            self._ledger.retry(name, told(error))
            return
        del self._flying[answer]
        self._ledger.keep(name, found)

    def _replace_dead(self, dead: Any, reason: str) -> None:
        """Take back the units of a dead actor; only the one that it was at work on, its oldest, counts as tried."""
        calls = [(answer, name) for answer, (actor, name) in self._flying.items() if actor is dead]
        tried = False
        for answer, name in calls:
            del self._flying[answer]
            try:
                self._ledger.keep(name, self._ray.get(answer))  # it had answered before it died
                continue
            except self._ray.exceptions.RayError:
                if tried:
                    self._ledger.waiting.appendleft(name)
                else:
                    self._ledger.retry(name, reason)
                tried = True
        self._actors.remove(dead)
        if self._ledger.waiting:
            self._start()

"""Units on a Ray cluster: plain actors, one a slot, each with the same worker; what one drops another picks up.

See ``docs/decisions/ray.md`` for why neither Ray Data nor an actor pool is used.
"""

from __future__ import annotations

import os
from collections import deque
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from hardiness.core import Benchmark, DataSet, HardinessError, Listener, ModelError, Request, Silence
from hardiness.core.errors import line_of
from hardiness.engine.evaluation import Evaluated, prepared
from hardiness.engine.measuring import session
from hardiness.engine.units import Unit
from hardiness.engine.worker import Worker
from hardiness.models import Classifier, load, resolve
from hardiness.store import Store

IN_FLIGHT = 2
"""Units handed to one actor at a time: one it works on, and the next, so that it never waits for the driver."""

ATTEMPTS = 3
"""How often a unit is tried whose actor dies before it is reported as failed."""

LOAD_TIMEOUT_S = 1800.0


@dataclass(frozen=True)
class Errand:
    """What an actor is to evaluate; plain data that travels.

    Attributes:
        models: names, with their options.
        placing: ``device``, ``precision`` and ``runtime`` of each.
        benchmark: what to run.
        data: its data set: names of files, no bytes; each actor reads its own.
        out: the output folder, which every actor must reach under the same name.
        request: how much, and how; decoding threads are set by the actor's resources.
    """

    models: tuple[str, ...]
    placing: Mapping[str, Any]
    benchmark: Benchmark
    data: DataSet
    out: str | Path
    request: Request


@dataclass(frozen=True)
class Cluster:
    """Where actors run.

    Attributes:
        address: of an existing cluster; empty for ``RAY_ADDRESS`` or, without that, a local one.
        actors: how many; ``None`` for as many as the cluster has room for.
        resources: of each actor, as Ray names them, e.g. ``{"CPU": 4, "GPU": 1}``.
    """

    address: str = ""
    actors: int | None = None
    resources: Mapping[str, float] = field(default_factory=lambda: {"CPU": 1.0})


@dataclass(frozen=True)
class Ready:
    """What an actor says once its models are loaded: keys of the runs, units that miss rows, and what went wrong."""

    keys: tuple[str, ...]
    units: Mapping[str, int]
    problems: tuple[str, ...]


class UnitActor:
    """Evaluates single units of one errand, in a process of its own."""

    def __init__(self, errand: Errand, threads: int) -> None:
        self._errand, self._threads = errand, threads
        self._workers: list[Worker] = []
        self._units: dict[str, tuple[Worker, Unit]] = {}

    def ready(self) -> Ready:
        """Load the models and list what is missing; a failing load is a problem and no crash."""
        import torch

        # Ray sets OMP_NUM_THREADS by resources of its own; the unit's resources count.
        os.environ["OMP_NUM_THREADS"] = str(self._threads)
        torch.set_num_threads(self._threads)
        errand = self._errand
        classifiers, problems = _loaded(errand)
        store = Store.create(errand.out)
        begun = prepared(errand.benchmark, classifiers, errand.data, store, errand.request, Silence())
        self._workers = list(begun.workers)
        for worker in self._workers:
            self._units |= {unit.name: (worker, unit) for unit in worker.units()}
        units = {name: unit.rows for name, (_, unit) in self._units.items()}
        return Ready(begun.keys, units, (*problems, *begun.problems))

    def evaluate(self, name: str) -> str:
        """Evaluate the unit of that name, unless it is stored by now; what went wrong in one line, or nothing."""
        worker, unit = self._units[name]
        if unit.stored:
            return ""
        try:
            worker.run([unit], unit.rows)
        except HardinessError as error:
            return line_of(error)
        finally:
            for part in unit.parts:
                if part.task.computed:
                    part.task.stored.add_measured(session(part.task, worker.clock, self._errand.request))
                    part.task.computed = 0
        return "; ".join(part.task.error for part in unit.parts if part.task.error)


def on_ray(errand: Errand, cluster: Cluster, listener: Listener) -> Evaluated:
    """Evaluate an errand's missing units by actors of a cluster.

    Raises:
        ModelError: Ray is not installed, or the cluster is not there.
    """
    ray = _ray(cluster)
    slots = cluster.actors or _slots(ray, cluster.resources)
    driver = _Driver(ray, errand, cluster, listener)
    try:
        return driver.run(slots)
    finally:
        driver.close()


class _Driver:
    """The loop that hands units out and takes them back."""

    def __init__(self, ray: Any, errand: Errand, cluster: Cluster, listener: Listener) -> None:
        self._ray, self._errand, self._cluster, self._listener = ray, errand, cluster, listener
        self._actors: list[Any] = []
        self._flying: dict[Any, tuple[Any, str]] = {}
        self._waiting: deque[str] = deque()
        self._attempts: dict[str, int] = {}
        self._problems: dict[str, None] = {}

    def run(self, slots: int) -> Evaluated:
        """Everything that can be evaluated, and what could not."""
        ready = self._start()
        if ready is None:
            return Evaluated((), tuple(self._problems))
        self._problems |= dict.fromkeys(ready.problems)
        self._waiting.extend(sorted(ready.units, key=lambda name: -ready.units[name]))
        self._listener.begin(self._errand.benchmark.name, sum(ready.units.values()), 0)
        for _ in range(min(slots, len(self._waiting)) - 1):
            self._start(wait=False)
        self._hand_out()
        while self._flying:
            self._take_back(ready.units)
            self._hand_out()
        self._listener.end()
        return Evaluated(ready.keys, tuple(self._problems))

    def close(self) -> None:
        """End the actors."""
        for actor in self._actors:
            self._ray.kill(actor, no_restart=True)

    def _start(self, wait: bool = True) -> Ready | None:
        """A new actor; its `Ready`, or ``None`` where it cannot load or is not waited for."""
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
        except (TypeError, ValueError) as error:  # what cannot be pickled
            self._problems[f"the models cannot be sent to actors: {str(error).splitlines()[0]}"] = None
            return None
        self._actors.append(actor)
        first = actor.ready.remote()
        if not wait:
            return None
        try:
            found: Ready = self._ray.get(first, timeout=LOAD_TIMEOUT_S)
        except self._ray.exceptions.RayError as error:
            self._problems[f"an actor could not begin: {_told(error)}"] = None
            return None
        return found

    def _hand_out(self) -> None:
        for actor in self._actors:
            busy = sum(1 for each, _ in self._flying.values() if each is actor)
            while self._waiting and busy < IN_FLIGHT:
                name = self._waiting.popleft()
                self._flying[actor.evaluate.remote(name)] = (actor, name)
                busy += 1

    def _take_back(self, rows: Mapping[str, int]) -> None:
        """Wait for one answer; the units of an actor that has died go back, and another takes its place."""
        (done, *_), _ = self._ray.wait(list(self._flying), num_returns=1)
        actor, name = self._flying.pop(done)
        try:
            if problem := self._ray.get(done):
                self._problems[problem] = None
        except self._ray.exceptions.RayActorError as error:
            self._replace(actor, name, _told(error))
            return
        except self._ray.exceptions.RayError as error:
            self._retry(name, _told(error))
            return
        self._listener.advance(rows[name])

    def _replace(self, dead: Any, working_on: str, reason: str) -> None:
        """Take back the units of a dead actor; only the one that it may have been at work on counts as tried."""
        self._retry(working_on, reason)
        for answer, (actor, name) in list(self._flying.items()):
            if actor is dead:
                del self._flying[answer]
                self._waiting.appendleft(name)
        self._actors.remove(dead)
        if self._waiting:
            self._start(wait=False)

    def _retry(self, name: str, reason: str) -> None:
        self._attempts[name] = self._attempts.get(name, 0) + 1
        if self._attempts[name] < ATTEMPTS:
            self._waiting.append(name)
        else:
            self._problems[f"unit {name} was given up after {ATTEMPTS} attempts: {reason}"] = None


def _loaded(errand: Errand) -> tuple[list[Classifier], list[str]]:
    classifiers, problems = [], []
    for name in errand.models:
        try:
            classifiers.append(load(resolve(name), **errand.placing))
        except HardinessError as error:
            problems.append(f"{name}: {line_of(error)}")
    return classifiers, problems


def _ray(cluster: Cluster) -> Any:
    try:
        import ray
    except ModuleNotFoundError:
        raise ModelError("--engine ray needs Ray; pip install 'hardiness[ray]'") from None
    if ray.is_initialized():
        return ray
    address = cluster.address or os.environ.get("RAY_ADDRESS") or None
    try:
        ray.init(address=address, log_to_driver=False, include_dashboard=False)
    except (ConnectionError, RuntimeError, ValueError) as error:
        raise ModelError(f"there is no Ray cluster at {address or 'this machine'}: {_told(error)}") from None
    return ray


def _slots(ray: Any, resources: Mapping[str, float]) -> int:
    """How many actors the cluster has room for."""
    there = ray.cluster_resources()
    return max(1, min(int(there.get(name, 0) // amount) for name, amount in resources.items() if amount > 0))


def _told(error: BaseException) -> str:
    lines: Sequence[str] = [line.strip() for line in str(error).splitlines() if line.strip()]
    return lines[0] if lines else type(error).__name__

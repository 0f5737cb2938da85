"""Units on a Ray cluster: plain actors, one a slot, that live for a command; what one drops another picks up."""

from __future__ import annotations

import math
import os
import platform
import socket
import time
from collections import Counter, deque
from collections.abc import Container, Iterator, Mapping, Sequence
from contextlib import suppress
from dataclasses import dataclass, field, replace
from pathlib import Path
from threading import Condition, Thread
from typing import Any

from hardiness.core.errors import ArgumentError, HardinessError, ModelError, line_of
from hardiness.core.process import use_cores
from hardiness.core.progress import Clock, Listener, Silence
from hardiness.engine.evaluation import Evaluation, EvaluationOutcome, prepared
from hardiness.engine.plan import Unit
from hardiness.engine.provenance import keep_session, package_version
from hardiness.engine.worker import Worker
from hardiness.models.classifier import Classifier
from hardiness.models.loading import load, resolve
from hardiness.store.store import Store

LOOK_S = 0.01
"""Between two looks at whether a unit is stored."""

GRACE_S = 0.05
"""How long a stream waits for another unit before what has begun is brought to its end: the driver needs less."""


@dataclass(frozen=True)
class Errand:
    """What an actor is to evaluate; plain data that travels.

    Attributes:
        models: names, with their options.
        placing: ``device``, ``precision`` and ``runtime`` of each.
        evaluations: the benchmarks of the command.
        out: the output folder, which every actor must reach under the same name.
        version: of the hardiness that sends it.
        listed: whether another actor has listed what is missing, and set aside what is damaged: then no stored file is
            read before its unit is handed out. An actor that is replaced late would read nearly everything.
        without: keys of runs whose model raised wherever it was tried; nothing of them is evaluated.
    """

    models: tuple[str, ...]
    placing: Mapping[str, Any]
    evaluations: tuple[Evaluation, ...]
    out: str | Path
    version: str = ""
    listed: bool = False
    without: frozenset[str] = frozenset()

    def unfitness(self) -> str:
        """Why this machine cannot take part in it: another version, or data that it does not see; else nothing."""
        here = package_version()
        if self.version not in ("", here):
            return (
                f"{platform.node()} runs hardiness {here}, and the driver {self.version}: install one version on every "
                "machine"
            )
        for data in (each.data for each in self.evaluations):
            try:
                if data.items:
                    data.items[0].file.read()
            except (HardinessError, OSError):
                return f"{platform.node()} does not see the data at {data.location}: mount them there under that name"
        return ""

    def loaded(self, store: Store) -> tuple[list[Classifier], list[str]]:
        """Its models, and a line for each that cannot be loaded."""
        classifiers, problems = [], []
        for name in self.models:
            try:
                classifiers.append(load(resolve(name), **self.placing, files=store.files))
            except HardinessError as error:
                problems.append(f"{name}: {line_of(error)}")
        return classifiers, problems


@dataclass(frozen=True)
class ActorReport:
    """The report of an actor once its models are loaded.

    Attributes:
        keys: of the runs.
        units: rows that each unit misses, by its name.
        rows: of all that was asked for, stored or not.
        problems: what went wrong, and will on every actor.
        remarks: what else a person should know.
    """

    keys: tuple[str, ...]
    units: Mapping[str, int]
    rows: int
    problems: tuple[str, ...]
    remarks: tuple[str, ...] = ()


@dataclass(frozen=True)
class ActorRefusal:
    """Why an actor cannot take part, in one line that names its machine; others may."""

    reason: str


@dataclass(frozen=True)
class UnitOutcome:
    """The outcome of a unit.

    Attributes:
        stored: keys of the runs of which its rows are stored.
        raised: what a model raised, in one line, by the key of its run; its rows are not stored.
        broken: why the actor can evaluate nothing more, e.g. a full disk; empty where it can.
    """

    stored: tuple[str, ...] = ()
    raised: Mapping[str, str] = field(default_factory=dict)
    broken: str = ""


class UnitActor:
    """Evaluates the units of one errand as a stream, in a process of its own.

    Several calls of `evaluate` are under way at a time: each puts a unit into the stream, which one thread evaluates,
    so that a unit is read and decoded while the one before it is in the models.
    """

    def __init__(self, errand: Errand, threads: int) -> None:
        self._errand, self._threads = errand, threads
        self._workers: list[Worker] = []
        self._units: dict[str, tuple[Worker, Unit | None]] = {}  # None where nothing is missing
        self._waiting: deque[tuple[Worker, Unit]] = deque()
        self._comes, self._broken, self._noted, self._stopped = Condition(), "", False, False
        self._thread = Thread(target=self._run, name="units", daemon=True)

    def ready(self) -> ActorReport | ActorRefusal:
        """Load the models and list what is missing; a failing load is a problem and no crash."""
        import torch

        # Ray sets OMP_NUM_THREADS by resources of its own; the unit's resources count.
        os.environ["OMP_NUM_THREADS"] = str(self._threads)
        torch.set_num_threads(self._threads)
        use_cores(self._threads)
        if unfit := self._errand.unfitness():
            return ActorRefusal(unfit)
        try:
            store = Store.create(self._errand.out)
        except HardinessError as error:
            return ActorRefusal(f"{platform.node()} cannot take part: {error}")
        classifiers, problems = self._errand.loaded(store)
        keys: list[str] = []
        remarks: list[str] = []
        for each in self._errand.evaluations:
            request = replace(each.request, workers=self._threads)
            looks = not self._errand.listed
            try:
                begun = prepared(
                    each.benchmark, classifiers, each.data, store, request, Silence(), looks, is_shared=True
                )
            except ArgumentError as error:
                problems.append(line_of(error))
                continue
            self._workers += begun.workers
            keys += begun.keys
            problems += begun.problems
            remarks += begun.remarks
        for place, worker in enumerate(self._workers):
            for task in worker.tasks:
                if task.stored.key in self._errand.without:
                    task.error = "it was given up"
            if not self._errand.listed:
                # Not by what is missing of it: that changes where an actor dies between two models.
                self._units |= {f"{place}-{unit.index:06d}": (worker, unit) for unit in worker.units()}
        self._thread.start()
        return ActorReport(
            keys=tuple(keys),
            units={name: unit.rows for name, (_, unit) in self._units.items() if unit is not None},
            rows=sum(len(each.items) * len(each.asked) * len(each.tasks) for each in self._workers),
            problems=tuple(problems),
            remarks=tuple(remarks),
        )

    def evaluate(self, name: str) -> UnitOutcome:
        """Evaluate the unit of that name, unless it is stored by now; the answer comes when it is stored."""
        worker, unit = self._unit(name)
        if unit is None:
            return UnitOutcome()
        if not unit.stored:
            with self._comes:
                self._waiting.append((worker, unit))
                self._comes.notify()
            while not all(part.done for part in unit.parts):
                if self._broken or self._stopped:
                    return UnitOutcome(broken=self._broken or f"{platform.node()}: it was stopped")
                time.sleep(LOOK_S)
        lost = [part for part in unit.parts if part.task.error is not None and not part.stored]
        if not self._noted:
            self.leave()
        return UnitOutcome(
            stored=tuple(part.task.stored.key for part in unit.parts if part not in lost),
            raised={
                part.task.stored.key: f"{part.task.classifier.spec.name} on {worker.benchmark.name}: {part.task.error}"
                for part in lost
            },
        )

    def leave(self) -> None:
        """Keep how rows were computed since the last time: after the first unit, and when there are no more."""
        for worker in self._workers:
            for task in worker.tasks:
                if count := task.computed:
                    keep_session(task, worker.clock, worker.request, worker.benchmark)
                    task.computed -= count
                    self._noted = True

    def stop(self) -> None:
        """Begin nothing more, and store the images that are finished of the units under way."""
        with self._comes:
            self._stopped = True
            self._waiting.clear()
            self._comes.notify()
        for worker in self._workers:
            worker.ends_s = -math.inf
        if self._thread.is_alive():
            self._thread.join()
        self.leave()

    def give_up(self, name: str, reason: str) -> Sequence[str]:
        """Store a unit's images as failed, for the reason given; their ids."""
        _, unit = self._unit(name)
        return () if unit is None else unit.give_up(reason)

    def _unit(self, name: str) -> tuple[Worker, Unit | None]:
        """The unit of a name, listed now if it was not, and its worker; ``None`` where nothing is missing of it."""
        if name not in self._units:
            place, _, index = name.partition("-")
            worker = self._workers[int(place)]
            self._units[name] = worker, next(worker.units(only=int(index)), None)
        return self._units[name]

    def _run(self) -> None:
        """Evaluate what comes, until told to stop."""
        try:
            while not self._stopped:
                with self._comes:
                    self._comes.wait_for(lambda: self._waiting or self._stopped)
                    worker, first = self._waiting[0] if self._waiting else (None, None)
                if worker is not None and first is not None:
                    worker.run(self._stream(worker), first.rows)
        except BaseException as error:  # noqa: BLE001  # told by `evaluate`, and the actor is replaced
            self._broken = f"{platform.node()}: {line_of(error)}"

    def _stream(self, worker: Worker) -> Iterator[Unit]:
        """The units that wait, up to the first of another worker; it ends where none comes, so that all are stored."""
        while True:
            with self._comes:
                if not self._comes.wait_for(lambda: self._waiting, GRACE_S) or self._waiting[0][0] is not worker:
                    return
                unit = self._waiting.popleft()[1]
            yield unit


ATTEMPTS = 3
"""How often a unit is tried whose actor dies before it is reported as failed."""

SHOWN_IDS = 16
"""Images of a unit that was given up that are told on the terminal."""


def given_up_text(name: str, reason: str, images: Sequence[str]) -> str:
    """One line about a unit that was given up, with the first of its images."""
    more = f" and {len(images) - SHOWN_IDS} more, all in results.json" if len(images) > SHOWN_IDS else ""
    return f"unit {name} was given up: {reason}; its images: {', '.join(images[:SHOWN_IDS])}{more}"


class UnitLedger:
    """The units of one errand, once an actor has listed them, and everything that went wrong.

    Attributes:
        ready: what the first actor said; ``None`` before.
        waiting: names of units that are to be handed out.
        kept: names of units of which an answer was kept: they need nothing more.
        given_up: why, by the name of the unit.
        without: keys of the runs whose model was given up: it raised at three units, and never did not.
    """

    def __init__(self, benchmark: str, listener: Listener) -> None:
        self.ready: ActorReport | None = None
        self.waiting: deque[str] = deque()
        self.kept: set[str] = set()
        self.given_up: dict[str, str] = {}
        self.without: set[str] = set()
        self._benchmark, self._listener = benchmark, listener
        self._attempts: dict[str, int] = {}
        self._sound: set[str] = set()
        self._raised: dict[str, set[str]] = {}
        self._reason = ""  # of the last try that failed
        self._problems: dict[str, None] = {}
        self._remarks: dict[str, None] = {}
        self._clock, self._remaining = Clock(warmup=1), 0

    def problem(self, line: str) -> None:
        """Keep what could not be evaluated, once."""
        self._problems[line] = None

    def remark(self, line: str) -> None:
        """Keep what else a person should know, once."""
        self._remarks[line] = None

    def begin(self, ready: ActorReport) -> None:
        """Take over the first actor's list: benchmark by benchmark, longest units first."""
        self.ready = ready
        self._problems |= dict.fromkeys(ready.problems)
        self._remarks |= dict.fromkeys(ready.remarks)
        self.waiting.extend(sorted(ready.units, key=lambda name: (int(name.partition("-")[0]), -ready.units[name])))
        self._remaining = sum(ready.units.values())
        self._listener.begin(self._benchmark, ready.rows, ready.rows - self._remaining)

    def rows(self, name: str) -> int:
        """What a unit costs, in image-conditions."""
        assert self.ready is not None, "no unit is handed out before"
        return self.ready.units[name]

    def next(self, idle: bool, under_way: Container[str] = ()) -> str | None:
        """Take the next unit off those that wait; ``None`` where there is none for such an actor.

        A unit at which an actor has failed is for an idle one alone, so that no other is blamed for what it does, and
        for one at a time, so that it ends three actors and not more.
        """
        for name in self.waiting:
            if (idle or not self.is_suspect(name)) and name not in under_way:
                self.waiting.remove(name)
                return name
        return None

    def is_suspect(self, name: str) -> bool:
        """Whether an actor has failed at a unit."""
        return name in self._attempts

    def lost(self, outcome: UnitOutcome) -> dict[str, str]:
        """What models raised at a unit, by the key of the run, but for those that were given up."""
        return {key: line for key, line in outcome.raised.items() if key not in self.without}

    def retry(self, name: str, reason: str, raised: Mapping[str, str] | None = None) -> None:
        """Count a try that failed; after three the unit waits for somebody to store it as failed.

        Args:
            name: of the unit.
            reason: in one line.
            raised: what models raised, by the key of the run. One that has raised at three units, and at none did not,
                is given up, and its units count as not tried.
        """
        self._reason = f" ({reason})"
        for key, line in (raised or {}).items():
            units = self._raised.setdefault(key, set())
            units.add(name)
            if key not in self._sound and len(units) >= ATTEMPTS:
                self.without.add(key)
                self.problem(line)
                for each in units:
                    self._attempts.pop(each, None)
        if raised and set(raised) <= self.without:
            self.waiting.append(name)
            return
        self._attempts[name] = self._attempts.get(name, 0) + 1
        if self._attempts[name] >= ATTEMPTS:
            self.given_up[name] = f"its actor ended {ATTEMPTS} times at it ({reason})"
            self.waiting.appendleft(name)
        else:
            self.waiting.append(name)

    def keep(self, name: str, answer: UnitOutcome | Sequence[str]) -> None:
        """Keep an actor's answer: what came of a unit, or, of one that was given up, the ids of its images.

        The first answer counts, where two actors were at a unit.
        """
        if name in self.kept:
            return
        self.kept.add(name)
        with suppress(ValueError):
            self.waiting.remove(name)
        if isinstance(answer, UnitOutcome):
            self._sound |= set(answer.stored)
        else:
            self.problem(given_up_text(name, self.given_up[name], tuple(answer)))
        rows = self.rows(name)
        self._remaining -= rows
        self._listener.advance(rows)
        seconds = self._clock.estimate(rows, self._remaining)
        if seconds is not None:
            self._listener.estimate(seconds)

    def closed(self) -> EvaluationOutcome:
        """The outcome of the errand."""
        if self.ready and (left := len(self.ready.units) - len(self.kept)):
            self.problem(f"{left} units are left, as no actor is{self._reason}; the same command continues")
        if self.ready:
            self._listener.end()
        keys = self.ready.keys if self.ready else ()
        return EvaluationOutcome(keys, tuple(self._problems), tuple(self._remarks))


KNOCK_S = 10.0
"""How long a cluster may take to accept a connection."""


@dataclass(frozen=True)
class Cluster:
    """Where actors run.

    Attributes:
        address: of an existing cluster; empty for ``RAY_ADDRESS`` or, without that, a local one.
        actors: how many; ``None`` for as many as the cluster has room for.
        resources: of each actor, as Ray names them, e.g. ``{"CPU": 4, "GPU": 1}``; ``None`` for a GPU with its share of
            the cores where the cluster has GPUs, else one core.
    """

    address: str = ""
    actors: int | None = None
    resources: Mapping[str, float] | None = None


@dataclass(frozen=True)
class Connection:
    """A cluster that answers.

    Attributes:
        ray: the module.
        slots: how many actors are started.
        resources: of each actor.
        dashboard: address of its web page; empty where it has none.
    """

    ray: Any
    slots: int
    resources: Mapping[str, float]
    dashboard: str = ""


def connect(cluster: Cluster, on_gpus: bool = True) -> Connection:
    """The cluster, begun here where there is none.

    Args:
        cluster: which, and what of it.
        on_gpus: whether its GPUs are used where nothing is said of resources.

    Raises:
        ModelError: Ray is not installed, the cluster is not there, or a local one lacks what an actor needs.
    """
    try:
        import ray
    except ModuleNotFoundError:
        raise ModelError("--engine ray needs Ray; pip install 'hardiness[ray]'") from None
    address = cluster.address or os.environ.get("RAY_ADDRESS") or None
    dashboard = ""
    if not ray.is_initialized():
        try:
            _knock(address)
            context = ray.init(address=address, log_to_driver=False, include_dashboard=None if address else False)
        except (ConnectionError, RuntimeError, ValueError, TimeoutError, OSError) as error:
            raise ModelError(
                f"there is no Ray cluster at {address or 'this machine'}: {error_line(error)}; start one with "
                "'ray start --head', or leave RAY_ADDRESS unset for a local one"
            ) from None
        dashboard = getattr(context, "dashboard_url", None) or ""
    there = ray.cluster_resources()
    resources = cluster.resources or _share(there, on_gpus)
    room = _room(there, resources)
    if room < 1 and not address:
        wanted, has = (
            ", ".join(f"{name}={amounts.get(name, 0):g}" for name in resources) for amounts in (resources, there)
        )
        raise ModelError(f"--ray-resources {wanted} must fit this machine, and it has {has}")
    return Connection(ray, cluster.actors or max(1, room), resources, dashboard)


def _knock(address: str | None) -> None:
    """Raise an error of the operating system unless somebody listens there: Ray itself would ask for minutes."""
    host, _, port = (address or "").rpartition("/")[2].rpartition(":")
    if host and port.isdecimal():
        socket.create_connection((host, int(port)), timeout=KNOCK_S).close()


def error_line(error: BaseException) -> str:
    """The first line of an error of Ray."""
    lines = [line.strip() for line in str(error).splitlines() if line.strip()]
    return lines[0] if lines else type(error).__name__


def _room(there: Mapping[str, float], resources: Mapping[str, float]) -> int:
    """How many actors a cluster has room for."""
    return min((int(there.get(name, 0) // amount) for name, amount in resources.items() if amount > 0), default=1)


def _share(there: Mapping[str, float], on_gpus: bool) -> Mapping[str, float]:
    """What an actor gets where nobody says: a GPU and its share of the cores, or a core where there are no GPUs."""
    gpus = int(there.get("GPU", 0)) if on_gpus else 0
    return {"CPU": float(max(1, there.get("CPU", 1) // gpus)), "GPU": 1.0} if gpus else {"CPU": 1.0}


IN_FLIGHT, AHEAD_ROWS, MOST_IN_FLIGHT = 2, 512, 8
"""Units handed to one actor at a time: one it works on, and the next, which it decodes meanwhile; small ones until
they have so many rows together."""

FRUITLESS = 2
"""For so many units more than there are slots actors are replaced three times each, while nothing is evaluated."""

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
        names = [each.benchmark.name for each in errand.evaluations]
        self._ledger = UnitLedger(names[0] if len(names) == 1 else f"{len(names)} benchmarks", listener)
        self._loading: dict[Any, Any] = {}
        self._actors: list[Any] = []
        self._flying: dict[Any, tuple[Any, str]] = {}
        self._starts_left = ATTEMPTS * self._slots  # since an actor was last ready
        self._fruitless = 0  # actors that were replaced since a unit was last evaluated

    def run(self) -> EvaluationOutcome:
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
            found = self._ray.get(answer)
        except self._ray.exceptions.RayActorError as error:
            self._ledger.remark(f"an actor ended while it loaded: {error_line(error)}")
            if alone and not self._starts_left:
                self._ledger.problem(f"no actor could begin: {error_line(error)}")
            self._start()
            return
        except self._ray.exceptions.RayError as error:
            self._ledger.problem(f"an actor could not begin: {error_line(error)}")
            return
        if isinstance(found, ActorRefusal):
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
                under_way = {name for _, name in self._flying.values()}
                name = self._ledger.next(not busy, under_way) if self._may_have_more(busy) else None
                if name is None and not busy:
                    name = self._late()
                if name is None:
                    hungry.remove(actor)
                    continue
                reason = self._ledger.given_up.get(name)
                call = actor.evaluate.remote(name) if reason is None else actor.give_up.remote(name, reason)
                self._flying[call] = (actor, name)

    def _late(self) -> str | None:
        """A unit that another actor has, for one that would be idle: one that is not begun there, else the oldest.

        So the end of a run waits for no slow actor. Whoever ends first has done it, and both give the same file.
        """
        flying = list(self._flying.values())
        begun = [next((name for each, name in flying if each is actor), "") for actor in self._actors]
        times = Counter(name for _, name in flying)
        left = [name for name in times if times[name] == 1 and name not in self._ledger.kept]
        free = [name for name in left if not self._ledger.is_suspect(name)]
        return min(free, key=lambda name: name in begun, default=None)  # the first of those that are not begun

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
        back: list[str] = []
        for answer, name in [(answer, name) for answer, (each, name) in self._flying.items() if each is actor]:
            del self._flying[answer]
            if name != guilty and (found := self._answered(answer)) is not None:
                self._ledger.keep(name, found)  # it had answered before
            elif name == guilty or guilty is None:
                guilty = name
                if name not in self._ledger.kept:
                    self._ledger.retry(name, reason, raised)
            elif name not in self._ledger.kept and name not in (other for _, other in self._flying.values()):
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

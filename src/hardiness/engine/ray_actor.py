"""An actor of Ray: it evaluates the units of a command by their names, as a stream, in a process of its own."""

from __future__ import annotations

import math
import os
import platform
import time
from collections import deque
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field, replace
from pathlib import Path
from threading import Condition, Thread
from typing import Any

from hardiness.core.errors import ArgumentError, HardinessError, line_of
from hardiness.core.process import use_cores
from hardiness.core.progress import Silence
from hardiness.engine.evaluation import Evaluation, prepared
from hardiness.engine.provenance import keep_session, package_version
from hardiness.engine.unit import Unit
from hardiness.engine.worker import Worker
from hardiness.models.classifier import Classifier
from hardiness.models.loading import load
from hardiness.models.naming import resolve
from hardiness.store.store import Store

LOOK_S = 0.01
"""Between two looks at whether a unit is stored."""

GRACE_S = 0.05
"""How long a stream waits for another unit before what has begun is brought to its end: the driver needs less."""


@dataclass(frozen=True)
class Errand:
    """The work of a command as an actor is given it: plain data that travels.

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
        for evaluation in self.evaluations:
            data = evaluation.data
            try:
                if data.items:
                    data.items[0].file.read()
            except (HardinessError, OSError):
                return f"{platform.node()} does not see the data at {data.location}: mount them there under that name"
        return ""

    def load_models(self, store: Store) -> tuple[list[Classifier], list[str]]:
        """Load its models; a line for each that cannot be loaded is the second value."""
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
        self._arrival, self._broken, self._has_session, self._stopped = Condition(), "", False, False
        self._thread = Thread(target=self._run, name="units", daemon=True)

    def ready(self) -> ActorReport | ActorRefusal:
        """Load the models and list what is missing; a failing load is a problem and no crash."""
        import torch

        # Ray sets OMP_NUM_THREADS by resources of its own; the unit's resources count.
        os.environ["OMP_NUM_THREADS"] = str(self._threads)
        torch.set_num_threads(self._threads)
        use_cores(self._threads)
        if reason := self._errand.unfitness():
            return ActorRefusal(reason)
        try:
            store = Store.create(self._errand.out)
        except HardinessError as error:
            return ActorRefusal(f"{platform.node()} cannot take part: {error}")
        classifiers, problems = self._errand.load_models(store)
        keys: list[str] = []
        remarks: list[str] = []
        lists = not self._errand.listed
        for evaluation in self._errand.evaluations:
            benchmark, data = evaluation.benchmark, evaluation.data
            request = replace(evaluation.request, workers=self._threads)
            capable, passed_over = evaluation.split(classifiers)
            remarks += passed_over
            try:
                preparation = prepared(benchmark, capable, data, store, request, Silence(), lists, is_shared=True)
            except ArgumentError as error:
                problems.append(line_of(error))
                continue
            self._workers += preparation.workers
            keys += preparation.keys
            problems += preparation.problems
            remarks += preparation.remarks
        for place, worker in enumerate(self._workers):
            for task in worker.tasks:
                if task.stored.key in self._errand.without:
                    task.error = "it was given up"
            if lists:
                # Not by what is missing of it: that changes where an actor dies between two models.
                self._units |= {f"{place}-{unit.index:06d}": (worker, unit) for unit in worker.units()}
        self._thread.start()
        return ActorReport(
            keys=tuple(keys),
            units={name: unit.rows for name, (_, unit) in self._units.items() if unit is not None},
            rows=sum(worker.rows for worker in self._workers),
            problems=tuple(problems),
            remarks=tuple(remarks),
        )

    def evaluate(self, name: str) -> UnitOutcome:
        """Evaluate the unit of that name, unless it is stored by now; the answer comes when it is stored."""
        worker, unit = self._unit(name)
        if unit is None:
            return UnitOutcome()
        if not unit.stored:
            with self._arrival:
                self._waiting.append((worker, unit))
                self._arrival.notify()
            while not all(part.done for part in unit.parts):
                if self._broken or self._stopped:
                    return UnitOutcome(broken=self._broken or f"{platform.node()}: it was stopped")
                time.sleep(LOOK_S)
        lost_parts = [part for part in unit.parts if part.task.error is not None and not part.stored]
        if not self._has_session:
            self.leave()
        return UnitOutcome(
            stored=tuple(part.task.stored.key for part in unit.parts if part not in lost_parts),
            raised={
                part.task.stored.key: f"{part.task.classifier.spec.name} on {worker.benchmark.name}: {part.task.error}"
                for part in lost_parts
            },
        )

    def leave(self) -> None:
        """Keep how rows were computed since the last time: after the first unit, and when there are no more."""
        for worker in self._workers:
            for task in worker.tasks:
                if count := task.computed:
                    keep_session(task, worker.clock, worker.request, worker.benchmark)
                    task.computed -= count
                    self._has_session = True

    def stop(self) -> None:
        """Begin nothing more, and store the images that are finished of the units under way."""
        with self._arrival:
            self._stopped = True
            self._waiting.clear()
            self._arrival.notify()
        for worker in self._workers:
            worker.ends_s = -math.inf
        if self._thread.is_alive():
            self._thread.join()
        self.leave()

    def give_up(self, name: str, reason: str) -> Sequence[str]:
        """Store a unit's images as failed for a reason, and return their ids."""
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
        """Evaluate units as they come, until the actor is stopped."""
        try:
            while not self._stopped:
                with self._arrival:
                    self._arrival.wait_for(lambda: self._waiting or self._stopped)
                    worker, first = self._waiting[0] if self._waiting else (None, None)
                if worker is not None and first is not None:
                    worker.run(self._stream(worker), first.rows)
        except BaseException as error:  # noqa: BLE001  # `evaluate` gives it to the driver, and the actor is replaced
            self._broken = f"{platform.node()}: {line_of(error)}"

    def _stream(self, worker: Worker) -> Iterator[Unit]:
        """The units that wait, up to the first of another worker; it ends where none comes, so that all are stored."""
        while True:
            with self._arrival:
                if not self._arrival.wait_for(lambda: self._waiting, GRACE_S) or self._waiting[0][0] is not worker:
                    return
                unit = self._waiting.popleft()[1]
            yield unit

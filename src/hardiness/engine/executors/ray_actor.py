"""What runs in a Ray actor: the workers of one command, fed with units as a stream."""

from __future__ import annotations

import os
import platform
import time
from collections import deque
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field, replace
from pathlib import Path
from threading import Condition, Thread
from typing import Any

from hardiness.core import (
    Benchmark,
    DataSet,
    HardinessError,
    Request,
    Silence,
)
from hardiness.core.errors import line_of
from hardiness.core.random import use_cores
from hardiness.engine.evaluation import prepared
from hardiness.engine.measuring import package_version, session
from hardiness.engine.units import Unit
from hardiness.engine.worker import Worker
from hardiness.models import Classifier, load, resolve
from hardiness.store import Store

LOOK_S = 0.01
"""Between two looks at whether a unit is stored."""

GRACE_S = 0.05
"""How long a stream waits for another unit before what has begun is brought to its end: the driver needs less."""


@dataclass(frozen=True)
class Evaluation:
    """One benchmark of an errand.

    Attributes:
        benchmark: what to run.
        data: its data set: names of files, no bytes; each actor reads its own.
        request: how much, and how; decoding threads are set by the actor's resources.
    """

    benchmark: Benchmark
    data: DataSet
    request: Request


@dataclass(frozen=True)
class Errand:
    """What an actor is to evaluate; plain data that travels.

    Attributes:
        models: names, with their options.
        placing: ``device``, ``precision`` and ``runtime`` of each.
        evaluations: the benchmarks of the command.
        out: the output folder, which every actor must reach under the same name.
        version: of the hardiness that sends it.
        without: keys of runs whose model raised wherever it was tried; nothing of them is evaluated.
    """

    models: tuple[str, ...]
    placing: Mapping[str, Any]
    evaluations: tuple[Evaluation, ...]
    out: str | Path
    version: str = ""
    without: frozenset[str] = frozenset()


@dataclass(frozen=True)
class Ready:
    """What an actor says once its models are loaded.

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
class Unfit:
    """Why an actor cannot take part, in one line that names its machine; others may."""

    reason: str


@dataclass(frozen=True)
class UnitOutcome:
    """What came of a unit.

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
        self._units: dict[str, tuple[Worker, Unit]] = {}
        self._waiting: deque[tuple[Worker, Unit]] = deque()
        self._comes, self._broken, self._noted = Condition(), "", False

    def ready(self) -> Ready | Unfit:
        """Load the models and list what is missing; a failing load is a problem and no crash."""
        import torch

        # Ray sets OMP_NUM_THREADS by resources of its own; the unit's resources count.
        os.environ["OMP_NUM_THREADS"] = str(self._threads)
        torch.set_num_threads(self._threads)
        use_cores(self._threads)
        if unfit := unfitness(self._errand):
            return Unfit(unfit)
        classifiers, problems = _loaded(self._errand)
        try:
            store = Store.create(self._errand.out)
        except HardinessError as error:
            return Unfit(f"{platform.node()} cannot take part: {error}")
        keys: list[str] = []
        remarks: list[str] = []
        for each in self._errand.evaluations:
            request = replace(each.request, workers=self._threads)
            begun = prepared(each.benchmark, classifiers, each.data, store, request, Silence())
            self._workers += begun.workers
            keys += begun.keys
            problems += begun.problems
            remarks += begun.remarks
        for place, worker in enumerate(self._workers):
            for task in worker.tasks:
                if task.stored.key in self._errand.without:
                    task.error = "it was given up"
            # Not by what is missing of it: that changes where an actor dies between two models.
            self._units |= {f"{place}-{unit.index:06d}": (worker, unit) for unit in worker.units()}
        Thread(target=self._run, name="units", daemon=True).start()
        return Ready(
            keys=tuple(keys),
            units={name: unit.rows for name, (_, unit) in self._units.items()},
            rows=sum(len(each.items) * len(each.asked) * len(each.tasks) for each in self._workers),
            problems=tuple(problems),
            remarks=tuple(remarks),
        )

    def evaluate(self, name: str) -> UnitOutcome:
        """Evaluate the unit of that name, unless it is stored by now; the answer comes when it is stored."""
        if name not in self._units:
            return UnitOutcome()  # nothing was missing of it when this actor began
        worker, unit = self._units[name]
        if not unit.stored:
            with self._comes:
                self._waiting.append((worker, unit))
                self._comes.notify()
            while not all(part.done for part in unit.parts):
                if self._broken:
                    return UnitOutcome(broken=self._broken)
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
                    task.stored.add_measured(session(task, worker.clock, worker.request, worker.benchmark))
                    task.computed -= count
                    self._noted = True

    def give_up(self, name: str, reason: str) -> Sequence[str]:
        """Store a unit's images as failed, for the reason given; their ids."""
        if name not in self._units:
            return ()
        worker, unit = self._units[name]
        return worker.give_up(unit, reason)

    def _run(self) -> None:
        """Evaluate what comes, for ever."""
        try:
            while True:
                with self._comes:
                    self._comes.wait_for(lambda: self._waiting)
                    worker, first = self._waiting[0]
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


def unfitness(errand: Errand) -> str:
    """Why this machine cannot take part in an errand: another version, or data that it does not see; else nothing."""
    here = package_version()
    if errand.version not in ("", here):
        return (
            f"{platform.node()} runs hardiness {here}, and the driver {errand.version}: install one version on every "
            "machine"
        )
    for data in (each.data for each in errand.evaluations):
        try:
            if data.items:
                data.items[0].file.read()
        except (HardinessError, OSError):
            return f"{platform.node()} does not see the data at {data.location}: mount them there under that name"
    return ""


def _loaded(errand: Errand) -> tuple[list[Classifier], list[str]]:
    classifiers, problems = [], []
    for name in errand.models:
        try:
            classifiers.append(load(resolve(name), **errand.placing))
        except HardinessError as error:
            problems.append(f"{name}: {line_of(error)}")
    return classifiers, problems

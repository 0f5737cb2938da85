"""What runs in a Ray actor: the worker of one errand, asked for one unit at a time."""

from __future__ import annotations

import os
import platform
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

from hardiness.core import (
    Benchmark,
    DataSet,
    HardinessError,
    Request,
    Silence,
)
from hardiness.core.errors import line_of
from hardiness.core.processors import use_cores
from hardiness.engine.evaluation import prepared
from hardiness.engine.measuring import package_version, session
from hardiness.engine.units import Unit
from hardiness.engine.worker import Worker
from hardiness.models import Classifier, load, resolve
from hardiness.store import Store


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
        version: of the hardiness that sends it.
    """

    models: tuple[str, ...]
    placing: Mapping[str, Any]
    benchmark: Benchmark
    data: DataSet
    out: str | Path
    request: Request
    version: str = ""


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


class UnitActor:
    """Evaluates single units of one errand, in a process of its own."""

    def __init__(self, errand: Errand, threads: int) -> None:
        self._errand, self._threads = errand, threads
        self._workers: list[Worker] = []
        self._units: dict[str, tuple[Worker, Unit]] = {}
        self._noted = False

    def ready(self) -> Ready | Unfit:
        """Load the models and list what is missing; a failing load is a problem and no crash."""
        import torch

        # Ray sets OMP_NUM_THREADS by resources of its own; the unit's resources count.
        os.environ["OMP_NUM_THREADS"] = str(self._threads)
        torch.set_num_threads(self._threads)
        use_cores(self._threads)
        errand = replace(self._errand, request=replace(self._errand.request, workers=self._threads))
        if unfit := unfitness(errand):
            return Unfit(unfit)
        classifiers, problems = _loaded(errand)
        try:
            store = Store.create(errand.out)
        except HardinessError as error:
            return Unfit(f"{platform.node()} cannot take part: {error}")
        begun = prepared(errand.benchmark, classifiers, errand.data, store, errand.request, Silence())
        self._workers = list(begun.workers)
        for place, worker in enumerate(self._workers):
            # Not by what is missing of it: that changes where an actor dies between two models.
            self._units |= {f"{place}-{unit.index:06d}": (worker, unit) for unit in worker.units()}
        return Ready(
            keys=begun.keys,
            units={name: unit.rows for name, (_, unit) in self._units.items()},
            rows=sum(len(each.items) * len(each.asked) * len(each.tasks) for each in self._workers),
            problems=(*problems, *begun.problems),
            remarks=begun.remarks,
        )

    def evaluate(self, name: str) -> str:
        """Evaluate the unit of that name, unless it is stored by now; what went wrong in one line, or nothing."""
        if name not in self._units:
            return ""  # nothing was missing of it when this actor began
        worker, unit = self._units[name]
        if unit.stored:
            return ""
        try:
            worker.run([unit], unit.rows)
        except HardinessError as error:
            return line_of(error)
        finally:
            if not self._noted:
                self.leave()
        return "; ".join(dict.fromkeys(part.task.error for part in unit.parts if part.task.error))

    def leave(self) -> None:
        """Keep how rows were computed since the last time: after the first unit, and when there are no more."""
        for worker in self._workers:
            for task in worker.tasks:
                if task.computed:
                    task.stored.add_measured(session(task, worker.clock, self._errand.request))
                    task.computed, self._noted = 0, True

    def give_up(self, name: str, reason: str) -> Sequence[str]:
        """Store a unit's images as failed, for the reason given; their ids."""
        if name not in self._units:
            return ()
        worker, unit = self._units[name]
        return worker.give_up(unit, reason)


def unfitness(errand: Errand) -> str:
    """Why this machine cannot take part in an errand: another version, or data that it does not see; else nothing."""
    here = package_version()
    if errand.version not in ("", here):
        return (
            f"{platform.node()} runs hardiness {here}, and the driver {errand.version}: install one version on every "
            "machine"
        )
    try:
        if errand.data.items:
            errand.data.items[0].file.read()
    except (HardinessError, OSError):
        return f"{platform.node()} does not see the data at {errand.data.location}: mount them there under that name"
    return ""


def _loaded(errand: Errand) -> tuple[list[Classifier], list[str]]:
    classifiers, problems = [], []
    for name in errand.models:
        try:
            classifiers.append(load(resolve(name), **errand.placing))
        except HardinessError as error:
            problems.append(f"{name}: {line_of(error)}")
    return classifiers, problems

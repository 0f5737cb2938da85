"""The tasks of a command on Ray: one lists its units, each of the others evaluates one; a process keeps its models."""

from __future__ import annotations

import os
import platform
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

from hardiness.core.errors import DataError, DeviceError, HardinessError, ModelError, line_of
from hardiness.core.fact import Fact, error_of, lines_of
from hardiness.core.process import use_cores
from hardiness.core.progress import Silence
from hardiness.engine.evaluation import Evaluation, PreparedEvaluation, prepared
from hardiness.engine.provenance import keep_measured, package_version
from hardiness.engine.unit import Unit
from hardiness.engine.worker import Worker
from hardiness.models.loading import load
from hardiness.models.naming import resolve
from hardiness.store.store import Store


@dataclass(frozen=True)
class Errand:
    """The work of a command as plain data that travel.

    Attributes:
        models: names, with their options.
        placing: ``device``, ``precision`` and ``runtime`` of each.
        evaluations: the benchmarks of the command.
        out: the output folder, which every machine must reach under the same name.
        version: of the hardiness that sends it.
        threads: cores that Ray has promised to each task.
        keys: of the runs, once they are listed; a machine that has others cannot take part.
    """

    models: tuple[str, ...]
    placing: Mapping[str, Any]
    evaluations: tuple[Evaluation, ...]
    out: str | Path
    version: str = ""
    threads: int = 1
    keys: tuple[str, ...] = ()


@dataclass(frozen=True)
class UnitListing:
    """The work that is missing.

    Attributes:
        keys: of the runs.
        units: rows that each unit misses, by its name.
        rows: of all that was asked for, stored or not.
        problems: what cannot be evaluated on any machine.
        remarks: what else a person should know.
    """

    keys: tuple[str, ...]
    units: Mapping[str, int]
    rows: int
    problems: tuple[Fact, ...]
    remarks: tuple[Fact, ...] = ()


_PREPARED: dict[str, list[Worker]] = {}
"""Workers, with their models, of the errand that this process was last given, by the name of its object in Ray."""


def list_units(errand: Errand) -> UnitListing:
    """Load the models, begin their runs, and list what is missing; a model that cannot be loaded is a problem.

    Raises:
        HardinessError: this machine cannot take part.
    """
    preparations, problems, remarks = _prepare(errand)
    workers = _workers(preparations)
    return UnitListing(
        keys=_keys(preparations),
        # Not by what is missing of it: that changes where a process dies between two models.
        units={
            f"{place}-{unit.index:06d}": unit.rows for place, worker in enumerate(workers) for unit in worker.units()
        },
        rows=sum(worker.rows for worker in workers),
        problems=(*problems, *(fact for each in preparations for fact in each.problems)),
        remarks=(*remarks, *(fact for each in preparations for fact in each.remarks)),
    )


def evaluate_unit(errand: Sequence[Any], name: str) -> None:
    """Evaluate a unit and store it; where Ray cancels it, the images that are finished are stored.

    Args:
        errand: its object in Ray, in a list, so that only a process that has no models yet fetches it.
        name: of the unit, as it was listed.

    Raises:
        HardinessError: a model raised, or this machine cannot take part.
    """
    worker, unit = _unit(errand, name)
    if unit is None:
        return  # an earlier try has stored it, and was lost before it could say so
    try:
        worker.run([unit], unit.rows)
    except DeviceError as error:
        print(line_of(error), flush=True)
        os._exit(1)  # the GPU is lost to this process; Ray tries the unit again in another one
    finally:
        keep_measured([worker])
    if errors := [task.error for task in worker.tasks if task.error]:
        _PREPARED.clear()  # the next try has the model anew
        raise ModelError("; ".join(f"{line} (on {platform.node()})" for line in lines_of(errors)))


def give_up(errand: Sequence[Any], name: str, reason: str) -> tuple[str, ...]:
    """Store the images that are missing of a unit as failed, and return their ids; arguments as of `evaluate_unit`."""
    _, unit = _unit(errand, name)
    return () if unit is None else unit.give_up(reason)


def _unit(errand: Sequence[Any], name: str) -> tuple[Worker, Unit | None]:
    """The unit of a name, and its worker; ``None`` where nothing is missing of it."""
    import ray

    (reference,) = errand
    if reference.hex() not in _PREPARED:
        _PREPARED.clear()
        sent: Errand = ray.get(reference)
        preparations, problems, _ = _prepare(sent)
        if _keys(preparations) != sent.keys:
            reasons = (*problems, *(fact for each in preparations for fact in each.problems))
            raise ModelError(f"{platform.node()} has not the same models: {'; '.join(lines_of(reasons))}")
        _PREPARED[reference.hex()] = _workers(preparations)
    place, _, index = name.partition("-")
    worker = _PREPARED[reference.hex()][int(place)]
    return worker, next(worker.units(only=int(index)), None)


def _prepare(errand: Errand) -> tuple[list[PreparedEvaluation], list[Fact], list[Fact]]:
    """The errand's evaluations with loaded models; what cannot be evaluated, and what is passed over."""
    import torch

    # Ray sets OMP_NUM_THREADS by resources of its own; those of the task count.
    os.environ["OMP_NUM_THREADS"] = str(errand.threads)
    torch.set_num_threads(errand.threads)
    use_cores(errand.threads)
    _require_fit(errand)
    store = Store.create(errand.out)
    classifiers, problems, remarks = [], [], []
    for name in errand.models:
        try:
            classifiers.append(load(resolve(name), **errand.placing, files=store.files))
        except HardinessError as error:
            problems.append(error_of(error, name))
    preparations = []
    for each in errand.evaluations:
        capable, passed_over = each.split(classifiers)
        remarks += passed_over
        request = replace(each.request, workers=errand.threads)
        is_first = not errand.keys  # later ones look into no stored file before its unit is theirs
        preparations.append(prepared(each.benchmark, capable, each.data, store, request, Silence(), looks=is_first))
    return preparations, problems, remarks


def _require_fit(errand: Errand) -> None:
    """Raise where this machine has another version, or does not see the data: its rows would not be the run's."""
    machine, here = platform.node(), package_version()
    if errand.version not in ("", here):
        raise ModelError(
            f"{machine} runs hardiness {here}, and the driver {errand.version}: install one version on every machine"
        )
    for data in (each.data for each in errand.evaluations):
        try:
            if data.items:
                data.items[0].file.read()
        except (HardinessError, OSError):
            raise DataError(
                f"{machine} does not see the data at {data.location}: mount them there under that name"
            ) from None


def _workers(preparations: Sequence[PreparedEvaluation]) -> list[Worker]:
    return [worker for each in preparations for worker in each.workers]


def _keys(preparations: Sequence[PreparedEvaluation]) -> tuple[str, ...]:
    return tuple(key for each in preparations for key in each.keys)

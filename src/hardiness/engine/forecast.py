"""What an evaluation would do: units, images, bytes and seconds; nothing of it is evaluated or stored."""

from __future__ import annotations

import tempfile
from collections import Counter
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from pathlib import Path

from hardiness.core import Benchmark, DataError, DataSet, Item, Listener, ModelError, Request, Silence
from hardiness.data import limited
from hardiness.engine.agreement import fewer_images
from hardiness.engine.calibration import Trial
from hardiness.engine.cost import Costs, Price
from hardiness.engine.evaluation import surrogate_of
from hardiness.engine.plan import Task, begin, condition_indices, look_up
from hardiness.engine.precision import most_wanted, require_reachable
from hardiness.engine.units import Unit, units
from hardiness.models import Classifier
from hardiness.store import Store

SIZED = 64
"""Photographs whose sizes are taken for those of all."""


@dataclass(frozen=True)
class Forecast:
    """What one benchmark of a command would do.

    Attributes:
        benchmark, data: which.
        models: names of those that would be evaluated.
        units: pieces of work, each stored as one file a model.
        images: different photographs that would be read.
        rows: images x conditions x models that would be evaluated.
        stored: those that are stored already.
        bytes_read, bytes_written: about.
        seconds: from loaded models to stored rows, on this machine as busy as it is now.
        error_s: standard error of ``seconds``.
        at_most: whether ``seconds`` is an upper bound; with a precision target all counts are, too.
        problems: a line for each thing asked for that could not be evaluated.
        remarks: what else a person should know.
        refused: whether a model, or all of it, could not be evaluated.
    """

    benchmark: str
    data: str
    models: tuple[str, ...] = ()
    units: int = 0
    images: int = 0
    rows: int = 0
    stored: int = 0
    bytes_read: int = 0
    bytes_written: int = 0
    seconds: float = 0.0
    error_s: float = 0.0
    at_most: bool = False
    problems: tuple[str, ...] = ()
    remarks: tuple[str, ...] = ()
    refused: bool = False


def forecast(
    benchmark: Benchmark,
    classifiers: Sequence[Classifier],
    data: DataSet,
    store: Store,
    request: Request,
    listener: Listener | None = None,
) -> Forecast:
    """What `evaluate` would do with these arguments; a few rows are computed in a folder that is thrown away.

    Raises:
        ArgumentError: the precision target does not go with the benchmark, or cannot be reached whatever the answers.
        StoreError: what is stored cannot be read.
    """
    with tempfile.TemporaryDirectory(prefix="hardiness-plan-") as folder:
        return _forecast(benchmark, classifiers, data, store, request, listener or Silence(), Path(folder))


def _forecast(
    benchmark: Benchmark,
    classifiers: Sequence[Classifier],
    data: DataSet,
    store: Store,
    request: Request,
    listener: Listener,
    folder: Path,
) -> Forecast:
    problems = list(data.notes)
    if request.precision_target is not None:
        require_reachable(benchmark, data, request.precision_target, request.limit)
    try:
        surrogate = surrogate_of(benchmark, classifiers, listener)
    except (ModelError, DataError) as error:
        told = f"{benchmark.name}: its surrogate cannot be used: {error}"
        return Forecast(benchmark.name, data.name, problems=(*problems, told), refused=True)
    tasks: list[Task] = []
    for classifier in classifiers:
        try:
            begun = begin(classifier, benchmark, data, request, Store.create(folder / "begun"), surrogate)
            tasks.append(look_up(begun, store))
        except ModelError as error:
            problems.append(str(error))
    by_id = {item.id: item for item in limited(data.items, request.limit, request.seed)}
    _, asked = condition_indices(benchmark, data)
    wanted: Mapping[str, Sequence[int]] = dict.fromkeys(by_id, asked)
    count, images, rows = _counted(tasks, wanted)
    lacking = [task.classifier for task in tasks if rows[task.classifier.spec.name]]
    items = [by_id[sample] for sample in images]
    trial = Trial(benchmark, data, request, surrogate, items, asked, Store.create(folder / "trial"))
    costs = _costs(trial, lacking) if lacking else Costs()
    if request.precision_target is not None and lacking:
        wanted = most_wanted(Store(f"{trial.store.address}/0"), data, request, wanted)
        count, images, rows = _counted(tasks, wanted)
        items = [by_id[sample] for sample in images]
    seconds = costs.unit_s(benchmark.name, rows) + costs.start_s(benchmark.name, list(rows))
    return Forecast(
        benchmark=benchmark.name,
        data=data.name,
        models=tuple(task.classifier.spec.name for task in tasks),
        units=count,
        images=len(images),
        rows=rows.total(),
        stored=sum(map(len, wanted.values())) * len(tasks) - rows.total(),
        bytes_read=_bytes(items),
        bytes_written=round(costs.bytes_written(benchmark.name, rows)),
        seconds=seconds,
        error_s=seconds * costs.error(benchmark.name, rows),
        at_most=request.precision_target is not None or costs.at_most(benchmark.name, list(rows)),
        problems=tuple(problems),
        remarks=(*data.remarks, *fewer_images(benchmark, data, store.runs())),
        refused=len(tasks) < len(classifiers),
    )


def _counted(tasks: Sequence[Task], wanted: Mapping[str, Sequence[int]]) -> tuple[int, dict[str, None], Counter[str]]:
    """What is missing: units, images, and rows by model."""
    count, images, rows = 0, dict[str, None](), Counter[str]()
    for unit in _missing(tasks, wanted):
        count += 1
        for part in unit.parts:
            rows[part.task.classifier.spec.name] += len(part.work)
            images.update(dict.fromkeys(sample for sample, _ in part.work))
    return count, images, rows


def _missing(tasks: Sequence[Task], wanted: Mapping[str, Sequence[int]]) -> Iterator[Unit]:
    """Every unit with missing rows; models whose runs have units of one size share them, as in an evaluation."""
    sizes = dict.fromkeys(task.stored.plan.unit_items for task in tasks)
    for size in sizes:
        yield from units([task for task in tasks if task.stored.plan.unit_items == size], wanted, size)


def _costs(trial: Trial, classifiers: Sequence[Classifier]) -> Costs:
    """Prices of each model, and of what several share."""
    name = trial.benchmark.name
    prices: dict[tuple[str, str], Price] = {}
    for place, classifier in enumerate(classifiers):
        own = replace(trial, store=Store.create(f"{trial.store.address}/{place}"))
        prices[name, classifier.spec.name] = own.price(classifier)
    shared = trial.shared_s(classifiers) if len(classifiers) > 1 else 0.0
    return Costs(prices, {name: shared})


def _bytes(items: Sequence[Item]) -> int:
    """About how many bytes the files of these items have: by the sizes of some, from all over."""
    if not items:
        return 0
    some = items[:: max(1, len(items) // SIZED)]
    return round(sum(len(item.file.read()) for item in some) / len(some) * len(items))

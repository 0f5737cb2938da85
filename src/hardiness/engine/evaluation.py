"""Run models on a benchmark: open the runs, evaluate what is missing, say what could not be."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from functools import partial

from hardiness.core import Benchmark, DataError, DataSet, Listener, ModelError, Request, Silence
from hardiness.engine.loop import Session
from hardiness.engine.measuring import session
from hardiness.engine.task import Task, begin, need_gradients
from hardiness.models import Classifier, load, resolve
from hardiness.store import Store


@dataclass(frozen=True)
class Evaluated:
    """What came of an evaluation.

    Attributes:
        keys: the run of each model that could begin.
        problems: a line for each thing asked for that could not be evaluated: parts of the data set, models.
        remarks: what else a person should know.
    """

    keys: tuple[str, ...]
    problems: tuple[str, ...]
    remarks: tuple[str, ...] = ()


def evaluate(
    benchmark: Benchmark,
    classifiers: Sequence[Classifier],
    data: DataSet,
    store: Store,
    request: Request,
    listener: Listener | None = None,
) -> Evaluated:
    """Run models on a benchmark until every requested row is stored; models innermost, so each photograph is read once.

    Args:
        benchmark: what to run.
        classifiers: the models.
        data: the benchmark's data set.
        store: where records go, and where finished ones are found.
        request: how much, and how.
        listener: hears of progress.

    Returns:
        The runs that hold the records, and what could not be evaluated; what was finished stays.

    Raises:
        StoreError: records cannot be written.
    """
    tasks: list[Task] = []
    problems = list(data.notes)
    try:
        surrogate = surrogate_of(benchmark, classifiers, listener or Silence())
    except (ModelError, DataError) as error:
        return Evaluated((), (*problems, f"{benchmark.name}: its surrogate cannot be used: {error}"))
    for classifier in classifiers:
        try:
            tasks.append(begin(classifier, benchmark, data, request, store, surrogate))
        except ModelError as error:
            problems.append(str(error))
    if not tasks:
        return Evaluated((), tuple(problems))
    running = Session(benchmark, data, tasks, request, store, listener or Silence(), surrogate)
    try:
        running.run()
    finally:
        for task in tasks:
            if task.computed:
                store.add_measured(task.stored, session(task, running.clock, request))
    problems += [f"{task.classifier.spec.name}: {task.error}" for task in tasks if task.error]
    remarks = [running.gallery.remark] if running.gallery and running.gallery.remark else []
    return Evaluated(tuple(task.stored.run["key"] for task in tasks), tuple(problems), tuple(remarks))


def surrogate_of(benchmark: Benchmark, classifiers: Sequence[Classifier], listener: Listener) -> Classifier | None:
    """The model that the benchmark attacks in place of the evaluated ones: one of them where it is among them.

    Raises:
        UnknownNameError: no model has that name.
        DataError, ModelError: its weights cannot be had or do not fit, or it has no gradients.
    """
    plan = benchmark.attack
    if plan is None or plan.surrogate is None or not classifiers:
        return None
    spec = resolve(plan.surrogate)
    found = next((classifier for classifier in classifiers if classifier.spec.name == spec.name), None)
    if found is None:
        told = partial(listener.download, spec.name)
        found = load(spec, device=classifiers[0].device, progress=told)
    need_gradients(found)
    return found

"""Run models on a benchmark: open the runs, evaluate what is missing, say what could not be."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from functools import partial

from hardiness.benchmarks.own_code import benchmark_code
from hardiness.core.benchmark import Benchmark, DataSet
from hardiness.core.errors import DataError, ModelError, line_of
from hardiness.core.progress import Listener, Silence
from hardiness.core.request import Request, Share
from hardiness.engine.attack import require_module
from hardiness.engine.batch import Ensemble
from hardiness.engine.deadline import Deadline, Progression, evaluate_until_deadline
from hardiness.engine.goals import EvaluationToGoal, Outlook, Precision, Verdicts
from hardiness.engine.moved_runs import fewer_images, moved_from
from hardiness.engine.provenance import keep_beginning, keep_measured
from hardiness.engine.rounds import Rounds, require_reachable
from hardiness.engine.shared import shared
from hardiness.engine.tasks import Task, asks_for_gradients, begin, left_out_of, require_gradients
from hardiness.engine.worker import Worker
from hardiness.models.classifier import Classifier
from hardiness.models.loading import load, resolve
from hardiness.results.policy import Policy
from hardiness.results.policy_watch import PolicyWatch
from hardiness.store.parallel import in_parallel
from hardiness.store.store import Store, surveyed


@dataclass(frozen=True)
class EvaluationOutcome:
    """The outcome of an evaluation.

    Attributes:
        keys: the run of each model that could begin.
        problems: a line for each thing asked for that could not be evaluated: parts of the data set, models.
        remarks: what else a person should know.
        unreached: a line where a precision target cannot be reached.
    """

    keys: tuple[str, ...]
    problems: tuple[str, ...]
    remarks: tuple[str, ...] = ()
    unreached: tuple[str, ...] = ()


def evaluate(
    benchmark: Benchmark,
    classifiers: Sequence[Classifier],
    data: DataSet,
    store: Store,
    request: Request,
    listener: Listener | None = None,
) -> EvaluationOutcome:
    """Run models on a benchmark until every requested row is stored; models innermost, so each photograph is read once.

    Args:
        benchmark: what to run.
        classifiers: the models.
        data: the benchmark's data set.
        store: where records go, and where finished ones are found.
        request: how much, and how.
        listener: listener of progress.

    Returns:
        The runs that hold the records, and what could not be evaluated; what was finished stays.

    Raises:
        ArgumentError: the precision target does not go with the benchmark, or cannot be reached whatever the answers;
            or other workers' rows in the store are by another version or of other data.
        StoreError: records cannot be written.
    """
    if request.share and request.precision_target is None:
        return evaluate_shared([(benchmark, data, request)], request.share, classifiers, store, listener)[0]
    begun = prepared(benchmark, classifiers, data, store, request, listener or Silence())
    stopping = begun.precision(request)
    if stopping is not None:
        return begun.run_to(stopping)
    for worker in begun.workers:
        try:
            worker.evaluate()
        finally:
            keep_measured([worker])
    return begun.outcome()


def evaluate_shared(
    asked: Sequence[tuple[Benchmark, DataSet, Request]],
    share: Share,
    classifiers: Sequence[Classifier],
    store: Store,
    listener: Listener | None = None,
) -> list[EvaluationOutcome]:
    """The outcome of several benchmarks that this process evaluates together with others; arguments as for `evaluate`.

    Raises:
        ArgumentError: rows of other workers in the store are by another version or of other data.
        StoreError: records cannot be written.
    """
    every = [
        prepared(benchmark, classifiers, data, store, request, listener or Silence())
        for benchmark, data, request in asked
    ]
    workers = [worker for begun in every for worker in begun.workers]
    try:
        shared(workers, share)
    finally:
        keep_measured(workers)
    return [begun.outcome() for begun in every]


def evaluate_until_decided(
    policy: Policy, every: Sequence[PreparedEvaluation], store: Store
) -> Iterator[EvaluationOutcome]:
    """The outcome of several evaluations, each of which ends once the rules of a policy on it are decided.

    Args:
        policy: the rules, which speak of each.
        every: evaluations that all have begun, so that the rules on all of them share their level from the first on.
        store: of their runs.

    Raises:
        ArgumentError: a rule matches nothing in a run.
        StoreError: records cannot be written.
    """
    watch = PolicyWatch(policy, store)
    for begun in every:
        yield (
            begun.run_to(EvaluationToGoal(Rounds(begun.workers), Verdicts(watch))) if begun.workers else begun.outcome()
        )


def evaluate_within(budget: Deadline, every: Sequence[PreparedEvaluation]) -> list[EvaluationOutcome]:
    """As much of several evaluations as the time allows, in the order given; what is missing is told in remarks.

    Raises:
        ArgumentError, StoreError: as `evaluate`.
    """
    progressions = [
        Progression(Rounds(begun.workers), begun.precision(begun.workers[0].request)) if begun.workers else None
        for begun in every
    ]
    open_ = [progression for progression in progressions if progression is not None]
    try:
        evaluate_until_deadline(budget, open_)
    finally:
        for progression in open_:
            progression.rounds.listener.end()
        for begun in every:
            keep_measured(begun.workers)
    return [
        begun.outcome() if told is None else begun.outcome(told.stopping, "" if told.done else told.missing())
        for begun, told in zip(every, progressions, strict=True)
    ]


@dataclass(frozen=True)
class PreparedEvaluation:
    """An evaluation that can start.

    Attributes:
        workers: one for each size of unit; none where no model can be evaluated.
        keys, problems, remarks: as in `EvaluationOutcome`, so far.
    """

    workers: tuple[Worker, ...] = ()
    keys: tuple[str, ...] = ()
    problems: tuple[str, ...] = ()
    remarks: tuple[str, ...] = ()

    def precision(self, request: Request) -> EvaluationToGoal | None:
        """What ends it as soon as it is exact enough; ``None`` where nothing does."""
        if request.precision_target is None or not self.workers:
            return None
        worker = self.workers[0]
        require_reachable(worker.benchmark, worker.data, request.precision_target, request.limit)
        return EvaluationToGoal(Rounds(self.workers), Precision(request.precision_target))

    def run_to(self, stopping: EvaluationToGoal) -> EvaluationOutcome:
        """The outcome of evaluating until a goal is reached."""
        try:
            stopping.run()
        finally:
            stopping.rounds.listener.end()
            keep_measured(self.workers)
        return self.outcome(stopping)

    def outcome(self, stopping: EvaluationToGoal | None = None, missing: str = "") -> EvaluationOutcome:
        """Its outcome so far."""
        problems, remarks = list(self.problems), list(self.remarks)
        for worker in self.workers:
            remarks += [each.remark for each in (worker.gallery, worker.kept) if each and each.remark]
            problems += [task.problem for task in worker.tasks if task.error]
        remarks += [missing] if missing else []
        outlook = stopping.outlook if stopping is not None else Outlook()
        remarks += outlook.remarks
        return EvaluationOutcome(
            self.keys, tuple(problems), tuple(remarks), (outlook.unreached,) if outlook.unreached else ()
        )


def prepared(
    benchmark: Benchmark,
    classifiers: Sequence[Classifier],
    data: DataSet,
    store: Store,
    request: Request,
    listener: Listener,
    looks: bool = True,
    is_shared: bool = False,
) -> PreparedEvaluation:
    """The workers of an evaluation, its runs opened or begun.

    Args:
        benchmark, classifiers, data, store, request, listener: as for `evaluate`.
        looks: whether stored files are looked into, and damaged ones set aside.
        is_shared: whether other processes are to evaluate the same runs.

    Raises:
        ArgumentError: other processes' rows are by another version or of other data, or they would never find a run.
    """
    tasks: list[Task] = []
    problems = list(data.notes)
    try:
        surrogate = surrogate_of(benchmark, classifiers, listener)
    except (ModelError, DataError) as error:
        return PreparedEvaluation(
            problems=(*problems, f"{benchmark.name}: its surrogate cannot be used: {line_of(error)}")
        )
    with surveyed(store) as (every,):
        for classifier in classifiers:
            try:
                require_module(classifier, benchmark)
                tasks.append(begin(classifier, benchmark, data, request, store, surrogate, is_shared))
            except ModelError as error:
                problems.append(line_of(error))
    aside = in_parallel(lambda task: task.stored.set_damage_aside(request.share), tasks) if looks else []
    workers = [Worker(benchmark, data, alike, request, store, listener, surrogate) for alike in _by_unit_size(tasks)]
    for worker in workers:
        for task in worker.tasks:
            keep_beginning(task, worker.clock, request, benchmark, every.runs)
    return PreparedEvaluation(
        tuple(workers),
        tuple(task.stored.key for task in tasks),
        tuple(problems),
        (
            *benchmark_code(benchmark).left_out,
            *data.remarks,
            *dict.fromkeys(line for task in tasks if (line := task.class_order(data))),
            *fewer_images(benchmark, data, every.runs),
            *(line for task in tasks for line in moved_from(task.stored.run, every.runs)),
            *(left_out_of(benchmark.attack) if tasks and benchmark.attack else ()),
            *every.renamed,
            *(line for lines in aside for line in lines),
        ),
    )


def _by_unit_size(tasks: Sequence[Task]) -> list[list[Task]]:
    """The tasks in groups that have units of one size, which a run keeps from when it was begun."""
    sizes = dict.fromkeys(task.stored.plan.unit_items for task in tasks)
    return [[task for task in tasks if task.stored.plan.unit_items == size] for size in sizes]


def surrogate_of(
    benchmark: Benchmark, classifiers: Sequence[Classifier], listener: Listener
) -> Classifier | Ensemble | None:
    """The model that the benchmark attacks in place of the evaluated ones: one of them where it is among them.

    Raises:
        UnknownNameError: no model has that name.
        DataError, ModelError: its weights cannot be had or do not fit, it has no gradients, or it is all that is
            evaluated.
    """
    plan = benchmark.attack
    if plan is None or plan.surrogate is None or not classifiers:
        return None
    specs = [resolve(name) for name in plan.surrogate.split("+")]
    if len(specs) == 1 and all(classifier.spec.name == specs[0].name for classifier in classifiers):
        raise ModelError(
            f"{specs[0].name} is the only model that is evaluated, and its own surrogate: that is no black box; name "
            "another surrogate=, add models, or run whitebox"
        )
    found = []
    for spec in specs:
        among = next((classifier for classifier in classifiers if classifier.spec.name == spec.name), None)
        told = partial(listener.download, spec.name)
        found.append(among or load(spec, device=classifiers[0].device, progress=told))
        if asks_for_gradients(plan):
            require_gradients(found[-1])
    return found[0] if len(found) == 1 else Ensemble(found)

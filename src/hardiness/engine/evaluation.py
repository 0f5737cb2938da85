"""Models on benchmarks: runs are opened, what is missing is evaluated, and what could not be becomes a line."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace
from functools import partial

from hardiness.core.benchmark import Benchmark, DataSet
from hardiness.core.codes import RunRemark
from hardiness.core.errors import DataError, ModelError
from hardiness.core.fact import Fact, error_of
from hardiness.core.progress import Listener, Silence
from hardiness.core.request import Request, Share
from hardiness.engine.attack import require_module
from hardiness.engine.deadline import Deadline, Progression, evaluate_until_deadline
from hardiness.engine.enlargement import enlarged
from hardiness.engine.ensemble import Ensemble
from hardiness.engine.goals import EvaluationToGoal, Outlook, Precision, Verdicts
from hardiness.engine.label_map import labels_for
from hardiness.engine.look import look_at
from hardiness.engine.other_runs import fewer_images
from hardiness.engine.provenance import keep_beginning, keep_measured
from hardiness.engine.rounds import Rounds
from hardiness.engine.shared import shared
from hardiness.engine.tasks import (
    Task,
    asks_for_gradients,
    begin,
    require_attackable,
    require_gradients,
    takes_whole_pictures,
)
from hardiness.engine.whole_pictures import benchmark_at_own_size
from hardiness.engine.worker import Worker
from hardiness.models.classifier import Classifier
from hardiness.models.loading import load
from hardiness.models.naming import resolve
from hardiness.models.whole_pictures import whole_picture_model
from hardiness.results.policy import Policy
from hardiness.results.policy_watch import PolicyWatch
from hardiness.store.parallel import in_parallel
from hardiness.store.store import Store


@dataclass(frozen=True)
class EvaluationOutcome:
    """The outcome of an evaluation.

    Attributes:
        keys: the run of each model that could begin.
        problems: what was asked for and could not be evaluated: parts of the data set, models.
        remarks: what else a person should know.
        unreached: where a precision target cannot be reached.
    """

    keys: tuple[str, ...]
    problems: tuple[Fact, ...]
    remarks: tuple[Fact, ...] = ()
    unreached: tuple[Fact, ...] = ()


@dataclass(frozen=True)
class Evaluation:
    """One benchmark on its data.

    Attributes:
        benchmark: what to run.
        data: its data set: names of files, no bytes; each process reads its own.
        request: how much, and how.
        optional: whether models that it cannot attack, or show whole pictures, are passed over, and are no problem.
    """

    benchmark: Benchmark
    data: DataSet
    request: Request
    optional: bool = False

    def split(self, classifiers: Sequence[Classifier]) -> tuple[list[Classifier], list[Fact]]:
        """The models that are evaluated, and why others are passed over."""
        plan, capable, reasons = self.benchmark.attack, list[Classifier](), list[Fact]()
        for classifier in classifiers:
            try:
                if self.optional and (function := whole_picture_model(classifier)) is not None:
                    benchmark_at_own_size(self.benchmark, function, self.data)
                elif self.optional and plan is not None and plan.surrogate is None:
                    require_attackable(classifier, plan)
                capable.append(classifier)
            except ModelError as error:
                reasons.append(error_of(error, self.benchmark.name))
        return capable, reasons


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
        request: how much, and how; what ends an evaluation early is for `hardiness.api.execution` to heed.
        listener: listener of progress.

    Returns:
        The runs that hold the records, and what could not be evaluated; what was finished stays.

    Raises:
        ArgumentError: other workers' rows in the store are by another version or of other data.
        StoreError: records cannot be written.
    """
    preparation = prepared(benchmark, classifiers, data, store, request, listener or Silence())
    for worker in preparation.workers:
        try:
            worker.evaluate()
        finally:
            keep_measured([worker])
    return preparation.outcome()


def evaluate_to_precision(preparation: PreparedEvaluation, target: float) -> EvaluationOutcome:
    """The outcome of an evaluation that ends as soon as every headline is exact enough.

    Args:
        preparation: an evaluation that can start.
        target: half-width of the headline's 95 % interval, in its own unit.

    Raises:
        StoreError: records cannot be written.
    """
    goal = preparation.towards(target)
    return preparation.outcome() if goal is None else preparation.run_to(goal)


def evaluate_shared(
    evaluations: Sequence[Evaluation],
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
    preparations = [
        prepared(each.benchmark, each.split(classifiers)[0], each.data, store, each.request, listener or Silence())
        for each in evaluations
    ]
    workers = [worker for preparation in preparations for worker in preparation.workers]
    try:
        shared(workers, share)
    finally:
        keep_measured(workers)
    return [preparation.outcome() for preparation in preparations]


def evaluate_until_decided(
    policy: Policy, preparations: Sequence[PreparedEvaluation], store: Store
) -> Iterator[EvaluationOutcome]:
    """The outcome of several evaluations, each of which ends once the rules of a policy on it are decided.

    Args:
        policy: the rules, which speak of each.
        preparations: evaluations that all have begun, so that the rules on all of them share their level from the
            first on.
        store: of their runs.

    Raises:
        ArgumentError: a rule matches nothing in a run.
        StoreError: records cannot be written.
    """
    watch = PolicyWatch(policy, store)
    for preparation in preparations:
        yield (
            preparation.run_to(EvaluationToGoal(Rounds(preparation.workers), Verdicts(watch)))
            if preparation.workers
            else preparation.outcome()
        )


def evaluate_within(
    budget: Deadline, preparations: Sequence[PreparedEvaluation], target: float | None = None
) -> list[EvaluationOutcome]:
    """Evaluate as much of several evaluations as the time allows, in the order given; remarks say what is missing.

    Args:
        budget: when they must have ended.
        preparations: evaluations that can start.
        target: half-width of the headlines' intervals at which one ends sooner; ``None`` where only time ends it.

    Raises:
        StoreError: records cannot be written.
    """
    progressions = [
        Progression(Rounds(preparation.workers), None if target is None else preparation.towards(target))
        if preparation.workers
        else None
        for preparation in preparations
    ]
    progressing = [progression for progression in progressions if progression is not None]
    try:
        evaluate_until_deadline(budget, progressing)
    finally:
        for progression in progressing:
            progression.rounds.listener.end()
        for preparation in preparations:
            keep_measured(preparation.workers)
    return [
        preparation.outcome()
        if progression is None
        else preparation.outcome(progression.stopping, None if progression.done else progression.missing())
        for preparation, progression in zip(preparations, progressions, strict=True)
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
    problems: tuple[Fact, ...] = ()
    remarks: tuple[Fact, ...] = ()

    def towards(self, target: float) -> EvaluationToGoal | None:
        """Its rounds, which end as soon as every headline is as exact as the target; ``None`` without a model."""
        return EvaluationToGoal(Rounds(self.workers), Precision(target)) if self.workers else None

    def run_to(self, rounds: EvaluationToGoal) -> EvaluationOutcome:
        """The outcome of evaluating until a goal is reached."""
        try:
            rounds.run()
        finally:
            rounds.rounds.listener.end()
            keep_measured(self.workers)
        return self.outcome(rounds)

    def outcome(self, rounds: EvaluationToGoal | None = None, missing: Fact | None = None) -> EvaluationOutcome:
        """The outcome so far.

        Args:
            rounds: until a goal, where there is one.
            missing: what is not evaluated; ``None`` where all is.
        """
        problems, remarks = list(self.problems), list(self.remarks)
        for worker in self.workers:
            remarks += [each.remark for each in (worker.gallery, worker.kept) if each and each.remark]
            problems += [replace(task.error, about=task.classifier.spec.name) for task in worker.tasks if task.error]
        outlook = rounds.outlook if rounds is not None else Outlook()
        remarks += (*([missing] if missing else []), *outlook.remarks)
        unreached = (outlook.unreached,) if outlook.unreached else ()
        return EvaluationOutcome(self.keys, tuple(problems), tuple(remarks), unreached)


def prepared(
    benchmark: Benchmark,
    classifiers: Sequence[Classifier],
    data: DataSet,
    store: Store,
    request: Request,
    listener: Listener,
    looks: bool = True,
) -> PreparedEvaluation:
    """An evaluation that can start: its workers, and its runs opened or begun.

    Args:
        benchmark, classifiers, data, store, request, listener: as for `evaluate`.
        looks: whether stored files are looked into, damaged ones set aside, and code of one's own is looked at.

    Raises:
        ArgumentError: other processes' rows are by another version or of other data, or they would never find a run.
    """
    tasks: list[Task] = []
    remarks: list[Fact] = []
    problems = [*data.notes]
    try:
        surrogate = surrogate_of(benchmark, classifiers, data, listener)
    except (ModelError, DataError) as error:
        why = {"why": error_of(error), "is_there": True}
        reason = Fact(RunRemark.NO_SURROGATE, why, benchmark.name)
        return PreparedEvaluation(problems=(*problems, reason))
    survey = store.survey()
    for classifier in classifiers:
        try:
            require_module(classifier, benchmark)
            task = begin(classifier, benchmark, data, request, store, survey.runs, surrogate)
            if looks:
                task, facts = look_at(task, benchmark, data, request, store)
                remarks += facts
            tasks.append(task)
        except ModelError as error:
            problems.append(error_of(error, classifier.spec.name))
    damage = in_parallel(lambda task: task.stored.set_damage_aside(request.share), tasks) if looks else []
    workers = [Worker(benchmark, data, alike, request, store, listener, surrogate) for alike in _by_unit_size(tasks)]
    for worker in workers:
        for task in worker.tasks:
            keep_beginning(task, worker.clock, request, benchmark, survey.runs)
    return PreparedEvaluation(
        tuple(workers),
        tuple(task.stored.key for task in tasks),
        tuple(problems),
        (
            *data.remarks,
            *dict.fromkeys(fact for task in tasks if (fact := task.class_order(data))),
            *enlarged(benchmark, data, tasks),
            *fewer_images(benchmark, data, survey.runs),
            *survey.renamed,
            *remarks,
            *(fact for facts in damage for fact in facts),
        ),
    )


def _by_unit_size(tasks: Sequence[Task]) -> list[list[Task]]:
    """The tasks in groups that share pictures: with units of one size, which a run keeps from when it was begun.

    Whole pictures, and those on a canvas, are groups of their own.
    """
    groups: dict[tuple[int, bool], list[Task]] = {}
    for task in tasks:
        groups.setdefault((task.stored.plan.unit_items, takes_whole_pictures(task)), []).append(task)
    return list(groups.values())


def surrogate_of(
    benchmark: Benchmark, classifiers: Sequence[Classifier], data: DataSet, listener: Listener
) -> Classifier | Ensemble | None:
    """The model that the benchmark attacks in place of the evaluated ones: one of them where it is among them.

    Raises:
        UnknownNameError: no model has that name.
        DataError, ModelError: its weights cannot be had or do not fit, it has no gradients or other classes than the
            data, or it is all that is evaluated.
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
    members = []
    for spec in specs:
        evaluated = next((classifier for classifier in classifiers if classifier.spec.name == spec.name), None)
        progress = partial(listener.download, spec.name)
        members.append(evaluated or load(spec, device=classifiers[0].device, progress=progress))
        if asks_for_gradients(plan):
            require_gradients(members[-1])
    surrogate = members[0] if len(members) == 1 else Ensemble(members)
    labels_for(surrogate, data)
    return surrogate

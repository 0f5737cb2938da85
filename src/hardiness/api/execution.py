"""The one way in: what the command or Python asks for is evaluated, until it ends, here, in a share or on a cluster."""

from __future__ import annotations

import logging
import time
from collections.abc import Iterator, Mapping, Sequence
from contextlib import closing
from dataclasses import asdict, dataclass, field, replace
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import TypeAlias

from hardiness import models
from hardiness.api.command import BenchmarkChoice, Command, Workload
from hardiness.api.loading import LoadOutcome, load_models, remarks_on, surrogate_absent
from hardiness.api.predictions import store_predictions
from hardiness.api.progress import TrackedListener
from hardiness.benchmarks.own_code import benchmark_code
from hardiness.core.columns import Grouping
from hardiness.core.errors import ArgumentError
from hardiness.core.fact import Fact
from hardiness.core.model import ModelSpec
from hardiness.core.progress import Listener, Silence
from hardiness.core.request import Request, Share
from hardiness.core.result import Result
from hardiness.engine.compiling import compiling_ahead
from hardiness.engine.deadline import Deadline
from hardiness.engine.evaluation import (
    Evaluation,
    EvaluationOutcome,
    evaluate_shared,
    evaluate_to_precision,
    evaluate_until_decided,
    evaluate_within,
    prepared,
)
from hardiness.engine.evaluation import evaluate as evaluate_benchmark
from hardiness.engine.forecast import require_bounded_calls
from hardiness.engine.ray import on_ray
from hardiness.engine.ray_cluster import Cluster
from hardiness.engine.ray_task import Errand
from hardiness.engine.rehearsal import rehearse
from hardiness.engine.rounds import require_drawable, require_reachable
from hardiness.imaging.compiled import require_compiler
from hardiness.models.classifier import Classifier
from hardiness.models.frameworks import require_torch
from hardiness.report.gate import remark_lines
from hardiness.report.loggers.tracking import TrackingSession
from hardiness.report.results_file import rebuild_results
from hardiness.report.terminal import headline_lines
from hardiness.results.folder import Folder
from hardiness.results.policy import Policy, policy_of
from hardiness.results.policy_watch import require_policy_fits, require_policy_matches
from hardiness.store.store import Store

LOGGER = logging.getLogger(__name__)

Where: TypeAlias = Share | Cluster | None
"""Which processes evaluate: this one and others that share the folder, those of a cluster, or this one only."""


@dataclass(frozen=True)
class EarlyEnd:
    """The means by which evaluations end before everything is evaluated; none by default.

    Attributes:
        precision_target: half-width of the headline's 95 % interval at which a benchmark is exact enough.
        time_budget_s: seconds within which all of them end.
        until_decided: a policy's file, or its text: a benchmark ends when every rule on it is decided.
    """

    precision_target: float | None = None
    time_budget_s: float | None = None
    until_decided: str | None = None

    @classmethod
    def of(cls, request: Request) -> EarlyEnd:
        """The means that a request names."""
        return cls(request.precision_target, request.time_budget_s, request.until_decided)


def where_of(command: Command) -> Where:
    """The processes that evaluate a command.

    Raises:
        ArgumentError: it names a share and a cluster.
    """
    if command.cluster and command.request.share:
        raise ArgumentError("worker does not go with Ray, which shares the work out itself; leave one out")
    return command.cluster or command.request.share


def require_possible(evaluations: Command, stop: EarlyEnd, where: Where, planned: bool = False) -> None:
    """Raise where what is asked for cannot be evaluated in the way that is asked for; nothing is read for it.

    Args:
        evaluations: what is to be evaluated.
        stop: what ends it early.
        where: which processes evaluate it.
        planned: whether it is only said what would be evaluated.

    Raises:
        ArgumentError: naming the two that do not go together, why, and what to leave out.
    """
    options = evaluations.request.early_ends
    if stop.until_decided is not None and len(options) > 1:
        raise ArgumentError(
            f"until-decided does not go with {options[1]}: each ends a run in its own way; leave one out"
        )
    if stop.until_decided is not None and evaluations.request.policy is not None:
        raise ArgumentError("policy does not go with until-decided, whose policy's digest is kept too; leave one out")
    ends = [name for name in options if name != "time-budget"]
    if evaluations.cluster_column and ends:
        raise ArgumentError(
            f"{ends[0]} does not go with cluster {evaluations.cluster_column}: pictures come one by one in random "
            "order, so that it would stop on parts of clusters; leave one out: 'hardiness show --cluster' and 'gate' "
            "take it once all pictures are there"
        )
    if evaluations.answers is not None:
        _require_possible_with_predictions(evaluations, where, planned)
    if planned and isinstance(where, Cluster):
        raise ArgumentError("plan does not go with Ray: it is for this process; leave one out")
    if options and isinstance(where, Share):
        raise ArgumentError(
            f"{options[0]} does not go with worker: who shares a store cannot see how far the others are; leave one out"
        )
    if options and isinstance(where, Cluster):
        raise ArgumentError(
            f"{options[0]} does not go with Ray: its processes cannot see how far the others are; leave one out"
        )
    if evaluations.request.calls is not None and isinstance(where, Cluster):
        raise ArgumentError("calls does not go with Ray: it counts the requests of one process; leave one out")
    if isinstance(where, Cluster) and evaluations.bound_to_process:
        raise ArgumentError(evaluations.bound_to_process)
    if where is not None and not evaluations.is_kept:
        name = "Ray" if isinstance(where, Cluster) else "worker"
        raise ArgumentError(f"{name} needs out, the folder that the processes share; name one")


def _require_possible_with_predictions(evaluations: Command, where: Where, planned: bool) -> None:
    """Raise where answers that are there already stand beside what is for models that are run."""
    models, benchmarks = len(evaluations.models), len(evaluations.benchmarks)
    if models != 1 or benchmarks != 1 or evaluations.suite:
        raise ArgumentError(
            f"predictions goes with one model, the name of what answered, and one benchmark; had {models} and "
            f"{benchmarks}"
        )
    others = [
        *(["plan"] if planned else []),
        *evaluations.request.early_ends,
        *(["worker"] if isinstance(where, Share) else []),
        *(["Ray"] if isinstance(where, Cluster) else []),
        *(["calls"] if evaluations.request.calls is not None else []),
        *(["conditions"] if evaluations.request.conditions is not None else []),
        *(["policy"] if evaluations.request.policy is not None else []),
    ]
    if others:
        raise ArgumentError(f"{others[0]} does not go with predictions, whose answers are there already; leave one out")


def require_evaluable(workload: Workload, stop: EarlyEnd, where: Where) -> None:
    """Raise where a benchmark cannot be evaluated in the way that is asked for, before any of them is.

    Raises:
        ArgumentError: a precision target does not go with it or is out of reach, or a cluster does not know its code.
    """
    for row, data in workload.rows:
        if row.request.conditions is not None:
            require_drawable(row.benchmark, row.request.conditions)
        if stop.precision_target is not None:
            require_reachable(row.benchmark, data, stop.precision_target, row.request.limit)
        if isinstance(where, Cluster) and (unknown := benchmark_code(row.benchmark).of_session):
            raise ArgumentError(
                f"Ray does not know {unknown[0]}, which a file or notebook defines: install it on every machine as a "
                "package with an entry point, or leave Ray out"
            )


@dataclass(frozen=True)
class Outcome:
    """The outcome of evaluations.

    Attributes:
        results: every result of these models and benchmarks.
        folder: everything in the output folder, as its results were written last.
        skipped: models and benchmarks of a suite whose weights or data are absent, each with the reason.
        problems: what was asked for and could not be evaluated.
        remarks: what a person should know of how models were run, e.g. a runtime that was not exact enough.
        unreached: benchmarks whose precision target cannot be reached, and why.
        note: what to say beside the results of a suite.
        also: commands that belong to the suite and evaluate nothing, e.g. those that make pictures.
        parts: each benchmark that was evaluated, with its outcome; on a cluster all of them have one.
        remarks_on_models: what is to be known of each model, by its name; among ``remarks`` too.
        untracked: trackers that failed, and why; among ``remarks`` too.
    """

    results: Sequence[Result]
    folder: Folder
    skipped: Sequence[Fact]
    problems: Sequence[Fact]
    remarks: Sequence[Fact] = ()
    unreached: Sequence[Fact] = ()
    note: str = ""
    also: Sequence[str] = ()
    parts: Sequence[tuple[BenchmarkChoice, EvaluationOutcome]] = ()
    remarks_on_models: Mapping[str, Sequence[Fact]] = field(default_factory=dict)
    untracked: Sequence[Fact] = ()

    @property
    def exit_status(self) -> int:
        """0 where everything asked for was evaluated, 2 where a precision target cannot be reached, else 1."""
        if self.unreached:
            return 2
        return 1 if self.problems or any(result.counts.failed for result in self.results) else 0


def run(command: Command, listener: Listener | None = None) -> Outcome:
    """Evaluate the command's models on its benchmarks; what is stored in its folder already is not computed again.

    Raises:
        ArgumentError: a name or option is wrong; nothing was evaluated.
        DataError: a benchmark's data are absent. Of a suite, what has no data or no weights is skipped.
        StoreError: records cannot be written.
    """
    return evaluate(command, EarlyEnd.of(command.request), where_of(command), listener)


def evaluate(evaluations: Command, stop: EarlyEnd, where: Where, listener: Listener | None = None) -> Outcome:
    """Evaluate models on benchmarks until they end; what is stored already is not computed again.

    Args:
        evaluations: models, benchmarks, data and the folder of the rows, as the command or Python names them.
        stop: what ends them early.
        where: which processes evaluate them.
        listener: listener of progress.

    Raises:
        ArgumentError: a name or option is wrong, two do not go together, or torch is not installed; nothing was
            evaluated.
        DataError: a benchmark's data are absent. Of a suite, what has no data or no weights is skipped.
        StoreError: records cannot be written.
    """
    began_s = time.monotonic() if evaluations.began_s is None else evaluations.began_s
    require_possible(evaluations, stop, where)
    with closing(TrackingSession(evaluations.log, str(evaluations.out), evaluations.about)) as tracking:
        tracking.check()
        if evaluations.answers is not None:
            return _stored_predictions(evaluations)
        require_torch()
        require_compiler()
        listener = listener or Silence()
        workload = evaluations.workload()
        require_evaluable(workload, stop, where)
        policy = policy_for(evaluations.request, workload.evaluations, workload.models.specs, evaluations.out)
        store = Store.create(evaluations.out, evaluations.wait_s)
        if evaluations.baseline and evaluations.baseline not in [spec.name for spec in workload.models.specs]:
            _ = Folder.open(
                store, baseline=evaluations.baseline
            ).baseline  # it must be stored already: refused now, and not after hours
        session = _Session(evaluations, workload, stop, where, policy, store)
        heard = TrackedListener(listener, tracking) if tracking.names else listener
        return session.evaluate(heard, tracking, began_s)


def _stored_predictions(evaluations: Command) -> Outcome:
    """The rows of answers from elsewhere become a run; nothing is loaded, and what is refused changes nothing.

    Raises:
        ArgumentError: the answers do not go with the pictures.
    """
    stored = store_predictions(evaluations)
    folder = _folder_so_far(stored.store, evaluations.baseline, stored.grouping)
    return Outcome(
        results=[result for result in folder.results if result.is_of(stored.outcome.keys)],
        folder=folder,
        skipped=(),
        problems=stored.outcome.problems,
        remarks=[
            *stored.store.remarks,
            *(replace(fact, about=stored.model) for fact in stored.outcome.remarks),
        ],
        parts=[(BenchmarkChoice(stored.benchmark, evaluations.request, named=evaluations.benchmarks), stored.outcome)],
    )


@dataclass(frozen=True)
class _Session:
    """One execution: what was resolved of the evaluations, and where their rows go."""

    evaluations: Command
    workload: Workload
    stop: EarlyEnd
    where: Where
    policy: Policy | None
    store: Store

    @property
    def cluster(self) -> Cluster | None:
        return self.where if isinstance(self.where, Cluster) else None

    def evaluate(self, listener: Listener, tracking: TrackingSession, began_s: float) -> Outcome:
        """The outcome; scores are told as each benchmark ends."""
        evaluations, store = self.evaluations, self.store
        rows = self.workload.rows
        with compiling_ahead([(row.benchmark, data) for row, data in rows if not self.cluster]):
            loaded = self._load(listener)
            classifiers = loaded.classifiers
            problems, skipped = [*self.workload.models.problems, *loaded.problems], [*self.workload.skipped]
            # The models that a suite names itself are skipped without their weights; those that were named are not.
            absent = [*self.workload.models.absent, *loaded.absent]
            (problems if evaluations.models else skipped).extend(absent)
            seconds = self.stop.time_budget_s
            budget = Deadline.from_now(seconds, time.monotonic() - began_s) if seconds else None
            chosen: list[BenchmarkChoice] = []
            evaluated: list[Evaluation] = []
            for row, data in rows if classifiers or self.cluster else ():
                evaluation = Evaluation(row.benchmark, data, row.request, row.optional)
                capable, passed_over = evaluation.split(classifiers)
                reason = surrogate_absent(row.benchmark, classifiers, listener) if row.optional else None
                skipped += [reason] if reason else passed_over
                if not reason and (capable or self.cluster):
                    chosen.append(row)
                    evaluated.append(evaluation)
            folder: Folder | None = None
            outcomes: list[EvaluationOutcome] = []
            for parts in self._outcomes(evaluated, classifiers, budget, listener):
                outcomes += parts
                folder = _folder_so_far(store, evaluations.baseline, self.workload.grouping)
                fresh = [result for result in folder.results if any(result.is_of(part.keys) for part in parts)]
                tracking.scores(fresh)
                if len(outcomes) < len(evaluated):  # the last benchmark's numbers stand in the overview that follows
                    for line in headline_lines(fresh):
                        listener.note(line)
        keys = {key for outcome in outcomes for key in outcome.keys}
        if evaluations.baseline or folder is None:  # the last word on a baseline: it must have been run by now
            folder = rebuild_results(store, evaluations.baseline, self.workload.grouping)
        by_benchmark = outcomes * len(evaluated) if self.cluster else outcomes
        untracked = tuple(tracking.problems)
        only_small = all(evaluation.data.side_px for evaluation in evaluated)
        on_models = {classifier.spec.name: remarks_on(classifier, only_small) for classifier in classifiers}
        return Outcome(
            results=[result for result in folder.results if result.is_of(keys)],
            folder=folder,
            remarks=[
                *store.remarks,
                *(remark for classifier in classifiers for remark in on_models[classifier.spec.name]),
                *dict.fromkeys(remark for outcome in outcomes for remark in outcome.remarks),  # benchmarks share data
                *untracked,
            ],
            skipped=skipped,
            problems=[*problems, *(problem for outcome in outcomes for problem in outcome.problems)],
            unreached=[fact for outcome in outcomes for fact in outcome.unreached],
            note=self.workload.suite.note,
            also=self.workload.suite.also,
            parts=list(zip(chosen, by_benchmark, strict=True)),
            remarks_on_models=on_models,
            untracked=untracked,
        )

    def _load(self, listener: Listener) -> LoadOutcome:
        """The models that this process evaluates; none where a cluster does. Their requests are bounded.

        Raises:
            ArgumentError: more is asked of chat models than is allowed without a bound.
        """
        evaluations, selection, store = self.evaluations, self.workload.models, self.store
        is_here = bool(self.workload.rows) and self.cluster is None
        loaded = evaluations.load(selection, listener, store) if is_here else LoadOutcome()
        models.limit_calls(loaded.classifiers, evaluations.request.calls)
        chat: Sequence[Classifier] = loaded.classifiers
        if self.cluster and (specs := [spec for spec in selection.specs if "chat:" in spec.asked]):
            chat = load_models(specs, evaluations.placement, listener).classifiers
        require_bounded_calls(
            [(each.benchmark, each.data, each.request) for each in self.workload.evaluations], chat, store
        )
        return loaded

    def _outcomes(
        self,
        evaluations: Sequence[Evaluation],
        classifiers: Sequence[Classifier],
        budget: Deadline | None,
        listener: Listener,
    ) -> Iterator[list[EvaluationOutcome]]:
        """The outcome of each benchmark in turn, or of all at once where they share a time or are shared out."""
        store, target = self.store, self.stop.precision_target
        if self.cluster:
            placing = asdict(self.evaluations.placement)
            errand = Errand(self.workload.models.names, placing, tuple(evaluations), self.evaluations.out)
            yield [on_ray(errand, self.cluster, listener)] if evaluations else []
        elif isinstance(self.where, Share):
            yield evaluate_shared(evaluations, self.where, classifiers, store, listener)
        elif budget or self.policy:
            preparations = [
                prepared(each.benchmark, each.split(classifiers)[0], each.data, store, each.request, listener)
                for each in evaluations
            ]
            if budget:
                yield evaluate_within(budget, preparations, target)
            elif self.policy:
                yield from ([outcome] for outcome in evaluate_until_decided(self.policy, preparations, store))
        else:
            for each in evaluations:
                capable, _ = each.split(classifiers)
                if target is None:
                    outcome = evaluate_benchmark(each.benchmark, capable, each.data, store, each.request, listener)
                else:
                    outcome = evaluate_to_precision(
                        prepared(each.benchmark, capable, each.data, store, each.request, listener), target
                    )
                yield [outcome]


def _folder_so_far(store: Store, baseline: str | None, grouping: Grouping) -> Folder:
    """The folder so far, its results written; without the baseline that was named until that has been run."""
    try:
        return rebuild_results(store, baseline, grouping)
    except ArgumentError:
        return rebuild_results(store, grouping=grouping)


def policy_for(
    request: Request, evaluations: Sequence[Evaluation], specs: Sequence[ModelSpec], out: str | Path | None
) -> Policy | None:
    """The policy that ends evaluations; ``None`` where none does.

    Args:
        request: which may name it.
        evaluations: benchmarks that are to be evaluated.
        specs: of the models.
        out: the output folder, which need not be there.

    Raises:
        ArgumentError: it is wrong, or does not go with what is evaluated.
    """
    if request.until_decided is None:
        return None
    policy, names = policy_of(request.until_decided), [spec.name for spec in specs]
    benchmarks = [each.benchmark.name for each in evaluations]
    stored = Folder.open(*([] if out is None else [Store(out)])).stored
    require_policy_fits(policy, benchmarks, names, [run.run for run in stored])
    if any("chat:" in spec.asked for spec in specs):
        return policy  # of words it has other scores than of logits
    every_class = any("class" in rule.where for rule in policy.rules)
    with TemporaryDirectory() as folder:
        store = Store.create(folder)
        rehearsals = {
            each.benchmark.name: rehearse(each.benchmark, each.data, store, every_class=every_class)
            for each in evaluations
        }
        for told in remark_lines(require_policy_matches(policy, rehearsals, store)):
            LOGGER.warning(told)
    return policy

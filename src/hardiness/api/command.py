"""One command: models on benchmarks, into one folder."""

from __future__ import annotations

import time
from collections.abc import Iterator, Sequence
from contextlib import closing
from dataclasses import asdict, dataclass, field
from pathlib import Path

from hardiness import scoring
from hardiness.api.asked import BenchmarkChoice, Workload, asked_for
from hardiness.api.models import load_models, surrogate_absent
from hardiness.api.placement import Placement
from hardiness.api.tracking import TrackedListener
from hardiness.core import (
    ArgumentError,
    DataSet,
    Listener,
    Request,
    Result,
    Silence,
)
from hardiness.engine import Deadline, Evaluated, evaluate_shared, evaluate_within, prepared, require_reachable
from hardiness.engine import evaluate as run_benchmark
from hardiness.engine.executors.ray_actor import Errand, Evaluation
from hardiness.engine.executors.ray_cluster import Cluster
from hardiness.engine.executors.ray_driver import on_ray
from hardiness.models import Classifier
from hardiness.report.loggers import Tracking
from hardiness.store import WAIT_S, Store


@dataclass(frozen=True, slots=True)
class Command:
    """One ``hardiness run``.

    Attributes:
        models: model names, with their options.
        benchmarks: benchmark names, with their options.
        suite: name or file of a suite, instead of or besides ``benchmarks``.
        data: values of ``--data``.
        labels: csv with the labels of a flat folder.
        weights: checkpoint on disk for the one model.
        baseline: model whose stored runs ratios divide by, instead of the published baseline, on the page and in
            ``results.json``.
        out: output folder, or the address of one in an object store.
        request: how much, with which seed and batch size.
        placement: device, precision and runtime.
        cluster: where Ray actors evaluate; ``None`` for this process.
        wait_s: how long to wait for a folder whose lock somebody else holds.
        began_s: when it began, on the clock of `time.monotonic`, for a time budget; ``None`` for when it is run.
        log: trackers of experiments that hear how it goes.
    """

    models: tuple[str, ...]
    benchmarks: tuple[str, ...]
    out: str | Path
    suite: str | None = None
    data: tuple[str, ...] = ()
    labels: str | None = None
    weights: str | None = None
    baseline: str | None = None
    request: Request = field(default_factory=Request)
    placement: Placement = field(default_factory=Placement)
    cluster: Cluster | None = None
    wait_s: float = WAIT_S
    log: tuple[str, ...] = ()
    began_s: float | None = None


@dataclass(frozen=True)
class CommandOutcome:
    """What came of a command.

    Attributes:
        results: every result of this command's models and benchmarks.
        everything: every result in the output folder, those among them.
        skipped: models and benchmarks of a suite whose weights or data are absent, each with the reason.
        problems: what was asked for and could not be evaluated, one line each.
        remarks: what a person should know of how models were run, e.g. a runtime that was not exact enough.
        unreached: a line for each benchmark whose precision target cannot be reached.
        note: what to say beside the results of a suite.
        also: commands that belong to the suite and evaluate nothing, e.g. those that make pictures.
    """

    results: Sequence[Result]
    everything: Sequence[Result]
    skipped: Sequence[str]
    problems: Sequence[str]
    remarks: Sequence[str] = ()
    unreached: Sequence[str] = ()
    note: str = ""
    also: Sequence[str] = ()

    @property
    def exit_status(self) -> int:
        """0 where everything asked for was evaluated, 2 where a precision target cannot be reached, else 1."""
        if self.unreached:
            return 2
        return 1 if self.problems or any(result.counts.failed for result in self.results) else 0


def run(command: Command, listener: Listener | None = None) -> CommandOutcome:
    """Evaluate the command's models on its benchmarks; what is stored in its folder already is not computed again.

    Raises:
        ArgumentError: a name or option is wrong; nothing was evaluated.
        DataError: a benchmark's data are absent. Of a suite, what has no data or no weights is skipped.
        StoreError: records cannot be written.
    """
    about = {
        "models": " ".join(command.models),
        "benchmarks": " ".join(command.benchmarks),
        "suite": command.suite or "",
    }
    with closing(Tracking(command.log, str(command.out), about)) as tracking:
        tracking.check()
        hears: Listener = listener or Silence()
        return _run(command, TrackedListener(hears, tracking) if command.log else hears, tracking)


def _run(command: Command, hears: Listener, tracking: Tracking) -> CommandOutcome:
    began_s = time.monotonic() if command.began_s is None else command.began_s
    asked = asked_for(command)
    _check_ends(command, asked)
    resolved, skipped = asked.models, asked.skipped
    store = Store.create(command.out, command.wait_s)
    if command.baseline and command.baseline not in [spec.name for spec in resolved.specs]:
        scoring.results(store, command.baseline)  # it must be stored already: refused now, and not after hours
    loaded = load_models(resolved.specs if asked.rows and not command.cluster else (), command.placement, hears)
    classifiers, problems = loaded.classifiers, [*resolved.problems, *loaded.problems]
    # The models that a suite names itself are skipped without their weights; those that were asked for are not.
    (problems if command.models else skipped).extend([*resolved.absent, *loaded.absent])
    seconds = command.request.time_budget_s
    budget = Deadline.from_now(seconds, time.monotonic() - began_s) if seconds else None
    wanted = []
    for row, data in asked.rows if classifiers or command.cluster else ():
        if row.optional and (reason := surrogate_absent(row.benchmark, classifiers, hears)):
            skipped.append(reason)
        else:
            wanted.append((row, data))
    found: Sequence[Result] = ()
    evaluated: list[Evaluated] = []
    for parts in _evaluated(command, asked.models.names, wanted, CommandContext(classifiers, store, budget, hears)):
        evaluated += parts
        found = _rebuilt(store, command.baseline)
        tracking.scores([result for result in found if any(result.is_of(each.keys) for each in parts)])
    keys = {key for each in evaluated for key in each.keys}
    if command.baseline or not found:  # the last word on a baseline: it must have been run by now
        found = scoring.rebuild(store, command.baseline)
    return CommandOutcome(
        results=[result for result in found if result.is_of(keys)],
        everything=found,
        remarks=[
            *store.remarks,
            *(remark for classifier in classifiers for remark in _remarks(classifier)),
            *dict.fromkeys(remark for each in evaluated for remark in each.remarks),  # benchmarks share data
            *tracking.problems,
        ],
        skipped=skipped,
        problems=[*problems, *(problem for each in evaluated for problem in each.problems)],
        unreached=[line for each in evaluated for line in each.unreached],
        note=asked.suite.note,
        also=asked.suite.also,
    )


def _rebuilt(store: Store, baseline: str | None) -> list[Result]:
    """The results so far, written; ratios are to the published baseline until the model that was named has been run."""
    try:
        return scoring.rebuild(store, baseline)
    except ArgumentError:
        return scoring.rebuild(store)


def _remarks(classifier: Classifier) -> list[str]:
    """What loading and the first forward pass have shown; nothing where nothing was computed."""
    agreement, name = classifier.agreement, classifier.spec.name
    remarks = [f"{name}: {note}" for note in classifier.notes]
    if agreement and agreement.fallback:
        remarks.append(f"{name} ran in {classifier.runtime}: {agreement.fallback}")
    if agreement and classifier.precision != "fp32":
        remarks.append(
            f"{name} in {classifier.precision} against fp32 on its first {agreement.n} images: "
            f"{100 * agreement.top1:.0f} % of top-1 equal, logits within {agreement.max_error:.1e} of the largest"
        )
    return remarks


@dataclass(frozen=True)
class CommandContext:
    """What benchmarks of a command are evaluated with: models, store, a time that they share, and who hears of it."""

    classifiers: Sequence[Classifier]
    store: Store
    budget: Deadline | None
    hears: Listener


def _evaluated(
    command: Command, names: tuple[str, ...], wanted: Sequence[tuple[BenchmarkChoice, DataSet]], beside: CommandContext
) -> Iterator[list[Evaluated]]:
    """What came of each benchmark in turn, or of all at once where they share a time."""
    models, store, hears = beside.classifiers, beside.store, beside.hears
    if beside.budget:
        begun = [prepared(row.benchmark, models, data, store, row.request, hears) for row, data in wanted]
        yield evaluate_within(beside.budget, begun)
        return
    if command.cluster:
        evaluations = tuple(Evaluation(row.benchmark, data, row.request) for row, data in wanted)
        errand = Errand(names, asdict(command.placement), evaluations, command.out)
        yield [on_ray(errand, command.cluster, hears)] if evaluations else []
        return
    share = command.request.share
    if share and command.request.precision_target is None:
        asked = [(row.benchmark, data, row.request) for row, data in wanted]
        yield evaluate_shared(asked, share, models, store, hears)
        return
    for row, data in wanted:
        yield [run_benchmark(row.benchmark, models, data, store, row.request, hears)]


def _check_ends(command: Command, asked: Workload) -> None:
    """Raise where what is asked for cannot be evaluated in the way that is asked for."""
    request = command.request
    if command.cluster and (command.weights or request.share):
        raise ArgumentError("--engine ray goes with neither --weights (write -m MODEL:weights=FILE) nor --worker")
    if command.cluster and (request.precision_target or request.time_budget_s):
        raise ArgumentError("--engine ray goes with neither --precision-target nor --time-budget; leave one out")
    if request.precision_target is not None:
        for row, data in asked.rows:
            require_reachable(row.benchmark, data, request.precision_target, row.request.limit)

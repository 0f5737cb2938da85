"""One command: models on benchmarks, into one folder."""

from __future__ import annotations

from collections.abc import Sequence
from contextlib import closing
from dataclasses import asdict, dataclass, field, replace
from functools import partial
from pathlib import Path

from hardiness import data as datasets
from hardiness import models, scoring
from hardiness.api.placement import Placement
from hardiness.api.tracking import TrackedListener
from hardiness.benchmarks.options import parse
from hardiness.benchmarks.suites import Suite, suite
from hardiness.core import (
    ArgumentError,
    Benchmark,
    DataError,
    DataRoot,
    Listener,
    ModelError,
    ModelSpec,
    Request,
    Result,
    Silence,
)
from hardiness.engine import evaluate as run_benchmark
from hardiness.engine.executors.ray_actors import Cluster, Errand, on_ray
from hardiness.models import Classifier
from hardiness.report.loggers import Tracking
from hardiness.store import Store


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
        baseline: model whose stored runs ratios divide by, instead of the published baseline.
        out: output folder, or the address of one in an object store.
        request: how much, with which seed and batch size.
        placement: device, precision and runtime.
        cluster: where Ray actors evaluate; ``None`` for this process.
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
    log: tuple[str, ...] = ()


@dataclass(frozen=True)
class Outcome:
    """What came of a command.

    Attributes:
        results: every result of this command's models and benchmarks.
        everything: every result in the output folder, those among them.
        skipped: models and benchmarks of a suite whose weights or data are absent, each with the reason.
        problems: what was asked for and could not be evaluated, one line each.
        remarks: what a person should know of how models were run, e.g. a runtime that was not exact enough.
        note: what to say beside the results of a suite.
        also: commands that belong to the suite and evaluate nothing, e.g. those that make pictures.
    """

    results: Sequence[Result]
    everything: Sequence[Result]
    skipped: Sequence[str]
    problems: Sequence[str]
    remarks: Sequence[str] = ()
    note: str = ""
    also: Sequence[str] = ()

    @property
    def exit_status(self) -> int:
        """0 where everything asked for was evaluated, else 1."""
        return 1 if self.problems or any(result.counts.failed for result in self.results) else 0


def run(command: Command, listener: Listener | None = None) -> Outcome:
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


def _run(command: Command, hears: Listener, tracking: Tracking) -> Outcome:
    chosen = suite(command.suite) if command.suite else Suite("", ())
    names = command.models or chosen.models
    if not names:
        raise ArgumentError("no model: name one with -m, e.g. -m efficientnet_lite0; 'hardiness models' lists them")
    rows = [Row(parse(text), command.request) for text in command.benchmarks]
    rows += [Row(parse(row.benchmark), _limited(command.request, row.limit), optional=True) for row in chosen.rows]
    if not rows:
        raise ArgumentError("nothing to run: name a benchmark (-b imagenet-val) or a suite (--suite demo)")
    if command.cluster and (command.weights or command.request.share):
        raise ArgumentError("--engine ray goes with neither --weights (write -m MODEL:weights=FILE) nor --worker")
    specs = _specs(names, command.weights)
    for spec in specs:
        models.place(**asdict(command.placement), onnx=spec.name.startswith("onnx:"))
    root = datasets.locate(command.data or chosen.data, command.labels)
    rows, skipped = _with_data(rows, root)
    data = [row.benchmark.dataset(root) for row in rows]
    store = Store.create(command.out)
    loaded = _load(specs if rows and not command.cluster else (), command.placement, hears)
    classifiers, problems = loaded.classifiers, loaded.problems
    # The models that a suite names itself are skipped without their weights; those that were asked for are not.
    (problems if command.models else skipped).extend(loaded.absent)
    found: Sequence[Result] = ()
    keys: set[str] = set()
    remarks: list[str] = []
    for row, dataset in zip(rows if classifiers or command.cluster else (), data, strict=False):
        if row.optional and (reason := _surrogate_absent(row.benchmark, classifiers, hears)):
            skipped.append(reason)
            continue
        if command.cluster:
            errand = Errand(tuple(names), asdict(command.placement), row.benchmark, dataset, command.out, row.request)
            evaluated = on_ray(errand, command.cluster, hears)
        else:
            evaluated = run_benchmark(row.benchmark, classifiers, dataset, store, row.request, hears)
        keys.update(evaluated.keys)
        problems += evaluated.problems
        remarks += evaluated.remarks
        found = scoring.rebuild(store)
        tracking.scores([result for result in found if result.key in evaluated.keys])
    found = scoring.results(store, command.baseline) if command.baseline else found or scoring.rebuild(store)
    return Outcome(
        results=[result for result in found if result.key in keys],
        everything=found,
        remarks=[
            *(remark for classifier in classifiers for remark in _remarks(classifier)),
            *remarks,
            *tracking.problems,
        ],
        skipped=skipped,
        problems=problems,
        note=chosen.note,
        also=chosen.also,
    )


@dataclass(frozen=True)
class Row:
    """One benchmark of a command, how much of it, and whether it is skipped where its data are absent."""

    benchmark: Benchmark
    request: Request
    optional: bool = False


@dataclass(frozen=True)
class Loaded:
    """The models that could be loaded, and a line for each that could not: it costs the others nothing.

    Attributes:
        classifiers: those that could.
        absent: lines about weights that cannot be had.
        problems: lines about everything else.
    """

    classifiers: list[Classifier] = field(default_factory=list)
    absent: list[str] = field(default_factory=list)
    problems: list[str] = field(default_factory=list)


def _specs(names: Sequence[str], weights: str | None) -> list[ModelSpec]:
    specs = [models.resolve(name) for name in names]
    if weights is None:
        return specs
    if len(specs) != 1:
        raise ArgumentError(f"--weights goes with one model, had {len(specs)}; write -m MODEL:weights=FILE for each")
    return [replace(specs[0], weights=weights)]


def _limited(request: Request, limit: int | None) -> Request:
    """The request with the smaller of its own limit and a suite row's."""
    limits = [value for value in (request.limit, limit) if value is not None]
    return replace(request, limit=min(limits, default=None))


def _with_data(rows: Sequence[Row], root: DataRoot) -> tuple[list[Row], list[str]]:
    """The rows without the optional ones whose data are absent, and a line for each of those."""
    kept, skipped = [], []
    for row in rows:
        if row.optional and (lacks := row.benchmark.lacks(root)):
            skipped.append(f"{row.benchmark.name}: {lacks}")
        else:
            kept.append(row)
    return kept, skipped


def _load(specs: Sequence[ModelSpec], placement: Placement, listener: Listener) -> Loaded:
    loaded = Loaded()
    for spec in specs:
        try:
            told = partial(listener.download, spec.name)
            loaded.classifiers.append(models.load(spec, **asdict(placement), progress=told))
        except DataError as error:
            loaded.absent.append(f"{spec.name}: {error}")
        except ModelError as error:
            loaded.problems.append(f"{spec.name}: {error}")
    return loaded


def _surrogate_absent(benchmark: Benchmark, classifiers: Sequence[Classifier], listener: Listener) -> str | None:
    """Why a benchmark's surrogate cannot be had, in one line; ``None`` where it can, or where none is needed."""
    plan = benchmark.attack
    if plan is None or plan.surrogate is None:
        return None
    spec = models.resolve(plan.surrogate)
    if any(classifier.spec.name == spec.name for classifier in classifiers):
        return None
    try:
        models.load(spec, device="cpu", progress=partial(listener.download, spec.name))
    except DataError as error:
        return f"{benchmark.name}: its surrogate cannot be had: {error}"
    except ModelError:
        return None  # the evaluation says what is wrong with it
    return None


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

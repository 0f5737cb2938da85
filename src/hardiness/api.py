"""The surface in Python: what the command line calls, and what a notebook calls."""

from __future__ import annotations

import tempfile
from collections.abc import Sequence
from contextlib import ExitStack
from dataclasses import asdict, dataclass, field, replace
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING

from hardiness import data as datasets
from hardiness import models, scoring
from hardiness.benchmarks.options import parse
from hardiness.benchmarks.suites import Suite, suite
from hardiness.core import (
    ArgumentError,
    Benchmark,
    DataError,
    Listener,
    ModelError,
    ModelSpec,
    Request,
    Result,
    Silence,
    View,
)
from hardiness.engine import evaluate as run_benchmark
from hardiness.models import Classifier
from hardiness.report import StoredResults
from hardiness.store import Store

if TYPE_CHECKING:
    from torch import nn


@dataclass(frozen=True, slots=True)
class Placement:
    """Where and how precisely models are computed; each field as the option of the same name."""

    device: str = "auto"
    precision: str = "fp32"
    runtime: str = "auto"


@dataclass(frozen=True, slots=True)
class Command:
    """One ``hardiness run``.

    Attributes:
        models: model names, with their options.
        benchmarks: benchmark names, with their options.
        suite: a suite instead of, or besides, ``benchmarks``.
        data: values of ``--data``.
        labels: csv with the labels of a flat folder.
        weights: checkpoint on disk for the one model.
        baseline: model whose stored runs ratios divide by, instead of the published baseline.
        out: output folder.
        request: how much, with which seed and batch size.
        placement: device, precision and runtime.
    """

    models: tuple[str, ...]
    benchmarks: tuple[str, ...]
    out: Path
    suite: str | None = None
    data: tuple[str, ...] = ()
    labels: str | None = None
    weights: str | None = None
    baseline: str | None = None
    request: Request = field(default_factory=Request)
    placement: Placement = field(default_factory=Placement)


@dataclass(frozen=True)
class Outcome:
    """What came of a command.

    Attributes:
        results: every result of this command's models and benchmarks.
        everything: every result in the output folder, those among them.
        skipped: benchmarks of a suite whose data are absent, each with the reason.
        problems: what was asked for and could not be evaluated, one line each.
        remarks: what a person should know of how models were run, e.g. a runtime that was not exact enough.
        note: what to say beside the results of a suite.
    """

    results: Sequence[Result]
    everything: Sequence[Result]
    skipped: Sequence[str]
    problems: Sequence[str]
    remarks: Sequence[str] = ()
    note: str = ""

    @property
    def exit_status(self) -> int:
        """0 where everything asked for was evaluated, else 1."""
        return 1 if self.problems or any(result.counts.failed for result in self.results) else 0


def run(command: Command, listener: Listener | None = None) -> Outcome:
    """Evaluate the command's models on its benchmarks; what is stored in its folder already is not computed again.

    Raises:
        ArgumentError: a name or option is wrong; nothing was evaluated.
        DataError: a benchmark's data are absent (for a suite they are skipped).
        StoreError: records cannot be written.
    """
    chosen = suite(command.suite) if command.suite else Suite("", ())
    names = command.models or chosen.models
    if not names:
        raise ArgumentError("no model: name one with -m, e.g. -m efficientnet_lite0; 'hardiness models' lists them")
    explicit = [Row(parse(text), command.request) for text in command.benchmarks]
    of_suite = [Row(parse(row.benchmark), _limited(command.request, row.limit)) for row in chosen.rows]
    if not explicit and not of_suite:
        raise ArgumentError("nothing to run: name a benchmark (-b imagenet-val) or a suite (--suite demo)")
    specs = _specs(names, command.weights)
    for spec in specs:
        models.place(**asdict(command.placement), onnx=spec.name.startswith("onnx:"))
    root = datasets.locate(command.data or chosen.data, command.labels)
    lacking = [(row, row.benchmark.lacks(root)) for row in of_suite]
    rows = explicit + [row for row, lacks in lacking if not lacks]
    data = [row.benchmark.dataset(root) for row in rows]
    store = Store.create(command.out)
    hears = listener or Silence()
    classifiers, problems = _load(specs, command.placement, hears)
    found: Sequence[Result] = ()
    keys: set[str] = set()
    remarks: list[str] = []
    for row, dataset in zip(rows, data, strict=True):
        evaluated = run_benchmark(row.benchmark, classifiers, dataset, store, row.request, hears)
        keys.update(evaluated.keys)
        problems += evaluated.problems
        remarks += evaluated.remarks
        found = scoring.rebuild(store)
    if command.baseline:
        found = scoring.results(store, command.baseline)
    return Outcome(
        results=[result for result in found if result.key in keys],
        everything=found,
        remarks=[*(remark for classifier in classifiers for remark in _remarks(classifier)), *remarks],
        skipped=[f"{row.benchmark.name}: {lacks}" for row, lacks in lacking if lacks],
        problems=problems,
        note=chosen.note,
    )


def load_model(name: str, placement: Placement | None = None) -> Classifier:
    """The classifier of that name, e.g. ``"resnext101_32x8d_wsl"`` or ``"timm:resnet50.a1_in1k"``.

    Raises:
        UnknownNameError: nothing has that name.
        ModelError: its weights cannot be had or do not fit.
    """
    return models.load(models.resolve(name), **asdict(placement or Placement()))


def evaluate(
    model: str | Classifier | nn.Module,
    benchmark: str,
    data: str | Sequence[str],
    *,
    view: View | None = None,
    out: str | Path | None = None,
    request: Request | None = None,
) -> Result:
    """The result of one model on one benchmark.

    Args:
        model: a name, a loaded classifier, or any ``nn.Module`` that maps normalised pixels to logits (with ``view``).
        benchmark: ``"NAME"`` or ``"NAME:option=value"``.
        data: as ``--data`` on the command line; one or several.
        view: the module's preprocessing; required for an ``nn.Module``, refused for anything else.
        out: folder that keeps the records, so that the same call continues; by default nothing is kept.
        request: limit, seed and batch size.

    Raises:
        ArgumentError, DataError, ModelError, StoreError: as the message says.
    """
    chosen = parse(benchmark)
    dataset = chosen.dataset(datasets.locate([data] if isinstance(data, str) else list(data)))
    classifier = _classifier(model, view)
    with ExitStack() as stack:
        folder = Path(out) if out is not None else Path(stack.enter_context(tempfile.TemporaryDirectory()))
        store = Store.create(folder)
        evaluated = run_benchmark(chosen, [classifier], dataset, store, request or Request())
        found = [result for result in scoring.rebuild(store) if result.key in evaluated.keys]
    if not found:
        raise ModelError(evaluated.problems[0])
    (result,) = found
    return replace(result, warnings=(*result.warnings, *evaluated.problems))


def load_results(out: str | Path, *, baseline: str | None = None) -> StoredResults:
    """The results of everything that is stored in a folder; ``.table()`` gives all their scores as rows.

    Args:
        out: the ``out=`` or ``--out`` of earlier evaluations.
        baseline: a model whose stored runs ratios divide by, instead of the published baseline.

    Raises:
        ArgumentError: the baseline model has no stored run to divide by.
        DataError: the folder holds no records.
    """
    return StoredResults(scoring.results(Store.open(Path(out)), baseline))


@dataclass(frozen=True)
class Row:
    """One benchmark of a command, and how much of it."""

    benchmark: Benchmark
    request: Request


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


def _load(specs: Sequence[ModelSpec], placement: Placement, listener: Listener) -> tuple[list[Classifier], list[str]]:
    """The models that can be loaded, and a line for each that cannot: it costs the others nothing."""
    loaded, problems = [], []
    for spec in specs:
        try:
            told = partial(listener.download, spec.name)
            loaded.append(models.load(spec, **asdict(placement), progress=told))
        except (ModelError, DataError) as error:
            problems.append(f"{spec.name}: {error}")
    return loaded, problems


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


def _classifier(model: str | Classifier | nn.Module, view: View | None) -> Classifier:
    if isinstance(model, str | Classifier):
        if view is not None:
            raise ArgumentError("view goes with an nn.Module; a named model has its own (override it in its name)")
        return load_model(model) if isinstance(model, str) else model
    if view is None:
        raise ArgumentError("an nn.Module needs view=hardiness.View(...): without its preprocessing no number is right")
    return models.wrap(model, view, name=type(model).__name__)

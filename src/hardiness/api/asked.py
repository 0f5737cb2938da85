"""What a command asks for, found out before any model is loaded: benchmarks, their data, models."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import asdict, dataclass, replace
from typing import TYPE_CHECKING

from hardiness import data as datasets
from hardiness import models
from hardiness.api.models import Resolved, refuse_unknown_surrogate, resolved_models
from hardiness.benchmarks.options import parse
from hardiness.benchmarks.suites import Suite, suite
from hardiness.core import ArgumentError, Benchmark, DataError, DataRoot, DataSet, Request
from hardiness.data.place import written

if TYPE_CHECKING:
    from hardiness.api.command import Command


@dataclass(frozen=True)
class BenchmarkChoice:
    """One benchmark of a command, how much of it, and whether it is skipped where its data are absent."""

    benchmark: Benchmark
    request: Request
    optional: bool = False


@dataclass(frozen=True)
class Workload:
    """What is to be evaluated.

    Attributes:
        suite: that was named; one without rows else.
        models: by name.
        rows: with the data set of each.
        skipped: a line for each row of the suite whose data are absent.
    """

    suite: Suite
    models: Resolved
    rows: Sequence[tuple[BenchmarkChoice, DataSet]]
    skipped: list[str]


def asked_for(command: Command) -> Workload:
    """What a command asks for; nothing is loaded or written.

    Raises:
        ArgumentError: a name or option is wrong.
        DataError: a benchmark's data are absent, or the weights of all models that were named. Of a suite, what has no
            data is skipped.
    """
    chosen = suite(command.suite) if command.suite is not None else Suite("", ())
    names = tuple(command.models or chosen.models)
    if not names:
        raise ArgumentError("no model: name one with -m, e.g. -m efficientnet_lite0; 'hardiness models' lists them")
    data = command.data or chosen.data
    request = replace(command.request, data_arguments=written(data, command.labels))
    rows = [BenchmarkChoice(parse(text), request) for text in command.benchmarks]
    rows += [BenchmarkChoice(parse(row.benchmark), _limited(request, row.limit), optional=True) for row in chosen.rows]
    if not rows:
        raise ArgumentError("nothing to run: name a benchmark (-b imagenet-val) or a suite (--suite demo)")
    resolved = resolved_models(names, command.weights)
    if command.models and resolved.absent and not resolved.specs:
        raise DataError(resolved.absent[0])
    for row in rows:
        if not row.optional:
            refuse_unknown_surrogate(row.benchmark)
    for spec in resolved.specs:
        models.place(**asdict(command.placement), onnx=spec.name.startswith("onnx:"))
    root = datasets.locate(data, command.labels)
    kept, skipped = _with_data(rows, root)
    kept = _each_once(replace(row, benchmark=part) for row in kept for part in row.benchmark.parts(root))
    return Workload(chosen, resolved, [(row, row.benchmark.dataset(root)) for row in kept], skipped)


def _each_once(rows: Iterable[BenchmarkChoice]) -> list[BenchmarkChoice]:
    """The rows, each run once: benchmarks share parts."""
    found: list[BenchmarkChoice] = []
    for row in rows:
        if not any((row.benchmark, row.request) == (each.benchmark, each.request) for each in found):
            found.append(row)
    return found


def _limited(request: Request, limit: int | None) -> Request:
    """The request with the smaller of its own limit and a suite row's."""
    limits = [value for value in (request.limit, limit) if value is not None]
    return replace(request, limit=min(limits, default=None))


def _with_data(rows: Sequence[BenchmarkChoice], root: DataRoot) -> tuple[list[BenchmarkChoice], list[str]]:
    """The rows without the optional ones whose data are absent, and a line for each of those."""
    kept, skipped = [], []
    for row in rows:
        if row.optional and (lacks := row.benchmark.lacks(root)):
            skipped.append(f"{row.benchmark.name}: {lacks}")
        else:
            kept.append(row)
    return kept, skipped

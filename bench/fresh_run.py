"""A whole run into a store that did not exist before: our side of the benches that time the engine."""

from __future__ import annotations

import tempfile
import time
from pathlib import Path

from hardiness.benchmarks.options import parse
from hardiness.core.benchmark import DataSet
from hardiness.core.request import Request
from hardiness.core.table import Records
from hardiness.engine.evaluation import evaluate
from hardiness.models.classifier import Classifier
from hardiness.store.store import Store


def fresh_run(
    classifier: Classifier, benchmark: str, data: DataSet, batch_size: int | None = None
) -> tuple[Records, float]:
    """Records of a benchmark, and the seconds that it took until they were stored."""
    with tempfile.TemporaryDirectory() as folder:
        store = Store.create(Path(folder))
        begin = time.perf_counter()
        evaluated = evaluate(parse(benchmark), [classifier], data, store, Request(batch_size=batch_size))
        seconds = time.perf_counter() - begin
        assert not evaluated.problems, evaluated.problems
        return store.runs()[0].records(), seconds

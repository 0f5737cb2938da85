"""The mean error of the set that another is compared with stands beside its own."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest

from hardiness.benchmarks.corruptions import corruption_benchmark
from hardiness.core.condition import Condition
from hardiness.core.run import BenchmarkIdentity, DataIdentity, ModelIdentity, Plan, Run
from hardiness.core.table import Records
from hardiness.results.folder import Folder
from hardiness.store.store import Store

IMAGES = 3


def keep(folder: Path, name: str, wrong: int, cells: int | None = None, weights: str = "w") -> Store:
    """A run of a set on three images, of which ``wrong`` are answered wrongly in every cell."""
    benchmark = corruption_benchmark(name)()
    chosen = [benchmark.conditions().index(cell) for cell in benchmark.requested()][:cells]
    store = Store.create(folder)
    identity = BenchmarkIdentity(name, "corruption", benchmark.protocol)
    data = DataIdentity("imagenet", "f", IMAGES)
    whole = tuple(benchmark.conditions().index(cell) for cell in benchmark.whole())
    found = Run(ModelIdentity("m", weights), identity, data, conditions=benchmark.conditions())
    run = store.run(found, Plan(whole=whole))
    work = [(f"n/{image}", condition) for condition in chosen for image in range(IMAGES)]
    rows = np.tile(np.arange(IMAGES), len(chosen))
    columns = {
        "sample": np.array([sample for sample, _ in work]),
        "condition": np.repeat(chosen, IMAGES).astype(np.int16),
        "frame": np.zeros(len(work), np.int16),
        "label": np.zeros(len(work), np.int32),
        "prediction": (rows < wrong).astype(np.int32),
        "confidence": np.full(len(work), 0.5, np.float32),
    }
    run.write(0, work, Records(columns))
    return store


def metrics(store: Store, benchmark: str) -> dict[str, float | None]:
    found = next(result for result in Folder.open(store).results if result.benchmark == benchmark)
    return {score.metric: score.value for score in found.scores if score.condition == Condition()}


def test_c_bar_shows_the_mean_error_on_imagenet_c(tmp_path: Path) -> None:
    keep(tmp_path, "imagenet-c-bar", wrong=2)
    store = keep(tmp_path, "imagenet-c", wrong=1)
    found = metrics(store, "imagenet-c-bar")
    assert list(found)[:2] == ["mean_error", "imagenet_c_mean_error"]
    assert found["mean_error"] == pytest.approx(2 / 3)
    assert found["imagenet_c_mean_error"] == pytest.approx(1 / 3)
    assert "imagenet_c_bar_mean_error" not in metrics(store, "imagenet-c")


def test_nothing_of_another_model_or_of_a_part_stands_beside(tmp_path: Path) -> None:
    keep(tmp_path, "imagenet-c-bar", wrong=2)
    keep(tmp_path, "imagenet-c", wrong=1, weights="others")
    store = keep(tmp_path, "imagenet-c", wrong=1, cells=7)
    assert "imagenet_c_mean_error" not in metrics(store, "imagenet-c-bar")

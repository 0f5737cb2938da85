"""What a worker asks of its store, counted: what bench/virtual_cluster.py reckons with, and no more."""

from __future__ import annotations

import threading
from collections import Counter
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
import torch

from hardiness.benchmarks.options import parse
from hardiness.core.model import View
from hardiness.core.request import Request, Share
from hardiness.data.root import locate
from hardiness.engine.evaluation import Evaluation, evaluate_shared
from hardiness.models.classifier import Classifier
from hardiness.models.loading import wrap
from hardiness.store.object_files import ObjectFiles
from hardiness.store.store import Store

BESIDE = ("together", "store", "next")
"""How threads are called that ask while others wait, or many at a time."""


def small(seed: int, **options: str) -> Classifier:
    torch.manual_seed(seed)
    network = torch.nn.Sequential(torch.nn.AdaptiveAvgPool2d(4), torch.nn.Flatten(), torch.nn.Linear(48, 1000))
    view = View(mean=(0.5, 0.5, 0.5), std=(0.5, 0.5, 0.5))
    return wrap(network.eval(), view, name=f"m{seed}", device="cpu", runtime="torch", **options)


@pytest.fixture
def asked(monkeypatch: pytest.MonkeyPatch) -> Counter[tuple[str, bool]]:
    """How often each thing was asked of the store, and whether it was beside other work."""
    found: Counter[tuple[str, bool]] = Counter()
    ask = ObjectFiles._ask

    def counted(self: ObjectFiles, doing: str, path: str, request: Callable[[], Any]) -> Any:
        beside = threading.current_thread().name.startswith(BESIDE)
        kind = "shard" if path.endswith(".parquet") else "run"
        found[f"{doing} {kind}", beside] += 1
        return ask(self, doing, path, request)

    monkeypatch.setattr(ObjectFiles, "_ask", counted)
    return found


@pytest.mark.parametrize("models", [2, 3])
def test_a_worker_that_is_started_again_asks_what_the_simulation_reckons_with(
    models: int, command: list[str], asked: Counter[tuple[str, bool]], tmp_path: Path
) -> None:
    data = locate([str(tmp_path / "data")]).dataset("imagenet")
    benchmark, store = parse("imagenet-c:corruptions=contrast,severities=1"), Store.create(f"memory://{tmp_path}")
    classifiers, request = [small(seed, tag="1") for seed in range(models)], Request(workers=1, share=Share(0, 2))
    assert request.share is not None
    evaluate_shared([Evaluation(benchmark, data, request)], request.share, classifiers, store)
    shards = sorted(path for path in store.files.list_files("records") if path.endswith(".parquet"))
    assert len(shards) == 3 * models
    gone = [path for path in shards if "/000001-" in path]
    store.files.remove_all(gone)
    asked.clear()
    evaluate_shared([Evaluation(benchmark, data, request)], request.share, classifiers, store)
    assert asked["read shard", True] == 2 * models, "of its own shards, 0 and 2, once"
    assert asked["read shard", False] == asked["write shard", False] == 0
    assert asked["write shard", True] == len(gone)
    assert asked["read run", True] == 2 * models, "what each run is of"
    assert asked["read run", False] == 0
    assert asked["list run", False] == 1, "which runs there are"
    listings = asked["list run", True]
    assert listings <= 4 * models, "damage, units, pictures beside them, and what is left"
    assert asked["look for shard", True] + asked["look for shard", False] == 1, "once a unit"
    assert sum(count for (_, beside), count in asked.items() if not beside) <= 2 + models, "how it was computed"


def test_own_code_is_looked_at_with_three_requests_a_run(
    command: list[str], asked: Counter[tuple[str, bool]], tmp_path: Path
) -> None:
    """Whether there is a later run, whether it has rows, and what the code gave when they were begun."""
    data = locate([str(tmp_path / "data")]).dataset("imagenet")
    benchmark = parse("imagenet-c:corruptions=contrast,severities=1")
    counts = dict[str, Counter[str]]()
    for options in ({"tag": "1"}, {}):
        store = Store.create(f"memory://{tmp_path}/{len(options)}")
        classifiers, request = [small(0, **options)], Request(workers=1, share=Share(0, 2))
        assert request.share is not None
        for _ in range(2):
            asked.clear()
            evaluate_shared([Evaluation(benchmark, data, request)], request.share, classifiers, store)
        counts[str(options)] = Counter({doing: count for (doing, beside), count in asked.items() if not beside})
    tagged, own = counts.values()
    assert own - tagged == Counter({"list run": 2, "read run": 1})

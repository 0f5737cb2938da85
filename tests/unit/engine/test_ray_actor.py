"""Which machines may take part in an errand, and how a unit that was given up is stored; no Ray is needed."""

from __future__ import annotations

import json
import os
import threading
import time
from collections.abc import Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, replace
from pathlib import Path
from types import SimpleNamespace
from typing import Any, ClassVar

import numpy as np
import PIL.Image
import pytest
import torch
from pyarrow import parquet

from hardiness.benchmarks.photographs import Photographs
from hardiness.core import process
from hardiness.core.benchmark import DataSet, Expansion, Item
from hardiness.core.condition import Condition
from hardiness.core.errors import SampleError
from hardiness.core.model import Canvas
from hardiness.core.request import Request
from hardiness.data.root import locate
from hardiness.engine import ray_actor
from hardiness.engine.evaluation import Evaluation
from hardiness.engine.provenance import package_version
from hardiness.engine.ray_actor import ActorReport, Errand, UnitActor, UnitOutcome
from hardiness.engine.unit import UnitPart
from hardiness.reference.classes import wnids
from hardiness.store.run import StoredRun


@pytest.fixture(autouse=True)
def cores_are_given_back(monkeypatch: pytest.MonkeyPatch) -> Iterator[None]:
    """An actor takes its cores for its whole process, which here is that of every other test too."""
    from hardiness.models.runtimes import openvino_cpu  # noqa: F401  # counts the cores when it is loaded

    threads = torch.get_num_threads()
    monkeypatch.setenv("OMP_NUM_THREADS", os.environ.get("OMP_NUM_THREADS", str(threads)))
    monkeypatch.setattr(process, "_MOST", [])
    yield
    torch.set_num_threads(threads)


def errand(version: str = "", gone: bool = False) -> Errand:
    def read() -> bytes:
        if gone:
            raise SampleError("x.JPEG cannot be read")
        return b""

    data = SimpleNamespace(items=[SimpleNamespace(file=SimpleNamespace(read=read))], location="/data/imagenet")
    evaluation: Any = SimpleNamespace(data=data)
    return Errand((), {}, (evaluation,), "out", version)


def test_the_same_version_and_data_that_are_there_fit() -> None:
    assert errand().unfitness() == ""
    assert errand(package_version()).unfitness() == ""


def test_another_version_is_refused_by_name(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(ray_actor.platform, "node", lambda: "node-7")
    told = errand("9.9").unfitness()
    assert told.startswith(f"node-7 runs hardiness {package_version()}, and the driver 9.9")


def test_a_machine_that_does_not_see_the_data_is_named(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(ray_actor.platform, "node", lambda: "node-7")
    assert errand(gone=True).unfitness().startswith("node-7 does not see the data at /data/imagenet")


def test_every_row_of_a_unit_that_was_given_up_has_failed() -> None:
    part = UnitPart(Any, 0, [("b", 1), ("a", 0), ("a", 2)], "")
    found = part.failed("it died")
    assert len(found) == 0
    assert [(f.sample, f.reason, f.conditions) for f in found.failures] == [
        ("a", "a: it died", (0, 2)),
        ("b", "b: it died", (1,)),
    ]


read: list[str] = []
decoded = threading.Event()
"""Whether a second picture has been decoded; `Single` and the model live in one process here."""
released = threading.Event()
"""Whether a model that is held may go on."""

MODEL = """
import threading
import torch
from PATH import decoded, released

class Waiting(torch.nn.Module):
    def __init__(self):
        super().__init__()
        self.linear = torch.nn.Linear(12, 1000)
    def forward(self, x):
        evaluates = threading.current_thread().name.startswith("forward")  # and is not tried before
        if evaluates and x.mean() < RAISES:
            raise RuntimeError("boom")
        if evaluates and WAITS and not decoded.wait(20):
            raise RuntimeError("the next picture is not decoded meanwhile")
        if evaluates and HELD and not released.wait(20):
            raise RuntimeError("it was held for ever")
        return self.linear(torch.nn.functional.adaptive_avg_pool2d(x, 2).flatten(1))

def build():
    return Waiting()
"""


@dataclass(frozen=True)
class Single(Photographs):
    """One picture a unit; says when the second is decoded."""

    name: ClassVar[str] = "single"
    question: ClassVar[str] = ""
    paper: ClassVar[str] = ""
    protocol: ClassVar[str] = "none"
    needs: ClassVar[tuple[str, ...]] = ("imagenet",)
    shard_items: ClassVar[int] = 1
    frames: ClassVar[int] = 64  # one picture ahead

    def expand(
        self, item: Item, conditions: Sequence[Condition], canvases: Sequence[Canvas], seed: int
    ) -> Iterator[Expansion]:
        read.append(item.id)
        if len(read) > 1:
            decoded.set()
        return super().expand(item, conditions, canvases, seed)


@pytest.fixture
def pictures(tmp_path: Path) -> DataSet:
    """Four pictures, the first one black."""
    for number in range(4):
        folder = tmp_path / "data" / "imagenet" / "val" / wnids()[number]
        folder.mkdir(parents=True)
        PIL.Image.fromarray(np.full((64, 64, 3), 80 * number, np.uint8)).save(folder / f"{number}.png")
    return locate([str(tmp_path / "data")]).dataset("imagenet")


def actor(
    tmp_path: Path,
    data: DataSet,
    benchmark: Single | None = None,
    without: frozenset[str] = frozenset(),
    listed: bool = False,
    **model: Any,
) -> UnitActor:
    read.clear()
    decoded.clear()
    text = MODEL.replace("PATH", __name__)
    for name, value in {"RAISES": -1e9, "WAITS": False, "HELD": False, **model}.items():
        text = text.replace(name, str(value))
    (tmp_path / "network.py").write_text(text)
    placing = {"device": "cpu", "precision": "fp32", "runtime": "torch"}
    evaluation = Evaluation(benchmark or Single(), data, Request(batch_size=1))
    errand = Errand(
        (f"py:{tmp_path}/network.py:build:mean=0.485/0.456/0.406,std=0.229/0.224/0.225",),
        placing,
        (evaluation,),
        tmp_path / "out",
        without=without,
        listed=listed,
    )
    return UnitActor(errand, 1)


@pytest.mark.slow
def test_a_unit_is_decoded_while_the_one_before_it_is_in_the_model(
    tmp_path: Path, pictures: DataSet, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(ray_actor, "GRACE_S", 2.0)  # on a machine that is busy
    begun = actor(tmp_path, pictures, WAITS=True)
    ready = begun.ready()
    assert isinstance(ready, ActorReport)
    with ThreadPoolExecutor(4) as driver:
        found = list(driver.map(begun.evaluate, ready.units))
    assert found == [UnitOutcome(stored=ready.keys)] * 4
    begun.leave()
    sessions = [json.loads(path.read_text())["rows"] for path in (tmp_path / "out").glob("records/*/measured/*.json")]
    assert sum(sessions) == 4


def test_a_unit_at_which_a_model_raised_is_told_and_not_stored(tmp_path: Path, pictures: DataSet) -> None:
    begun = actor(tmp_path, pictures, RAISES=-1.9)
    ready = begun.ready()
    assert isinstance(ready, ActorReport)
    first, *rest = sorted(ready.units, key=lambda name: begun._unit(name)[1].samples[0] != f"{wnids()[0]}/0")
    raised = begun.evaluate(first).raised
    assert list(raised) == list(ready.keys)
    assert "build on single: " in raised[ready.keys[0]]
    assert "boom" in raised[ready.keys[0]]
    assert begun.evaluate(rest[0]).stored == (), "an actor whose model raised is of no use, and says so"
    again = actor(tmp_path, pictures, without=frozenset(ready.keys), RAISES=-1.9).ready()
    assert isinstance(again, ActorReport)
    assert again.units == {}, "nothing is evaluated of a model that was given up"


def test_an_actor_that_replaces_another_reads_no_stored_file_and_makes_each_unit_when_it_is_handed_out(
    tmp_path: Path, pictures: DataSet, monkeypatch: pytest.MonkeyPatch
) -> None:
    first = actor(tmp_path, pictures)
    ready = first.ready()
    assert isinstance(ready, ActorReport)
    stored, missing = sorted(ready.units)[:2]
    assert first.evaluate(stored).stored == ready.keys
    (file,) = (tmp_path / "out").glob("records/*/*.parquet")
    asked: list[str] = []
    content = StoredRun.content
    monkeypatch.setattr(StoredRun, "content", lambda run, name: (asked.append(name), content(run, name))[1])
    second = actor(tmp_path, pictures, listed=True)
    later = second.ready()
    assert isinstance(later, ActorReport)
    assert (later.keys, later.units) == (ready.keys, {})
    assert file.name not in asked
    assert second.evaluate(missing).stored == ready.keys
    assert len(list((tmp_path / "out").glob("records/*/*.parquet"))) == 2
    assert file.name not in asked
    assert second.evaluate(stored) == UnitOutcome(), "nothing is missing of it"
    assert second.give_up(stored, "it died") == ()
    for each in (first, second):
        each.stop()


@dataclass(frozen=True)
class Together(Single):
    """The same with all pictures in one unit."""

    shard_items: ClassVar[int] = 64


def test_an_actor_that_is_stopped_stores_the_pictures_of_its_unit_that_are_finished(
    tmp_path: Path, pictures: DataSet
) -> None:
    items = [replace(item, id=f"{item.id}_{turn}") for turn in range(4) for item in pictures.items]
    many = replace(pictures, items=tuple(sorted(items, key=lambda item: item.id)))
    begun = actor(tmp_path, many, Together(), HELD=True)
    ready = begun.ready()
    assert isinstance(ready, ActorReport)
    (name,) = ready.units
    with ThreadPoolExecutor(2) as driver:
        released.clear()
        evaluating = driver.submit(begun.evaluate, name)
        while len(read) < 3:
            time.sleep(0.01)
        stopping = driver.submit(begun.stop)
        while begun._workers[0].ends_s > 0:
            time.sleep(0.01)
        released.set()
        stopping.result(timeout=60)
        assert evaluating.result(timeout=60).broken, "its unit is not stored"
    (file,) = (tmp_path / "out").glob("records/*/*.parquet")
    stored = parquet.read_metadata(file).num_rows
    assert 0 < stored < 16
    again = actor(tmp_path, many, Together(), HELD=True).ready()
    assert isinstance(again, ActorReport)
    assert list(again.units.values()) == [16 - stored], "the rest is what is missing"

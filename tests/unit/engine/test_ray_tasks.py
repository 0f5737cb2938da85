"""Units as tasks, whichever machine has them; Ray itself is played, in this process."""

from __future__ import annotations

import json
import os
import sys
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from types import SimpleNamespace
from typing import Any, ClassVar

import numpy as np
import PIL.Image
import pytest
import torch

from hardiness.benchmarks.photographs import Photographs
from hardiness.core import process
from hardiness.core.errors import DataError, ModelError, SampleError
from hardiness.core.progress import Silence
from hardiness.core.request import Request
from hardiness.data.root import locate
from hardiness.engine import ray_task
from hardiness.engine.evaluation import Evaluation, EvaluationOutcome, evaluate
from hardiness.engine.provenance import package_version
from hardiness.engine.ray import FRUITLESS, on_ray
from hardiness.engine.ray_cluster import Cluster
from hardiness.engine.ray_task import Errand, evaluate_unit, list_units
from hardiness.models.loading import load
from hardiness.models.naming import resolve
from hardiness.reference.classes import wnids
from hardiness.report.words import text
from hardiness.store.run import StoredRun
from hardiness.store.store import Store

PLACING = {"device": "cpu", "precision": "fp32", "runtime": "torch"}
NETWORK = """
import threading
import torch

class Darkness(torch.nn.Module):
    def __init__(self):
        super().__init__()
        self.linear = torch.nn.Linear(12, 1000)
        self.linear.weight.data = torch.randn(1000, 12, generator=torch.Generator().manual_seed(0))
        self.linear.bias.data.zero_()
    def forward(self, x):
        if threading.current_thread().name.startswith("forward") and x.mean() < DARK:
            raise RuntimeError("boom")
        return self.linear(torch.nn.functional.adaptive_avg_pool2d(x, 2).flatten(1))

def build():
    return Darkness()
"""


@dataclass(frozen=True)
class Single(Photographs):
    """One picture a unit."""

    name: ClassVar[str] = "single"
    question: ClassVar[str] = ""
    paper: ClassVar[str] = ""
    protocol: ClassVar[str] = "none"
    needs: ClassVar[tuple[str, ...]] = ("imagenet",)
    shard_items: ClassVar[int] = 1
    frames: ClassVar[int] = 64


class RayError(Exception):
    """As Ray's own."""


class WorkerCrashedError(RayError):
    """As Ray's own."""


@dataclass(eq=False)
class PlayedCall:
    """A task that was handed over."""

    function: Callable[..., Any]
    arguments: tuple[Any, ...]


class PlayedRay:
    """As much of Ray as the driver uses: tasks are done in this process, the last one first.

    Attributes:
        crashes: whether a call, by its function and arguments, ends its process.
        most: calls that were ever under way at a time.
        cancelled: calls that were told to end.
        options: of the last task.
    """

    exceptions = SimpleNamespace(RayError=RayError, WorkerCrashedError=WorkerCrashedError)

    def __init__(self) -> None:
        self.crashes: Callable[..., bool] = lambda *_: False
        self.most, self.cancelled = 0, list[Any]()
        self.options: dict[str, Any] = {}

    def is_initialized(self) -> bool:
        return True

    def cluster_resources(self) -> dict[str, float]:
        return {"CPU": 2.0}

    def put(self, sent: Any) -> Any:
        return SimpleNamespace(sent=sent, hex=lambda: str(id(sent)))

    def remote(self, **options: Any) -> Callable[[Callable[..., Any]], Any]:
        self.options = options
        return lambda function: SimpleNamespace(remote=lambda *arguments: PlayedCall(function, arguments))

    def wait(self, calls: Sequence[Any], num_returns: int, timeout: float | None = None) -> tuple[list[Any], list[Any]]:
        self.most = max(self.most, len(calls))
        return list(calls)[-num_returns:], list(calls)[:-num_returns]

    def cancel(self, call: Any) -> None:
        self.cancelled.append(call)

    def get(self, call: Any) -> Any:
        if not isinstance(call, PlayedCall):
            return call.sent
        if self.crashes(call.function, call.arguments):
            raise WorkerCrashedError("The worker died unexpectedly")
        try:
            return call.function(*call.arguments)
        except Exception as error:
            wrapped = RayError("ray::evaluate_unit() (pid=1)\nTraceback (most recent call last):")
            wrapped.cause = error  # type: ignore[attr-defined]
            raise wrapped from error


@pytest.fixture
def ray(monkeypatch: pytest.MonkeyPatch) -> Iterator[PlayedRay]:
    """Ray; a task takes cores for its whole process, which here is that of every other test too."""
    from hardiness.models.runtimes import openvino_cpu  # noqa: F401  # counts the cores when it is loaded

    threads = torch.get_num_threads()
    monkeypatch.setenv("OMP_NUM_THREADS", os.environ.get("OMP_NUM_THREADS", str(threads)))
    monkeypatch.setattr(process, "_MOST", [])
    played = PlayedRay()
    monkeypatch.setitem(sys.modules, "ray", played)
    yield played
    ray_task._PREPARED.clear()
    torch.set_num_threads(threads)


@pytest.fixture
def errand(tmp_path: Path) -> Callable[..., Errand]:
    """Makes an errand of pictures that grow lighter, a unit each, and a model that raises at those below ``dark``."""

    def made(pictures: int = 4, dark: float = -9.0) -> Errand:
        for number in range(pictures):
            folder = tmp_path / "data" / "imagenet" / "val" / wnids()[number]
            folder.mkdir(parents=True, exist_ok=True)
            shade = np.full((64, 64, 3), 250 * number // pictures, np.uint8)
            PIL.Image.fromarray(shade).save(folder / f"{number}.png")
        (tmp_path / "network.py").write_text(NETWORK.replace("DARK", str(dark)))
        model = f"py:{tmp_path}/network.py:build:mean=0.485/0.456/0.406,std=0.229/0.224/0.225"
        data = locate([str(tmp_path / "data")]).dataset("imagenet")
        return Errand((model,), PLACING, (Evaluation(Single(), data, Request()),), tmp_path / "ray")

    return made


def shards(out: Path) -> dict[str, bytes]:
    return {str(path.relative_to(out)): path.read_bytes() for path in out.glob("records/*/[0-9]*.parquet")}


def evaluated(errand: Errand, **cluster: Any) -> EvaluationOutcome:
    return on_ray(errand, Cluster(resources={"CPU": 1.0}, **cluster), Silence())


def test_tasks_store_the_bytes_of_one_process(ray: PlayedRay, errand: Any, tmp_path: Path) -> None:
    work = errand()
    outcome = evaluated(work)
    (evaluation,) = work.evaluations
    models = [load(resolve(work.models[0]), **PLACING)]
    alone = evaluate(evaluation.benchmark, models, evaluation.data, Store.create(tmp_path / "one"), Request())
    assert (outcome.keys, outcome.problems) == (alone.keys, ())
    assert shards(tmp_path / "ray") == shards(tmp_path / "one")
    assert len(shards(tmp_path / "ray")) == 4
    assert (ray.options["max_retries"], ray.options["retry_exceptions"], ray.options["max_calls"]) == (2, True, 0)
    (session,) = (tmp_path / "ray").glob("records/*/measured/*.json")
    assert json.loads(session.read_text())["rows"] == 4, "one file for all units of a process"
    before = shards(tmp_path / "ray")
    assert evaluated(work).problems == ()
    assert shards(tmp_path / "ray") == before


@pytest.mark.parametrize("actors", [2, None])
def test_no_more_units_are_under_way_than_asked_for(ray: PlayedRay, errand: Any, actors: int | None) -> None:
    evaluated(errand(), actors=actors)
    assert ray.most == (actors or 4)


def test_a_unit_that_ends_its_process_is_named_and_the_others_are_stored(
    ray: PlayedRay, errand: Any, tmp_path: Path
) -> None:
    ray.crashes = lambda function, arguments: function is evaluate_unit and arguments[1] == "0-000001"
    work = errand()
    outcome = evaluated(work)
    (problem,) = map(text, outcome.problems)
    assert problem == "unit 0-000001 was given up: its process ended at it, in each of 3 tries; its images: n01443537/1"
    (run,) = Store(tmp_path / "ray").runs()
    assert [(failure.sample, failure.reason) for failure in run.records().failures] == [
        ("n01443537/1", "n01443537/1: its process ended at it, in each of 3 tries")
    ]
    assert len(run.records()) == 3
    ray.crashes = lambda *_: False
    assert evaluated(work).problems == (), "the same command tries it again"
    (run,) = Store(tmp_path / "ray").runs()
    assert len(run.records()) == 4


def test_a_model_that_raises_at_one_picture_is_told_and_loaded_again(ray: PlayedRay, errand: Any) -> None:
    outcome = evaluated(errand(dark=-1.9))
    (problem,) = map(text, outcome.problems)
    assert problem.startswith("unit 0-000000 was given up: ")
    assert "RuntimeError: boom" in problem
    assert problem.endswith("; its images: n01440764/0")
    assert not ray.cancelled


def test_nothing_more_is_begun_where_every_unit_fails(ray: PlayedRay, errand: Any, tmp_path: Path) -> None:
    (problem,) = map(text, evaluated(errand(8, dark=99.0), actors=1).problems)
    assert problem.startswith(f"nothing is evaluated, because the first {FRUITLESS} of 8 units failed: ")
    assert problem.count("RuntimeError: boom") == 1
    assert shards(tmp_path / "ray") == {}


def test_a_stop_cancels_what_is_under_way(ray: PlayedRay, errand: Any) -> None:
    def interrupt(function: Any, arguments: Any) -> bool:
        if function is evaluate_unit:
            raise KeyboardInterrupt
        return False

    ray.crashes = interrupt
    with pytest.raises(KeyboardInterrupt):
        evaluated(errand())
    assert len(ray.cancelled) == 3, "one of four was taken"


def test_a_model_that_no_process_can_load_is_an_ordinary_problem(ray: PlayedRay, errand: Any, tmp_path: Path) -> None:
    work = errand()
    (tmp_path / "network.py").write_text("def build():\n    raise RuntimeError('no such layer')\n")
    (problem,) = evaluated(work).problems
    assert (problem.about, "no such layer" in text(problem)) == (work.models[0], True)


def test_a_machine_without_the_model_takes_no_part(ray: PlayedRay, errand: Any) -> None:
    listing = list_units(errand())
    with pytest.raises(ModelError, match=r"has not the same models: .*there is none"):
        evaluate_unit([ray.put(replace(errand(), keys=listing.keys, models=("py:none.py:build",)))], "0-000000")


def test_later_processes_read_no_stored_file_of_another_unit(
    ray: PlayedRay, errand: Any, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    work = errand()
    listing = list_units(work)
    sent = replace(work, keys=listing.keys)
    stored, missing = sorted(listing.units)[:2]
    evaluate_unit([ray.put(sent)], stored)
    (name,) = shards(tmp_path / "ray")
    asked: list[str] = []
    content = StoredRun.content
    monkeypatch.setattr(StoredRun, "content", lambda run, name: (asked.append(name), content(run, name))[1])
    ray_task._PREPARED.clear()
    evaluate_unit([ray.put(sent)], missing)
    assert len(shards(tmp_path / "ray")) == 2
    assert Path(name).name not in asked


def unfit(version: str = "", is_gone: bool = False) -> Errand:
    def read() -> bytes:
        if is_gone:
            raise SampleError("x.JPEG cannot be read")
        return b""

    data = SimpleNamespace(items=[SimpleNamespace(file=SimpleNamespace(read=read))], location="/data/imagenet")
    evaluation: Any = SimpleNamespace(data=data)
    return Errand((), {}, (evaluation,), "out", version)


def test_another_version_or_data_that_are_not_there_are_refused_by_name(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(ray_task.platform, "node", lambda: "node-7")
    ray_task._require_fit(unfit(package_version()))
    with pytest.raises(ModelError, match=f"node-7 runs hardiness {package_version()}, and the driver 9.9"):
        ray_task._require_fit(unfit("9.9"))
    with pytest.raises(DataError, match="node-7 does not see the data at /data/imagenet"):
        ray_task._require_fit(unfit(is_gone=True))

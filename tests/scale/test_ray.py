"""Units on a real local Ray: the records are those of one process, whatever dies on the way."""

from __future__ import annotations

import json
import runpy
import signal
import sys
import threading
import time
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any, ClassVar

import psutil
import pytest
from pyarrow import parquet

import hardiness as library
from hardiness.benchmarks.photographs import Photographs
from hardiness.core.benchmark import DataSet, Expansion, Item
from hardiness.core.condition import Condition
from hardiness.core.model import Canvas
from hardiness.core.progress import Silence
from hardiness.core.request import Request
from hardiness.data.root import locate
from hardiness.engine.evaluation import Evaluation
from hardiness.engine.look import LOOKED_AT
from hardiness.engine.ray import on_ray
from hardiness.engine.ray_cluster import Cluster
from hardiness.engine.ray_task import Errand
from hardiness.reference.classes import wnids

ray = pytest.importorskip("ray")
pytestmark = pytest.mark.slow

QUIET = {"RAY_AUTH_MODE": "disabled", "RAY_DEDUP_LOGS": "0"}


def records(out: Path) -> dict[str, bytes]:
    return {str(path.relative_to(out)): path.read_bytes() for path in sorted(out.glob("records/*/*.parquet"))}


def on_two_processes(command: list[str], out: Path) -> list[str]:
    return [*command, "--out", str(out), "--engine", "ray", "--ray-actors", "2", "--ray-resources", "CPU=1"]


def at_work(process: Any, seconds: float, other_than: Sequence[int] = ()) -> psutil.Process:
    """The first process of Ray that is seen in the middle of a unit."""
    end = time.monotonic() + seconds
    while time.monotonic() < end and process.poll() is None:
        for child in psutil.Process(process.pid).children(recursive=True):
            try:
                if child.pid not in other_than and "evaluate_unit" in " ".join(child.cmdline()):
                    return child
            except psutil.Error:
                continue
        time.sleep(0.02)
    raise AssertionError(f"no process was seen at work; {process.poll()}")


def test_two_processes_are_killed_and_the_records_are_those_of_one_process(
    spawn: Any, command: list[str], tmp_path: Path
) -> None:
    with pytest.raises(TypeError, match="stays in its process"):
        ray.cloudpickle.dumps(runpy.run_path(str(tmp_path / "network.py"))["build"]())
    alone = spawn(*command, "--out", str(tmp_path / "one"))
    assert alone.wait(240) == 0
    process = spawn(*on_two_processes(command, tmp_path / "ray"), **QUIET)
    killed: list[int] = []
    for _ in range(2):
        evaluates = at_work(process, 200, killed)
        evaluates.kill()
        killed.append(evaluates.pid)
    _, told = process.communicate(timeout=300)
    assert process.returncode == 0, told
    assert records(tmp_path / "one") == records(tmp_path / "ray")


@pytest.mark.thorough
def test_a_cluster_named_in_python_gives_the_rows_of_one_process(
    command: list[str], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    for name, value in QUIET.items():
        monkeypatch.setenv(name, value)
    model, benchmark = (command[command.index(flag) + 1] for flag in ("-m", "-b"))
    models, data = {"first": model, "second": f"{model}:crop_px=192"}, str(tmp_path / "data")
    settings: dict[str, Any] = {"limit": 8, "device": "cpu", "runtime": "torch", "progress": False}
    alone = library.evaluate(models, benchmark, data, out=tmp_path / "one", **settings)
    cluster = library.Cluster(actors=1, resources={"CPU": 1})
    try:
        on_cluster = library.evaluate(models, benchmark, data, out=tmp_path / "ray", where=cluster, **settings)
    finally:
        ray.shutdown()
    assert records(tmp_path / "one") == records(tmp_path / "ray")
    assert [(each.model, each.scores) for each in on_cluster] == [(each.model, each.scores) for each in alone]
    assert on_cluster.problems == ()


def test_a_driver_that_is_killed_loses_nothing(spawn: Any, command: list[str], tmp_path: Path) -> None:
    process = spawn(*on_two_processes(command, tmp_path / "ray"), **QUIET)
    evaluates = at_work(process, 200)
    children = psutil.Process(process.pid).children(recursive=True)
    process.kill()
    process.wait()
    assert not psutil.wait_procs([evaluates], timeout=60)[1], "its processes end with it"
    for child in psutil.wait_procs(children, timeout=5)[1]:
        child.kill()  # agents of Ray that outlive its raylet for minutes
    again = spawn(*command, "--out", str(tmp_path / "ray"))
    alone = spawn(*command, "--out", str(tmp_path / "one"))
    for each in (again, alone):
        _, told = each.communicate(timeout=240)
        assert each.returncode == 0, told
    assert records(tmp_path / "one") == records(tmp_path / "ray")


RAISES_IN_ONE_PROCESS = """import itertools, os, torch
from hardiness import View

def build():
    class Raising(torch.nn.Module):
        def __init__(self):
            super().__init__()
            self.linear = torch.nn.Linear(48, 1000)
            self.linear.weight.data = torch.randn(1000, 48, generator=torch.Generator().manual_seed(0))
            self.linear.bias.data.zero_()
            self.calls = itertools.count()
            self.broken = None
        def forward(self, x):
            if len(x) > 1 and next(self.calls) >= 1 and self.broken is None:
                try:
                    os.close(os.open("MARK", os.O_CREAT | os.O_EXCL))
                    self.broken = True
                except FileExistsError:
                    self.broken = False
            if self.broken:
                raise RuntimeError("this GPU has fallen off the bus")
            return self.linear(torch.nn.functional.adaptive_avg_pool2d(x, 4).flatten(1))
    return Raising(), View(256, 224, "bilinear")
"""


def test_a_model_that_raises_once_is_loaded_anew_and_every_unit_is_stored(
    spawn: Any, command: list[str], tmp_path: Path
) -> None:
    (tmp_path / "network.py").write_text(RAISES_IN_ONE_PROCESS.replace("MARK", str(tmp_path / "mark")))
    line = [*command, "-b", "imagenet-val", "--runtime", "torch"]
    line[line.index("-m") + 1] += ":tag=one"  # the mark is a file, which no key covers
    process = spawn(*on_two_processes(line, tmp_path / "ray"), **QUIET)
    _, told = process.communicate(timeout=400)
    assert (tmp_path / "mark").exists(), f"one of them raised: {told}"
    assert process.returncode == 0, told
    results = json.loads((tmp_path / "ray" / "results.json").read_text())["results"]
    assert {result["benchmark"]: result["counts"]["evaluated"] for result in results} == {
        "imagenet-c": 80,
        "imagenet-val": 40,
    }
    assert [result["failures"] for result in results] == [[], []]


@pytest.mark.parametrize(
    ("crash", "says"),
    [("os.abort()", "its process ended at it, in each of 3 tries"), ("raise RuntimeError('boom')", "boom")],
)
def test_a_unit_that_always_fails_is_told_with_its_images_while_the_others_finish(
    spawn: Any, crashing: Any, tmp_path: Path, crash: str, says: str
) -> None:
    process = spawn(*on_two_processes(crashing(crash), tmp_path / "ray"), **QUIET)
    _, told = process.communicate(timeout=400)
    assert process.returncode == 1, told
    (line,) = [line for line in told.splitlines() if "was given up" in line]
    assert says in line
    assert f"{wnids()[0]}/white" in line
    (result,) = json.loads((tmp_path / "ray" / "results.json").read_text())["results"]
    failed = {failure["sample"] for failure in result["failures"]}
    assert f"{wnids()[0]}/white" in failed
    assert len(failed) in (16, 41 - 2 * 16), "one unit"
    assert result["counts"]["evaluated"] == (41 - len(failed)) * 2, "all others, under both corruptions"


HESITATES = " * (__import__('time').sleep(0.5) or open({!r}, 'ab').write(b'.'))"
"""What makes a batch of one picture take as long as one of a large network does, and no processor; it is counted."""


@pytest.mark.parametrize(("number", "status"), [(signal.SIGINT, 130), (signal.SIGTERM, 143)])
def test_a_signal_stores_the_images_that_are_finished_and_ends_within_ten_seconds(
    spawn: Any, command: list[str], tmp_path: Path, number: signal.Signals, status: int
) -> None:
    network, answered = tmp_path / "network.py", tmp_path / "answered"
    network.write_text(network.read_text().replace(".flatten(1))", f".flatten(1)){HESITATES.format(str(answered))}"))
    line = [*command, "--runtime", "torch", "--batch-size", "1"]
    process = spawn(*on_two_processes(line, tmp_path / "ray"), **QUIET)
    at_work(process, 200)
    while process.poll() is None and not (answered.exists() and answered.stat().st_size >= LOOKED_AT + 20):
        time.sleep(0.1)  # whole pictures are answered, and less than a unit of 32 under two corruptions
    begun = time.monotonic()
    process.send_signal(number)
    _, told = process.communicate(timeout=60)
    assert time.monotonic() - begun < 10
    assert process.returncode == status, told
    assert "stopped; what is finished is kept, and the same command continues" in told
    assert "Traceback" not in told
    rows = sum(parquet.read_metadata(tmp_path / "ray" / name).num_rows for name in records(tmp_path / "ray"))
    assert 0 < rows < 32 * 2


def test_a_model_that_cannot_be_loaded_is_an_ordinary_error(spawn: Any, command: list[str], tmp_path: Path) -> None:
    broken = tmp_path / "broken.py"
    broken.write_text("def build():\n    raise RuntimeError('no such layer')\n")
    command[command.index("-m") + 1] = f"py:{broken}:build"
    process = spawn(*on_two_processes(command, tmp_path / "ray"), **QUIET)
    _, told = process.communicate(timeout=300)
    assert process.returncode == 1, told
    assert "no such layer" in told
    assert "Traceback" not in told


def test_a_cluster_that_is_not_there_is_one_line(spawn: Any, command: list[str], tmp_path: Path) -> None:
    process = spawn(*on_two_processes(command, tmp_path / "ray"), RAY_ADDRESS="127.0.0.1:1", **QUIET)
    _, told = process.communicate(timeout=300)
    assert process.returncode == 1, told
    (line,) = [line for line in told.splitlines() if line.startswith("hardiness: ")]
    assert line.startswith("hardiness: there is no Ray cluster at 127.0.0.1:1")
    assert "Traceback" not in told


@dataclass(frozen=True)
class Slow(Photographs):
    """One picture a unit, each of which takes a while."""

    name: ClassVar[str] = "slow"
    question: ClassVar[str] = ""
    paper: ClassVar[str] = ""
    protocol: ClassVar[str] = "none"
    needs: ClassVar[tuple[str, ...]] = ("imagenet",)
    shard_items: ClassVar[int] = 1
    frames: ClassVar[int] = 64

    seconds: float = 1.0

    def expand(
        self, item: Item, conditions: Sequence[Condition], canvases: Sequence[Canvas], seed: int
    ) -> Iterator[Expansion]:
        time.sleep(self.seconds)
        return super().expand(item, conditions, canvases, seed)


class Heard(Silence):
    """Progress, and the moment of the first unit."""

    def __init__(self) -> None:
        self.rows, self.first = [], threading.Event()

    def begin(self, benchmark: str, total: int, stored: int) -> None:
        self.begun = (benchmark, total, stored)

    def advance(self, rows: int) -> None:
        self.rows.append(rows)
        self.first.set()


def test_a_cluster_that_loses_a_machine_does_everything_on_what_is_left(
    command: list[str], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    from ray.cluster_utils import Cluster as Machines

    for name, value in QUIET.items():
        monkeypatch.setenv(name, value)
    ray.cloudpickle.register_pickle_by_value(sys.modules[__name__])
    machines = Machines(initialize_head=True, head_node_args={"num_cpus": 2, "num_gpus": 1, "include_dashboard": False})
    second = machines.add_node(num_cpus=2, num_gpus=1)  # four cores: a process for each GPU, unasked
    model = command[command.index("-m") + 1]
    data = locate([str(tmp_path / "data")]).dataset("imagenet")
    few = DataSet(data.name, data.items[:8], data.num_classes, "few", data.location)
    placing = {"device": "auto", "precision": "fp32", "runtime": "torch"}
    errand = Errand((model,), placing, (Evaluation(Slow(), few, Request(workers=1)),), tmp_path / "out")
    heard = Heard()

    def shrink() -> None:
        heard.first.wait(200)
        machines.remove_node(second)

    shrinking = threading.Thread(target=shrink)
    shrinking.start()
    try:
        found = on_ray(errand, Cluster(machines.address), heard)
    finally:
        heard.first.set()
        shrinking.join()
        ray.shutdown()
        machines.shutdown()
    assert found.problems == ()
    assert heard.begun == ("slow", 8, 0)
    assert heard.rows == [1] * 8
    assert len(records(tmp_path / "out")) == 8

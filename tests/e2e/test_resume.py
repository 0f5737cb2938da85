"""Killed, continued, shared: finished records are never lost, and always the same bytes."""

from __future__ import annotations

import signal
import subprocess
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from pyarrow import parquet

from hardiness.engine import worker

Spawn = Callable[..., subprocess.Popen[str]]


def shards(out: Path) -> dict[str, bytes]:
    """Every shard file below ``out``, by run and name."""
    return {f"{path.parent.name}/{path.name}": path.read_bytes() for path in out.glob("records/*/*.parquet")}


def ended(process: subprocess.Popen[str]) -> int:
    """Its exit status, once it has ended; what it said stands in pytest's report."""
    _, told = process.communicate(timeout=180)
    print(told)
    return process.returncode


UNHURRIED = " * (__import__('time').sleep(0.1) or 1)"
"""What makes a batch take as long as one of a large network does, and no processor."""


@pytest.mark.slow
@pytest.mark.parametrize(
    ("model", "kills"), [(UNHURRIED, 2), pytest.param("squeezenet1_1", 4, marks=pytest.mark.thorough)], ids=["2", "4"]
)
def test_kill_at_any_moment_then_the_same_command_continues(
    model: str, kills: int, moments: Any, tree: Any, tmp_path: Path, factory: Any
) -> None:
    root = tree(800)  # 4 shards
    named = ["-m", factory(tail=UNHURRIED), "--runtime", "torch"] if model == UNHURRIED else ["-m", model]
    command = ["run", *named, "-b", "imagenet-val", "--data", root, "--quiet", "--out"]
    longest = moments.finish(*command, tmp_path / "whole")
    expected = shards(tmp_path / "whole")
    assert len(expected) == 4
    shortest = moments.finish(*command, tmp_path / "whole")  # nothing is left to compute: this is what starting takes
    assert shards(tmp_path / "whole") == expected
    for _ in range(kills):
        if not moments.kill(*command, tmp_path / "killed", between=(min(shortest, longest) / 2, longest)):
            break
        found = shards(tmp_path / "killed")
        assert found.items() <= expected.items(), "what is left is whole, and what it would have been"
    moments.finish(*command, tmp_path / "killed")
    assert shards(tmp_path / "killed") == expected


@pytest.mark.slow
@pytest.mark.thorough
def test_two_processes_on_one_folder_lose_nothing_of_either(
    spawn: Spawn, tree: Any, tmp_path: Path, factory: Any, results: Any
) -> None:
    root = tree(40)
    common = ["-b", "imagenet-val", "--data", root, "--out", tmp_path / "x", "--quiet"]
    processes = [
        spawn("run", "-m", "squeezenet1_1", *common),
        spawn("run", "-m", factory(), *common),
        spawn("run", "-m", factory(), *common, "--limit", "7"),
    ]
    for process in processes:
        assert ended(process) == 0
    found = {result["model"]: result for result in results(tmp_path / "x")}
    assert len(found) == 2
    assert all(result["counts"]["evaluated"] == 40 for result in found.values())


@pytest.mark.parametrize(
    ("number", "times", "status"),
    [
        pytest.param(signal.SIGINT, 1, 130, marks=pytest.mark.thorough),
        (signal.SIGINT, 2, 130),  # as from `timeout -s INT`, which tells the process and its group
        pytest.param(signal.SIGTERM, 2, 143, marks=pytest.mark.thorough),
    ],
)
def test_a_signal_keeps_what_is_finished_and_says_so(
    spawn: Spawn, tree: Any, tmp_path: Path, factory: Any, number: signal.Signals, times: int, status: int
) -> None:
    root, model = tree(2000), factory(tail=UNHURRIED)
    command = ["run", "-m", model, "--runtime", "torch", "-b", "imagenet-val", "--data", root, "--out", tmp_path / "x"]
    process = spawn(*command)
    while process.poll() is None and not shards(tmp_path / "x"):
        time.sleep(0.05)
    for _ in range(times):
        process.send_signal(number)
        time.sleep(0.01)  # the kernel joins two that wait for one process
    _, told = process.communicate(timeout=60)
    assert process.returncode == status, told
    assert "the same command continues" in told
    assert "Traceback" not in told
    assert shards(tmp_path / "x")


@pytest.mark.parametrize("change", ["weights", "code", "data", "seed", "precision", "view"])
def test_a_change_never_reuses_old_records(
    hardiness: Any, tree: Any, tmp_path: Path, factory: Any, change: str
) -> None:
    root, model = tree(6), factory()
    common = ["-b", "imagenet-val", "--data", root, "--out", tmp_path / "x"]
    hardiness("run", "-m", model, *common)
    more: list[str] = []
    if change == "weights":
        file = Path(model.split(":")[1])
        file.write_text(file.read_text().replace("manual_seed(0)", "manual_seed(1)"))
    elif change == "code":
        model = factory(tail=" * -1")  # the same tensors, computed with otherwise
    elif change == "data":
        extra = next((root / "imagenet" / "val").iterdir())
        (extra / "another.JPEG").symlink_to(next(extra.iterdir()).resolve())
    elif change == "seed":
        more = ["--seed", "1"]
    elif change == "precision":
        more = ["--precision", "bf16", "--runtime", "torch"]
    else:
        model += ":crop_px=128"
    assert hardiness("run", "-m", model, *common, *more).status == 0
    assert len(list((tmp_path / "x" / "records").iterdir())) == 2


@pytest.mark.thorough
def test_a_second_signal_ends_at_once(spawn: Spawn, tree: Any, tmp_path: Path, factory: Any) -> None:
    model = factory(tail=" * (__import__('time').sleep(60) or 1)")
    process = spawn("run", "-m", model, "-b", "imagenet-val", "--data", tree(4), "--out", tmp_path / "x")
    time.sleep(8)
    for _ in range(2):
        process.send_signal(signal.SIGINT)
        time.sleep(0.5)
    begun = time.monotonic()
    _, told = process.communicate(timeout=60)
    assert process.returncode == 130, told
    assert "Traceback" not in told
    assert time.monotonic() - begun < 20


def test_a_damaged_shard_is_left_out_by_show_and_computed_again_by_run(
    hardiness: Any, tree: Any, tmp_path: Path, factory: Any, results: Any
) -> None:
    out, model = tmp_path / "x", factory()
    command = ["run", "-m", model, "-b", "imagenet-val", "--data", tree(6), "--out", out, "--quiet"]
    hardiness(*command, "--limit", "3")
    (first,) = out.glob("records/*/*.parquet")
    hardiness(*command)
    whole = results(out)[0]["scores"]
    first.write_bytes(first.read_bytes()[:-1])
    shown = hardiness("show", out)
    assert shown.status == 1
    assert any(str(first) in line for line in shown.lines)
    assert "partial: evaluated 3 of 6" in shown.out
    assert hardiness(*command).status == 0
    assert results(out)[0]["scores"] == whole
    assert [path.name for path in first.parent.glob("damaged/*")] == [first.name]
    assert hardiness("show", out).status == 0


STOPS = '''
import itertools, os, signal, time
from pathlib import Path

import torch

def build():
    """Mean colours; from its fourth batch of eight on it raises, or waits to be stopped, as TROUBLE says."""
    class Stopping(torch.nn.Module):
        def __init__(self):
            super().__init__()
            self.linear = torch.nn.Linear(48, 1000)
            self.linear.weight.data = torch.randn(1000, 48, generator=torch.Generator().manual_seed(0))
            self.linear.bias.data.zero_()
            self.batches, self.ended = itertools.count(), 0
        def forward(self, x):
            trouble, folder = os.environ.get("TROUBLE", ""), Path(os.environ.get("TROUBLE_IN", "."))
            if trouble and len(x) == 8:
                number = next(self.batches)
                if trouble == "raises" and number >= 3:
                    raise RuntimeError("boom")
                if trouble == "waits" and number >= 3:
                    while self.ended < 3:  # on another thread
                        time.sleep(0.01)
                    time.sleep(0.5)  # until what they gave is handed on
                    (folder / "waits").touch()
                    time.sleep(300)
                if trouble == "is killed" and number == 14:  # in the fourth unit of four batches
                    end = time.monotonic() + 60
                    while len(list(folder.glob("records/*/*.parquet"))) < 3 and time.monotonic() < end:
                        time.sleep(0.01)
                    os.kill(os.getpid(), signal.SIGKILL)
            logits = self.linear(torch.nn.functional.adaptive_avg_pool2d(x, 4).flatten(1))
            self.ended += len(x) == 8
            return logits
    return Stopping()
'''


@pytest.fixture
def stopping(tree: Any, tmp_path: Path) -> Callable[..., list[str]]:
    """The command that evaluates such a model, of so many photographs and a benchmark."""
    (tmp_path / "stopping.py").write_text(STOPS)

    def command(count: int, benchmark: str = "imagenet-val") -> list[str]:
        model = f"py:{tmp_path}/stopping.py:build:mean=0.485/0.456/0.406,std=0.229/0.224/0.225,tag=one"
        return ["run", "-m", model, "-b", benchmark, "--data", str(tree(count)), "--batch-size", "8",
                "--runtime", "torch", "--quiet", "--out"]  # fmt: skip

    return command


def rows(out: Path) -> dict[tuple[str, int], float]:
    """The confidence of every stored row; each stands in one file alone."""
    found: dict[tuple[str, int], float] = {}
    for path in out.glob("records/*/*.parquet"):
        table = parquet.read_table(path, columns=["sample", "condition", "confidence"]).to_pylist()
        here = {(row["sample"], row["condition"]): row["confidence"] for row in table}
        assert not here.keys() & found.keys(), "no row is computed twice"
        found |= here
    return found


def test_a_model_that_raises_keeps_what_is_finished_and_the_rest_is_what_is_missing(
    hardiness: Any, stopping: Any, results: Any, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    command = stopping(99)
    monkeypatch.setenv("TROUBLE", "raises")
    assert hardiness(*command, tmp_path / "x").status == 1
    assert len(rows(tmp_path / "x")) == 24
    assert results(tmp_path / "x")[0]["counts"]["evaluated"] == 24
    assert hardiness(*command, tmp_path / "x").status == 1
    assert len(rows(tmp_path / "x")) == 48, "another three batches"
    monkeypatch.delenv("TROUBLE")
    assert hardiness(*command, tmp_path / "x").status == 0
    assert hardiness(*command, tmp_path / "whole").status == 0
    assert len(rows(tmp_path / "x")) == 99
    assert rows(tmp_path / "x") == rows(tmp_path / "whole")
    same = [results(tmp_path / out)[0] for out in ("x", "whole")]
    assert same[0]["scores"] == same[1]["scores"]
    assert same[0]["failures"] == []


def test_an_image_of_which_a_condition_is_missing_is_not_finished(
    hardiness: Any, stopping: Any, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    command = stopping(16, "imagenet-c:corruptions=contrast+brightness,severities=1+2")  # five pictures an image
    monkeypatch.setenv("TROUBLE", "raises")
    monkeypatch.setattr(
        worker, "_batches_at_once", lambda *_, **__: 1
    )  # of two the third batch's may be the fourth to begin
    assert hardiness(*command, tmp_path / "x").status == 1
    there = [sample for sample, _ in rows(tmp_path / "x")]
    assert len(there) == 20, "24 pictures are four images and a part of the fifth"
    assert set(map(there.count, there)) == {5}


@pytest.mark.parametrize(
    ("number", "status"), [(signal.SIGTERM, 143), pytest.param(signal.SIGINT, 130, marks=pytest.mark.thorough)]
)
def test_a_signal_keeps_the_finished_images_of_the_unit_at_hand(
    spawn: Spawn,
    hardiness: Any,
    stopping: Any,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    number: signal.Signals,
    status: int,
) -> None:
    command = stopping(99)
    monkeypatch.setenv("TROUBLE", "waits")
    monkeypatch.setenv("TROUBLE_IN", str(tmp_path))
    process = spawn(*command, tmp_path / "x")
    while process.poll() is None and not (tmp_path / "waits").exists():
        time.sleep(0.05)
    process.send_signal(number)
    _, told = process.communicate(timeout=60)
    assert process.returncode == status, told
    assert len(rows(tmp_path / "x")) == 24
    monkeypatch.delenv("TROUBLE")
    assert hardiness(*command, tmp_path / "x").status == 0
    assert len(rows(tmp_path / "x")) == 99


def test_a_kill_loses_one_unit_at_most(
    spawn: Spawn, stopping: Any, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    command = stopping(70, "imagenet-c:corruptions=contrast,severities=1")  # units of 16 images, two pictures each
    monkeypatch.setenv("TROUBLE", "is killed")
    monkeypatch.setenv("TROUBLE_IN", str(tmp_path / "x"))
    process = spawn(*command, tmp_path / "x")
    process.communicate(timeout=120)
    assert process.returncode == -signal.SIGKILL
    assert len(rows(tmp_path / "x")) == 3 * 16 * 2

"""Killed, continued, shared: finished records are never lost, and always the same bytes."""

from __future__ import annotations

import signal
import subprocess
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

Spawn = Callable[..., subprocess.Popen[str]]


def shards(out: Path) -> dict[str, bytes]:
    """Every shard file below ``out``, by run and name."""
    return {f"{path.parent.name}/{path.name}": path.read_bytes() for path in out.glob("records/*/*.parquet")}


def ended(process: subprocess.Popen[str]) -> int:
    """Its exit status, once it has ended; what it said stands in pytest's report."""
    _, told = process.communicate(timeout=180)
    print(told)
    return process.returncode


@pytest.mark.slow
def test_kill_at_any_moment_then_the_same_command_continues(moments: Any, tree: Any, tmp_path: Path) -> None:
    root = tree(1000)  # 4 shards
    command = ["run", "-m", "squeezenet1_1", "-b", "imagenet-val", "--data", root, "--quiet", "--out"]
    longest = moments.finish(*command, tmp_path / "whole")
    expected = shards(tmp_path / "whole")
    assert len(expected) == 4
    shortest = moments.finish(*command, tmp_path / "whole")  # nothing is left to compute: this is what starting takes
    assert shards(tmp_path / "whole") == expected
    for _ in range(4):
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
    ("number", "status"), [(signal.SIGINT, 130), pytest.param(signal.SIGTERM, 143, marks=pytest.mark.thorough)]
)
def test_a_signal_keeps_what_is_finished_and_says_so(
    spawn: Spawn, tree: Any, tmp_path: Path, number: signal.Signals, status: int
) -> None:
    root = tree(2000)
    command = ["run", "-m", "efficientnet_lite0", "-b", "imagenet-val", "--data", root, "--out", tmp_path / "x"]
    process = spawn(*command)
    while process.poll() is None and not shards(tmp_path / "x"):
        time.sleep(0.05)
    process.send_signal(number)
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

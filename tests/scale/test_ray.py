"""Units on a real local Ray: the records are those of one process, also where an actor is killed at work."""

from __future__ import annotations

import time
from pathlib import Path
from typing import Any

import psutil
import pytest

pytest.importorskip("ray")
pytestmark = pytest.mark.slow

QUIET = {"RAY_AUTH_MODE": "disabled", "RAY_DEDUP_LOGS": "0"}


def records(out: Path) -> dict[str, bytes]:
    return {str(path.relative_to(out)): path.read_bytes() for path in sorted(out.glob("records/*/*.parquet"))}


def on_ray(command: list[str], out: Path) -> list[str]:
    return [*command, "--out", str(out), "--engine", "ray", "--ray-actors", "2", "--ray-resources", "CPU=1"]


def kill_an_actor(process: Any, seconds: float) -> bool:
    """Kill the first actor that is seen at work."""
    end = time.monotonic() + seconds
    while time.monotonic() < end and process.poll() is None:
        for child in psutil.Process(process.pid).children(recursive=True):
            try:
                title = " ".join(child.cmdline())
            except psutil.Error:
                continue
            if "UnitActor.evaluate" in title:
                child.kill()
                return True
        time.sleep(0.02)
    return False


def test_two_actors_one_of_them_killed_leave_the_records_of_one_process(
    spawn: Any, command: list[str], tmp_path: Path
) -> None:
    alone = spawn(*command, "--out", str(tmp_path / "one"))
    assert alone.wait(240) == 0
    process = spawn(*on_ray(command, tmp_path / "ray"), **QUIET)
    killed = kill_an_actor(process, 200)
    _, told = process.communicate(timeout=300)
    assert process.returncode == 0, told
    assert killed, "no actor was seen at work"
    assert records(tmp_path / "one") == records(tmp_path / "ray")


def test_a_model_that_cannot_be_loaded_is_an_ordinary_error(spawn: Any, command: list[str], tmp_path: Path) -> None:
    broken = tmp_path / "broken.py"
    broken.write_text("def build():\n    raise RuntimeError('no such layer')\n")
    command[command.index("-m") + 1] = f"py:{broken}:build"
    process = spawn(*on_ray(command, tmp_path / "ray"), **QUIET)
    _, told = process.communicate(timeout=300)
    assert process.returncode == 1, told
    assert "no such layer" in told
    assert "Traceback" not in told

"""Workers that share only the store: whatever happens to them, the records are those of one undisturbed process."""

from __future__ import annotations

import json
import random
import signal
import time
from pathlib import Path
from typing import Any

import pytest

from hardiness.core import ArgumentError, Share


def records(out: Path) -> dict[str, bytes]:
    """The bytes of every shard, by its path below the output folder."""
    return {str(path.relative_to(out)): path.read_bytes() for path in sorted(out.glob("records/*/*.parquet"))}


def finished(process: Any, seconds: float = 240) -> str:
    _, told = process.communicate(timeout=seconds)
    assert process.returncode == 0, told
    return str(told)


@pytest.mark.slow
def test_eight_workers_killed_at_random_leave_the_records_of_one(
    spawn: Any, command: list[str], tmp_path: Path
) -> None:
    finished(spawn(*command, "--out", str(tmp_path / "one")))
    seed = time.time_ns() % 10_000
    print(f"seed {seed}")  # shown where the test fails
    chance, out = random.Random(seed), str(tmp_path / "many")
    short = {"HARDINESS_LEASE_S": "3"}
    workers = [spawn(*command, "--out", out, "--worker", f"{i}/8", **short) for i in range(8)]
    for _ in range(5):
        time.sleep(chance.uniform(1, 4))
        victim = chance.randrange(8)
        workers[victim].send_signal(signal.SIGKILL)
        workers[victim].communicate()
        workers[victim] = spawn(*command, "--out", out, "--worker", f"{victim}/8", **short)
    for worker in workers:
        finished(worker)
    one, many = records(tmp_path / "one"), records(tmp_path / "many")
    assert one == many
    first, second = (json.loads((tmp_path / each / "results.json").read_text()) for each in ("one", "many"))
    assert [result["scores"] for result in first["results"]] == [result["scores"] for result in second["results"]]
    assert not list((tmp_path / "many").glob("records/*/damaged"))


@pytest.mark.slow
def test_a_worker_does_alone_what_the_others_never_begin(spawn: Any, command: list[str], tmp_path: Path) -> None:
    finished(spawn(*command, "--out", str(tmp_path / "x"), RANK="1", WORLD_SIZE="3"))
    (result,) = json.loads((tmp_path / "x" / "results.json").read_text())["results"]
    assert result["counts"]["evaluated"] == 80
    assert (tmp_path / "x" / "report.html").exists()


@pytest.mark.parametrize("text", ["3/2", "2/2", "-1/2", "1", "a/b", "0/0", "1/2/3", ""])
def test_an_impossible_share_is_refused(text: str) -> None:
    with pytest.raises(ArgumentError, match="worker must be i/n"):
        Share.parse(text)


def test_a_share_is_read_from_what_starters_of_processes_set() -> None:
    assert Share.of_environment({"RANK": "2", "WORLD_SIZE": "4"}) == Share(2, 4)
    assert Share.of_environment({"RANK": "0", "WORLD_SIZE": "1"}) is None
    assert Share.of_environment({}) is None

"""Workers that share only the store: whatever happens to them, the records are those of one undisturbed process."""

from __future__ import annotations

import json
import random
import re
import shutil
import signal
import time
from pathlib import Path
from typing import Any

import pytest

from hardiness.benchmarks.options import parse
from hardiness.core import ArgumentError, Share
from hardiness.data import locate
from hardiness.engine.plan import agree_on_data
from hardiness.reference import wnids
from hardiness.store import Leases
from hardiness.store.files import LocalFiles


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
        time.sleep(chance.uniform(0.5, 2))
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


@pytest.mark.slow
@pytest.mark.parametrize(
    ("crash", "signal_"), [("os.abort()", signal.SIGABRT), ("ctypes.string_at(0)", signal.SIGSEGV)]
)
def test_a_crash_in_native_code_costs_one_unit(
    spawn: Any, crashing: Any, tmp_path: Path, crash: str, signal_: signal.Signals
) -> None:
    """The same command again and again, as whatever starts workers does; their first deaths are counted up by hand."""
    command, out = [*crashing(crash), "--out", str(tmp_path / "out"), "--worker", "0/1"], tmp_path / "out"
    for deaths in (1, 4):  # before the last one
        process = spawn(*command, HARDINESS_LEASE_S="1")
        process.communicate(timeout=240)
        assert process.returncode == -signal_
        for path in out.glob(".leases/[!v]*"):  # what it was at, and what is behind it
            path.write_text(json.dumps({**json.loads(path.read_text()), "deaths": deaths}))
    assert len(records(out)) == 2, "units at which others died are done one by one"
    process = spawn(*command, HARDINESS_LEASE_S="1")
    _, told = process.communicate(timeout=240)
    assert process.returncode == 1, told
    (line,) = told.splitlines()
    assert "was given up: 5 processes ended while they evaluated it; its images: " in line
    assert f"{wnids()[0]}/white" in line
    (result,) = json.loads((out / "results.json").read_text())["results"]
    failed = {failure["sample"] for failure in result["failures"]}
    assert any(sample.endswith("/white") for sample in failed)
    assert len(failed) in (16, 41 - 2 * 16), "one unit"
    assert result["counts"]["evaluated"] == (41 - len(failed)) * 2, "all others, under both corruptions"


@pytest.mark.parametrize("text", ["3/2", "2/2", "-1/2", "1", "a/b", "0/0", "1/2/3", ""])
def test_an_impossible_share_is_refused(text: str) -> None:
    with pytest.raises(ArgumentError, match="worker must be i/n"):
        Share.parse(text)


def test_a_share_is_read_from_what_starters_of_processes_set() -> None:
    assert Share.of_environment({"RANK": "2", "WORLD_SIZE": "4"}) == Share(2, 4)
    assert Share.of_environment({"RANK": "0", "WORLD_SIZE": "1"}) is None
    assert Share.of_environment({}) is None


def test_bad_input_of_one_worker_is_one_line_and_costs_the_others_nothing(
    hardiness: Any, command: list[str], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    out = str(tmp_path / "out")
    blind = [*command[: command.index("--data")], "--data", str(tmp_path / "not mounted"), "--quiet"]
    cases = {
        "worker must be i/n with i from 0 to n - 1, was 3/2": [*command, "--worker", "3/2"],
        "not mounted": [*blind, "--worker", "1/2"],
    }
    for said, arguments in cases.items():
        status, _, told = hardiness(*arguments, "--out", out)
        assert status == 2, told
        (line,) = told.splitlines()
        assert said in line
    status, _, told = hardiness(*command, "--limit", "16", "--worker", "0/2", "--out", out)
    assert status == 0, told
    before = records(tmp_path / "out")
    assert before
    monkeypatch.setattr("hardiness.engine.evaluation.package_version", lambda: "9.9")
    Leases(LocalFiles(tmp_path / "out"), holder="node-7-1").join("0.1")
    status, _, told = hardiness(*command, "--worker", "1/2", "--out", out)
    assert status == 2, told
    assert "hardiness 0.1 is at work in" in told
    assert "(node-7-1), and this is hardiness 9.9" in told
    assert records(tmp_path / "out") == before


def test_a_clock_that_differs_is_told_and_changes_nothing(
    hardiness: Any, command: list[str], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    command.remove("--quiet")
    status, _, told = hardiness(*command, "--limit", "16", "--out", str(tmp_path / "right"))
    assert status == 0, told

    def late(files: Any) -> Leases:
        return Leases(files, now=lambda: time.time() - 7200)

    monkeypatch.setattr("hardiness.engine.evaluation.Leases", late)
    status, _, told = hardiness(*command, "--limit", "16", "--worker", "0/1", "--out", str(tmp_path / "late"))
    assert status == 0, told
    assert "this machine's clock is 7,200 s behind that of" in told
    assert records(tmp_path / "late") == records(tmp_path / "right")


def test_workers_that_see_other_photographs_are_refused_by_one_line_and_nothing_is_lost(
    hardiness: Any, command: list[str], tmp_path: Path
) -> None:
    out, given = str(tmp_path / "out"), [*command, "--limit", "16", "--worker"]
    other = tmp_path / "other"
    shutil.copytree(tmp_path / "data", other)
    next(other.rglob("*.JPEG")).unlink()
    elsewhere = [str(other) if each == str(tmp_path / "data") else each for each in given]
    busy = Leases(LocalFiles(tmp_path / "out"), holder="node-7-1")
    data = locate([str(tmp_path / "data")]).dataset("imagenet")
    agree_on_data(busy, parse("imagenet-c:corruptions=contrast+brightness,severities=1"), data)
    status, _, told = hardiness(*elsewhere, "1/2", "--out", out)
    assert status == 2
    (line,) = told.splitlines()
    assert re.search(
        r"node-7-1 is at work on imagenet-c in .*/out with 40 images \(fingerprint \w{8}\) of imagenet", line
    )
    assert "this worker sees 39 images" in line
    assert not (tmp_path / "out" / "records").exists()
    status, _, told = hardiness(*given, "0/2", "--out", out)
    assert status == 0, told
    busy.give_back(*busy.held)
    busy.renew()
    before = records(tmp_path / "out")
    status, _, told = hardiness(*elsewhere, "1/2", "--out", out)
    assert status == 2, "also once the others have ended"
    (line,) = told.splitlines()
    assert "is of 40 images" in line
    assert "give every worker the same data" in line
    assert records(tmp_path / "out") == before
    status, _, told = hardiness(*given, "1/2", "--out", out)
    assert status == 0, told
    assert len(list((tmp_path / "out" / "records").iterdir())) == 1

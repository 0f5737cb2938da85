"""The ready files of the docs: they are what their readers take, and the loop does what it says."""

from __future__ import annotations

import os
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
import yaml

import hardiness

FILES = Path(hardiness.__file__).parents[2] / "docs" / "scale"


@pytest.mark.parametrize("name", ["loop.sh", "slurm.sh", "torchrun.sh"])
def test_shell_files_can_be_parsed(name: str) -> None:
    told = subprocess.run(["bash", "-n", FILES / name], capture_output=True, text=True, check=False)
    assert told.returncode == 0, told.stderr


def job() -> tuple[dict[str, Any], dict[str, Any]]:
    """The indexed job of the docs, and its container."""
    spec = yaml.safe_load((FILES / "kubernetes.yaml").read_text())["spec"]
    (container,) = spec["template"]["spec"]["containers"]
    return spec, container


def test_the_indexed_job_has_as_many_workers_as_it_names() -> None:
    spec, container = job()
    assert spec["completionMode"] == "Indexed"
    assert f"/{spec['completions']}" in container["args"][0]


def test_the_indexed_job_mounts_its_data_asks_for_resources_and_starts_crashed_workers_again() -> None:
    spec, container = job()
    (mount,) = container["volumeMounts"]
    assert f"--data {mount['mountPath']} " in container["args"][0]
    assert mount["name"] in {volume["name"] for volume in spec["template"]["spec"]["volumes"]}
    assert {"cpu", "memory"} <= container["resources"]["requests"].keys()
    assert container["resources"]["limits"]["nvidia.com/gpu"] == 1
    assert spec["backoffLimitPerIndex"] > 0
    (rule,) = spec["podFailurePolicy"]["rules"]
    assert (rule["action"], rule["onExitCodes"]["values"]) == ("FailIndex", [1, 2])
    assert rule["onExitCodes"]["containerName"] == container["name"]


WORKER = """#!/bin/bash
echo "$LOCAL_RANK $*" >> "FOLDER/calls"
for place in "$@"; do [[ "$last" == --worker ]] && share=$place; last=$place; done
name=${share:-$RANK/$WORLD_SIZE}
name=${name%%/*}
read -r first later < <(echo $ENDS | tr ',' '\\n' | sed -n "$((name + 1))p" | tr ':' ' ')
if mkdir "FOLDER/begun-$name" 2> /dev/null; then end=$first; else end=$later; fi
[[ "$end" == crash ]] && kill -SEGV $$
exit "$end"
"""


@pytest.fixture
def pretended(tmp_path: Path) -> Callable[..., tuple[int, list[str]]]:
    """Runs a ready file with a `hardiness` that ends as it is told, ``first:later`` a worker; status and calls."""
    (tmp_path / "bin").mkdir()
    worker = tmp_path / "bin" / "hardiness"
    worker.write_text(WORKER.replace("FOLDER", str(tmp_path)))
    worker.chmod(0o755)

    def run(line: list[str | Path], ends: str, **more: str) -> tuple[int, list[str]]:
        path = f"{tmp_path}/bin:{Path(sys.executable).parent}:{os.environ['PATH']}"
        environment = {**os.environ, "PATH": path, "ENDS": ends, **more}
        told = subprocess.run(line, capture_output=True, text=True, env=environment, check=False, timeout=120)
        calls = (tmp_path / "calls").read_text().splitlines()
        return told.returncode, sorted(calls)

    return run


ARGUMENTS = ["MODEL", "BENCHMARK", "DATA", "OUT", "--limit", "3", "-m", "OTHER", "-b", "MORE"]
SAID = "run -m MODEL -b BENCHMARK --data DATA --out OUT"


@pytest.mark.parametrize(
    ("ends", "status", "calls"), [("0:0,0:0", 0, 2), ("crash:0,0:0", 0, 3), ("0:0,1:1", 1, 2), ("2:2,crash:1", 2, 3)]
)
def test_the_loop_starts_crashed_workers_again_and_returns_the_highest_status(
    pretended: Any, ends: str, status: int, calls: int
) -> None:
    found, made = pretended([FILES / "loop.sh", *ARGUMENTS], ends, WORKERS="2")
    assert (found, len(made)) == (status, calls)
    assert {f"{i} {SAID} --worker {i}/2 --limit 3 -m OTHER -b MORE" for i in range(2)} == set(made), "a GPU each"


@pytest.mark.parametrize(("end", "status", "calls"), [("0:0", 0, 1), ("crash:0", 0, 2), ("1:1", 1, 1)])
def test_a_task_of_the_array_starts_a_crashed_worker_again_and_returns_its_status(
    pretended: Any, end: str, status: int, calls: int
) -> None:
    task = {"SLURM_ARRAY_TASK_ID": "1", "SLURM_ARRAY_TASK_COUNT": "16", "LOCAL_RANK": "0"}
    found, made = pretended([FILES / "slurm.sh", *ARGUMENTS], f"9:9,{end}", **task)
    assert (found, made) == (status, [f"0 {SAID} --worker 1/16 --limit 3 -m OTHER -b MORE"] * calls)
    text = (FILES / "slurm.sh").read_text()
    assert all(f"#SBATCH --{each}=" in text for each in ("gres", "cpus-per-task", "mem"))


@pytest.mark.slow
def test_torchrun_gives_each_worker_its_gpu_and_the_highest_status_comes_back(pretended: Any) -> None:
    found, made = pretended([FILES / "torchrun.sh", *ARGUMENTS], "crash:0,1:1", WORKERS="2")
    assert (found, made) == (1, [f"0 {SAID} --limit 3 -m OTHER -b MORE"] * 2 + [f"1 {SAID} --limit 3 -m OTHER -b MORE"])


def test_a_pod_runs_its_share_and_ends_with_its_status(pretended: Any) -> None:
    _, container = job()
    found, made = pretended(
        [*container["command"], *container["args"]], "9:9,9:9,9:9,1:1", JOB_COMPLETION_INDEX="3", LOCAL_RANK=""
    )
    assert found == 1
    assert made[0].endswith("--data /data --out s3://bucket/runs/c --worker 3/16")


@pytest.mark.slow
def test_the_loop_evaluates_everything_once(command: list[str], tmp_path: Path) -> None:
    options = dict(zip(command[1:-1:2], command[2::2], strict=False))
    binaries = Path(sys.executable).parent
    environment = {**os.environ, "PATH": f"{binaries}:{os.environ['PATH']}", "WORKERS": "2", "OMP_NUM_THREADS": "1"}
    line = [FILES / "loop.sh", options["-m"], options["-b"], options["--data"], tmp_path / "x", "--quiet"]
    told = subprocess.run(line, capture_output=True, text=True, env=environment, check=False, timeout=300)
    assert told.returncode == 0, told.stderr
    assert (tmp_path / "x" / "results.json").exists()

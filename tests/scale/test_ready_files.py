"""The ready files of the docs: they are what their readers take, and the loop does what it says."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

import pytest
import yaml

import hardiness

FILES = Path(hardiness.__file__).parents[2] / "docs" / "scale"


@pytest.mark.parametrize("name", ["loop.sh", "slurm.sh", "torchrun.sh"])
def test_shell_files_can_be_parsed(name: str) -> None:
    told = subprocess.run(["bash", "-n", FILES / name], capture_output=True, text=True, check=False)
    assert told.returncode == 0, told.stderr


def test_the_indexed_job_has_as_many_workers_as_it_names() -> None:
    job = yaml.safe_load((FILES / "kubernetes.yaml").read_text())["spec"]
    assert job["completionMode"] == "Indexed"
    (container,) = job["template"]["spec"]["containers"]
    assert f"/{job['completions']}" in container["args"][0]


@pytest.mark.slow
def test_the_loop_evaluates_everything_once(command: list[str], tmp_path: Path) -> None:
    options = dict(zip(command[1:-1:2], command[2::2], strict=False))
    binaries = Path(sys.executable).parent
    environment = {**os.environ, "PATH": f"{binaries}:{os.environ['PATH']}", "WORKERS": "2", "OMP_NUM_THREADS": "1"}
    line = [FILES / "loop.sh", options["-m"], options["-b"], options["--data"], tmp_path / "x", "--quiet"]
    told = subprocess.run(line, capture_output=True, text=True, env=environment, check=False, timeout=300)
    assert told.returncode == 0, told.stderr
    assert (tmp_path / "x" / "results.json").exists()

"""Where ``make`` takes torch from: the index of builds without CUDA where it answers, else that of pip."""

from __future__ import annotations

import shutil
import subprocess
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[2]
CPU = "https://download.pytorch.org/whl/cpu"


@pytest.mark.parametrize(
    ("answers", "programs", "settings", "index"),
    [
        (True, [], [], CPU),
        (False, [], [], ""),
        (True, ["nvidia-smi"], [], ""),
        (True, [], ["TORCH_INDEX="], ""),
        (False, [], ["TORCH_INDEX=https://mirror/cu126"], "https://mirror/cu126"),
    ],
    ids=["it answers", "it does not answer", "there is a GPU", "that of pip", "another"],
)
def test_torch_comes_from_the_index_that_answers(
    answers: bool, programs: list[str], settings: list[str], index: str, tmp_path: Path
) -> None:
    asked, path = tmp_path / "asked", tmp_path / "path"
    for name, text in {
        "venv/bin/python": f"exit {0 if answers else 1}",
        "venv/bin/pip": f'[ "$1" = install ] && echo "$@" >> {asked}',
        **{f"path/{name}": "exit 0" for name in programs},
    }.items():
        program = tmp_path / name
        program.parent.mkdir(parents=True, exist_ok=True)
        program.write_text(f"#!/bin/sh\n{text}\n")
        program.chmod(0o755)
    path.mkdir(exist_ok=True)
    make, touch = (Path(shutil.which(name) or name) for name in ("make", "touch"))
    (path / "touch").symlink_to(touch)
    stamp = tmp_path / "venv" / ".torch"
    command = [make, "-C", ROOT, f"VENV={tmp_path / 'venv'}", *settings, stamp]
    for _ in range(2):  # installed once
        done = subprocess.run(command, env={"PATH": str(path)}, capture_output=True, text=True, check=False)
        assert done.returncode == 0, done.stderr
        assert stamp.exists()
        assert asked.read_text().count("\n") == 1
    options = f"--index-url {index} " if index else ""
    assert asked.read_text() == f"install --quiet --disable-pip-version-check {options}torch torchvision\n"


def test_it_says_where_torch_comes_from_and_leaves_a_torch_that_is_there(tmp_path: Path) -> None:
    programs = tmp_path / "venv" / "bin"
    programs.mkdir(parents=True)
    for name, text in {"python": "exit 1", "pip": "exit 0"}.items():
        (programs / name).write_text(f"#!/bin/sh\n{text}\n")
        (programs / name).chmod(0o755)
    command = ["make", "-C", str(ROOT), f"VENV={tmp_path / 'venv'}", str(tmp_path / "venv" / ".torch")]
    assert "comes from" not in subprocess.run(command, capture_output=True, text=True, check=True).stdout
    (tmp_path / "venv" / ".torch").unlink()
    (programs / "pip").write_text('#!/bin/sh\n[ "$1" = install ]\n')
    told = subprocess.run(command, capture_output=True, text=True, check=True).stdout
    assert "torch comes from the index of pip; TORCH_INDEX=URL names another\n" in told

"""Standard streams that are closed, full, or written to by other code: they cost messages, and nothing else."""

from __future__ import annotations

import json
import subprocess
import sys
from pathlib import Path

import pytest

COMMAND = f"'{sys.executable}' -m hardiness"
NETWORK = """
import os
import torch
from hardiness.core import View

class Net(torch.nn.Module):
    def __init__(self):
        super().__init__()
        self.head = torch.nn.Linear(3, 1000)

    def forward(self, x):
        os.write(1, b"as a library in C prints")
        return self.head(x.mean((2, 3)))

def build():
    return Net(), View(resize_px=256, crop_px=224)
"""
RUN = "run -m py:net.py:build:weights=random -b imagenet-val --data embedded --limit 2 --out out"


def shell(line: str, folder: Path) -> subprocess.CompletedProcess[str]:
    return subprocess.run(["sh", "-c", line], cwd=folder, capture_output=True, text=True, check=False)


@pytest.mark.slow
@pytest.mark.parametrize(
    ("streams", "status", "said"),
    [
        (">&-", 0, ""),
        (">&- 2>&-", 0, ""),
        ("<&- >&- 2>&-", 0, ""),
        (">/dev/full", 1, "standard output cannot be written: No space left on device"),
        ("2>/dev/full", 0, ""),
    ],
)
def test_a_command_ends_as_it_should_whatever_its_streams_are(
    streams: str, status: int, said: str, tmp_path: Path
) -> None:
    ended = shell(f"{COMMAND} list exports {streams}", tmp_path)
    assert (ended.returncode, "Error" in ended.stderr) == (status, False)
    assert said in ended.stderr


@pytest.mark.slow
def test_what_went_wrong_keeps_its_status_where_it_cannot_be_said(tmp_path: Path) -> None:
    assert shell(f"{COMMAND} list nothing 2>/dev/full", tmp_path).returncode == 2


@pytest.mark.slow
def test_a_full_standard_error_ends_no_evaluation(tmp_path: Path) -> None:
    (tmp_path / "net.py").write_text(NETWORK.replace("os.write", "bytes or os.write"))
    ended = shell(f"{COMMAND} {RUN} 2>/dev/full", tmp_path)
    assert (ended.returncode, "imagenet-val" in ended.stdout) == (0, True)
    assert list((tmp_path / "out").glob("records/*/000000-*.parquet"))


@pytest.mark.slow
def test_json_is_json_whatever_other_code_writes_to_the_descriptor(tmp_path: Path) -> None:
    (tmp_path / "net.py").write_text(NETWORK)
    ended = shell(f"{COMMAND} {RUN} --json", tmp_path)
    assert ended.returncode == 0, ended.stderr
    assert json.loads(ended.stdout)[0]["benchmark"] == "imagenet-val"
    assert "as a library in C prints" in ended.stderr

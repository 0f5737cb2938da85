"""Ctrl-C and SIGTERM while the command is still being imported: one line and an exit status, no traceback."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
from pathlib import Path

import pytest

HOOK = """
import os, sys

class Interrupting:
    def find_spec(self, name, path=None, target=None):
        if name == os.environ["AT"]:
            os.kill(os.getpid(), int(os.environ["SIGNAL"]))

sys.meta_path.insert(0, Interrupting())
"""


@pytest.mark.parametrize(
    ("number", "status"), [(signal.SIGINT, 130), pytest.param(signal.SIGTERM, 143, marks=pytest.mark.thorough)]
)
@pytest.mark.parametrize(
    "module", ["hardiness.core", "numpy", "click", "hardiness.cli.main", "hardiness.cli.run", "rich"]
)
def test_a_signal_during_the_imports(tmp_path: Path, module: str, number: signal.Signals, status: int) -> None:
    (tmp_path / "sitecustomize.py").write_text(HOOK)
    paths = [str(tmp_path), *filter(None, [os.environ.get("PYTHONPATH")])]
    environment = {**os.environ, "PYTHONPATH": os.pathsep.join(paths), "AT": module, "SIGNAL": str(int(number))}
    line = [sys.executable, "-m", "hardiness", "run", "--out", str(tmp_path / "out")]
    told = subprocess.run(line, env=environment, capture_output=True, text=True, check=False, timeout=120)
    assert told.returncode == status, told.stderr
    (said,) = told.stderr.strip().splitlines()  # click begins a new line where a terminal shows ^C
    assert said.startswith("hardiness: stopped")
    assert not (tmp_path / "out").exists()

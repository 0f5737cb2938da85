"""Earlier revisions of this project, checked out beside it, and whole commands of any revision."""

from __future__ import annotations

import os
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

ROOT = Path(__file__).resolve().parents[1]
SOURCES = ROOT / "src"
"""The sources of this revision."""

AS_INSTALLED = {name: value for name, value in os.environ.items() if name != "PYTHONDONTWRITEBYTECODE"}
"""Where it is set each call would compile every module anew, on either side, as no installed program does."""


@dataclass(frozen=True)
class CommandCall:
    """What one command printed, how long its process took, and how much memory it held at most."""

    out: str
    seconds: float
    peak_mb: float


def call(sources: Path, *arguments: str | Path) -> CommandCall:
    """``hardiness ARGUMENTS`` of the package in that folder, in a process of its own."""
    command = [sys.executable, "-m", "hardiness.cli", *map(str, arguments)]
    begin = time.perf_counter()
    with tempfile.TemporaryFile() as out:
        process = subprocess.Popen(command, stdout=out, env={**AS_INSTALLED, "PYTHONPATH": str(sources)})
        _, status, usage = os.wait4(process.pid, 0)
        seconds = time.perf_counter() - begin
        process.returncode = os.waitstatus_to_exitcode(status)
        if process.returncode:
            raise SystemExit(f"{' '.join(command)} ended with {process.returncode}")
        out.seek(0)
        return CommandCall(out.read().decode(), seconds, usage.ru_maxrss / 1024)


@contextmanager
def revision(name: str) -> Iterator[Path]:
    """The sources of that commit, in a git worktree that is removed afterwards."""
    with tempfile.TemporaryDirectory() as folder:
        tree = Path(folder) / "revision"
        subprocess.run(["git", "worktree", "add", "--detach", "--quiet", tree, name], cwd=ROOT, check=True)
        try:
            yield tree / "src"
        finally:
            subprocess.run(["git", "worktree", "remove", "--force", tree], cwd=ROOT, check=True)

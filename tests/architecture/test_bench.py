"""Benches call what is there: they run for many minutes, so nobody sees at once that one of them has broken."""

from __future__ import annotations

import re
import subprocess
import sys
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parents[2]

BROKEN = re.compile(r"\[(call-arg|name-defined)\]$|: error: Module .* has no attribute .*\[attr-defined\]$")
"""What a type checker says of a call that cannot work, among much that is a matter of taste in a script."""


@pytest.mark.slow
def test_no_bench_calls_what_has_changed() -> None:
    """Together with the package: what `make lint` has found of that is kept beside it, and half a minute saved."""
    benches = sorted(f"bench/{path.name}" for path in (ROOT / "bench").glob("*.py"))
    files = len(benches) + len(list((ROOT / "src").rglob("*.py")))
    told = subprocess.run(
        [sys.executable, "-m", "mypy", "src", *benches], capture_output=True, text=True, check=False, cwd=ROOT
    )
    assert f"checked {files} source files" in told.stdout, told.stdout + told.stderr
    assert [line for line in told.stdout.splitlines() if BROKEN.search(line)] == []

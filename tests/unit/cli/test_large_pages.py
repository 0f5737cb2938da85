"""The command has PyTorch ask for large pages, unless the user has said otherwise."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

import pytest

PROGRAM = """
import re, sys
sys.argv = ["hardiness", "--version"]
from hardiness.cli import main
try:
    main()
except SystemExit:
    import torch
    block = torch.ones(25_000_000)
    print(sum(map(int, re.findall(r"AnonHugePages:\\s+(\\d+)", open("/proc/self/smaps").read()))))
"""
POLICY = Path("/sys/kernel/mm/transparent_hugepage/enabled")


def kilobytes_in_large_pages(**environment: str) -> int:
    told = subprocess.run(
        [sys.executable, "-c", PROGRAM], env={**os.environ, **environment}, capture_output=True, text=True, check=True
    ).stdout
    return int(told.splitlines()[-1])


@pytest.mark.skipif(
    not POLICY.exists() or "[madvise]" not in POLICY.read_text(), reason="Linux gives large pages where it is asked"
)
@pytest.mark.slow
def test_large_pages_are_asked_for_unless_the_user_says_no(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv("THP_MEM_ALLOC_ENABLE", raising=False)
    assert kilobytes_in_large_pages() > 50_000
    assert kilobytes_in_large_pages(THP_MEM_ALLOC_ENABLE="0") < 10_000

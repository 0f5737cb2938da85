"""The command has PyTorch ask for large pages and spin briefly, unless the user has said otherwise."""

from __future__ import annotations

import os
import re
import subprocess
import sys
from dataclasses import dataclass
from pathlib import Path

import pytest

PROGRAM = """
import re, sys
sys.argv = ["hardiness", "--version"]
from hardiness.cli.main import main
try:
    main()
except SystemExit:
    import torch
    block = torch.ones(25_000_000)
    print(sum(map(int, re.findall(r"AnonHugePages:\\s+(\\d+)", open("/proc/self/smaps").read()))))
"""
POLICY = Path("/sys/kernel/mm/transparent_hugepage/enabled")
OF_THE_USER = ("THP_MEM_ALLOC_ENABLE", "GOMP_SPINCOUNT", "OMP_WAIT_POLICY")


@dataclass(frozen=True)
class Settings:
    """What PyTorch made of its environment: kilobytes in large pages, and turns that its threads spin."""

    large_kilobytes: int
    spins: int


def settings(**environment: str) -> Settings:
    usual = {name: value for name, value in os.environ.items() if name not in OF_THE_USER}
    shown = {**usual, "OMP_DISPLAY_ENV": "VERBOSE", **environment}
    done = subprocess.run([sys.executable, "-c", PROGRAM], env=shown, capture_output=True, text=True, check=True)
    (spins,) = set(re.findall(r"GOMP_SPINCOUNT = '(\d+)'", done.stderr))
    return Settings(int(done.stdout.splitlines()[-1]), int(spins))


@pytest.fixture(scope="module")
def by_default() -> Settings:
    return settings()


@pytest.fixture(scope="module")
def by_the_user() -> Settings:
    return settings(THP_MEM_ALLOC_ENABLE="0", OMP_WAIT_POLICY="PASSIVE")


@pytest.mark.skipif(
    not POLICY.exists() or "[madvise]" not in POLICY.read_text(), reason="Linux gives large pages where it is asked"
)
@pytest.mark.slow
def test_large_pages_are_asked_for_unless_the_user_says_no(by_default: Settings, by_the_user: Settings) -> None:
    assert by_default.large_kilobytes > 50_000
    assert by_the_user.large_kilobytes < 10_000


@pytest.mark.skipif(sys.platform != "linux", reason="PyTorch has GNU's OpenMP on Linux")
@pytest.mark.slow
def test_threads_spin_briefly_unless_the_user_says_how_they_wait(by_default: Settings, by_the_user: Settings) -> None:
    assert by_default.spins == 5000
    assert by_the_user.spins == 0

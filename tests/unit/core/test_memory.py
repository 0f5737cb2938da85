"""Freed memory stays with the process, or goes back to the system when it is asked to."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

import pytest

from hardiness.core import memory
from hardiness.core.memory import return_freed_memory

PROGRAM = """
import resource, sys, threading
import torch
from hardiness.core.memory import keep_freed_memory, return_freed_memory

def faults(work):
    before = resource.getrusage(resource.RUSAGE_SELF).ru_minflt
    work()
    return resource.getrusage(resource.RUSAGE_SELF).ru_minflt - before

def passes():
    for _ in range(8):
        blocks = [torch.empty(60 << 20, dtype=torch.uint8).fill_(1) for _ in range(3)]

def on_a_thread():
    thread = threading.Thread(target=passes)
    thread.start()
    thread.join()

def resident():
    return int(open("/proc/self/statm").read().split()[1]) * resource.getpagesize()

passes()
anew = faults(passes)
keep_freed_memory()
passes()
kept = [faults(passes), faults(on_a_thread)]
full = resident()
return_freed_memory()
print(anew, *kept, full - resident())
"""


@pytest.mark.slow
@pytest.mark.skipif(sys.platform != "linux" or not Path("/proc/self/statm").exists(), reason="asks Linux's glibc")
def test_freed_memory_is_kept_and_returned() -> None:
    output = subprocess.run([sys.executable, "-c", PROGRAM], capture_output=True, text=True, check=True).stdout
    anew, kept, kept_on_a_thread, returned = map(int, output.split())
    assert kept < anew / 10
    assert kept_on_a_thread < anew / 10
    assert returned > 100 << 20


def test_memory_is_not_handed_back_after_every_shard(monkeypatch: pytest.MonkeyPatch) -> None:
    calls, now_s = [], 100.0
    monkeypatch.setattr(memory, "_function", lambda name: calls.append)
    monkeypatch.setattr(memory, "_trimmed_s", -float("inf"))
    monkeypatch.setattr("time.monotonic", lambda: now_s)
    for step_s in (0.0, 0.3, 0.3, 0.5, 0.2):
        now_s += step_s
        return_freed_memory()
    assert len(calls) == 2

"""Kernels are compiled by a second process where none is kept, and by nobody ahead of time where some are."""

from __future__ import annotations

import subprocess
import sys
import time
from pathlib import Path
from typing import Any

import pytest

from hardiness.benchmarks.options import parse
from hardiness.core.condition import Condition
from hardiness.core.errors import DataError, SampleError
from hardiness.data.root import locate
from hardiness.engine import compiling
from hardiness.engine.compiling import compiling_ahead


class Noted:
    """A benchmark that notes what is asked of it, and fails at one condition."""

    def __init__(self) -> None:
        self.asked: list[Any] = []

    def conditions(self) -> tuple[Condition, ...]:
        return tuple(Condition(corruption="fog", severity=severity) for severity in (1, 2, 3))

    def expand(self, item: Any, conditions: Any, canvases: Any, seed: int) -> Any:
        (condition,) = conditions
        if condition["severity"] == 2:
            raise SampleError("damaged")
        self.asked.append(condition["severity"])
        yield item


def test_every_condition_is_made_once_the_last_one_first() -> None:
    benchmark = Noted()
    compiling.compile_for([(benchmark, None)])  # type: ignore[list-item]
    assert benchmark.asked == [3, 1]


def embedded() -> Any:
    try:
        return locate(["embedded"]).dataset("imagenet")
    except DataError as error:
        pytest.skip(str(error))


@pytest.mark.parametrize("lacks", ["nothing", "kernels to compile", "a second core", "photographs"])
def test_a_process_is_started_where_nothing_is_lacking(lacks: str, monkeypatch: pytest.MonkeyPatch) -> None:
    started: list[Any] = []

    def start(command: Any, **_: Any) -> None:
        started.append(command)
        raise OSError("no process here")

    monkeypatch.setattr(subprocess, "Popen", start)
    monkeypatch.setattr(compiling, "has_machine_code", lambda: lacks == "kernels to compile")
    monkeypatch.setattr(compiling, "usable_cores", lambda: 1 if lacks == "a second core" else 2)
    wanted = [] if lacks == "photographs" else [(parse("imagenet-val"), embedded())]
    with compiling_ahead(wanted):
        pass
    assert [command[-1] for command in started] == (["hardiness.engine.compiling"] if lacks == "nothing" else [])


def test_a_process_that_cannot_be_started_costs_nothing(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(sys, "executable", "/nowhere/python")
    monkeypatch.setattr(compiling, "has_machine_code", lambda: False)
    monkeypatch.setattr(compiling, "usable_cores", lambda: 2)
    reached = False
    with compiling_ahead([(parse("imagenet-val"), embedded())]):
        reached = True
    assert reached


@pytest.mark.slow
def test_the_other_process_hands_machine_code_over(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("NUMBA_CACHE_DIR", str(tmp_path))
    monkeypatch.setattr(compiling, "has_machine_code", lambda: False)
    monkeypatch.setattr(compiling, "usable_cores", lambda: 2)
    with compiling_ahead([(parse("imagenet-c"), embedded())]):
        ends = time.monotonic() + 120
        while not list(tmp_path.rglob("_resampling.resample*.nbc")):
            assert time.monotonic() < ends, list(tmp_path.rglob("*"))
            time.sleep(0.2)

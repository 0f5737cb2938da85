"""The command line's own manners: help, status, progress."""

from __future__ import annotations

import logging
import sys
from io import StringIO
from typing import Any

import pytest
from rich.console import Console

from hardiness import __version__
from hardiness.api import Bars
from hardiness.cli import main
from hardiness.cli.failing import tell_warnings
from hardiness.cli.main import COMMANDS


def called(monkeypatch: pytest.MonkeyPatch, *arguments: str) -> int:
    monkeypatch.setattr(sys, "argv", ["hardiness", *arguments])
    with pytest.raises(SystemExit) as left:
        main()
    return int(left.value.code or 0)


def test_help_lists_every_command(monkeypatch: pytest.MonkeyPatch, capsys: Any) -> None:
    assert called(monkeypatch, "--help") == 0
    told = capsys.readouterr().out
    assert all(f"  {name} " in told for name in COMMANDS)


@pytest.mark.parametrize("name", COMMANDS)
def test_every_command_has_help(name: str, monkeypatch: pytest.MonkeyPatch, capsys: Any) -> None:
    assert called(monkeypatch, name, "--help") == 0
    assert "Usage: hardiness" in capsys.readouterr().out


def test_version(monkeypatch: pytest.MonkeyPatch, capsys: Any) -> None:
    assert called(monkeypatch, "--version") == 0
    assert __version__ in capsys.readouterr().out


def test_an_unknown_option_is_answered_with_the_close_one(monkeypatch: pytest.MonkeyPatch, capsys: Any) -> None:
    assert called(monkeypatch, "run", "--limt", "3") == 2
    assert "--limit" in capsys.readouterr().err


def test_a_file_that_ends_early_is_no_interruption(monkeypatch: pytest.MonkeyPatch, capsys: Any) -> None:
    def ends(*_: object, **__: object) -> None:
        raise EOFError("Ran out of input")

    monkeypatch.setattr("hardiness.core.registry.Registry.names", ends)
    assert called(monkeypatch, "benchmarks") == 1
    (line,) = [line for line in capsys.readouterr().err.splitlines() if line]
    assert "EOFError: Ran out of input" in line
    assert "stopped" not in line


@pytest.fixture
def bars() -> tuple[Bars, StringIO]:
    stream = StringIO()
    return Bars(Console(file=stream, width=120, force_terminal=False)), stream


def test_progress_says_when_nothing_is_left_to_do(bars: tuple[Bars, StringIO]) -> None:
    listener, stream = bars
    listener.begin("imagenet-val", 1250, 1250)
    listener.end()
    assert "all 1,250 stored already, nothing to compute" in stream.getvalue()


@pytest.mark.parametrize(("seconds", "says"), [(61, "1 minute "), (1800, "30 minutes"), (36_000, "10.0 hours")])
def test_long_runs_are_announced_in_fitting_units(bars: tuple[Bars, StringIO], seconds: float, says: str) -> None:
    listener, stream = bars
    listener.begin("imagenet-val", 10, 0)
    listener.estimate(seconds)
    listener.end()
    assert f"about {says}" in stream.getvalue()


def test_a_download_is_shown_and_gives_way_to_the_benchmark(bars: tuple[Bars, StringIO]) -> None:
    listener, stream = bars
    listener.download("alexnet", 10, 20)
    listener.download("alexnet", 20, 20)
    listener.begin("imagenet-val", 10, 0)
    listener.advance(10)
    listener.end()
    told = stream.getvalue()
    assert "alexnet" in told
    assert "imagenet-val" in told


def test_what_is_logged_is_told_whatever_a_library_makes_of_the_root(
    capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    log, root = logging.getLogger("hardiness"), logging.getLogger()
    monkeypatch.setattr(log, "handlers", list(log.handlers))
    monkeypatch.setattr(log, "propagate", log.propagate)
    log.setLevel(logging.NOTSET)
    before = root.level
    root.setLevel(logging.ERROR)
    try:
        tell_warnings()
        log.warning("somebody is waited for")
        log.info("nobody wants this")
    finally:
        root.setLevel(before)
    assert capsys.readouterr().err == "hardiness: somebody is waited for\n"

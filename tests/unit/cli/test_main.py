"""The command line's own manners: help, status, progress."""

from __future__ import annotations

import json
import logging
import re
import subprocess
import sys
import threading
import time
from io import StringIO
from types import ModuleType, SimpleNamespace
from typing import Any

import pytest
from commands import called
from rich.console import Console

from hardiness import __version__
from hardiness.api.progress import Bars, LogProgress, RedrawnOutput, listener, progress_on
from hardiness.benchmarks.suites import Suite
from hardiness.cli.main import COMMANDS, GROUPS, tell_warnings
from hardiness.core.progress import Silence
from hardiness.data.root import LAYOUTS
from hardiness.models.naming import search
from hardiness.models.runtimes import runtimes
from hardiness.report.exports import exporter
from hardiness.report.loggers import logger


def test_help_lists_every_command(monkeypatch: pytest.MonkeyPatch, capsys: Any) -> None:
    assert called(monkeypatch, "--help") == 0
    told = capsys.readouterr().out
    assert all(f"  {name} " in told for names in GROUPS.values() for name in names)
    assert len([name for names in GROUPS.values() for name in names]) <= 11
    assert {words.split()[0] for words in COMMANDS} == {name for names in GROUPS.values() for name in names}


def test_help_of_run_lists_every_suite(monkeypatch: pytest.MonkeyPatch, capsys: Any) -> None:
    assert called(monkeypatch, "run", "--help") == 0
    told = " ".join(capsys.readouterr().out.split())
    assert f"{', '.join(Suite.names())}, or your own FILE.toml" in told


def test_help_of_export_lists_every_form_and_loads_none() -> None:
    """It had a list of its own, and took .3 s of a processor."""
    line = "import sys; sys.argv[1:] = ['export', '--help']\nfrom hardiness.cli.main import main\ntry: main()\n"
    line += "finally: print({'numpy', 'rich', 'hardiness.report.exports.json'} & {*sys.modules})"
    shown = subprocess.run([sys.executable, "-c", line], capture_output=True, text=True, check=True).stdout
    assert f"{', '.join(exporter.registry.names())}; 'hardiness list exports'" in " ".join(shown.split())
    assert shown.endswith("set()\n")
    assert exporter.offered_names() == exporter.registry.names()


@pytest.mark.parametrize(
    ("kind", "registry"),
    [("exports", exporter.registry), ("loggers", logger.registry), ("runtimes", runtimes), ("datasets", LAYOUTS)],
)
def test_each_registry_of_names_that_a_person_types_is_listed(
    kind: str, registry: Any, monkeypatch: pytest.MonkeyPatch, capsys: Any
) -> None:
    assert called(monkeypatch, "list", kind) == 0
    rows = [line.split("│")[1].strip() for line in capsys.readouterr().out.splitlines() if line.startswith("│")]
    assert [row for row in rows if row] == registry.names()
    first, second, *_ = registry.names()
    assert called(monkeypatch, "list", kind, first) == 0
    shown = capsys.readouterr().out
    assert f"│ {first} " in shown
    assert f"│ {second} " not in shown
    assert called(monkeypatch, "list", kind, f"{first}x") == 2
    assert f"did you mean '{first}'" in capsys.readouterr().err


@pytest.mark.parametrize(("parent", "word"), [("list", "kind"), ("make", "kind"), ("data", "command")])
def test_help_lists_every_kind(parent: str, word: str, monkeypatch: pytest.MonkeyPatch, capsys: Any) -> None:
    assert called(monkeypatch, parent, "--help") == 0
    told = capsys.readouterr().out
    kinds = [words.split()[1] for words in COMMANDS if words.startswith(f"{parent} ")]
    assert kinds
    assert all(f"  {kind} " in told for kind in kinds)
    assert called(monkeypatch, parent, "modles") == 2
    assert f"unknown {word} of 'hardiness {parent}' 'modles'" in capsys.readouterr().err


def test_a_kind_stands_right_behind_its_command(monkeypatch: pytest.MonkeyPatch, capsys: Any) -> None:
    """A word further on, as a folder that is called like a kind, is no kind."""
    assert called(monkeypatch, "make", "nowhere", "corruptions") == 2
    assert "unknown kind of 'hardiness make' 'nowhere'" in capsys.readouterr().err
    assert called(monkeypatch, "list", "models", "models") == 2
    assert "unknown model 'models'" in capsys.readouterr().err
    assert called(monkeypatch, "list", "models", "--nope") == 2
    assert "hardiness list models --help" in capsys.readouterr().err
    power = ["compare", "--power", "--difference", "0.01", "--baseline-error", "0.2", "--power", "0.9", "--json"]
    assert called(monkeypatch, *power) == 0
    assert json.loads(capsys.readouterr().out)["power"] == 0.9


def test_a_pattern_without_a_library_says_how_those_of_libraries_are_typed(
    monkeypatch: pytest.MonkeyPatch, capsys: Any
) -> None:
    """Beside the names, so that a script reads names alone."""
    assert called(monkeypatch, "list", "models", "resnext*") == 0
    told = capsys.readouterr()
    assert set(told.out.split()) == set(search("resnext*"))
    assert "'timm:resnext*'" in told.err
    assert "'torchvision:resnext*'" in told.err


@pytest.mark.parametrize(
    ("arguments", "says"),
    [
        (("corruptions", "SRC", "DST", "--severities", "9"), "--severities must be numbers from 1 to 5, had 9"),
        (
            ("corruptions", "SRC", "DST", "--set", "patch-shuffle", "--severities", "8"),
            "--severities must be numbers from 1 to 7, had 8",
        ),
        (("perturbations", "SRC", "DST", "--difficulty", "4"), "--difficulty must be 1, 2 or 3, was 4"),
    ],
)
def test_make_names_its_options_as_they_were_typed(
    arguments: tuple[str, ...], says: str, monkeypatch: pytest.MonkeyPatch, capsys: Any
) -> None:
    assert called(monkeypatch, "make", *arguments) == 2
    assert capsys.readouterr().err == f"hardiness: {says}\n"


def test_benchmarks_are_listed_in_the_groups_of_the_page(monkeypatch: pytest.MonkeyPatch, capsys: Any) -> None:
    assert called(monkeypatch, "list", "benchmarks") == 0
    told = capsys.readouterr().out
    order = ["imagenet-val", "imagenet-c ", "imagenet-c-bar", "imagenet-a ", "imagenet-v2", "whitebox", "cue-conflict"]
    places = [told.index(name) for name in order]
    assert places == sorted(places)


def test_a_word_too_many_is_named(monkeypatch: pytest.MonkeyPatch, capsys: Any) -> None:
    assert called(monkeypatch, "gate", "one", "two") == 2
    assert "unexpected extra argument (two); see 'hardiness gate --help'" in capsys.readouterr().err


@pytest.mark.parametrize("name", COMMANDS)
def test_every_command_has_help(name: str, monkeypatch: pytest.MonkeyPatch, capsys: Any) -> None:
    assert called(monkeypatch, *name.split(), "--help") == 0
    assert "Usage: hardiness" in (whole := capsys.readouterr().out)
    assert called(monkeypatch, *name.split(), "-h") == 0
    assert capsys.readouterr().out == whole


@pytest.mark.parametrize(
    ("typed", "found"),
    [
        ("re", {"report"}),
        ("list a", {"attacks"}),
        ("data ", {"list", "get", "check", "import", "drop"}),
        ("run --pr", {"--predictions", "--precision", "--precision-target"}),
        ("make features --decor", {"--decorrelate"}),
        ("vis", set()),
    ],
)
def test_a_shell_completes_words_and_options(
    typed: str, found: set[str], monkeypatch: pytest.MonkeyPatch, capsys: Any
) -> None:
    monkeypatch.setenv("_HARDINESS_COMPLETE", "bash_complete")
    monkeypatch.setenv("COMP_WORDS", f"hardiness {typed}")
    monkeypatch.setenv("COMP_CWORD", str(typed.count(" ") + 1))
    assert called(monkeypatch) == 0
    told = capsys.readouterr()
    assert {line.partition(",")[2] for line in told.out.split()} == found
    assert told.err == ""


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
    assert called(monkeypatch, "list", "benchmarks") == 1
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


def log_of(every_s: float = 3600.0) -> tuple[LogProgress, StringIO, list[float]]:
    stream, now = StringIO(), [0.0]
    return LogProgress(Console(file=stream, width=60), every_s, lambda: now[0]), stream, now


def test_a_log_hears_how_far_a_benchmark_is_also_while_nothing_is_finished() -> None:
    listener, stream, now = log_of()
    listener.begin("autoattack", 80, 0)
    now[0] = 420.0
    listener.stage("member 1 of the attack took 9 of 16 pictures")
    listener.tell()
    listener.advance(20)
    now[0] = 600.0
    listener.tell()
    listener.advance(60)
    now[0] = 2400.0
    listener.end()
    assert stream.getvalue().splitlines() == [
        "autoattack: 80 of 80 image-conditions to compute",
        "autoattack: 0 of 80 image-conditions after 7 minutes; member 1 of the attack took 9 of 16 pictures",
        "autoattack: 20 of 80 image-conditions after 10 minutes, about 30 minutes to go; member 1 of the attack took 9 "
        "of 16 pictures",
        "autoattack: 80 of 80 image-conditions after 40 minutes",
    ]


def test_a_script_hears_a_line_a_minute_and_nothing_else() -> None:
    stream = StringIO()
    listener = LogProgress(Console(file=stream, width=60), 0.01, lambda: 0.0, is_brief=True)
    listener.begin("imagenet-val", 10, 10)
    listener.note("imagenet-val: efficientnet_lite0 top1 76.2")
    listener.end()
    assert stream.getvalue() == ""
    listener.begin("imagenet-c", 10, 4)
    deadline = time.monotonic() + 30
    while stream.getvalue().count("\n") < 2 and time.monotonic() < deadline:
        time.sleep(0.01)
    listener.end()
    assert set(stream.getvalue().splitlines()) == {"imagenet-c: 4 of 10 image-conditions after 0 s"}


def test_progress_of_a_call_is_bars_lines_or_nothing(monkeypatch: pytest.MonkeyPatch) -> None:
    """Of a script, which has no terminal, nothing was heard for hours."""
    assert isinstance(listener(False), Silence)
    of_script, wanted = listener(None), listener(True)
    assert isinstance(of_script, LogProgress)
    assert isinstance(wanted, LogProgress)
    assert (of_script.is_brief, wanted.is_brief) == (True, False)
    monkeypatch.setattr("sys.stderr", Terminal())
    assert isinstance(listener(None), Bars)


class Terminal(StringIO):
    """A text that is a terminal."""

    def isatty(self) -> bool:
        return True


def test_a_line_comes_by_itself_every_so_often_and_none_after_the_end() -> None:
    listener, stream, _ = log_of(every_s=0.01)
    listener.begin("imagenet-val", 10, 4)
    deadline = time.monotonic() + 30
    while stream.getvalue().count("\n") < 4 and time.monotonic() < deadline:
        time.sleep(0.01)
    listener.end()
    lines = stream.getvalue().splitlines()
    assert lines[0] == "imagenet-val: 6 of 10 image-conditions to compute"
    assert len(lines) >= 4
    assert set(lines[1:]) == {"imagenet-val: 4 of 10 image-conditions after 0 s"}
    for thread in threading.enumerate():
        if thread.name == "progress":
            thread.join(30)
    ended = stream.getvalue()
    time.sleep(0.05)
    assert stream.getvalue() == ended


def test_a_log_hears_of_downloads_and_of_what_is_stored() -> None:
    listener, stream, now = log_of()
    listener.download("alexnet", 10_000_000, 240_000_000)
    now[0] = 60.0
    listener.tell()
    listener.download("alexnet", 240_000_000, 240_000_000)
    listener.begin("imagenet-val", 10, 10)
    listener.end()
    assert stream.getvalue().splitlines() == [
        "alexnet: 10 of 240 MB after 60 s, about 23 minutes to go",
        "alexnet: 240 of 240 MB after 60 s",
        "imagenet-val: all 10 stored already, nothing to compute",
    ]


def test_a_terminal_has_bars_and_a_log_has_lines() -> None:
    assert isinstance(progress_on(Console(file=StringIO(), force_terminal=True)), Bars)
    assert isinstance(progress_on(Console(file=StringIO(), force_terminal=False)), LogProgress)


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


def test_bars_move_in_a_notebook_without_ipywidgets(monkeypatch: pytest.MonkeyPatch) -> None:
    shown: list[str] = []  # what stands in the cell's one output, each time that it is drawn

    class Handle:
        def update(self, what: dict[str, str], raw: bool) -> None:
            shown.append(what["text/plain"])

    def display(what: dict[str, str], raw: bool, display_id: bool) -> Handle:
        assert not shown, "a second output was made"
        shown.append(what["text/plain"])
        return Handle()

    shell = type("ZMQInteractiveShell", (), {})
    monkeypatch.setattr("builtins.get_ipython", shell, raising=False)
    monkeypatch.setitem(sys.modules, "IPython", ModuleType("IPython"))
    monkeypatch.setitem(sys.modules, "IPython.display", SimpleNamespace(display=display))
    monkeypatch.setattr("hardiness.api.progress.find_spec", lambda name: None)
    monkeypatch.setattr(RedrawnOutput, "SECONDS", 0.0)
    hears = listener(None)
    hears.begin("imagenet-val", 4, 0)
    for _ in range(4):
        hears.advance(1)
    hears.end()
    counts = list(dict.fromkeys(re.search(r"\d/4", each)[0] for each in shown if "/4" in each))
    assert counts == ["0/4", "1/4", "2/4", "3/4", "4/4"]
    assert len({each.count("━") for each in shown if "/4" in each}) == 5
    assert not any("\x1b" in each for each in shown)

"""What `make test` and CI run: a stranger's half without data beside it, then the rest; few skips, and a count."""

from __future__ import annotations

import os
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parents[2]

MAKE = """#!/bin/sh
clone=.; [ "$1" = -C ] && clone=$2
echo "$(cd "$clone/.." && ls | tr '\\n' ' ')| $* | data=${HARDINESS_DATA:-} CI=${CI:-}" >>"$LOG"
case "$*" in *" test") exit ${FAILS:-0};; esac
"""
"""Stands for make: writes down what lies beside the project, what is asked for, and what the environment says."""


@pytest.fixture
def ci(tmp_path: Path) -> Callable[..., tuple[int, list[str]]]:
    """Runs ``.ci/run`` of a project beside which data lie, with a make that only writes down what it is asked for."""
    project, programs = tmp_path / "project", tmp_path / "programs"
    (tmp_path / "shared" / "data").mkdir(parents=True)
    (project / ".ci").mkdir(parents=True)
    (project / ".ci" / "run").write_bytes((ROOT / ".ci" / "run").read_bytes())
    (project / ".ci" / "environments").write_text('#!/bin/sh\necho "environments $*" >>"$LOG"\n')
    (project / ".ci" / "environments").chmod(0o755)
    programs.mkdir()
    for name in ("chromium", "chromium-browser", "google-chrome", "pdflatex"):
        (programs / name).symlink_to("/bin/true")
    (programs / "make").write_text(MAKE)
    (programs / "make").chmod(0o755)

    def run(**more: str) -> tuple[int, list[str]]:
        log = tmp_path / "log"
        usual = {name: value for name, value in os.environ.items() if name not in ("HARDINESS_DATA", "CI")}
        environment = {**usual, "PATH": f"{programs}:{os.environ['PATH']}", "LOG": str(log), **more}
        done = subprocess.run(["bash", ".ci/run"], cwd=project, env=environment, capture_output=True, check=False)
        return done.returncode, log.read_text().splitlines()

    return run


def test_ci_runs_a_stranger_s_half_first_and_then_the_rest_with_the_data(
    ci: Callable[..., tuple[int, list[str]]], tmp_path: Path
) -> None:
    status, asked = ci()
    assert status == 0
    made, first, rest, demo, environments = asked
    assert ".venv/.test" in made
    assert first.startswith("hardiness | -C "), "nothing lies beside the copy"
    assert first.endswith(f" VENV={tmp_path}/project/.venv MOST_SKIPS=270 test | data= CI=")
    assert rest.endswith(f"| test-rest | data={tmp_path}/shared/data CI=true")
    assert "| demo |" in demo
    assert environments == "environments spaces", "the others take too long"


def test_ci_ends_where_a_stranger_s_half_fails(ci: Callable[..., tuple[int, list[str]]]) -> None:
    status, asked = ci(FAILS="1", HARDINESS_DATA="/elsewhere", CI="yes")
    assert status == 1
    assert asked[-1].endswith(" test | data= CI=")


SETTINGS = """
[pytest]
enable_assertion_pass_hook = true
markers =
  soak
  beside
  thorough
"""

NOT_FOR_WANT = (
    "a test was skipped, and not for want of golden pictures of other people's code, stimuli, "
    "answers of published networks, a GPU, LaTeX"
)

TESTS = """
import pytest
@pytest.mark.parametrize("number", range(6))
def test_two(number, request):
    assert number < 10
    assert number >= 0
def test_none(): pytest.skip("no LaTeX: apt-get install it")
def test_other(): pytest.skip("{reason}")
"""


@pytest.mark.slow
@pytest.mark.parametrize(
    ("workers", "reason", "most", "wrong"),
    [
        (0, "no GPU here: so", 2, []),
        (
            1,
            "no time",
            1,
            [f"{NOT_FOR_WANT}: no time", "2 tests were skipped, and at most 1 may be"],
        ),
    ],
)
def test_assertions_are_counted_and_skips_held_down(
    tmp_path: Path, workers: int, reason: str, most: int, wrong: list[str]
) -> None:
    for file in (ROOT / "tests" / "conftest.py", ROOT / "tests" / "masked" / "no_compiling_line.py"):
        (tmp_path / file.name).write_bytes(file.read_bytes())
    (tmp_path / "pytest.ini").write_text(SETTINGS)
    (tmp_path / "test_it.py").write_text(TESTS.format(reason=reason))
    command = [sys.executable, "-m", "pytest", "-q", "-n", str(workers), "--most-skips", str(most), str(tmp_path)]
    usual = {name: value for name, value in os.environ.items() if not name.startswith(("CI", "PYTEST"))}
    done = subprocess.run(command, cwd=tmp_path, env=usual, capture_output=True, text=True, check=False)
    lines = done.stdout.splitlines()
    start = lines.index("12 assertions held")
    assert lines[start + 1 : -1] == wrong
    assert lines[-1].startswith("6 passed, 2 skipped")
    assert done.returncode == bool(wrong)

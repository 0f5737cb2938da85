"""Commands that are not told to fetch anything ask for no connection, in whatever process and library."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

import pytest

HOOK = """
import os, sys

def watch(event, given):
    inet = event in ("socket.getaddrinfo", "urllib.Request", "http.client.connect", "ftplib.connect")
    inet = inet or (event in ("socket.connect", "socket.sendto") and isinstance(given[1], tuple))
    if inet:
        with open(os.environ["ATTEMPTS"], "a") as told:
            told.write(f"{event} {given!r}\\n")
        raise OSError("no network here")

sys.addaudithook(watch)
"""


@pytest.mark.slow
@pytest.mark.parametrize(
    "arguments",
    [
        ["run", "-m", "efficientnet_lite0", "-m", "squeezenet1_1", "--suite", "demo", "--limit", "2", "--out", "out"],
        [
            "run",
            "-m",
            "squeezenet1_1",
            "-b",
            "imagenet-val",
            "--data",
            "embedded",
            "--limit",
            "4",
            "--runtime",
            "openvino",
        ],
        ["doctor", "--no-test"],
        ["data", "list", "--data", "."],
    ],
    ids=lambda arguments: " ".join(arguments[:2]) + f" {len(arguments)}",
)
def test_the_demo_and_other_commands_work_with_sockets_refused(arguments: list[str], tmp_path: Path) -> None:
    (tmp_path / "hook").mkdir()
    (tmp_path / "hook" / "sitecustomize.py").write_text(HOOK)
    attempts = tmp_path / "attempts"
    paths = [str(tmp_path / "hook"), *filter(None, [os.environ.get("PYTHONPATH")])]
    environment = {**os.environ, "PYTHONPATH": os.pathsep.join(paths), "ATTEMPTS": str(attempts), "HOME": str(tmp_path)}
    line = [sys.executable, "-m", "hardiness.cli", *arguments]
    told = subprocess.run(line, cwd=tmp_path, env=environment, capture_output=True, text=True, check=False, timeout=900)
    assert told.returncode == 0, told.stderr
    assert not attempts.exists(), attempts.read_text()


def test_the_hook_sees_an_attempt(tmp_path: Path) -> None:
    (tmp_path / "sitecustomize.py").write_text(HOOK)
    environment = {**os.environ, "PYTHONPATH": str(tmp_path), "ATTEMPTS": str(tmp_path / "attempts")}
    line = [sys.executable, "-c", "import urllib.request; urllib.request.urlopen('http://127.0.0.1:9/')"]
    assert subprocess.run(line, env=environment, capture_output=True, check=False).returncode == 1
    assert (tmp_path / "attempts").read_text()

"""Commands that are not told to fetch anything ask for no connection, in whatever process and library."""

from __future__ import annotations

import os
import subprocess
import sys
import threading
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from urllib import request
from urllib.error import HTTPError

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
@pytest.mark.thorough
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


CI = ("CI", "GITHUB_ACTIONS", "PYTEST_CURRENT_TEST", "PYTEST_VERSION", "PYTEST_XDIST_WORKER", "DO_NOT_TRACK")
"""Where one of these is set, trackers send nothing anyway."""


@pytest.mark.slow
def test_trackers_report_nothing_to_their_makers(tmp_path: Path) -> None:
    """Every host would be asked through a proxy that listens; W&B's own process is no Python."""
    for package in ("mlflow", "sqlalchemy", "alembic", "wandb"):
        pytest.importorskip(package)
    asked: list[str] = []

    class Proxy(BaseHTTPRequestHandler):
        def do_CONNECT(self) -> None:
            asked.append(self.path)
            self.send_error(503)

        do_GET = do_POST = do_HEAD = do_CONNECT  # noqa: N815  # names that the server calls

        def log_message(self, *_: object) -> None:
            pass

    server = ThreadingHTTPServer(("127.0.0.1", 0), Proxy)
    thread = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.01})
    thread.start()
    proxy = f"http://127.0.0.1:{server.server_port}"
    names = [f"{scheme}_proxy" for scheme in ("http", "https", "all")]
    kept = {name: value for name, value in os.environ.items() if name not in CI and not name.startswith("WANDB")}
    environment = {
        **kept,
        **{each: proxy for name in names for each in (name, name.upper())},
        "HOME": str(tmp_path / "home"),
        "XDG_CONFIG_HOME": str(tmp_path / "home" / "config"),
    }
    (tmp_path / "home").mkdir()
    arguments = ["run", "-m", "squeezenet1_1", "-b", "imagenet-val", "--data", "embedded", "--limit", "2", "--quiet"]
    line = [sys.executable, "-m", "hardiness.cli", *arguments, "--out", "out", "--log", "mlflow", "--log", "wandb"]
    try:
        told = subprocess.run(
            line, cwd=tmp_path, env=environment, capture_output=True, text=True, check=False, timeout=600
        )
        opener = request.build_opener(request.ProxyHandler({"http": proxy}))
        with pytest.raises(HTTPError):
            opener.open("http://example.org/heard")
    finally:
        server.shutdown()
        thread.join()
        server.server_close()
    assert told.returncode == 0, told.stderr
    assert (tmp_path / "out" / "mlflow.db").exists()
    assert list((tmp_path / "out" / "wandb").glob("offline-run-*"))
    assert asked == ["http://example.org/heard"], "the proxy hears, and heard nobody else"
    assert not [path for path in (tmp_path / "home").rglob("*telemetry*") if path.is_file()]

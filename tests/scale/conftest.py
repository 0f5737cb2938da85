"""Processes that share a store: a small model, small photographs, and a server that speaks S3 and has faults."""

from __future__ import annotations

import http.client
import os
import socket
import sys
import threading
import time
import urllib.request
from collections.abc import Callable, Iterator
from contextlib import suppress
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any

import numpy as np
import PIL.Image
import pytest

from hardiness.cli.main import main
from hardiness.reference.classes import wnids

NETWORK = """
import torch
from hardiness import View

class Handle:  # of something in this process alone, so that no pickle holds the model
    def __deepcopy__(self, memo):
        return self
    def __reduce__(self):
        raise TypeError("a handle stays in its process")

def build():
    class Colours(torch.nn.Module):
        def __init__(self):
            super().__init__()
            self.handle = Handle()
            self.linear = torch.nn.Linear(48, 1000)
            self.linear.weight.data = torch.randn(1000, 48, generator=torch.Generator().manual_seed(0))
            self.linear.bias.data.zero_()
        def forward(self, x):
            return self.linear(torch.nn.functional.adaptive_avg_pool2d(x, 4).flatten(1))
    return Colours(), View(256, 224, "bilinear")
"""


CRASHES = """
import ctypes, os, torch
from hardiness import View

def build():
    class Crashing(torch.nn.Module):
        def __init__(self):
            super().__init__()
            self.linear = torch.nn.Linear(48, 1000)
            self.linear.weight.data = torch.randn(1000, 48, generator=torch.Generator().manual_seed(0))
        def forward(self, x):
            if bool((x.flatten(1).mean(1) > 2).any()):
                CRASH
            return self.linear(torch.nn.functional.adaptive_avg_pool2d(x, 4).flatten(1))
    return Crashing(), View(256, 224, "bilinear")
"""


@pytest.fixture
def crashing(command: list[str], tmp_path: Path) -> Callable[[str], list[str]]:
    """The same command with one white photograph more, at which the model ends its process as ``crash`` says."""

    def made(crash: str) -> list[str]:
        (tmp_path / "crashes.py").write_text(CRASHES.replace("CRASH", crash))
        white = tmp_path / "data" / "imagenet" / "val" / wnids()[0] / "white.JPEG"
        PIL.Image.fromarray(np.full((256, 256, 3), 255, np.uint8)).save(white)
        model = command.index("-m") + 1
        return [
            *command[:model],
            f"py:{tmp_path}/crashes.py:build",
            *command[model + 1 :],
            "--runtime",
            "torch",
        ]

    return made


@pytest.fixture
def command(tmp_path: Path) -> list[str]:
    """``hardiness run`` without ``--out``: a small model on 40 small photographs under two corruptions."""
    (tmp_path / "network.py").write_text(NETWORK)
    generator = np.random.default_rng(0)
    for number in range(40):
        folder = tmp_path / "data" / "imagenet" / "val" / wnids()[number % 8]
        folder.mkdir(parents=True, exist_ok=True)
        picture = PIL.Image.fromarray(generator.integers(0, 256, (16, 16, 3), dtype=np.uint8)).resize((256, 256))
        picture.save(folder / f"{number}.JPEG")
    model = f"py:{tmp_path}/network.py:build"
    benchmark = "imagenet-c:corruptions=contrast+brightness,severities=1"
    return ["run", "-m", model, "-b", benchmark, "--data", str(tmp_path / "data"), "--quiet"]


@pytest.fixture
def hardiness(
    capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> Callable[..., tuple[int, str, str]]:
    """Runs ``hardiness ARGUMENTS`` in this process; exit status, standard output and standard error."""

    def run(*arguments: str | Path) -> tuple[int, str, str]:
        monkeypatch.setattr(sys, "argv", ["hardiness", *map(str, arguments)])
        capsys.readouterr()
        with pytest.raises(SystemExit) as left:
            main()
        captured = capsys.readouterr()
        assert "Traceback" not in captured.err
        return int(left.value.code or 0), captured.out, captured.err

    return run


@pytest.fixture
def refuse(s3: FaultyServer) -> Callable[..., None]:
    """Makes the server answer one thing alone: ``refuse(status, body, **headers)``; ``refuse()`` ends it."""

    def change(status: int = 0, body: str = "", **headers: str) -> None:
        named = {name.replace("_", "-"): value for name, value in headers.items()}
        s3.refusal = Refusal(status, body.encode(), named) if status else None

    return change


@pytest.fixture
def spawn(warm: Callable[..., Any]) -> Iterator[Callable[..., Any]]:
    """Starts ``hardiness ARGUMENTS`` in a process of its own; what still runs at the end is killed."""
    started: list[Any] = []

    def start(*arguments: str, **environment: str) -> Any:
        started.append(warm("-m", "hardiness.cli", *arguments, env={**os.environ, **environment}))
        return started[-1]

    yield start
    for process in started:
        process.kill()
        process.communicate()


def _in_amazons_words(headers: dict[str, str]) -> dict[str, str]:
    """What Google's XML interface calls otherwise, for a server that speaks Amazon's; the rest of both is alike."""
    if headers.pop("x-goog-if-generation-match", None) == "0":
        headers["If-None-Match"] = "*"
    if source := headers.pop("x-goog-copy-source", None):
        headers["x-amz-copy-source"] = source
    if not headers.get("authorization", "").startswith("AWS4"):
        headers["authorization"] = "AWS4-HMAC-SHA256 Credential=key/20260101/us-east-1/s3/aws4_request, Signature=x"
    return headers


class _Faulty(BaseHTTPRequestHandler):
    """Passes requests on to a server, but refuses every ``every``-th one for the moment."""

    protocol_version = "HTTP/1.1"

    def _pass_on(self) -> None:
        server: FaultyServer = self.server  # type: ignore[assignment]
        body = self.rfile.read(int(self.headers.get("Content-Length") or 0))
        with server.lock:
            server.requests += 1
            fault = server.every and server.requests % server.every == 0
            status = server.statuses[server.requests // server.every % len(server.statuses)] if fault else 0
        if server.hangs_up:
            server.hangs_up -= 1
            self.close_connection = True
            return self.connection.shutdown(socket.SHUT_RDWR)
        if server.refusal:
            return self._answer(server.refusal.status, list(server.refusal.headers.items()), server.refusal.body)
        if fault:
            return self._answer(status, [], b"<Error><Code>SlowDown</Code></Error>")
        onward = http.client.HTTPConnection(*server.behind, timeout=30)
        onward.request(self.command, self.path, body, _in_amazons_words(dict(self.headers)))
        answer = onward.getresponse()
        status, headers, content = answer.status, answer.getheaders(), answer.read()
        onward.close()
        if server.stalls:
            time.sleep(server.stalls.pop())
        with suppress(ConnectionError):  # whoever asked does not wait any longer
            self._answer(status, headers, content)
        return None

    def _answer(self, status: int, headers: list[tuple[str, str]], body: bytes) -> None:
        self.send_response(status)
        for name, value in headers:
            if name.lower() not in ("content-length", "transfer-encoding", "connection"):
                self.send_header(name, value)
        length = dict(headers).get("Content-Length") if self.command == "HEAD" else None
        self.send_header("Content-Length", length or str(len(body)))
        self.end_headers()
        if self.command != "HEAD":
            self.wfile.write(body)

    do_GET = do_PUT = do_POST = do_DELETE = do_HEAD = _pass_on  # noqa: N815

    def log_message(self, *arguments: object) -> None:
        """Nothing."""


@dataclass(frozen=True)
class Refusal:
    """What a server answers to everything."""

    status: int
    body: bytes = b""
    headers: dict[str, str] = field(default_factory=dict)


class FaultyServer(ThreadingHTTPServer):
    """A server in front of another; ``every`` is how many requests lie between two faults, 0 for none.

    With a ``refusal`` it answers nothing else. It answers the next requests later by the seconds in ``stalls``, and
    ends the connection of as many as ``hangs_up`` says without an answer.
    """

    daemon_threads = True

    def __init__(self, behind: tuple[str, int]) -> None:
        super().__init__(("127.0.0.1", 0), _Faulty)
        self.behind, self.every, self.requests = behind, 0, 0
        self.statuses = (503, 500, 409)
        self.refusal: Refusal | None = None
        self.stalls: list[float] = []
        self.hangs_up = 0
        self.lock = threading.Lock()


@pytest.fixture
def s3(monkeypatch: pytest.MonkeyPatch) -> Iterator[FaultyServer]:
    """A bucket named ``bucket`` on a server in this process, and the environment that leads to it."""
    moto = pytest.importorskip("moto.server")
    import boto3

    behind = moto.ThreadedMotoServer(ip_address="127.0.0.1", port=0, verbose=False)
    behind.start()
    host, port = behind.get_host_and_port()
    # What earlier tests of this process have put is still there: servers of one process share it.
    urllib.request.urlopen(f"http://{host}:{port}/moto-api/reset", data=b"").close()
    server = FaultyServer((host, port))
    threading.Thread(target=server.serve_forever, daemon=True).start()
    url = f"http://127.0.0.1:{server.server_port}"
    keys = {"AWS_ACCESS_KEY_ID": "key", "AWS_SECRET_ACCESS_KEY": "secret", "AWS_REGION": "us-east-1"}
    for name, value in {**keys, "AWS_ENDPOINT_URL": url, "AWS_DEFAULT_REGION": "us-east-1"}.items():
        monkeypatch.setenv(name, value)
    monkeypatch.setenv("STORAGE_EMULATOR_HOST", url)
    client = boto3.client("s3")
    client.create_bucket(Bucket="bucket")
    client.close()
    yield server
    server.shutdown()
    server.server_close()
    behind.stop()

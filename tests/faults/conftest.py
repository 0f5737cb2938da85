"""A web server on this machine that can be told to misbehave, and archives that are not what they should be."""

from __future__ import annotations

import contextlib
import io
import sys
import tarfile
import threading
import time
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from hashlib import sha256
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path

import pytest

from hardiness.cli.main import main
from hardiness.sources import downloads, http


@dataclass
class Web:
    """What the server holds and what it does wrong.

    Attributes:
        files: content by path.
        faults: what each of the next answers does wrong, in order; then it behaves.
        asked: path and range of each request.
        ranges: whether it knows ranges.
        pause_s: between pieces of an answer.
        swap: content that takes the place of a path's after so many requests.
    """

    address: str = ""
    files: dict[str, bytes] = field(default_factory=dict)
    faults: list[str] = field(default_factory=list)
    asked: list[tuple[str, str | None]] = field(default_factory=list)
    ranges: bool = True
    pause_s: float = 0.0
    swap: dict[str, tuple[int, bytes]] = field(default_factory=dict)
    lock: threading.Lock = field(default_factory=threading.Lock)

    def url(self, path: str) -> str:
        return f"{self.address}/{path}"


class _Handler(BaseHTTPRequestHandler):
    web: Web

    def do_GET(self) -> None:
        web = self.web
        path = self.path.split("://", 1)[-1].partition("/")[2] if "://" in self.path else self.path[1:]
        wanted = self.headers.get("Range")
        with web.lock:
            web.asked.append((path, wanted))
            fault = web.faults.pop(0) if web.faults else ""
            if path in web.swap and len(web.asked) > web.swap[path][0]:
                web.files[path] = web.swap.pop(path)[1]
        if fault.isdecimal():
            self.send_response(int(fault))
            self.send_header("Retry-After", "0")
            self.send_header("Content-Length", "0")
            self.end_headers()
        elif fault == "loop":
            with web.lock:
                web.faults.insert(0, "loop")
            self.send_response(302)
            self.send_header("Location", f"/{path}")
            self.send_header("Content-Length", "0")
            self.end_headers()
        elif fault in ("page", "hidden page"):
            self._send(b"<!DOCTYPE html><html>Please log in</html>", fault == "page")
        elif path not in web.files:
            self.send_error(404)
        else:
            self._file(web.files[path], wanted, fault)

    def _file(self, content: bytes, wanted: str | None, fault: str) -> None:
        first, last = 0, len(content) - 1
        etag = f'"{sha256(content).hexdigest()[:8]}"'
        is_part = wanted is not None and self.web.ranges and self.headers.get("If-Range", etag) == etag
        if is_part:
            start, _, end = wanted.removeprefix("bytes=").partition("-")
            first, last = int(start), min(int(end or last), last)
        if first > last:
            self.send_response(416)
            self.send_header("Content-Range", f"bytes */{len(content)}")
            self.end_headers()
            return
        body = content[first : last + 1]
        self.send_response(206 if is_part else 200)
        if is_part:
            self.send_header("Content-Range", f"bytes {first}-{last}/{len(content)}")
        self.send_header("ETag", etag)
        self.send_header("Content-Length", str(len(body)))
        self.end_headers()
        if fault == "cut":
            body = body[: len(body) // 2]
        if fault == "stall":
            self.wfile.write(body[:10])
            self.wfile.flush()
            time.sleep(0.6)
            return
        if fault == "flip":
            body = body[:-1] + bytes([body[-1] ^ 1])
        while self.web.pause_s and body:
            self.wfile.write(body[: 1 << 20])
            body = body[1 << 20 :]
            time.sleep(self.web.pause_s)
        self.wfile.write(body)

    def _send(self, body: bytes, says_so: bool) -> None:
        self.send_response(200)
        self.send_header("Content-Type", "text/html; charset=utf-8" if says_so else "application/x-tar")
        self.send_header("Content-Length", str(len(body)))
        self.end_headers()
        self.wfile.write(body)

    def log_message(self, *args: object) -> None:
        pass

    def handle(self) -> None:
        with contextlib.suppress(ConnectionError):
            super().handle()


@pytest.fixture
def web(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> Iterator[Web]:
    """The server; pauses and time-outs are short, and the cache is one of the test's own."""
    monkeypatch.setattr(downloads, "_BACK_OFF_S", 0.001)
    monkeypatch.setattr(http, "TIMEOUT_S", 0.3)
    monkeypatch.setenv("HARDINESS_CACHE", str(tmp_path / "cache"))
    monkeypatch.delenv("HARDINESS_OFFLINE", raising=False)
    state = Web()
    server = ThreadingHTTPServer(("127.0.0.1", 0), type("Handler", (_Handler,), {"web": state}))
    server.daemon_threads = True
    state.address = f"http://127.0.0.1:{server.server_port}"
    thread = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.01})
    thread.start()
    yield state
    server.shutdown()
    thread.join()
    server.server_close()


@dataclass(frozen=True)
class Told:
    """What a command left behind."""

    status: int
    out: str
    err: str


@pytest.fixture
def hardiness(capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch) -> Callable[..., Told]:
    """Runs ``hardiness ARGUMENTS`` in this process."""

    def run(*arguments: str | Path) -> Told:
        monkeypatch.setattr(sys, "argv", ["hardiness", *map(str, arguments)])
        capsys.readouterr()
        with pytest.raises(SystemExit) as left:
            main()
        captured = capsys.readouterr()
        assert "Traceback" not in captured.err
        assert "should have been told more plainly" not in captured.err
        return Told(int(left.value.code or 0), captured.out, captured.err)

    return run


@pytest.fixture
def packed(tmp_path: Path) -> Callable[..., Path]:
    """Writes a tar of (name, content) pairs and of ready-made headers."""

    def write(*members: tuple[str, bytes] | tarfile.TarInfo, name: str = "x.tar", mode: str = "w") -> Path:
        path = tmp_path / name
        with tarfile.open(path, mode) as tar:  # type: ignore[call-overload]
            for member in members:
                if isinstance(member, tarfile.TarInfo):
                    tar.addfile(member)
                    continue
                entry = tarfile.TarInfo(member[0])
                entry.size, entry.mtime = len(member[1]), 1_500_000_000
                tar.addfile(entry, io.BytesIO(member[1]))
        return path

    return write


def special(name: str, kind: bytes, link: str = "") -> tarfile.TarInfo:
    """The header of a link, device or FIFO."""
    entry = tarfile.TarInfo(name)
    entry.type, entry.linkname = kind, link
    return entry


@pytest.fixture
def header() -> Callable[..., tarfile.TarInfo]:
    """Makes the header of a link, device or FIFO."""
    return special

"""Downloads from a server on this machine that can be told to misbehave."""

from __future__ import annotations

import hashlib
import threading
from collections.abc import Iterator
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path

import pytest

from hardiness.core.errors import DataError
from hardiness.core.random import rng
from hardiness.sources import downloads, http
from hardiness.sources.downloads import fetch
from hardiness.sources.packages import cache_folder


@pytest.fixture(autouse=True)
def _short_pauses(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(downloads, "_BACK_OFF_S", 0.001)
    monkeypatch.setattr(downloads, "_SILENT", set())


BODY = rng(0, "downloads").bytes(3_000_001)
SHA256 = hashlib.sha256(BODY).hexdigest()


@dataclass
class Server:
    """What the server does, and what it was asked."""

    url: str = ""
    ranges: bool = True
    cuts: list[int] = field(default_factory=list)  # how many bytes each of the next answers gives at most
    status: int = 200
    claim: int | None = None  # Content-Length to claim instead of the truth
    shift: int = 0  # answers a range with another start
    asked: list[str | None] = field(default_factory=list)


@pytest.fixture
def server() -> Iterator[Server]:
    state = Server()

    class Handler(BaseHTTPRequestHandler):
        def do_GET(self) -> None:
            wanted = self.headers.get("Range")
            state.asked.append(wanted)
            if state.status != 200:
                self.send_error(state.status)
                return
            start = int(wanted.removeprefix("bytes=").rstrip("-")) if wanted and state.ranges else 0
            if start >= len(BODY):
                self.send_response(416)
                self.send_header("Content-Range", f"bytes */{len(BODY)}")
                self.end_headers()
                return
            start -= state.shift if start else 0
            self.send_response(206 if start else 200)
            if start:
                self.send_header("Content-Range", f"bytes {start}-{len(BODY) - 1}/{len(BODY)}")
            self.send_header("Content-Length", str(state.claim or len(BODY) - start))
            self.end_headers()
            end = start + state.cuts.pop(0) if state.cuts else len(BODY)
            self.wfile.write(BODY[start:end])

        def log_message(self, *args: object) -> None:
            pass

    httpd = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
    state.url = f"http://127.0.0.1:{httpd.server_port}/net-{SHA256[:8]}.pth"
    thread = threading.Thread(target=httpd.serve_forever, kwargs={"poll_interval": 0.01})
    thread.start()
    yield state
    httpd.shutdown()
    thread.join()
    httpd.server_close()


def test_gives_the_bytes_once(server: Server, tmp_path: Path) -> None:
    seen: list[tuple[int, int | None]] = []
    file = fetch(
        server.url, sha256=SHA256[:8], folder=tmp_path, progress=lambda done, total: seen.append((done, total))
    )
    assert file.read_bytes() == BODY
    assert seen[-1] == (len(BODY), len(BODY))
    assert [done for done, _ in seen] == sorted(done for done, _ in seen)
    assert fetch(server.url, sha256=SHA256[:8], folder=tmp_path) == file
    assert server.asked == [None]
    assert not list(tmp_path.glob("*.part"))


def test_goes_on_after_breaks(server: Server, tmp_path: Path) -> None:
    server.cuts = [1_000_000, 500_000, 100]
    assert fetch(server.url, sha256=SHA256, folder=tmp_path).read_bytes() == BODY
    assert server.asked == [None, "bytes=1000000-", "bytes=1500000-", "bytes=1500100-"]


def test_goes_on_with_the_part_of_an_earlier_run(server: Server, tmp_path: Path) -> None:
    (tmp_path / f"{Path(server.url).name}.part").write_bytes(BODY[:2_000_000])
    seen: list[int] = []
    fetch(server.url, sha256=SHA256, folder=tmp_path, progress=lambda done, _: seen.append(done))
    assert server.asked == ["bytes=2000000-"]
    assert seen[0] > 2_000_000


def test_a_whole_part_is_not_fetched_again(server: Server, tmp_path: Path) -> None:
    (tmp_path / f"{Path(server.url).name}.part").write_bytes(BODY)
    assert fetch(server.url, sha256=SHA256, folder=tmp_path).read_bytes() == BODY
    assert server.asked == [f"bytes={len(BODY)}-"]


def test_a_part_longer_than_the_file_is_thrown_away(server: Server, tmp_path: Path) -> None:
    (tmp_path / f"{Path(server.url).name}.part").write_bytes(BODY + b"rest of another file")
    assert fetch(server.url, sha256=SHA256, folder=tmp_path).read_bytes() == BODY


def test_starts_over_where_the_server_knows_no_ranges(server: Server, tmp_path: Path) -> None:
    server.ranges, server.cuts = False, [1_000_000]
    assert fetch(server.url, sha256=SHA256, folder=tmp_path).read_bytes() == BODY
    assert server.asked == [None, "bytes=1000000-"]


def test_a_range_that_starts_elsewhere_is_not_glued_on(server: Server, tmp_path: Path) -> None:
    server.shift, server.cuts = 7, [1_000_000]
    assert fetch(server.url, sha256=SHA256, folder=tmp_path).read_bytes() == BODY


def test_wrong_hash_removes_the_file(server: Server, tmp_path: Path) -> None:
    with pytest.raises(DataError, match=r"sha256 that starts with 00000000, had .*removed"):
        fetch(server.url, sha256="00000000", folder=tmp_path)
    assert [path.suffix for path in tmp_path.iterdir()] in ([], [".lock"])


def test_a_kept_file_is_checked_again(server: Server, tmp_path: Path) -> None:
    file = fetch(server.url, sha256=SHA256, folder=tmp_path)
    file.write_bytes(BODY[:-1] + b"x")
    with pytest.raises(DataError, match="must have a sha256"):
        fetch(server.url, sha256=SHA256, folder=tmp_path)
    assert fetch(server.url, sha256=SHA256, folder=tmp_path).read_bytes() == BODY


def test_a_server_that_stops_for_good_is_told_and_the_part_kept(server: Server, tmp_path: Path) -> None:
    server.cuts = [1_000_000, 0, 0, 0, 0, 0]
    with pytest.raises(DataError, match=r"connection ended early .1,000,000 bytes are kept"):
        fetch(server.url, sha256=SHA256, folder=tmp_path)
    assert fetch(server.url, sha256=SHA256, folder=tmp_path).read_bytes() == BODY


def test_who_gave_nothing_is_not_waited_for_again(server: Server, tmp_path: Path) -> None:
    server.cuts = [0] * 6
    for attempts in (5, 6):
        with pytest.raises(DataError, match="connection ended early"):
            fetch(server.url, folder=tmp_path)
        assert len(server.asked) == attempts
    assert fetch(server.url, sha256=SHA256, folder=tmp_path).read_bytes() == BODY


def test_missing_file_is_told_with_address_and_status(server: Server, tmp_path: Path) -> None:
    server.status = 404
    with pytest.raises(DataError, match=r"127\.0\.0\.1.* answers 404 .*by hand"):
        fetch(server.url, folder=tmp_path)
    assert len(server.asked) == 1


def test_no_server_is_told(tmp_path: Path) -> None:
    with pytest.raises(DataError, match=r"cannot download http://127\.0\.0\.1:9/net\.pth: .*refused"):
        fetch("http://127.0.0.1:9/net.pth", folder=tmp_path)


def test_a_folder_that_cannot_be_written_is_told(tmp_path: Path) -> None:
    (tmp_path / "file").write_text("in the way")
    with pytest.raises(DataError, match=r"cannot keep net\.pth in .*HARDINESS_CACHE"):
        fetch("http://127.0.0.1:9/net.pth", folder=tmp_path / "file")


def test_two_at_once_fetch_once(server: Server, tmp_path: Path) -> None:
    found: list[Path] = []
    threads = [
        threading.Thread(target=lambda: found.append(fetch(server.url, sha256=SHA256, folder=tmp_path)))
        for _ in range(4)
    ]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert len(found) == 4
    assert server.asked == [None]


def test_a_silent_server_times_out(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    import socket

    monkeypatch.setattr(http, "TIMEOUT_S", 0.05)
    with socket.create_server(("127.0.0.1", 0)) as silent, pytest.raises(DataError, match="timed out"):
        fetch(f"http://127.0.0.1:{silent.getsockname()[1]}/net.pth", folder=tmp_path)


def test_cache_folder_follows_the_environment(monkeypatch: pytest.MonkeyPatch, tmp_path: Path, server: Server) -> None:
    monkeypatch.setenv("HARDINESS_CACHE", str(tmp_path))
    assert cache_folder() == tmp_path
    assert fetch(server.url).parent == tmp_path / "weights"
    monkeypatch.delenv("HARDINESS_CACHE")
    assert cache_folder().name == "hardiness"


def test_an_address_without_a_name_is_refused() -> None:
    with pytest.raises(DataError, match="file name"):
        fetch("http://127.0.0.1/")


def test_offline_nothing_is_downloaded(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("HARDINESS_OFFLINE", "1")
    with pytest.raises(DataError, match=r"HARDINESS_OFFLINE forbids to download it"):
        fetch("http://127.0.0.1:9/weights.pth", folder=tmp_path)
    (tmp_path / "weights.pth").write_bytes(b"there")
    assert fetch("http://127.0.0.1:9/weights.pth", folder=tmp_path).read_bytes() == b"there"
    monkeypatch.setenv("HARDINESS_OFFLINE", "0")
    with pytest.raises(DataError, match="cannot download"):
        fetch("http://127.0.0.1:9/other.pth", folder=tmp_path)

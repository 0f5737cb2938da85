"""Downloads from a server that misbehaves: whole and right, or told in one line; never wrong, never endless."""

from __future__ import annotations

import shutil
from collections.abc import Callable
from hashlib import md5, sha256
from pathlib import Path
from typing import Any, NamedTuple

import pytest

from hardiness.core.errors import DataError
from hardiness.core.random import rng
from hardiness.sources import http
from hardiness.sources.downloads import RemoteFile

SMALL = rng(0, "small").bytes(300_001)
LARGE = rng(0, "large").bytes(1_000_003)


@pytest.fixture
def remote(web: Any) -> Callable[..., RemoteFile]:
    """A file on the server."""

    def make(content: bytes = LARGE, checksum: str = "sha256", **more: Any) -> RemoteFile:
        web.files["set.tar"] = content
        digest = {"sha256": sha256, "md5": md5}[checksum](content).hexdigest() if checksum else ""
        return RemoteFile("set.tar", (web.url("set.tar"),), f"{checksum}:{digest}" if checksum else "", **more)

    return make


def refusal(remote: RemoteFile, folder: Path) -> str:
    with pytest.raises(DataError) as told:
        remote.obtain(folder)
    assert "\n" not in str(told.value)
    assert not (folder / remote.name).exists()
    return str(told.value)


@pytest.mark.parametrize("checksum", ["sha256", "md5", ""])
def test_whole_and_right(remote: Any, tmp_path: Path, checksum: str) -> None:
    found = remote(checksum=checksum).obtain(tmp_path)
    assert found.path.read_bytes() == LARGE
    kind, _, digest = found.checksum.partition(":")
    assert digest == {"sha256": sha256, "md5": md5}[kind](LARGE).hexdigest()
    assert sorted(path.name for path in tmp_path.iterdir() if path.name.startswith("set")) == [
        "set.tar",
        "set.tar.lock",
    ]


@pytest.mark.parametrize("faults", [["cut"] * 3, ["503", "429", "500"], ["stall", "cut"], ["cut", "503", "stall"]])
def test_what_breaks_is_asked_for_again(remote: Any, web: Any, tmp_path: Path, faults: list[str]) -> None:
    web.faults = faults
    assert remote().obtain(tmp_path).path.read_bytes() == LARGE


@pytest.fixture
def started(remote: Any, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Callable[..., RemoteFile]:
    """A file of which a command that was killed has left a beginning."""

    def start(**options: Any) -> RemoteFile:
        file = remote(**options)

        def kill(done: int, _: int | None) -> None:
            if done >= 300_000:
                raise KeyboardInterrupt

        with monkeypatch.context() as patch:
            patch.setattr(http, "PIECE_BYTES", 100_000)
            with pytest.raises(KeyboardInterrupt):
                file.obtain(tmp_path, kill)
        assert (tmp_path / "set.tar.part").read_bytes() == LARGE[:300_000]
        return file

    return start


def test_a_file_goes_on_where_a_killed_command_stopped(started: Any, web: Any, tmp_path: Path) -> None:
    file = started()
    web.asked.clear()
    assert file.obtain(tmp_path).path.read_bytes() == LARGE
    assert [span for _, span in web.asked] == ["bytes=300000-"]
    assert not list(tmp_path.glob("set.tar.part*"))


@pytest.mark.parametrize("checksum", ["sha256", ""])
def test_another_version_is_not_glued_to_the_old_one(started: Any, web: Any, tmp_path: Path, checksum: str) -> None:
    started(checksum=checksum)
    other = bytes(reversed(LARGE))
    web.files["set.tar"] = other
    digest = f"sha256:{sha256(other).hexdigest()}" if checksum else ""
    assert RemoteFile("set.tar", (web.url("set.tar"),), digest).obtain(tmp_path).path.read_bytes() == other


def test_a_file_that_changes_while_it_comes_is_of_one_version(remote: Any, web: Any, tmp_path: Path) -> None:
    file = remote(checksum="")
    other = bytes(reversed(LARGE))
    web.faults = ["cut", "cut"]
    web.swap = {"set.tar": (1, other)}
    assert file.obtain(tmp_path).path.read_bytes() == other


def test_a_server_without_ranges_serves_too(remote: Any, web: Any, tmp_path: Path) -> None:
    web.ranges = False
    assert remote().obtain(tmp_path).path.read_bytes() == LARGE


def test_a_wrong_byte_is_told_and_removed(remote: Any, web: Any, tmp_path: Path) -> None:
    file = remote()
    web.faults = ["flip"]
    assert "must have a sha256 of" in refusal(file, tmp_path)
    assert not list(tmp_path.glob("set.tar.part*"))
    assert file.obtain(tmp_path).path.read_bytes() == LARGE


@pytest.mark.parametrize(
    ("fault", "says"),
    [
        ("page", "sends a web page in place of the file"),
        ("hidden page", "sends a web page in place of the file"),
        ("loop", "would lead to an infinite loop"),
        ("404", "answers 404"),
        ("403", "answers 403"),
    ],
)
def test_what_another_try_cannot_mend_is_told_at_once(
    remote: Any, web: Any, tmp_path: Path, fault: str, says: str
) -> None:
    web.faults = [fault] * 3
    told = refusal(remote(checksum=""), tmp_path)
    assert says in told
    assert "by hand" in told
    assert len(web.asked) <= 12


def test_a_server_that_stays_busy_is_given_up(remote: Any, web: Any, tmp_path: Path) -> None:
    web.faults = ["503"] * 20
    assert "answers 503" in refusal(remote(), tmp_path)
    assert len(web.asked) == 5


def test_the_next_address_is_asked(remote: Any, web: Any, tmp_path: Path) -> None:
    file = remote()
    mirrors = RemoteFile(file.name, (web.url("gone.tar"), *file.urls), file.checksum)
    assert mirrors.obtain(tmp_path).url == web.url("set.tar")


def test_another_size_than_published_is_not_fetched(remote: Any, web: Any, tmp_path: Path) -> None:
    assert "must have 999" in refusal(remote(size=999), tmp_path)


class Usage(NamedTuple):
    total: int
    used: int
    free: int


def test_a_disk_without_room_is_told_before(remote: Any, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(shutil, "disk_usage", lambda _: Usage(10**9, 10**9, 10**6))
    assert "are free; free some space" in refusal(remote(), tmp_path)


def test_nothing_is_fetched_offline(remote: Any, web: Any, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    file = remote()
    monkeypatch.setenv("HARDINESS_OFFLINE", "1")
    assert "HARDINESS_OFFLINE forbids to download it" in refusal(file, tmp_path)
    assert not web.asked


def test_a_proxy_is_asked(remote: Any, web: Any, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    file = remote(SMALL)
    monkeypatch.setenv("http_proxy", web.address)
    monkeypatch.setenv("no_proxy", "")
    found = RemoteFile("set.tar", ("http://data.invalid/set.tar",), file.checksum).obtain(tmp_path)
    assert found.path.read_bytes() == SMALL
    monkeypatch.setenv("no_proxy", "data.invalid")
    assert "cannot download" in refusal(RemoteFile("other", ("http://data.invalid/set.tar",)), tmp_path)

"""Downloads from a server that misbehaves: whole and right, or told in one line; never wrong, never endless."""

from __future__ import annotations

import json
import shutil
from collections.abc import Callable
from hashlib import md5, sha256
from pathlib import Path
from typing import Any, NamedTuple

import pytest

from hardiness.core import DataError, rng
from hardiness.sources import downloads
from hardiness.sources.downloads import Remote, obtain

SMALL = rng(0, "small").bytes(300_001)
LARGE = rng(0, "large").bytes(1_000_003)


@pytest.fixture
def remote(web: Any, monkeypatch: pytest.MonkeyPatch) -> Callable[..., Remote]:
    """A file on the server; segments are small, so that a megabyte is a large file."""
    monkeypatch.setattr(downloads, "SEGMENT_BYTES", 100_000)

    def make(content: bytes = LARGE, checksum: str = "sha256", **more: Any) -> Remote:
        web.files["set.tar"] = content
        digest = {"sha256": sha256, "md5": md5}[checksum](content).hexdigest() if checksum else ""
        return Remote("set.tar", (web.url("set.tar"),), f"{checksum}:{digest}" if checksum else "", **more)

    return make


def refusal(remote: Remote, folder: Path, connections: int = 1) -> str:
    with pytest.raises(DataError) as told:
        obtain(remote, folder, connections=connections)
    assert "\n" not in str(told.value)
    assert not (folder / remote.name).exists()
    return str(told.value)


@pytest.mark.parametrize("connections", [1, 4])
@pytest.mark.parametrize("checksum", ["sha256", "md5", ""])
def test_whole_and_right(remote: Any, tmp_path: Path, connections: int, checksum: str) -> None:
    found = obtain(remote(checksum=checksum), tmp_path, connections=connections)
    assert found.path.read_bytes() == LARGE
    kind, _, digest = found.checksum.partition(":")
    assert digest == {"sha256": sha256, "md5": md5}[kind](LARGE).hexdigest()
    assert sorted(path.name for path in tmp_path.iterdir() if path.name.startswith("set")) == [
        "set.tar",
        "set.tar.lock",
    ]


@pytest.mark.parametrize("connections", [1, 4])
@pytest.mark.parametrize("faults", [["cut"] * 3, ["503", "429", "500"], ["stall", "cut"], ["cut", "503", "stall"]])
def test_what_breaks_is_asked_for_again(
    remote: Any, web: Any, tmp_path: Path, connections: int, faults: list[str]
) -> None:
    web.faults = faults
    assert obtain(remote(), tmp_path, connections=connections).path.read_bytes() == LARGE


def test_a_large_file_comes_in_ranges_and_goes_on_where_it_stopped(
    remote: Any, web: Any, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    file = remote()
    marked: list[int] = []
    mark = downloads.Segments.mark

    def killed(self: downloads.Segments, number: int) -> None:
        mark(self, number)
        marked.append(number)
        if len(marked) == 4:
            raise KeyboardInterrupt

    monkeypatch.setattr(downloads.Segments, "mark", killed)
    with pytest.raises(KeyboardInterrupt):
        obtain(file, tmp_path, connections=3)
    monkeypatch.setattr(downloads.Segments, "mark", mark)
    assert len(json.loads((tmp_path / "set.tar.part.json").read_text())["done"]) == 4
    web.asked.clear()
    assert obtain(file, tmp_path, connections=3).path.read_bytes() == LARGE
    asked = [int(span.removeprefix("bytes=").split("-")[0]) // 100_000 for _, span in web.asked[1:]]
    assert sorted(asked) == sorted(set(range(11)) - set(marked))


def test_a_part_that_one_connection_left_is_kept_by_several(remote: Any, web: Any, tmp_path: Path) -> None:
    (tmp_path / "set.tar.part").write_bytes(LARGE[:450_000])
    assert obtain(remote(), tmp_path, connections=4).path.read_bytes() == LARGE
    assert min(int(span.removeprefix("bytes=").split("-")[0]) for _, span in web.asked[1:]) == 400_000


def test_another_version_is_not_glued_to_the_old_one(remote: Any, web: Any, tmp_path: Path) -> None:
    file = remote()
    part = downloads.Segments.open(tmp_path / "set.tar.part", len(LARGE), '"another"')
    part.mark(3)
    assert obtain(file, tmp_path, connections=4).path.read_bytes() == LARGE


def test_a_file_that_changes_while_it_comes_is_of_one_version(remote: Any, web: Any, tmp_path: Path) -> None:
    file = remote(checksum="")
    other = bytes(reversed(LARGE))
    web.swap = {"set.tar": (4, other)}
    assert obtain(file, tmp_path, connections=3).path.read_bytes() == other


def test_a_server_without_ranges_serves_too(remote: Any, web: Any, tmp_path: Path) -> None:
    web.ranges = False
    assert obtain(remote(), tmp_path, connections=4).path.read_bytes() == LARGE


@pytest.mark.parametrize("connections", [1, 4])
def test_a_wrong_byte_is_told_and_removed(remote: Any, web: Any, tmp_path: Path, connections: int) -> None:
    file = remote()
    web.faults = ["flip"] if connections == 1 else ["", "flip"]
    assert "must have a sha256 of" in refusal(file, tmp_path, connections)
    assert not list(tmp_path.glob("set.tar.part*"))
    assert obtain(file, tmp_path, connections=connections).path.read_bytes() == LARGE


@pytest.mark.parametrize("connections", [1, 4])
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
    remote: Any, web: Any, tmp_path: Path, fault: str, says: str, connections: int
) -> None:
    web.faults = [fault] * 3
    told = refusal(remote(checksum=""), tmp_path, connections)
    assert says in told
    assert "by hand" in told
    assert len(web.asked) <= 12


def test_a_server_that_stays_busy_is_given_up(remote: Any, web: Any, tmp_path: Path) -> None:
    web.faults = ["503"] * 20
    assert "answers 503" in refusal(remote(), tmp_path)
    assert len(web.asked) == 5


def test_the_next_address_is_asked(remote: Any, web: Any, tmp_path: Path) -> None:
    file = remote()
    mirrors = Remote(file.name, (web.url("gone.tar"), *file.urls), file.checksum)
    assert obtain(mirrors, tmp_path, connections=2).url == web.url("set.tar")


def test_another_size_than_published_is_not_fetched(remote: Any, web: Any, tmp_path: Path) -> None:
    assert "must have 999" in refusal(remote(size=999), tmp_path)
    assert "must have 999" in refusal(remote(size=999), tmp_path, 4)


class Usage(NamedTuple):
    total: int
    used: int
    free: int


@pytest.mark.parametrize("connections", [1, 4])
def test_a_disk_without_room_is_told_before(
    remote: Any, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, connections: int
) -> None:
    monkeypatch.setattr(shutil, "disk_usage", lambda _: Usage(10**9, 10**9, 10**6))
    assert "are free; free some space" in refusal(remote(), tmp_path, connections)


def test_nothing_is_fetched_offline(remote: Any, web: Any, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    file = remote()
    monkeypatch.setenv("HARDINESS_OFFLINE", "1")
    assert "HARDINESS_OFFLINE forbids to download it" in refusal(file, tmp_path)
    assert "HARDINESS_OFFLINE forbids to download it" in refusal(file, tmp_path, 4)
    assert not web.asked


def test_a_proxy_is_asked(remote: Any, web: Any, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    file = remote(SMALL)
    monkeypatch.setenv("http_proxy", web.address)
    monkeypatch.setenv("no_proxy", "")
    found = obtain(Remote("set.tar", ("http://data.invalid/set.tar",), file.checksum), tmp_path)
    assert found.path.read_bytes() == SMALL
    monkeypatch.setenv("no_proxy", "data.invalid")
    assert "cannot download" in refusal(Remote("other", ("http://data.invalid/set.tar",)), tmp_path)

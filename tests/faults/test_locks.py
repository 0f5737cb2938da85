"""What another command holds: it is named, and waited for as long as asked."""

from __future__ import annotations

import logging
import os
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from filelock import FileLock

from hardiness.core.errors import DataError, StoreError
from hardiness.sources import locks
from hardiness.sources.downloads import RemoteFile
from hardiness.store.lock import locked


@pytest.fixture
def somebody(tmp_path: Path) -> Callable[[Path], FileLock]:
    """Locks a file, as a process on another machine would."""

    def hold(lock: Path) -> FileLock:
        lock.parent.mkdir(parents=True, exist_ok=True)
        lock.with_name(f"{lock.name}-holder").write_text("process 4711 on elsewhere")
        return FileLock(lock)

    return hold


@pytest.mark.parametrize(
    "command",
    [
        ["corruptions", "--corruptions", "brightness", "--format", "jpeg"],
        ["perturbations", "--perturbations", "translate"],
    ],
)
def test_a_tree_that_another_command_writes_is_waited_for(
    somebody: Any, hardiness: Any, tmp_path: Path, command: list[str]
) -> None:
    name, *options = command
    line = ["make", name, "embedded", tmp_path / "t", *options, "--limit", "1", "--quiet"]
    begin = time.monotonic()
    with somebody(tmp_path / "t" / ".lock"):
        told = hardiness(*line, "--wait", "0.1")
    assert time.monotonic() - begin < 2 + 20
    assert told.status == 1
    assert "t is locked by process 4711 on elsewhere, and was for 0.1 s; wait for its end" in told.err
    assert not list((tmp_path / "t").rglob("*.*G")), "nothing was written"
    assert hardiness(*line).status == 0, "what says who held it is no strange file"
    assert not (tmp_path / "t" / ".lock-holder").exists()


def test_who_fetches_a_file_is_told(somebody: Any, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    told: list[str] = []
    monkeypatch.setattr(locks, "FIRST_WAIT_S", 0.05)
    monkeypatch.setattr(logging.getLogger("hardiness"), "warning", told.append)  # whatever handlers a test before left
    with somebody(tmp_path / "set.tar.lock"), pytest.raises(DataError, match="process 4711 on elsewhere, and was for"):
        RemoteFile("set.tar", ("http://127.0.0.1:9/set.tar",)).obtain(tmp_path, wait_s=0.2)
    (line,) = told
    assert line.endswith("set.tar is locked by process 4711 on elsewhere; waiting for up to 0.2 s")


def test_data_get_waits_as_long_as_asked(somebody: Any, hardiness: Any, tmp_path: Path) -> None:
    with somebody(tmp_path / "downloads" / "imagenet-a" / "imagenet-a.tar.lock"):
        told = hardiness("data", "get", "imagenet-a", "--data", tmp_path, "--wait", "0", "--quiet")
    assert told.status == 2
    assert "imagenet-a.tar is locked by process 4711 on elsewhere" in told.err


@pytest.mark.parametrize("plant", [os.mkfifo, Path.mkdir, lambda path: path.symlink_to("/dev/zero")])
def test_what_is_planted_in_place_of_the_holder_is_not_opened(tmp_path: Path, plant: Callable[[Path], object]) -> None:
    plant(tmp_path / ".lock-holder")
    with (
        FileLock(tmp_path / ".lock"),
        pytest.raises(StoreError, match="is locked by another process"),
        locked(tmp_path, wait_s=0),
    ):
        pass
    with locked(tmp_path, wait_s=0):
        pass


def test_the_holder_is_shown_as_one_printable_line(tmp_path: Path) -> None:
    (tmp_path / ".lock-holder").write_bytes(b"\x1b[31m\xff\n[/red]")
    with FileLock(tmp_path / ".lock"), pytest.raises(StoreError) as told, locked(tmp_path, wait_s=0):
        pass
    assert str(told.value).isprintable()

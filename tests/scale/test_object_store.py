"""An output folder in an object store, on a server that refuses now and then."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest

from hardiness.core import ArgumentError
from hardiness.store.objects import ObjectFiles, is_address


@pytest.fixture(params=["s3://bucket/out", "memory://"])
def files(request: pytest.FixtureRequest, s3: Any) -> ObjectFiles:
    address = request.param if request.param.startswith("s3") else f"memory://{request.node.name}"
    return ObjectFiles(address)


def test_files_are_put_listed_moved_and_removed(files: ObjectFiles) -> None:
    assert files.conditional
    assert files.create("a/b", b"1")
    assert not files.create("a/b", b"2")
    assert files.read("a/b") == b"1"
    files.write("a/b", b"22")
    files.write("c", b"")
    assert {path: stamp[0] for path, stamp in files.listed("").items()} == {"a/b": 2, "c": 0}
    assert list(files.listed("a")) == ["a/b"]
    files.move("a/b", "d/e")
    assert (files.has("a/b"), files.has("d/e")) == (False, True)
    files.remove("d/e")
    files.remove("d/e")
    files.move("gone", "elsewhere")
    assert files.read("d/e") is None


def test_refusals_of_the_moment_are_tried_again(s3: Any) -> None:
    s3.every = 3
    files = ObjectFiles("s3://bucket/faulty")
    for number in range(8):
        assert files.create(f"x/{number}", str(number).encode())
    assert len(files.listed("x")) == 8
    assert files.read("x/3") == b"3"


def test_a_store_without_conditions_is_told_apart_and_made_safe(s3: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    def ignores_conditions(self: ObjectFiles, path: str, content: bytes) -> bool:
        self.write(path, content)
        return True

    monkeypatch.setattr(ObjectFiles, "_put_if_absent", ignores_conditions)
    monkeypatch.setattr("hardiness.store.objects.SETTLE_S", 0.01)
    files = ObjectFiles("s3://bucket/plain")
    assert not files.conditional
    assert files.create("a", b"1")
    assert not files.create("a", b"2")
    assert files.read("a") == b"1"


@pytest.mark.parametrize("address", ["s3://nowhere/out", "ftp://x/y"])
def test_what_is_no_store_is_one_line(address: str, s3: Any) -> None:
    if not is_address(address):
        return
    with pytest.raises(ArgumentError, match=f"--out {address}") as told:
        ObjectFiles(address)
    assert "\n" not in str(told.value)


@pytest.mark.slow
def test_three_workers_on_a_faulty_store_leave_the_records_of_one_process(
    spawn: Any, command: list[str], s3: Any, tmp_path: Path
) -> None:
    alone = spawn(*command, "--out", str(tmp_path / "one"))
    assert alone.wait(240) == 0
    s3.every = 11
    workers = [spawn(*command, "--out", "s3://bucket/run", "--worker", f"{i}/3") for i in range(3)]
    for worker in workers:
        _, told = worker.communicate(timeout=240)
        assert worker.returncode == 0, told
    s3.every = 0
    files = ObjectFiles("s3://bucket/run")
    names = [path for path in files.listed("records") if path.endswith(".parquet") and path.count("/") == 2]
    assert {name: files.read(name) for name in names} == {
        str(path.relative_to(tmp_path / "one")): path.read_bytes()
        for path in sorted((tmp_path / "one").glob("records/*/*.parquet"))
    }
    (result,) = json.loads(files.read("results.json") or b"")["results"]
    assert result["counts"]["evaluated"] == 80
    assert files.has("report.html")
    shown = spawn("show", "s3://bucket/run")
    out, told = shown.communicate(timeout=120)
    assert shown.returncode == 0, told
    assert "imagenet-c on imagenet" in out

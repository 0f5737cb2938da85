"""An output folder in an object store, on a server that refuses now and then."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from sliced_runs import columns_of, stored

from hardiness import load_results
from hardiness.core.codes import FolderRemark
from hardiness.core.errors import ArgumentError, StoreError
from hardiness.report.words import text
from hardiness.store.object_files import ObjectFiles
from hardiness.store.store import Store


@pytest.fixture(params=["s3://bucket/out", "gs://bucket/google", "memory://"])
def files(request: pytest.FixtureRequest, s3: Any) -> ObjectFiles:
    address = f"memory://{request.node.name}" if request.param.startswith("memory") else request.param
    return ObjectFiles(address)


def test_files_are_put_listed_moved_and_removed(files: ObjectFiles) -> None:
    assert files.conditional
    assert files.create("a/b", b"1")
    assert not files.create("a/b", b"2")
    assert files.read("a/b") == b"1"
    files.write("a/b", b"22")
    files.write("c", b"")
    assert {path: stamp[0] for path, stamp in files.list_files("").items()} == {"a/b": 2, "c": 0}
    assert list(files.list_files("a")) == ["a/b"]
    files.write("a/c", b"")
    assert list(files.list_files("a", after="b")) == ["a/c"]
    assert files.read_all(["a/c", "a/b", "none"]) == {"a/c": b"", "a/b": b"22", "none": None}
    files.remove_all(["a/c", "none"])
    files.move("a/b", "d/e")
    assert (files.has("a/b"), files.has("d/e")) == (False, True)
    files.remove("d/e")
    files.remove("d/e")
    files.move("gone", "elsewhere")
    assert files.read("d/e") is None


@pytest.mark.parametrize("address", ["s3://bucket/columns", "memory://columns"])
def test_columns_of_pictures_are_stored_beside_rows_and_slice_them(address: str, s3: Any) -> None:
    store = stored(address, np.arange(120)[:, None] % 4 > 0)
    tables = [columns_of(120, site=["A", "B"] * 60), columns_of(120, patient=[f"p{k // 4}" for k in range(120)])]
    for table in (*tables, tables[0]):
        store.runs()[0].keep_picture_columns(table)
    folder = f"{store.runs()[0].path}/columns"
    assert len(store.files.list_files(folder)) == 2, "what is stored already is not stored again"
    (result,) = load_results(address, cluster="patient", slices="site")
    assert result.clusters is not None
    assert result.clusters.clusters == 30
    assert {each.value: (each.score.n, each.score.value) for each in result.slices[0].slices} == {
        "A": (60, 0.5),
        "B": (60, 1.0),
    }


def test_refusals_of_the_moment_are_tried_again(s3: Any) -> None:
    s3.every = 3
    files = ObjectFiles("s3://bucket/faulty")
    for number in range(8):
        assert files.create(f"x/{number}", str(number).encode())
    assert len(files.list_files("x")) == 8
    assert files.read("x/3") == b"3"


def test_a_server_that_stalls_or_hangs_up_is_asked_again(s3: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    """What was put before the answer was lost is found there, and compared."""
    monkeypatch.setattr("hardiness.store.object_files.TIMEOUT", "1s")
    monkeypatch.setattr("hardiness.store.object_files.FIRST_REST_S", 0.01)
    files = ObjectFiles("s3://bucket/stalling")
    s3.stalls, before = [2.0], s3.requests
    assert not files.create("a", b"1"), "it was there by then"
    assert s3.requests - before >= 2, "it was asked again"
    s3.hangs_up = 2
    assert files.read("a") == b"1"
    s3.hangs_up = 2
    files.create("b", b"2")
    assert s3.hangs_up == 0
    assert files.read("b") == b"2"


def test_a_store_without_conditions_is_told_apart_and_made_safe(s3: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    def ignores_conditions(self: ObjectFiles, path: str, content: bytes) -> bool:
        self.write(path, content)
        return True

    monkeypatch.setattr(ObjectFiles, "_put_if_absent", ignores_conditions)
    monkeypatch.setattr("hardiness.store.object_files.SETTLE_S", 0.01)
    files = ObjectFiles("s3://bucket/plain")
    assert not files.conditional
    assert files.create("a", b"1")
    assert not files.create("a", b"2")
    assert files.read("a") == b"1"
    store = Store.create("s3://bucket/plain")
    (remark,) = store.remarks
    assert (remark.code, remark.arguments["lacks"]) == (FolderRemark.CLAIMS, "conditional writes")
    assert "s3://bucket/plain cannot put an object only where there is none" in text(remark)
    assert Store.create("memory://plain").remarks != store.remarks


@pytest.mark.parametrize(
    ("address", "said"),
    [
        ("s3://nowhere/out", "there is no such bucket"),
        ("ftp://x/y", "must be a folder, or an address that begins with"),
        ("az://container/x", "set AZURE_STORAGE_ACCOUNT_NAME"),
    ],
)
def test_what_is_no_store_is_one_line(address: str, said: str, s3: Any) -> None:
    with pytest.raises(ArgumentError, match=f"--out {address}: .*{said}") as told:
        Store(address)
    assert "\n" not in str(told.value)


def test_a_key_that_holds_a_line_break_is_one_line(s3: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("AWS_ACCESS_KEY_ID", "key\n")
    with pytest.raises(ArgumentError, match="AWS_ACCESS_KEY_ID must be one line of printable characters") as told:
        Store("s3://bucket/out")
    assert "\n" not in str(told.value)


REFUSED = {
    "no permission": (
        403,
        "<Error><Code>AccessDenied</Code><Message>Access Denied</Message></Error>",
        "no permission; look",
    ),
    "wrong region": (301, "<Error><Code>PermanentRedirect</Code></Error>", "in another region; set AWS_REGION"),
    "wrong region, told otherwise": (
        400,
        "<Error><Code>AuthorizationHeaderMalformed</Code><Message>expecting 'eu-west-1'</Message></Error>",
        "in another region; set AWS_REGION",
    ),
    "too much at a time": (429, "slow down", "429"),
    "a clock": (
        403,
        "<Error><Code>RequestTimeTooSkewed</Code><Message>The difference is too large.</Message></Error>",
        "clock is too far from the store's",
    ),
}


@pytest.mark.parametrize("case", REFUSED)
def test_a_store_that_refuses_is_one_line_that_says_what_to_do(
    case: str, refuse: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    status, body, said = REFUSED[case]
    monkeypatch.setattr("hardiness.store.object_files.FIRST_REST_S", 0.001)
    refuse(status, body)
    with pytest.raises(ArgumentError, match=said) as told:
        ObjectFiles("s3://bucket/out")
    assert "\n" not in str(told.value)
    assert len(str(told.value)) < 400
    assert ("no permission" in str(told.value)) == (case == "no permission")


def test_no_server_is_one_line(s3: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("hardiness.store.object_files.FIRST_REST_S", 0.001)
    monkeypatch.setenv("AWS_ENDPOINT_URL", "http://127.0.0.1:9")
    with pytest.raises(ArgumentError, match="there is no answer; look at the address") as told:
        ObjectFiles("s3://bucket/out")
    assert "\n" not in str(told.value)


def test_a_store_that_fails_in_the_middle_keeps_what_is_stored(s3: Any, refuse: Any) -> None:
    files = ObjectFiles("s3://bucket/out")
    files.write("records/one", b"1")
    refuse(403, "<Error><Code>AccessDenied</Code></Error>")
    with pytest.raises(StoreError, match=r"cannot write s3://bucket/out/records/two: no permission"):
        files.write("records/two", b"2")
    refuse()
    assert list(files.list_files("records")) == ["records/one"]


def test_stamps_are_told(files: ObjectFiles) -> None:
    assert files.stamp("a") is None
    files.write("a", b"1")
    first = files.stamp("a")
    assert first == files.list_files("")["a"]
    files.write("a", b"22")
    assert files.stamp("a") not in (None, first)


@pytest.mark.slow
def test_three_workers_on_a_faulty_store_leave_the_records_of_one_process(
    spawn: Any, command: list[str], s3: Any, tmp_path: Path
) -> None:
    """Two models, so that a unit has two files."""
    second = tmp_path / "second.py"
    second.write_text((tmp_path / "network.py").read_text().replace("manual_seed(0)", "manual_seed(1)"))
    command += ["-m", f"py:{second}:build"]
    alone = spawn(*command, "--out", str(tmp_path / "one"))
    assert alone.wait(240) == 0
    s3.every = 11
    workers = [spawn(*command, "--out", "s3://bucket/run", "--worker", f"{i}/3") for i in range(3)]
    for worker in workers:
        _, told = worker.communicate(timeout=240)
        assert worker.returncode == 0, told
    s3.every = 0
    files = ObjectFiles("s3://bucket/run")
    names = [path for path in files.list_files("records") if path.endswith(".parquet") and path.count("/") == 2]
    assert {name: files.read(name) for name in names} == {
        str(path.relative_to(tmp_path / "one")): path.read_bytes()
        for path in sorted((tmp_path / "one").glob("records/*/*.parquet"))
    }
    results = json.loads(files.read("results.json") or b"")["results"]
    assert [result["counts"]["evaluated"] for result in results] == [80, 80]
    assert files.has("report.html")
    shown = spawn("show", "s3://bucket/run")
    out, told = shown.communicate(timeout=120)
    assert shown.returncode == 0, told
    assert "imagenet-c on imagenet" in out

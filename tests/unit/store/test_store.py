"""Shards, resume, merging and the refusals of the store."""

import errno
import json
from pathlib import Path

import numpy as np
import pytest

from hardiness.core import ArgumentError, DataError, Failure, Records, StoreError
from hardiness.store import Store, StoredRun, run_key

IDENTITY = {"model": "py:net.py:build", "benchmark": "imagenet-val", "seed": 0}


def records(*samples: str, condition: int = 0, failures: tuple[Failure, ...] = ()) -> Records:
    n = len(samples)
    return Records(
        {
            "sample": np.array(samples, np.str_),
            "condition": np.full(n, condition, np.int16),
            "frame": np.zeros(n, np.int16),
            "label": np.arange(n, dtype=np.int32),
            "top5_logit": np.arange(5 * n, dtype=np.float32).reshape(n, 5),
        }
        if n
        else {},
        failures,
    )


def work(*samples: str, condition: int = 0) -> list[tuple[str, int]]:
    return [(sample, condition) for sample in samples]


@pytest.fixture
def run(tmp_path: Path) -> StoredRun:
    return Store.create(tmp_path / "out").run(IDENTITY, {"batch_size": 8})


def test_what_was_written_is_read_again(run: StoredRun) -> None:
    given = records("a/1", "b/2", failures=(Failure("c/3", "torn", (0, 4)),))
    run.write(0, work("a/1", "b/2", "c/3"), given)
    found = run.records()
    assert set(found.columns) == {*given.columns, "image"}
    assert found["image"].tolist() == [0, 1]
    for name, column in given.columns.items():
        np.testing.assert_array_equal(found[name], column)
        assert found[name].dtype == column.dtype or name == "sample"
    assert found.failures == given.failures


def test_equal_records_are_equal_bytes(run: StoredRun, tmp_path: Path) -> None:
    other = Store.create(tmp_path / "other").run(IDENTITY, {"batch_size": 8})
    for each in (run, other):
        each.write(3, work("a", "b"), records("a", "b"))
    (first,), (second,) = (list(each.folder.glob("*.parquet")) for each in (run, other))
    assert first.name == second.name
    assert first.read_bytes() == second.read_bytes()


def test_missing_is_what_is_not_stored(run: StoredRun) -> None:
    run.write(0, work("a", "b"), records("a", "b"))
    files = run.files()
    assert run.missing(0, work("a", "b"), files) == []
    assert run.missing(0, work("a", "b", "c"), files) == work("c")
    assert run.missing(0, work("a", condition=1), files) == work("a", condition=1)
    assert run.missing(1, work("a"), files) == work("a")


def test_a_failed_sample_is_tried_again_and_counted_once(run: StoredRun) -> None:
    failure = Failure("b", "torn")
    run.write(0, work("a", "b"), records("a", failures=(failure,)))
    assert run.missing(0, work("a", "b"), run.files()) == work("b")
    run.write(0, work("b"), records(failures=(failure,)))
    assert run.records().failures == (failure,)
    run.write(0, work("b"), records("b"))
    assert run.records().failures == ()
    assert sorted(run.records()["sample"]) == ["a", "b"]


def test_overlapping_shards_of_two_processes_count_each_row_once(run: StoredRun) -> None:
    run.write(0, work("a", "b"), records("a", "b"))
    run.write(0, work("a", "b", "c"), records("a", "b", "c"))
    assert sorted(run.records()["sample"]) == ["a", "b", "c"]


def test_rows_come_sorted_whatever_the_order_of_evaluation(run: StoredRun) -> None:
    run.write(0, work("c", "a"), records("c", "a"))
    run.write(1, work("b", condition=1), records("b", condition=1))
    run.write(1, work("b"), records("b"))
    found = run.records()
    assert list(zip(found["sample"], found["condition"], found["image"], strict=True)) == [
        ("a", 0, 0),
        ("b", 0, 1),
        ("b", 1, 1),
        ("c", 0, 2),
    ]


def test_key_changes_with_anything() -> None:
    assert run_key(IDENTITY) == run_key(dict(reversed(IDENTITY.items())))
    assert len({run_key(IDENTITY), run_key({**IDENTITY, "seed": 1}), run_key({**IDENTITY, "model": "x"})}) == 3


def test_the_first_plan_wins(run: StoredRun, tmp_path: Path) -> None:
    again = Store.create(tmp_path / "out").run(IDENTITY, {"batch_size": 16})
    assert again.run["plan"]["batch_size"] == 8
    assert again.folder == run.folder
    assert again.folder.name == f"py_net.py_build--imagenet-val--{run_key(IDENTITY)}"


def test_measured_sessions_add_up(run: StoredRun, tmp_path: Path) -> None:
    store = Store(tmp_path / "out")
    store.add_measured(run, {"rows": 1})
    store.add_measured(run, {"rows": 2})
    assert [session["rows"] for session in run.measured()] == [1, 2]


def test_another_schema_is_refused_and_left_alone(tmp_path: Path) -> None:
    file = tmp_path / "results.json"
    file.write_text('{"schema": 99}')
    with pytest.raises(ArgumentError, match=r"results.json has schema 99, and this version reads and writes 1"):
        Store.create(tmp_path)
    assert json.loads(file.read_text()) == {"schema": 99}


def test_a_results_file_that_is_no_json_is_told(tmp_path: Path) -> None:
    (tmp_path / "results.json").write_text("{")
    with pytest.raises(StoreError, match="not valid JSON"):
        Store.create(tmp_path)


def test_a_folder_without_records_is_no_store(tmp_path: Path) -> None:
    with pytest.raises(DataError, match="--out of an earlier"):
        Store.open(tmp_path)


def test_out_under_a_file_is_refused(tmp_path: Path) -> None:
    (tmp_path / "file").write_text("")
    with pytest.raises(ArgumentError, match="a file stands where a folder must be"):
        Store.create(tmp_path / "file" / "out")


def test_out_without_permission_is_refused(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    def refuse(self: Path, mode: str) -> None:
        raise PermissionError(errno.EACCES, "Permission denied")

    monkeypatch.setattr(Path, "open", refuse)  # root, as CI is, may write anywhere
    with pytest.raises(ArgumentError, match=r"--out .*permission denied; choose another folder"):
        Store.create(tmp_path / "out")


def test_a_full_disk_is_told_and_leaves_nothing_behind(run: StoredRun, monkeypatch: pytest.MonkeyPatch) -> None:
    def full(descriptor: int) -> None:
        raise OSError(errno.ENOSPC, "No space left on device")

    run.write(0, work("a"), records("a"))
    monkeypatch.setattr("os.fsync", full)
    with pytest.raises(StoreError, match="the disk is full"):
        run.write(1, work("b"), records("b"))
    assert run.records()["sample"].tolist() == ["a"]
    assert not list(run.partial.glob("*.parquet"))


def test_a_torn_shard_is_told_by_name(run: StoredRun) -> None:
    run.write(0, work("a"), records("a"))
    (path,) = run.folder.glob("*.parquet")
    path.write_bytes(path.read_bytes()[:-20])
    with pytest.raises(StoreError, match=f"{path.name} is not a readable shard"):
        run.records()


def test_a_sample_that_failed_under_some_conditions_fails_under_those_alone(run: StoredRun) -> None:
    run.write(0, work("a"), records("a", failures=(Failure("a", "torn", (1, 2)),)))
    run.write(0, work("a", condition=1), records("a", condition=1))
    assert run.records().failures == (Failure("a", "torn", (2,)),)


def test_rows_can_be_reduced_shard_by_shard(run: StoredRun) -> None:
    """Each shard is reduced as a whole, whatever the number of its files, and samples are numbered afterwards."""
    run.write(0, work("a", "b"), records("a", "b"))
    run.write(0, work("b", "c"), records("b", "c", failures=(Failure("d", "torn"),)))
    run.write(1, work("e"), records("e"))
    seen: list[list[str]] = []

    def first_row(part: Records) -> Records:
        seen.append(part["sample"].tolist())
        return part.where(np.array([0]))

    found = run.records(first_row)
    assert seen == [["a", "b", "c"], ["e"]] or seen == [["b", "c", "a"], ["e"]]
    assert found["image"].tolist() == [0, 1]
    assert found.failures == (Failure("d", "torn"),)

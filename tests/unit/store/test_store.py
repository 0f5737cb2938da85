"""Shards, resume, merging and the refusals of the store."""

import errno
import json
import os
from dataclasses import replace
from io import BytesIO
from pathlib import Path
from threading import Thread

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq
import pytest
from sessions import session_of

from hardiness.core.codes import FolderRemark
from hardiness.core.errors import ArgumentError, DataError, StoreError
from hardiness.core.run import BenchmarkIdentity, ModelIdentity, Plan, Run
from hardiness.core.table import Failure, Records
from hardiness.report.words import text as words_of
from hardiness.sources import locks
from hardiness.store import shards
from hardiness.store.run import OF_SESSION, StoredRun
from hardiness.store.store import Store

IDENTITY = Run(ModelIdentity("py:net.py:build"), BenchmarkIdentity("imagenet-val"))


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
    return Store.create(tmp_path / "out").run(IDENTITY, Plan(batch_size=8))


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


def test_what_another_has_stored_stays_unless_it_is_damaged_or_has_failures(run: StoredRun) -> None:
    given = work("a", "b")
    run.write(0, given, records("a", failures=(Failure("b", "torn", (0,)),)))
    run.write(0, given, records("a", "b"))
    assert run.records()["sample"].tolist() == ["a", "b"], "a try with failures is replaced"
    (path,) = run.folder.glob("*.parquet")
    first = path.read_bytes()
    other = records("a", "b")
    other.columns["label"][:] = 7  # of another processor, say
    run.write(0, given, other)
    run.write(0, given, records("a", failures=(Failure("b", "torn", (0,)),)))
    assert path.read_bytes() == first
    path.write_bytes(first[:-1])
    run.write(0, given, other)
    assert run.records()["label"].tolist() == [7, 7]


def test_equal_records_are_equal_bytes(run: StoredRun, tmp_path: Path) -> None:
    other = Store.create(tmp_path / "other").run(IDENTITY, Plan(batch_size=8))
    for each in (run, other):
        each.write(3, work("a", "b"), records("a", "b"))
    (first,), (second,) = (list(each.folder.glob("*.parquet")) for each in (run, other))
    assert first.name == second.name
    assert first.read_bytes() == second.read_bytes()


def test_missing_is_what_is_not_stored(run: StoredRun) -> None:
    run.write(0, work("a", "b"), records("a", "b"))
    files = run.shards()
    assert run.missing(0, work("a", "b"), files) == []
    assert run.missing(0, work("a", "b", "c"), files) == work("c")
    assert run.missing(0, work("a", condition=1), files) == work("a", condition=1)
    assert run.missing(1, work("a"), files) == work("a")


def test_a_failed_sample_is_tried_again_and_counted_once(run: StoredRun) -> None:
    failure = Failure("b", "torn")
    run.write(0, work("a", "b"), records("a", failures=(failure,)))
    assert run.missing(0, work("a", "b"), run.shards()) == work("b")
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


def test_the_first_plan_wins(run: StoredRun, tmp_path: Path) -> None:
    again = Store.create(tmp_path / "out").run(IDENTITY, Plan(batch_size=16))
    assert again.plan.batch_size == 8
    assert again.folder == run.folder
    assert again.folder.name == f"py_net.py_build--imagenet-val--{IDENTITY.key}"


def test_measured_sessions_add_up(run: StoredRun) -> None:
    run.add_measured(session_of(1, "2026-01-01"))
    run.add_measured(session_of(2, "2026-01-01"))
    assert [session["rows"] for session in run.measured()] == [1, 2]


def test_another_schema_is_refused_and_left_alone(tmp_path: Path) -> None:
    file = tmp_path / "results.json"
    file.write_text('{"schema": 99}')
    with pytest.raises(ArgumentError, match=r"results.json has schema 99, and this version reads and writes 1"):
        Store.create(tmp_path)
    assert json.loads(file.read_text()) == {"schema": 99}


@pytest.mark.parametrize("text", ["{", "[]", "3", "{}", "[" * 100_000])
def test_a_results_file_of_any_other_form_is_told_and_set_aside(run: StoredRun, tmp_path: Path, text: str) -> None:
    file = tmp_path / "out" / "results.json"
    file.write_text(text)
    assert str(file) in words_of(Store.open(tmp_path / "out").check_schema())
    (remark,) = Store.create(tmp_path / "out").remarks
    assert f"now {tmp_path}/out/damaged/results.json" in words_of(remark)
    assert not file.exists()


def test_a_folder_without_records_is_no_store(tmp_path: Path) -> None:
    with pytest.raises(DataError, match="--out of an earlier"):
        Store.open(tmp_path)
    Store.create(tmp_path).write_results([])
    with pytest.raises(DataError, match="evaluated nothing; the same command again says what was skipped"):
        Store.open(tmp_path)


def test_out_under_a_file_is_refused(tmp_path: Path) -> None:
    (tmp_path / "file").write_text("")
    with pytest.raises(ArgumentError, match="a file stands where a folder must be"):
        Store.create(tmp_path / "file" / "out")


def test_another_process_may_open_the_folder_at_any_moment(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    link, others = os.link, list[Thread]()

    def after_another(file: Path, twin: Path) -> None:
        if not others:
            others.append(Thread(target=Store.create, args=(tmp_path / "out",)))
            others[0].start()
            others[0].join()
        link(file, twin)

    monkeypatch.setattr(os, "link", after_another)
    assert Store.create(tmp_path / "out").remarks == []
    assert others
    assert not any((tmp_path / "out" / ".partial").iterdir())


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
    assert not list((run.folder.parents[1] / ".partial").glob("*.parquet"))


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


def damaged(path: Path, how: str) -> None:
    """The shard file as it must never be believed."""
    content = path.read_bytes()
    if how == "cut":
        path.write_bytes(content[:-20])
    elif how == "zeroed":
        path.write_bytes(bytes(len(content)))
    elif how == "foreign":
        pq.write_table(pa.table({"sample": ["a"], "condition": [0]}), path)
    elif how == "column missing":
        table = pq.read_table(path)
        pq.write_table(table.drop_columns(["label"]), path)
    elif how == "column overwritten":
        table = pq.read_table(path)
        place = table.column_names.index("label")
        other = table.set_column(place, "label", pa.array([7] * len(table), pa.int32()))
        pq.write_table(other.replace_schema_metadata(table.schema.metadata), path)
    elif how == "empty":
        path.write_bytes(b"")


WAYS = ("cut", "zeroed", "foreign", "column missing", "column overwritten", "empty")


@pytest.mark.parametrize("how", WAYS)
def test_a_damaged_shard_is_left_out_and_told_by_name(run: StoredRun, how: str) -> None:
    run.write(0, work("a"), records("a"))
    run.write(1, work("b"), records("b"))
    (path,) = run.folder.glob("000000-*.parquet")
    damaged(path, how)
    assert run.records()["sample"].tolist() == ["b"]
    (line,) = map(words_of, run.damage)
    assert str(path) in line
    assert "\n" not in line


@pytest.mark.parametrize("how", WAYS)
def test_damage_is_set_aside_and_its_work_is_missing_again(run: StoredRun, how: str) -> None:
    run.write(0, work("a"), records("a"))
    (path,) = run.folder.glob("*.parquet")
    damaged(path, how)
    (line,) = run.set_damage_aside()
    assert str(run.folder / "damaged" / path.name) in words_of(line)
    assert (run.folder / "damaged" / path.name).exists()
    assert run.missing(0, work("a"), run.shards()) == work("a")
    run.write(0, work("a"), records("a"))
    assert run.set_damage_aside() == []
    assert run.records()["sample"].tolist() == ["a"]


@pytest.mark.slow
def test_every_flipped_bit_of_a_shard_is_noticed_or_changes_nothing(run: StoredRun) -> None:
    given = records("a", "b", failures=(Failure("c", "torn"),))
    run.write(0, work("a", "b", "c"), given)
    (path,) = run.folder.glob("*.parquet")
    content = bytearray(path.read_bytes())
    noticed = 0
    for bit in np.random.default_rng(0).choice(8 * len(content), 400, replace=False).tolist():
        content[bit // 8] ^= 1 << bit % 8
        path.write_bytes(content)
        found = run.read(path.name)
        if found is None:
            noticed += 1
        else:
            assert found.failures == given.failures
            for name, column in given.columns.items():
                np.testing.assert_array_equal(found[name], column)
        content[bit // 8] ^= 1 << bit % 8
    assert noticed > 100


def test_shards_of_another_run_or_unit_are_not_believed(run: StoredRun, tmp_path: Path) -> None:
    other = Store.create(tmp_path / "out").run(replace(IDENTITY, seed=1), Plan(batch_size=8))
    for each in (run, other):
        each.write(0, work("a"), records("a"))
    (mine,), (theirs,) = (list(each.folder.glob("*.parquet")) for each in (run, other))
    mine.write_bytes(theirs.read_bytes())
    assert run.read(mine.name) is None
    assert "belongs to another run" in words_of(run.damage.pop())
    other.write(1, work("b"), records("b"))
    (first, second) = sorted(other.folder.glob("*.parquet"))
    first.write_bytes(second.read_bytes())
    assert other.read(first.name) is None
    assert "holds the work of 000001-" in words_of(other.damage.pop())


def test_files_that_were_proved_are_not_read_again(run: StoredRun, monkeypatch: pytest.MonkeyPatch) -> None:
    run.write(0, work("a"), records("a"))
    assert run.set_damage_aside() == []
    monkeypatch.setattr("hardiness.store.shards.read", lambda *arguments: pytest.fail("read again"))
    assert run.set_damage_aside() == []


def test_damage_that_keeps_size_and_time_is_told_by_whoever_reads_it_and_then_set_aside(run: StoredRun) -> None:
    """As bits rot on a disk: `run` goes by size and time until something has read the file."""
    run.write(0, work("a"), records("a"))
    assert run.set_damage_aside() == []
    (shard,) = run.folder.glob("*.parquet")
    content, status = bytearray(shard.read_bytes()), shard.stat()
    content[len(content) // 3] ^= 1
    shard.write_bytes(content)
    os.utime(shard, ns=(status.st_atime_ns, status.st_mtime_ns))
    assert run.set_damage_aside() == []
    assert run.read(shard.name) is None
    assert shard.name in words_of(run.damage.pop())
    (fact,) = run.set_damage_aside()
    assert fact.code == FolderRemark.SET_ASIDE
    assert shard.name in words_of(fact)
    assert not shard.exists()


def test_an_edited_run_is_told_and_left_out(run: StoredRun, tmp_path: Path) -> None:
    path = run.folder / "run.json"
    path.write_text(path.read_text().replace('"seed": 0', '"seed": 1'))
    survey = Store(tmp_path / "out").survey()
    assert survey.runs == ()
    (line,) = map(words_of, survey.problems)
    assert f"{path} was changed: its key is {IDENTITY.key}" in line


@pytest.mark.parametrize("text", ["[]", "3", '"x"', "{", "\xff", '{"key": 1}', "[" * 100_000])
def test_a_run_file_of_any_other_form_is_told_and_left_out(run: StoredRun, tmp_path: Path, text: str) -> None:
    (run.folder / "run.json").write_bytes(text.encode("latin-1"))
    survey = Store(tmp_path / "out").survey()
    assert survey.runs == ()
    assert len(survey.problems) == 1


@pytest.mark.parametrize("name", ["run.json", "cells.json"])
@pytest.mark.parametrize("text", ["[]", "3", "{", "\xff", "[" * 100_000])
def test_a_command_that_continues_sets_a_damaged_description_aside(
    run: StoredRun, tmp_path: Path, name: str, text: str
) -> None:
    run.write(0, work("a"), records("a"))
    (run.folder / name).write_bytes(text.encode("latin-1"))
    again = Store.create(tmp_path / "out").run(IDENTITY, Plan(batch_size=8))
    (line,) = again.set_damage_aside()
    assert f"now {run.folder}/damaged/{name}" in words_of(line)
    assert again.records()["sample"].tolist() == ["a"]
    assert again.missing(0, work("a"), again.shards()) == []


@pytest.mark.parametrize("is_here", [True, False])
def test_the_description_of_another_run_costs_no_rows(run: StoredRun, tmp_path: Path, is_here: bool) -> None:
    other = Store.create(tmp_path / ("out" if is_here else "other")).run(replace(IDENTITY, seed=1), Plan(batch_size=8))
    run.write(0, work("a"), records("a"))
    (run.folder / "run.json").write_bytes((other.folder / "run.json").read_bytes())
    store = Store.create(tmp_path / "out")
    survey = store.survey()
    assert [each.key for each in survey.runs] == ([other.key] if is_here else [])
    (line,) = map(words_of, survey.problems)
    assert f"{run.folder}/run.json is of another run (key {other.key}, its rows are of {run.key})" in line
    again = store.run(IDENTITY, Plan(batch_size=8))
    (line,) = again.set_damage_aside()
    assert f"now {run.folder}/damaged/run.json" in words_of(line)
    assert again.records()["sample"].tolist() == ["a"]
    assert again.missing(0, work("a"), again.shards()) == []
    assert run.key in [each.key for each in store.survey().runs]
    assert store.survey().problems == ()


def test_sessions_and_strange_files_are_told_and_set_aside(run: StoredRun) -> None:
    run.add_measured(session_of(1, "2026-01-01"))
    run.add_measured(session_of(2, "2026-01-02"))
    first = sorted((run.folder / "measured").iterdir())[0]
    first.write_text("3")
    (run.folder / "notes.parquet").write_bytes(b"PAR1")
    assert [session["rows"] for session in run.measured()] == [2]
    assert [
        path in line for path, line in zip((first.name, "notes.parquet"), map(words_of, run.complaints()), strict=True)
    ] == [True] * 2
    assert len(run.set_damage_aside()) == 2
    assert run.complaints() == []
    assert {path.name for path in (run.folder / "damaged").iterdir()} == {first.name, "notes.parquet"}


@pytest.mark.parametrize(
    ("cut", "lacking"),
    [({"limit": ...}, "limit"), ({"asked": {"data": []}}, "benchmark"), ({"asked": 3}, ", ".join(OF_SESSION))],
)
def test_a_session_that_was_cut_by_hand_is_told(run: StoredRun, cut: dict[str, object], lacking: str) -> None:
    """It ended in a trace where the part was looked up."""
    kept = {name: value for name, value in (session_of(1, "2026-01-01") | cut).items() if value is not ...}
    path = run.add_measured(kept)
    assert run.measured() == []
    (line,) = map(words_of, run.complaints())
    assert line.endswith(f"{path} must hold how a session computed, and lacks {lacking}; delete it")


def test_rows_without_a_description_are_told(run: StoredRun, tmp_path: Path) -> None:
    run.write(0, work("a"), records("a"))
    (run.folder / "run.json").unlink()
    (line,) = map(words_of, Store(tmp_path / "out").survey().problems)
    assert f"{run.folder} holds rows and no run.json" in line


def test_what_is_no_file_is_not_opened(run: StoredRun) -> None:
    run.write(0, work("a"), records("a"))
    run.write(1, work("b"), records("b"))
    first, second = sorted(run.folder.glob("*.parquet"))
    first.unlink()
    os.mkfifo(first)
    second.unlink()
    second.mkdir()
    assert len(run.records()) == 0
    assert ["must be a regular file, is a" in words_of(fact) for fact in run.damage] == [True, True]
    run.damage.clear()
    assert len(run.set_damage_aside()) == 2
    run.write(0, work("a"), records("a"))
    assert run.records()["sample"].tolist() == ["a"]


def test_a_run_that_does_not_say_all_that_its_key_covers_is_told(tmp_path: Path) -> None:
    store = Store(tmp_path)
    run = store.run(IDENTITY, Plan(batch_size=8))
    file = tmp_path / run.path / "run.json"
    found = json.loads(file.read_text())
    del found["run"]["benchmark"]["columns"]
    file.write_text(json.dumps(found))
    survey = store.survey()
    assert survey.runs == ()
    assert "columns" in words_of(survey.problems[0])


def test_a_lock_is_waited_for_and_its_holder_is_named(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    assert locks.FIRST_WAIT_S == 2
    monkeypatch.setattr(locks, "FIRST_WAIT_S", 0.05)
    store, told = Store.create(tmp_path), []
    with store.locked():
        refused = pytest.raises(StoreError, match=rf"is locked by process {os.getpid()} on .*; wait for its end")
        with refused, Store(tmp_path).locked(told.append, wait_s=0.2):
            pytest.fail("two hold one lock")
    assert len(told) == 1
    with store.locked():
        pass


def test_rows_of_a_condition_whose_files_have_changed_are_missing_again(run: StoredRun, tmp_path: Path) -> None:
    first = run.with_cells({0: "x", 1: "y"})
    both = [*work("a"), *work("a", condition=1)]
    first.write(0, both, Records.concatenate([records("a"), records("a", condition=1)]))
    assert first.missing(0, both, first.shards()) == []
    (again,) = Store(tmp_path / "out").runs()
    assert again.cells == {0: "x", 1: "y"}
    changed = again.with_cells({0: "x", 1: "other"})
    assert changed.missing(0, both, changed.shards()) == work("a", condition=1)
    assert changed.records()["condition"].tolist() == [0]
    changed.write(0, work("a", condition=1), records("a", condition=1))
    assert changed.missing(0, both, changed.shards()) == []
    assert changed.records()["condition"].tolist() == [0, 1]


def test_a_file_that_does_not_say_what_it_holds_is_not_taken_for_a_whole_shard() -> None:
    """It was, where nothing is known of its conditions' files, and its pictures were never asked for again."""
    pq.write_table(pa.table({"sample": ["a"]}), stream := BytesIO())
    with pytest.raises(StoreError, match=r"000000-0.parquet is no shard of ours: it does not say what it holds"):
        shards.is_whole(stream.getvalue(), "records/x/000000-0.parquet", {})

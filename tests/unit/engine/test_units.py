"""Units: what is missing, and when somebody else has done it."""

from __future__ import annotations

from pathlib import Path
from types import SimpleNamespace
from typing import Any

import numpy as np
import pytest

from hardiness.core.request import Share
from hardiness.core.run import BenchmarkIdentity, ModelIdentity, Plan, Run
from hardiness.core.table import Failure, Records
from hardiness.engine.listing import StoredWork, uncovered
from hardiness.engine.plan import units
from hardiness.engine.unit import Unit, UnitPart
from hardiness.store.shards import encode
from hardiness.store.store import Store

SAMPLES = [f"n/{index}" for index in range(6)]


def task(out: Path, model: str) -> Any:
    stored = Store.create(out).run(Run(ModelIdentity(model), BenchmarkIdentity("imagenet-val")), Plan())
    return SimpleNamespace(stored=stored, error=None)


def rows(work: list[tuple[str, int]]) -> Records:
    n = len(work)
    return Records(
        {
            "sample": np.array([sample for sample, _ in work], np.str_),
            "condition": np.array([condition for _, condition in work], np.int16),
            "frame": np.zeros(n, np.int16),
        }
    )


def store(unit: Unit) -> None:
    for part in unit.parts:
        part.task.stored.write(part.index, part.work, rows(part.work))


@pytest.fixture
def tasks(tmp_path: Path) -> list[Any]:
    return [task(tmp_path, name) for name in ("a", "b")]


def listed(tasks: list[Any]) -> list[Unit]:
    return list(units(StoredWork(tasks), dict.fromkeys(SAMPLES, (0, 1)), 2))


def test_the_plan_asks_the_listing_alone() -> None:
    """It was a function of tasks and their store; now the same answers give the same units, wherever they are from."""
    asked: list[tuple[int, list[tuple[str, int]]]] = []

    class Listed:
        def parts(self, index: int, rows: list[tuple[str, int]]) -> list[UnitPart]:
            asked.append((index, rows))
            lacked = [row for row in rows if row[0] != "n/3"]
            return [UnitPart(Any, index, lacked, "file")] if index != 1 else []  # type: ignore[arg-type]

    wanted = {sample: (0, 2) if sample == "n/0" else (1,) for sample in SAMPLES}
    made = [(unit.index, unit.parts[0].work, unit.rows) for unit in units(Listed(), wanted, 2)]
    assert made == [(0, [("n/0", 0), ("n/0", 2), ("n/1", 1)], 3), (2, [("n/4", 1), ("n/5", 1)], 2)]
    assert asked == [
        (0, [("n/0", 0), ("n/0", 2), ("n/1", 1)]),
        (1, [("n/2", 1), ("n/3", 1)]),
        (2, [("n/4", 1), ("n/5", 1)]),
    ]
    assert [unit.index for unit in units(Listed(), wanted, 2, only=2)] == [2]
    assert list(units(Listed(), {}, 2)) == []


def test_models_that_lack_the_same_rows_share_the_list(tasks: list[Any]) -> None:
    first, second = listed(tasks)[0].parts
    assert first.work is second.work
    assert first.file == second.file


def test_a_unit_is_stored_when_all_its_models_are(tasks: list[Any]) -> None:
    every = listed(tasks)
    part = every[0].parts[0]
    part.task.stored.write(part.index, part.work, rows(part.work))
    assert not every[0].stored
    assert uncovered(every) == every
    store(every[0])
    assert every[0].stored
    assert uncovered(every) == every[1:]
    assert [unit.index for unit in listed(tasks)] == [1, 2]


def test_a_file_of_a_try_that_failed_does_not_count_until_it_changes(tasks: list[Any]) -> None:
    """Its name is that of the same work, which is missing again."""
    (before, *_) = listed(tasks[:1])
    (part,) = before.parts
    failures = tuple(Failure(sample, "torn", (condition,)) for sample, condition in part.work)
    part.task.stored.write(part.index, part.work, Records({}, failures))
    (again, *_) = listed(tasks[:1])
    assert again.parts[0].file == part.file
    assert not again.stored
    store(again)
    assert again.stored


def test_a_model_that_was_given_up_is_missed_by_nobody(tasks: list[Any]) -> None:
    every = listed(tasks)
    first = every[0].parts[0]
    first.task.stored.write(first.index, first.work, rows(first.work))
    every[0].parts[1].task.error = "it fails"
    assert every[0] not in uncovered(every)
    assert not every[0].done
    first.done = True
    assert every[0].done


def test_one_unit_is_made_as_it_is_among_all(tasks: list[Any]) -> None:
    every = listed(tasks)
    wanted = dict.fromkeys(SAMPLES, (0, 1))
    (one,) = units(StoredWork(tasks), wanted, 2, only=1)
    assert [(part.index, part.file, part.work) for part in one.parts] == [
        (part.index, part.file, part.work) for part in every[1].parts
    ]
    store(one)
    assert list(units(StoredWork(tasks), wanted, 2, only=1)) == []


def test_each_process_looks_into_its_own_files_and_believes_the_names_of_the_rest(tasks: list[Any]) -> None:
    for unit in listed(tasks):
        store(unit)
    shards = sorted(tasks[0].stored.folder.glob("*.parquet"))
    for shard in shards:
        failures = tuple(Failure(sample, "torn", (0,)) for sample in SAMPLES[:1])
        shard.write_bytes(encode(Records({}, failures), tasks[0].stored.key, shard.name))
    missed = [
        [unit.index for unit in units(StoredWork(tasks, Share(index, 3)), dict.fromkeys(SAMPLES, (0, 1)), 2)]
        for index in range(3)
    ]
    assert missed == [[0], [1], [2]]
    shards[1].write_bytes(b"torn")
    assert [len(tasks[0].stored.set_damage_aside(Share(index, 3))) for index in range(3)] == [0, 1, 0]


def test_only_the_end_of_a_run_is_listed_where_only_that_is_left(tasks: list[Any]) -> None:
    every = listed(tasks)
    for unit in every[:2]:
        store(unit)
    asked: list[str] = []
    files = type(tasks[0].stored.files)

    class Watched(files):  # type: ignore[valid-type,misc]
        def list_files(self, folder: str, after: str = "") -> Any:
            asked.append(after)
            return super().list_files(folder, after)

    for each in tasks:
        object.__setattr__(each.stored, "files", Watched(each.stored.files.folder))
    assert uncovered(every[2:]) == every[2:]
    assert asked == ["000002", "000002"]
    store(every[2])
    assert uncovered(every[2:]) == []

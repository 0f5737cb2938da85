"""Units: what is missing, under which names, and when somebody else has done it."""

from __future__ import annotations

from pathlib import Path
from types import SimpleNamespace
from typing import Any

import numpy as np
import pytest

from hardiness.core import BenchmarkIdentity, Failure, ModelIdentity, Plan, Records, Run
from hardiness.engine.units import Unit, uncovered, units
from hardiness.store import Store

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
    return list(units(tasks, dict.fromkeys(SAMPLES, (0, 1)), 2))


def test_models_that_lack_the_same_rows_share_the_list(tasks: list[Any]) -> None:
    first, second = listed(tasks)[0].parts
    assert first.work is second.work
    assert first.file == second.file


def test_names_are_those_of_every_process_and_tell_units_apart(tasks: list[Any]) -> None:
    names = [unit.name for unit in listed(tasks)]
    assert names == [unit.name for unit in listed(tasks)]
    assert len(set(names)) == 3
    assert names != [unit.name for unit in listed(tasks[:1])]


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

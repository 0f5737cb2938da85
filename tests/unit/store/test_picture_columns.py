"""Columns of pictures beside the rows of a run: read as written, joined over sessions, damage told."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
import pytest

from hardiness.core.columns import NO_COLUMNS, Columns, ColumnSource, text_cells
from hardiness.core.run import BenchmarkIdentity, ModelIdentity, Plan, Run
from hardiness.report.words import text
from hardiness.store.picture_columns import encode_columns
from hardiness.store.run import StoredRun
from hardiness.store.store import Store


@pytest.fixture
def run(tmp_path: Path) -> StoredRun:
    identity = Run(ModelIdentity("m"), BenchmarkIdentity("imagenet-val"))
    return Store.create(tmp_path / "out").run(identity, Plan(batch_size=8))


def columns(ids: str = "a b c", source: str = "a.csv", **values: Any) -> Columns:
    arrays = {name: text_cells(cells, name) for name, cells in values.items()}
    return Columns(np.array(ids.split(), object), arrays, (ColumnSource(source, "f" * 64),))


SITE = {"site": ["A", None, "Zürich"]}


def files(run: StoredRun) -> list[Path]:
    return sorted((run.folder / "columns").glob("*")) if (run.folder / "columns").exists() else []


def test_what_was_stored_is_read_again_with_its_sources(run: StoredRun) -> None:
    given = columns(**SITE, age=[3, 4, 5], camera=["1.1", None, "1.10"], image=["x", "y", "z"])
    run.keep_picture_columns(given)
    stored = run.picture_columns()
    assert stored.ids.tolist() == ["a", "b", "c"]
    assert stored.sources == given.sources
    assert stored.remarks == ()
    for name, column in given.values.items():
        assert stored.values[name].tolist() == column.tolist()
    assert encode_columns(given) == encode_columns(given)


def test_equal_columns_are_stored_once_and_none_make_no_file(run: StoredRun) -> None:
    run.keep_picture_columns(NO_COLUMNS)
    assert files(run) == []
    for _ in range(2):
        run.keep_picture_columns(columns(**SITE))
    run.keep_picture_columns(columns("a c", "part.csv", site=["A", "Zürich"]))
    assert len(files(run)) == 1
    run.keep_picture_columns(columns("a", age=[3]))
    assert len(files(run)) == 2
    assert run.picture_columns().values["age"].tolist() == ["3", None, None]


def test_two_sessions_at_once_lose_nothing_and_of_a_later_one_the_cells_count(run: StoredRun) -> None:
    ages = columns("a b c", "b.csv", age=[3, 4, 5])
    run.keep_picture_columns(columns(**SITE))
    (first,) = files(run)
    first.rename(first.parent.parent / first.name)  # the other session has not seen it
    run.keep_picture_columns(ages)
    (run.folder / first.name).rename(first)
    assert [path.name[:5] for path in files(run)] == ["0000-", "0000-"]
    assert sorted(run.picture_columns().values) == ["age", "site"]
    run.keep_picture_columns(columns("a b", "new.csv", site=["B", "B"]))
    stored = run.picture_columns()
    assert stored.values["site"].tolist() == ["B", "B", "Zürich"]
    told = "new.csv: site of 1 picture (a) is another than an earlier session stored: the later one counts"
    assert [*map(text, stored.remarks)] == [told]


def test_a_file_that_was_changed_counts_for_nothing_and_is_told(run: StoredRun) -> None:
    run.keep_picture_columns(columns(**SITE))
    run.keep_picture_columns(columns(age=[1, 2, 3]))
    first = files(run)[0]
    first.write_bytes(encode_columns(columns(site=["B", "B", "B"])))
    stored = run.picture_columns()
    assert list(stored.values) == ["age"]
    assert [
        line.startswith(f"{run.place}/columns/{first.name} is not what was written")
        for line in map(text, stored.remarks)
    ] == [True]
    run.keep_picture_columns(columns(**SITE))
    assert run.picture_columns().values["site"].tolist() == SITE["site"]


def test_no_other_file_of_the_run_is_called_strange_and_the_run_is_removed_with_them(run: StoredRun) -> None:
    run.keep_picture_columns(columns(**SITE))
    assert run.complaints() == []
    assert run.set_damage_aside() == []
    store = Store.open(run.files.address)
    store.remove_run(run.path.rpartition("/")[2])
    assert not run.folder.exists()

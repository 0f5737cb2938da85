"""The store against a dict: writes, writes cut short, damage, setting it aside and reading, in any order."""

from __future__ import annotations

import shutil
import tempfile
from pathlib import Path
from unittest import mock

import numpy as np
import pytest
from hypothesis import settings
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, invariant, precondition, rule

from hardiness.core.errors import StoreError
from hardiness.core.run import BenchmarkIdentity, ModelIdentity, Plan, Run
from hardiness.core.table import Failure, Records
from hardiness.report.words import text
from hardiness.store import local_files
from hardiness.store.run import StoredRun
from hardiness.store.shards import file_name
from hardiness.store.store import Store
from hardiness.store.writing import PARTIAL

IDENTITY = Run(ModelIdentity("net"), BenchmarkIdentity("imagenet-val"))
SAMPLES, CONDITIONS, SHARDS = "abcd", (0, 1), 3

Row = tuple[str, int]
Rows = st.lists(st.tuples(st.sampled_from(SAMPLES), st.sampled_from(CONDITIONS)), min_size=1, max_size=6, unique=True)


class Killed(BaseException):
    """The process ends here."""


def value(shard: int, row: Row) -> float:
    """What a row holds: the same whenever it is computed."""
    return shard + ord(row[0]) / 7 + row[1] / 3


def outcome(shard: int, rows: list[Row], failed: list[Row]) -> Records:
    """Rows as a worker makes them; samples of different shards are different images."""
    columns = {
        "sample": np.array([f"{shard}/{sample}" for sample, _ in rows], np.str_),
        "condition": np.array([condition for _, condition in rows], np.int16),
        "frame": np.zeros(len(rows), np.int16),
        "value": np.array([value(shard, row) for row in rows], np.float64),
    }
    failures = tuple(Failure(f"{shard}/{sample}", "torn", (condition,)) for sample, condition in failed)
    return Records(columns if rows else {}, failures)


class StoreMachine(RuleBasedStateMachine):
    """What is whole on the disk, by file: rows that it holds and rows that failed. That is all there is to know."""

    def __init__(self) -> None:
        super().__init__()
        self.folder = Path(tempfile.mkdtemp())
        self.whole: dict[str, tuple[int, list[Row], list[Row]]] = {}
        self.damaged: set[str] = set()
        self.run = self.opened()

    def opened(self) -> StoredRun:
        return Store.create(self.folder).run(IDENTITY, Plan(batch_size=8))

    def teardown(self) -> None:
        shutil.rmtree(self.folder)

    def path(self, name: str) -> Path:
        return self.run.folder / name

    @rule(shard=st.integers(0, SHARDS - 1), rows=Rows, fails=st.integers(0, 2))
    def write(self, shard: int, rows: list[Row], fails: int) -> None:
        work = [(f"{shard}/{sample}", condition) for sample, condition in rows]
        self.run.write(shard, work, outcome(shard, rows[fails:], rows[:fails]))
        name = file_name(shard, work)
        self.damaged.discard(name)
        if name not in self.whole or self.whole[name][2]:  # what is whole and without failures stays
            self.whole[name] = (shard, rows[fails:], rows[:fails])

    @rule(
        shard=st.integers(0, SHARDS - 1),
        rows=Rows,
        error=st.sampled_from([OSError(28, "No space left on device"), OSError(5, "Input/output error"), Killed()]),
        renamed=st.booleans(),
    )
    def write_cut_short(self, shard: int, rows: list[Row], error: BaseException, renamed: bool) -> None:
        """The disk is full, breaks, or the process is killed: half into the file, or between file and name."""
        work = [(f"{shard}/{sample}", condition) for sample, condition in rows]

        def half(path: Path, content: bytes) -> None:
            path.write_bytes(content[: len(content) // 2])
            raise error

        def never(path: Path, target: Path) -> None:
            raise error

        cut = (
            mock.patch.object(local_files.os, "link", never)
            if renamed
            else mock.patch.object(local_files, "fill", half)
        )
        with cut, pytest.raises((StoreError, Killed)):
            self.run.write(shard, work, outcome(shard, rows, []))
        if isinstance(error, Killed):  # a process that is killed tidies nothing up
            (self.folder / PARTIAL / "999-1-000000-0123456789ab.parquet").write_bytes(b"PAR1")

    @precondition(lambda self: self.whole)
    @rule(data=st.data(), way=st.sampled_from(["cut", "zeroed", "bit", "exchanged", "gone"]))
    def damage(self, data: st.DataObject, way: str) -> None:
        name = data.draw(st.sampled_from(sorted(self.whole)))
        content = bytearray(self.path(name).read_bytes())
        if way == "gone":
            self.path(name).unlink()
            del self.whole[name]
            return
        if way == "exchanged":
            other = data.draw(st.sampled_from(sorted(self.whole)))
            content = bytearray(self.path(other).read_bytes())
            if other == name:
                return
        elif way == "bit":
            content[len(content) // 2] ^= 1 << data.draw(st.integers(0, 7))
        else:
            content = content[:-1] if way == "cut" else bytearray(len(content))
        self.path(name).write_bytes(bytes(content))
        if way == "bit" and self.run.read(name) is not None:
            return  # a bit that means nothing, such as one between two pages
        self.run.damage.clear()
        del self.whole[name]
        self.damaged.add(name)

    @rule()
    def set_aside(self) -> None:
        lines = [*map(text, self.run.set_damage_aside())]
        assert len(lines) == len(self.damaged)
        assert all(any(name in line for line in lines) for name in self.damaged)
        self.damaged.clear()
        assert {path.name for path in self.run.folder.glob("*.parquet")} == set(self.whole)

    @rule()
    def open_again(self) -> None:
        (self.run,) = Store.open(self.folder).runs()

    @precondition(lambda self: not self.damaged)
    @rule(shard=st.integers(0, SHARDS - 1), rows=Rows)
    def what_is_missing_is_what_no_file_holds(self, shard: int, rows: list[Row]) -> None:
        work = [(f"{shard}/{sample}", condition) for sample, condition in rows]
        held = {row for number, stored, _ in self.whole.values() if number == shard for row in stored}
        expected = [each for each, row in zip(work, rows, strict=True) if row not in held]
        assert self.run.missing(shard, work, self.run.shards()) == expected

    @invariant()
    def reading_gives_each_row_once_and_damage_by_name(self) -> None:
        found = self.run.records()
        lines, self.run.damage[:] = [*map(text, self.run.damage)], []
        assert len(lines) == len(self.damaged)
        held = {
            (f"{number}/{row[0]}", row[1]): value(number, row)
            for number, rows, _ in self.whole.values()
            for row in rows
        }
        rows = list(zip(found["sample"].tolist(), found["condition"].tolist(), strict=True)) if len(found) else []
        assert rows == sorted(held)
        assert [held[row] for row in rows] == (found["value"].tolist() if rows else [])
        failed = {(f"{number}/{row[0]}", row[1]) for number, _, rows in self.whole.values() for row in rows} - set(held)
        told = [(failure.sample, condition) for failure in found.failures for condition in failure.conditions]
        assert sorted(told) == sorted(failed)


@pytest.mark.soak
class TestStore(StoreMachine.TestCase):  # type: ignore[misc]
    settings = settings(max_examples=settings.default.max_examples // 4, stateful_step_count=15, deadline=None)

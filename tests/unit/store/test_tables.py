"""Image tables on disk: what is written is read again, whole or by column, also by others."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

import numpy as np
import pyarrow.parquet as pq
import pytest

from hardiness.core.condition import Condition
from hardiness.core.errors import StoreError
from hardiness.core.table import Failure, ImageTable, Records
from hardiness.store import shards, tables

CONDITIONS = (Condition(), Condition(corruption="fog", severity=1), Condition(corruption="fog", severity=2))


@pytest.fixture
def table() -> ImageTable:
    return ImageTable(
        ids=np.array(["n/1", "n/2"], object),
        label=np.array([4, 5], np.int32),
        conditions=CONDITIONS,
        cells=np.array([0, 2], np.int16),
        columns={
            "right": np.array([[1, 0], [-1, 1]], np.int8),
            "confidence": np.array([[0.5, 0.25], [np.nan, 1.0]], np.float32),
            "answer_imagenet-a": np.array([3, -1], np.int16),
        },
        failures=(Failure("n/2", "torn", (0,)),),
    )


def test_a_table_is_read_as_it_was_written(table: ImageTable) -> None:
    content = tables.encode_table(table, {"shards": {"a": [1, 2]}})
    found = tables.read_table(content, "images.parquet", CONDITIONS)
    assert tables.describe(content) == {"shards": {"a": [1, 2]}}
    assert (found.ids.tolist(), found.label.tolist(), found.failures) == (["n/1", "n/2"], [4, 5], table.failures)
    assert found.present == table.present
    for name, column in table.columns.items():
        assert found[name].dtype == column.dtype
        np.testing.assert_array_equal(found[name], column)


def test_some_columns_are_read_alone(table: ImageTable) -> None:
    content = tables.encode_table(table, {})
    assert set(tables.read_table(content, "images.parquet", CONDITIONS, ["confidence"]).columns) == {
        "right",
        "confidence",
    }


def test_others_read_a_row_an_image(table: ImageTable, tmp_path: Path) -> None:
    path = tmp_path / "images.parquet"
    path.write_bytes(tables.encode_table(table, {}))
    frame = pq.read_table(path).to_pydict()
    assert frame["image"] == ["n/1", "n/2"]
    assert frame["right"] == [[1, 0], [-1, 1]]


@pytest.mark.parametrize("content", [b"", b"PAR1", b"x" * 100])
def test_what_is_no_table_is_told(content: bytes) -> None:
    assert tables.describe(None) == {}
    assert tables.describe(content) == {}
    with pytest.raises(StoreError, match=r"images.parquet is no image table"):
        tables.read_table(content, "OUT/images.parquet", CONDITIONS)


def test_rows_and_tables_are_written_and_read_without_pandas() -> None:
    """pyarrow loads it for ``pa.array`` and ``to_numpy`` where it is installed, which takes half a second."""
    code = """
import sys
import numpy as np
from hardiness.core import Condition, ImageTable, Records
from hardiness.store import shards, tables
sample, right = np.array(["n/1", "n/2"], object), np.array([True, False])
rows = Records({"sample": sample, "right": right, "top": np.ones((2, 5), np.int16)}, ())
read = shards.read(shards.encode(rows, "k", "000000-0.parquet"), "000000-0.parquet", None, "k", {})
assert [column.tolist() for column in read.columns.values()] == [column.tolist() for column in rows.columns.values()]
cells = {"right": np.ones((2, 1), np.int8)}
table = ImageTable(sample, np.zeros(2, np.int32), (Condition(),), np.zeros(1, np.int16), cells, ())
assert tables.read_table(tables.encode_table(table, {}), "x", (Condition(),)).ids.tolist() == ["n/1", "n/2"]
print("pandas" in sys.modules)
"""
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert done.stdout == "False\n"


@pytest.mark.parametrize("kind", [*"bBhHiIqQefd", "?"])
def test_numbers_of_every_kind_come_back_without_pandas(kind: str, monkeypatch: pytest.MonkeyPatch) -> None:
    """In an environment with the lowest releases: before pyarrow 26 ``to_pandas_dtype`` fails where pandas is not."""
    monkeypatch.setitem(sys.modules, "pandas", None)
    rows = Records({"value": np.array([0, 1, 1], kind), "pair": np.array([[0, 1]] * 3, kind)})
    read = shards.read(shards.encode(rows, "k", "000000-0.parquet"), "000000-0.parquet", None, "k", {})
    for name, column in rows.columns.items():
        assert read[name].dtype == column.dtype
        np.testing.assert_array_equal(read[name], column)

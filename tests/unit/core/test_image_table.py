"""Image tables: any split of rows into parts, in any order, gives the same table."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from hardiness.core.condition import Condition
from hardiness.core.table import Failure, ImageTable, Records

CONDITIONS = (Condition(), *(Condition(corruption="fog", severity=severity) for severity in range(1, 6)))

Row = tuple[int, int]


def measured(rows: Sequence[Row], failures: Sequence[tuple[int, int, str]] = ()) -> ImageTable:
    """The table of rows (image, condition); every value follows from these two."""
    image = np.array([image for image, _ in rows], np.int64)
    condition = np.array([condition for _, condition in rows], np.int16)
    told = tuple(Failure(f"n/{image}", reason, (cell,)) for image, cell, reason in failures)
    if not rows:
        return ImageTable.empty(CONDITIONS, told)
    records = Records(
        {
            "sample": np.array([f"n/{i}" for i in image.tolist()], object),
            "condition": condition,
            "label": image.astype(np.int32) % 7,
        },
        told,
    )
    cells = {
        "right": (image + condition) % 3 == 0,
        "answer": (10 * image + condition).astype(np.int16),
        "confidence": (image / 100 + condition / 1000).astype(np.float32),
    }
    return ImageTable.from_rows(records, CONDITIONS, cells, {"extra": (image * 2).astype(np.int32)})


def assert_same(first: ImageTable, second: ImageTable) -> None:
    assert first.ids.tolist() == second.ids.tolist()
    assert first.cells.tolist() == second.cells.tolist()
    assert first.failures == second.failures
    np.testing.assert_array_equal(first.label, second.label)
    for name in ("right", *(first.columns if len(first) else ())):
        assert first[name].dtype == second[name].dtype, name
        np.testing.assert_array_equal(first[name], second[name], err_msg=name)


row = st.tuples(st.integers(0, 12), st.integers(0, len(CONDITIONS) - 1))
failure = st.tuples(st.integers(0, 12), st.integers(0, len(CONDITIONS) - 1), st.sampled_from(["torn", "empty"]))


@pytest.mark.slow
@settings(deadline=None)
@given(st.lists(row, max_size=40), st.lists(failure, max_size=6), st.data())
def test_any_split_in_any_order_gives_the_same_table(
    rows: list[Row], failures: list[tuple[int, int, str]], data: st.DataObject
) -> None:
    """Rows may come several times, and fail in one part and be evaluated in another."""
    whole = ImageTable.join([measured(rows, failures)])
    parts = data.draw(st.integers(1, 5))
    at = [data.draw(st.integers(0, parts - 1)) for _ in (*rows, *failures)]
    tables = [
        measured(
            [row for row, part in zip(rows, at, strict=False) if part == k],
            [each for each, part in zip(failures, at[len(rows) :], strict=True) if part == k],
        )
        for k in data.draw(st.permutations(range(parts)))
    ]
    assert_same(ImageTable.join(tables), whole)
    one_by_one = tables[0]
    for table in tables[1:]:
        one_by_one = ImageTable.join([one_by_one, table])
    assert_same(ImageTable.join([one_by_one]), whole)
    from_the_end = tables[-1]
    for table in reversed(tables[:-1]):
        from_the_end = ImageTable.join([table, from_the_end])
    assert_same(ImageTable.join([from_the_end]), whole)


def test_values_stand_where_their_image_and_condition_are() -> None:
    table = measured([(3, 2), (1, 0), (3, 0)])
    assert table.ids.tolist() == ["n/1", "n/3"]
    assert table.present == (CONDITIONS[0], CONDITIONS[2])
    assert table["answer"].tolist() == [[10, -1], [30, 32]]
    assert table["right"].tolist() == [[0, -1], [1, 0]]
    assert np.isnan(table["confidence"][0, 1])
    assert table["extra"].tolist() == [2, 6]
    assert table.counts() == {0: 2, 2: 1}
    assert table.cell("answer", CONDITIONS[2]).tolist() == [32]
    assert table.cell("extra", CONDITIONS[2]).tolist() == [6]
    assert table.cell("answer", CONDITIONS[5]).tolist() == []


def test_what_comes_twice_with_other_values_stays_as_it_came_first() -> None:
    first, second = measured([(1, 0), (1, 1)]), measured([(1, 1), (1, 2)])
    other = ImageTable(
        second.ids, second.label, CONDITIONS, second.cells, {**second.columns, "answer": second["answer"] + 500}
    )
    assert ImageTable.join([first, other])["answer"].tolist() == [[10, 11, 512]]
    assert ImageTable.join([other, first])["answer"].tolist() == [[10, 511, 512]]


def test_a_failure_that_another_part_evaluated_is_none() -> None:
    failed = measured([(2, 0)], [(1, 0, "torn"), (1, 2, "torn"), (3, 0, "torn"), (3, 0, "empty")])
    joined = ImageTable.join([failed, measured([(1, 0), (2, 0)])])
    assert joined.failures == (Failure("n/1", "torn", (2,)), Failure("n/3", "empty", (0,)))


def test_rows_of_ids_are_found_and_strangers_told() -> None:
    table = measured([(1, 0), (5, 0), (3, 0)])
    assert table.rows_of(np.array(["n/5", "n/0", "n/1", "z"], object)).tolist() == [2, -1, 0, -1]
    assert measured([]).rows_of(np.array(["n/5"], object)).tolist() == [-1]


def test_nothing_joined_is_refused() -> None:
    with pytest.raises(ValueError, match="at least one table"):
        ImageTable.join([])


def test_fifty_thousand_images_under_76_conditions_are_at_most_27_megabytes() -> None:
    per_cell = sum(column.dtype.itemsize for column in measured([(0, 0)]).columns.values() if column.ndim == 2)
    assert 50_000 * 76 * per_cell <= 27e6

"""Columns of pictures: placed by their ids, joined with others, told where they do not fit, without their values."""

from __future__ import annotations

import re

import numpy as np
import pytest

from hardiness.core.columns import (
    NO_COLUMNS,
    Columns,
    ColumnSource,
    Grouping,
    codes_of,
    has_all,
    join_columns,
    numbers_of,
    refuse_no_line,
    text_cells,
)
from hardiness.core.errors import ArgumentError
from hardiness.report.words import text


def columns(ids: str, source: str = "a.csv", **values: list[object]) -> Columns:
    arrays = {name: text_cells(column, name) for name, column in values.items()}
    return Columns(np.array(ids.split(), object), arrays, (ColumnSource(source, "0" * 64),))


def test_pictures_without_a_line_lines_without_a_picture_and_empty_cells_are_counted_each_in_a_line() -> None:
    table = columns("x/1.png x/2.png y/9.png", site=["secret", None, "B"], age=[30, 40, 50])
    placed = table.of_pictures(np.array(["x/1", "x/2", "x/3"], object))
    assert placed.ids.tolist() == ["x/1", "x/2"]
    assert placed.values["age"].tolist() == ["30", "40"]
    assert [*map(text, placed.remarks)] == [
        "a.csv: 1 line of 3 is of no picture here (y/9.png)",
        "a.csv: 1 picture of 3 has no line (x/3)",
        "a.csv: of 2 pictures with a line 1 has no site (empty cells)",
    ]
    assert not any("secret" in str(fact) for fact in placed.remarks)


def test_a_table_of_other_pictures_says_how_both_are_called() -> None:
    placed = columns("x/1.png", site=["A"]).of_pictures(np.array(["y/2"], object))
    assert not placed
    told = "a.csv: none of its 1 lines is of one of these 1 pictures: they are called y/2, and its lines x/1.png"
    assert [*map(text, placed.remarks)] == [told]
    with pytest.raises(ArgumentError, match=re.escape(told)):
        refuse_no_line(columns("x/1.png", site=["A"]), [np.array(["y/2"], object)])


def test_of_two_tables_the_second_counts_where_both_have_a_cell() -> None:
    first = columns("a b c", site=["A", "B", None], age=[1, 2, 3])
    second = columns("b c d", "b.csv", site=["B", "C", "D"], age=[2, 4, 5])
    joined, disagreements = join_columns(first, second)
    assert joined.ids.tolist() == list("abcd")
    assert joined.values["site"].tolist() == ["A", "B", "C", "D"]
    assert joined.values["age"].tolist() == ["1", "2", "4", "5"]
    assert disagreements == {"age": ["c"]}
    assert [source.name for source in joined.sources] == ["a.csv", "b.csv"]
    assert has_all(joined, second)
    assert not has_all(first, second)
    assert join_columns(NO_COLUMNS, first)[0].values.keys() == first.values.keys()


def test_two_tables_disagree_where_their_texts_do() -> None:
    assert not join_columns(columns("a", age=[12]), columns("a", age=["12"]))[1]
    assert join_columns(columns("a", camera=["1.1"]), columns("a", camera=["1.10"]))[1] == {"camera": ["a"]}


def test_values_stand_in_the_order_of_numbers_or_letters_and_empty_cells_have_none() -> None:
    assert codes_of(text_cells([10, 9, 10], ""))[0] == ["9", "10"]
    values, codes = codes_of(text_cells([1.5, np.nan, 10], ""))
    assert (values, codes.tolist()) == (["1.5", "10"], [0, -1, 1])
    values, codes = codes_of(text_cells(["b", None, "a"], ""))
    assert (values, codes.tolist()) == (["a", "b"], [1, -1, 0])
    assert codes_of(text_cells([None], ""))[0] == []


def test_texts_of_one_number_stay_apart_and_are_that_number_where_numbers_are_asked_for() -> None:
    column = text_cells(["1.2", "1.10", "1.1", "+5", "5", "1e1", "10", "-0", "0", None], "")
    values, codes = codes_of(column)
    assert values == ["-0", "0", "1.1", "1.10", "1.2", "+5", "5", "10", "1e1"]
    assert codes.tolist() == [4, 3, 2, 5, 6, 8, 7, 0, 1, -1]
    numbers = numbers_of(column)
    assert numbers is not None
    np.testing.assert_array_equal(numbers, [1.2, 1.1, 1.1, 5, 5, 10, 10, 0, 0, np.nan])


@pytest.mark.parametrize("text", ["1e400", "nan", "inf", "1_000", "0x1", "1,5", "x", "٣"])
def test_a_column_with_a_text_that_is_no_number_has_no_numbers(text: str) -> None:
    assert numbers_of(text_cells(["1", text, None], "")) is None
    assert numbers_of(text_cells([None], "")) is None


def test_each_value_of_python_is_its_own_text() -> None:
    whole = [10**17 + number for number in range(3)]
    assert text_cells([*whole, None, 0.5, float("nan"), 10**20], "").tolist() == [
        *map(str, whole),
        *(None, "0.5", None, str(10**20)),
    ]
    assert text_cells([np.float32(0.1), np.int64(3), np.True_, False, " a ", ""], "").tolist() == [
        *("0.1", "3", "true", "false", "a", None)
    ]


def test_a_grouping_takes_one_table_as_it_is_and_asks_for_nothing_with_a_table_alone() -> None:
    table = columns("a", site=["A"])
    assert Grouping(columns=table).columns == (table,)
    assert not Grouping(columns=(table,))
    assert Grouping("patient")


def test_the_answer_for_the_same_pictures_is_kept_and_for_others_it_is_not() -> None:
    table = columns("a b", site=["A", "B"])
    ids = np.array(["a", "b"], object)
    assert table.of_pictures(ids) is table.of_pictures(ids.copy())
    assert table.of_pictures(ids[:1]).ids.tolist() == ["a"]
    with pytest.raises(KeyError):
        table.of_pictures(np.array(["c"], object)).values["site"]

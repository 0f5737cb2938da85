"""Clusters and slices from columns: values, ranges, two columns together, and what is refused."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest

from hardiness.core.codes import RunRemark
from hardiness.core.columns import Columns, Grouping, SliceOfPictures, text_cells
from hardiness.core.errors import ArgumentError
from hardiness.core.fact import Fact
from hardiness.results.grouping import MOST_VALUES, clusters_of, gaps_of, named_columns, slices_of

N = 120


def columns_of(**values: Any) -> Columns:
    ids = np.array([f"x/{number:04d}" for number in range(N)], object)
    return Columns(ids, {name: text_cells(column, name) for name, column in values.items()})


SITES = ["A"] * 60 + ["B"] * 59 + [None]
AGES = [*range(20, 80), *range(20, 80)]
COLUMNS = columns_of(
    site=SITES,
    age=AGES,
    patient=[f"p{k // 3}" for k in range(N - 2)] + [None, None],
    score=np.linspace(0, 1, N),
    **{"a+b": ["q"] * N},
)


def one(text: str, columns: Columns = COLUMNS, **more: Any) -> SliceOfPictures:
    (part,) = slices_of(Grouping(slices=(text,), **more), columns, columns.ids)
    return part


def counts(part: SliceOfPictures) -> dict[str, int]:
    return {value: int(np.count_nonzero(part.codes == place)) for place, value in enumerate(part.values)}


def test_each_value_is_a_part_and_an_empty_cell_is_in_none() -> None:
    part = one("site")
    assert (part.name, counts(part)) == ("site", {"A": 60, "B": 59})
    assert part.codes[-1] == -1
    assert counts(one("a+b")) == {"q": N}


def test_pictures_without_a_line_are_in_no_part_and_stand_alone() -> None:
    ids = np.array(["w/new", *COLUMNS.ids], object)
    (part,) = slices_of(Grouping(slices=("site",)), COLUMNS, ids)
    assert part.codes[:2].tolist() == [-1, 0]
    clusters = clusters_of(Grouping("patient"), COLUMNS, ids)
    assert clusters is not None
    _, sizes = np.unique(clusters.codes, return_counts=True)
    assert sorted(sizes.tolist()) == [1] * 4 + [3] * 39
    assert gaps_of(Grouping("patient"), COLUMNS, ids) == [
        Fact(RunRemark.WITHOUT_CLUSTER, {"count": 3, "pictures": 121, "column": "patient"})
    ]
    assert gaps_of(Grouping("patient"), COLUMNS, COLUMNS.ids[:9]) == []


def test_ranges_begin_with_their_first_number_end_below_the_second_and_the_last_includes_its_end() -> None:
    assert counts(one("age:0-30,30-60,60-")) == {"0-30": 20, "30-60": 60, "60-": 40}
    assert counts(one("age:-30, 50-79")) == {"-30": 20, "50-79": 60}
    assert counts(one("score:0-.5,.5-1")) == {"0-.5": 60, ".5-1": 60}
    below = columns_of(depth=[-5.0] * 60 + [-1.0] * 59 + [np.nan])
    assert counts(one("depth:-10--2,-2-", below)) == {"-10--2": 60, "-2-": 59}


def test_numbers_stand_in_their_order() -> None:
    assert one("grade", columns_of(grade=[10, 9] * 60)).values == ["9", "10"]


def test_two_columns_together_have_the_parts_that_there_are() -> None:
    part = one("site+age:-30,30-")
    assert part.name == "site+age"
    assert counts(part) == {"A, -30": 10, "A, 30-": 50, "B, -30": 10, "B, 30-": 49}


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("sites", "no column of the pictures is called 'sites'; did you mean 'site'?"),
        (
            "score",
            "slice score: must have at most 50 values, has 120; put its numbers into ranges, as in score:-0.333,",
        ),
        (
            "patient",
            "must have at most 50 values, has 60; where they say which pictures belong together, give --cluster",
        ),
        (
            "site:0-1",
            "slice site: ranges are for numbers, and the column has text, as for x/0000; name it without",
        ),
        ("none:0-1", "slice none: the column is empty for all of these pictures"),
        ("age:0-30,20-40", "slice age:0-30,20-40: ranges must not overlap, and 0-30 and 20-40 do"),
        ("age:30-0", "a range must end above where it begins, was '30-0'"),
        (
            "age:young",
            "ranges must read as in 0-30,30-60,60- (from the first number on, below the second), was 'young'",
        ),
        ("age:-", "ranges must read as in 0-30,30-60,60-"),
        ("site+age:0-30,30-+score", "slice must be a column, as in site, one with ranges"),
        ("site+few", "slice site+few: no values of both together have 30 pictures; the largest part has 12"),
        ("none", "slice none: the column is empty for all of these pictures"),
    ],
)
def test_a_wrong_slice_is_refused_in_a_line(text: str, message: str) -> None:
    columns = columns_of(
        **{name: column.tolist() for name, column in COLUMNS.values.items() if name != "patient"},
        patient=[f"p{k // 2}" for k in range(N)],
        few=[k % 5 for k in range(N)],
        none=[None] * N,
    )
    with pytest.raises(ArgumentError) as error:
        one(text, columns)
    assert message in str(error.value)
    assert "\n" not in str(error.value)


def test_a_slice_of_the_clusters_is_refused_without_a_value() -> None:
    with pytest.raises(ArgumentError, match="patient says which pictures belong together") as error:
        one("patient", cluster="patient")
    assert "p1" not in str(error.value)


def test_a_wrong_cluster_names_the_nearest_and_pictures_without_columns_say_what_to_do() -> None:
    with pytest.raises(ArgumentError, match="is called 'patients'; did you mean 'patient'"):
        clusters_of(Grouping("patients"), COLUMNS, COLUMNS.ids)
    with pytest.raises(ArgumentError, match=r"have no columns.*--columns FILE\.csv"):
        clusters_of(Grouping("patient"), Columns(COLUMNS.ids, {}), COLUMNS.ids)


def test_fifty_values_are_a_slice() -> None:
    part = one("shelf", columns_of(shelf=[k % MOST_VALUES for k in range(N)]))
    assert len(part.values) == MOST_VALUES


def test_the_columns_that_are_needed_are_named_without_stems_of_file_names() -> None:
    names = tuple(COLUMNS.values)
    assert named_columns(Grouping("patient", ("site+age:0-30,30-", "a+b")), names) == ["patient", "site", "age", "a+b"]
    assert named_columns(Grouping("stem"), names) == []

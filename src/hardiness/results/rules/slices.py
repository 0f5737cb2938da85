"""The pictures of a run that a rule is about, by the values of their columns."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import replace

import numpy as np
from numpy.typing import NDArray

from hardiness.core.codes import Missing
from hardiness.core.columns import Grouping, SliceOfPictures, join_columns
from hardiness.core.fact import Fact
from hardiness.core.table import ImageTable
from hardiness.results.grouping import named_columns, parse_slice, slices_of
from hardiness.results.runs import ScoredRun


def missing_columns(run: ScoredRun, column: str) -> list[str]:
    """The columns that a slice is of, as people write it, and that the pictures of a run have not."""
    names = tuple(run.picture_columns.values)
    return [part.name for part in parse_slice(column, names) if part.name not in names]


def slice_values(run: ScoredRun, column: str) -> list[str]:
    """The values of a slice that pictures of a run have, in their order; raises as `slices_of`."""
    pictures = _slice(run, run.table, column)
    counts = np.bincount(pictures.codes[pictures.codes >= 0], minlength=len(pictures.values))
    return [str(value) for value, count in zip(pictures.values, counts.tolist(), strict=True) if count]


def slice_rows(run: ScoredRun, table: ImageTable, in_slice: Mapping[str, str]) -> NDArray[np.bool_]:
    """The pictures of a table with these values, ``(N,)``; raises as `slices_of`.

    Args:
        run: whose pictures they are.
        table: its image table, or a part of it.
        in_slice: by column, with its ranges where it has some, the value.
    """
    rows = np.ones(len(table), bool)
    for column, value in in_slice.items():
        pictures = _slice(run, table, column)
        values = [str(each) for each in pictures.values]
        rows &= pictures.codes == (values.index(value) if value in values else len(values))
    return rows


def why_no_picture(run: ScoredRun, in_slice: Mapping[str, str]) -> Fact:
    """Why a rule has no picture of its slice, with the values that there are where none has its value."""
    for column, value in in_slice.items():
        values = slice_values(run, column)
        if value not in values:
            asked = ((column.partition(":")[0], value),)
            return Fact(Missing.NO_SUCH_PICTURE, {"values": asked, "known": tuple(map(str, values))})
    return Fact(Missing.NO_SUCH_PICTURE, {"values": tuple(in_slice.items())})


def pictures_of_other_slices(
    before: ScoredRun, run: ScoredRun, in_slice: Mapping[str, str]
) -> Mapping[str, Sequence[str]]:
    """By the column of a slice the pictures that have another value in each of two runs; empty if a slice is one."""
    if not in_slice:
        return {}
    names = named_columns(Grouping(slices=tuple(in_slice)), tuple(run.picture_columns.values))
    sides = (
        replace(columns, values={name: columns.values[name] for name in names if name in columns.values})
        for columns in (before.picture_columns, run.picture_columns)
    )
    _, disagreements = join_columns(*sides)
    return disagreements


def _slice(run: ScoredRun, table: ImageTable, column: str) -> SliceOfPictures:
    (pictures,) = slices_of(replace(run.grouping, slices=(column,)), run.picture_columns, table.ids)
    return pictures

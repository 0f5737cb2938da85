"""Columns that pictures have beyond their labels, such as the patient, the site or the brightness of each."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any, NamedTuple

import numpy as np
from numpy.typing import NDArray


class ColumnSource(NamedTuple):
    """The file or mapping that columns were read from.

    Attributes:
        name: of the file, or ``"Python"``.
        sha256: hexadecimal digits over its bytes, or over the values.
    """

    name: str
    sha256: str


@dataclass(frozen=True, eq=False)
class Columns:
    """The columns of some pictures.

    Attributes:
        ids: ``(N,)`` names of the pictures, sorted, each once, as `ImageTable.ids` has them.
        values: by the column's name ``(N,)``: object of str, ``None`` where the cell is empty; int64 of whole numbers
            where none is empty; float64 of other numbers, NaN where the cell is empty.
        sources: where they were read from.
    """

    ids: NDArray[np.object_]
    values: Mapping[str, NDArray[Any]]
    sources: tuple[ColumnSource, ...] = ()


@dataclass(frozen=True)
class Grouping:
    """The parts and the clusters of pictures that results are asked for.

    Attributes:
        cluster: name of the column that says which pictures belong together; empty where each stands alone.
        slices: columns by whose values scores are given, as people write them: ``"site"``; with ranges
            ``"age:0-30,30-60,60-"``; two together ``"site+age:0-30,30-"``.
        mix: by slice, the share that each value has where the model will work.
        columns: given beside the data; the columns that a run has stored are used with it.
    """

    cluster: str = ""
    slices: tuple[str, ...] = ()
    mix: Mapping[str, Mapping[str, float]] = field(default_factory=dict)
    columns: Columns | None = None

    def __bool__(self) -> bool:
        return bool(self.cluster or self.slices)


NO_GROUPING = Grouping()
"""Every picture stands alone, and scores are of all of them."""


class SliceOfPictures(NamedTuple):
    """The pictures with each value of a column, or of two together.

    Attributes:
        name: of the column, or ``"site+age"``.
        values: in their order, as text.
        codes: ``(N,)`` int64, the place of each picture's value among ``values``; -1 where its cell is empty.
    """

    name: str
    values: Sequence[str]
    codes: NDArray[np.int64]

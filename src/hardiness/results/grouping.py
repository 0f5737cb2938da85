"""Clusters and slices of the pictures of a run, from the columns that these pictures have."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from hardiness.core.columns import Columns, Grouping, SliceOfPictures
from hardiness.core.errors import ArgumentError, suggestion
from hardiness.core.stems import STEMS, stem_column
from hardiness.statistics.clusters import Clusters


def clusters_of(grouping: Grouping, columns: Columns, ids: NDArray[np.object_]) -> Clusters | None:
    """The clusters of some pictures; ``None`` where each stands alone.

    A picture without a value stands alone. Where no column has the name, stems of file names have one of `STEMS`.

    Args:
        grouping: names the column.
        columns: of the pictures.
        ids: of the pictures, sorted.

    Raises:
        ArgumentError: there is no such column.
    """
    if not grouping.cluster:
        return None
    if grouping.cluster in STEMS and grouping.cluster not in columns.values:
        columns = Columns(ids, {grouping.cluster: stem_column(ids.tolist(), grouping.cluster)})
    codes = _codes(columns, grouping.cluster, ids, alone=True)[1]
    # By their first pictures, so that sums over clusters of one picture add up in the order of the pictures.
    _, firsts, places = np.unique(codes, return_index=True, return_inverse=True)
    ranks = np.empty(len(firsts), np.int64)
    ranks[np.argsort(firsts)] = np.arange(len(firsts))
    return Clusters(ids, ranks[places], grouping.cluster)


def slices_of(grouping: Grouping, columns: Columns, ids: NDArray[np.object_]) -> list[SliceOfPictures]:
    """The slices of some pictures; arguments and errors as of `clusters_of`."""
    return [SliceOfPictures(name, *_codes(columns, name, ids, alone=False)) for name in grouping.slices]


def _codes(
    columns: Columns, name: str, ids: NDArray[np.object_], *, alone: bool
) -> tuple[list[str], NDArray[np.int64]]:
    """The different values of a column, sorted, and the place of each picture's among them; -1 where it has none.

    Args:
        columns, name: which.
        ids: of the pictures, sorted.
        alone: whether a picture without a value gets a place of its own.
    """
    if name not in columns.values:
        raise ArgumentError(f"no column of the pictures is called {name!r}{suggestion(name, list(columns.values))}")
    column = columns.values[name]
    places = np.minimum(np.searchsorted(columns.ids, ids), max(len(columns.ids) - 1, 0))
    is_there = columns.ids[places] == ids if len(columns.ids) else np.zeros(len(ids), bool)
    is_empty = np.array([value is None or value != value for value in column], bool)
    has_value = is_there & ~is_empty[places] if len(columns.ids) else is_there
    texts = np.array([str(value) for value in column[places[has_value]]], object)
    values = sorted(set(texts.tolist()))
    code = {value: place for place, value in enumerate(values)}
    codes = np.full(len(ids), -1, np.int64)
    codes[has_value] = [code[text] for text in texts.tolist()]
    if alone:
        missing = np.flatnonzero(codes < 0)
        codes[missing] = len(values) + np.arange(len(missing))
    return values, codes

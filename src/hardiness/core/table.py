"""Rows as columns: one a decision of the model (records), one an image (image table)."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from functools import cached_property
from typing import Any

import numpy as np
from numpy.typing import NDArray

from hardiness.core.condition import Condition

Columns = Mapping[str, NDArray[Any]]
"""Named arrays of equal length; a second axis is allowed (``top5_class`` is ``(N, 5)``)."""

Indices = NDArray[np.int64]

RIGHT = "right"
"""The column that every table has: 1 where an image was answered rightly in a cell, 0 where wrongly, -1 where it was
not evaluated. Of a run without answers it is 0 wherever an image was evaluated, and says nothing else."""


@dataclass(frozen=True, slots=True)
class Failure:
    """A sample that could not be evaluated, why, in one line, and under which conditions (indices of the run's)."""

    sample: str
    reason: str
    conditions: tuple[int, ...] = (0,)


@dataclass(frozen=True)
class Records:
    """A struct of arrays.

    Columns every benchmark has: ``sample`` (str), ``condition`` (int16, index into the run's conditions), ``frame``
    (int16), ``label`` and ``prediction`` (int32 class indices), ``confidence`` (float32 softmax maximum in [0, 1]),
    ``top5_class`` (int16 ``(N, 5)``) and ``top5_logit`` (float32 ``(N, 5)``), and what its decision rule adds. Read
    from a store, also ``image`` (int32), which numbers the samples.

    Attributes:
        columns: the arrays, by name.
        failures: samples that have no row, with the reason.
    """

    columns: Columns
    failures: tuple[Failure, ...] = ()

    def __post_init__(self) -> None:
        lengths = set(map(len, self.columns.values()))
        assert len(lengths) <= 1, f"columns {', '.join(self.columns)} of unequal length: {sorted(lengths)}"

    def __len__(self) -> int:
        return len(next(iter(self.columns.values()))) if self.columns else 0

    def __getitem__(self, name: str) -> NDArray[Any]:
        return self.columns[name]

    def __contains__(self, name: object) -> bool:
        return name in self.columns

    def where(self, rows: NDArray[Any]) -> Records:
        """The rows that a boolean mask or an index array picks, in that order; failures are kept."""
        return Records({name: column[rows] for name, column in self.columns.items()}, self.failures)

    @staticmethod
    def concatenate(parts: Iterable[Records]) -> Records:
        """All rows of all parts, in order; parts without rows contribute their failures only."""
        records = list(parts)
        filled = [part for part in records if len(part)]
        names: Sequence[str] = tuple(filled[0].columns) if filled else ()
        columns = {name: np.concatenate([part[name] for part in filled]) for name in names}
        return Records(columns, tuple(failure for part in records for failure in part.failures))


@dataclass(frozen=True)
class ImageTable:
    """The measurements on each image of a run, image by image and condition by condition.

    Attributes:
        ids: sorted, each once, object ``(N,)`` of str.
        label: class index of each, int32 ``(N,)``.
        conditions: of the run, all of them.
        cells: indices of those under which some image was evaluated, ascending, int16 ``(M,)``.
        columns: by name, ``(N,)`` for what is said of an image, ``(N, M)`` for what is said of it in each cell;
            signed integers are -1 and floats NaN where there is nothing. ``right``, int8 ``(N, M)``, is always there.
        failures: the images that could not be evaluated, each condition of each once.
    """

    ids: NDArray[np.object_]
    label: NDArray[np.int32]
    conditions: tuple[Condition, ...]
    cells: NDArray[np.int16]
    columns: Mapping[str, NDArray[Any]]
    failures: tuple[Failure, ...] = field(default=())

    def __post_init__(self) -> None:
        assert RIGHT in self.columns, f"a table must have the column {RIGHT!r}"
        for name, column in self.columns.items():
            shape = (len(self.ids), len(self.cells))[: column.ndim]
            assert column.shape == shape, f"column {name} is {column.shape}, must be {shape}"
            assert column.dtype.kind in "if", f"column {name} must hold signed integers or floats, holds {column.dtype}"

    def __len__(self) -> int:
        return len(self.ids)

    def __contains__(self, name: object) -> bool:
        return name in self.columns

    def __getitem__(self, name: str) -> NDArray[Any]:
        return self.columns[name]

    @property
    def evaluated(self) -> NDArray[np.bool_]:
        """The mask of the cells in which an image was evaluated, bool ``(N, M)``."""
        return np.asarray(self.columns[RIGHT] >= 0)

    @cached_property
    def present(self) -> tuple[Condition, ...]:
        """The conditions of the cells, in their order."""
        return tuple(self.conditions[cell] for cell in self.cells.tolist())

    def place(self, condition: Condition) -> int | None:
        """The column of a condition in ``(images, cells)`` arrays; ``None`` where no image was evaluated under it."""
        return self.present.index(condition) if condition in self.present else None

    def cell(self, name: str, condition: Condition) -> NDArray[Any]:
        """A column's values of the images that were evaluated under a condition, in the order of the ids."""
        place = self.place(condition)
        column = self.columns[name]
        if place is None:
            return column.reshape(-1)[:0]
        values = column if column.ndim == 1 else column[:, place]
        return np.asarray(values[self.columns[RIGHT][:, place] >= 0])

    def ids_under(self, condition: Condition) -> NDArray[np.object_]:
        """The images that were evaluated under a condition, as `cell` has their values."""
        place = self.place(condition)
        if place is None:
            return self.ids[:0]
        there = self.columns[RIGHT][:, place] >= 0
        return self.ids if there.all() else self.ids[there]

    def equals(self, name: str, value: int = 1) -> NDArray[np.generic]:
        """The mask of a value, ``(N, M)``: bool; float64 with NaN if an image was not evaluated in each cell."""
        there, mask = self.evaluated, self.columns[name] == value
        return mask if there.all() else np.where(there, mask, np.nan)

    def counts(self) -> dict[int, int]:
        """The number of images that were evaluated in each cell, by the condition's index."""
        return dict(zip(self.cells.tolist(), np.count_nonzero(self.evaluated, axis=0).tolist(), strict=True))

    @classmethod
    def empty(cls, conditions: Sequence[Condition], failures: Iterable[Failure] = ()) -> ImageTable:
        """The table of no rows, with the failures alone."""
        none = {RIGHT: np.zeros((0, 0), np.int8)}
        return cls(
            np.zeros(0, object),
            np.zeros(0, np.int32),
            tuple(conditions),
            np.zeros(0, np.int16),
            none,
            _distinct_failures(failures),
        )

    @classmethod
    def from_rows(
        cls,
        records: Records,
        conditions: Sequence[Condition],
        cells: Mapping[str, NDArray[Any]],
        images: Mapping[str, NDArray[Any]] | None = None,
    ) -> ImageTable:
        """The table of some rows.

        Args:
            records: with ``sample``, ``condition`` and ``label``, one row an image and condition; of rows of the same
                image and condition the first counts.
            conditions: of the run.
            cells: what is kept of each row, by the column's name; ``right`` among them. Booleans become int8.
            images: the same for what is equal in all rows of an image.
        """
        if not len(records):
            return cls.empty(conditions, records.failures)
        return _table_of_rows(records, tuple(conditions), cells, images or {})

    @staticmethod
    def join(parts: Iterable[ImageTable]) -> ImageTable:
        """The table of all rows of all parts: any split of a run into parts, in any order, gives the same table.

        An image and cell that several parts hold is kept once, from the first of them; a failure that another part
        evaluated is none.

        Raises:
            ValueError: there is no part.
        """
        tables = list(parts)
        if not tables:
            raise ValueError("there must be at least one table to join")
        return _table_of_parts(tables)._without_evaluated_failures()

    def only(self, indices: Mapping[str, Sequence[int]]) -> ImageTable:
        """The part of the table of some cells: by an image's id, the indices of its conditions."""
        places = {cell: place for place, cell in enumerate(self.cells.tolist())}
        keep = np.zeros(self.evaluated.shape, bool)
        for row, image in enumerate(self.ids.tolist()):
            keep[row, [places[cell] for cell in indices.get(image, ()) if cell in places]] = True
        keep &= self.evaluated
        rows = keep.any(axis=1)
        columns = {name: column[rows] for name, column in self.columns.items()}
        for name, column in columns.items():
            if column.ndim == 2:
                columns[name] = np.where(keep[rows], column, _empty((1, 1), column.dtype))
        return replace(self, ids=self.ids[rows], label=self.label[rows], columns=columns)

    def of_rows(self, rows: NDArray[np.bool_]) -> ImageTable:
        """The part of the table of some images, by a mask ``(N,)``; failures are kept."""
        columns = {name: column[rows] for name, column in self.columns.items()}
        return replace(self, ids=self.ids[rows], label=self.label[rows], columns=columns)

    def rows_of(self, ids: NDArray[np.object_]) -> Indices:
        """The row of each id in this table, int64; -1 where it has none."""
        if not len(self.ids):
            return np.full(len(ids), -1, np.int64)
        place = np.minimum(np.searchsorted(self.ids, ids), len(self.ids) - 1)
        return np.where(self.ids[place] == ids, place, -1)

    def _without_evaluated_failures(self) -> ImageTable:
        """This table, without failures of images under conditions under which another try evaluated them."""
        if not self.failures or not len(self):
            return self
        rows = self.rows_of(np.array([failure.sample for failure in self.failures], object))
        failures = []
        for failure, row in zip(self.failures, rows.tolist(), strict=True):
            done = set(self.cells[self.columns[RIGHT][row] >= 0].tolist()) if row >= 0 else set()
            if conditions := tuple(condition for condition in failure.conditions if condition not in done):
                failures.append(Failure(failure.sample, failure.reason, conditions))
        return replace(self, failures=tuple(failures))


def _table_of_rows(
    records: Records,
    conditions: tuple[Condition, ...],
    cells: Mapping[str, NDArray[Any]],
    images: Mapping[str, NDArray[Any]],
) -> ImageTable:
    """The table of at least one row, by the arguments of `ImageTable.from_rows`."""
    ids, rows = _numbered(records)
    condition = records["condition"].astype(np.int64)
    used = np.flatnonzero(np.bincount(condition))
    places = np.zeros(used[-1] + 1, np.int64)
    places[used] = np.arange(len(used))
    # From the last row to the first: where a cell is written twice, the first row stays.
    rows, columns, back = rows[::-1], places[condition[::-1]], slice(None, None, -1)
    filled = {}
    for name, values in cells.items():
        compact = _compact(values)
        filled[name] = _empty((len(ids), len(used)), compact.dtype)
        filled[name][rows, columns] = compact[back]
    for name, values in {"label": records["label"].astype(np.int32), **images}.items():
        compact = _compact(values)
        filled[name] = np.empty(len(ids), compact.dtype)
        filled[name][rows] = compact[back]
    label = filled.pop("label")
    return ImageTable(ids, label, conditions, used.astype(np.int16), filled, _distinct_failures(records.failures))


def _table_of_parts(tables: Sequence[ImageTable]) -> ImageTable:
    """The table of all rows of all parts, and every failure of every part."""
    filled = [table for table in tables if len(table)] or tables[:1]
    ids, rows = _ranked([name for table in filled for name in table.ids.tolist()])
    used = np.unique(np.concatenate([table.cells for table in filled]))
    shape = (len(ids), len(used))
    first = filled[0]
    columns = {
        name: _empty(shape[: column.ndim], np.result_type(*{table[name].dtype for table in filled}))
        for name, column in first.columns.items()
    }
    label = np.empty(len(ids), np.int32)
    ends = np.cumsum([len(table) for table in filled])
    for table, end in zip(reversed(filled), reversed(ends.tolist()), strict=True):
        at, cells = rows[end - len(table) : end], np.searchsorted(used, table.cells)
        label[at] = table.label
        place, own = _places(table, at, cells, len(used))
        for name, column in columns.items():
            if column.ndim == 1:
                column[at] = table[name]
            else:
                column[place] = table[name][own]
    failures = _distinct_failures(failure for table in tables for failure in table.failures)
    return ImageTable(ids, label, first.conditions, used, columns, failures)


def _numbered(records: Records) -> tuple[NDArray[np.object_], Indices]:
    """The different samples, sorted, and the place of each row's among them."""
    if "image" not in records:
        samples = records["sample"]
        begins = np.flatnonzero(np.append(True, samples[1:] != samples[:-1]))  # rows of an image mostly stand together
        different, rows = _ranked(samples[begins].tolist())
        return different, np.repeat(rows, np.diff(np.append(begins, len(samples))))
    image = records["image"].astype(np.int64)
    used = np.flatnonzero(np.bincount(image))
    places = np.zeros(used[-1] + 1, np.int64)
    places[used] = np.arange(len(used))
    rows = places[image]
    ids = np.empty(len(used), object)
    ids[rows] = records["sample"]
    return ids, rows


def _ranked(names: Sequence[str]) -> tuple[NDArray[np.object_], Indices]:
    """The different names, sorted, and the place of each name among them; sorted parts take little time in a row."""
    different = sorted(dict.fromkeys(names))
    place = {name: at for at, name in enumerate(different)}
    return np.array(different, object), np.fromiter(map(place.__getitem__, names), np.int64, len(names))


def _places(part: ImageTable, at: Indices, cells: Indices, among: int) -> tuple[Any, Any]:
    """The places of a part's evaluated cells among the joined columns, ``among`` of them, and in its own columns."""
    there = part.evaluated
    if there.all():  # by whole rows, where it has every column, is faster by far
        return at if len(cells) == among else np.ix_(at, cells), slice(None)
    rows, columns = np.nonzero(there)
    return (at[rows], cells[columns]), (rows, columns)


def _compact(values: NDArray[Any]) -> NDArray[Any]:
    """The values, booleans as int8, in which -1 can stand for nothing."""
    return values.astype(np.int8) if values.dtype == np.bool_ else values


def _empty(shape: tuple[int, ...], dtype: np.dtype[Any]) -> NDArray[Any]:
    return np.full(shape, -1 if dtype.kind == "i" else np.nan, dtype)


def _distinct_failures(failures: Iterable[Failure]) -> tuple[Failure, ...]:
    """Each sample and condition once, under the first of its reasons in alphabetical order; sorted."""
    reasons: dict[tuple[str, int], str] = {}
    for failure in failures:
        for condition in failure.conditions:
            key = failure.sample, condition
            reasons[key] = min(failure.reason, reasons.get(key, failure.reason))
    grouped: dict[tuple[str, str], list[int]] = {}
    for (sample, condition), reason in sorted(reasons.items()):
        grouped.setdefault((sample, reason), []).append(condition)
    return tuple(Failure(sample, reason, tuple(conditions)) for (sample, reason), conditions in sorted(grouped.items()))

"""Columns that pictures have beyond their labels, such as the patient, the site or the brightness of each."""

from __future__ import annotations

import math
import re
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from typing import Any, NamedTuple

import numpy as np
from numpy.typing import NDArray

from hardiness.core.codes import DataRemark
from hardiness.core.errors import ArgumentError
from hardiness.core.fact import Fact
from hardiness.core.picture_names import match_names

_NAMED = 3
"""How many pictures or lines a message names."""

_NUMBER = re.compile(r"[+-]?(?:[0-9]+\.?[0-9]*|\.[0-9]+)(?:[eE][+-]?[0-9]+)?")


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
        ids: ``(N,)`` names of the pictures, sorted, each once, as `ImageTable.ids` has them; of a table that is held
            against no pictures yet, as `plain_name` gives those that stand there, in its order.
        values: by the column's name ``(N,)`` object of str, ``None`` where the cell is empty. Numbers are texts too, so
            that identifiers such as 1.1 and 1.10 stay apart; `numbers_of` reads them as numbers.
        sources: where they were read from.
        remarks: what a person should know of them; no value of a column stands there.
    """

    ids: NDArray[np.object_]
    values: Mapping[str, NDArray[np.object_]]
    sources: tuple[ColumnSource, ...] = ()
    remarks: tuple[Fact, ...] = ()
    _placed: list[tuple[NDArray[Any], Columns]] = field(default_factory=list, init=False, repr=False)

    def __len__(self) -> int:
        return len(self.ids)

    def __bool__(self) -> bool:
        return bool(self.values)

    @property
    def title(self) -> str:
        """The names of the sources, for messages."""
        return ", ".join(source.name for source in self.sources) or "columns"

    def at(self, ids: NDArray[Any]) -> Columns:
        """The columns of these pictures ``(n,)``, in their order, with empty cells where one has no line."""
        places = np.minimum(np.searchsorted(self.ids, ids), max(len(self.ids) - 1, 0))
        is_there = self.ids[places] == ids if len(self.ids) else np.zeros(len(ids), bool)
        return self._taken(np.asarray(ids, object), np.where(is_there, places, -1))

    def of_pictures(self, ids: NDArray[Any]) -> Columns:
        """The columns of a table, held against the ids of pictures ``(n,)``, sorted; remarks say what did not fit.

        No column is left where no line is of one of these pictures. The last answer is kept: runs share pictures.
        """
        if not (self._placed and np.array_equal(self._placed[0][0], ids)):
            self._placed[:] = [(ids, self._of_pictures(ids))]
        return self._placed[0][1]

    def _of_pictures(self, ids: NDArray[Any]) -> Columns:
        match = match_names(self.ids.tolist(), ids.tolist())
        has_line = match.places >= 0
        name, lines, pictures = self.title, self.ids, np.asarray(ids, object)
        if not has_line.any():
            none = table_lines(name, "none", len(lines), len(lines), lines, pictures)
            return replace(self, ids=np.zeros(0, object), values={}, remarks=(*self.remarks, none))
        placed = self._taken(pictures[has_line], match.places[has_line])
        remarks = list(self.remarks)
        for reason, places in (("unclear", list(match.unclear)), ("no picture", list(match.unused))):
            if places:
                remarks.append(table_lines(name, reason, len(places), len(lines), lines[places]))
        if not has_line.all():
            missing = pictures[~has_line]
            counts = {"pictures": len(pictures), "without_line": len(missing), "examples": _examples(missing)}
            remarks.append(Fact(DataRemark.EMPTY_CELLS, {"source": name, **counts}))
        gaps = [(column, int(is_empty(values).sum())) for column, values in placed.values.items()]
        if empty := tuple((column, count) for column, count in gaps if count):
            remarks.append(Fact(DataRemark.EMPTY_CELLS, {"source": name, "pictures": len(placed), "columns": empty}))
        return replace(placed, remarks=tuple(remarks))

    def _taken(self, ids: NDArray[np.object_], places: NDArray[np.int64]) -> Columns:
        values = {name: _take(column, places) for name, column in self.values.items()}
        return replace(self, ids=ids, values=values)


NO_COLUMNS = Columns(np.zeros(0, object), {})
"""The columns of pictures of which nothing but the label is known."""


def join_columns(first: Columns, second: Columns) -> tuple[Columns, Mapping[str, list[str]]]:
    """Two tables of columns as one, and by column the pictures about which they disagree, where the second counts.

    Args:
        first, second: both of pictures, sorted.
    """
    if not (first and second):
        remarks = (*first.remarks, *second.remarks)
        return replace(first or second, sources=_each_once(first, second), remarks=remarks), {}
    same = len(first) == len(second) and bool(np.all(first.ids == second.ids))
    ids = first.ids if same else np.array(sorted({*first.ids.tolist(), *second.ids.tolist()}), object)
    one, other = (first, second) if same else (first.at(ids), second.at(ids))
    values: dict[str, NDArray[np.object_]] = {**one.values, **other.values}
    disagreements: dict[str, list[str]] = {}
    for name in one.values.keys() & other.values.keys():
        before, after = one.values[name], other.values[name]
        lacks = is_empty(after)
        differs = ~lacks & ~is_empty(before) & (before != after)
        if differs.any():
            disagreements[name] = ids[differs].tolist()
        values[name] = np.where(lacks, before, after)
    joined_columns = Columns(ids, values, _each_once(first, second), (*first.remarks, *second.remarks))
    return joined_columns, disagreements


def table_lines(
    source: str,
    reason: str,
    count: int,
    lines: int,
    examples: Sequence[Any] | NDArray[Any] = (),
    pictures: Sequence[Any] | NDArray[Any] = (),
) -> Fact:
    """The fact that lines of a table are of no picture, of several, or of one that has another line.

    Args:
        source: name of the table.
        reason: ``none`` (no line of the table is of a picture here), ``no path``, ``repeated`` (a picture has several
            lines, which agree), ``unclear`` (of several pictures, or sharing one) or ``no picture``.
        count: of these lines.
        lines: of all.
        examples: names of pictures in these lines, of which the first are taken.
        pictures: names of the pictures here, likewise.
    """
    arguments = {"source": source, "reason": reason, "count": count, "lines": lines, "examples": _examples(examples)}
    here = {"pictures": len(pictures), "names": _examples(pictures)} if len(pictures) else {}
    return Fact(DataRemark.TABLE_LINES, arguments | here)


def column_left_out(source: str, reason: str, *columns: str) -> Fact:
    """The fact that columns of a table say nothing of its pictures.

    Args:
        source: name of the table.
        reason: ``long`` texts, ``no cells`` (neither texts nor numbers), a name that is there ``twice`` or not at all
            (``unnamed``), or other cells of a picture under other ``conditions``.
        columns: their names.
    """
    return Fact(DataRemark.COLUMN_LEFT_OUT, {"source": source, "reason": reason, "columns": columns})


def refuse_no_line(table: Columns, ids: Sequence[NDArray[Any]]) -> None:
    """Raise where no line of a table is of a picture of any of several sets, given by the ids of their pictures.

    Raises:
        ArgumentError: naming the table, and how lines and pictures are called.
    """
    if ids and not any(map(table.of_pictures, ids)):
        raise ArgumentError(no_line_text(table.title, len(table), _examples(table.ids), len(ids[0]), _examples(ids[0])))


def no_line_text(source: str, lines: int, examples: Sequence[str], pictures: int, names: Sequence[str]) -> str:
    """The words for a table without a line of any picture; the first names show how both are called."""
    told = f"{source}: none of its {lines:,} lines is of one of these {pictures:,} pictures"
    if not lines:
        return told
    return f"{told}: they are called {_some(names, pictures)}, and its lines {_some(examples, lines)}"


def with_given(columns: Columns, tables: Iterable[Columns], ids: NDArray[np.object_], other: str) -> Columns:
    """The columns of some pictures with those of tables that were given beside them, which count.

    Remarks say what did not fit and what was replaced, without values.

    Args:
        columns: that the pictures have.
        tables: whose names of pictures are matched with the ids.
        ids: of the pictures, sorted.
        other: where the cell is that is replaced: in the ``data``, or stored beside the ``rows``.

    Raises:
        ArgumentError: two tables disagree.
    """
    beside = NO_COLUMNS
    for table in tables:
        beside, disagreements = join_columns(beside, table.of_pictures(ids))
        refuse_disagreement(disagreements, beside.title)
    joined, replaced = join_columns(columns, beside)
    return replace(joined, remarks=(*joined.remarks, *replaced_cells(beside.title, replaced, other)))


def replaced_cells(source: str, replaced: Mapping[str, Sequence[str]], other: str) -> list[Fact]:
    """A fact for each column of a source whose cells count in place of others.

    Args:
        source: name of the table.
        replaced: by column the pictures, as `join_columns` gives them.
        other: where the others are: ``data``, ``rows`` or an earlier ``session``.
    """
    return [
        Fact(
            DataRemark.REPLACED_CELLS,
            {"source": source, "column": column, "other": other, "count": len(names), "examples": _examples(names)},
        )
        for column, names in replaced.items()
    ]


def refuse_disagreement(disagreements: Mapping[str, Sequence[str]], title: str) -> None:
    """Raise where two tables say different things of one picture.

    Args:
        disagreements: by column the pictures, as `join_columns` gives them.
        title: of the tables.

    Raises:
        ArgumentError: they do; the message names the column and pictures, and no value.
    """
    for column, pictures in disagreements.items():
        raise ArgumentError(
            f"{title}: two tables must agree where both have a column, and say different things of {column} of "
            f"{pictures_text(pictures)}; call one of them otherwise, as in FILE:other_{column}={column}"
        )


def has_all(columns: Columns, others: Columns) -> bool:
    """Whether every cell of other columns stands in some columns too."""
    if any(name not in columns.values for name in others.values):
        return False
    placed = columns.at(others.ids)
    return all(bool(np.all(placed.values[name] == column)) for name, column in others.values.items())


def pictures_text(pictures: Sequence[str]) -> str:
    """How many pictures, and the first of them by name."""
    return f"{_count(len(pictures), 'picture')} ({_some(pictures)})"


def is_empty(column: NDArray[np.object_]) -> NDArray[np.bool_]:
    """Which cells of a column are empty."""
    return np.array([text is None for text in column.tolist()], bool)


def number_of(text: str | None) -> float:
    """The finite number that a text is; NaN where it is none, as ``1e400`` and ``nan`` are none."""
    number = float(text) if text is not None and _NUMBER.fullmatch(text) else math.nan
    return number if math.isfinite(number) else math.nan


def numbers_of(column: NDArray[np.object_]) -> NDArray[np.float64] | None:
    """The cells of a column as numbers, NaN where one is empty; ``None`` where one is no number, or all are empty."""
    numbers: dict[str | None, float] = {None: math.nan}
    for text in column.tolist():
        if text not in numbers:
            numbers[text] = number_of(text)
            if math.isnan(numbers[text]):
                return None
    return np.array([numbers[text] for text in column.tolist()], np.float64) if len(numbers) > 1 else None


def codes_of(column: NDArray[np.object_]) -> tuple[list[str], NDArray[np.int64]]:
    """The different texts of a column in their order, and the place of each cell's among them; -1 where it is empty.

    Numbers are ordered by their size, other texts by their letters.
    """
    different = np.array(sorted({text for text in column.tolist() if text is not None}), object)
    numbers = numbers_of(different)
    values = (different if numbers is None else different[np.argsort(numbers, kind="stable")]).tolist()
    places: dict[str | None, int] = {None: -1, **{text: place for place, text in enumerate(values)}}
    return values, np.array([places[text] for text in column.tolist()], np.int64)


def text_cells(values: Iterable[Any], name: str) -> NDArray[np.object_]:
    """Values that Python holds as the cells of a column: each value's own text, ``None`` where there is none.

    Args:
        values: texts, numbers, truths, times; ``None``, NaN and the missing values of pandas are empty cells.
        name: of the column, for the message.

    Raises:
        ArgumentError: a value is several, such as a list.
    """
    cells = [_text_of(value, name) for value in values]
    column = np.empty(len(cells), object)
    column[:] = cells
    return column


def _text_of(value: Any, name: str) -> str | None:
    if value is None or type(value).__name__ in ("NAType", "NaTType"):
        return None
    if isinstance(value, bool | np.bool_):
        return str(value).lower()
    if isinstance(value, float | np.floating) and np.isnan(value):
        return None
    if isinstance(value, Mapping | bytes) or (hasattr(value, "__len__") and not isinstance(value, str)):
        raise ArgumentError(
            f"columns: {name} must have a text or a number for each picture, had {type(value).__name__}"
        )
    return str(value).strip() or None


def _take(column: NDArray[np.object_], places: NDArray[np.int64]) -> NDArray[np.object_]:
    """The cells at these places; empty where one is -1."""
    values = np.full(len(places), None, object)
    is_there = places >= 0
    values[is_there] = column[places[is_there]]
    return values


def _each_once(*tables: Columns) -> tuple[ColumnSource, ...]:
    return tuple(dict.fromkeys(source for table in tables for source in table.sources))


def _count(number: int, noun: str) -> str:
    return f"{number:,} {noun}{'s' * (number != 1)}"


def _examples(names: Sequence[Any] | NDArray[Any]) -> tuple[str, ...]:
    """A few names."""
    return tuple(map(str, names[:_NAMED]))


def _some(names: Sequence[Any] | NDArray[Any], count: int | None = None) -> str:
    """A few names, with an ellipsis where there are more."""
    count = len(names) if count is None else count
    return ", ".join(_examples(names)) + (", …" if count > _NAMED else "")


@dataclass(frozen=True)
class Grouping:
    """The parts and the clusters of pictures that results are asked for.

    Attributes:
        cluster: name of the column that says which pictures belong together; empty where each stands alone.
        slices: columns by whose values scores are given, as people write them: ``"site"``; with ranges
            ``"age:0-30,30-60,60-"``; two together ``"site+age:0-30,30-"``.
        mix: by slice, the share that each value has where the model will work.
        columns: tables that are given beside the data, held against no pictures yet; they are used with the columns
            that a run has stored, and count where both have one. One alone may be given as it is.
    """

    cluster: str = ""
    slices: tuple[str, ...] = ()
    mix: Mapping[str, Mapping[str, float]] = field(default_factory=dict)
    columns: tuple[Columns, ...] = ()

    def __post_init__(self) -> None:
        if isinstance(self.columns, Columns):
            object.__setattr__(self, "columns", (self.columns,))

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

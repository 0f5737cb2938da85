"""Tables of what is known of pictures beyond their labels: CSV and Parquet files, mappings and data frames."""

from __future__ import annotations

import json
import math
import os
import re
from collections.abc import Iterable, Mapping, Sequence
from contextlib import suppress
from dataclasses import dataclass, replace
from hashlib import sha256
from pathlib import Path
from typing import Any, TypeAlias

import numpy as np
from numpy.typing import NDArray

from hardiness.core.benchmark import DataSet
from hardiness.core.codes import DataRemark
from hardiness.core.columns import (
    NO_COLUMNS,
    Columns,
    ColumnSource,
    column_left_out,
    number_of,
    table_lines,
    text_cells,
    with_given,
)
from hardiness.core.errors import ArgumentError, suggestion
from hardiness.core.fact import Fact
from hardiness.core.picture_names import folded_name, plain_name
from hardiness.data.table_files import open_table
from hardiness.sources.files import read_regular, shown
from hardiness.sources.tables import scalar_columns
from hardiness.store.arrow_columns import from_arrow, join_chunks, number_values

GivenColumns: TypeAlias = "str | os.PathLike[str] | Mapping[str, Any] | Any"
"""``FILE[:path=COLUMN,where=COLUMN:VALUE,NAME=COLUMN]``; a mapping from id or path to a picture's columns; columns by
name, one of which has the paths; or a data frame."""

HELD = "Python"
"""The source of columns that lie in no file."""

PATHS = (
    *("path", "file", "filename", "file_name", "filepath", "file_path", "image", "image_path", "img_path", "img"),
    *("picture", "img_filename", "image_filename", "image_name", "image_file", "sample", "image_id", "id", "name"),
)
"""Names of the column of paths, best first, where none is named."""

MAX_BYTES = 1 << 30
LONGEST = 200
"""The most characters of a cell: a column of longer ones, such as captions, is no property to group by."""

_DECIMAL_COMMA = re.compile(r"[+-]?(?:0|[1-9][0-9]*)(?:,[0-9]+)?")
_ROUNDED = re.compile(r"-?[1-9](?:\.[0-9]+)?[eE]\+(?:1[1-9]|[2-9][0-9])")
"""A number of twelve digits or more as Excel and pandas write it, which drop some of the digits."""

_NO_NUMBERS = frozenset(("nan", "NaN", "NA", "N/A", "null", "None"))
"""Texts that stand for an empty cell in a column of numbers."""

_INDEX = re.compile(r"__index_level_\d+__|Unnamed: \d+")
"""Names that pandas gives to an index that it writes."""


@dataclass(frozen=True)
class ColumnTable:
    """A table that `--columns` names.

    Attributes:
        file: the path of the file.
        path: the column of the pictures' paths or ids; empty for the first of `PATHS` that is there.
        where: rows are taken that have these values, by column.
        names: what columns are called here, by the name that they have in the file.
    """

    file: str
    path: str = ""
    where: tuple[tuple[str, str], ...] = ()
    names: tuple[tuple[str, str], ...] = ()

    @classmethod
    def parse(cls, text: str) -> ColumnTable:
        """The table that ``FILE:path=COLUMN,where=COLUMN:VALUE,NAME=COLUMN`` names.

        Raises:
            ArgumentError: an option does not read so.
        """
        match = None if os.path.exists(text) else re.fullmatch(r"(.+?):(?=[^:=,/\\]+=)(.*)", text, re.DOTALL)
        if match is None:
            return cls(text)
        path, where, names = "", [], []
        for option in match[2].split(","):
            name, equals, value = option.partition("=")
            if not (equals and name.strip() and value.strip()):
                raise ArgumentError(
                    f"columns {text}: must read FILE:path=COLUMN,where=COLUMN:VALUE,NAME=COLUMN; {option!r} does not"
                )
            name, value = name.strip(), value.strip()
            if name == "path":
                path = value
            elif name == "where":
                column, colon, cell = value.partition(":")
                if not colon:
                    raise ArgumentError(
                        f"columns {text}: where must read COLUMN:VALUE, as in where=split:2; was {value!r}"
                    )
                where.append((column, cell))
            else:
                names.append((value, name))
        return cls(match[1], path, tuple(where), tuple(names))


def read_columns(given: GivenColumns) -> Columns:
    """The columns of pictures that a person gives; they are held against no pictures yet.

    Args:
        given: as `GivenColumns`. Columns by name without one of paths are of pictures in the order of the data that
            Python holds.

    Raises:
        ArgumentError: it cannot be read, has no column of paths, a column twice, or two lines of one picture that
            disagree; the message names the file and the line or column.
    """
    if isinstance(given, str | os.PathLike):
        table = ColumnTable.parse(os.fspath(given))
        return _read_file(table)
    if isinstance(given, Columns):
        return given
    arrays = arrays_of_python(given)
    return _as_columns(arrays, ColumnTable(HELD), ColumnSource(HELD, digest_of_arrays(arrays)))


def columns_by_id(ids: Sequence[str], values: Mapping[str, NDArray[np.object_]], source: ColumnSource) -> Columns:
    """The columns of pictures whose ids are known.

    Args:
        ids: of the pictures, each once, in any order.
        values: by column those of each.
        source: where they stand.
    """
    if not values:
        return NO_COLUMNS
    order = sorted(range(len(ids)), key=ids.__getitem__)
    names = np.empty(len(ids), object)
    names[:] = [ids[place] for place in order]
    return Columns(names, {name: column[order] for name, column in values.items()}, (source,))


def columns_of_items(ids: Sequence[str], facts: Sequence[Mapping[str, Any]]) -> Columns:
    """The columns of pictures of which Python says further things, such as the metadata of MAITE's items.

    What is neither text nor a number is left out, and so is ``id``.

    Args:
        ids: of the pictures, each once.
        facts: of each.
    """
    arrays: dict[str, NDArray[np.object_]] = {}
    for name in dict.fromkeys(str(name) for each in facts for name in each if name != "id"):
        with suppress(ArgumentError):
            arrays[name] = _cells([each.get(name) for each in facts], name)
    arrays, _ = without_long(arrays, HELD)
    return columns_by_id(ids, arrays, ColumnSource(HELD, digest_of_arrays(arrays)))


def with_tables(data: DataSet, tables: Sequence[Columns]) -> DataSet:
    """A data set with what is given of its pictures beside it; its remarks say what did not fit.

    Raises:
        ArgumentError: two tables disagree.
    """
    if not tables:
        return data
    ids = np.array([item.id for item in data.items], object)
    columns = with_given(data.columns, tables, ids, "data")
    remarks = tuple(dict.fromkeys((*data.remarks, *columns.remarks)))
    return replace(data, columns=columns, remarks=remarks)


def further_columns(files: Sequence[Path]) -> tuple[Mapping[str, NDArray[np.object_]], ColumnSource]:
    """The columns of Parquet files of pictures beside these and their labels, row by row, and where they stand.

    Texts, numbers, truths and times are read; the hash is over these values, as the files hold the pictures too.

    Raises:
        DataError: a file cannot be read.
    """
    tables: list[tuple[int, Mapping[str, Sequence[str | None]]]] = []
    for file in files:
        count, columns = scalar_columns(file, is_scalar)
        tables.append((count, {name: arrow_texts(column) for name, column in columns.items()}))
    texts = {
        name: [text for count, columns in tables for text in columns.get(name, [None] * count)]
        for name in dict.fromkeys(name for _, columns in tables for name in columns)
    }
    arrays, _ = without_long({name: cells_of(cells) for name, cells in texts.items()}, "")
    return arrays, ColumnSource(", ".join(shown(file.name) for file in files[:3]), digest_of_arrays(arrays))


def _read_file(table: ColumnTable) -> Columns:
    arrays, digest, remarks = arrays_of_file(table.file, f"columns {shown(table.file)}")
    columns = _as_columns(arrays, table, ColumnSource(shown(Path(table.file).name), digest))
    return replace(columns, remarks=(*remarks, *columns.remarks))


def arrays_of_file(file: str, place: str) -> tuple[dict[str, NDArray[np.object_]], str, list[Fact]]:
    """The columns of a csv or Parquet file by name, its hash, and what is to be known of it.

    Args:
        file: its path.
        place: how messages begin.

    Returns:
        Each column ``(N,)`` as `Columns.values` are.

    Raises:
        ArgumentError: it cannot be read, is neither, holds no line, or has a column twice.
    """
    import pyarrow as pa

    try:
        content = read_regular(Path(file), MAX_BYTES)
    except OSError as error:
        raise ArgumentError(f"{place}: must be a csv or Parquet file, and cannot be read ({error.strerror})") from None
    with open_table(content, place, file) as table:
        schema = table.schema
        present = [name for name in schema.names if is_named(name)]
        names = [name for name in present if is_scalar(schema.field(name).type)]
        read = pa.concat_tables([schema.empty_table().select(names), *table.blocks(names)])
    if not read.num_rows:
        raise ArgumentError(f"{place}: must hold a line for each picture, and holds none")
    cells = {name: cells_of(arrow_texts(read.column(name)), table.has_decimal_comma) for name in names}
    arrays, remarks = without_long(cells, file)
    if others := [name for name in present if name not in names]:
        remarks.append(column_left_out(shown(Path(file).name), "no cells", *others))
    return arrays, sha256(content).hexdigest(), remarks


def _as_columns(arrays: Mapping[str, NDArray[np.object_]], table: ColumnTable, source: ColumnSource) -> Columns:
    """The columns of a table whose arrays were read, by what the person says of them."""
    place = f"columns {shown(table.file)}"
    for name in [*([table.path] if table.path else []), *(name for name, _ in (*table.where, *table.names))]:
        if name not in arrays:
            raise ArgumentError(f"{place}: has no column {name!r}{suggestion(name, list(arrays))}")
    lower = {name.lower(): name for name in reversed(list(arrays))}
    paths = table.path or next((lower[name] for name in PATHS if name in lower), "")
    if not paths:
        raise ArgumentError(
            f"{place}: must have a column of the pictures' paths ({', '.join(PATHS[:3])} …), has "
            f"{', '.join(map(shown, list(arrays)[:8]))}; name it, as in {table.file}:path=COLUMN"
        )
    is_chosen = np.ones(len(arrays[paths]), bool)
    for column, value in table.where:
        is_chosen &= arrays[column] == value
        if not is_chosen.any():
            raise ArgumentError(f"{place}: where={column}:{value} leaves no line; write the value as it stands there")
    renamed = dict(table.names)
    values = {renamed.get(name, name): array[is_chosen] for name, array in arrays.items() if name != paths}
    if len(values) < len(arrays) - 1:
        twice = next(name for name in renamed.values() if name in arrays and name not in renamed)
        raise ArgumentError(f"{place}: has a column {twice!r} already; choose another name for {twice}=…")
    if not values:
        raise ArgumentError(f"{place}: must have a column beside {paths}, which has the pictures' paths; has none")
    names = [None if text is None else plain_name(text) for text in arrays[paths][is_chosen].tolist()]
    return _each_once(names, values, source, place)


def _each_once(
    names: Sequence[str | None], values: Mapping[str, NDArray[np.object_]], source: ColumnSource, place: str
) -> Columns:
    """The columns with a line for each name.

    Raises:
        ArgumentError: two lines of one picture disagree.
    """
    first: dict[str, int] = {}
    again: list[tuple[int, int]] = []
    nameless = 0
    for line, name in enumerate(names):
        if not name:
            nameless += 1
        elif (earlier := first.setdefault(folded_name(name), line)) != line:
            again.append((earlier, line))
    remarks = []
    if nameless:
        remarks.append(table_lines(source.name, "no path", nameless, len(names)))
    if again:
        before, after = (np.array(lines) for lines in zip(*again, strict=True))
        for name, column in values.items():
            differs = np.flatnonzero(column[before] != column[after])
            if len(differs):
                line = int(differs[0])
                raise ArgumentError(
                    f"{place}: has two lines of {shown(str(names[before[line]]))} (rows {before[line] + 1} and "
                    f"{after[line] + 1}) that say different things of {name}"
                    f"{f', and {len(differs) - 1:,} more such' if len(differs) > 1 else ''}; leave one of them"
                )
        pictures, example = len(set(before.tolist())), [names[again[0][0]]]
        remarks.append(table_lines(source.name, "repeated", pictures, len(names), example))
    remarks += [
        Fact(DataRemark.LOST_DIGITS, {"source": source.name, "column": name})
        for name, column in values.items()
        if any(text is not None and _ROUNDED.fullmatch(text) for text in column.tolist())
    ]
    lines = np.fromiter(first.values(), np.int64, len(first))
    ids = np.empty(len(first), object)
    ids[:] = [names[line] for line in lines.tolist()]
    return Columns(ids, {name: column[lines] for name, column in values.items()}, (source,), tuple(remarks))


def _lines(count: int) -> str:
    return f"{count:,} line{'s' * (count != 1)}"


def without_long(
    arrays: Mapping[str, NDArray[np.object_]], file: str
) -> tuple[dict[str, NDArray[np.object_]], list[Fact]]:
    """The columns without those of long texts, and the fact that these are left out."""
    long = [
        name
        for name, column in arrays.items()
        if any(text is not None and len(text) > LONGEST for text in column.tolist())
    ]
    remarks = [column_left_out(shown(Path(file).name), "long", *long)] if long else []
    return {name: column for name, column in arrays.items() if name not in long}, remarks


def cells_of(texts: Sequence[str | None], has_decimal_comma: bool = False) -> NDArray[np.object_]:
    """The cells of a column, from their texts: different texts stay different, and empty ones are ``None``.

    Between numbers ``nan`` and `NA` are empty cells.

    Args:
        texts: of the cells, without outer spaces.
        has_decimal_comma: whether 1,5 becomes 1.5, where all numbers are written so.
    """
    different = {text for text in texts if text}
    numbers = different - _NO_NUMBERS
    cells: dict[str | None, str | None] = {text: text for text in different}
    if numbers and has_decimal_comma and all(map(_DECIMAL_COMMA.fullmatch, numbers)):
        cells |= {text: text.replace(",", ".") for text in numbers}
    if 0 < len(numbers) < len(different) and not any(math.isnan(number_of(cells[text])) for text in numbers):
        cells |= dict.fromkeys(different - numbers)
    column = np.empty(len(texts), object)
    column[:] = [cells.get(text) for text in texts]
    return column


def is_scalar(kind: Any) -> bool:
    """Whether a column of pyarrow's holds a text, a number, a truth or a time in each cell."""
    from pyarrow import types

    if types.is_dictionary(kind):
        kind = kind.value_type
    checks = (
        *(types.is_integer, types.is_floating, types.is_boolean, types.is_string, types.is_large_string),
        *(types.is_decimal, types.is_temporal, types.is_null),
    )
    return any(check(kind) for check in checks)


def arrow_texts(column: Any) -> list[str | None]:
    """The cells of a column of pyarrow's for which `is_scalar` holds, each as `text_cells` has it."""
    import pyarrow as pa
    from pyarrow import compute, types

    array = join_chunks(column)
    if types.is_dictionary(array.type):
        array = array.cast(array.type.value_type)
    if types.is_floating(array.type):
        array = array if types.is_float32(array.type) else array.cast(pa.float64())
        return list(text_cells(number_values(compute.fill_null(array, float("nan"))), ""))
    texts = from_arrow(compute.utf8_trim_whitespace(compute.fill_null(array.cast(pa.string()), "")))
    return [text or None for text in texts.tolist()]


def is_named(column: str) -> bool:
    """Whether somebody named a column: no index that pandas wrote, and no column of a csv without a name."""
    return not (_INDEX.fullmatch(column) or column.startswith("\0"))


def arrays_of_python(given: Any) -> dict[str, NDArray[np.object_]]:
    """The columns of a mapping or a data frame, by name.

    Raises:
        ArgumentError: it is neither, or its columns have different lengths.
    """
    if hasattr(given, "column_names"):  # a table of pyarrow
        return {
            name: cells_of(arrow_texts(given.column(name)))
            for name in given.column_names
            if is_scalar(given.schema.field(name).type)
        }
    if isinstance(given, Mapping):
        lines = list(given.values())
        if lines and all(isinstance(line, Mapping) for line in lines):
            names = dict.fromkeys(str(name) for line in lines for name in line if str(name) != "path")
            return {
                "path": text_cells(given, "path"),
                **{name: _cells([line.get(name) for line in lines], name) for name in names},
            }
        columns = {str(name): column for name, column in given.items()}
    elif hasattr(given, "columns") and hasattr(given, "__getitem__"):  # a data frame of pandas, polars and others
        columns = {str(name): given[name] for name in given.columns}
        index = getattr(given, "index", None)
        if index is not None and not any(name.lower() in PATHS for name in columns):
            labels = list(index)
            if labels and all(isinstance(label, str) for label in labels):
                columns = {"path": labels, **columns}
    else:
        raise ArgumentError(
            "columns must be a csv or Parquet file, {picture: {column: value}}, {column: values} or a data frame, was "
            f"{type(given).__name__}"
        )
    if (
        any(isinstance(column, str | bytes) or not hasattr(column, "__len__") for column in columns.values())
        or not columns
    ):
        raise ArgumentError(
            "columns must be {picture: {column: value}} or {column: values}, such as {'path': ['a.png'], 'site': ['A']}"
        )
    if len({len(column) for column in columns.values()}) > 1:
        sizes = ", ".join(f"{len(column):,} of {name}" for name, column in columns.items())
        raise ArgumentError(f"columns must have as many values each as there are pictures; has {sizes}")
    arrays = {name: _cells(column, name) for name, column in columns.items()}
    if not any(name.lower() in PATHS for name in arrays):  # the pictures of arrays are called by their places
        count = len(next(iter(arrays.values())))
        arrays = {"path": np.array([f"{place:06d}" for place in range(count)], object), **arrays}
    return arrays


def _cells(values: Iterable[Any], name: str) -> NDArray[np.object_]:
    """Values that Python holds as the cells of a column; raises as `text_cells`."""
    return cells_of(text_cells(values, name).tolist())


def digest_of_arrays(arrays: Mapping[str, NDArray[np.object_]]) -> str:
    """Hexadecimal digits over the names and values of columns that lie in no file."""
    return sha256(json.dumps([[name, column.tolist()] for name, column in arrays.items()]).encode()).hexdigest()

"""Tables of answers that were computed elsewhere, read in blocks: csv, Parquet, or columns that Python holds."""

from __future__ import annotations

import json
import os
import re
import weakref
from collections.abc import Mapping, Sequence
from contextlib import suppress
from dataclasses import replace
from hashlib import sha256
from itertools import groupby
from pathlib import Path
from tempfile import TemporaryFile
from typing import Any, TypeAlias

import numpy as np
from numpy.typing import NDArray

from hardiness.core.columns import number_of, text_cells
from hardiness.core.errors import ArgumentError
from hardiness.data.answer_columns import OF_CLASSES, AnswerColumns, DescribeColumns, not_a_confidence
from hardiness.data.columns import arrow_texts, cells_of, is_named, is_scalar
from hardiness.data.table_files import ROWS_AT_ONCE, open_table
from hardiness.sources.packages import file_sha256

_SUM_TOLERANCE = 0.05

HELD = "predictions"
"""The word of messages for answers that lie in no file."""

Answers: TypeAlias = "str | os.PathLike[str] | Mapping[str, Any]"
"""A csv or Parquet file, or its columns by name: a mapping, a data frame, or a table of pyarrow."""


class NumberRows:
    """Rows of float32 that lie in a temporary file, since all together they may be more than fits into memory.

    Args:
        place: the file that they are read from, for messages.
        kind: ``"logits"`` or ``"probabilities"``.
    """

    def __init__(self, place: str, kind: str) -> None:
        self._place, self._kind = place, kind
        self._file = TemporaryFile()  # noqa: SIM115  # as long as the rows are
        weakref.finalize(self, self._file.close)
        self.shape = (0, 0)
        self._may_be_probabilities = self._may_be_percent = self.are_shares = True

    def add(self, block: NDArray[np.float32], samples: Sequence[str]) -> None:
        """Take further rows ``(n, K)``, of these samples.

        Raises:
            ArgumentError: one has another number of classes than those before, is not finite, or no probabilities.
        """
        (stored_rows, width), columns = self.shape, block.shape[1]
        if stored_rows and columns != width:
            raise ArgumentError(
                f"{self._place}: {samples[0]} (row {stored_rows + 1}) has {columns} numbers, those before {width}"
            )
        bad = np.flatnonzero(~np.isfinite(block).all(axis=1))
        if len(bad):
            raise ArgumentError(
                f"{self._place}: the answer for {samples[bad[0]]} (row {stored_rows + bad[0] + 1}) is NaN, infinite or "
                "beyond float32"
            )
        if self._kind == "probabilities":
            self._require_probabilities(block, samples)
        self._may_be_probabilities &= not len(_no_probabilities(block))
        self._may_be_percent &= not len(_no_probabilities(block / np.float32(100)))
        self.are_shares &= bool(((block >= 0) & (block <= 1)).all())
        self._file.write(np.ascontiguousarray(block).data)
        self.shape = stored_rows + len(block), columns

    def __len__(self) -> int:
        return self.shape[0]

    def __getitem__(self, rows: NDArray[np.intp]) -> NDArray[np.float32]:
        """Some of the rows, ``(n, K)``."""
        self._file.flush()
        size = 4 * self.shape[1]
        content = b"".join(os.pread(self._file.fileno(), size, size * row) for row in rows.tolist())
        return np.frombuffer(content, np.float32).reshape(len(rows), self.shape[1])

    def require_kind(self) -> None:
        """Raise an error where all rows are probabilities, also in percent, and were called logits.

        Raises:
            ArgumentError: naming the column that they belong into.
        """
        if self._kind == "logits" and len(self) and (self._may_be_probabilities or self._may_be_percent):
            total, first = (1, "") if self._may_be_probabilities else (100, "divide them by 100, and ")
            raise ArgumentError(
                f"{self._place}: logits must be numbers before the softmax, and these are probabilities (none is "
                f"negative, each of {len(self):,} rows sums to {total}): {first}name the column probabilities (or "
                "probabilities_0, probabilities_1 …)"
            )

    def shown_kind(self) -> str:
        """The kind that the rows themselves show: probabilities where each is of shares that sum to 1, else logits.

        Raises:
            ArgumentError: all are probabilities in percent.
        """
        if self._may_be_percent and not self._may_be_probabilities and len(self):
            raise ArgumentError(
                f"{self._place}: the columns of the classes hold probabilities in percent (each of {len(self):,} rows "
                "sums to 100): divide them by 100"
            )
        return "probabilities" if self._may_be_probabilities else "logits"

    def _require_probabilities(self, block: NDArray[np.float32], samples: Sequence[str]) -> None:
        off = _no_probabilities(block)
        if len(off):
            raise ArgumentError(
                f"{self._place}: the probabilities of {samples[off[0]]} sum to {block[off[0]].sum():.3g}, and must to "
                "1; are they logits?"
            )


def _no_probabilities(block: NDArray[np.float32]) -> NDArray[np.intp]:
    """The places of those rows ``(n, K)`` that have a negative number, or a sum other than 1."""
    return np.flatnonzero((block.min(1) < -1e-3) | (np.abs(block.sum(1) - 1) > _SUM_TOLERANCE))


class AnswerTable:
    """The rows of a table of answers, taken in block by block.

    Args:
        place: the file, for messages.
        columns: which of its columns hold what.
        has_decimal_comma: whether decimals are written with a comma.

    Attributes:
        sha256: of the bytes of the file, or of the rows that Python holds.
        kind: as of the columns; of columns of classes what their rows show, once all are read.
        samples, conditions: a text a row; the condition is empty where the table says none.
        values: the answers: rows of numbers, or texts.
        beside: the texts of the further columns, by name, and of the confidences.
    """

    def __init__(self, place: str, columns: AnswerColumns, has_decimal_comma: bool = False) -> None:
        self.place, self.columns, self.kind, self.has_decimal_comma = place, columns, columns.kind, has_decimal_comma
        self.sha256 = ""
        self.samples: list[str] = []
        self.conditions: list[str] = []
        self.values: NumberRows | list[str] = NumberRows(place, self.kind) if columns.are_numbers else []
        self.beside: dict[str, list[str]] = {name: [] for name in self._beside}
        self._known: dict[str, str] = {}

    @property
    def _beside(self) -> tuple[str, ...]:
        return (*self.columns.further, *filter(None, [self.columns.confidence]))

    @property
    def texts(self) -> tuple[str, ...]:
        """The columns that are read as texts."""
        columns = self.columns
        names = (columns.sample, columns.condition, *self._beside, *(() if columns.are_numbers else columns.answers))
        return tuple(filter(None, names))

    def add(self, cells: Mapping[str, Sequence[str | None]], numbers: Sequence[Any] | NDArray[Any] = ()) -> None:
        """Take some rows.

        Args:
            cells: the texts of each of `texts`.
            numbers: float32 ``(n, K)``, or for each row anything that is numbers or reads so; none of texts.

        Raises:
            ArgumentError: a row names no picture, or its numbers are none.
        """
        texts = {name: [self._known.setdefault(text or "", text or "") for text in cells[name]] for name in self.texts}
        first, samples = len(self.samples), texts[self.columns.sample]
        if "" in samples:
            raise ArgumentError(
                f"{self.place}: row {first + samples.index('') + 1} must name its picture in the column "
                f"{self.columns.sample}, and is empty"
            )
        if isinstance(self.values, list):
            self.values += texts[self.columns.answers[0]]
        elif isinstance(numbers, np.ndarray):
            self.values.add(numbers, samples)
        else:
            rows = [_numbers(row, self.place, samples[k], first + k) for k, row in enumerate(numbers)]
            for width, group in groupby(range(len(rows)), key=lambda k: len(rows[k])):
                places = list(group)
                block = np.stack([rows[k] for k in places]).reshape(len(places), width)
                self.values.add(block, [samples[k] for k in places])
        for name in self._beside:
            self.beside[name] += texts[name]
        self.samples += samples
        self.conditions += texts.get(self.columns.condition) or [""] * len(samples)

    def complete(self, digest: str = "") -> AnswerTable:
        """The table, all of whose rows were taken: one or more, and no probabilities that are called logits."""
        if not self.samples:
            raise ArgumentError(f"{self.place} must hold a row for each picture, holds none")
        if isinstance(self.values, NumberRows):
            if self.kind == OF_CLASSES:
                self.kind = self.values.shown_kind()
            self.values.require_kind()
        self.sha256 = digest or self._digest()
        return self

    def confidences(self) -> NDArray[np.float32] | None:
        """The confidence of each answer, float32 ``(N,)`` from 0 to 1; ``None`` where there is no column of them.

        Raises:
            ArgumentError: one is no such number; the message says what else the column may be.
        """
        if not (column := self.columns.confidence):
            return None
        cells = cells_of(self.beside[column], self.has_decimal_comma)
        confidences = np.array([number_of(cell) for cell in cells.tolist()], np.float32)
        bad = np.flatnonzero(~((confidences >= 0) & (confidences <= 1)))
        if len(bad):
            row = int(bad[0])
            raise not_a_confidence(self.place, self.samples[row], row, cells[row] or "empty", "0", column)
        return confidences

    def _digest(self) -> str:
        digest = sha256(json.dumps([self.kind, self.samples, self.conditions, self.beside]).encode())
        if isinstance(self.values, NumberRows):
            for start in range(0, len(self.values), ROWS_AT_ONCE):
                rows = np.arange(start, min(start + ROWS_AT_ONCE, len(self.values)))
                digest.update(self.values[rows].tobytes())
        else:
            digest.update(json.dumps(self.values).encode())
        return digest.hexdigest()


def read_answers(answers: Answers, describe: DescribeColumns, argument: str = HELD) -> AnswerTable:
    """The answers of a csv or Parquet file, or of columns that Python holds.

    Args:
        answers: a path, or columns by name.
        describe: finds the columns.
        argument: what gave the file, for messages.

    Raises:
        ArgumentError: there is no such file, or no column; a row names no picture, or holds what is no number; or
            its logits are probabilities. The message names the line or row.
    """
    if not isinstance(answers, str | os.PathLike):
        return _of_columns(answers, describe)
    place = os.fspath(answers)
    if not Path(place).is_file():
        raise ArgumentError(f"{argument} must be a csv or Parquet file; there is none at {place}")
    with open_table(Path(place), place) as file:
        kinds = {name: file.schema.field(name).type for name in file.schema.names if is_named(name)}
        columns = describe(list(kinds), place)
        columns = replace(columns, further=tuple(name for name in columns.further if is_scalar(kinds[name])))
        table = AnswerTable(place, columns, file.has_decimal_comma)
        numbers = columns.answers if columns.are_numbers else ()
        for block in file.blocks([*dict.fromkeys((*table.texts, *numbers))]):
            cells = {name: arrow_texts(block.column(name)) for name in table.texts}
            table.add(cells, _of_arrow(block.select(list(numbers)), file.has_decimal_comma) if numbers else ())
    return table.complete(file_sha256(Path(place)))


def _of_columns(answers: Any, describe: DescribeColumns) -> AnswerTable:
    """The columns that Python holds, as they are taken from a file.

    Raises:
        ArgumentError: they are no columns by name, one is missing, or they have different lengths.
    """
    if hasattr(answers, "column_names"):  # a table of pyarrow
        given = {name: answers.column(name).to_pylist() for name in answers.column_names}
    elif hasattr(answers, "keys"):  # a mapping, or a data frame
        given = {str(name): answers[name] for name in answers.keys()}  # noqa: SIM118  # a frame iterates over others
    else:
        raise ArgumentError(
            "predictions must be a csv or Parquet file, or columns by name such as {'sample': names, 'logits': array "
            f"of (N, K)}}, was {type(answers).__name__}"
        )
    columns = describe(list(given), HELD)
    count = len(given[columns.sample])
    further = (name for name in columns.further if len(given[name]) == count and not _are_arrays(given[name]))
    table = AnswerTable(HELD, replace(columns, further=tuple(further)))
    for name in (*table.texts, *columns.answers):
        if len(given[name]) != count:
            raise ArgumentError(
                f"{HELD} must have as many rows of {name} as of {columns.sample}, {count:,}; had {len(given[name]):,}"
            )
    cells = {name: text_cells(given[name], name).tolist() for name in table.texts}
    rows = _rows_of([given[name] for name in columns.answers]) if columns.are_numbers else ()
    for start in range(0, count, ROWS_AT_ONCE):
        batch = slice(start, start + ROWS_AT_ONCE)
        table.add({name: column[batch] for name, column in cells.items()}, rows[batch])
    return table.complete()


def _are_arrays(cells: Sequence[Any]) -> bool:
    """Whether a cell is no text and no number, but several."""
    return any(hasattr(cell, "__len__") and not isinstance(cell, str) for cell in cells)


def _rows_of(columns: Sequence[Any]) -> Sequence[Any] | NDArray[np.float32]:
    """The rows of one column of rows, or of a column for each class: as one array ``(N, K)`` where they are such."""
    rows = columns[0] if len(columns) == 1 else np.stack([np.asarray(column) for column in columns], axis=1)
    try:
        array = np.asarray(rows, np.float32)
    except (TypeError, ValueError):
        return list(rows)
    return array if array.ndim == 2 else list(rows)


def _of_arrow(table: Any, has_decimal_comma: bool) -> Sequence[Any] | NDArray[np.float32]:
    """The numbers of one column of lists, or of a column for each class, without a Python object for each."""
    from pyarrow import compute, types

    if has_decimal_comma and table.num_columns > 1:
        changed = [compute.replace_substring(column, ",", ".") for column in table.columns]
        table = type(table).from_arrays(changed, table.column_names)
    column = table.column(0)
    if table.num_columns > 1 or types.is_primitive(column.type):
        columns = [_as_floats(part) for part in table.columns]
        if all(part.dtype.kind in "fiu" for part in columns):
            return np.stack([part.astype(np.float32) for part in columns], axis=1)
    elif types.is_list(column.type) or types.is_large_list(column.type) or types.is_fixed_size_list(column.type):
        lengths = compute.unique(compute.list_value_length(column)).to_pylist()
        values = compute.list_flatten(column)
        if len(lengths) == 1 and lengths[0] and not values.null_count and types.is_primitive(values.type):
            return np.asarray(values.to_numpy(), np.float32).reshape(table.num_rows, lengths[0])
    cells = zip(*(part.to_pylist() for part in table.columns), strict=True)
    return [cell if table.num_columns > 1 else cell[0] for cell in cells]


def _as_floats(column: Any) -> NDArray[Any]:
    """A column of pyarrow's, its texts as numbers where all are."""
    from pyarrow import ArrowInvalid, compute, types

    if types.is_string(column.type):
        with suppress(ArrowInvalid):
            column = compute.cast(compute.utf8_trim_whitespace(column), "float32")
    return np.asarray(column.to_numpy())


def _numbers(row: Any, place: str, sample: str, number: int) -> NDArray[np.float32]:
    """One answer, float32 ``(K,)``.

    Raises:
        ArgumentError: it is not made of numbers.
    """
    parts = re.split(r"[\s,;]+", row.strip().strip("[]()").strip()) if isinstance(row, str) else row
    try:
        with np.errstate(over="ignore"):  # a number beyond float32 is infinite then, which is refused
            return np.array([float(part) for part in parts], np.float32)
    except (TypeError, ValueError):
        raise ArgumentError(
            f"{place}: the answer for {sample} (row {number + 1}) must be numbers, was {row!r:.60}"
        ) from None

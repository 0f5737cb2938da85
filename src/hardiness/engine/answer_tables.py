"""Tables of answers that were computed elsewhere, read in blocks: csv, Parquet, or columns that Python holds."""

from __future__ import annotations

import json
import os
import re
import weakref
from collections.abc import Mapping, Sequence
from contextlib import suppress
from hashlib import sha256
from itertools import groupby
from pathlib import Path
from tempfile import TemporaryFile
from typing import Any, TypeAlias

import numpy as np
from numpy.typing import NDArray

from hardiness.core.columns import text_cells
from hardiness.core.errors import ArgumentError
from hardiness.core.fact import Fact
from hardiness.data.columns import is_scalar
from hardiness.data.table_files import ROWS_AT_ONCE, open_table
from hardiness.engine.answer_columns import (
    AnswerPlaces,
    class_columns,
    confidences_of,
    prediction_column,
    sample_column,
)
from hardiness.sources.packages import file_sha256

KINDS = ("logits", "probabilities", "class_index", "class_name", "class")
"""Columns of a file with answers, best first; ``class`` is a name or an index, as the file itself shows."""

OF_CLASSES = "columns of classes"
"""The kind of answers with a column for each class, until all are read: logits, or probabilities, as rows sum to 1."""

_TEXT_KINDS = KINDS[2:]

_SUM_TOLERANCE = 0.05

_SHOWN = 6
"""How many columns are named where those needed are not among them."""

HELD = "predictions"
"""The word of messages for answers that lie in no file."""

Answers: TypeAlias = "str | os.PathLike[str] | Mapping[str, Any]"
"""A csv or Parquet file, or its columns by name: a mapping, a data frame, or a table of pyarrow."""


class NumberRows:
    """Rows of float32 that lie in a temporary file, since all together they may be more than fits into memory.

    Args:
        path: of the file that they are read from, for messages.
        kind: ``"logits"`` or ``"probabilities"``.
    """

    def __init__(self, path: Path, kind: str) -> None:
        self._path, self._kind = path, kind
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
                f"{self._path}: {samples[0]} (row {stored_rows + 1}) has {columns} numbers, those before {width}"
            )
        bad = np.flatnonzero(~np.isfinite(block).all(axis=1))
        if len(bad):
            raise ArgumentError(
                f"{self._path}: the answer for {samples[bad[0]]} (row {stored_rows + bad[0] + 1}) is NaN, infinite or "
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
                f"{self._path}: logits must be numbers before the softmax, and these are probabilities (none is "
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
                f"{self._path}: the columns of the classes hold probabilities in percent (each of {len(self):,} rows "
                "sums to 100): divide them by 100"
            )
        return "probabilities" if self._may_be_probabilities else "logits"

    def _require_probabilities(self, block: NDArray[np.float32], samples: Sequence[str]) -> None:
        off = _no_probabilities(block)
        if len(off):
            raise ArgumentError(
                f"{self._path}: the probabilities of {samples[off[0]]} sum to {block[off[0]].sum():.3g}, and must to "
                "1; are they logits?"
            )


def _no_probabilities(block: NDArray[np.float32]) -> NDArray[np.intp]:
    """The places of those rows ``(n, K)`` that have a negative number, or a sum other than 1."""
    return np.flatnonzero((block.min(1) < -1e-3) | (np.abs(block.sum(1) - 1) > _SUM_TOLERANCE))


class AnswerTable:
    """The answers of a file, taken in as it is read."""

    def __init__(self, kind: str, file: Path, places: AnswerPlaces) -> None:
        self.kind, self._file, self._places = kind, file, places
        self.samples: list[str] = []
        self.conditions: list[str] = []
        self.values: NumberRows | list[str] = [] if kind in _TEXT_KINDS else NumberRows(file, kind)
        self.beside: dict[str, list[str]] = {}
        self._known: dict[str, str] = {}

    def add(
        self,
        samples: Sequence[str],
        conditions: Sequence[str],
        answers: Sequence[Any] | NDArray[Any],
        beside: Mapping[str, Sequence[Any]] | None = None,
    ) -> None:
        """Take some rows.

        Args:
            samples, conditions: texts, a row each.
            answers: numbers ``(n, K)``, or anything that `_numbers` reads.
            beside: the cells of further columns, by name.
        """
        for name, cells in (beside or {}).items():
            texts = [text or "" for text in text_cells(cells, name).tolist()]
            self.beside.setdefault(name, []).extend(self._known.setdefault(text, text) for text in texts)
        if isinstance(self.values, list):
            self.values.extend(str(answer) for answer in answers)
        elif isinstance(answers, np.ndarray):
            self.values.add(answers, samples)
        else:
            first = len(self.samples)
            rows = [_numbers(row, self._file, samples[k], first + k) for k, row in enumerate(answers)]
            for width, group in groupby(range(len(rows)), key=lambda k: len(rows[k])):
                places = list(group)
                block = np.stack([rows[k] for k in places]).reshape(len(places), width)
                self.values.add(block, [samples[k] for k in places])
        # Each text once: ImageNet-C has 3.8 million rows of 50,000 samples.
        self.samples += [self._known.setdefault(text, text) for text in samples]
        self.conditions += [self._known.setdefault(text, text) for text in conditions]

    @property
    def confidence_cells(self) -> Sequence[str]:
        """The texts of the column of confidences; none where there is no such column, or it was taken already."""
        return self.beside.get(self._places.confidence, ()) if self._places.confidence else ()

    def confidences(self) -> NDArray[np.float32] | None:
        """The confidence of each answer; ``None`` where there is no column of them.

        Raises:
            ArgumentError: one is no number from 0 to 1.
        """
        if not self._places.confidence:
            return None
        cells = self.beside.pop(self._places.confidence)
        return confidences_of(cells, self.samples, str(self._file), self._places)

    def notes(self) -> tuple[Fact, ...]:
        """A note where a column is taken for the confidence."""
        return self._places.notes()


def read_answers(answers: Answers, classes: Sequence[str] = ()) -> tuple[str, str, AnswerTable]:
    """The name of a file, the hash of its bytes, and the answers in it; arguments and errors of `read_predictions`."""
    if isinstance(answers, str | os.PathLike):
        path = os.fspath(answers)
        return path, *_of_file(path, classes)
    columns = _of_columns(answers, classes)
    return HELD, _digest(columns), columns


def _of_file(path: str, classes: Sequence[str]) -> tuple[str, AnswerTable]:
    """The hash of the bytes of a file, and its columns."""
    file = Path(path)
    if not file.is_file():
        raise ArgumentError(f"predictions must be a csv or Parquet file; there is none at {path}")
    columns = _complete(_read(file, classes), path)
    return file_sha256(file), columns


def _complete(columns: AnswerTable, path: str) -> AnswerTable:
    """The columns, which hold a row or more, and no probabilities that are called logits."""
    if not columns.samples:
        raise ArgumentError(f"{path} must hold a row for each picture, holds none")
    if isinstance(columns.values, NumberRows):
        if columns.kind == OF_CLASSES:
            columns.kind = columns.values.shown_kind()
        columns.values.require_kind()
    return columns


def _of_columns(answers: Any, classes: Sequence[str]) -> AnswerTable:
    """The columns that Python holds, as they are taken from a file.

    Raises:
        ArgumentError: they are no columns by name, one is missing, or they have different lengths.
    """
    if hasattr(answers, "column_names"):  # a table of pyarrow
        columns_by_name = {name: answers.column(name).to_pylist() for name in answers.column_names}
    elif hasattr(answers, "keys"):  # a mapping, or a data frame
        columns_by_name = {str(name): answers[name] for name in answers.keys()}  # noqa: SIM118  # a frame iterates over others
    else:
        raise ArgumentError(
            "predictions must be a csv or Parquet file, or columns by name such as {'sample': names, 'logits': array "
            f"of (N, K)}}, was {type(answers).__name__}"
        )
    kind, names = answer_columns_of(list(columns_by_name), Path(HELD), classes)
    at = AnswerPlaces.among(list(columns_by_name), names)
    samples = [str(sample) for sample in columns_by_name[at.sample]]
    texts = columns_by_name.get("condition", [None] * len(samples))
    conditions = ["" if text is None else str(text) for text in texts]
    for name, column in {"condition": conditions, **{name: columns_by_name[name] for name in names}}.items():
        if len(column) != len(samples):
            raise ArgumentError(
                f"{HELD} must have as many rows of {name} as of sample, {len(samples):,}; had {len(column):,}"
            )
    rows: Any = (
        columns_by_name[names[0]]
        if len(names) == 1
        else np.stack([np.asarray(columns_by_name[name]) for name in names], axis=1)
    )
    array = None if kind in _TEXT_KINDS else _as_numbers(rows)
    rows = list(rows) if array is None else array
    beside_answers = [*at.further(list(columns_by_name)), *filter(None, [at.confidence])]
    further = {name: list(columns_by_name[name]) for name in beside_answers}
    further = {name: cells for name, cells in further.items() if len(cells) == len(samples) and not _are_arrays(cells)}
    columns = AnswerTable(kind, Path(HELD), at)
    for start in range(0, len(samples), ROWS_AT_ONCE):
        batch = slice(start, start + ROWS_AT_ONCE)
        beside = {name: cells[batch] for name, cells in further.items()}
        columns.add(samples[batch], conditions[batch], rows[batch], beside)
    return _complete(columns, HELD)


def _are_arrays(cells: Sequence[Any]) -> bool:
    """Whether a cell is no text and no number, but several."""
    return any(hasattr(cell, "__len__") and not isinstance(cell, str) for cell in cells)


def _as_numbers(rows: Any) -> NDArray[np.float32] | None:
    """The rows as one array ``(N, K)``; ``None`` where they are no such array, so that each is read by itself."""
    try:
        array = np.asarray(rows, np.float32)
    except (TypeError, ValueError):
        return None
    return array if array.ndim == 2 else None


def _digest(columns: AnswerTable) -> str:
    """The hash of answers that lie in no file: of the kind, and of each row in its order."""
    digest = sha256(json.dumps([columns.kind, columns.samples, columns.conditions]).encode())
    values = columns.values
    if isinstance(values, NumberRows):
        for start in range(0, len(values), ROWS_AT_ONCE):
            digest.update(values[np.arange(start, min(start + ROWS_AT_ONCE, len(values)))].tobytes())
    else:
        digest.update(json.dumps(values).encode())
    if cells := columns.confidence_cells:
        digest.update(json.dumps(cells).encode())
    return digest.hexdigest()


def answer_columns_of(names: Sequence[str], path: Path, classes: Sequence[str] = ()) -> tuple[str, list[str]]:
    """The best kind of answers that there are, and the columns that hold them.

    Args:
        names: of all columns.
        path: of the file, for messages.
        classes: the names of the classes; none where they are not known.

    Raises:
        ArgumentError: a column is missing.
    """
    sample = sample_column(names)
    for kind in KINDS if "sample" in names else ():
        numbered = {int(m[1]): name for name in names if (m := re.fullmatch(rf"{kind}_(\d+)", name))}
        if not (kind in names or (numbered and kind not in _TEXT_KINDS)):
            continue
        if kind in names:
            return kind, [kind]
        if sorted(numbered) != list(range(len(numbered))):
            missing = next(index for index in range(max(numbered) + 1) if index not in numbered)
            raise ArgumentError(f"the column {kind}_{missing} is missing beside {kind}_{max(numbered)}")
        return kind, [numbered[index] for index in range(len(numbered))]
    if sample:
        if columns := class_columns(names, classes, path):
            return OF_CLASSES, columns
        named = {kind: kind for kind in KINDS if kind in names}  # beside a path, in place of the sample
        if named:
            kind = next(iter(named))
            return kind, [kind]
        if prediction := prediction_column(names):
            return "class", [prediction]
    more = f", … ({len(names)} in all)" if len(names) > _SHOWN else ""
    raise ArgumentError(
        f"{path} must have the columns sample, condition, and logits, probabilities or class (or logits_0, logits_1 …, "
        "class_index, class_name; or path, prediction and score; or path and a column for each class); condition may "
        f"lack where all pictures are clean; has {', '.join(names[:_SHOWN]) or 'none'}{more}"
    )


def _read(file: Path, classes: Sequence[str]) -> AnswerTable:
    from pyarrow import compute

    with open_table(file, str(file)) as table:
        schema, present = table.schema, table.schema.names
        kind, names = answer_columns_of(present, file, classes)
        at = AnswerPlaces.among(present, names)
        further = [name for name in at.further(present) if is_scalar(schema.field(name).type)]
        further += filter(None, [at.confidence])
        selected = [*(name for name in (at.sample, "condition") if name in present), *names, *further]
        answers = AnswerTable(kind, file, at)
        for block in table.blocks(selected):
            samples = [str(value) for value in block.column(at.sample).to_pylist()]
            texts = block.column("condition").to_pylist() if "condition" in selected else [None] * len(samples)
            conditions = ["" if text is None else str(text) for text in texts]
            numbers = block.select(names)
            if table.has_decimal_comma and kind not in _TEXT_KINDS and len(names) > 1:
                changed = [compute.replace_substring(column, ",", ".") for column in numbers.columns]
                numbers = type(numbers).from_arrays(changed, names)
            rows = block.column(names[0]).to_pylist() if kind in _TEXT_KINDS else _of_arrow(numbers)
            answers.add(samples, conditions, rows, {name: block.column(name).to_pylist() for name in further})
        return answers


def _of_arrow(table: Any) -> Sequence[Any] | NDArray[np.float32]:
    """The numbers of one column of lists, or of a column for each class, without a Python object for each."""
    from pyarrow import compute, types

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


def _numbers(row: Any, path: Path, sample: str, number: int) -> NDArray[np.float32]:
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
            f"{path}: the answer for {sample} (row {number + 1}) must be numbers, was {row!r:.60}"
        ) from None

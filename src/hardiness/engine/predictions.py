"""Rows of answers that were computed elsewhere: a file, held against the pictures, becomes a run or is refused."""

from __future__ import annotations

import csv
import json
import os
import re
import weakref
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field, replace
from hashlib import sha256
from itertools import groupby, islice
from pathlib import Path
from tempfile import TemporaryFile
from typing import Any, TypeAlias, cast

import numpy as np
from numpy.typing import NDArray

from hardiness.benchmarks.corruptions import CorruptionSet
from hardiness.core.benchmark import Benchmark, DataSet
from hardiness.core.columns import NO_COLUMNS, Columns, ColumnSource, join_columns
from hardiness.core.condition import Condition
from hardiness.core.errors import ArgumentError, UnknownNameError
from hardiness.core.model import CANVAS_224, ModelSpec
from hardiness.core.progress import Clock
from hardiness.core.request import Request
from hardiness.core.result import CLASSES, CONFIDENCES
from hardiness.core.table import Records
from hardiness.data.columns import columns_by_id, is_scalar, typed
from hardiness.data.items import limited
from hardiness.engine.answer_columns import (
    AnswerPlaces,
    PicturePaths,
    advice_on_scores,
    class_columns,
    confidences_of,
    not_a_confidence,
    prediction_column,
    sample_column,
)
from hardiness.engine.evaluation import EvaluationOutcome
from hardiness.engine.listing import StoredWork
from hardiness.engine.plan import units
from hardiness.engine.provenance import keep_beginning, keep_session
from hardiness.engine.tasks import begin, condition_indices
from hardiness.models.activation import log_probabilities
from hardiness.models.chat.model import EndpointRuntime
from hardiness.models.classifier import Classifier
from hardiness.models.options import row_and_model, split
from hardiness.models.preprocessing import InputPolicy
from hardiness.reference.classes import wnids
from hardiness.sources.files import shown
from hardiness.sources.packages import file_sha256
from hardiness.store.store import Store
from hardiness.store.writing import parse_json

KINDS = ("logits", "probabilities", "class_index", "class_name", "class")
"""Columns of a file with answers, best first; ``class`` is a name or an index, as the file itself shows."""

OF_CLASSES = "columns of classes"
"""The kind of answers with a column for each class, until all are read: logits, or probabilities, as rows sum to 1."""

_TEXTS = KINDS[2:]
_SUM_TOLERANCE = 0.05
_ROUNDING = 1e-6
"""The relative size by which a confidence may be rounded."""

_NAMED = 3
"""How many samples are named where several are amiss."""

_SHOWN = 6
"""How many columns are named where those needed are not among them."""

HELD = "predictions"
"""The word of messages for answers that lie in no file."""

CLEAN_CELL = "clean"
"""Name of the condition of clean pictures, in a file and in a tree."""

ROWS_AT_ONCE = 1024
"""Answers that are in memory together: of 1,000 classes 4 MB."""


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


def _at_classes(group: Sequence[int], count: int) -> NDArray[np.float32]:
    """Logits ``(count,)`` that are 1 at these classes and 0 elsewhere."""
    row = np.zeros(count, np.float32)
    row[list(group)] = 1
    return row


def _no_probabilities(block: NDArray[np.float32]) -> NDArray[np.intp]:
    """The places of those rows ``(n, K)`` that have a negative number, or a sum other than 1."""
    return np.flatnonzero((block.min(1) < -1e-3) | (np.abs(block.sum(1) - 1) > _SUM_TOLERANCE))


@dataclass(frozen=True)
class Predictions:
    """The answers of a file.

    Attributes:
        path: of the file.
        sha256: of its bytes.
        kind: one of `KINDS`.
        samples, conditions: texts, a row each.
        values: ``(N, K)``, or of classes their texts.
        beside: the texts of further columns, by name.
        confidences: of the answers, float32 ``(N,)``; ``None`` where the file has classes alone.
        remarks: what else is to be known of the file.
    """

    path: str
    sha256: str
    kind: str
    samples: Sequence[str]
    conditions: Sequence[str]
    values: NumberRows | Sequence[str]
    beside: Mapping[str, Sequence[str]] = field(default_factory=dict)
    confidences: NDArray[np.float32] | None = None
    remarks: tuple[str, ...] = ()

    def logits(self, data: DataSet) -> Callable[[NDArray[np.intp]], NDArray[np.float32]]:
        """The answers of some rows as stored, float32 ``(n, K)``: logits, log-probabilities, or 1 at the class."""
        count, values = data.num_classes, self.values
        if not isinstance(values, NumberRows):
            groups = self._groups(values, data)
            if self.confidences is None or data.categories:
                return lambda rows: np.stack([_at_classes(groups[row], count) for row in rows.tolist()])
            first = np.array([group[0] for group in groups], np.intp)
            return self._by_confidence(first, self.confidences, count)
        if values.shape[1] != count:
            raise ArgumentError(
                f"{self.path} must have {count} {self.kind} a row, one for each class of {data.name}, has "
                f"{values.shape[1]}"
            )
        if self.kind == "probabilities":
            return lambda rows: log_probabilities(values[rows])
        return values.__getitem__

    def _by_confidence(
        self, classes: NDArray[np.intp], confidences: NDArray[np.float32], count: int
    ) -> Callable[[NDArray[np.intp]], NDArray[np.float32]]:
        """Log-probabilities in which each answer has its confidence, and every other class as much of what is left.

        Raises:
            ArgumentError: a confidence is less than the largest of so many probabilities can be.
        """
        low = np.flatnonzero(confidences * count < 1 - _ROUNDING)
        if len(low):
            row = int(low[0])
            raise not_a_confidence(self.path, self.samples[row], row, f"{confidences[row]:g}", f"1/{count}")

        def rows_of(rows: NDArray[np.intp]) -> NDArray[np.float32]:
            sure = confidences[rows].astype(np.float64)
            others = np.minimum((1 - sure) / max(count - 1, 1), sure * (1 - _ROUNDING))
            shares = np.repeat(others[:, None], count, axis=1)
            shares[np.arange(len(rows)), classes[rows]] = sure
            return log_probabilities(shares.astype(np.float32))

        return rows_of

    def _groups(self, texts: Sequence[str], data: DataSet) -> list[Sequence[int]]:
        """The classes of each row: of a category that the data have all of its own, else the one that is named."""
        if data.categories and self.kind != "class_index":
            categories = {name.casefold(): tuple(group) for name, group in data.categories.items()}
            if all(text.strip().casefold() in categories for text in set(texts)):
                return [categories[text.strip().casefold()] for text in texts]
        return [(index,) for index in self._class_indices(texts, data).tolist()]

    def _class_indices(self, texts: Sequence[str], data: DataSet) -> NDArray[np.intp]:
        """The class of each row, by its name or its index.

        Raises:
            ArgumentError: a text is no class, or names one class and is the index of another.
        """
        count = data.num_classes
        names = class_names(data)
        by_index = {str(index): index for index in range(count)}
        by_name = {name: index for index, name in enumerate(names)}
        indices = {"class_index": by_index, "class_name": by_name}.get(self.kind, {**by_index, **by_name})
        for row, text in enumerate(texts):
            if text not in indices:
                expected = {"class_index": "a number", "class_name": "the name"}.get(self.kind, "the name or a number")
                categories = f", or of the categories {', '.join(data.categories)}" if data.categories else ""
                raise ArgumentError(
                    f"{self.path}: the {self.kind} of {self.samples[row]} (row {row + 1}) must be {expected} of one of "
                    f"the {count} classes (numbers go from 0 to {count - 1}){categories}, was {text!r}"
                )
        if self.kind == "class":
            present = set(texts)
            fitting = [way for way in (by_index, by_name) if present <= way.keys()]
            unclear = sorted(text for text in present if by_index.get(text, indices[text]) != indices[text])
            if unclear and len(fitting) != 1:
                raise ArgumentError(
                    f"{self.path}: class {unclear[0]} may be the class of that name or the one of that index, which is "
                    f"named {names[int(unclear[0])]}: call the column class_name or class_index"
                )
            indices = fitting[0] if unclear else indices
        return np.array([indices[text] for text in texts], np.intp)

    @property
    def doubts(self) -> tuple[str, ...]:
        """A line where what is called logits may be the probabilities of a sigmoid."""
        if self.kind == "logits" and isinstance(self.values, NumberRows) and self.values.are_shares:
            return (
                "its answers are taken for logits, and all lie between 0 and 1: if they are probabilities of each "
                "class by itself, write their logits log(p / (1 - p))",
            )
        return ()

    def placed(self, name: str, benchmark: Benchmark, pictures: Pictures, request: Request) -> MatchedPredictions:
        """These predictions held against the pictures of a benchmark; nothing is stored.

        Args:
            name: of what answered, as after ``-m``; options behind it are no part of it.
            benchmark, pictures, request: what they are answers to, and how much of it is wanted.

        Raises:
            ArgumentError: the benchmark attacks or shows sequences, or a row is of an unknown sample, condition or
                class, is there twice, or has another number of classes than the data.
        """
        if benchmark.attack is not None or benchmark.frames > 1:
            raise ArgumentError(f"predictions is not for {benchmark.name}, which needs the model itself")
        path, data = self.path, pictures.data
        ids = {item.id for item in data.items}
        places = {cell_of(condition): index for index, condition in enumerate(benchmark.conditions())}
        places |= {"": places.get(CLEAN_CELL, 0)} if CLEAN_CELL in places else {}
        rows: dict[tuple[str, int], int] = {}
        paths = PicturePaths(ids, places)
        for number, (sample, condition) in enumerate(zip(self.samples, self.conditions, strict=True)):
            item = sample if sample in ids else sample.rpartition(".")[0]
            if item not in ids:
                item, cell = paths.picture(sample, f"{path} (row {number + 1})", data.name)
                condition = condition or cell
            if condition.strip() not in places:
                raise UnknownNameError(
                    f"condition of {benchmark.name} in {path} (row {number + 1})",
                    condition,
                    sorted(filter(None, places)),
                )
            place = item, places[condition.strip()]
            if place in rows:
                raise ArgumentError(
                    f"{path} has {item} under {condition or CLEAN_CELL} twice, in rows {rows[place] + 1} and "
                    f"{number + 1}"
                )
            rows[place] = number
        logits = self.logits(data)
        columns, left_out = self.picture_columns(rows)
        joined, _ = join_columns(data.columns, columns)
        pictures = replace(pictures, data=replace(data, columns=joined))
        foreign = ForeignModel(
            ModelSpec(
                name_of_answers(name),
                "",
                num_classes=data.num_classes,
                class_names=data.class_names,
                options=(("predictions", self.kind), ("manifest", pictures.manifest_sha256)),
                asked=name,
            ),
            self.sha256,
            self._outputs(data),
            data.num_classes,
            notes=(
                f"its answers were computed elsewhere and read from {path} ({self.kind})",
                *self.doubts,
                *self.remarks,
                *left_out,
            ),
        )
        expected = _expected(benchmark, pictures, request)
        unanswered = [(sample, cell) for sample, cell in expected if (sample, places[cell]) not in rows]
        names = tuple(f"{sample} under {cell}" for sample, cell in unanswered[:_NAMED])
        return MatchedPredictions(foreign, pictures, logits, rows, (len(unanswered), names))

    def _outputs(self, data: DataSet) -> str:
        """The kind of outputs, as `ModelIdentity.outputs` has it: of two classes one confidence says both."""
        if self.kind in ("logits", "probabilities"):
            return "" if self.kind == "logits" else self.kind
        if self.confidences is None or data.categories:
            return CLASSES
        return CONFIDENCES if data.num_classes > 2 else "probabilities"

    def picture_columns(self, rows: Mapping[tuple[str, int], int]) -> tuple[Columns, list[str]]:
        """The further columns of the file as columns of the pictures, and a line for each that says nothing of these.

        Args:
            rows: the row of each picture and condition index.
        """
        if not self.beside:
            return NO_COLUMNS, []
        first: dict[str, int] = {}
        others: list[tuple[int, int]] = []
        for (picture, _), row in rows.items():
            if first.setdefault(picture, row) != row:
                others.append((first[picture], row))
        lines, values = [], {}
        for name, texts in self.beside.items():
            if any(texts[before] != texts[row] for before, row in others):
                lines.append(
                    f"{shown(os.path.basename(self.path))}: {shown(name)} is left out: it is another under other "
                    "conditions of one picture, and no column of the pictures"
                )
            else:
                values[name] = typed([texts[row] for row in first.values()])
        return columns_by_id(list(first), values, ColumnSource(os.path.basename(self.path), self.sha256)), lines


_OTHER_FORMS = {
    b"PK\x03\x04": "it is a zip archive, as NumPy's npz and spreadsheets are: write its rows as csv or Parquet",
    b"\x93NUM": "it is an array of NumPy's, which has no names of samples: write its rows as csv or Parquet",
    b"\x1f\x8b": "it is compressed by gzip: unpack it with gunzip",
    b"\xff\xfe": "it is UTF-16: save it as UTF-8",
    b"\xfe\xff": "it is UTF-16: save it as UTF-8",
}
"""The first bytes of files that people take for one of those that are read, and what to do with each."""


Answers: TypeAlias = "str | os.PathLike[str] | Mapping[str, Any]"
"""A csv or Parquet file, or its columns by name: a mapping, a data frame, or a table of pyarrow."""


def read_predictions(answers: Answers, classes: Sequence[str] = ()) -> Predictions:
    """The rows of a csv or Parquet file, or of columns that Python holds.

    Args:
        answers: a path; or columns by name, N rows each: ``sample`` or a path, ``condition`` (may lack where all
            pictures are clean), and ``logits`` or ``probabilities`` ``(N, K)``, or ``class_index``, ``class_name`` or
            ``class``; or ``prediction``, beside which ``score`` or ``confidence`` is that of the answer; or a column
            for each class.
        classes: names of the classes, by which such columns are known.

    Raises:
        ArgumentError: there is no such file, it is cut, lacks a column or holds what is no number, where the line is
            named; or its logits are probabilities.
    """
    if isinstance(answers, str | os.PathLike):
        path = os.fspath(answers)
        columns, content = _of_file(path, classes)
    else:
        path = HELD
        columns = _of_columns(answers, classes)
        content = _digest(columns)
    return Predictions(
        path,
        content,
        columns.kind,
        columns.samples,
        columns.conditions,
        columns.values,
        columns.beside,
        columns.confidences(),
        columns.remarks(),
    )


def _of_file(path: str, classes: Sequence[str]) -> tuple[_AnswerColumns, str]:
    """The columns of a file, and the hash of its bytes."""
    file = Path(path)
    if not file.is_file():
        raise ArgumentError(f"predictions must be a csv or Parquet file; there is none at {path}")
    with file.open("rb") as stream:
        beginning = stream.read(4)
    for signature, form in _OTHER_FORMS.items():
        if beginning.startswith(signature):
            raise ArgumentError(f"{path} must be a csv file in UTF-8, or Parquet; {form}")
    read_columns = _read_parquet if beginning == b"PAR1" or file.suffix.lower() in (".parquet", ".pq") else _read_csv
    return _complete(read_columns(file, classes), path), file_sha256(file)


def _complete(columns: _AnswerColumns, path: str) -> _AnswerColumns:
    """The columns, which hold a row or more, and no probabilities that are called logits."""
    if not columns.samples:
        raise ArgumentError(f"{path} must hold a row for each picture, holds none")
    if isinstance(columns.values, NumberRows):
        if columns.kind == OF_CLASSES:
            columns.kind = columns.values.shown_kind()
        columns.values.require_kind()
    return columns


def _of_columns(answers: Any, classes: Sequence[str]) -> _AnswerColumns:
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
    kind, names = _columns_of(list(columns_by_name), Path(HELD), classes)
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
    array = None if kind in _TEXTS else _as_numbers(rows)
    rows = list(rows) if array is None else array
    beside_answers = [*at.further(list(columns_by_name)), *filter(None, [at.confidence])]
    further = {name: list(columns_by_name[name]) for name in beside_answers}
    further = {name: cells for name, cells in further.items() if len(cells) == len(samples) and not _are_arrays(cells)}
    columns = _AnswerColumns(kind, Path(HELD), at)
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


def _digest(columns: _AnswerColumns) -> str:
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


class _AnswerColumns:
    """The answers of a file, taken in as it is read."""

    def __init__(self, kind: str, file: Path, places: AnswerPlaces) -> None:
        self.kind, self._file, self._places = kind, file, places
        self.samples: list[str] = []
        self.conditions: list[str] = []
        self.values: NumberRows | list[str] = [] if kind in _TEXTS else NumberRows(file, kind)
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
            texts = ["" if cell is None or cell != cell else str(cell).strip() for cell in cells]
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

    def remarks(self) -> tuple[str, ...]:
        """A line where a column is taken for the confidence, or is not though it may be one."""
        return self._places.remarks(self.beside)


def _columns_of(names: Sequence[str], path: Path, classes: Sequence[str] = ()) -> tuple[str, list[str]]:
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
        if not (kind in names or (numbered and kind not in _TEXTS)):
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
        f"lack where all pictures are clean; has {', '.join(names[:_SHOWN]) or 'none'}{more}{advice_on_scores(names)}"
    )


def _read_parquet(file: Path, classes: Sequence[str]) -> _AnswerColumns:
    from pyarrow import ArrowException, Table, parquet

    try:
        with parquet.ParquetFile(file, buffer_size=1 << 20) as stored:  # pages of it, and no whole group of rows
            present = stored.schema_arrow.names
            kind, names = _columns_of(present, file, classes)
            at = AnswerPlaces.among(present, names)
            further = [name for name in at.further(present) if is_scalar(stored.schema_arrow.field(name).type)]
            further += filter(None, [at.confidence])
            selected = [*(name for name in (at.sample, "condition") if name in present), *names, *further]
            answers = _AnswerColumns(kind, file, at)
            for batch in stored.iter_batches(ROWS_AT_ONCE, columns=selected):
                table = Table.from_batches([batch])
                samples = [str(value) for value in table.column(at.sample).to_pylist()]
                texts = table.column("condition").to_pylist() if "condition" in selected else [None] * len(samples)
                conditions = ["" if text is None else str(text) for text in texts]
                rows = table.column(names[0]).to_pylist() if kind in _TEXTS else _of_arrow(table.select(names))
                answers.add(samples, conditions, rows, {name: table.column(name).to_pylist() for name in further})
            return answers
    except (ArrowException, OSError) as error:
        raise ArgumentError(f"{file} must be a whole Parquet file: {str(error).splitlines()[0]}") from None


def _of_arrow(table: Any) -> Sequence[Any] | NDArray[np.float32]:
    """The numbers of one column of lists, or of a column for each class, without a Python object for each."""
    from pyarrow import compute, types

    column = table.column(0)
    if table.num_columns > 1 or types.is_primitive(column.type):
        columns = [part.to_numpy() for part in table.columns]
        if all(part.dtype.kind in "fiu" for part in columns):
            return np.stack([part.astype(np.float32) for part in columns], axis=1)
    elif types.is_list(column.type) or types.is_large_list(column.type) or types.is_fixed_size_list(column.type):
        lengths = compute.unique(compute.list_value_length(column)).to_pylist()
        values = compute.list_flatten(column)
        if len(lengths) == 1 and lengths[0] and not values.null_count and types.is_primitive(values.type):
            return np.asarray(values.to_numpy(), np.float32).reshape(table.num_rows, lengths[0])
    cells = zip(*(part.to_pylist() for part in table.columns), strict=True)
    return [cell if table.num_columns > 1 else cell[0] for cell in cells]


def _read_csv(file: Path, classes: Sequence[str]) -> _AnswerColumns:
    size = file.stat().st_size
    csv.field_size_limit(max(size + 1, 1 << 17))  # a column of many logits is one field
    with file.open("rb") as ends:
        ends.seek(max(size - 1, 0))
        if size and ends.read() != b"\n":
            raise ArgumentError(f"{file} ends within a line, as a file does that was cut; write it again")
    try:
        with file.open(encoding="utf-8-sig", newline="") as stream:
            return _of_lines(csv.reader(stream), file, classes)
    except UnicodeDecodeError as error:
        raise ArgumentError(f"{file} must be csv in UTF-8, or Parquet: {error}") from None
    except csv.Error as error:
        raise ArgumentError(f"{file} must be csv: {error}") from None


def _of_lines(lines: Iterator[list[str]], file: Path, classes: Sequence[str]) -> _AnswerColumns:
    head = [name.strip() for name in next(lines, [])]
    if not head:
        raise ArgumentError(f"{file} must begin with the names of its columns, is empty")
    if len(set(head)) != len(head):
        raise ArgumentError(f"{file} has two columns of one name; name each once")
    kind, names = _columns_of(head, file, classes)
    columns = AnswerPlaces.among(head, names)
    places, at = [head.index(name) for name in names], head.index(columns.sample)
    condition = head.index("condition") if "condition" in head else None
    further = {name: head.index(name) for name in [*columns.further(head), *filter(None, [columns.confidence])]}
    answers, number = _AnswerColumns(kind, file, columns), 2
    while block := list(islice(lines, ROWS_AT_ONCE)):
        for line in block:
            if len(line) != len(head):
                raise ArgumentError(f"{file} line {number} must have {len(head)} fields, has {len(line)}")
            number += 1
        answers.add(
            [line[at] for line in block],
            ["" if condition is None else line[condition] for line in block],
            [line[places[0]] if len(places) == 1 else [line[place] for place in places] for line in block],
            {name: [line[place] for line in block] for name, place in further.items()},
        )
    return answers


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


def name_of_answers(text: str) -> str:
    """The name of what answered, as typed after ``-m``: of the row where one is named, else the model's alone."""
    row, model = row_and_model(text)
    return row or split(model)[0]


@dataclass(frozen=True)
class ForeignModel:
    """A model that is known by its answers alone, as the engine sees models.

    Attributes:
        spec: its name.
        weights_sha256: of the file of its answers.
        outputs: what the answers are; empty for logits.
    """

    spec: ModelSpec
    weights_sha256: str
    outputs: str
    num_classes: int
    notes: tuple[str, ...] = ()
    outputs_sha256: str = ""
    code_sha256: str = ""
    precision: str = "fp32"
    device: str = "elsewhere"
    runtimes: EndpointRuntime = EndpointRuntime("elsewhere")
    has_gradients: bool = False
    num_parameters: int = 0

    def feed(self, canvas_px: int) -> InputPolicy:
        """The canvas as it is: pictures were shown so."""
        return InputPolicy(canvas_px, canvas_px)


@dataclass(frozen=True)
class Pictures:
    """The pictures that answers are of.

    Attributes:
        data: the data set.
        manifest_sha256: of the manifest of the tree that they lie in; empty without one.
        listed: the files of the tree, by cell and sample; ``None`` without a tree.
    """

    data: DataSet
    manifest_sha256: str = ""
    listed: Mapping[str, frozenset[str]] | None = None


def class_names(data: DataSet) -> Sequence[str]:
    """The names of a data set's classes: its own, or the ids of ImageNet's; none where nobody names them."""
    return data.class_names or (wnids() if data.num_classes == len(wnids()) else ())


def cell_of(condition: Condition) -> str:
    """The name of a condition in a file and in a tree: ``clean``, ``fog/3``."""
    return "/".join(str(value) for value in condition.values()) or CLEAN_CELL


def pictures_of(
    benchmark: Benchmark, data: DataSet, photographs: DataSet | None, seed: int, tree: str = ""
) -> Pictures:
    """The pictures of a benchmark, and the tree that they were written to.

    Where the tree's files are PNGs or WebPs, and the photographs that they were made of are there, answers for them
    count as answers for pictures made in memory, which are the same; answers for JPEGs never do, as each library
    decodes these otherwise.

    Args:
        benchmark: which.
        data: its data set.
        photographs: the data set that pictures can be made of, where it was named beside a tree.
        seed: of the run.
        tree: the folder of the pictures, where it is not that of the data.

    Raises:
        ArgumentError: pictures are made of the data and it is not known where they lie; or the tree is of another
            seed or of other versions of the corruptions.
        StoreError: the manifest is no JSON.
    """
    manifest = Path(tree or data.location) / "manifest.json"
    # Beside what is corrupted nowhere, a manifest is somebody else's.
    if not isinstance(benchmark, CorruptionSet) or not manifest.is_file():
        if benchmark.conditions() != (Condition(),) and not data.fingerprints:
            if not isinstance(benchmark, CorruptionSet):
                raise ArgumentError(
                    f"predictions are not for {benchmark.name}, whose pictures are made while it runs and lie in no "
                    "files; give it the model itself, e.g. as a function (py:FILE.py:NAME)"
                )
            raise ArgumentError(
                f"predictions for {benchmark.name} needs the tree that the pictures lie in: write it with hardiness "
                f"make corruptions SRC TREE, and give --data {benchmark.name}=TREE beside the photographs"
            )
        return Pictures(data)
    record = parse_json(manifest.read_bytes(), str(manifest))
    _require_unchanged(manifest, record["files"])
    for key, value in (("seed", seed), ("kernel_version", json.loads(json.dumps(benchmark.identity().get("kernels"))))):
        if record.get(key) != value:
            raise ArgumentError(f"{manifest} says {key} {record.get(key)}, and this run has {value}: use the same")
    listed = {
        cell: frozenset(name.rpartition(".")[0] for name in files)
        for cell, files in cast(Mapping[str, Mapping[str, str]], record["files"]).items()
    }
    content = file_sha256(manifest)
    is_as_in_memory = (
        record.get("format") in ("png", "webp")  # which lose nothing
        and (record.get("canvas"), record.get("set")) == (CANVAS_224.crop_px, benchmark.name)
        and benchmark.jpeg == bool(benchmark.members.jpeg_quality)  # as the set has it, and so the tree
    )
    if is_as_in_memory and photographs and photographs.fingerprint == record.get("source_fingerprint"):
        return Pictures(photographs, content, listed)
    listed_conditions = frozenset(each for each in benchmark.conditions() if cell_of(each) in listed)
    conditions = listed_conditions if tree else (data.conditions or frozenset()) | (listed_conditions & {Condition()})
    fingerprints = {
        **data.fingerprints,
        **dict.fromkeys(listed_conditions if tree else listed_conditions & {Condition()}, content),
    }
    return Pictures(replace(data, conditions=conditions, fingerprints=fingerprints), content, listed)


HASHED = 1000
"""Pictures of a tree that are held against its manifest before answers for them count; of larger trees every n-th."""


def _require_unchanged(manifest: Path, files: Mapping[str, Mapping[str, str]]) -> None:
    """Raise where a picture of a tree is another one than was written; one that is not there tells nothing.

    Raises:
        ArgumentError: naming the picture.
    """
    digests = [(f"{cell}/{name}", digest) for cell, names in files.items() for name, digest in names.items()]
    for name, digest in digests[:: max(len(digests) // HASHED, 1)]:
        picture = manifest.parent / name
        if picture.is_file() and file_sha256(picture) != digest:
            raise ArgumentError(
                f"{picture} is another picture than {manifest} lists: answers for it are none for what was written; "
                "write the tree again with hardiness make corruptions"
            )


@dataclass(frozen=True)
class MatchedPredictions:
    """Predictions at their pictures.

    Attributes:
        model: whose they are.
        pictures: what they are of.
        logits: of some rows, float32 ``(n, K)``.
        rows: the row of each sample and condition index.
        missing: how many pictures have none, and the first of them by name.
    """

    model: ForeignModel
    pictures: Pictures
    logits: Callable[[NDArray[np.intp]], NDArray[np.float32]]
    rows: Mapping[tuple[str, int], int]
    missing: tuple[int, tuple[str, ...]]

    def store(self, benchmark: Benchmark, store: Store, request: Request) -> EvaluationOutcome:
        """The run of predictions, in the store; what is stored already stays.

        Raises:
            StoreError: it cannot be written.
        """
        data, clock = self.pictures.data, Clock(warmup=0)
        model = cast(Classifier, self.model)
        task = begin(model, benchmark, data, replace(request, batch_size=request.batch_size or 1), store)
        keep_beginning(task, clock, request, benchmark, store.runs())
        items = limited(data.items, request.limit, request.seed)
        _, indices = condition_indices(benchmark, data)
        selected = {item.id: [index for index in indices if (item.id, index) in self.rows] for item in items}
        labels = {item.id: item.label for item in items}
        for unit in units(StoredWork([task]), selected, task.stored.plan.unit_items):
            for part in unit.parts:
                places = np.array([self.rows[row] for row in part.work], np.intp)
                own = np.array([labels[sample] for sample, _ in part.work], np.int32)
                columns = {
                    "sample": np.array([sample for sample, _ in part.work], np.str_),
                    "condition": np.array([index for _, index in part.work], np.int16),
                    "frame": np.zeros(len(part.work), np.int16),
                    "label": own,
                    **benchmark.decide(self.logits(places), own),
                }
                part.task.stored.write(part.index, part.work, Records(columns))
                task.computed += len(part.work)
        keep_session(task, clock, request, benchmark)
        count, names = self.missing
        problems: tuple[str, ...] = ()
        if count:
            more = ", …" if count > len(names) else ""
            problems = (
                f"{self.model.spec.name} on {benchmark.name}: the file lacks {count:,} of the pictures "
                f"({', '.join(names)}{more})",
            )
        return EvaluationOutcome((task.stored.key,), problems, self.model.notes)


def _expected(benchmark: Benchmark, pictures: Pictures, request: Request) -> list[tuple[str, str]]:
    """Sample and cell of every picture that was asked for and is there."""
    conditions, indices = condition_indices(benchmark, pictures.data)
    cells = [cell_of(conditions[index]) for index in indices]
    items = limited(pictures.data.items, request.limit, request.seed)
    if pictures.listed is None:
        return [(item.id, cell) for item in items for cell in cells]
    return [(item.id, cell) for item in items for cell in cells if item.id in pictures.listed.get(cell, ())]

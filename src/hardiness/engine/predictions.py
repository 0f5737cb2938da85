"""Answers that were computed elsewhere, held against the pictures: they become a run, or are refused."""

from __future__ import annotations

import os
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, replace
from typing import cast

import numpy as np
from numpy.typing import NDArray

from hardiness.core.benchmark import Benchmark, DataSet
from hardiness.core.codes import ModelNote, RunRemark
from hardiness.core.columns import NO_COLUMNS, Columns, ColumnSource, column_left_out, join_columns
from hardiness.core.errors import ArgumentError, UnknownNameError
from hardiness.core.fact import Fact
from hardiness.core.model import ModelSpec
from hardiness.core.progress import Clock
from hardiness.core.request import Request
from hardiness.core.result import CLASSES, CONFIDENCES
from hardiness.core.table import Records
from hardiness.data.answer_columns import not_a_confidence, predictions_among
from hardiness.data.answer_tables import Answers, AnswerTable, NumberRows, read_answers
from hardiness.data.columns import cells_of, columns_by_id, without_long
from hardiness.data.items import limited
from hardiness.engine.answered_pictures import CLEAN_CELL, PicturePaths, Pictures, cell_of, class_names
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
from hardiness.store.store import Store

_ROUNDING = 1e-6
"""The relative size by which a confidence may be rounded."""

_NAMED = 3
"""How many samples are named where several are amiss."""


@dataclass(frozen=True)
class Predictions:
    """The answers of a classifier.

    Attributes:
        table: their rows.
        confidences: of the answers, float32 ``(N,)``; ``None`` where the table has classes alone.
    """

    table: AnswerTable
    confidences: NDArray[np.float32] | None = None

    def logits(self, data: DataSet) -> Callable[[NDArray[np.intp]], NDArray[np.float32]]:
        """The answers of some rows as stored, float32 ``(n, K)``: logits, log-probabilities, or 1 at the class."""
        count, values = data.num_classes, self.table.values
        if not isinstance(values, NumberRows):
            groups = self._groups(values, data)
            if self.confidences is None or data.categories:
                return lambda rows: np.stack([_at_classes(groups[row], count) for row in rows.tolist()])
            first = np.array([group[0] for group in groups], np.intp)
            return self._by_confidence(first, self.confidences, count)
        if values.shape[1] != count:
            raise ArgumentError(
                f"{self.table.place} must have {count} {self.table.kind} a row, one for each class of {data.name}, has "
                f"{values.shape[1]}"
            )
        if self.table.kind == "probabilities":
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
            was = f"{confidences[row]:g}"
            raise not_a_confidence(self.table.place, self.table.samples[row], row, was, f"1/{count}")

        def rows_of(rows: NDArray[np.intp]) -> NDArray[np.float32]:
            sure = confidences[rows].astype(np.float64)
            others = np.minimum((1 - sure) / max(count - 1, 1), sure * (1 - _ROUNDING))
            shares = np.repeat(others[:, None], count, axis=1)
            shares[np.arange(len(rows)), classes[rows]] = sure
            return log_probabilities(shares.astype(np.float32))

        return rows_of

    def _groups(self, texts: Sequence[str], data: DataSet) -> list[Sequence[int]]:
        """The classes of each row: of a category that the data have all of its own, else the one that is named."""
        if data.categories and self.table.kind != "class_index":
            categories = {name.casefold(): tuple(group) for name, group in data.categories.items()}
            if all(text.strip().casefold() in categories for text in set(texts)):
                return [categories[text.strip().casefold()] for text in texts]
        return [(index,) for index in self._class_indices(texts, data).tolist()]

    def _class_indices(self, texts: Sequence[str], data: DataSet) -> NDArray[np.intp]:
        """The class of each row, by its name or its index.

        Raises:
            ArgumentError: a text is no class, or names one class and is the index of another.
        """
        count, kind = data.num_classes, self.table.kind
        names = class_names(data)
        by_index = {str(index): index for index in range(count)}
        by_name = {name: index for index, name in enumerate(names)}
        indices = {"class_index": by_index, "class_name": by_name}.get(kind, {**by_index, **by_name})
        for row, text in enumerate(texts):
            if text not in indices:
                expected = {"class_index": "a number", "class_name": "the name"}.get(kind, "the name or a number")
                categories = f", or of the categories {', '.join(data.categories)}" if data.categories else ""
                raise ArgumentError(
                    f"{self.table.place}: the {kind} of {self.table.samples[row]} (row {row + 1}) must be {expected} "
                    f"of one of the {count} classes (numbers go from 0 to {count - 1}){categories}, was {text!r}"
                )
        if kind == "class":
            present = set(texts)
            fitting = [way for way in (by_index, by_name) if present <= way.keys()]
            unclear = sorted(text for text in present if by_index.get(text, indices[text]) != indices[text])
            if unclear and len(fitting) != 1:
                raise ArgumentError(
                    f"{self.table.place}: class {unclear[0]} may be the class of that name or the one of that index, "
                    f"which is named {names[int(unclear[0])]}: call the column class_name or class_index"
                )
            indices = fitting[0] if unclear else indices
        return np.array([indices[text] for text in texts], np.intp)

    @property
    def notes(self) -> tuple[Fact, ...]:
        """Which column is taken for the confidence, and where what is called logits may come from a sigmoid."""
        columns, values = self.table.columns, self.table.values
        notes = []
        if self.table.kind == "logits" and isinstance(values, NumberRows) and values.are_shares:
            notes.append(Fact(ModelNote.UNCLEAR_OUTPUTS, {"source": "file", "sum_to_one": False}))
        if columns.confidence:
            named = {"column": columns.confidence, "answers": columns.answers[0]}
            notes.append(Fact(ModelNote.CONFIDENCE_COLUMN, named))
        return tuple(notes)

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
        path, data = self.table.place, pictures.data
        ids = {item.id for item in data.items}
        places = {cell_of(condition): index for index, condition in enumerate(benchmark.conditions())}
        places |= {"": places.get(CLEAN_CELL, 0)} if CLEAN_CELL in places else {}
        rows: dict[tuple[str, int], int] = {}
        paths = PicturePaths(ids, places)
        for number, (sample, condition) in enumerate(zip(self.table.samples, self.table.conditions, strict=True)):
            item = sample if sample in ids else sample.rpartition(".")[0]
            if item not in ids:
                item, cell = paths.picture(sample, f"{path} (row {number + 1})", data.name)
                condition = condition or cell
            if condition not in places:
                raise UnknownNameError(
                    f"condition of {benchmark.name} in {path} (row {number + 1})",
                    condition,
                    sorted(filter(None, places)),
                )
            place = item, places[condition]
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
                class_names=data.outputs or data.class_names,
                options=(("predictions", self.table.kind), ("manifest", pictures.manifest_sha256)),
                asked=name,
            ),
            self.table.sha256,
            self._outputs(data),
            data.num_classes,
            notes=(
                Fact(ModelNote.ANSWERS_ELSEWHERE, {"source": path, "kind": self.table.kind}),
                *self.notes,
                *left_out,
            ),
        )
        expected = _expected(benchmark, pictures, request)
        unanswered = [(sample, cell) for sample, cell in expected if (sample, places[cell]) not in rows]
        names = tuple(f"{sample} under {cell}" for sample, cell in unanswered[:_NAMED])
        return MatchedPredictions(foreign, pictures, logits, rows, (len(unanswered), names))

    def _outputs(self, data: DataSet) -> str:
        """The kind of outputs, as `ModelIdentity.outputs` has it: of two classes one confidence says both."""
        if self.table.columns.are_numbers:
            return "" if self.table.kind == "logits" else self.table.kind
        if self.confidences is None or data.categories:
            return CLASSES
        return CONFIDENCES if data.num_classes > 2 else "probabilities"

    def picture_columns(self, rows: Mapping[tuple[str, int], int]) -> tuple[Columns, list[Fact]]:
        """The further columns of the file as columns of the pictures, and a fact for each that says nothing of these.

        Args:
            rows: the row of each picture and condition index.
        """
        table = self.table
        if not table.columns.further:
            return NO_COLUMNS, []
        source = ColumnSource(os.path.basename(table.place), table.sha256)
        first: dict[str, int] = {}
        others: list[tuple[int, int]] = []
        for (picture, _), row in rows.items():
            if first.setdefault(picture, row) != row:
                others.append((first[picture], row))
        left_out, values = [], {}
        for name in table.columns.further:
            texts = table.beside[name]
            if any(texts[before] != texts[row] for before, row in others):
                left_out.append(column_left_out(source.name, "conditions", name))
            else:
                values[name] = cells_of([texts[row] for row in first.values()], table.has_decimal_comma)
        values, long = without_long(values, source.name)
        return columns_by_id(list(first), values, source), [*left_out, *long]


def _at_classes(group: Sequence[int], count: int) -> NDArray[np.float32]:
    """Logits ``(count,)`` that are 1 at these classes and 0 elsewhere."""
    row = np.zeros(count, np.float32)
    row[list(group)] = 1
    return row


def read_predictions(answers: Answers, classes: Sequence[str] = ()) -> Predictions:
    """The rows of a csv or Parquet file, or of columns that Python holds.

    Args:
        answers: a path; or columns by name, N rows each: ``sample`` or a path, ``condition`` (may lack where all
            pictures are clean), and ``logits`` or ``probabilities`` ``(N, K)``, or ``class_index``, ``class_name`` or
            ``class``; or ``prediction``, beside which ``score`` or ``confidence`` is that of the answer; or a column
            for each class.
        classes: names of the classes, by which such columns are known.

    Raises:
        ArgumentError: there is no such file, it lacks a column or holds what is no number, where the line is named; or
            its logits are probabilities.
    """
    table = read_answers(answers, predictions_among(classes))
    return Predictions(table, table.confidences())


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
    notes: tuple[Fact, ...] = ()
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
        data, clock, former = self.pictures.data, Clock(warmup=0), store.runs()
        model = cast(Classifier, self.model)
        task = begin(model, benchmark, data, replace(request, batch_size=request.batch_size or 1), store, former)
        keep_beginning(task, clock, request, benchmark, former)
        items = limited(data.items, request.limit, request.seed)
        _, indices = condition_indices(benchmark, data)
        selected = {item.id: [index for index in indices if (item.id, index) in self.rows] for item in items}
        labels = {item.id: task.labels[item.label] for item in items}
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
        problems, name = list[Fact](), self.model.spec.name
        if count:
            lack = {"benchmark": benchmark.name, "pictures": count, "examples": names}
            problems.append(Fact(RunRemark.LACKS_ANSWERS, lack, name))
        notes = (replace(note, about=name) for note in self.model.notes)
        return EvaluationOutcome((task.stored.key,), tuple(problems), tuple(notes))


def _expected(benchmark: Benchmark, pictures: Pictures, request: Request) -> list[tuple[str, str]]:
    """Sample and cell of every picture that was asked for and is there."""
    conditions, indices = condition_indices(benchmark, pictures.data)
    cells = [cell_of(conditions[index]) for index in indices]
    items = limited(pictures.data.items, request.limit, request.seed)
    if pictures.listed is None:
        return [(item.id, cell) for item in items for cell in cells]
    return [(item.id, cell) for item in items for cell in cells if item.id in pictures.listed.get(cell, ())]

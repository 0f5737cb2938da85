"""A file with a score for each picture, of whatever task, becomes a run or is refused."""

from __future__ import annotations

import os
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from hashlib import sha256
from typing import Any

import numpy as np
from numpy.typing import NDArray

from hardiness.benchmarks.score_file import ScoreFile, condition_of, with_cells
from hardiness.core.answers import SCORES
from hardiness.core.benchmark import DataSet, Item
from hardiness.core.codes import DataRemark, ModelNote
from hardiness.core.columns import ColumnSource, column_left_out, number_of
from hardiness.core.condition import Condition
from hardiness.core.errors import ArgumentError, suggestion
from hardiness.core.fact import Fact
from hardiness.core.model import ModelSpec
from hardiness.core.request import Request
from hardiness.data.answer_columns import CONDITION, CONDITION_PARTS, scores_among
from hardiness.data.answer_tables import Answers, NumberRows, read_answers
from hardiness.data.columns import cells_of, columns_by_id, without_long
from hardiness.data.items import AbsentPicture, limited
from hardiness.engine.answered_pictures import CLEAN_CELL, Pictures, cell_of
from hardiness.engine.predictions import ForeignModel, MatchedPredictions, name_of_answers
from hardiness.metrics.picture_scores import SCORE
from hardiness.sources.files import shown

_NAMED = 3
"""How many scores are named where several are missing."""

_EXACT = 1 << 53
"""Whole numbers below it are not rounded, whoever reads the results."""

_ROUNDING = 1e-6
"""How far a score may lie beyond its range, as a share of the larger end: means that were taken in float32 do."""

MOST_CONDITIONS = 1000
"""Conditions of a file: a table has a cell for each picture under each of them."""

Value = str | int | float | None


@dataclass(frozen=True)
class ScoreTable:
    """The scores of a file.

    Attributes:
        place: the file, for messages.
        sha256: of its bytes, or of the values that Python holds.
        benchmark: with the conditions of the file.
        samples, conditions: a row each.
        scores: float64 ``(N,)`` in [0, 1], as shares of the range.
        beside: further columns by name, ``(N,)`` as `Columns.values` are.
        remarks: what else is to be known of the file.
    """

    place: str
    sha256: str
    benchmark: ScoreFile
    samples: Sequence[str]
    conditions: Sequence[Condition]
    scores: NDArray[np.float64]
    beside: Mapping[str, NDArray[np.object_]]
    remarks: tuple[Fact, ...] = ()

    def data(self) -> tuple[DataSet, list[Fact]]:
        """The pictures that have a score, with their further columns, and a fact for each column left out."""
        first: dict[str, int] = {}
        earlier = np.array([first.setdefault(sample, row) for row, sample in enumerate(self.samples)], np.int64)
        rows, left_out, values = list(first.values()), [], {}
        for name, column in self.beside.items():
            if (column[earlier] != column).any():
                left_out.append(column_left_out(self.place, "conditions", name))
            else:
                values[name] = column[rows]
        name = self.benchmark.name.partition(":")[2]
        ids = sorted(first)
        source = ColumnSource(os.path.basename(self.place), self.sha256)
        fingerprint = sha256("\n".join(ids).encode("utf-8", "surrogatepass")).hexdigest()
        items = [Item(sample, 0, AbsentPicture(sample, "a file of scores names it")) for sample in ids]
        return DataSet(name, items, 1, fingerprint, "", columns=columns_by_id(list(first), values, source)), left_out

    def matched(self, name: str, data: DataSet, request: Request, facts: Sequence[Fact] = ()) -> MatchedPredictions:
        """The scores as a run of the model of that name has them; nothing is stored.

        Args:
            name: of what was scored, as after ``-m``; options behind it are no part of it.
            data: the pictures.
            request: how many of them.
            facts: what a person should know beside.
        """
        indices = {condition: index for index, condition in enumerate(self.benchmark.conditions())}
        rows = {
            (sample, indices[condition]): row
            for row, (sample, condition) in enumerate(zip(self.samples, self.conditions, strict=True))
        }
        foreign = ForeignModel(
            ModelSpec(name_of_answers(name), "", num_classes=1, options=(("predictions", SCORE),), asked=name),
            self.sha256,
            SCORES,
            1,
            notes=(
                Fact(ModelNote.ANSWERS_ELSEWHERE, {"source": self.place, "kind": SCORE}),
                *self.remarks,
                *facts,
            ),
        )
        missing = [
            f"{item.id} under {cell_of(condition)}"
            for item in limited(data.items, request.limit, request.seed)
            for condition, index in indices.items()
            if (item.id, index) not in rows
        ]
        scores = self.scores[:, None]
        return MatchedPredictions(
            foreign, Pictures(data), scores.__getitem__, rows, (len(missing), tuple(missing[:_NAMED]))
        )


def read_scores(answers: Answers, benchmark: ScoreFile) -> ScoreTable:
    """The scores of a csv or Parquet file, or of columns that Python holds.

    Args:
        answers: a path; or columns by name, N rows each: ``sample`` (or a path), ``score``, those of the condition, and
            any further ones.
        benchmark: what it says of range and conditions.

    Raises:
        ArgumentError: there is no such file, it lacks a column, a score is no number of the range, or a picture is
            there twice under one condition; the message names the row.
    """
    table = read_answers(answers, scores_among)
    place, samples = table.place, table.samples
    cells, remarks = without_long(
        {name: cells_of(texts, table.has_decimal_comma) for name, texts in table.beside.items()}, place
    )
    parts = _condition_columns(benchmark, cells, place)
    conditions = _conditions(benchmark, {name: cells[name] for name in parts}, len(samples), place)
    assert not isinstance(table.values, NumberRows), "scores are read as texts"
    scores = _scores(cells_of(table.values, table.has_decimal_comma), samples, conditions, benchmark, place)
    beside = {name: column for name, column in cells.items() if name not in parts}
    _refuse_doubles(samples, conditions, beside, benchmark, place)
    return ScoreTable(
        place,
        table.sha256,
        with_cells(benchmark, _in_order(conditions)),
        samples,
        conditions,
        scores,
        beside,
        (*remarks, *_unpaired(samples, conditions, benchmark, place)),
    )


def _condition_columns(benchmark: ScoreFile, names: Mapping[str, Any], place: str) -> tuple[str, ...]:
    """The columns that say the condition.

    Raises:
        ArgumentError: one that was named is not there.
    """
    for name in benchmark.columns:
        if name not in names:
            raise ArgumentError(
                f"{place} has no column {name!r}, which conditions= names{suggestion(name, list(names))}"
            )
    usual = tuple(name for name in CONDITION_PARTS if name in names) or ((CONDITION,) if CONDITION in names else ())
    return benchmark.columns or usual


def _conditions(
    benchmark: ScoreFile, parts: Mapping[str, NDArray[np.object_]], count: int, place: str
) -> list[Condition]:
    """The condition of each row; without columns that say it all pictures are clean.

    Raises:
        ArgumentError: there are more than `MOST_CONDITIONS`, as of a column with a measured number of each picture.
    """
    if not parts:
        return [Condition()] * count
    different: dict[tuple[Value, ...], Condition] = {}
    conditions = []
    for cells in zip(*map(_values, parts.values()), strict=True):
        if cells not in different:
            different[cells] = _condition(benchmark, cells, tuple(parts))
        conditions.append(different[cells])
    if len(different) > MOST_CONDITIONS:
        raise ArgumentError(
            f"{place}: {' and '.join(parts)} must name at most {MOST_CONDITIONS:,} conditions, had {len(different):,}; "
            "where a number was measured of each picture, write the few levels in which it lies"
        )
    return conditions


def _values(column: NDArray[np.object_]) -> list[Value]:
    """The cells of a column as conditions have them: as numbers where each one is written as Python writes it.

    So 1.1 and 1.10 are two texts, and no condition is lost.
    """
    texts: list[str | None] = column.tolist()
    different = {text for text in texts if text is not None}
    numbers = {text: _exact_number(text) for text in different}
    if None in numbers.values() or len(set(numbers.values())) < len(different):
        return [*texts]
    return [None if text is None else numbers[text] for text in texts]


def _exact_number(text: str) -> int | float | None:
    """The number that is written as this text, or as this text without its ``.0``; ``None`` where there is none."""
    number = number_of(text)
    if number.is_integer() and abs(number) < _EXACT:
        return int(number) if str(int(number)) == text.removesuffix(".0") else None
    return number if repr(number) == text != "nan" else None


def _condition(benchmark: ScoreFile, cells: Sequence[Value], parts: Sequence[str]) -> Condition:
    if benchmark.is_clean(cells):
        return Condition()
    if tuple(parts) == (CONDITION,) and not benchmark.columns:
        return condition_of(str(cells[0]))
    return Condition(**{name: cell for name, cell in zip(parts, cells, strict=True) if cell is not None})


def _scores(
    column: NDArray[np.object_],
    samples: Sequence[str],
    conditions: Sequence[Condition],
    benchmark: ScoreFile,
    place: str,
) -> NDArray[np.float64]:
    """The scores as shares of their range; one that is beyond it by the rounding of float32 is its end.

    Raises:
        ArgumentError: one is no number, or beyond the range.
    """
    low, high = benchmark.ends
    numbers = np.array([number_of(cell) for cell in column.tolist()], np.float64)
    rounding = _ROUNDING * max(abs(low), abs(high))
    bad = np.flatnonzero(~((numbers >= low - rounding) & (numbers <= high + rounding)))
    if len(bad):
        row = int(bad[0])
        condition = conditions[row]
        cell = column[row]
        is_number = not np.isnan(numbers[row])
        was = cell if is_number else "empty or NaN" if cell is None else repr(cell)
        hint = f"; scores of another range are said so: -b {benchmark.name}:range=0..100" if is_number else ""
        raise ArgumentError(
            f"{place}: the score of {shown(samples[row])} under {cell_of(condition)} (row {row + 1}) must be a number "
            f"from {low:g} to {high:g}, was {was}{hint}"
        )
    return np.asarray((np.clip(numbers, low, high) - low) / (high - low), np.float64)


def _refuse_doubles(
    samples: Sequence[str],
    conditions: Sequence[Condition],
    beside: Mapping[str, NDArray[np.object_]],
    benchmark: ScoreFile,
    place: str,
) -> None:
    """Raise where a picture has two scores under one condition.

    Raises:
        ArgumentError: naming the rows, and the columns that tell them apart.
    """
    first: dict[tuple[str, Condition], int] = {}
    for row, key in enumerate(zip(samples, conditions, strict=True)):
        if (earlier := first.setdefault(key, row)) == row:
            continue
        apart = [name for name, column in beside.items() if column[earlier] != column[row]]
        hint = "leave one of them"
        if apart:
            names = "+".join([*(benchmark.columns or key[1]), apart[0]])
            hint = f"where {apart[0]} is a part of the condition, name it: -b {benchmark.name}:conditions={names}"
        raise ArgumentError(
            f"{place} has {shown(key[0])} under {cell_of(key[1])} twice, in rows {earlier + 1} and {row + 1}; {hint}"
        )


def _in_order(conditions: Sequence[Condition]) -> list[Condition]:
    """The different conditions: clean first, then by their values, so that each file of the same ones has one order."""

    def place(condition: Condition) -> list[tuple[str, bool, float, str]]:
        return [
            (key, isinstance(value, str), 0.0 if isinstance(value, str) else float(value), str(value))
            for key, value in condition.items()
        ]

    return sorted(set(conditions), key=lambda condition: (bool(condition), place(condition)))


def _unpaired(samples: Sequence[str], conditions: Sequence[Condition], benchmark: ScoreFile, place: str) -> list[Fact]:
    """A fact where no condition is clean, or no picture has both a clean score and another one."""
    clean = {sample for sample, condition in zip(samples, conditions, strict=True) if not condition}
    disturbed = {sample for sample, condition in zip(samples, conditions, strict=True) if condition}
    if not clean:
        named = {"benchmark": benchmark.name, "columns": tuple(benchmark.columns), "clean": tuple(benchmark.clean)}
        return [Fact(DataRemark.NO_PAIRS, {"source": place, **named})]
    if not disturbed or clean & disturbed:
        return []
    return [Fact(DataRemark.NO_PAIRS, {"source": place, "clean": (CLEAN_CELL,)})]

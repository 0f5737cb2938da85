"""The benchmark of a file with a score for each picture, of whatever task: ``file:NAME``."""

from __future__ import annotations

import math
import re
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from typing import Any, ClassVar, final

import numpy as np
from numpy.typing import NDArray

from hardiness.core.benchmark import Benchmark, DataRoot, DataSet, Expansion, Item, Selection
from hardiness.core.codes import DataRemark
from hardiness.core.condition import Condition
from hardiness.core.errors import ArgumentError, DataError
from hardiness.core.fact import Fact
from hardiness.core.model import Canvas
from hardiness.core.table import Columns

PREFIX = "file:"
"""The beginning of the names of such benchmarks, which no registered one has."""

RANGE = "0..1"
"""The range of scores where none is stated."""

_CORRUPTION_AT = re.compile(r"(.+)/(0|[1-9][0-9]*)")

_SPELLED = re.compile(r"(file:[^\W_][\w.-]*)(?::(.*))?", re.DOTALL)


@dataclass(frozen=True)
class ScoreFile(Benchmark):
    """The mean of a score that each picture has, by condition, and the share of it that is kept.

    Source: none but the file.

    Class attributes:
        cells: the conditions that the file has; none before it was read.
    """

    name: ClassVar[str] = PREFIX
    question: ClassVar[str] = "How good is the score of a picture, and how much of it is kept under each condition?"
    paper: ClassVar[str] = "your own scores"
    protocol: ClassVar[str] = "own"
    needs: ClassVar[tuple[str, ...]] = ()
    card: ClassVar[str] = "picture_scores"
    cells: ClassVar[tuple[Condition, ...]] = (Condition(),)

    range: str = field(default=RANGE, metadata={"help": "the least and the largest score, as in 0..100"})
    columns: tuple[str, ...] = field(
        default=(),
        metadata={
            "name": "conditions",
            "help": "the columns that say the condition, as in weather+light; corruption and severity, or condition",
        },
    )
    clean: tuple[str, ...] = field(
        default=("clean",), metadata={"help": "what these columns say of undisturbed pictures, as in sunny+day"}
    )

    def __post_init__(self) -> None:
        low, high = self.ends
        if not (math.isfinite(low) and math.isfinite(high) and low < high):
            raise ArgumentError(f"{self.name}:range must be LEAST..LARGEST, as in 0..100; was {self.range!r}")
        if twice := [name for name in self.columns if self.columns.count(name) > 1]:
            raise ArgumentError(f"{self.name}:conditions names {twice[0]} twice; name it once")

    @property
    def ends(self) -> tuple[float, float]:
        """The least and the largest score."""
        low, dots, high = self.range.partition("..")
        try:
            return (float(low), float(high)) if dots else (math.nan, math.nan)
        except ValueError:
            return math.nan, math.nan

    def is_clean(self, values: Sequence[str | int | float | None]) -> bool:
        """Whether a picture is undisturbed of whose condition the columns say this.

        A severity of 0 is; in columns of other names 0 may be a measured number, as of decibels, unless it is named.
        """
        names = {"", *(name.casefold() for name in self.clean), *(() if self.columns else ("0",))}
        return all(value is None or str(value).casefold() in names for value in values)

    def selection(self) -> Selection:
        return Selection(self.cells)

    def identity(self) -> dict[str, Any]:
        """The options, by the names under which they are typed."""
        return {"range": self.range, "conditions": self.columns, "clean": self.clean}

    def lacks(self, data: DataRoot) -> Fact | None:
        return Fact(DataRemark.LACKS_DATA, {"needs": "scores"})

    def dataset(self, data: DataRoot) -> DataSet:
        """The pictures of the file, which are not known without it.

        Raises:
            DataError: always.
        """
        raise DataError(f"{self.name} is of scores that are there already: give them with --predictions FILE")

    def expand(
        self, item: Item, conditions: Sequence[Condition], canvases: Sequence[Canvas], seed: int
    ) -> Iterator[Expansion]:
        """The pictures of one item: none, since that of a score need not exist."""
        yield from ()

    def decide(self, logits: NDArray[np.float32], labels: NDArray[np.int32]) -> Columns:
        """The score of each picture, which is the one number ``(N, 1)`` that stands in the file for it."""
        return {"score": logits[:, 0]}


def condition_of(text: str) -> Condition:
    """The condition that ``fog/3``, or ``fog``, names; that of undisturbed pictures is ``clean``, or empty."""
    if text.casefold() in ("", "clean"):
        return Condition()
    match = _CORRUPTION_AT.fullmatch(text)
    return Condition(corruption=match[1], severity=int(match[2])) if match else Condition(corruption=text)


def with_cells(benchmark: ScoreFile, cells: Sequence[Condition]) -> ScoreFile:
    """The benchmark with the conditions of a file."""
    kind = _kind(benchmark.name, tuple(cells))
    return kind(range=benchmark.range, columns=benchmark.columns, clean=benchmark.clean)


def score_file(text: str) -> tuple[type[ScoreFile], str]:
    """The benchmark of the name that ``file:NAME:option=value,…`` begins with, and its options.

    Raises:
        ArgumentError: it does not read so.
    """
    match = _SPELLED.fullmatch(text)
    if match is None:
        raise ArgumentError(
            "a benchmark of a file of scores must read file:NAME[:option=value,…], with a name of letters, digits, "
            f". _ and - that you choose; was {text!r}"
        )
    return _kind(match[1], ScoreFile.cells), match[2] or ""


def _kind(name: str, cells: tuple[Condition, ...]) -> type[ScoreFile]:
    return final(type("ScoreFile", (ScoreFile,), {"name": name, "cells": cells}))

"""One row per (condition, sample[, frame]): what a benchmark's decision rule kept of the logits."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

Columns = Mapping[str, NDArray[Any]]
"""Named arrays of equal length; a second axis is allowed (``top5_class`` is ``(N, 5)``)."""


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
        lengths = {name: len(column) for name, column in self.columns.items()}
        assert len(set(lengths.values())) <= 1, f"columns of unequal length: {lengths}"

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
        given = list(parts)
        filled = [part for part in given if len(part)]
        names: Sequence[str] = tuple(filled[0].columns) if filled else ()
        columns = {name: np.concatenate([part[name] for part in filled]) for name in names}
        return Records(columns, tuple(failure for part in given for failure in part.failures))

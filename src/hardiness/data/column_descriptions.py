"""Columns of pictures in a few words: how many values each has, how often, and how many cells are empty."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field

import numpy as np

from hardiness.core.columns import Columns, codes_of, numbers_of
from hardiness.sources.files import shown

MOST_SHOWN = 12
"""The most values of a column that are shown: more of them may be patients, whose names belong in no output."""


@dataclass(frozen=True)
class ColumnDescription:
    """One column of some pictures.

    Attributes:
        name: its name.
        kind: ``"text"``, ``"whole numbers"`` or ``"numbers"``.
        values: how many different ones there are.
        missing: pictures whose cell is empty, or that have no line.
        counts: pictures by value, where there are at most `MOST_SHOWN` values and each has several pictures.
        range: the least and the largest number; ``None`` of text.
    """

    name: str
    kind: str
    values: int
    missing: int
    counts: Mapping[str, int] = field(default_factory=dict)
    range: tuple[float, float] | None = None

    @property
    def text(self) -> str:
        """The column in words."""
        parts = [f"{self.values:,} value{'s' * (self.values != 1)}"]
        if self.counts:
            parts.append(", ".join(f"{shown(value)} {count:,}" for value, count in self.counts.items()))
        elif self.range:
            parts.append(f"{self.range[0]:g} to {self.range[1]:g}")
        return "; ".join(parts)


def describe_columns(columns: Columns, pictures: Sequence[str], cluster: str = "") -> tuple[ColumnDescription, ...]:
    """The description of each column.

    Args:
        columns: of the pictures.
        pictures: ids of all of them, sorted.
        cluster: the column whose values are not shown, whatever their number.
    """
    placed = columns.at(np.array(pictures, object))
    descriptions = []
    for name, column in placed.values.items():
        values, codes = codes_of(column)
        counts = np.bincount(codes[codes >= 0], minlength=len(values))
        numbers = numbers_of(np.array(values, object))
        has_few = 0 < len(values) <= MOST_SHOWN and counts.min() > 1 and name != cluster
        descriptions.append(
            ColumnDescription(
                name,
                "text" if numbers is None else "numbers" if np.any(numbers % 1) else "whole numbers",
                len(values),
                int(np.count_nonzero(codes < 0)),
                dict(zip(values, counts.tolist(), strict=True)) if has_few else {},
                (numbers.min().item(), numbers.max().item()) if numbers is not None and name != cluster else None,
            )
        )
    return tuple(descriptions)

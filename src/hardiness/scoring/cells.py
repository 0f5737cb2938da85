"""Means by condition over images, each with the same of resampled images."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from hardiness.core import Condition, Records, Score
from hardiness.scoring.intervals import centred, resampled_means, within


@dataclass(frozen=True)
class CellMeans:
    """Means of one quantity by condition, and the same of each resample; lower is better.

    Attributes:
        cells: the conditions that have a value.
        means: float64 ``(1 + R, M)``: the estimate, then the resamples.
        n: images behind each cell, ``(M,)``.
    """

    cells: tuple[Condition, ...]
    means: NDArray[np.float64]
    n: NDArray[np.int64]

    def of(self, *cells: Condition) -> NDArray[np.float64]:
        """Float64 ``(1 + R, len(cells))``."""
        return self.means[:, [self.cells.index(cell) for cell in cells]]

    def score(self, metric: str, values: NDArray[np.float64], unit: str, condition: Condition | None = None) -> Score:
        """A score from its estimate and resamples, ``(1 + R,)``."""
        interval = centred(values[1:], float(values[0]))
        return Score(
            metric=metric,
            value=float(values[0]),
            unit=unit,
            n=int(self.n.max()),
            interval=within(interval) if unit == "fraction" else interval,
            higher_is_better=False,
            condition=condition or Condition(),
        )


def cell_means(
    records: Records, values: NDArray[np.generic], conditions: Sequence[Condition], purpose: str
) -> CellMeans:
    """The mean of ``values`` in each condition, one row an image and condition.

    Args:
        records: with ``image`` and ``condition``.
        values: one for each row.
        conditions: of the run.
        purpose: keys the resampling; equal keys and numbers of images resample alike.
    """
    table = np.full((int(records["image"].max()) + 1, len(conditions)), np.nan)
    table[records["image"], records["condition"]] = values
    filled = ~np.isnan(table).all(axis=0)
    table = table[:, filled]
    means = np.vstack([np.nanmean(table, axis=0), resampled_means(table, purpose)])
    cells = tuple(condition for condition, used in zip(conditions, filled.tolist(), strict=True) if used)
    return CellMeans(cells, means, np.count_nonzero(~np.isnan(table), axis=0))


def is_whole(records: Records, found: CellMeans, conditions: Sequence[Condition], needed: set[Condition]) -> bool:
    """Whether all needed cells were run, on the same images, none of which failed."""
    images = {int(n) for cell, n in zip(found.cells, found.n, strict=True) if cell in needed}
    failed = {conditions[index] for failure in records.failures for index in failure.conditions}
    return needed.issubset(found.cells) and len(images) == 1 and not failed & needed

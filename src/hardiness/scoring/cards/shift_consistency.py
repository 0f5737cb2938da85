"""Shift consistency: how often two crops of a photograph get the same answer."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace
from typing import ClassVar, final

import numpy as np

from hardiness.core import RIGHT, Condition, ImageTable, Records, Run, Score
from hardiness.scoring.card import Baseline, Card, register
from hardiness.scoring.cells import CellMeans, MadeOf, cell_means
from hardiness.scoring.condition_calibration import CALIBRATION_EXPLANATIONS, CALIBRATION_TITLES, is_calibration
from hardiness.scoring.rows import answered
from hardiness.scoring.shift_calibration import calibration_of_cells
from hardiness.scoring.statistics.measurable import Measurable
from hardiness.scoring.statistics.measures import mean
from hardiness.scoring.stopping.weighted_sum import WeightedSum, mean_of
from hardiness.scoring.temperature import nll_column


@register("shift_consistency")
@final
class ShiftConsistencyCard(Card):
    """Consistency over all passes and of each, and top-1 of all crops; intervals are over photographs.

    Source: Zhang (2019), arXiv:1904.11486.
    """

    version: ClassVar[int] = 2
    group: ClassVar[str] = "noise and blur"
    columns: ClassVar[tuple[str, ...] | None] = ("prediction", "confidence", "logsumexp", "label_logit")
    stops_on: ClassVar[str] = "consistency"
    titles: ClassVar[Mapping[str, str]] = {"top1": "top-1", **CALIBRATION_TITLES}
    keys: ClassVar[tuple[str, ...]] = ("shift", "crop", "protocol")
    explanations: ClassVar[Mapping[str, str]] = CALIBRATION_EXPLANATIONS

    def filled_table(self, records: Records, run: Run) -> ImageTable:
        """Right or wrong, the answer, its confidence and the label's likelihood, crop by crop."""
        return ImageTable.from_rows(records, run.conditions, {**answered(records), **nll_column(records)})

    def scores(self, table: ImageTable, run: Run, baseline: Baseline | None) -> list[Score]:
        """A pass counts for the photographs whose two crops were both evaluated; calibration is of all crops."""
        shifts, same = _same(table, run)
        seen = ~np.isnan(same)
        if not seen.any():
            return [Score("consistency", None, "fraction", 0, reason="no photograph has both crops of a pass")]
        means = cell_means(_pairs(table, same, shifts), same[:, seen.any(axis=0)], "shift_consistency")
        right = cell_means(table, np.where(table.evaluated, table[RIGHT], np.nan), "shift_consistency")
        return [
            _score(means, "consistency", means.cells),
            _score(right, "top1", right.cells),
            *calibration_of_cells(table),
            *(_score(means, "consistency", (cell,), cell) for cell in means.cells),
        ]

    def is_headline(self, score: Score) -> bool:
        """Consistency and top-1 are always shown."""
        return not is_calibration(score)

    def sums(self, table: ImageTable, run: Run, baseline: Baseline | None) -> list[WeightedSum]:
        """Consistency over the passes."""
        _, same = _same(table, run)
        seen = np.asarray(~np.isnan(same).all(axis=0))
        return [mean_of("consistency", same, seen)] if seen.any() else []

    def measurables(self, table: ImageTable, run: Run) -> list[Measurable]:
        """Consistency over the passes that were run whole, and top-1 of all crops."""
        _, same = _same(table, run)
        seen, right = ~np.isnan(same).any(axis=0), table[RIGHT] == 1
        if not seen.any():
            return []
        return [
            Measurable("consistency", Condition(), True, lambda at: mean(same[at][:, seen])),
            Measurable("top1", Condition(), True, lambda at: mean(right[at])),
        ]


def _same(table: ImageTable, run: Run) -> tuple[list[int], np.ndarray[tuple[int, int], np.dtype[np.float64]]]:
    """The passes, and whether both crops of each got one answer, ``(N, passes)``; NaN where one was not evaluated."""
    shifts = list(dict.fromkeys(condition["shift"] for condition in run.conditions))
    same = np.full((len(table), len(shifts)), np.nan)
    for index, shift in enumerate(shifts):
        crops = [k for k, condition in enumerate(table.present) if condition["shift"] == shift]
        if len(crops) == 2:
            both = table.evaluated[:, crops].all(axis=1)
            first, second = table["answer"][:, crops].T
            same[:, index] = np.where(both, first == second, np.nan)
    return shifts, same


def _pairs(table: ImageTable, same: np.ndarray[tuple[int, int], np.dtype[np.float64]], shifts: list[int]) -> ImageTable:
    """A table whose cells are the passes, and whose right answers are the equal ones."""
    used = np.flatnonzero((~np.isnan(same)).any(axis=0))
    right = np.nan_to_num(same[:, used], nan=-1.0).astype(np.int8)
    conditions = tuple(Condition(shift=shift) for shift in shifts)
    return replace(table, conditions=conditions, cells=used.astype(np.int16), columns={RIGHT: right}, failures=())


def _score(means: CellMeans, metric: str, cells: tuple[Condition, ...], condition: Condition | None = None) -> Score:
    found = means.score(metric, means.of(*cells).mean(axis=1), "fraction", condition, MadeOf(cells))
    n = max(int(means.n[means.cells.index(cell)]) for cell in cells)
    return replace(found, n=n, higher_is_better=True)

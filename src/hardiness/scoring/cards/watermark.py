"""ImageNet-W: what a watermark costs, and how far the answers move to "carton"."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import ClassVar, final

import numpy as np
from numpy.typing import NDArray

from hardiness.core import RIGHT, Condition, ImageTable, Records, Run, Score
from hardiness.scoring.card import Baseline, Card, register
from hardiness.scoring.condition_calibration import (
    CALIBRATION_EXPLANATIONS,
    CALIBRATION_TITLES,
    condition_calibration,
    is_calibration,
)
from hardiness.scoring.rows import answered
from hardiness.scoring.shares import accuracy
from hardiness.scoring.statistics.differences import mean_difference
from hardiness.scoring.statistics.measurable import Measurable
from hardiness.scoring.statistics.measures import gap, share
from hardiness.scoring.stopping.weighted_sum import WeightedSum
from hardiness.scoring.temperature import nll_column

CARTON = 478
CLEAN, MARKED = Condition(), Condition(corruption="watermark")


@register("watermark")
@final
class Watermark(Card):
    """Gaps in accuracy and in the probability of "carton" (marked less clean), over all photographs and over cartons.

    Closer to 0 is better. Both sides are of the same photographs, so the intervals are of paired differences.

    Source: Li et al. (2023), arXiv:2212.04825.
    """

    version: ClassVar[int] = 2
    group: ClassVar[str] = "natural shift"
    columns: ClassVar[tuple[str, ...] | None] = ("prediction", "confidence", "logsumexp", "label_logit", "carton")
    stops_on: ClassVar[str] = "IN-W gap"
    titles: ClassVar[Mapping[str, str]] = {"in_w_gap": "IN-W gap", **CALIBRATION_TITLES}
    keys: ClassVar[tuple[str, ...]] = ("corruption", "protocol")
    explanations: ClassVar[Mapping[str, str]] = CALIBRATION_EXPLANATIONS

    def filled_table(self, records: Records, run: Run) -> ImageTable:
        """Right or wrong, the answer, its confidence, the label's likelihood, the probability of carton; both ways."""
        cells = {**answered(records), **nll_column(records), "carton": records["carton"].astype(np.float32)}
        return ImageTable.from_rows(records, run.conditions, cells)

    def scores(self, table: ImageTable, run: Run, baseline: Baseline | None) -> list[Score]:
        """Gaps over the photographs that were seen both ways, both accuracies, and calibration both ways."""
        places = table.place(CLEAN), table.place(MARKED)
        everything = np.ones(len(table), bool)
        cartons = table.label == CARTON
        right, carton = (_both(table, name, places) for name in (RIGHT, "carton"))
        return [
            _gap("in_w_gap", right, everything),
            _gap("carton_gap", right, cartons),
            _gap("carton_probability_gap", carton, everything),
            _gap("carton_probability_gap_on_cartons", carton, cartons),
            accuracy("clean_accuracy", table.of(RIGHT, CLEAN) == 1),
            accuracy("watermark_accuracy", table.of(RIGHT, MARKED) == 1),
            *condition_calibration(table),
        ]

    def is_headline(self, score: Score) -> bool:
        """Gaps and accuracies are always shown."""
        return not is_calibration(score)

    def column_scores(self, scores: Sequence[Score]) -> list[Score]:
        """Calibration with the watermark too."""
        return [score for score in scores if not score.condition or is_calibration(score)]

    def sums(self, table: ImageTable, run: Run, baseline: Baseline | None) -> list[WeightedSum]:
        """The gap in accuracy over all photographs."""
        right = _both(table, RIGHT, (table.place(CLEAN), table.place(MARKED)))
        return [] if np.isnan(right).all() else [WeightedSum("in_w_gap", right, np.array([-1.0, 1.0]))]

    def measurables(self, table: ImageTable, run: Run) -> list[Measurable]:
        """The gap in accuracy over all photographs, and both accuracies."""
        places = table.place(CLEAN), table.place(MARKED)
        if None in places:
            return []
        clean, marked = (table[RIGHT][:, place] == 1 for place in places)
        return [
            Measurable("in_w_gap", Condition(), True, lambda at: gap(clean[at], marked[at])),
            Measurable("clean_accuracy", Condition(), True, lambda at: share(clean[at])),
            Measurable("watermark_accuracy", Condition(), True, lambda at: share(marked[at])),
        ]


def _both(table: ImageTable, name: str, places: tuple[int | None, int | None]) -> NDArray[np.float64]:
    """A quantity of each image without and with the watermark, float64 ``(N, 2)``; NaN where one of them is missing."""
    clean, marked = places
    if clean is None or marked is None:
        return np.full((len(table), 2), np.nan)
    values = table[name][:, [clean, marked]].astype(np.float64)
    return np.where(table.evaluated[:, [clean, marked]].all(axis=1, keepdims=True), values, np.nan)


def _gap(metric: str, values: NDArray[np.float64], chosen: NDArray[np.bool_]) -> Score:
    """The mean with the watermark less the mean without."""
    kept = values[chosen & ~np.isnan(values).any(axis=1)]
    if not len(kept):
        return Score(metric, None, "fraction", 0, reason="no photograph of it was evaluated both ways")
    found = mean_difference(kept[:, 1] - kept[:, 0], 1.0)
    value, interval = float(np.diff(kept.mean(axis=0))[0]), found.interval
    better = "probability" not in metric
    return Score(metric, value, "fraction", len(kept), interval, higher_is_better=better)

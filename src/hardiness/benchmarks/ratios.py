"""Ratios of sums of counts over pictures: mIoU, Dice, precision or recall of a whole data set."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from functools import reduce
from operator import add
from typing import ClassVar, final

import numpy as np
from numpy.typing import NDArray

from hardiness.benchmarks.card import Baseline, Card, register
from hardiness.core.answers import SCORES
from hardiness.core.codes import Lack
from hardiness.core.condition import Condition
from hardiness.core.fact import Fact
from hardiness.core.result import Metric, Score
from hardiness.core.run import Run
from hardiness.core.table import RIGHT, ImageTable, Records
from hardiness.metrics.picture_scores import SCORE
from hardiness.metrics.scoring import Outcome, Scoring, as_measurable, as_score
from hardiness.statistics.estimate import Estimate, mean
from hardiness.statistics.measures import Measurable

NUMERATOR, DENOMINATOR = "numerator", "denominator"

MEAN_RATIO = Metric(
    "mean_ratio",
    outputs=SCORES,
    explanation="the mean over columns of the sum of the numerator over pictures divided by that of the denominator, "
    "as mIoU is; a column whose denominators are all 0 is left out.",
)
RATIO = Metric(
    "ratio", outputs=SCORES, explanation="the sum of a numerator over pictures divided by that of its denominator."
)

NO_DENOMINATOR = Fact(Lack.DENOMINATORS_ZERO)


@register("ratios")
@final
class RatiosCard(Card):
    """The ratio of the sums of each column, and their mean; each column is a condition.

    Source: none but the counts. Pixels of a picture depend on each other, so that pictures are what is drawn.
    """

    columns: ClassVar[tuple[str, ...] | None] = (NUMERATOR, DENOMINATOR)
    metrics: ClassVar[tuple[Metric, ...]] = (MEAN_RATIO, RATIO)
    keys: ClassVar[tuple[str, ...]] = ("by",)
    place: ClassVar[int] = 33

    def filled_table(self, records: Records, run: Run) -> ImageTable:
        """The counts of each picture and column; the score of a picture is the ratio of its own counts."""
        above, below = records[NUMERATOR].astype(np.float64), records[DENOMINATOR].astype(np.float64)
        own = np.divide(above, below, out=np.zeros(len(records)), where=below > 0)
        cells = {RIGHT: np.zeros(len(records), bool), SCORE: own, NUMERATOR: above, DENOMINATOR: below}
        return ImageTable.from_rows(records, run.conditions, cells)

    def scores(self, table: ImageTable, run: Run, baseline: Baseline | None) -> list[Score]:
        """The mean ratio, then that of each column."""
        scoring = Scoring(table, run)
        return [
            as_score(_metric(condition), condition, outcome, scoring) for condition, outcome in ratios(scoring).items()
        ]

    def measurables(self, table: ImageTable, run: Run, baseline: Baseline | None) -> Sequence[Measurable]:
        """The same as functions of pictures; models are compared by the mean ratio alone."""
        scoring = Scoring(table, run)
        each = (
            as_measurable(_metric(condition), condition, outcome, scoring, ratios, compared=not condition)
            for condition, outcome in ratios(scoring).items()
        )
        return [measurable for measurable in each if measurable is not None]


def _metric(condition: Condition) -> Metric:
    return RATIO if condition else MEAN_RATIO


def ratios(scoring: Scoring) -> Mapping[Condition, Outcome]:
    """The mean ratio, and where there are several columns that of each."""
    table = scoring.table
    by_column = {
        cell: _ratio(table.ids, table[NUMERATOR][:, place], table[DENOMINATOR][:, place])
        for place, cell in enumerate(table.present)
    }
    defined = [each for each in by_column.values() if each is not None]
    whole: Outcome = reduce(add, defined) * (1 / len(defined)) if defined else NO_DENOMINATOR
    if len(by_column) == 1:
        return {Condition(): whole}
    return {Condition(): whole, **{cell: each or NO_DENOMINATOR for cell, each in by_column.items()}}


def _ratio(ids: NDArray[np.object_], above: NDArray[np.float64], below: NDArray[np.float64]) -> Estimate | None:
    """The ratio of two sums over pictures; ``None`` where the lower one is 0."""
    return mean(ids, above) / mean(ids, below) if below.any() else None

"""Classification among 200 of the classes: accuracy, calibration and AURRA."""

from __future__ import annotations

from collections.abc import Mapping
from typing import ClassVar, final

from hardiness.core import RIGHT, Condition, ImageTable, Records, Run, Score
from hardiness.scoring.card import Baseline, Card, register
from hardiness.scoring.rows import answered
from hardiness.scoring.shares import TITLES, accuracy, confidence_scores


@register("subset_classification")
@final
class SubsetClassification(Card):
    """Top-1 within the 200 classes, its calibration and AURRA, and the 1,000-way top-1 beside it.

    Source: Hendrycks et al. (2019), arXiv:1907.07174; Hendrycks et al. (2020), arXiv:2006.16241.
    """

    columns: ClassVar[tuple[str, ...] | None] = ("prediction", "subset_prediction", "subset_confidence")
    titles: ClassVar[Mapping[str, str]] = TITLES
    keys: ClassVar[tuple[str, ...]] = ("protocol", "decision")

    def filled_table(self, records: Records, run: Run) -> ImageTable:
        """Right or wrong, the answer and its confidence among the 200 classes, and right or wrong among all."""
        within = answered(records, "subset_prediction", "subset_confidence")
        among_all = {"right_1000-way": records["prediction"] == records["label"]}
        return ImageTable.from_rows(records, run.conditions, {**within, **among_all})

    def scores(self, table: ImageTable, run: Run, baseline: Baseline | None) -> list[Score]:
        """Each over all images."""
        right = table[RIGHT][:, 0] == 1
        return [
            accuracy("top1", right),
            *confidence_scores(table["confidence"][:, 0], right),
            accuracy("top1", table["right_1000-way"][:, 0] == 1, Condition(decision="1000-way")),
        ]

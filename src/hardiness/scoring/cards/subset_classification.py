"""Classification among 200 of the classes: accuracy, calibration and AURRA."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import replace
from typing import Any, ClassVar, final

import numpy as np

from hardiness.core import RIGHT, Condition, ImageTable, Records, Result, Run, Score, Section
from hardiness.scoring.card import Baseline, Card, ScoreTexts, register
from hardiness.scoring.confidence import confidence_charts, confidence_details
from hardiness.scoring.rows import answered
from hardiness.scoring.shares import (
    CALIBRATION,
    EXPLANATIONS,
    TITLES,
    accuracy,
    confidence_measurables,
    confidence_scores,
)
from hardiness.scoring.statistics.measurable import Measurable
from hardiness.scoring.stopping.weighted_sum import WeightedSum
from hardiness.scoring.temperature import COLUMN, loss_columns, temperature_scores


@register("subset_classification")
@final
class SubsetClassification(Card):
    """Top-1 within the 200 classes, its calibration and AURRA, and the 1,000-way top-1 beside it.

    Source: Hendrycks et al. (2019), arXiv:1907.07174; Hendrycks et al. (2020), arXiv:2006.16241.
    """

    version: ClassVar[int] = 4
    columns: ClassVar[tuple[str, ...] | None] = (
        "prediction",
        "subset_prediction",
        "subset_confidence",
        "subset_logsumexp",
        "subset_label_logit",
        f"subset_{COLUMN}",
    )
    stops_on: ClassVar[str] = "top-1"
    titles: ClassVar[Mapping[str, str]] = TITLES
    keys: ClassVar[tuple[str, ...]] = ("protocol", "decision")
    place: ClassVar[int] = 20
    group: ClassVar[str] = "natural shift"
    explanations: ClassVar[Mapping[str, str]] = EXPLANATIONS

    def filled_table(self, records: Records, run: Run) -> ImageTable:
        """Right or wrong, the answer, its confidence and losses among the 200 classes, and right or wrong among all."""
        within = answered(records, "subset_prediction", "subset_confidence")
        among_all = {"right_1000-way": records["prediction"] == records["label"]}
        losses = loss_columns(records, "subset_")
        return ImageTable.from_rows(records, run.conditions, {**within, **among_all}, losses)

    def scores(self, table: ImageTable, run: Run, baseline: Baseline | None) -> list[Score]:
        """Each over all images."""
        right = table[RIGHT][:, 0] == 1
        losses = {name: table[name] for name in ("brier", "nll") if name in table}
        return [
            accuracy("top1", right),
            *confidence_scores(table["confidence"][:, 0], right, losses),
            *temperature_scores(table),
            accuracy("top1", table["right_1000-way"][:, 0] == 1, Condition(decision="1000-way")),
        ]

    def measurables(self, table: ImageTable, run: Run) -> list[Measurable]:
        """Top-1, calibration and AURRA."""
        return confidence_measurables(table[RIGHT][:, 0] == 1, table["confidence"][:, 0])

    def sums(self, table: ImageTable, run: Run, baseline: Baseline | None) -> list[WeightedSum]:
        """Top-1 within the 200 classes, and among all."""
        columns = {Condition(): table[RIGHT], Condition(decision="1000-way"): table["right_1000-way"]}
        return [
            WeightedSum("top1", np.where(right < 0, np.nan, right.astype(np.float64))[:, :1], np.ones(1), condition)
            for condition, right in columns.items()
        ]

    def is_headline(self, score: Score) -> bool:
        """Accuracies, RMS calibration error and AURRA are always shown."""
        return score.metric not in CALIBRATION and super().is_headline(score)

    def details(self, table: ImageTable, run: Run) -> dict[str, Any]:
        """Reliability and coverage, and the pictures behind the numbers."""
        return {**super().details(table, run), **confidence_details(table)}

    def place_of(self, run: Run) -> int:
        """The set of the paper first, its relatives after it."""
        return self.place if run.benchmark.name == "imagenet-a" else self.place + 6

    def view(self, results: Sequence[Result]) -> Section:
        """The table of models, and how far confidence can be trusted."""
        return replace(super().view(results), charts=confidence_charts(results))

    def saying_of(self, result: Result, known: ScoreTexts) -> str:
        """The share answered rightly, and what that is less than on ordinary photographs."""
        top1, drop = known.value("top1"), known.value("top1_drop")
        if top1 is None:
            return ""
        less = f", {100 * drop:.0f} points less than on ordinary ones" if drop is not None and drop > 0 else ""
        return f"answers {100 * top1:.1f} % of {result.benchmark} rightly{less}"

"""Plain classification: accuracies, calibration and AURRA."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import replace
from typing import Any, ClassVar, final

import numpy as np

from hardiness.core import RIGHT, Column, Condition, ImageTable, Records, Result, Run, Score, Section
from hardiness.scoring.card import Baseline, Card, ScoreTexts, register
from hardiness.scoring.confidence import confidence_charts, confidence_details
from hardiness.scoring.imagenet_x_chart import factor_chart
from hardiness.scoring.rows import answered, classes
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
from hardiness.scoring.trust import CLEAN

SUBSETS = ("imagenet-a", "imagenet-r")
"""Sets of 200 classes within which rows may have an answer of their own, so that shifted sets can be compared."""

FIRST_FIVE = tuple(f"answer_{place}" for place in range(1, 6))
"""Columns of the first five answers, the first of which is the answer."""


@register("classification")
@final
class Classification(Card):
    """Top-1, top-5, calibration and AURRA over all of the model's classes, then top-1 within ImageNet-A's and -R's 200.

    Source: Orhan (2019), arXiv:1907.07640; Hendrycks et al. (2019), arXiv:1907.07174.
    """

    version: ClassVar[int] = 3
    columns: ClassVar[tuple[str, ...] | None] = (
        "prediction",
        "confidence",
        "top5_class",
        "logsumexp",
        "label_logit",
        COLUMN,
        *(f"prediction_{subset}" for subset in SUBSETS),
    )
    stops_on: ClassVar[str] = "top-1"
    titles: ClassVar[Mapping[str, str]] = TITLES
    keys: ClassVar[tuple[str, ...]] = ("protocol", "decision")
    place: ClassVar[int] = 10
    explanations: ClassVar[Mapping[str, str]] = EXPLANATIONS

    def filled_table(self, records: Records, run: Run) -> ImageTable:
        """Right or wrong, the first five answers, confidence and losses, and the answers within the 200s."""
        top5 = (records["top5_class"] == records["label"][:, None]).any(axis=1)
        within = {f"answer_{subset}": f"prediction_{subset}" for subset in SUBSETS}
        images = {name: classes(records[column]) for name, column in within.items() if column in records}
        images |= {name: classes(records["top5_class"][:, place]) for place, name in enumerate(FIRST_FIVE)}
        images |= loss_columns(records)
        return ImageTable.from_rows(records, run.conditions, {**answered(records), "right_top5": top5}, images)

    def scores(self, table: ImageTable, run: Run, baseline: Baseline | None) -> list[Score]:
        """Each over all images."""
        right = table[RIGHT][:, 0] == 1
        losses = {name: table[name] for name in ("brier", "nll") if name in table}
        scores = [
            accuracy("top1", right),
            accuracy("top5", table["right_top5"][:, 0] == 1),
            *confidence_scores(table["confidence"][:, 0], right, losses),
            *temperature_scores(table),
        ]
        for subset in SUBSETS:
            if f"answer_{subset}" in table:
                answer = table[f"answer_{subset}"]
                inside = answer >= 0
                same = answer[inside] == table.label[inside]
                scores.append(accuracy("top1", same, Condition(decision=f"{subset}-200")))
        return scores

    def measurables(self, table: ImageTable, run: Run) -> list[Measurable]:
        """Top-1, calibration and AURRA."""
        return confidence_measurables(table[RIGHT][:, 0] == 1, table["confidence"][:, 0])

    def sums(self, table: ImageTable, run: Run, baseline: Baseline | None) -> list[WeightedSum]:
        """Top-1 and top-5."""
        columns = {"top1": table[RIGHT][:, :1], "top5": table["right_top5"][:, :1]}
        return [
            WeightedSum(name, np.where(right < 0, np.nan, right.astype(np.float64)), np.ones(1))
            for name, right in columns.items()
        ]

    def is_headline(self, score: Score) -> bool:
        """Accuracies, RMS calibration error and AURRA are always shown."""
        return score.metric not in CALIBRATION and super().is_headline(score)

    def details(self, table: ImageTable, run: Run) -> dict[str, Any]:
        """Reliability and coverage, and the pictures behind the numbers."""
        return {**super().details(table, run), **confidence_details(table)}

    def place_of(self, run: Run) -> int:
        """The validation set first, its relatives after the sets of the paper."""
        return self.place if run.benchmark.name == CLEAN else self.place + 15

    def group_of(self, run: Run) -> str:
        """The validation set itself, or photographs of the same classes from elsewhere."""
        return "clean" if run.benchmark.name == CLEAN else "natural shift"

    def others_of(self, columns: Sequence[Column]) -> tuple[tuple[str, Column], ...]:
        """Top-1 by reassessed labels, where it is known."""
        return tuple(("labels", column) for column in columns if column.metric == "real_top1")

    def variant(self, run: Run) -> tuple[str, ...]:
        """A published part of the images, where only that was asked for."""
        subset = run.benchmark.options.get("subset")
        return (f"subset {subset}",) if subset else ()

    def view(self, results: Sequence[Result]) -> Section:
        """The table of models, accuracies, how far confidence can be trusted, and what goes with errors."""
        factors = factor_chart(results)
        charts = [*confidence_charts(results, accuracy_first=True), *([factors] if factors else [])]
        return replace(super().view(results), charts=charts)

    def saying_of(self, result: Result, known: ScoreTexts) -> str:
        """The share of photographs answered rightly."""
        top1 = known.value("top1")
        return f"is right on {100 * top1:.1f} % of the photographs" if top1 is not None else ""

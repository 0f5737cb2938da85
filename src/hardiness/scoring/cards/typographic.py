"""Typographic attack: what a wrong word on the picture costs, and how often it becomes the answer."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import ClassVar, final

import numpy as np
from numpy.typing import NDArray

from hardiness.core import RIGHT, Condition, ImageTable, Records, Result, Run, Score
from hardiness.scoring.card import Baseline, Card, ScoreTexts, register
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

CLEAN, WRITTEN = Condition(), Condition(text="wrong class")


@register("typographic")
@final
class TypographicCard(Card):
    """The drop in accuracy over photographs that were seen both ways, and the share of answers that are the word.

    The same share on photographs without a word says how often that happens by chance.

    Source: Azuma & Matsui (2023), arXiv:2304.04512.
    """

    version: ClassVar[int] = 3
    columns: ClassVar[tuple[str, ...] | None] = ("prediction", "confidence", "logsumexp", "label_logit", "written")
    stops_on: ClassVar[str] = "drop by the word"
    titles: ClassVar[Mapping[str, str]] = {
        "typographic_drop": "drop by the word",
        "word_answered": "answers that are the word",
        "word_answered_by_chance": "the same without the word",
        "typographic_accuracy": "accuracy with the word",
        **CALIBRATION_TITLES,
    }
    keys: ClassVar[tuple[str, ...]] = ("text", "protocol")
    explanations: ClassVar[Mapping[str, str]] = CALIBRATION_EXPLANATIONS
    group: ClassVar[str] = "adversarial"

    def filled_table(self, records: Records, run: Run) -> ImageTable:
        """Right or wrong, the answer, its confidence, the label's likelihood, and whether it is the word; both ways."""
        word = records["prediction"] == records["written"].astype(np.int64)
        return ImageTable.from_rows(records, run.conditions, {**answered(records), **nll_column(records), "word": word})

    def scores(self, table: ImageTable, run: Run, baseline: Baseline | None) -> list[Score]:
        """The drop is paired; shares are of all photographs that were seen that way, and so is calibration."""
        word = table.of("word", WRITTEN) == 1, table.of("word", CLEAN) == 1
        return [
            _drop(table),
            *(
                _lower(accuracy(name, seen))
                for name, seen in zip(("word_answered", "word_answered_by_chance"), word, strict=True)
            ),
            accuracy("typographic_accuracy", table.of(RIGHT, WRITTEN) == 1),
            accuracy("clean_accuracy", table.of(RIGHT, CLEAN) == 1),
            *condition_calibration(table),
        ]

    def is_headline(self, score: Score) -> bool:
        """Accuracies and answers that are the word are always shown."""
        return not is_calibration(score)

    def column_scores(self, scores: Sequence[Score]) -> list[Score]:
        """Calibration with the word too."""
        return [score for score in scores if not score.condition or is_calibration(score)]

    def sums(self, table: ImageTable, run: Run, baseline: Baseline | None) -> list[WeightedSum]:
        """The drop."""
        right = _seen_both_ways(table)
        if np.isnan(right).all():
            return []
        return [WeightedSum("typographic_drop", right, np.array([1.0, -1.0]), higher_is_better=False)]

    def measurables(self, table: ImageTable, run: Run) -> list[Measurable]:
        """The drop, the share of answers that are the word, and the accuracy with it."""
        places = table.place(CLEAN), table.place(WRITTEN)
        if None in places:
            return []
        clean, written = (table[RIGHT][:, place] == 1 for place in places)
        word = table["word"][:, places[1]] == 1
        return [
            Measurable("typographic_drop", Condition(), False, lambda at: gap(written[at], clean[at])),
            Measurable("word_answered", Condition(), False, lambda at: share(word[at])),
            Measurable("typographic_accuracy", Condition(), True, lambda at: share(written[at])),
        ]

    def saying_of(self, result: Result, known: ScoreTexts) -> str:
        """How often it reads instead of looking."""
        share = known.value("word_answered")
        return "" if share is None else f"answers with a wrong word written on it {100 * share:.0f} % of the time"

    def saying_score(self, result: Result) -> Score | None:
        """The share of answers that are the word."""
        return next((s for s in result.scores if s.metric == "word_answered" and not s.condition), None)


def _lower(score: Score) -> Score:
    """The same score, better when lower."""
    return Score(score.metric, score.value, score.unit, score.n, score.interval, False, score.condition, score.reason)


def _drop(table: ImageTable) -> Score:
    """Accuracy without the word less accuracy with it, of the same photographs."""
    right = _seen_both_ways(table)
    kept = right[~np.isnan(right).any(axis=1)]
    if not len(kept):
        return _lower(Score("typographic_drop", None, "fraction", 0, reason="no photograph was evaluated both ways"))
    value = float(kept[:, 0].mean() - kept[:, 1].mean())
    interval = mean_difference(kept[:, 0] - kept[:, 1], 1.0).interval
    return Score("typographic_drop", value, "fraction", len(kept), interval, higher_is_better=False)


def _seen_both_ways(table: ImageTable) -> NDArray[np.float64]:
    """Right or wrong without and with the word, ``(N, 2)``; NaN for photographs that were not evaluated both ways."""
    clean, written = table.place(CLEAN), table.place(WRITTEN)
    if clean is None or written is None:
        return np.full((len(table), 2), np.nan)
    both = table[RIGHT][:, [clean, written]]
    return np.where((both >= 0).all(axis=1, keepdims=True), both == 1, np.nan).astype(np.float64)

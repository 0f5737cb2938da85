"""The scores of a file with a score for each picture: their mean, clean and under conditions."""

from __future__ import annotations

import math
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import ClassVar, final

import numpy as np
from numpy.typing import NDArray

from hardiness.benchmarks.card import Baseline, Card, register
from hardiness.benchmarks.corruption_errors import whole_or_partial
from hardiness.core.answers import SCORES
from hardiness.core.codes import Lack
from hardiness.core.condition import Condition
from hardiness.core.fact import Fact, too_few
from hardiness.core.result import Metric, Score
from hardiness.core.run import Run
from hardiness.core.table import RIGHT, ImageTable, Records
from hardiness.metrics.picture_scores import SCORE, conditions_by_part
from hardiness.metrics.scoring import FEWEST_DIFFERING, Scoring, as_score
from hardiness.statistics.estimate import Estimate, mean
from hardiness.statistics.measures import ImageScore, Measurable, Places, mean_of

MEAN_SCORE = Metric(
    "mean_score",
    outputs=SCORES,
    explanation="the mean over pictures, and over all conditions but the clean one where there are others.",
)

CLEAN_SCORE = Metric("clean_score", outputs=SCORES, explanation="the mean over undisturbed pictures.")

RETAINED_SCORE = Metric(
    "retained_score",
    unit="ratio",
    outputs=SCORES,
    explanation="the mean score under conditions divided by the clean one, on the pictures that have both: 100 is "
    "nothing lost.",
)


@register("picture_scores")
@final
class PictureScoresCard(Card):
    """The mean score over all conditions and of clean pictures, and how much is kept, over all and by condition.

    No picture has an answer, so that none is right or wrong.

    Source: none but the file.
    """

    columns: ClassVar[tuple[str, ...] | None] = (SCORE,)
    stops_on: ClassVar[str] = "the mean score"
    metrics: ClassVar[tuple[Metric, ...]] = (MEAN_SCORE, CLEAN_SCORE, RETAINED_SCORE)
    keys: ClassVar[tuple[str, ...]] = ("corruption", "severity")
    place: ClassVar[int] = 32
    severity: ClassVar[str] = "severity"

    def group_of(self, run: Run) -> str:
        return "distortions" if any(run.conditions) else self.group

    def variant(self, run: Run) -> tuple[str, ...]:
        """The number of conditions: scores over other ones must not stand in one table."""
        count = len(run.conditions)
        return (*super().variant(run), *((f"{count} conditions",) if count > 1 else ()))

    def filled_table(self, records: Records, run: Run) -> ImageTable:
        """The score of each picture and cell; nothing is right."""
        cells = {RIGHT: np.zeros(len(records), bool), SCORE: records[SCORE]}
        return ImageTable.from_rows(records, run.conditions, cells)

    def scores(self, table: ImageTable, run: Run, baseline: Baseline | None) -> list[Score]:
        """The mean, that of clean pictures where there are others, and how much of it is kept, over all and by cell."""
        scoring, values, whole = Scoring(table, run), table[SCORE], _is_whole(table)
        mean_score = whole_or_partial(MEAN_SCORE, whole)
        scores = [as_score(mean_score, Condition(), scoring.mean_of(values), scoring)]
        if scoring.clean is not None and len(table.present) > 1:
            scores.append(as_score(CLEAN_SCORE, Condition(), scoring.mean_of(values, Condition()), scoring))
        return [*scores, *_retained_scores(scoring, whole)]

    def measurables(self, table: ImageTable, run: Run, baseline: Baseline | None) -> list[Measurable]:
        """The means, then the share of the clean one that is kept; models are compared over all conditions alone."""
        values, is_disturbed = table[SCORE], np.array([bool(cell) for cell in table.present])
        whole = _is_whole(table)
        means = [mean_of(whole_or_partial(MEAN_SCORE, whole), values, is_disturbed if is_disturbed.any() else None)]
        if not is_disturbed.any() or is_disturbed.all():
            return [*means]
        clean = mean_of(CLEAN_SCORE, values, ~is_disturbed, compared=False)
        return [*means, clean, *_retained_measures(Scoring(table, run), whole)]


def _is_whole(table: ImageTable) -> bool:
    """Whether every picture has a score under every condition."""
    return len(table.cells) == len(table.conditions) and bool(table.evaluated.all())


def _retained_scores(scoring: Scoring, whole: bool) -> Iterator[Score]:
    """The shares of the clean score that are kept; none of clean pictures alone."""
    disturbed = [cell for cell in scoring.table.present if cell]
    if lack := _why_no_ratio(scoring) if disturbed else None:
        yield RETAINED_SCORE.score(None, len(scoring.table), lack=lack)
        return
    for each in _retained_measures(scoring, whole):
        metric = RETAINED_SCORE if each.condition else whole_or_partial(RETAINED_SCORE, whole)
        estimate = each.estimate(np.arange(len(scoring.table)))
        outcome = UNPAIRED if not estimate.n else CLEAN_ZERO if np.isnan(estimate.value) else estimate
        yield as_score(metric, each.condition, outcome, scoring)


UNPAIRED, CLEAN_ZERO = Fact(Lack.UNPAIRED, {"what": "picture"}), Fact(Lack.CLEAN_ZERO)


def _why_no_ratio(scoring: Scoring) -> Fact | None:
    """Why scores of a run cannot be divided by clean ones; ``None`` where they can."""
    least = str(scoring.run.benchmark.options["range"]).partition("..")[0]
    if float(least) != 0:
        return Fact(Lack.NO_RATIO, {"least": least})
    if scoring.clean is None:
        return Fact(Lack.NO_CLEAN_SCORE)
    return None


def _retained_measures(scoring: Scoring, whole: bool) -> Iterator[ImageScore]:
    """The ratios to the clean score as functions of pictures, over all conditions and by condition."""
    present = scoring.table.present
    disturbed = tuple(cell for cell in present if cell)
    if not disturbed or _why_no_ratio(scoring):
        return
    every = np.arange(len(scoring.table))
    for condition, cells in {Condition(): disturbed, **conditions_by_part(disturbed)}.items():
        places = [present.index(cell) for cell in cells]
        ratio = _Retained(np.asarray(scoring.table[SCORE], np.float64), present.index(Condition()), places)
        metric = RETAINED_SCORE if condition else whole_or_partial(RETAINED_SCORE, whole)
        yield ImageScore(
            metric.name, True, ratio.estimate, ratio.lacks, condition, ratio.span(every), compared=not condition
        )


@dataclass(frozen=True)
class _Retained:
    """The mean score over some cells divided by the clean one, of the pictures that have a score in all of them.

    Attributes:
        values: of all pictures and cells, ``(N, M)``; NaN where there is none.
        clean: place of the clean cell.
        cells: places of the others.
    """

    values: NDArray[np.float64]
    clean: int
    cells: Sequence[int]

    def estimate(self, places: Places) -> Estimate:
        """The ratio of these pictures; NaN where it is undefined."""
        chosen = self.values[places][:, [self.clean, *self.cells]]
        has_all = ~np.isnan(chosen).any(axis=1)
        if not has_all.any() or not chosen[has_all, 0].any():
            ids = places[has_all]
            return Estimate(math.nan, ids, np.zeros(len(ids)))
        ids = places[has_all]
        return mean(ids, chosen[has_all, 1:]) / mean(ids, chosen[has_all, 0])

    def lacks(self, places: Places) -> Fact | None:
        """Why there is no ratio of these pictures, or no interval; ``None`` where there is one."""
        estimate = self.estimate(places)
        if math.isnan(estimate.value):
            return CLEAN_ZERO if estimate.n else UNPAIRED
        if estimate.differing >= FEWEST_DIFFERING:
            return None
        return too_few((FEWEST_DIFFERING, "pictures that differ"), had=(estimate.differing,))

    def span(self, places: Places) -> float:
        """The most, to first order, that the scores of one picture can put the ratios of two models apart."""
        estimate = self.estimate(places)
        if math.isnan(estimate.value):
            return math.inf
        return (1 + estimate.value) / float(self.values[estimate.ids, self.clean].mean())

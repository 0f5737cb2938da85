"""Calibration error and losses by condition, and their means over conditions."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import replace
from functools import partial, reduce
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from hardiness.benchmarks.shares import (
    BRIER_OF_ANSWER,
    CONDITION_METRICS,
    ECE,
    NLL,
    basis_of_loss,
    estimated_loss,
    loss,
    two_of_each,
)
from hardiness.core.codes import Lack
from hardiness.core.condition import Condition
from hardiness.core.fact import Fact
from hardiness.core.result import Metric, Score
from hardiness.core.table import RIGHT, ImageTable
from hardiness.statistics.calibration_intervals import Gaps, calibration_interval
from hardiness.statistics.confidence import BINNINGS, Binning, bin_of
from hardiness.statistics.estimate import Estimate
from hardiness.statistics.spreads.combined import TwoEnds

Floats = NDArray[np.float64]

Levels = Sequence[Sequence[int]]
"""Places of cells, by severity."""

Kind = tuple[Metric, str]
"""A metric, and its bins where it has any."""

MEANS = {
    ECE: Metric(
        "mean_ece",
        "mean ECE",
        higher_is_better=False,
        detail=True,
        outputs="confidences",
        explanation="the expected calibration error, over 15 bins of equal width or equal mass, of each corruption at "
        "each severity, then averaged.",
    ),
    BRIER_OF_ANSWER: Metric(
        "mean_brier_top1",
        "mean Brier score of the answer",
        higher_is_better=False,
        detail=True,
        outputs="confidences",
        explanation="the Brier score of the answer of each corruption at each severity, then averaged.",
    ),
    NLL: Metric(
        "mean_nll",
        "mean NLL",
        "nats",
        higher_is_better=False,
        detail=True,
        outputs="probabilities",
        explanation="the NLL of each corruption at each severity, then averaged.",
    ),
}
"""The metrics of means over corruptions and severities, by the metric of a cell."""

SHIFT_METRICS = (*CONDITION_METRICS, *MEANS.values())


class CellMean(NamedTuple):
    """A loss or a calibration error as a mean over cells.

    Attributes:
        estimate: of it, in which each image counts, 0 where it was not evaluated.
        cells: of how many.
        gaps: of a calibration error the bins of each cell; else empty.
    """

    estimate: Estimate
    cells: int = 1
    gaps: tuple[Gaps, ...] = ()


def _score(metric: Metric, mean: CellMean, condition: Condition, table: ImageTable, levels: Levels) -> Score:
    """The score of a mean: a loss has the interval of its estimate, a calibration error that of its bins.

    Args:
        metric, condition: of the score.
        mean: its value.
        table, levels: the cells that it is a mean over.
    """
    places = [place for level in levels for place in level]
    estimate, fewer = mean.estimate, fewer_of_each(table, places)
    if not mean.gaps:
        cell_loss = next(of for of in (BRIER_OF_ANSWER, NLL) if of.unit == metric.unit)

        def kinds() -> list[NDArray[np.int64]]:
            return [np.flatnonzero(np.any(table[RIGHT][:, places] == outcome, axis=1)) for outcome in (0, 1)]

        score = estimated_loss(metric, estimate, fewer, condition)
        return replace(score, basis=basis_of_loss(metric, partial(_loss_over, cell_loss, table, levels), kinds))
    lack = two_of_each(fewer)
    if not lack and estimate.variance == 0:  # each cell has a single image, as where conditions are drawn
        lack = Fact(Lack.NO_SPREAD)
    spread = None
    if not lack:
        ends = calibration_interval(Gaps.together(mean.gaps), 1, estimate.variance, fewer)
        spread = TwoEnds(estimate.value, ends.low, ends.high)
    return loss(metric, estimate.value, estimate.n, spread, condition, lack)


def shift_calibration(table: ImageTable, corruptions: Sequence[str], whole: bool) -> list[Score]:
    """Means over all cells of these corruptions, then by severity; severity 0 is the clean photographs.

    Each metric is that of a cell, then the mean over cells, so that each corruption weighs the same. Intervals are of
    images: linear in what each image adds to each bin, with the edges of bins taken as they are.

    Args:
        table: with confidence, and with ``nll`` where rows hold it.
        corruptions: whose cells count.
        whole: whether all of a set was run; the means of a part are called so.

    Source: Ovadia et al. (2019), arXiv:1906.02530.
    """
    if "confidence" not in table:
        return []
    places: dict[int, list[int]] = {}
    for place, cell in enumerate(table.present):
        if not cell or cell["corruption"] in corruptions:
            places.setdefault(int(cell["severity"]) if cell else 0, []).append(place)
    # One cell after another, so that a run of any number of cells is held as one.
    levels = {level: _together(means_of_cell(table, place) for place in own) for level, own in sorted(places.items())}
    overall = _together(of_level for level, of_level in levels.items() if level)
    corrupted = [own for level, own in sorted(places.items()) if level]
    means = [
        _score(MEANS[metric] if whole else MEANS[metric].partial, mean, _at(bins), table, corrupted)
        for (metric, bins), mean in overall.items()
    ]
    return means + [
        _score(metric, mean, _at(bins, severity=level), table, [places[level]])
        for level, of_level in levels.items()
        for (metric, bins), mean in of_level.items()
    ]


def calibration_of_cells(table: ImageTable) -> list[Score]:
    """ECE, the answer's Brier score and NLL of each cell, of which the mean over all cells that were run is given."""
    places = range(len(table.present)) if "confidence" in table else ()
    overall = _together(means_of_cell(table, place) for place in places)
    return [_score(metric, mean, _at(bins), table, [places]) for (metric, bins), mean in overall.items()]


def fewer_of_each(table: ImageTable, places: Sequence[int]) -> int:
    """Images with an error in some of these cells, or those with a right answer where they are fewer."""
    answers = table[RIGHT][:, list(places)]
    return min(int(np.any(answers == outcome, axis=1).sum()) for outcome in (0, 1))


def _at(bins: str, **more: int) -> Condition:
    return Condition(**({"protocol": bins} if bins else {}), **more)


def _together(parts: Iterable[Mapping[Kind, CellMean]]) -> Mapping[Kind, CellMean]:
    """The means of several, by metric, each weighing as many cells as it has; none where there is no part."""

    def both(one: CellMean, other: CellMean) -> CellMean:
        cells = one.cells + other.cells
        estimate = one.estimate * (one.cells / cells) + other.estimate * (other.cells / cells)
        return CellMean(estimate, cells, one.gaps + other.gaps)

    def joined(first: Mapping[Kind, CellMean], second: Mapping[Kind, CellMean]) -> Mapping[Kind, CellMean]:
        return {kind: both(first[kind], mean) if kind in first else mean for kind, mean in second.items()}

    return reduce(joined, parts, {})


def means_of_cell(table: ImageTable, place: int) -> dict[Kind, CellMean]:
    """Every metric of one cell of a table with confidence, by its place."""
    there, right, confidence, losses = _answers_of_cell(table, place)
    means: dict[Kind, CellMean] = {(ECE, bins): _ece(confidence, right, bins, there) for bins in BINNINGS}
    return means | {(of, ""): CellMean(_estimate(float(v.mean()), v - v.mean(), there)) for of, v in losses.items()}


def _answers_of_cell(
    table: ImageTable, place: int
) -> tuple[NDArray[np.bool_], NDArray[np.bool_], Floats, dict[Metric, Floats]]:
    """Which images of a table were evaluated in a cell, and of these whether each is right, confidence and losses."""
    answers = table[RIGHT][:, place]
    there = answers >= 0
    right = answers[there] == 1
    confidence = table["confidence"][:, place][there].astype(np.float64)
    losses = {BRIER_OF_ANSWER: (confidence - right) ** 2}
    if "nll" in table:
        losses[NLL] = table["nll"][:, place][there].astype(np.float64)
    return there, right, confidence, losses


def _loss_over(cell_loss: Metric, table: ImageTable, levels: Levels) -> Estimate:
    """The mean of a loss over cells, added up as `shift_calibration` adds; its ids are the images evaluated in one."""

    def of_cell(place: int) -> Mapping[Kind, CellMean]:
        there, _, _, losses = _answers_of_cell(table, place)
        values = losses[cell_loss]
        return {(cell_loss, ""): CellMean(_estimate(float(values.mean()), values - values.mean(), there))}

    both = _together(_together(map(of_cell, level)) for level in levels)
    estimate = both[cell_loss, ""].estimate
    places = [place for level in levels for place in level]
    there = np.any(table[RIGHT][:, places] >= 0, axis=1)
    if there.all():
        return replace(estimate, ids=table.ids)
    return Estimate(estimate.value, table.ids[there], estimate.influence[there] * (there.sum() / len(there)))


def _ece(confidence: Floats, right: NDArray[np.bool_], binning: Binning, there: NDArray[np.bool_]) -> CellMean:
    """The expected calibration error; an image adds its gap, signed as that of its bin."""
    gap, bins = confidence - right, bin_of(confidence, binning)
    sums = np.bincount(bins, weights=gap)
    value = float(np.abs(sums).sum() / len(gap))
    estimate = _estimate(value, np.sign(sums)[bins] * gap - value, there)
    return CellMean(estimate, gaps=(Gaps.from_answers(confidence, right, bins),))


def _estimate(value: float, apart: Floats, there: NDArray[np.bool_]) -> Estimate:
    """A mean over the images that are there, of all ``(N,)``, from how far each is above it."""
    influence = np.zeros(len(there))
    influence[there] = apart * (len(there) / len(apart))
    return Estimate(value, np.arange(len(there)), influence)


def condition_calibration(table: ImageTable, without: str = "") -> list[Score]:
    """ECE with bins of equal width and of equal mass, the answer's Brier score and NLL, condition by condition.

    Each is of the images that were evaluated under the condition; NLL is left out where rows do not hold it. Intervals
    are linear in what each image adds to each bin, as in `shift_calibration`.

    Args:
        table: with ``right`` and, unless rows lack it, ``confidence``.
        without: a key; conditions that have it are left out.
    """
    if "confidence" not in table:
        return []
    scores = []
    for place, condition in enumerate(table.present):
        if without in condition:
            continue
        there = table[RIGHT][:, place] >= 0
        scale = np.count_nonzero(there) / len(table)
        for (metric, bins), mean in means_of_cell(table, place).items():
            value, ids, influence = mean.estimate.value, mean.estimate.ids[there], mean.estimate.influence[there]
            own = mean._replace(estimate=Estimate(value, ids, influence * scale))
            cell = Condition(**condition, protocol=bins) if bins else condition
            scores.append(_score(metric, own, cell, table, [[place]]))
    return scores

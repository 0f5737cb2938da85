"""From what a metric returns to scores with intervals, and to functions of images by which runs are compared."""

from __future__ import annotations

import math
from collections.abc import Callable, Mapping
from dataclasses import dataclass, replace
from types import MappingProxyType
from typing import Any, NamedTuple

import numpy as np
from numpy.typing import NDArray

from hardiness.core.codes import Lack
from hardiness.core.condition import Condition
from hardiness.core.errors import ArgumentError
from hardiness.core.fact import Fact, too_few
from hardiness.core.result import Metric, Score
from hardiness.core.run import Run
from hardiness.core.spread import Spread
from hardiness.core.table import ImageTable
from hardiness.statistics.cells import CellMeans, means_of
from hardiness.statistics.clusters import EstimateBasis, basis_of_share
from hardiness.statistics.estimate import Estimate
from hardiness.statistics.measures import ImageScore, Measurable, WeightedSum
from hardiness.statistics.spreads.combined import cut
from hardiness.statistics.spreads.shares import ShareOfImages

FEWEST_DIFFERING = 2
"""Images that differ without which nothing is known of how much an estimate varies."""

CLEAN_CELLS = (Condition(), Condition(corruption="clean"))
"""The conditions under which nothing is done to a picture."""


class WeightedCells(NamedTuple):
    """A weighted sum of the means of cells: a share, a mean, a mean over corruptions, a gap between two conditions.

    A run may be stopped by it, may have each image in a few random cells, and shares of images get exact tests.

    Attributes:
        values: ``(N, M)``, or ``(N,)`` of one cell: a number of each image of the table, from 0, in each of these
            cells; NaN where it has none. Booleans count as 0 and 1.
        weights: of the means of the cells, by condition, in the order of the columns of ``values``.
        top: the largest that a value can be; ``None`` for the largest that the metric can be.
    """

    values: NDArray[Any]
    weights: Mapping[Condition, float]
    top: float | None = None


class OutcomeOfPart(NamedTuple):
    """An outcome that speaks of fewer images than it rests on, as the ratio of the error of some to that of all.

    Attributes:
        outcome: the estimate, or why it is undefined.
        n: the images that it speaks of.
    """

    outcome: Estimate | Fact
    n: int


Outcome = WeightedCells | Estimate | OutcomeOfPart | Fact
"""A metric under one condition: a sum of cell means, any other estimate, or why it is undefined.

The ids of an estimate are those of the table, ``scoring.table.ids``, or places among them.
"""

Outcomes = Mapping[Condition, Outcome]
"""Outcomes by condition; under ``Condition()`` stands the headline."""


class Scoring(NamedTuple):
    """The table, the run and the baseline that a metric is computed from.

    Attributes:
        table: of at least one image: ``right``, ``label``, and the columns that the metric asked for.
        run: what was evaluated: its model, benchmark, classes, categories and seed.
        whole: whether every condition is there that the benchmark's headline needs; else the metric's headline, too, is
            named ``…_partial``.
        baseline: what ratios divide by, in the form of the benchmark's card; ``None`` where there is nothing, or the
            metric does not divide.
        columns: what is known of the images beyond their labels, by name ``(N,)``, those that the metric asked for:
            object of str, numbers as well, with ``None`` in an empty cell.
    """

    table: ImageTable
    run: Run
    whole: bool = True
    baseline: Mapping[str, Any] | None = None
    columns: Mapping[str, NDArray[np.object_]] = MappingProxyType({})

    @property
    def clean(self) -> int | None:
        """The place of the clean pictures among the cells of the table; ``None`` where it has none."""
        return next((place for place, cell in enumerate(self.table.present) if cell in CLEAN_CELLS), None)

    def mean_of(self, values: NDArray[Any], *cells: Condition) -> WeightedCells:
        """The mean over cells of the mean over images; of a column of 0 and 1 a share.

        Args:
            values: ``(N, M)`` of the images and cells of the table, or ``(N,)`` where it has one cell; those of cells
                in which an image was not evaluated are left out.
            cells: which cells; by default all, but the clean one where there are others.
        """
        present = self.table.present
        columns = np.where(self.table.evaluated, np.asarray(values, np.float64).reshape(len(self.table), -1), np.nan)
        chosen = cells or tuple(cell for cell in present if cell not in CLEAN_CELLS) or present
        places = [present.index(cell) for cell in chosen]
        return WeightedCells(columns[:, places], dict.fromkeys(chosen, 1 / len(chosen)))

    def on_images(self, places: NDArray[np.int64]) -> Scoring:
        """The scoring of the images at these places alone."""
        table = self.table
        columns = {name: column[places] for name, column in table.columns.items()}
        return self._replace(
            table=replace(table, ids=table.ids[places], label=table.label[places], columns=columns, failures=()),
            columns={name: column[places] for name, column in self.columns.items()},
        )


def as_score(metric: Metric, condition: Condition, outcome: Outcome, scoring: Scoring) -> Score:
    """The score of an outcome, with its interval, or with the reason why it has none.

    Raises:
        ArgumentError: it is no such outcome, or its value is beyond what the metric can be.
    """
    images = len(scoring.table)
    if isinstance(outcome, OutcomeOfPart):
        return replace(as_score(metric, condition, outcome.outcome, scoring), n=outcome.n)
    if isinstance(outcome, Fact):
        return metric.score(None, images, condition=condition, lack=outcome)
    if isinstance(outcome, WeightedCells):
        score = _score_of_cells(metric, condition, outcome, scoring)
    else:
        score = _score_of_estimate(metric, condition, _required_estimate(outcome, condition))
    low, high = metric.range
    if score.value is not None and not low - 1e-9 <= score.value <= high + 1e-9:
        raise ArgumentError(
            f"its value for {_name(condition)} must be from {low:g} to {high:g}, was {score.value:g}; say what it can "
            "be by range=, and by unit= where it is no fraction"
        )
    return replace(score, attacked=True) if _is_under_attack(outcome, scoring) else score


def _is_under_attack(outcome: Outcome, scoring: Scoring) -> bool:
    """Whether an outcome is of pictures that an attack made, or may be: of what is no sum of cells nobody can tell."""
    if not scoring.run.attack:
        return False
    if isinstance(outcome, WeightedCells):
        return any(weight for cell, weight in outcome.weights.items() if cell not in CLEAN_CELLS)
    return True


def as_measurable(
    metric: Metric,
    condition: Condition,
    outcome: Outcome,
    scoring: Scoring,
    evaluate: Callable[[Scoring], Outcomes],
    compared: bool = True,
) -> Measurable | None:
    """The outcome as a function of which images count; ``None`` where it is undefined.

    Args:
        metric, condition: which score.
        outcome: of all images of the table.
        scoring: of these.
        evaluate: the metric's function, from a `Scoring` to outcomes.
        compared: as `Measurable.compared`.
    """
    if isinstance(outcome, OutcomeOfPart):
        outcome = outcome.outcome
    if isinstance(outcome, Fact):
        return None
    if isinstance(outcome, WeightedCells):
        values, weights, top = as_cells(metric, condition, outcome, scoring)
        return WeightedSum(metric.name, values, weights, condition, metric.higher_is_better, top, compared)
    chosen = _OfChosenImages(condition, scoring, evaluate)
    return ImageScore(metric.name, metric.higher_is_better, chosen.estimate, chosen.lacks, condition, compared=compared)


@dataclass
class _OfChosenImages:
    """An estimate of a metric on chosen images, the last of which are remembered."""

    condition: Condition
    scoring: Scoring
    evaluate: Callable[[Scoring], Outcomes]
    last: tuple[NDArray[np.int64], Outcome] | None = None

    def outcome(self, places: NDArray[np.int64]) -> Outcome:
        """The metric's outcome for the images at these places."""
        if self.last is None or not np.array_equal(self.last[0], places):
            outcomes = self.evaluate(self.scoring.on_images(places)) if len(places) else {}
            outcome: Outcome = outcomes.get(self.condition, Fact(Lack.UNDEFINED))
            self.last = places, outcome.outcome if isinstance(outcome, OutcomeOfPart) else outcome
        return self.last[1]

    def estimate(self, places: NDArray[np.int64]) -> Estimate:
        """The estimate, whose ids are places; NaN where it is undefined."""
        outcome = self.outcome(places)
        if not isinstance(outcome, Estimate):
            return Estimate(math.nan, places, np.zeros(len(places)))
        ids = np.asarray(outcome.ids)
        own = ids if ids.dtype.kind in "iu" else np.searchsorted(self.scoring.table.ids[places], ids)
        return replace(outcome, ids=places[own])

    def lacks(self, places: NDArray[np.int64]) -> Fact | None:
        """Why there is no estimate, or none with an interval; ``None`` where there is one."""
        outcome = self.outcome(places)
        if not isinstance(outcome, Estimate):
            return outcome if isinstance(outcome, Fact) else Fact(Lack.UNDEFINED)
        if math.isnan(outcome.value):
            return Fact(Lack.UNDEFINED)
        return _too_alike(outcome)


def _required_estimate(outcome: Any, condition: Condition) -> Estimate:
    """The outcome, which is no other kind of one.

    Raises:
        ArgumentError: it is no estimate either.
    """
    if not isinstance(outcome, Estimate):
        kinds = "WeightedCells, an Estimate, or a Fact or a text that says why there is none"
        raise ArgumentError(f"what it gives for {_name(condition)} must be {kinds}, was {type(outcome).__name__}")
    return outcome


def _score_of_cells(metric: Metric, condition: Condition, outcome: WeightedCells, scoring: Scoring) -> Score:
    values, weights, top = as_cells(metric, condition, outcome, scoring)
    has_value = ~np.isnan(values)
    n = np.count_nonzero(has_value, axis=0)
    if not len(n) or not n[weights != 0].all():
        lack = Fact(Lack.EMPTY_CONDITION) if n.any() else Fact(Lack.NOT_EVALUATED, {"what": "image"})
        return metric.score(None, int(n.max(initial=0)), condition=condition, lack=lack)
    whole = WeightedSum(metric.name, values, weights, condition)
    if whole.is_share:
        hits = int(np.count_nonzero(values[has_value[:, 0], 0]))
        basis = basis_of_share(scoring.table.ids, values[:, 0])
        return metric.score(hits / int(n[0]), int(n[0]), ShareOfImages(hits, int(n[0])), condition, basis=basis)
    is_evaluated = has_value.any(axis=1)
    cells = CellMeans(
        tuple(outcome.weights), means_of(values), n, values[is_evaluated], top, scoring.table.ids[is_evaluated]
    )
    if not math.isfinite(top):
        estimate = whole.estimate(np.arange(len(values)))
        return _score_of_estimate(metric, condition, estimate)
    return cells.score(metric, outcome.weights, condition)


def as_cells(
    metric: Metric, condition: Condition, outcome: WeightedCells, scoring: Scoring
) -> tuple[NDArray[np.float64], NDArray[np.float64], float]:
    """Values ``(N, M)``, weights ``(M,)`` and the largest value of weighted cells.

    Raises:
        ArgumentError: the values are not of the images and cells.
    """
    values = np.asarray(outcome.values, np.float64)
    values = values.reshape(len(values), -1)
    images = len(scoring.table)
    if values.shape != (images, len(outcome.weights)):
        raise ArgumentError(
            f"the values for {_name(condition)} must be of {images:,} images and {len(outcome.weights)} cells, were "
            f"{values.shape[0]:,} and {values.shape[1]}"
        )
    top = metric.range[1] if outcome.top is None else outcome.top
    numbers = values[~np.isnan(values)]
    least, most = float(numbers.min(initial=0.0)), float(numbers.max(initial=0.0))
    if not (least >= 0 and most <= top + 1e-9):
        raise ArgumentError(
            f"the values for {_name(condition)} must be from 0 to {top:g}, were {least:g} to {most:g}; say the largest "
            "by range=, or return an Estimate"
        )
    return values, np.array(list(outcome.weights.values()), np.float64), top


def _score_of_estimate(metric: Metric, condition: Condition, estimate: Estimate) -> Score:
    if math.isnan(estimate.value):
        return metric.score(None, estimate.n, condition=condition, lack=Fact(Lack.UNDEFINED))
    low, high = metric.range
    is_bounded = math.isfinite(low) and math.isfinite(high)
    lack = None if is_bounded and low == 0 else _too_alike(estimate)
    spread: Spread | None = None
    if not lack:
        own = estimate.spread(low, high, signed=low < 0) if is_bounded else estimate.spread()
        spread = cut(own, low, high)
    bounds = (low, high) if is_bounded else (-math.inf, math.inf)
    basis = EstimateBasis(lambda: estimate, *bounds, signed=is_bounded and low < 0, ends=(low, high))
    return metric.score(estimate.value, estimate.n, spread, condition, lack=lack, basis=basis)


def _too_alike(estimate: Estimate) -> Fact | None:
    if estimate.differing >= FEWEST_DIFFERING:
        return None
    return too_few((FEWEST_DIFFERING, "images that differ"), had=(estimate.differing,))


def _name(condition: Condition) -> str:
    return str(condition) or "the headline"

"""Scores of one run as functions of chosen images: what several runs can be compared by."""

from __future__ import annotations

import math
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from typing import Protocol

import numpy as np
from numpy.typing import NDArray

from hardiness.core.codes import Lack
from hardiness.core.condition import Condition
from hardiness.core.errors import ArgumentError
from hardiness.core.fact import Fact, too_few
from hardiness.core.result import Metric
from hardiness.core.spread import Spread
from hardiness.statistics.calibration_intervals import Gaps, calibration_interval
from hardiness.statistics.cells import FEWEST_PER_CELL
from hardiness.statistics.confidence import (
    BIN_SIZE,
    MINIMUM,
    CalibrationProtocol,
    ascending,
    aurra,
    bin_of_hundred,
    rms_calibration_error,
)
from hardiness.statistics.estimate import Estimate, mean
from hardiness.statistics.selective import selective_prediction
from hardiness.statistics.spreads.combined import TwoEnds, cut

FEWEST_OF_EACH = 10
"""Errors, and right answers, of either model, below which no score that sorts or divides has an interval."""

Places = NDArray[np.int64]
"""Sorted places of some of a table's images, ``(n,)``."""


class Measurable(Protocol):
    """One score of one run, as a function of which of its images count."""

    @property
    def metric(self) -> str:
        """The name of the `Score` that the card gives."""

    @property
    def condition(self) -> Condition:
        """The condition of that `Score`."""

    @property
    def higher_is_better(self) -> bool:
        """Whether more of it is better."""

    @property
    def span(self) -> float:
        """The most that two answers to one image can put two models apart; infinite where nothing bounds it."""

    @property
    def compared(self) -> bool:
        """Whether models are compared by it, not merely stopped: a table adjusts its differences for each score."""

    def estimate(self, places: Places) -> Estimate:
        """The score of the images at these sorted places, which are its ids; its value is NaN where it has none."""

    def lacks(self, places: Places) -> Fact | None:
        """Why these images are too few for the score or its interval; ``None`` where they are not."""


@dataclass(frozen=True)
class WeightedSum:
    """A score that is a weighted sum of column means: errors, mCE, flip rates, accuracies under attack, gaps.

    Attributes:
        metric, condition: which score.
        values: ``(N, M)``, one row an image of the table; NaN where an image was not evaluated.
        weights: float64 ``(M,)``: the score is the sum of cell means times these.
        higher_is_better: its direction.
        top: the largest that a value can be; the smallest is 0.
        compared: as `Measurable.compared`.
    """

    metric: str
    values: NDArray[np.generic]
    weights: NDArray[np.float64]
    condition: Condition = field(default_factory=Condition)
    higher_is_better: bool = True
    top: float = 1.0
    compared: bool = True

    @property
    def is_defined(self) -> bool:
        """Whether every cell that counts has an image."""
        return not np.isnan(self.weighty).all(axis=0).any()

    @property
    def is_share(self) -> bool:
        """Whether it is the share of images that count, one value of 0 or 1 an image."""
        if self.values.shape[1] != 1 or self.weights[0] != 1:
            return False
        evaluated = self.values[~np.isnan(self.values)]
        return bool(np.all((evaluated == 0) | (evaluated == 1)))

    @property
    def weighty(self) -> NDArray[np.float64]:
        """The values of the cells whose weight is not 0, ``(N, M')``."""
        return np.asarray(self.values[:, self.weights != 0], np.float64)

    def by_image(self) -> NDArray[np.float64]:
        """Each image's own sum, float64 ``(N,)``; NaN where it lacks a cell that counts."""
        return np.asarray(self.weighty @ self.weights[self.weights != 0])

    @property
    def span(self) -> float:
        """The sum of the weights' sizes times the largest value; infinite where images lack cells."""
        return math.inf if np.isnan(self.weighty).any() else float(np.abs(self.weights).sum() * self.top)

    def estimate(self, places: Places) -> Estimate:
        """The score of some images."""
        if self._fewest(places):
            return mean(places, self.values[places], self.weights)
        return Estimate(math.nan, places, np.zeros(len(places)))

    def lacks(self, places: Places) -> Fact | None:
        """The fact that a cell has too few of the images, where not all of them have every cell; else ``None``."""
        fewest = self._fewest(places)
        if fewest >= min(FEWEST_PER_CELL, len(places)):
            return None
        return Fact(Lack.THIN_CELL, {"had": fewest, "needed": FEWEST_PER_CELL})

    def _fewest(self, places: Places) -> int:
        values = self.values[places][:, self.weights != 0]
        return int(np.count_nonzero(~np.isnan(values), axis=0).min(initial=len(places)))


@dataclass(frozen=True)
class ImageScore:
    """A score that sorts the images, or divides: calibration, AURRA, shape bias.

    Attributes:
        metric, higher_is_better, condition, span, compared: which score, its direction, and as in `Measurable`.
        estimate: from sorted places to the score of these images.
        lacks: as `Measurable.lacks`.
        spread: from sorted places to how well these images' score is known, where that is not by how much the estimate
            varies; asked only where nothing lacks.
    """

    metric: str
    higher_is_better: bool
    estimate: Callable[[Places], Estimate]
    lacks: Callable[[Places], Fact | None]
    condition: Condition = field(default_factory=Condition)
    span: float = math.inf
    compared: bool = True
    spread: Callable[[Places], Spread] | None = None


def weighted_sum(
    metric: Metric,
    values: NDArray[np.generic],
    weights: NDArray[np.float64],
    condition: Condition | None = None,
    top: float = 1.0,
    compared: bool = True,
) -> WeightedSum:
    """The sum of cell means times weights, as a score of a metric; see `WeightedSum`."""
    return WeightedSum(metric.name, values, weights, condition or Condition(), metric.higher_is_better, top, compared)


def share(
    metric: Metric, counts: NDArray[np.generic], condition: Condition | None = None, compared: bool = True
) -> WeightedSum:
    """The share of images that count ``(N,)``, NaN for one that was not evaluated; two of them are compared exactly."""
    return weighted_sum(metric, counts[:, None], np.ones(1), condition, compared=compared)


def corruption_weights(
    corruptions: Sequence[str], severities: Sequence[int], baseline: Mapping[str, Sequence[float]]
) -> NDArray[np.float64]:
    """The weight of each cell's error in the mCE, ``(M,)``: one over (corruptions times the baseline's summed error).

    Args:
        corruptions, severities: of each cell.
        baseline: the baseline's errors by corruption, mildest severity first.

    Raises:
        ArgumentError: the baseline lacks a corruption, or has no error there.

    Source: Hendrycks & Dietterich (2019), arXiv:1903.12261, section 4.2.
    """
    divisors = dict.fromkeys(corruptions, 0.0)
    for name, severity in zip(corruptions, severities, strict=True):
        if name not in baseline:
            raise ArgumentError(f"the baseline must have an error for every corruption, lacks {name}")
        divisors[name] += baseline[name][severity - 1]
    for name, divisor in divisors.items():
        if not divisor > 0:
            raise ArgumentError(f"the baseline must have an error above 0 under {name}, had {divisor}")
    return np.array([1 / (len(divisors) * divisors[name]) for name in corruptions])


def relative_corruption_weights(
    corruptions: Sequence[str],
    severities: Sequence[int],
    clean: float,
    baseline: Mapping[str, Sequence[float]],
) -> NDArray[np.float64]:
    """The weights of each cell's error in the relative mCE and, last, of the clean error, ``(M + 1,)``.

    The relative mCE is how much corruption adds to the clean error, over what it adds to the baseline's.

    Args:
        corruptions, severities: of each cell.
        clean, baseline: the baseline's clean error, and its errors by corruption.

    Source: Hendrycks & Dietterich (2019), arXiv:1903.12261, section 4.2.
    """
    above = {name: [error - clean for error in errors] for name, errors in baseline.items()}
    weights = corruption_weights(corruptions, severities, above)
    return np.append(weights, -weights.sum())


def shape_bias(
    metric: Metric, by_shape: NDArray[np.bool_], by_texture: NDArray[np.bool_], condition: Condition
) -> ImageScore:
    """The share of answers naming the shape, among those that name one of the two cues.

    Args:
        metric: which score.
        by_shape, by_texture: ``(N,)`` whether each stimulus was answered by that cue.
        condition: of the score.

    Source: Geirhos et al. (2019), arXiv:1811.12231.
    """

    def estimate(at: Places) -> Estimate:
        shape, texture = mean(at, by_shape[at]), mean(at, by_texture[at])
        return shape / (shape + texture)

    def lacks(at: Places) -> Fact | None:
        if not np.any(by_shape[at] | by_texture[at]):
            return Fact(Lack.NO_CUE, {"stimuli": len(at)})
        return _why_few(int(by_shape[at].sum()), int(by_texture[at].sum()), "answers by shape", "by texture")

    return ImageScore(metric.name, metric.higher_is_better, estimate, lacks, condition)


def calibration_measure(
    metric: Metric,
    confidence: NDArray[np.floating],
    right: NDArray[np.bool_],
    protocol: CalibrationProtocol = "hendrycks2019",
) -> ImageScore:
    """The RMS calibration error; see `hardiness.statistics.confidence.rms_calibration_error`.

    An image moves the gap of its bin, and the edges of bins.
    """
    last = protocol == "hendrycks2019"

    def estimate(at: Places) -> Estimate:
        if len(at) < MINIMUM[protocol]:
            return Estimate(math.nan, at, np.zeros(len(at)))
        value = rms_calibration_error(confidence[at], right[at], protocol)
        pull = calibration_pull(confidence[at], right[at], without_last=last)
        return Estimate(value, at, pull / (2 * value) if value > 0 else np.zeros(len(at)))

    def lacks(at: Places) -> Fact | None:
        if len(at) < MINIMUM[protocol]:
            return too_few((MINIMUM[protocol], "images"), had=(len(at),))
        order = np.argsort(confidence[at], kind="stable")
        counted = right[at][order][: len(at) // BIN_SIZE * BIN_SIZE - BIN_SIZE] if last else right[at]
        return _why_few(int(np.sum(~counted)), int(counted.sum()), "errors", "right answers")

    def spread(at: Places) -> Spread:
        bins = bin_of_hundred(confidence[at])
        count = int(bins.max()) if last else int(bins.max()) + 1
        counted = right[at][bins < count]
        gaps = Gaps.from_answers(confidence[at], right[at], bins).counted(slice(None, count))
        ends = calibration_interval(gaps, 2, fewer=int(min(counted.sum(), np.sum(~counted))))
        return cut(TwoEnds(rms_calibration_error(confidence[at], right[at], protocol), ends.low, ends.high))

    condition = Condition(protocol=protocol)
    return ImageScore(metric.name, metric.higher_is_better, estimate, lacks, condition, spread=spread)


def calibration_pull(
    confidence: NDArray[np.floating], right: NDArray[np.bool_], without_last: bool = False
) -> NDArray[np.float64]:
    """The influence of each image ``(N,)`` on the mean squared gap over bins of 100; of at least 100 images.

    An image moves the gap of its own bin, and the edges of all bins above it, where images pass from one to the next:
    as they have the gap of the images about an edge, this counts where the two bins' gaps differ.

    Source: Stigler (1973), doi:10.1214/aos/1176342412, for means of what lies between two quantiles.
    """
    bins, gap = bin_of_hundred(confidence), confidence.astype(np.float64) - right
    sizes = np.bincount(bins)
    slopes = 2 * np.bincount(bins, gap) / sizes
    if without_last:
        slopes[-1] = 0.0
    order = ascending(confidence)
    edges = np.cumsum(sizes)[:-1]
    sums = np.append(0.0, np.cumsum(gap[order]))
    near = (sums[edges + BIN_SIZE // 2] - sums[edges - BIN_SIZE // 2]) / BIN_SIZE
    # An image below an edge pushes those about it into the next bin.
    passing = np.append((slopes[1:] - slopes[:-1]) * near, 0.0)
    pull = slopes[bins] * gap + np.cumsum(passing[::-1])[::-1][bins]
    return np.asarray(pull - pull.mean())


def area_under_response(metric: Metric, confidence: NDArray[np.floating], right: NDArray[np.bool_]) -> ImageScore:
    """AURRA; see `hardiness.statistics.confidence.aurra`."""

    def estimate(at: Places) -> Estimate:
        errors = selective_prediction(at, confidence[at], right[at])["aurc"]
        return replace(1 - errors, value=aurra(confidence[at], right[at]))

    def lacks(at: Places) -> Fact | None:
        return _why_few(int(np.sum(~right[at])), int(right[at].sum()), "errors", "right answers")

    return ImageScore(metric.name, metric.higher_is_better, estimate, lacks)


def _why_few(first: int, second: int, name: str, other: str) -> Fact | None:
    if min(first, second) >= FEWEST_OF_EACH:
        return None
    return too_few((FEWEST_OF_EACH, name), (FEWEST_OF_EACH, other), had=(first, second))


def mean_of(
    metric: Metric,
    values: NDArray[np.generic],
    columns: NDArray[np.bool_] | None = None,
    top: float = 1.0,
    compared: bool = True,
) -> WeightedSum:
    """The mean over some cells, each weighing the same.

    Args:
        metric: which score.
        values: ``(N, M)``; NaN where an image was not evaluated.
        columns: ``(M,)`` which cells, at least one; by default all.
        top: the largest that a value can be.
        compared: as `Measurable.compared`.
    """
    is_chosen = np.ones(values.shape[1], bool) if columns is None else columns
    return weighted_sum(metric, values, is_chosen / np.count_nonzero(is_chosen), top=top, compared=compared)

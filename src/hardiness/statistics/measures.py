"""Scores of one run as functions of chosen images: what several runs can be compared by."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Protocol

import numpy as np
from numpy.typing import NDArray

from hardiness.core import ArgumentError, Condition
from hardiness.statistics.calibration import BIN_SIZE, MINIMUM, CalibrationProtocol, aurra, rms_calibration_error
from hardiness.statistics.intervals import Resamples

FEWEST_OF_EACH = 10
"""Errors, and right answers, of either model, below which no bootstrap of a score that sorts or divides is trusted."""


class Measure(Protocol):
    """A score of one model on some images, and the same of each resample of them."""

    @property
    def n(self) -> int:
        """Images."""

    @property
    def undefined(self) -> str:
        """Why there is no such score; empty where there is one."""

    @property
    def thin(self) -> str:
        """Why a bootstrap of it says too little, so that it has no interval; empty where it does not."""

    def draws(self, resamples: Resamples) -> NDArray[np.float64]:
        """``float64 (1 + R,)``: the score, then that of each resample."""

    def by_image(self) -> NDArray[np.float64] | None:
        """``(N,)`` what each image adds to the score, which is their mean up to a constant; ``None`` if it has none."""

    @property
    def span(self) -> float:
        """The most that two answers to one image can differ in `by_image`."""


@dataclass(frozen=True)
class OfMeans:
    """A score made of column means over images: errors, mCE, flip rates, accuracies under attack, shape bias.

    Attributes:
        values: ``(N, M)``; NaN where an image has no value.
        combine: from means ``(…, M)`` to the score ``(…,)``; see ``linear``.
        top: the largest that a value can be; the smallest is 0.
        linear: whether ``combine`` is a weighted sum and a constant.
        undefined, thin: as in `Measure`.
        shares: whether it is the share of images that count, one bool an image.
    """

    values: NDArray[np.generic]
    combine: Callable[[NDArray[np.float64]], NDArray[np.float64]]
    top: float = 1.0
    linear: bool = True
    undefined: str = ""
    thin: str = ""
    shares: bool = False

    @property
    def n(self) -> int:
        """Images."""
        return len(self.values)

    def draws(self, resamples: Resamples) -> NDArray[np.float64]:
        """``float64 (1 + R,)``."""
        return np.asarray(self.combine(resamples.means(self.values)))

    def by_image(self) -> NDArray[np.float64] | None:
        """``(N,)``, where the score is linear and every image has every value."""
        values = self.values.astype(np.float64)
        return np.asarray(self.combine(values)) if self.linear and not np.isnan(values).any() else None

    @property
    def span(self) -> float:
        """The sum of the weights' sizes times the largest value."""
        columns = self.values.shape[1]
        weights = self.combine(np.eye(columns)) - self.combine(np.zeros((1, columns)))
        return float(np.abs(weights).sum() * self.top)


@dataclass(frozen=True)
class OfImages:
    """A score that sorts the images, as calibration and AURRA do.

    Attributes:
        order: ``int64 (N,)`` places of all images as the statistic sorts them, so that it finds them sorted already.
        statistic: takes ``int64`` places of images, in that order, with repeats.
        undefined, thin: as in `Measure`.
    """

    order: NDArray[np.int64]
    statistic: Callable[[NDArray[np.int64]], float]
    undefined: str = ""
    thin: str = ""

    @property
    def n(self) -> int:
        """Images."""
        return len(self.order)

    def draws(self, resamples: Resamples) -> NDArray[np.float64]:
        """``float64 (1 + R,)``."""
        return resamples.of_images(self.statistic, self.order)

    def by_image(self) -> None:
        """No image has a share of its own."""
        return

    @property
    def span(self) -> float:
        """Unknown: never asked for, as `by_image` is not there."""
        return float("nan")


def share(counts: NDArray[np.bool_]) -> OfMeans:
    """The share of images that count, e.g. accuracy; two of them are compared exactly.

    Args:
        counts: ``(N,)``.
    """
    return OfMeans(counts[:, None], lambda means: np.asarray(means[..., 0]), shares=True)


def mean(values: NDArray[np.generic], top: float = 1.0) -> OfMeans:
    """The mean of one value an image, or of several cells an image, each cell weighing the same.

    Args:
        values: ``(N,)`` or ``(N, M)``, e.g. whether each answer is wrong; NaN where there is none.
        top: the largest that a value can be.
    """
    table = values.reshape(len(values), -1)
    return OfMeans(table, lambda means: np.asarray(means.mean(axis=-1)), top)


def weighted(values: NDArray[np.generic], weights: NDArray[np.float64], top: float = 1.0) -> OfMeans:
    """The weighted sum of column means: mCE by `corruption_weights`, mFR by one over ten times the baseline's flips.

    Args:
        values: ``(N, M)``; NaN where an image has no value.
        weights: ``(M,)``.
        top: the largest that a value can be.
    """
    return OfMeans(values, lambda means: np.asarray(means @ weights), top)


def gap(before: NDArray[np.bool_], after: NDArray[np.bool_]) -> OfMeans:
    """The share of images that count after, less that before.

    Args:
        before, after: ``(N,)``.
    """
    return OfMeans(np.column_stack([before, after]), lambda means: np.asarray(means[..., 1] - means[..., 0]))


def corruption_weights(
    corruptions: Sequence[str], severities: Sequence[int], baseline: Mapping[str, Sequence[float]]
) -> NDArray[np.float64]:
    """What each cell's error weighs in the mCE, ``(M,)``: one over (corruptions times the baseline's summed error).

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


def relative_corruption(
    wrong: NDArray[np.generic],
    clean_wrong: NDArray[np.generic],
    cells: tuple[Sequence[str], Sequence[int]],
    baseline: tuple[float, Mapping[str, Sequence[float]]],
) -> OfMeans:
    """The relative mCE: how much corruption adds to the clean error, over what it adds to the baseline's.

    Args:
        wrong: ``(N, M)`` whether each answer is wrong.
        clean_wrong: ``(N,)`` the same without corruption.
        cells: corruption and severity of each of the M cells.
        baseline: its clean error, and its errors by corruption.

    Source: Hendrycks & Dietterich (2019), arXiv:1903.12261, section 4.2.
    """
    clean, by_corruption = baseline
    above = {name: [error - clean for error in errors] for name, errors in by_corruption.items()}
    weights = corruption_weights(*cells, above)
    table = np.column_stack([wrong, clean_wrong])
    return weighted(table, np.append(weights, -weights.sum()))


def shape_bias(by_shape: NDArray[np.bool_], by_texture: NDArray[np.bool_]) -> OfMeans:
    """Of the answers that name a cue, the share that names the shape.

    Args:
        by_shape, by_texture: ``(N,)`` whether each stimulus was answered by that cue.

    Source: Geirhos et al. (2019), arXiv:1811.12231.
    """

    def combine(means: NDArray[np.float64]) -> NDArray[np.float64]:
        named = means.sum(axis=-1)
        return np.where(named > 0, means[..., 0] / np.where(named > 0, named, 1), np.nan)

    none = "" if bool(np.any(by_shape | by_texture)) else "no answer names a cue"
    thin = _thin(int(by_shape.sum()), int(by_texture.sum()), "answers by shape", "by texture")
    return OfMeans(np.column_stack([by_shape, by_texture]), combine, linear=False, undefined=none, thin=thin)


def calibration_measure(
    confidence: NDArray[np.floating], right: NDArray[np.bool_], protocol: CalibrationProtocol = "hendrycks2019"
) -> OfImages:
    """The RMS calibration error; see `hardiness.statistics.calibration.rms_calibration_error`."""
    few = f"{protocol} calibration needs {MINIMUM[protocol]} images, had {len(right)}"
    order = np.argsort(confidence, kind="stable")
    counted = right[order][: len(right) // BIN_SIZE * BIN_SIZE - BIN_SIZE] if protocol == "hendrycks2019" else right
    return OfImages(
        order,
        lambda places: rms_calibration_error(confidence[places], right[places], protocol),
        few if len(right) < MINIMUM[protocol] else "",
        _thin(int(np.sum(~counted)), int(counted.sum()), "errors", "right answers"),
    )


def area_under_response(confidence: NDArray[np.floating], right: NDArray[np.bool_]) -> OfImages:
    """AURRA; see `hardiness.statistics.calibration.aurra`."""
    order = np.argsort(-confidence, kind="stable")
    thin = _thin(int(np.sum(~right)), int(right.sum()), "errors", "right answers")
    return OfImages(order, lambda places: aurra(confidence[places], right[places]), thin=thin)


def _thin(first: int, second: int, name: str, other: str) -> str:
    if min(first, second) >= FEWEST_OF_EACH:
        return ""
    return f"a bootstrap needs {FEWEST_OF_EACH} {name} and {FEWEST_OF_EACH} {other}, had {first} and {second}"


Places = NDArray[np.int64]


@dataclass(frozen=True)
class Measurable:
    """One score of one run.

    Attributes:
        metric, condition: which; those of the `Score` that the card gives.
        higher_is_better: its direction.
        of: from places among the run's images to the score of those.
    """

    metric: str
    condition: Condition
    higher_is_better: bool
    of: Callable[[Places], Measure]


@dataclass(frozen=True)
class WeightedSum:
    """One score of a run by image and cell.

    Attributes:
        metric, condition: which score.
        values: float64 ``(N, M)``, one row an image of the table; NaN where an image was not evaluated.
        weights: float64 ``(M,)``: the score is the sum of cell means times these.
        higher_is_better: its direction.
    """

    metric: str
    values: NDArray[np.float64]
    weights: NDArray[np.float64]
    condition: Condition = field(default_factory=Condition)
    higher_is_better: bool = True

    @property
    def is_share(self) -> bool:
        """Whether it is the share of images that count, one value of 0 or 1 an image."""
        if self.values.shape[1] != 1 or self.weights[0] != 1:
            return False
        seen = self.values[~np.isnan(self.values)]
        return bool(np.all((seen == 0) | (seen == 1)))

    @property
    def weighty(self) -> NDArray[np.float64]:
        """The values of the cells whose weight is not 0, ``(N, M')``."""
        return np.asarray(self.values[:, self.weights != 0])

    def by_image(self) -> NDArray[np.float64]:
        """Each image's own sum, float64 ``(N,)``; NaN where it lacks a cell that counts."""
        return np.asarray(self.weighty @ self.weights[self.weights != 0])


def mean_of(
    metric: str, values: NDArray[np.float64], columns: NDArray[np.bool_], higher_is_better: bool = True
) -> WeightedSum:
    """The mean over some cells, each weighing the same.

    Args:
        metric, higher_is_better: which score, and its direction.
        values: float64 ``(N, M)``.
        columns: ``(M,)`` which cells; at least one.
    """
    weights = columns / np.count_nonzero(columns)
    return WeightedSum(metric, values, weights, higher_is_better=higher_is_better)

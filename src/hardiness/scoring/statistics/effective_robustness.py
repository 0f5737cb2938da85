"""Accuracy under a shift beyond what accuracy without it foretells."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass
from statistics import NormalDist

import numpy as np
from numpy.typing import NDArray

from hardiness.core import ArgumentError, Interval
from hardiness.reference import Published, published_series

FEWEST_MODELS = 3
"""Reference models below which a line has no error of its own."""


@dataclass(frozen=True, slots=True)
class Point:
    """A model's accuracy without and with the shift, and on how many images each was measured."""

    model: str
    clean: float
    shifted: float
    n_clean: int
    n_shifted: int


@dataclass(frozen=True, slots=True)
class EffectiveRobustness:
    """How far a model's shifted accuracy is above the line of the reference models.

    Attributes:
        model: which.
        value: shifted accuracy minus the line's, fraction of 1.
        interval: 95 %, of the line and of the model's own two accuracies together.
        expected: what the line foretells from the model's clean accuracy.
        line: 95 % interval of that alone.
        outside: whether the clean accuracy lies beyond those of the reference models, so that the line is continued.
    """

    model: str
    value: float
    interval: Interval
    expected: float
    line: Interval
    outside: bool


@dataclass(frozen=True)
class FittedLine:
    """A least-squares line through reference models, logit of shifted accuracy over logit of clean accuracy.

    Attributes:
        models: the reference models.
        intercept, slope: on the logit scale.
        residual: standard deviation of the reference models about the line, on the logit scale.
        covariance: of intercept and slope, ``(2, 2)``.
        clean: lowest and highest clean accuracy among them.
    """

    models: tuple[str, ...]
    intercept: float
    slope: float
    residual: float
    covariance: NDArray[np.float64]
    clean: Interval

    def effective_robustness(self, point: Point) -> EffectiveRobustness:
        """How far one model is above the line, with the interval of the line and of the model together.

        Source: Taori et al. (2020), arXiv:2007.00644, section 2. The interval is the delta method's.
        """
        from scipy.special import stdtrit

        x, y = _logit(point.clean, point.n_clean), _logit(point.shifted, point.n_shifted)
        expected = self.intercept + self.slope * x
        row = np.array([1.0, x])
        of_line = math.sqrt(float(row @ self.covariance @ row))
        t = float(stdtrit(len(self.models) - 2, 0.975))
        slant = _share(expected) * (1 - _share(expected))
        own = math.hypot(
            math.sqrt(point.shifted * (1 - point.shifted) / point.n_shifted),
            self.slope * slant * _error(point.clean, point.n_clean),
        )
        half = math.hypot(t * of_line * slant, NormalDist().inv_cdf(0.975) * own)
        value = point.shifted - _share(expected) if 0 < point.shifted < 1 else _share(y) - _share(expected)
        return EffectiveRobustness(
            model=point.model,
            value=value,
            interval=Interval(value - half, value + half),
            expected=_share(expected),
            line=Interval(_share(expected - t * of_line), _share(expected + t * of_line)),
            outside=not self.clean.low <= point.clean <= self.clean.high,
        )


def fit(points: Sequence[Point]) -> FittedLine:
    """The line through reference models.

    Raises:
        ArgumentError: there are fewer than three, or all have one clean accuracy.

    Source: Taori et al. (2020), arXiv:2007.00644; Miller et al. (2021), arXiv:2107.04649, for the scale.
    """
    if len(points) < FEWEST_MODELS:
        raise ArgumentError(f"effective robustness needs {FEWEST_MODELS} reference models, had {len(points)}")
    x = np.array([_logit(point.clean, point.n_clean) for point in points])
    y = np.array([_logit(point.shifted, point.n_shifted) for point in points])
    spread = float(np.sum((x - x.mean()) ** 2))
    if not spread > 0:
        raise ArgumentError(f"effective robustness needs reference models of unequal clean accuracy, all had {x[0]:g}")
    slope = float(np.sum((x - x.mean()) * (y - y.mean())) / spread)
    intercept = float(y.mean() - slope * x.mean())
    variance = float(np.sum((y - intercept - slope * x) ** 2)) / (len(points) - 2)
    corner = -x.mean() / spread
    covariance = variance * np.array([[1 / len(x) + x.mean() ** 2 / spread, corner], [corner, 1 / spread]])
    clean = [point.clean for point in points]
    models = tuple(point.model for point in points)
    return FittedLine(models, intercept, slope, math.sqrt(variance), covariance, Interval(min(clean), max(clean)))


def published_points(benchmark: str, metric: str = "top1", error: bool = False) -> list[Point]:
    """The models whose clean and shifted accuracy are among the published numbers.

    Args:
        benchmark: of the shifted accuracy, e.g. ``"imagenet-a"``.
        metric: its name there.
        error: whether the metric is an error, as ImageNet-C's ``"mean_error"`` is.
    """
    clean, shifted = published_series("imagenet-val", "top1"), published_series(benchmark, metric)
    found = []
    for model, rows in shifted.items():
        plain = [row for row in rows if not row.condition]
        if model in clean and plain:
            with_shift, without = plain[0], _fullest(clean[model])
            share = 1 - with_shift.value if error else with_shift.value
            found.append(Point(model, without.value, share, without.n, with_shift.n))
    return found


def _fullest(rows: Sequence[Published]) -> Published:
    """The value with the most digits: sources that print a single decimal come last."""
    return max(rows, key=lambda row: len(f"{row.value:.6f}".rstrip("0")))


def _logit(share: float, n: int) -> float:
    """The log odds, half an image away from none and all, where they are not finite."""
    inside = min(max(share, 0.5 / n), 1 - 0.5 / n)
    return math.log(inside / (1 - inside))


def _share(logit: float) -> float:
    return 1 / (1 + math.exp(-logit))


def _error(share: float, n: int) -> float:
    """Standard error of the logit of a share."""
    inside = min(max(share, 0.5 / n), 1 - 0.5 / n)
    return 1 / math.sqrt(n * inside * (1 - inside))

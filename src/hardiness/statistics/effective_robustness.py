"""Accuracy under a shift beside what clean accuracy explains: a line through reference models, and what is left."""

from __future__ import annotations

import math
from collections.abc import Callable, Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from hardiness.core.errors import ArgumentError
from hardiness.core.result import Metric, Score
from hardiness.core.spread import Interval
from hardiness.statistics.estimate import Estimate
from hardiness.statistics.spreads.combined import Sum, TwoEnds

FEWEST_MODELS = 3
"""Reference models below which a line has no error of its own."""

CLEAN, SHIFTED = Metric("clean_accuracy"), Metric("shifted_accuracy")

STEADY = 0.20
"""How far the slope may move, as a share of it, without one of the reference models, or without those of a recipe."""


@dataclass(frozen=True, slots=True)
class EffectiveRobustness:
    """How far a model's shifted accuracy is above the line of the reference models.

    Attributes:
        above: shifted accuracy minus the line's, fraction of 1; its spread is that of where a reference model would lie
            about the line and of the model's own two accuracies.
        clean, shifted: the two accuracies.
        through: what the line goes through, in words.
        continued: whether the clean accuracy lies beyond those of the reference models.
    """

    above: Score
    clean: Score
    shifted: Score
    through: str
    continued: bool


@dataclass(frozen=True, slots=True)
class Point:
    """A reference model's accuracy without and with the shift, fractions of 1."""

    model: str
    clean: float
    shifted: float


@dataclass(frozen=True, slots=True)
class FittedLine:
    """A least-squares line through reference models, logit of shifted accuracy over logit of clean accuracy.

    Attributes:
        n: reference models.
        intercept, slope: on the logit scale.
        residual: standard deviation of the reference models about the line, on the logit scale.
        centre, spread: mean and standard deviation of their clean logits.
        clean: lowest and highest clean accuracy among them.
        through: what they are, in words.
    """

    n: int
    intercept: float
    slope: float
    residual: float
    centre: float
    spread: float
    clean: Interval
    through: str

    def expected(self, clean: float) -> float:
        """The shifted accuracy that it foretells from a clean accuracy in (0, 1)."""
        return _share(self.intercept + self.slope * _logit(clean))

    def band(self, clean: float) -> Interval:
        """Within which 95 % of further models of the same kind lie, at a clean accuracy in (0, 1).

        Source: Draper & Smith (1998), Applied Regression Analysis, 1.4 and 3.1: the interval of prediction.
        """
        from scipy.special import stdtrit

        x = _logit(clean)
        leverage = (x - self.centre) ** 2 / (self.n * self.spread**2)
        half = float(stdtrit(self.n - 2, 0.975)) * self.residual * math.sqrt(1 + 1 / self.n + leverage)
        middle = self.intercept + self.slope * x
        return Interval(_share(middle - half), _share(middle + half))

    def effective_robustness(self, metric: Metric, clean: Estimate, shifted: Estimate) -> EffectiveRobustness:
        """How far one model is above the line, which the interval of prediction and its accuracies leave uncertain.

        Args:
            metric: of the number.
            clean, shifted: the model's accuracies.

        Source: Taori et al. (2020), arXiv:2007.00644, section 2; the delta method for the clean accuracy's part.
        """
        x = min(max(clean.value, 0.5 / clean.n), 1 - 0.5 / clean.n)
        expected, line = self.expected(x), self.band(x)
        slant = self.slope * expected * (1 - expected) / (x * (1 - x))
        above = shifted - clean.through(expected, slant)
        of_line = TwoEnds(0.0, line.low - expected, line.high - expected)
        return EffectiveRobustness(
            metric.score(above.value, shifted.n, Sum(above.value, (above.spread(-1.0, 1.0),), (of_line,))),
            CLEAN.score(clean.value, clean.n, clean.spread(0.0, 1.0)),
            SHIFTED.score(shifted.value, shifted.n, shifted.spread(0.0, 1.0)),
            self.through,
            not self.clean.low <= clean.value <= self.clean.high,
        )


def fit(points: Sequence[Point], recipes: Callable[[str], Sequence[str]] = lambda _: ()) -> FittedLine:
    """The line through reference models.

    Args:
        points: of the reference models; accuracies of 0 and 1 have no logit and are refused.
        recipes: the names of the recipes that a model was trained by.

    Raises:
        ArgumentError: there are fewer than three, all have one clean accuracy, one has none or all right, or the slope
            moves by 20 % or more without one of them or without those of one recipe.

    Source: Taori et al. (2020), arXiv:2007.00644; Miller et al. (2021), arXiv:2107.04649, for the scale.
    """
    if len(points) < FEWEST_MODELS:
        raise ArgumentError(f"a line needs {FEWEST_MODELS} reference models, had {len(points)}")
    for point in points:
        if not (0 < point.clean < 1 and 0 < point.shifted < 1):
            raise ArgumentError(
                f"a line needs accuracies between 0 and 1, and {point.model} has {point.clean:g} and {point.shifted:g}"
            )
    x = np.array([_logit(point.clean) for point in points])
    y = np.array([_logit(point.shifted) for point in points])
    slope = _slope(x, y)
    if slope is None:
        raise ArgumentError(f"a line needs reference models of unequal clean accuracy, all had {points[0].clean:g}")
    intercept = float(y.mean() - slope * x.mean())
    _refuse_unsteady(points, x, y, slope, recipes)
    residual = math.sqrt(float(np.sum((y - intercept - slope * x) ** 2)) / (len(points) - 2))
    clean = [point.clean for point in points]
    through = f"the {len(points)} reference models {', '.join(point.model for point in points[:3])}" + (
        " …" if len(points) > 3 else ""
    )
    ends = Interval(min(clean), max(clean))
    return FittedLine(len(points), intercept, slope, residual, float(x.mean()), float(x.std()), ends, through)


def _slope(x: NDArray[np.float64], y: NDArray[np.float64]) -> float | None:
    spread = float(np.sum((x - x.mean()) ** 2)) if len(x) > 1 else 0.0
    return float(np.sum((x - x.mean()) * (y - y.mean())) / spread) if spread > 0 else None


def _refuse_unsteady(
    points: Sequence[Point],
    x: NDArray[np.float64],
    y: NDArray[np.float64],
    slope: float,
    recipes: Callable[[str], Sequence[str]],
) -> None:
    """Raise an error where the slope hangs on one model or on one recipe."""
    groups: dict[str, list[int]] = {point.model: [place] for place, point in enumerate(points)}
    for place, point in enumerate(points):
        for recipe in recipes(point.model):
            groups.setdefault(f"the models of {recipe}", []).append(place)
    changes = {}
    for name, members in groups.items():
        others = np.setdiff1d(np.arange(len(points)), members)
        slope_without = _slope(x[others], y[others])
        changes[name] = math.inf if slope_without is None or slope == 0 else abs(slope_without / slope - 1)
    worst = max(changes, key=changes.__getitem__)
    if changes[worst] >= STEADY:
        change = f"moves by {100 * changes[worst]:.0f} %" if math.isfinite(changes[worst]) else "is undefined"
        raise ArgumentError(
            f"there is no line: without {worst} its slope {change}, and {100 * STEADY:.0f} % is too much; "
            "name more reference models"
        )


def _logit(share: float) -> float:
    return math.log(share / (1 - share))


def _share(logit: float) -> float:
    return 1 / (1 + math.exp(-logit))

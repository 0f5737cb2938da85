"""A score as a weighted sum of cell means: what a run may be stopped by before its whole is evaluated."""

from __future__ import annotations

from dataclasses import dataclass, field

import numpy as np
from numpy.typing import NDArray

from hardiness.core import Condition


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

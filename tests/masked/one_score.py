"""Models compared by one score alone, as tests need it: what a table does for all pairs and scores at once."""

from __future__ import annotations

import math
from collections.abc import Mapping

import numpy as np

from hardiness.statistics.comparison import Difference, ScoreComparison, adjust_differences, difference, pairs_tested
from hardiness.statistics.estimate import Estimate, mean


def paired_difference(first: np.ndarray, second: np.ndarray) -> Difference:
    """The difference of two shares of right answers to the same images, told alone."""
    return difference(mean(np.arange(len(first)), first), mean(np.arange(len(second)), second))


def compared(
    metric: str, estimates: Mapping[str, Estimate], higher_is_better: bool, span: float = math.inf
) -> ScoreComparison:
    """Several models on the same images, adjusted for the pairs of this score alone."""
    (pairs,) = adjust_differences([pairs_tested(estimates, span)])
    values = {name: each.value for name, each in estimates.items()}
    return ScoreComparison(metric, higher_is_better, values, pairs, min(each.n for each in estimates.values()))

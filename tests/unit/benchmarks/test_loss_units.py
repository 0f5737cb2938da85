"""Scores of calibration have units and ends of their own, of a part of a benchmark as of all of it."""

from __future__ import annotations

import pytest

from hardiness.benchmarks.cell_calibration import MEANS
from hardiness.benchmarks.shares import BRIER_OF_ANSWER, ECE, NLL, loss
from hardiness.core.condition import Condition
from hardiness.core.result import Metric
from hardiness.core.spread import Interval
from hardiness.statistics.spreads.combined import TwoEnds


@pytest.mark.parametrize("part", [False, True])
@pytest.mark.parametrize(
    ("metric", "unit", "high"),
    [
        (MEANS[NLL], "nats", 2.4),
        (NLL, "nats", 2.4),
        (MEANS[ECE], "fraction", 1.0),
        (MEANS[BRIER_OF_ANSWER], "fraction", 1.0),
    ],
)
def test_only_fractions_end_at_one(metric: Metric, part: bool, unit: str, high: float) -> None:
    score = loss(metric.partial if part else metric, 1.9, 50, TwoEnds(1.9, -0.1, 2.4), Condition())
    assert score.unit == unit
    assert score.interval == Interval(0.0, high)

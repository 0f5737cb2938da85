"""Scores of calibration have units and ends of their own, of a part of a benchmark as of all of it."""

from __future__ import annotations

import pytest

from hardiness.benchmarks.shares import loss
from hardiness.core import Condition, Interval


@pytest.mark.parametrize("suffix", ["", "_partial"])
@pytest.mark.parametrize(
    ("metric", "unit", "high"),
    [
        ("mean_nll", "nats", 2.4),
        ("nll", "nats", 2.4),
        ("mean_ece", "fraction", 1.0),
        ("mean_brier_top1", "fraction", 1.0),
    ],
)
def test_only_fractions_end_at_one(metric: str, suffix: str, unit: str, high: float) -> None:
    score = loss(f"{metric}{suffix}", 1.9, 50, Interval(-0.1, 2.4), Condition())
    assert score.unit == unit
    assert score.interval == Interval(0.0, high)

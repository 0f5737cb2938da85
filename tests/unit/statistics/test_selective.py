"""Selective prediction and conformal coverage: closed forms, what others define, and how often the intervals hold."""

from __future__ import annotations

import math

import numpy as np
import pytest

from hardiness.benchmarks.shares import selective_scores
from hardiness.core.condition import Condition
from hardiness.core.errors import ArgumentError
from hardiness.core.spread import Interval
from hardiness.core.table import ImageTable
from hardiness.statistics.confidence import aurra
from hardiness.statistics.selective import (
    calibration_half,
    conformal_coverage,
    conformal_threshold,
    coverage_at_risk,
    selective_prediction,
)


def named(n: int) -> np.ndarray:
    return np.array([f"{i:06d}" for i in range(n)], object)


def by_hand(confidence: np.ndarray, right: np.ndarray) -> dict[str, float]:
    """The definitions, one coverage after the other."""
    order = sorted(range(len(right)), key=lambda i: -confidence[i])
    n, errors, risks, joint = len(right), 0, [], []
    for k, i in enumerate(order, 1):
        errors += not right[i]
        risks.append(errors / k)
        joint.append(errors / n)
    passing = [k / n for k, risk in enumerate(risks, 1) if risk <= 0.05]
    return {
        "aurc": sum(risks) / n,
        "augrc": sum(joint) / n,
        "risk_at_80_coverage": risks[math.ceil(0.8 * n) - 1],
        "coverage_at_5_risk": max(passing, default=0.0),
    }


def test_each_number_is_its_definition_and_aurra_is_one_minus_aurc() -> None:
    generator = np.random.default_rng(0)
    confidence = generator.random(200)
    right = generator.random(200) < confidence
    found = selective_prediction(named(200), confidence, right)
    values = {name: each.value for name, each in found.items()}
    values["coverage_at_5_risk"] = coverage_at_risk(confidence, right)
    assert values == pytest.approx(by_hand(confidence, right))
    assert found["aurc"].value == pytest.approx(1 - aurra(confidence, right))
    for each in found.values():
        assert each.influence.mean() == pytest.approx(0, abs=1e-12)


def test_closed_forms() -> None:
    """All wrong: 1 and (n + 1) / 2n. The e surest of n wrong: the harmonic numbers. A random order: the error rate."""
    n, e = 50, 10
    sure = np.linspace(1, 0, n)
    wrong = selective_prediction(named(n), sure, np.zeros(n, bool))
    assert (wrong["aurc"].value, wrong["augrc"].value) == (1.0, pytest.approx((n + 1) / (2 * n)))
    assert coverage_at_risk(sure, np.zeros(n, bool)) == 0.0
    first = selective_prediction(named(n), sure, np.arange(n) >= e)
    harmonic = sum(1 / k for k in range(e + 1, n + 1))
    assert first["aurc"].value == pytest.approx((e + e * harmonic) / n)
    assert first["augrc"].value == pytest.approx((e * (e + 1) / 2 + e * (n - e)) / n**2)
    last = selective_prediction(named(n), sure, np.arange(n) < n - e)
    assert last["risk_at_80_coverage"].value == 0.0
    assert coverage_at_risk(sure, np.arange(n) < n - e) == 0.84
    with pytest.raises(ArgumentError, match="at least one image"):
        selective_prediction(named(0), np.zeros(0), np.zeros(0, bool))
    assert set(selective_prediction(named(9), sure[:9], np.ones(9, bool))) == {"aurc", "augrc"}


@pytest.mark.slow
@pytest.mark.parametrize("name", ["aurc", "augrc", "risk_at_80_coverage"])
def test_the_intervals_hold(name: str) -> None:
    def draw(generator: np.random.Generator, n: int) -> tuple[np.ndarray, np.ndarray]:
        confidence = generator.random(n)
        return confidence, generator.random(n) < 0.55 + 0.44 * confidence

    def measured(generator: np.random.Generator, n: int) -> tuple[float, Interval]:
        confidence, right = draw(generator, n)
        columns = {"right": right.astype(np.int8)[:, None], "confidence": confidence[:, None]}
        table = ImageTable(np.arange(n), np.zeros(n, np.int32), (Condition(),), np.zeros(1, np.int16), columns)
        found = next(score for score in selective_scores(table) if score.metric == name)
        assert found.value is not None
        assert found.interval is not None
        return found.value, found.interval

    true, _ = measured(np.random.default_rng(1), 200_000)
    generator, held, trials = np.random.default_rng(2), 0, 400
    for _ in range(trials):
        _, interval = measured(generator, 500)
        held += interval.low <= true <= interval.high
    assert held / trials >= 0.92


def test_a_conformal_set_holds_as_often_as_promised_on_others_like_these() -> None:
    generator, shares = np.random.default_rng(3), []
    for _ in range(400):
        losses = generator.exponential(size=200)
        half = calibration_half(named(200))
        shares.append((losses[~half] <= conformal_threshold(losses[half])).mean())
    # Exactly ceil(0.9 (n + 1)) / (n + 1) on average, whatever the losses are.
    assert np.mean(shares) == pytest.approx(91 / 101, abs=0.005)
    assert conformal_threshold(np.arange(8.0)) == math.inf
    assert conformal_threshold(np.arange(9.0)) == 8.0
    under = conformal_coverage(named(4), np.array([[0.0, 2.0], [0.0, 2.0], [0.0, 2.0], [2.0, np.nan]]), 1.0)
    assert under.value == pytest.approx((3 / 4 + 0) / 2)

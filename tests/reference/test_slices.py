"""Scores by slice are those of fairlearn's `MetricFrame`: by group, the extremes and their difference."""

from __future__ import annotations

import numpy as np
import pytest
from fairlearn.metrics import MetricFrame
from sklearn.metrics import accuracy_score

from hardiness.statistics.slices import Partition


@pytest.mark.parametrize("seed", range(3))
def test_numbers_are_those_of_a_metric_frame(seed: int) -> None:
    generator = np.random.default_rng(seed)
    label, answer = generator.integers(0, 4, 500), generator.integers(0, 4, 500)
    answer = np.where(generator.random(500) < 0.6, label, answer)
    site = generator.choice(["A", "B", "C", "D"], 500, p=[0.6, 0.25, 0.1, 0.05])
    frame = MetricFrame(metrics=accuracy_score, y_true=label, y_pred=answer, sensitive_features=site)
    values, codes = np.unique(site, return_inverse=True)
    score = Partition(codes, len(values)).means((label == answer).astype(float), 0.0, 1.0)
    assert score.value == pytest.approx(frame.by_group.loc[values].to_numpy(float))
    assert score.gap()[0] == pytest.approx(frame.difference(method="between_groups"))
    assert np.nanmin(score.value) == pytest.approx(frame.group_min())
    assert np.nanmax(score.value) == pytest.approx(frame.group_max())
    assert score.n.tolist() == [int(np.sum(site == value)) for value in values]

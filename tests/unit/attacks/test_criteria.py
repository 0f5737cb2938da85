"""What counts, and the losses that lead there."""

from __future__ import annotations

import math

import numpy as np
import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st

from hardiness.attacks.criteria import (
    Criterion,
    LogitsRatio,
    Margin,
    Misclassification,
    TargetClass,
    TargetedLogitsRatio,
    TargetedMargin,
    TargetProbability,
    likeliest_others,
)
from hardiness.core.errors import ModelError

LOGITS = torch.tensor([[3.0, 1.0, 0.0, -1.0], [0.0, 2.0, 5.0, 1.0]])
LABELS = torch.tensor([0, 1])
TARGETS = torch.tensor([2, 2])


def softmax(row: list[float], k: int) -> float:
    return math.exp(row[k]) / sum(map(math.exp, row))


def test_misclassified_by_hand() -> None:
    criterion = Misclassification(LABELS)
    assert criterion.reached(LOGITS).tolist() == [False, True]
    expected = [math.log(softmax(row, k)) for row, k in zip(LOGITS.tolist(), [0, 1], strict=True)]
    np.testing.assert_allclose(criterion.loss(LOGITS), expected, rtol=1e-6)


def test_target_class_by_hand() -> None:
    criterion = TargetClass(TARGETS)
    assert criterion.reached(LOGITS).tolist() == [False, True]
    expected = [-math.log(softmax(row, 2)) for row in LOGITS.tolist()]
    np.testing.assert_allclose(criterion.loss(LOGITS), expected, rtol=1e-6)


def test_target_probability_must_be_exceeded_even_close_to_one() -> None:
    at = softmax(LOGITS[1].tolist(), 2)
    assert TargetProbability(TARGETS, at - 1e-6).reached(LOGITS).tolist() == [False, True]
    assert TargetProbability(TARGETS, at + 1e-6).reached(LOGITS).tolist() == [False, False]
    gaps = [math.log(1 / short - 1) for short in (2e-6, 1.005e-6, 0.995e-6, 5e-7)]  # float32 has steps of 6e-8 there
    sure = torch.tensor([[0.0, gap] for gap in gaps])
    reached = TargetProbability(torch.ones(4, dtype=torch.int64), 1 - 1e-6).reached(sure)
    assert reached.tolist() == [False, False, True, True]


def test_margins_by_hand() -> None:
    np.testing.assert_allclose(Margin(LABELS).loss(LOGITS), [2, -3])
    np.testing.assert_allclose(TargetedMargin(LABELS, TARGETS).loss(LOGITS), [3, -3])
    np.testing.assert_allclose(LogitsRatio(LABELS).loss(LOGITS), [2 / 3, -3 / 4])
    np.testing.assert_allclose(TargetedLogitsRatio(LABELS, TARGETS).loss(LOGITS), [3 / 3.5, -3 / 4.5])


@given(seed=st.integers(0, 2**32 - 1), scale=st.sampled_from([1e-2, 1.0, 1e3]))
@settings(max_examples=20, deadline=None)
def test_the_ratio_of_logits_knows_no_scale_and_no_shift(seed: int, scale: float) -> None:
    logits = torch.from_numpy(np.random.default_rng(seed).normal(size=(5, 7)))
    labels, targets = torch.arange(5), torch.arange(1, 6)
    for criterion in (LogitsRatio(labels), TargetedLogitsRatio(labels, targets)):
        np.testing.assert_allclose(criterion.loss(scale * logits + 3), criterion.loss(logits), rtol=1e-6, atol=1e-9)


@pytest.mark.parametrize(
    "criterion",
    [
        Misclassification(LABELS),
        TargetClass(TARGETS),
        TargetProbability(TARGETS, 0.5),
        Margin(LABELS),
        TargetedMargin(LABELS, TARGETS),
        LogitsRatio(LABELS),
        TargetedLogitsRatio(LABELS, TARGETS),
    ],
    ids=lambda criterion: type(criterion).__name__,
)
def test_some_of_the_samples_have_the_same_aims(criterion: Criterion) -> None:
    for pick in (torch.tensor([1]), torch.tensor([False, True])):
        part = criterion.rows(pick)
        assert type(part) is type(criterion)
        assert torch.equal(part.classes, criterion.classes[1:])
        assert torch.equal(part.loss(LOGITS[1:]), criterion.loss(LOGITS)[1:])
        assert torch.equal(part.reached(LOGITS[1:]), criterion.reached(LOGITS)[1:])


@pytest.mark.parametrize("bad", [float("nan"), float("inf"), -float("inf")])
def test_a_network_that_breaks_down_has_not_been_fooled(bad: float) -> None:
    logits = LOGITS.clone()
    logits[1, 0] = bad
    for criterion in (Misclassification(LABELS), TargetClass(TARGETS), TargetProbability(TARGETS, 0.1)):
        assert not criterion.reached(logits)[1]


def test_the_likeliest_others_leave_the_label_out_even_where_it_is_not_the_first() -> None:
    assert likeliest_others(LOGITS, LABELS, 2).tolist() == [[1, 2], [2, 3]]
    assert likeliest_others(LOGITS, LABELS, 9).shape == (2, 3)


def test_the_ratio_needs_classes_enough() -> None:
    with pytest.raises(ModelError, match="needs 3 classes or more, the model has 2"):
        LogitsRatio(LABELS).loss(LOGITS[:, :2])

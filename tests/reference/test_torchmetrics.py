"""Our metrics against torchmetrics', where both compute the same thing.

It is imported where it is used: that takes five seconds, in each process that collects the tests.
"""

import numpy as np
import torch

from hardiness.benchmarks.card import cards
from hardiness.benchmarks.decisions import argmax, within_subset
from hardiness.core.condition import Condition
from hardiness.core.run import Run
from hardiness.core.table import Records
from hardiness.statistics.confidence import rms_calibration_error


def test_top1_and_top5_equal_torchmetrics() -> None:
    from torchmetrics.functional.classification import multiclass_accuracy

    generator = np.random.default_rng(0)
    logits = generator.normal(size=(500, 40)).astype(np.float32)
    labels = generator.integers(0, 40, 500).astype(np.int32)
    records = Records(
        {
            "sample": np.arange(500).astype(str),
            "condition": np.zeros(500, np.int16),
            "label": labels,
            **argmax(logits, labels),
        }
    )
    card = cards.get("classification")
    scores = {(s.metric, s.condition): s for s in card.scores(card.table(records, Run()), Run(), None)}
    for metric, k in (("top1", 1), ("top5", 5)):
        theirs = multiclass_accuracy(
            torch.from_numpy(logits), torch.from_numpy(labels).long(), num_classes=40, top_k=k, average="micro"
        )
        assert scores[metric, Condition()].value == np.float32(theirs.item()) or np.isclose(
            scores[metric, Condition()].value, theirs.item(), atol=1e-7
        )


def test_adaptive_bins_equal_torchmetrics_where_equal_width_bins_hold_100_each() -> None:
    from torchmetrics.functional.classification import binary_calibration_error

    generator = np.random.default_rng(1)
    # 10 equal-width bins with exactly 100 samples each: both ways of binning make the same bins
    confidence = np.concatenate([generator.uniform(0.1 * i + 0.001, 0.1 * (i + 1) - 0.001, 100) for i in range(10)])
    correct = generator.random(1000) < confidence**2
    theirs = binary_calibration_error(
        torch.from_numpy(confidence), torch.from_numpy(correct.astype(np.int64)), n_bins=10, norm="l2"
    )
    assert np.isclose(rms_calibration_error(confidence, correct, "all-bins"), theirs.item(), atol=1e-6)


def test_confidence_equals_torch_softmax() -> None:
    logits = np.random.default_rng(2).normal(scale=5, size=(100, 1000)).astype(np.float32)
    probabilities = torch.softmax(torch.from_numpy(logits).double(), dim=1)
    np.testing.assert_allclose(
        argmax(logits, np.zeros(100, np.int32))["confidence"], probabilities.max(dim=1).values.numpy(), rtol=1e-6
    )


def test_subset_softmax_drops_the_other_logits_first() -> None:
    logits = np.random.default_rng(3).normal(scale=5, size=(100, 1000)).astype(np.float32)
    classes = (3, 500, 999, 7)
    prediction, confidence = within_subset(logits, classes)
    probabilities = torch.softmax(torch.from_numpy(logits[:, list(classes)]).double(), dim=1).numpy()
    np.testing.assert_array_equal(prediction, np.array(classes)[probabilities.argmax(axis=1)])
    np.testing.assert_allclose(confidence, probabilities.max(axis=1), rtol=1e-6)

"""Decision rules: from logits to the columns of a record."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
from numpy.typing import NDArray

from hardiness import imaging
from hardiness.benchmarks.losses import COLUMN, INVERSE_TEMPERATURES, STEPS
from hardiness.core.table import Columns

Logits = NDArray[np.float32]


def argmax(logits: Logits, labels: NDArray[np.int32]) -> Columns:
    """Prediction, confidence and top 5 over all classes, and what the probability of the label follows from.

    Args:
        logits: float32 ``(N, K)``.
        labels: int32 ``(N,)``, class indices; they decide ``label_logit`` alone.

    Returns:
        ``prediction`` int32 ``(N,)``; ``confidence`` float32 ``(N,)``, the softmax maximum; ``top5_class`` int16
        ``(N, 5)`` by falling logit and ``top5_logit`` float32 ``(N, 5)``; with fewer than 5 classes the rest of a row
        is ``-1`` and ``-inf``; ``logsumexp`` and ``label_logit`` float32 ``(N,)``, whose difference is the negative
        log-likelihood of the label. Among equal logits the lower class index ranks first.
    """
    top_class, top_logit = imaging.top(np.require(logits, np.float32, ["C", "W"]), 5)
    largest, total = _normaliser(logits)
    return {
        "prediction": top_class[:, 0].astype(np.int32),
        "confidence": np.asarray(1 / total, np.float32),
        "top5_class": top_class,
        "top5_logit": top_logit,
        "logsumexp": np.asarray(largest + np.log(total), np.float32),
        "label_logit": np.asarray(logits[np.arange(len(logits)), labels], np.float32),
    }


def under_attack(logits: Logits, labels: NDArray[np.int32]) -> Columns:
    """`argmax`, but that a tie is nobody's: ``prediction`` is -1 where several logits are exactly the largest.

    Else a network that answers an attacked picture with logits that are all alike would be right on class 0.
    """
    columns, is_largest = argmax(logits, labels), logits == logits.max(axis=1, keepdims=True)
    return {**columns, "prediction": np.where(is_largest.sum(axis=1) > 1, np.int32(-1), columns["prediction"])}


def with_temperatures(logits: Logits, labels: NDArray[np.int32]) -> Columns:
    """`argmax`, and ``log_sums``, float32 ``(N, 25)``, which temperature scaling takes."""
    return {**argmax(logits, labels), COLUMN: log_sums(logits)}


def within_subset(logits: Logits, classes: Sequence[int]) -> tuple[NDArray[np.int32], NDArray[np.float32]]:
    """Prediction (as an index into all classes) and softmax maximum, both among ``classes`` alone.

    Source: Hendrycks et al. (2019), arXiv:1907.07174: the other 800 logits are dropped before the softmax.
    """
    chosen = logits[:, list(classes)]
    return np.asarray(classes, np.int32)[chosen.argmax(axis=1)], confidence(chosen)


def confidence(logits: Logits) -> NDArray[np.float32]:
    """The largest softmax probability of each row, float32 ``(N,)``; summed in float64."""
    _, total = _normaliser(logits)
    return np.asarray(1 / total, np.float32)


def _normaliser(logits: Logits) -> tuple[NDArray[np.float64], NDArray[np.float64]]:
    """The largest logit of each row, and the sum of the exponentials of all after it was taken off, ``(N,)`` each."""
    largest = logits.max(axis=1).astype(np.float64)
    return largest, np.asarray(np.exp(logits.astype(np.float64) - largest[:, None]).sum(axis=1), np.float64)


def log_sums(logits: Logits) -> NDArray[np.float32]:
    """The log of the sum of ``exp(factor * (logit - largest))`` for each of 25 factors, float32 ``(N, 25)``.

    The factors are `hardiness.benchmarks.losses.INVERSE_TEMPERATURES`; an octave above, each term is squared.
    """
    lowered = logits.astype(np.float64) - logits.max(axis=1, keepdims=True)
    sums = np.empty((len(logits), len(INVERSE_TEMPERATURES)), np.float32)
    for step in range(STEPS):
        terms = np.exp(INVERSE_TEMPERATURES[step] * lowered)
        for place in range(step, len(INVERSE_TEMPERATURES), STEPS):
            # The largest has the term 1: without it the small rest keeps its digits.
            sums[:, place] = np.log1p(np.maximum(terms.sum(axis=1) - 1.0, 0.0))
            np.square(terms, out=terms)
    return sums


def subset_columns(logits: Logits, labels: NDArray[np.int32], classes: Sequence[int]) -> Columns:
    """`argmax` over all classes; within ``classes`` alone the prediction, its confidence and the label's likelihood.

    Those within are named ``subset_…``: as in `with_temperatures`, but for the top 5. Labels must be of ``classes``.
    """
    prediction, sureness = within_subset(logits, classes)
    chosen = np.ascontiguousarray(logits[:, list(classes)])
    largest, total = _normaliser(chosen)
    return {
        **argmax(logits, labels),
        "subset_prediction": prediction,
        "subset_confidence": sureness,
        "subset_logsumexp": np.asarray(largest + np.log(total), np.float32),
        "subset_label_logit": np.asarray(logits[np.arange(len(logits)), labels], np.float32),
        f"subset_{COLUMN}": log_sums(chosen),
    }

"""Decision rules: from logits to what a record keeps of them."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
from numpy.typing import NDArray

from hardiness.core import Columns
from hardiness.imaging.top import top

Logits = NDArray[np.float32]


def argmax(logits: Logits) -> dict[str, NDArray[np.generic]]:
    """Prediction, confidence and top 5 over all classes.

    Args:
        logits: float32 ``(N, K)``.

    Returns:
        ``prediction`` int32 ``(N,)``; ``confidence`` float32 ``(N,)``, the softmax maximum; ``top5_class`` int16
        ``(N, 5)`` by falling logit and ``top5_logit`` float32 ``(N, 5)``; with fewer than 5 classes the rest of a row
        is ``-1`` and ``-inf``. Among equal logits the lower class index ranks first.
    """
    top_class, top_logit = top(np.require(logits, np.float32, ["C", "W"]), 5)
    return {
        "prediction": top_class[:, 0].astype(np.int32),
        "confidence": confidence(logits),
        "top5_class": top_class,
        "top5_logit": top_logit,
    }


def within_subset(logits: Logits, classes: Sequence[int]) -> tuple[NDArray[np.int32], NDArray[np.float32]]:
    """Prediction (as an index into all classes) and softmax maximum, both among ``classes`` alone.

    Source: Hendrycks et al. (2019), arXiv:1907.07174: the other 800 logits are dropped before the softmax.
    """
    chosen = logits[:, list(classes)]
    return np.asarray(classes, np.int32)[chosen.argmax(axis=1)], confidence(chosen)


def confidence(logits: Logits) -> NDArray[np.float32]:
    """The largest softmax probability of each row, float32 ``(N,)``; summed in float64."""
    shifted = logits.astype(np.float64) - logits.max(axis=1, keepdims=True)
    return np.asarray(1 / np.exp(shifted).sum(axis=1), np.float32)


def subset_columns(logits: Logits, classes: Sequence[int]) -> Columns:
    """`argmax` over all classes, and ``subset_prediction``, ``subset_confidence`` within ``classes``."""
    prediction, sureness = within_subset(logits, classes)
    return {**argmax(logits), "subset_prediction": prediction, "subset_confidence": sureness}

"""Reliability by bins of confidence, and accuracy by the share answered, as details of a result."""

from __future__ import annotations

import math
from typing import Any

import numpy as np
from numpy.typing import NDArray

from hardiness.core.table import RIGHT, ImageTable
from hardiness.statistics.intervals import wilson

BINS = 10
"""Bins of equal width of the reliability diagram: fixed ones, so that models can be compared bin by bin."""

LEAST = 5
"""Images that a bin or a part of them needs to be drawn."""

POINTS = 40


def confidence_details(table: ImageTable) -> dict[str, Any]:
    """Reliability by bins of confidence and over all, and accuracy by the share answered, most confident first."""
    right, confidence = table[RIGHT][:, 0] == 1, table["confidence"][:, 0].astype(np.float64)
    is_number = np.isfinite(confidence)
    right, confidence = right[is_number], confidence[is_number]
    bins = np.minimum((confidence * BINS).astype(int), BINS - 1)
    reliability = []
    for index in range(BINS):
        inside = bins == index
        n, hits = int(inside.sum()), int(right[inside].sum())
        if n >= LEAST:
            bounds = wilson(hits, n)
            reliability.append([float(confidence[inside].mean()), hits / n, bounds.low, bounds.high])
    order = np.argsort(-confidence, kind="stable")
    accuracy = np.cumsum(right[order]) / np.arange(1, len(order) + 1)
    marks = np.linspace(min(LEAST, len(order)), len(order), POINTS).astype(int)
    counts = np.unique(marks[marks > 0]).tolist()
    coverage = [[float(k / len(order)), float(accuracy[k - 1])] for k in counts]
    return {"reliability": reliability, "coverage": coverage, "sureness": _sureness(confidence, right)}


def _sureness(confidence: NDArray[np.float64], right: NDArray[np.bool_]) -> dict[str, float]:
    """Mean confidence and accuracy over all images, and how far the first less the second may be off by chance.

    The larger of what an unknown accuracy leaves open, which is something even where every answer was right, and of
    the spread of the images' differences.
    """
    n = len(right)
    if not n:
        return {}
    sure, accuracy = float(confidence.mean()), float(right.mean())
    bounds = wilson(int(right.sum()), n)
    open_ = bounds.high - accuracy if sure > accuracy else accuracy - bounds.low
    spread = 1.96 * float((confidence - right).std()) / math.sqrt(n)
    return {"n": n, "confidence": sure, "accuracy": accuracy, "chance": max(open_, spread)}

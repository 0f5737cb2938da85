"""Rows of stored answers, for tests that choose the answers themselves."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import numpy as np


def answer_rows(answers: np.ndarray, label: np.ndarray, start: int = 0) -> Mapping[str, Any]:
    """The columns of rows, one for each image and condition.

    Args:
        answers: the class that was answered, int ``(N, M)``: images by conditions.
        label: of each image, int ``(N,)``.
        start: number in the name of the first image.
    """
    n, m = answers.shape
    image = np.repeat(np.arange(n), m)
    return {
        "sample": np.array([f"n/{start + number:03d}" for number in image]),
        "condition": np.tile(np.arange(m), n).astype(np.int16),
        "frame": np.zeros(n * m, np.int16),
        "label": label[image].astype(np.int32),
        "prediction": answers.ravel().astype(np.int32),
        "top5_class": np.zeros((n * m, 5), np.int16),
        "confidence": np.linspace(0.2, 0.9, n * m).astype(np.float32),
    }

"""Rules that read a category off the logits of its classes."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence

import numpy as np
from numpy.typing import NDArray

Categories = Mapping[str, Sequence[int]]
"""The class indices of each category, by name."""

Rule = Callable[[NDArray[np.float32], Categories], NDArray[np.int64]]
"""A function from logits ``(N, K)`` to the place of each answer among the categories, ``(N,)``."""


def max_logit(logits: NDArray[np.float32], categories: Categories) -> NDArray[np.int64]:
    """The category that holds the largest logit among all categories' classes, int64 ``(N,)``.

    Source: Orhan (2019), arXiv:1907.07640, ``evaluate_shapebias.py``.
    """
    groups = list(categories.values())
    owner = np.repeat(np.arange(len(groups)), [len(group) for group in groups])
    return np.asarray(owner[logits[:, np.concatenate(groups)].argmax(axis=1)])


def mean_probability(logits: NDArray[np.float32], categories: Categories) -> NDArray[np.int64]:
    """The category with the largest mean softmax probability of its classes, int64 ``(N,)``.

    The softmax over all classes divides every category by the same sum, so that the comparison can be made between
    logarithms without it, where nothing underflows.

    Source: Geirhos et al. (2019), arXiv:1811.12231; model-vs-human, ``ImageNetProbabilitiesTo16ClassesMapping``.
    """
    chosen = [logits[:, list(group)].astype(np.float64) for group in categories.values()]
    peaks = [group.max(axis=1, keepdims=True) for group in chosen]
    means = [np.log(np.exp(group - peak).mean(axis=1)) + peak[:, 0] for group, peak in zip(chosen, peaks, strict=True)]
    return np.asarray(np.argmax(means, axis=0))

"""The images on which two models differ, the most telling first."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from hardiness.core import ArgumentError


@dataclass(frozen=True, slots=True)
class Disagreement:
    """An image that one model answers better than the other.

    Attributes:
        image: its id.
        ahead: by how much the first model's score on this image is above the second's, in [-1, 1].
        cells: under how many conditions one of the two alone is right.
        sureness: how sure the one that is wrong was, and the one that is right, together, in [0, 2]; 0 if not known.
    """

    image: str
    ahead: float
    cells: int
    sureness: float


def disagreements(
    ids: NDArray[Any],
    first: NDArray[np.bool_],
    second: NDArray[np.bool_],
    confidences: tuple[NDArray[np.floating], NDArray[np.floating]] | None = None,
    weights: NDArray[np.float64] | None = None,
) -> list[Disagreement]:
    """The images that one of two models answers better, most telling first.

    First by how far they are apart over all conditions, then by how sure both were where they are: a picture that one
    gets confidently right and the other confidently wrong says more than a toss-up. Ties are in the order of ids.

    Args:
        ids: ``(N,)``.
        first, second: ``(N,)`` or ``(N, M)`` whether each answer is right.
        confidences: of either model, in the shape of ``first``.
        weights: ``(M,)`` of the conditions; equal if not given.

    Raises:
        ArgumentError: the shapes differ.
    """
    if first.shape != second.shape or len(ids) != len(first):
        raise ArgumentError(f"two models to compare must have equal tables, had {first.shape} and {second.shape}")
    a, b = (side.reshape(len(ids), -1).astype(np.int8) for side in (first, second))
    share = np.full(a.shape[1], 1 / a.shape[1]) if weights is None else weights / weights.sum()
    ahead, apart = (a - b) @ share, a != b
    sure = np.zeros(len(ids))
    if confidences is not None:
        both = sum(side.reshape(a.shape).astype(np.float64) for side in confidences)
        sure = np.where(apart, both, 0).sum(axis=1) / np.maximum(apart.sum(axis=1), 1)
    order = np.lexsort((np.arange(len(ids)), -np.round(sure, 6), -np.round(np.abs(ahead), 9)))
    return [
        Disagreement(str(ids[i]), float(ahead[i]), int(apart[i].sum()), float(sure[i])) for i in order if apart[i].any()
    ]

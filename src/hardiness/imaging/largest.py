"""The largest values of each row."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray


def top(values: NDArray[np.float32], count: int) -> tuple[NDArray[np.int16], NDArray[np.float32]]:
    """Columns ``int16 (N, count)`` and values ``float32 (N, count)`` of each row's largest, by falling value.

    Among equal values the lower column comes first. Where a row has fewer columns, the rest is ``-1`` and ``-inf``.

    Args:
        values: ``(N, K)``, finite; K is at most 32,767.
        count: how many.
    """
    rest, rows = values.copy(), np.arange(len(values))
    columns = np.full((len(values), count), -1, np.int16)
    largest = np.full((len(values), count), -np.inf, np.float32)
    for place in range(min(count, values.shape[1])):
        columns[:, place] = best = rest.argmax(axis=1)
        largest[:, place] = rest[rows, best]
        rest[rows, best] = -np.inf
    return columns, largest

"""The largest values of each row, in two passes over it."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from hardiness.imaging.compiled import compiled

LANES = 32


@compiled
def top(values: NDArray[np.float32], count: int) -> tuple[NDArray[np.int16], NDArray[np.float32]]:
    """Columns ``int16 (N, count)`` and values ``float32 (N, count)`` of each row's largest, by falling value.

    Among equal values the lower column comes first. Where a row has fewer columns, the rest is ``-1`` and ``-inf``.

    The first pass takes the largest value of every 32nd column. The fifth of these maxima, say, is no larger than the
    fifth value of the row, so that in the second pass hardly any value needs more than one comparison.

    Args:
        values: ``(N, K)``, finite; K is at most 32,767.
        count: how many, from 1 to 32.
    """
    rows, columns = values.shape
    best = np.empty((rows, count), np.int16)
    largest = np.empty((rows, count), np.float32)
    lanes = np.empty(LANES, np.float32)
    for n in range(rows):
        row, kept, places = values[n], largest[n], best[n]
        for k in range(count):
            kept[k], places[k] = -np.inf, -1
        for lane in range(LANES):
            lanes[lane] = -np.inf
        for start in range(0, columns - LANES + 1, LANES):
            chunk = row[start : start + LANES]
            for lane in range(LANES):
                value, other = chunk[lane], lanes[lane]
                lanes[lane] = value if value > other else other
        for taken in range(count):
            first = 0
            for lane in range(1, LANES):
                if lanes[lane] > lanes[first]:
                    first = lane
            if taken < count - 1:
                lanes[first] = -np.inf
        bound = lanes[first]
        for k in range(columns):
            value = row[k]
            if value >= bound and value > kept[count - 1]:
                at = count - 1
                while at > 0 and value > kept[at - 1]:
                    kept[at], places[at] = kept[at - 1], places[at - 1]
                    at -= 1
                kept[at], places[at] = value, k
    return best, largest

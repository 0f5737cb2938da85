"""A better order of the classes: whether a network's outputs stand in another one than the folders."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from hardiness.core.random import rng
from hardiness.statistics.paired_shares import mcnemar

SURE = 0.001
"""Chance of an error where another order of the classes is proposed."""

MOST_ORDERED = 2000
"""Classes up to which another order is sought: it takes time with their third power, and memory with their second."""


def better_order(
    label: NDArray[np.int64], answer: NDArray[np.int64], ids: NDArray[np.object_], classes: int
) -> tuple[list[int], float, float, float] | None:
    """An order of the classes under which answers are surely better than under the one that was taken.

    Half of the pictures choose the order, the other half test it.

    Args:
        label, answer: ``(N,)`` class indices.
        ids: ``(N,)`` of the pictures, which say the halves.
        classes: how many there are.

    Returns:
        The class of each output, the shares that are right under both orders on the testing half, and p; ``None``
        where no other order is better with p below `SURE`.

    Source: McNemar (1947); the assignment is Kuhn's (1955), by scipy.
    """
    from scipy.optimize import linear_sum_assignment

    if classes > MOST_ORDERED:
        return None
    chosen = rng(0, "order of classes", "\x1f".join(map(str, ids.tolist()))).permutation(len(ids)) % 2 == 0
    counts = np.zeros((classes, classes), np.int64)
    np.add.at(counts, (answer[chosen], label[chosen]), 1)
    if bool(np.all(counts.diagonal() == counts.max(axis=1))):  # no order is better, and scipy takes long to import
        return None
    # Where two orders are as good, that of the folders stays.
    _, order = linear_sum_assignment(-(counts * (classes + 1) + np.eye(classes, dtype=np.int64)))
    if bool(np.all(order == np.arange(classes))):
        return None
    before, after = label[~chosen] == answer[~chosen], label[~chosen] == order[answer[~chosen]]
    won, lost = int(np.count_nonzero(after & ~before)), int(np.count_nonzero(before & ~after))
    p = float(mcnemar([won], [lost])[0]) if won + lost else 1.0
    if won <= lost or p >= SURE:
        return None
    return order.tolist(), float(before.mean()), float(after.mean()), p

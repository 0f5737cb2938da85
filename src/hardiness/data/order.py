"""The order in which items are evaluated, and thereby which ones ``--limit`` keeps."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np

from hardiness.core import ArgumentError, Item, rng


def limited(dataset_items: Sequence[Item], limit: int | None, seed: int) -> Sequence[Item]:
    """The first ``limit`` items of a seeded order in which every class comes once before any comes twice.

    So the choice for N is a prefix of that for any larger N, and a small N covers as many classes as it can.

    Args:
        dataset_items: all items, in a stable order (data sets sort them by id).
        limit: how many to keep; ``None`` for all, in that same order.
        seed: the run's seed.

    Raises:
        ArgumentError: ``limit`` is below 1.
    """
    if limit is not None and limit < 1:
        raise ArgumentError(f"limit must be at least 1, was {limit}; leave it out for all images")
    labels = np.fromiter((item.label for item in dataset_items), np.int64, len(dataset_items))
    classes, class_of, counts = np.unique(labels, return_inverse=True, return_counts=True)
    turn = rng(seed, "order of classes").permutation(len(classes))
    by_class = np.argsort(class_of, kind="stable")
    rounds = np.empty(len(labels), np.int64)
    for label, members in zip(classes, np.split(by_class, np.cumsum(counts))[:-1], strict=True):
        rounds[members] = rng(seed, "order within a class", int(label)).permutation(len(members))
    order = np.lexsort((turn[class_of], rounds))
    return [dataset_items[i] for i in order[:limit]]

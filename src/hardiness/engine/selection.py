"""The conditions of each image that are evaluated: all that are asked for, or some at random."""

from __future__ import annotations

from collections.abc import Iterable, Sequence

from hardiness.statistics.cells import order_of_cells


def in_random_order(requested: Sequence[int], seed: int, sample: str, conditions: int) -> list[int]:
    """The conditions asked for in an image's own random order, which is one of all the benchmark's conditions."""
    chosen = frozenset(requested)
    return [cell for cell in order_of_cells(seed, sample, conditions).tolist() if cell in chosen]


def conditions_by_sample(
    samples: Iterable[str], requested: Sequence[int], seed: int, conditions: int, most: int | None
) -> dict[str, Sequence[int]]:
    """The conditions of each image, ascending: the first of its own random order.

    Args:
        samples: ids of images.
        requested: indices of the conditions that are asked for.
        seed: the run's.
        conditions: how many the benchmark has.
        most: how many an image gets; ``None`` for all that are asked for.
    """
    if most is None or most >= len(requested):
        return dict.fromkeys(samples, requested)
    return {sample: sorted(in_random_order(requested, seed, sample, conditions)[:most]) for sample in samples}

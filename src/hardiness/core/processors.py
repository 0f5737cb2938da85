"""How many processor cores this process may use."""

from __future__ import annotations

import os

_MOST: list[int] = []
"""What `use_cores` was told last; empty where it was not."""


def usable_cores() -> int:
    """The number of cores that this process may run on; where the system does not say, the number that it has."""
    cores = len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else os.cpu_count() or 1
    return min([cores, *_MOST])


def use_cores(most: int) -> None:
    """From now on at most so many cores count as usable, where another process was promised the others."""
    _MOST[:] = [most]

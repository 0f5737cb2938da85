"""Many small reads and writes at once."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from concurrent.futures import ThreadPoolExecutor
from typing import TypeVar

THREADS = 16
"""Threads that read and write small files at once."""

Item = TypeVar("Item")

Outcome = TypeVar("Outcome")


def in_parallel(work: Callable[[Item], Outcome], items: Sequence[Item]) -> list[Outcome]:
    """The outcomes of work on each item, in the order of the items; raises what the first of them raised."""
    if len(items) < 2:
        return [work(item) for item in items]
    with ThreadPoolExecutor(min(THREADS, len(items)), thread_name_prefix="together") as threads:
        return list(threads.map(work, items))

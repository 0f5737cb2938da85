"""Many small reads and writes at once."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from concurrent.futures import ThreadPoolExecutor
from typing import TypeVar

THREADS = 16

Given = TypeVar("Given")

Outcome = TypeVar("Outcome")


def in_parallel(work: Callable[[Given], Outcome], given: Sequence[Given]) -> list[Outcome]:
    """The outcomes in the order of what was given; raises what the first of them raised."""
    if len(given) < 2:
        return [work(each) for each in given]
    with ThreadPoolExecutor(min(THREADS, len(given)), thread_name_prefix="together") as threads:
        return list(threads.map(work, given))

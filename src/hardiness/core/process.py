"""What this process takes of its machine: cores, threads, memory."""

from __future__ import annotations

import ctypes
import math
import os
import sys
import time
from collections import deque
from collections.abc import Callable, Generator, Iterable
from concurrent.futures import Future, ThreadPoolExecutor
from functools import cache
from typing import Any, TypeVar

Job = TypeVar("Job")
Outcome = TypeVar("Outcome")

_MOST: list[int] = []
"""The number that `use_cores` was last called with; empty where it was not."""


def usable_cores() -> int:
    """The number of cores that this process may run on; where the system does not say, the number that it has."""
    cores = len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else os.cpu_count() or 1
    return min([cores, *_MOST])


def use_cores(most: int) -> None:
    """Count at most so many cores as usable from now on, where another process was promised the others."""
    _MOST[:] = [most]


def ordered(
    work: Callable[[Job], Outcome], jobs: Iterable[Job], workers: int, ahead: int
) -> Generator[tuple[Job, Outcome], None, None]:
    """Each job with its outcome, in the order of the jobs, computed by ``workers`` threads.

    At most ``ahead`` outcomes are held or in the making, so that memory does not grow with the number of jobs. An
    exception of ``work`` is raised at its job's place. Closing the generator cancels what has not begun.
    """
    pending: deque[tuple[Job, Future[Outcome]]] = deque()
    pool = ThreadPoolExecutor(workers, thread_name_prefix="decode")
    try:
        for job in jobs:
            pending.append((job, pool.submit(work, job)))
            if len(pending) >= ahead:
                first, future = pending.popleft()
                yield first, future.result()
        while pending:
            first, future = pending.popleft()
            yield first, future.result()
    finally:
        pool.shutdown(wait=True, cancel_futures=True)


_TRIM_THRESHOLD, _MMAP_THRESHOLD, _ARENA_MAX = -1, -3, -8
_LARGEST_INT = 2**31 - 1
_HEAP_BYTES = (1 << 30, 32 << 20)
"""Blocks up to this size come from the heap; the second is the most that glibc before 2.35 accepts."""

TRIM_S = 1.0
"""Seconds between two times that freed memory is handed back."""

_trimmed_s = -math.inf


@cache
def keep_freed_memory() -> None:
    """Keep freed memory with the process from now on, until `return_freed_memory`.

    A forward and backward pass takes and frees the same few hundred blocks of 10 to 100 MB each time. glibc would ask
    the system for most of them anew, which hands out pages that it clears first: half the time of a step, for a small
    network. Threads made later share one heap, because the heaps that they have else hold no large blocks.
    """
    mallopt = _function("mallopt")
    if mallopt is None:
        return
    mallopt(_TRIM_THRESHOLD, _LARGEST_INT)
    mallopt(_ARENA_MAX, 1)
    any(mallopt(_MMAP_THRESHOLD, size) for size in _HEAP_BYTES)


def return_freed_memory() -> None:
    """Hand freed memory back to the system, unless that was done less than `TRIM_S` ago.

    Without it the peak of a long run lies a tenth above that of a short one, for no use: each thread keeps its own. But
    it locks all heaps and goes through them: on a GPU, where shards end several times a second, others would wait.
    """
    global _trimmed_s
    trim, now_s = _function("malloc_trim"), time.monotonic()
    if trim is not None and now_s - _trimmed_s >= TRIM_S:
        _trimmed_s = now_s
        trim(0)


def _function(name: str) -> Any:
    return getattr(ctypes.CDLL(None), name, None) if sys.platform == "linux" else None

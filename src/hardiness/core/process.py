"""Cores that this process may use, and work in order on threads."""

from __future__ import annotations

import os
from collections import deque
from collections.abc import Callable, Generator, Iterable
from concurrent.futures import Future, ThreadPoolExecutor
from typing import TypeVar

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

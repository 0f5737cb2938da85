"""Cores that this process may use, and work on threads: in order, or in a fork."""

from __future__ import annotations

import ctypes
import functools
import os
import threading
from collections import deque
from collections.abc import Callable, Generator, Iterable
from concurrent.futures import Future, ThreadPoolExecutor
from typing import ParamSpec, TypeVar

Job = TypeVar("Job")
Outcome = TypeVar("Outcome")
Arguments = ParamSpec("Arguments")

_LOADED_IN = os.getpid()
"""The process that imported this module; a fork of it has another number."""

_STOP_S = 10.0
"""How long work in a fork may take to store what is finished once it is stopped."""

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


def works_in_a_fork(function: Callable[Arguments, Outcome]) -> Callable[Arguments, Outcome]:
    """Decorator of a function that computes with torch: in a fork of the process that loaded us it has a new thread.

    GNU's OpenMP keeps threads for each thread that has computed with it. A fork has them no more, and its first thread
    would wait for them for ever; those of a new thread are made anew. Ctrl-C reaches the function when it next computes
    in Python.

    Source: gcc.gnu.org/bugzilla, 58378 (libgomp after fork).
    """

    @functools.wraps(function)
    def call(*arguments: Arguments.args, **named: Arguments.kwargs) -> Outcome:
        if os.getpid() == _LOADED_IN:
            return function(*arguments, **named)
        outcomes: list[Outcome] = []
        errors: list[BaseException] = []

        def work() -> None:
            try:
                outcomes.append(function(*arguments, **named))
            except BaseException as error:  # noqa: BLE001  # raised again below
                errors.append(error)

        thread = threading.Thread(target=work, name=function.__name__, daemon=True)
        thread.start()
        try:
            thread.join()
        except KeyboardInterrupt as error:
            ctypes.pythonapi.PyThreadState_SetAsyncExc(ctypes.c_ulong(thread.ident or 0), ctypes.py_object(type(error)))
            thread.join(_STOP_S)
            raise
        if errors:
            raise errors[0]
        return outcomes[0]

    return call

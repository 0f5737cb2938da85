"""Calls of a function on a thread of its own, so that one that never answers can be left behind."""

from __future__ import annotations

import queue
import threading
import weakref
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

import numpy as np

from hardiness.core.errors import ModelError

SECONDS = 120.0
"""Seconds after which a function that has not answered to one batch is given up: it may wait for ever."""


@dataclass
class _CallOutcome:
    """The outcome of one call."""

    ready: threading.Event
    rows: Any = None
    error: BaseException | None = None


class Caller:
    """Calls a function on a thread of its own, so that one that never answers can be left behind.

    The thread begins with the first call, and ends when nobody holds the caller any more. It copies each answer before
    it calls again, as a function may return one buffer again and again.
    """

    def __init__(self, function: Callable[[Any], Any]) -> None:
        self._function = function
        self._calls: queue.SimpleQueue[tuple[Any, _CallOutcome] | None] = queue.SimpleQueue()
        self._is_begun = False
        self._lock = threading.Lock()

    def __call__(self, batch: Any) -> Any:
        """A copy of what the function returns.

        Raises:
            ModelError: nothing, for too long.
            BaseException: as the function.
        """
        with self._lock:
            if not self._is_begun:
                self._is_begun = True
                weakref.finalize(self, self._calls.put, None)
                # It must not hold the caller itself, which would then never be let go.
                work = (self._function, self._calls)
                threading.Thread(target=_answer_all, args=work, daemon=True, name="function").start()
        answer = _CallOutcome(threading.Event())
        self._calls.put((batch, answer))
        if not answer.ready.wait(SECONDS):
            raise ModelError(f"has not answered within {SECONDS:g} s; it is given up")
        if answer.error is not None:
            raise answer.error
        return answer.rows


def _answer_all(function: Callable[[Any], Any], calls: queue.SimpleQueue[tuple[Any, _CallOutcome] | None]) -> None:
    while (call := calls.get()) is not None:
        batch, answer = call
        try:
            answer.rows = _copy(function(batch))
        except BaseException as error:  # noqa: BLE001  # it is raised where the answer is waited for
            answer.error = error
        answer.ready.set()
        del call, batch, answer  # nothing of the last batch is kept while it waits


def _copy(answer: Any) -> Any:
    """A copy of an answer in main memory: of arrays and tensors, also within a list; all else as it is."""
    if isinstance(answer, tuple | list):
        return [_copy(item) for item in answer]
    if hasattr(answer, "detach"):  # torch
        return answer.detach().to("cpu", copy=True)
    return np.array(answer) if hasattr(answer, "__array__") else answer

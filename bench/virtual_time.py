"""A clock that jumps from event to event, and threads that take turns by it: hours of a cluster in seconds."""

from __future__ import annotations

import heapq
import itertools
import threading
from collections.abc import Callable, Sequence


class VirtualTime:
    """Threads of which one runs at a time: the one whose moment has come. The same tasks give the same order."""

    def __init__(self) -> None:
        self.now_s = 0.0
        self._queue: list[tuple[float, int, threading.Event]] = []
        self._numbers = itertools.count()
        self._failures: list[BaseException] = []

    def now(self) -> float:
        """Seconds since the beginning."""
        return self.now_s

    def sleep(self, seconds: float) -> None:
        """Let others run until so many seconds have passed."""
        mine = threading.Event()
        heapq.heappush(self._queue, (self.now_s + max(0.0, seconds), next(self._numbers), mine))
        self._go_on()
        mine.wait()

    def run(self, tasks: Sequence[Callable[[], None]]) -> None:
        """Run all tasks from now on, each in a thread of its own, until the last has ended; raises what one raised."""
        threads = []
        for task in tasks:
            start = threading.Event()
            heapq.heappush(self._queue, (self.now_s, next(self._numbers), start))
            threads.append(threading.Thread(target=self._turn, args=(start, task), daemon=True))
            threads[-1].start()
        self._go_on()
        for thread in threads:
            thread.join()
        if self._failures:
            raise self._failures[0]

    def _turn(self, start: threading.Event, task: Callable[[], None]) -> None:
        start.wait()
        try:
            task()
        except BaseException as error:  # noqa: BLE001  # raised again by `run`
            self._failures.append(error)
        finally:
            self._go_on()

    def _go_on(self) -> None:
        """Wake the thread whose moment is next."""
        if self._queue:
            self.now_s, _, event = heapq.heappop(self._queue)
            event.set()

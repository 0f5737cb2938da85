"""A listener that also tells trackers how a run goes."""

from __future__ import annotations

import time

from hardiness.core import Listener
from hardiness.report.loggers import Tracking

EVERY_S = 5.0
"""How often progress is told, in seconds."""


class TrackedListener:
    """Passes everything on, and tells trackers of progress now and then."""

    def __init__(self, listener: Listener, tracking: Tracking, every_s: float = EVERY_S) -> None:
        self._listener = listener
        self._tracking = tracking
        self._every_s = every_s
        self._benchmark, self._done, self._stored, self._total = "", 0, 0, 0
        self._begun = self._told = 0.0

    def download(self, model: str, done: int, total: int | None) -> None:
        """Pass it on."""
        self._listener.download(model, done, total)

    def begin(self, benchmark: str, total: int, stored: int) -> None:
        """A benchmark begins."""
        self._listener.begin(benchmark, total, stored)
        self._benchmark, self._done, self._stored, self._total = benchmark, stored, stored, total
        self._begun = self._told = time.perf_counter()
        self._tell()

    def advance(self, rows: int) -> None:
        """Some more image-conditions are finished."""
        self._listener.advance(rows)
        self._done += rows
        if time.perf_counter() - self._told >= self._every_s:
            self._tell()

    def estimate(self, seconds: float) -> None:
        """Pass it on."""
        self._listener.estimate(seconds)

    def stage(self, text: str) -> None:
        """Pass it on."""
        self._listener.stage(text)

    def note(self, line: str) -> None:
        """Pass it on."""
        self._listener.note(line)

    def end(self) -> None:
        """The benchmark is finished."""
        self._listener.end()
        if self._benchmark:
            self._tell()
            self._benchmark = ""

    def _tell(self) -> None:
        self._told = time.perf_counter()
        seconds = self._told - self._begun
        rate = (self._done - self._stored) / seconds if seconds > 0 else 0.0
        self._tracking.progress(self._benchmark, self._done, self._total, rate)

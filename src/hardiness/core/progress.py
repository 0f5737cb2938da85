"""Progress of a run: who listens to it, and how long it will take."""

from __future__ import annotations

import time
from datetime import UTC, datetime
from typing import Protocol

WINDOW_S = 2.0
"""Seconds over which a rate is measured."""

STEADY = 1.3
"""The largest ratio of two rates in a row that count as equal."""

LONG_S = 60.0
"""Seconds above which the time that is left is worth a line."""


class Listener(Protocol):
    """Receives the progress of a benchmark; counts are image-conditions summed over models."""

    def download(self, model: str, done: int, total: int | None) -> None:
        """While weights are downloaded: bytes so far, and bytes in all (``None`` where that is not known)."""

    def begin(self, benchmark: str, total: int, stored: int) -> None:
        """A benchmark begins, or goes on in another round: image-conditions in all, and those that are stored."""

    def advance(self, rows: int) -> None:
        """This many more image-conditions are finished."""

    def estimate(self, seconds: float) -> None:
        """About how many seconds are left; called once, and only where that is over a minute."""

    def stage(self, text: str) -> None:
        """A few words on the work that rows which are not finished are at; the next text takes their place."""

    def note(self, line: str) -> None:
        """A line that a person should read while it runs."""

    def end(self) -> None:
        """The benchmark is finished."""


class Silence:
    """A listener that shows nothing."""

    def note(self, *values: object, **named: object) -> None:
        """Do nothing."""

    download = begin = advance = estimate = stage = end = note


class Clock:
    """Measures how long a session takes, and estimates once how much longer it will take.

    The first ``warmup`` batches (one a model) are left out, and nothing is said before two windows of two seconds have
    gone equally fast: models and kernels are compiled when they are first used.
    """

    def __init__(self, warmup: int) -> None:
        self.started = datetime.now(UTC)
        self._begin = time.perf_counter()
        self._warmup = warmup
        self._window = (0.0, 0)
        self._rate = 0.0
        self._is_estimated = False

    @property
    def elapsed_s(self) -> float:
        """Seconds since the session began."""
        return time.perf_counter() - self._begin

    def estimate(self, rows: int, remaining: int) -> float | None:
        """Seconds that ``remaining`` rows will take, given once, when the rate is steady and the run is long."""
        now, (since, done) = self.elapsed_s, self._window
        if self._warmup:
            self._warmup -= 1
            self._window = (now, 0)
            return None
        if self._is_estimated or now - since < WINDOW_S:
            self._window = (since, done + rows)
            return None
        rate, before = (done + rows) / (now - since), self._rate
        self._window, self._rate = (now, 0), rate
        if not before or not rate or max(rate / before, before / rate) > STEADY:
            return None
        self._is_estimated = True
        seconds = remaining / rate
        return seconds if seconds > LONG_S else None

"""How a long computation goes: what hears of it, and how much longer it will take."""

from __future__ import annotations

import time
from datetime import UTC, datetime
from typing import Protocol

WINDOW_S = 2.0
STEADY = 1.3
LONG_S = 60.0


class Listener(Protocol):
    """Hears how a benchmark goes; counts are image-conditions summed over models."""

    def download(self, model: str, done: int, total: int | None) -> None:
        """So many bytes of a model's weights have come, of how many in all where that is known."""

    def begin(self, benchmark: str, total: int, stored: int) -> None:
        """A benchmark begins; ``stored`` of its ``total`` are already there."""

    def advance(self, rows: int) -> None:
        """So many more are done."""

    def estimate(self, seconds: float) -> None:
        """The whole will take about this much longer; told once, where that is over a minute."""

    def end(self) -> None:
        """The benchmark is over."""


class Silence:
    """A listener that says nothing."""

    def download(self, model: str, done: int, total: int | None) -> None:
        """Nothing."""

    def begin(self, benchmark: str, total: int, stored: int) -> None:
        """Nothing."""

    def advance(self, rows: int) -> None:
        """Nothing."""

    def estimate(self, seconds: float) -> None:
        """Nothing."""

    def end(self) -> None:
        """Nothing."""


class Clock:
    """Times a session, and says once how much longer a long one will take.

    The first ``warmup`` batches (one a model) are left out, and nothing is said before two windows of two seconds have
    gone equally fast: models and kernels are compiled when they are first used.
    """

    def __init__(self, warmup: int) -> None:
        self.started = datetime.now(UTC)
        self._begin = time.perf_counter()
        self._warmup = warmup
        self._window = (0.0, 0)
        self._rate = 0.0
        self._told = False

    @property
    def elapsed_s(self) -> float:
        """Seconds since the session began."""
        return time.perf_counter() - self._begin

    def estimate(self, rows: int, remaining: int) -> float | None:
        """Seconds that ``remaining`` rows will take, told once, when the rate is steady and the run is long."""
        now, (since, done) = self.elapsed_s, self._window
        if self._warmup:
            self._warmup -= 1
            self._window = (now, 0)
            return None
        if self._told or now - since < WINDOW_S:
            self._window = (since, done + rows)
            return None
        rate, before = (done + rows) / (now - since), self._rate
        self._window, self._rate = (now, 0), rate
        if not before or max(rate / before, before / rate) > STEADY:
            return None
        self._told = True
        seconds = remaining / rate
        return seconds if seconds > LONG_S else None

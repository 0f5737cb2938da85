"""Which units wait, were tried, were given up: what a driver knows of its work, and tells of it."""

from __future__ import annotations

from collections import deque
from collections.abc import Sequence

from hardiness.core import Clock, Listener
from hardiness.engine.evaluation import Evaluated
from hardiness.engine.executors.ray_actor import Ready
from hardiness.engine.units import told_given_up

ATTEMPTS = 3
"""How often a unit is tried whose actor dies before it is reported as failed."""


class UnitLedger:
    """The units of one errand, once an actor has listed them, and everything that went wrong.

    Attributes:
        ready: what the first actor said; ``None`` before.
        waiting: names of units that nobody is at work on.
        given_up: why, by the name of the unit.
    """

    def __init__(self, benchmark: str, listener: Listener) -> None:
        self.ready: Ready | None = None
        self.waiting: deque[str] = deque()
        self.given_up: dict[str, str] = {}
        self._benchmark, self._listener = benchmark, listener
        self._attempts: dict[str, int] = {}
        self._problems: dict[str, None] = {}
        self._remarks: dict[str, None] = {}
        self._clock, self._remaining = Clock(warmup=1), 0

    def problem(self, line: str) -> None:
        """Keep what could not be evaluated, once."""
        self._problems[line] = None

    def remark(self, line: str) -> None:
        """Keep what else a person should know, once."""
        self._remarks[line] = None

    def begin(self, ready: Ready) -> None:
        """Take over the first actor's list, longest units first."""
        self.ready = ready
        self._problems |= dict.fromkeys(ready.problems)
        self._remarks |= dict.fromkeys(ready.remarks)
        self.waiting.extend(sorted(ready.units, key=lambda name: -ready.units[name]))
        self._remaining = sum(ready.units.values())
        self._listener.begin(self._benchmark, ready.rows, ready.rows - self._remaining)

    def retry(self, name: str, reason: str) -> None:
        """Count a try that failed; after three the unit waits for somebody to store it as failed."""
        self._attempts[name] = self._attempts.get(name, 0) + 1
        if self._attempts[name] >= ATTEMPTS:
            self.given_up[name] = f"its actor ended {ATTEMPTS} times at it ({reason})"
        self.waiting.append(name)

    def keep(self, name: str, answer: str | Sequence[str]) -> None:
        """Keep an actor's answer: what went wrong, or, of a unit that was given up, the ids of its images."""
        if name in self.given_up:
            self.problem(told_given_up(name, self.given_up[name], tuple(answer)))
        elif answer:
            self.problem(str(answer))
        assert self.ready is not None, "no unit is handed out before"
        rows = self.ready.units[name]
        self._remaining -= rows
        self._listener.advance(rows)
        seconds = self._clock.estimate(rows, self._remaining)
        if seconds is not None:
            self._listener.estimate(seconds)

    def closed(self, flying: int) -> Evaluated:
        """What came of it, when so many units were still under way."""
        if left := len(self.waiting) + flying:
            self.problem(f"{left} units are left, as no actor is; the same command continues")
        if self.ready:
            self._listener.end()
        keys = self.ready.keys if self.ready else ()
        return Evaluated(keys, tuple(self._problems), tuple(self._remarks))

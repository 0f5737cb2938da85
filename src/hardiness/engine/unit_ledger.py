"""The units of a command that actors evaluate: which wait, which were tried, and which were given up."""

from __future__ import annotations

from collections import deque
from collections.abc import Container, Mapping, Sequence
from contextlib import suppress

from hardiness.core.progress import Clock, Listener
from hardiness.engine.evaluation import EvaluationOutcome
from hardiness.engine.ray_actor import ActorReport, UnitOutcome

ATTEMPTS = 3
"""How often a unit is tried whose actor dies before it is reported as failed."""

SHOWN_IDS = 16
"""How many images of a unit that was given up are named on the terminal."""


def given_up_text(name: str, reason: str, images: Sequence[str]) -> str:
    """One line about a unit that was given up, with the first of its images."""
    more = f" and {len(images) - SHOWN_IDS} more, all in results.json" if len(images) > SHOWN_IDS else ""
    return f"unit {name} was given up: {reason}; its images: {', '.join(images[:SHOWN_IDS])}{more}"


class UnitLedger:
    """The units of one errand, once an actor has listed them, and everything that went wrong.

    Attributes:
        ready: what the first actor said; ``None`` before.
        waiting: names of units that are to be handed out.
        kept: names of units of which an answer was kept: they need nothing more.
        given_up: why, by the name of the unit.
        without: keys of the runs whose model was given up: it raised at three units, and never did not.
    """

    def __init__(self, benchmark: str, listener: Listener) -> None:
        self.ready: ActorReport | None = None
        self.waiting: deque[str] = deque()
        self.kept: set[str] = set()
        self.given_up: dict[str, str] = {}
        self.without: set[str] = set()
        self._benchmark, self._listener = benchmark, listener
        self._attempts: dict[str, int] = {}
        self._sound: set[str] = set()
        self._raised: dict[str, set[str]] = {}
        self._reason = ""  # of the last try that failed
        self._problems: dict[str, None] = {}
        self._remarks: dict[str, None] = {}
        self._clock, self._remaining = Clock(warmup=1), 0

    def problem(self, line: str) -> None:
        """Keep what could not be evaluated, once."""
        self._problems[line] = None

    def remark(self, line: str) -> None:
        """Keep what else a person should know, once."""
        self._remarks[line] = None

    def begin(self, ready: ActorReport) -> None:
        """Take over the first actor's list: benchmark by benchmark, longest units first."""
        self.ready = ready
        self._problems |= dict.fromkeys(ready.problems)
        self._remarks |= dict.fromkeys(ready.remarks)
        self.waiting.extend(sorted(ready.units, key=lambda name: (int(name.partition("-")[0]), -ready.units[name])))
        self._remaining = sum(ready.units.values())
        self._listener.begin(self._benchmark, ready.rows, ready.rows - self._remaining)

    def rows(self, name: str) -> int:
        """The cost of a unit, in image-conditions."""
        assert self.ready is not None, "no unit is handed out before"
        return self.ready.units[name]

    def next(self, idle: bool, under_way: Container[str] = ()) -> str | None:
        """Take the next unit off those that wait; ``None`` where there is none for such an actor.

        A unit at which an actor has failed is for an idle one alone, so that no other is blamed for what it does, and
        for one at a time, so that it ends three actors and not more.
        """
        for name in self.waiting:
            if (idle or not self.is_suspect(name)) and name not in under_way:
                self.waiting.remove(name)
                return name
        return None

    def is_suspect(self, name: str) -> bool:
        """Whether an actor has failed at a unit."""
        return name in self._attempts

    def lost(self, outcome: UnitOutcome) -> dict[str, str]:
        """The errors of models at a unit, by the key of the run, but for those that were given up."""
        return {key: line for key, line in outcome.raised.items() if key not in self.without}

    def retry(self, name: str, reason: str, raised: Mapping[str, str] | None = None) -> None:
        """Count a try that failed; after three the unit waits for somebody to store it as failed.

        Args:
            name: of the unit.
            reason: in one line.
            raised: what models raised, by the key of the run. One that has raised at three units, and at none did not,
                is given up, and its units count as not tried.
        """
        self._reason = f" ({reason})"
        for key, line in (raised or {}).items():
            units = self._raised.setdefault(key, set())
            units.add(name)
            if key not in self._sound and len(units) >= ATTEMPTS:
                self.without.add(key)
                self.problem(line)
                for unit in units:
                    self._attempts.pop(unit, None)
        if raised and set(raised) <= self.without:
            self.waiting.append(name)
            return
        self._attempts[name] = self._attempts.get(name, 0) + 1
        if self._attempts[name] >= ATTEMPTS:
            self.given_up[name] = f"its actor ended {ATTEMPTS} times at it ({reason})"
            self.waiting.appendleft(name)
        else:
            self.waiting.append(name)

    def keep(self, name: str, answer: UnitOutcome | Sequence[str]) -> None:
        """Keep an actor's answer: the outcome of a unit, or, of one that was given up, the ids of its images.

        The first answer counts, where two actors were at a unit.
        """
        if name in self.kept:
            return
        self.kept.add(name)
        with suppress(ValueError):
            self.waiting.remove(name)
        if isinstance(answer, UnitOutcome):
            self._sound |= set(answer.stored)
        else:
            self.problem(given_up_text(name, self.given_up[name], tuple(answer)))
        rows = self.rows(name)
        self._remaining -= rows
        self._listener.advance(rows)
        seconds = self._clock.estimate(rows, self._remaining)
        if seconds is not None:
            self._listener.estimate(seconds)

    def closed(self) -> EvaluationOutcome:
        """The outcome of the errand, which ends here."""
        if self.ready and (missing := len(self.ready.units) - len(self.kept)):
            self.problem(f"{missing} units are left, as no actor is{self._reason}; the same command continues")
        if self.ready:
            self._listener.end()
        keys = self.ready.keys if self.ready else ()
        return EvaluationOutcome(keys, tuple(self._problems), tuple(self._remarks))

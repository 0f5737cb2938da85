"""Leases: who is at work on what, so that nobody does it twice; they save work and decide nothing."""

from __future__ import annotations

import json
import math
import os
import platform
import threading
import time
from collections.abc import Callable, Container, Iterable, Iterator
from contextlib import contextmanager, suppress
from dataclasses import dataclass, field
from typing import Any

from hardiness.core import ArgumentError, StoreError
from hardiness.store.files import Files, Stamp

FOLDER, VERSION = ".leases", "version"

LENGTH_S = "120"
"""How long a lease holds that is not renewed, where HARDINESS_LEASE_S does not say. Another may then begin the same
work, which costs time alone."""

RENEWALS = 3
"""Within the length of a lease, so that two may be lost."""

MOST_DEATHS = 1000
"""That are believed of a lease."""

APART_S = 5.0
"""Clocks that differ by less are not told."""


@dataclass
class Leases:
    """The leases of one output folder.

    Attributes:
        files: of the output folder.
        length_s: how long one taken now holds.
        holder: who takes them.
        now: the clock that they are dated by, in seconds since 1970.
        ahead_s: how far that clock is ahead of the store's, once `join` has compared them; leases are dated by the
            store's, so that machines whose clocks differ agree.
        held: contents of those that this holder has, by name.
        ended: names of those that it has given back, until they are taken away, which nothing waits for.
    """

    files: Files
    length_s: float = field(default_factory=lambda: float(os.environ.get("HARDINESS_LEASE_S", LENGTH_S)))
    holder: str = field(default_factory=lambda: f"{platform.node()}-{os.getpid()}")
    now: Callable[[], float] = time.time
    ahead_s: float = 0.0
    held: dict[str, dict[str, Any]] = field(default_factory=dict)
    ended: set[str] = field(default_factory=set)
    _agreed: set[str] = field(default_factory=set)

    def __post_init__(self) -> None:
        self.readings = Readings(self)

    def join(self, version: str) -> None:
        """Begin to work beside others: the version of all must be one, and clocks are compared.

        Raises:
            ArgumentError: somebody is at work with another version of hardiness; names both.
            StoreError: disk full or no permission.
        """
        path, before = f"{FOLDER}/{VERSION}", self.now()
        if other := self.agree(VERSION, version):
            theirs = other.get("said", other.get("version"))
            raise ArgumentError(
                f"hardiness {theirs} is at work in {self.files.address} ({other.get('holder')}), and this is hardiness "
                f"{version}: install one version on every machine, or wait for its end"
            )
        written, after = self.files.written_s(path), self.now()
        if written is not None and not before - APART_S < written < after + APART_S:
            self.ahead_s = (before + after) / 2 - written
            self.renew()

    def agree(self, name: str, said: str) -> dict[str, Any]:
        """Say what all who are at work must say alike; the lease of another that says otherwise, else nothing.

        Raises:
            StoreError: disk full or no permission.
        """
        self._agreed.add(name)
        return self._hold(
            name,
            {"said": said},
            lambda other: self.readings.left_s(name, other) > 0 and other.get("said") != said,
        )

    def look(self, names: Iterable[str]) -> None:
        """List the leases there are, and read those of some names that are new or have changed since the last look."""
        self.readings.look({*names} - {*self.held})

    def taken(self, name: str, patience_s: float = math.inf) -> bool:
        """Whether another is at that work, as far as the last look told; nothing is asked of the store."""
        return self.readings.hinders(name, self.readings.known(name) or {}, patience_s)

    def take(self, name: str, patience_s: float = math.inf) -> bool:
        """Whether the lease of that name is this holder's now: nobody had it, or it had run out.

        Args:
            name: of the work.
            patience_s: how long another may have been at it. After that this one begins it as well, since it has
                nothing else to do; whoever ends first has done it.

        Raises:
            StoreError: disk full or no permission.
        """
        if self.taken(name, patience_s):
            return False
        since = {"since": self.now() - self.ahead_s}
        return not self._hold(name, since, lambda other: self.readings.hinders(name, other, patience_s))

    def begin(self, name: str) -> None:
        """Date the work of a lease that this holder has by now; others hear of it when leases are next renewed."""
        if name in self.held:
            self.held[name]["since"] = self.now() - self.ahead_s

    def expires_in_s(self, name: str) -> float:
        """Seconds until another's lease runs out, never more than its length; 0 where there is none to be read."""
        known = self.readings.known(name)
        return self.readings.left_s(name, self.readings.read(name) if known is None else known)

    def give_back(self, name: str) -> None:
        """End a lease, where it is this holder's; it is taken away when leases are next renewed, or at the end."""
        if self.held.pop(name, None) is not None:
            self.ended.add(name)

    def renew(self) -> None:
        """Date all that this holder has anew, and take away what it gave back; what fails now runs out in time."""
        for name in tuple(self.held):
            with suppress(StoreError):
                self.files.write(f"{FOLDER}/{name}", self._dated(name))
        self._clear()

    @contextmanager
    def renewed(self) -> Iterator[None]:
        """Within, leases are renewed beside the work, however long it takes."""
        ended = threading.Event()

        def renewing() -> None:
            while not ended.wait(self.length_s / RENEWALS):
                self.renew()

        thread = threading.Thread(target=renewing, name="leases", daemon=True)
        thread.start()
        try:
            yield
        finally:
            ended.set()
            thread.join()
            for name in self._agreed:
                if self.readings.read(name).get("holder") != self.holder:
                    self.held.pop(name, None)  # others are at work, and renew it
            for name in tuple(self.held):
                self.give_back(name)
            self._clear()

    def _clear(self) -> None:
        names = tuple(self.ended)
        with suppress(StoreError):
            self.files.remove_all([f"{FOLDER}/{name}" for name in names])
            self.ended.difference_update(names)

    def _hold(self, name: str, said: dict[str, Any], hindered: Callable[[dict[str, Any]], bool]) -> dict[str, Any]:
        """Make a lease this holder's; what the one says that hinders it, else nothing."""
        self.held[name], was_given_back = said, name in self.ended
        self.ended.discard(name)
        if not self.files.create(f"{FOLDER}/{name}", self._dated(name)):
            other = self.readings.read(name)
            if hindered(other):
                del self.held[name]
                return other
            said["deaths"] = 0 if was_given_back else _deaths(other, self.readings.left_s(name, other))
            self.files.write(f"{FOLDER}/{name}", self._dated(name))
        return {}

    def _dated(self, name: str) -> bytes:
        until = self.now() - self.ahead_s + self.length_s
        return json.dumps({"holder": self.holder, "until": until, **self.held.get(name, {})}).encode()


class Readings:
    """What leases say, as far as they were read; one that has not changed is not read again."""

    def __init__(self, leases: Leases) -> None:
        self._leases = leases
        self._first: dict[str, tuple[float, float]] = {}
        self._listed: dict[str, Stamp] = {}
        self._seen: dict[str, tuple[Stamp, dict[str, Any]]] = {}

    def look(self, names: Container[str]) -> None:
        """List the leases, and read those of some names that are new or have changed."""
        listed = self._leases.files.listed(FOLDER)
        self._listed = {path.removeprefix(f"{FOLDER}/"): stamp for path, stamp in listed.items()}
        self._seen = {name: seen for name, seen in self._seen.items() if self._listed.get(name) == seen[0]}
        changed = [f"{FOLDER}/{name}" for name in self._listed if name in names and name not in self._seen]
        for path, content in self._leases.files.read_all(changed).items():
            self._keep(path.removeprefix(f"{FOLDER}/"), content)

    def known(self, name: str) -> dict[str, Any] | None:
        """What a lease said when it was last read; ``None`` where it was not since it changed."""
        return self._seen[name][1] if name in self._seen else None

    def read(self, name: str) -> dict[str, Any]:
        """What a lease says now; nothing where there is none or it is damaged."""
        return self._keep(name, self._leases.files.read(f"{FOLDER}/{name}"))

    def hinders(self, name: str, other: dict[str, Any], patience_s: float) -> bool:
        """Whether what a lease says keeps others from its work: it holds, and not for longer than that."""
        at_it_s = self._leases.now() - self._leases.ahead_s - _number(other.get("since"))
        return self.left_s(name, other) > 0 and not at_it_s > patience_s

    def left_s(self, name: str, found: dict[str, Any]) -> float:
        """Until what a lease says, or its length after it was first seen here to say so, however far a clock is off."""
        if found.get("holder") in (None, self._leases.holder):
            return 0.0
        until, now = _number(found.get("until")), self._leases.now()
        before, first = self._first.get(name, (until, now))
        self._first[name] = (until, first if before == until else now)
        return max(0.0, min(until - (now - self._leases.ahead_s), self._leases.length_s - (now - self._first[name][1])))

    def _keep(self, name: str, content: bytes | None) -> dict[str, Any]:
        try:
            found = json.loads(content or b"{}")
        except ValueError:
            found = {}
        said = found if isinstance(found, dict) else {}
        if name in self._listed:
            self._seen[name] = (self._listed[name], said)
        return said


def _number(found: Any) -> float:
    """A number that a lease holds; 0 where it holds something else."""
    return float(found) if isinstance(found, int | float) and not math.isnan(found) else 0.0


def deaths(leases: Leases, name: str) -> int:
    """How many processes have ended while they held that lease, as of the last look; 0 where nobody has it."""
    if name in leases.held:
        return int(leases.held[name].get("deaths", 0))
    found = None if name in leases.ended else leases.readings.known(name)
    return 0 if found is None else _deaths(found, leases.readings.left_s(name, found))


def _deaths(found: dict[str, Any], left_s: float) -> int:
    """The deaths that a lease tells of, and that of its holder where it has let it run out."""
    told = min(max(_number(found.get("deaths")), 0), MOST_DEATHS)
    return int(told) + (bool(found.get("holder")) and left_s <= 0)

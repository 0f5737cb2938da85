"""A cluster that exists in virtual time alone: a store with latency and refusals, workers that only pass the time.

What hands units out is the real code: `hardiness.engine.shared` and `hardiness.store.Leases`. What a worker
asks of the store besides is what the real one asks, counted: `tests/scale/test_requests.py` holds it to these numbers.
"""

from __future__ import annotations

import random
from collections.abc import Generator, Iterable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field

from hardiness.core import Share
from hardiness.engine.plan import LAST_UNITS, PIECES
from hardiness.engine.shared import shared
from hardiness.store import Leases
from hardiness.store.files import AT_ONCE as WRITING
from hardiness.store.files import THREADS as ASKING
from hardiness.store.leases import RENEWALS
from virtual_time import VirtualTime

PAGE = 1000
"""Names that one request of a listing gives."""

FIRST_REST_S = 0.25


class KilledError(Exception):
    """A worker was ended with SIGKILL: it gives nothing back."""


@dataclass(frozen=True)
class Conditions:
    """What a cluster is like.

    Attributes:
        latency_s: of one request of the store, in the median.
        refused: share of requests that are refused for the moment and asked again.
        stragglers: share of workers that take `straggling` times as long.
        straggling: how much longer.
        killed_every_s: how long a worker lives on average; 0 for ever.
        back_after_s: until it is started again.
        load_s: from the start of a worker to its first request of the store: imports, models.
        spread_s: over how long the first starts are spread.
        jitter: standard deviation of the logarithm of one unit's time.
        models: that a unit is for; each has a run of its own, and a file a unit.
        piece: time of one of the `PIECES` of a unit, as a share of the unit's.
    """

    latency_s: float = 0.03
    refused: float = 0.0
    stragglers: float = 0.0
    straggling: float = 3.0
    killed_every_s: float = 0.0
    back_after_s: float = 60.0
    load_s: float = 30.0
    spread_s: float = 0.0
    jitter: float = 0.1
    models: int = 20
    piece: float = 1 / PIECES


@dataclass
class VirtualFiles:
    """As `hardiness.store.files.Files`, as far as leases and units need it; each request takes its time."""

    time: VirtualTime
    conditions: Conditions
    random: random.Random
    files: dict[str, tuple[bytes, float]] = field(default_factory=dict)
    requests: int = 0
    address: str = "virtual://"
    waits: bool = True

    @contextmanager
    def beside(self) -> Iterator[None]:
        """Within, requests take no time of the worker: another thread of it makes them."""
        before, self.waits = self.waits, False
        yield
        self.waits = before

    def listed(self, folder: str, after: str = "") -> Mapping[str, tuple[int, str]]:
        """Every file below a folder."""
        now = self.time.now()
        found = {
            path: (len(content), str(at))
            for path, (content, at) in self.files.items()
            if path.startswith(folder) and at <= now
        }
        for _ in range(1 + len(found) // PAGE):
            self.ask()
        return found

    def read_all(self, paths: Sequence[str]) -> Mapping[str, bytes | None]:
        """All bytes of several files."""
        self.ask(len(paths))
        return {path: self.files[path][0] if path in self.files else None for path in paths}

    def read(self, path: str) -> bytes | None:
        """All bytes of a file."""
        self.ask()
        return self.files[path][0] if path in self.files else None

    def write(self, path: str, content: bytes) -> None:
        """Put a file there."""
        self.ask()
        self.files[path] = (content, self.time.now())

    def create(self, path: str, content: bytes) -> bool:
        """Put a file there unless there is one."""
        self.ask()
        if path in self.files:
            return False
        self.files[path] = (content, self.time.now())
        return True

    def has(self, path: str) -> bool:
        """Whether there is a file."""
        self.ask()
        return path in self.files and self.files[path][1] <= self.time.now()

    def stamp(self, path: str) -> tuple[int, str] | None:
        """Size and moment of a file."""
        self.ask()
        found = self.files.get(path)
        return (len(found[0]), str(found[1])) if found else None

    def written_s(self, path: str) -> float | None:
        """When a file was written."""
        self.ask()
        return self.files[path][1] if path in self.files else None

    def move(self, path: str, to: str) -> None:
        """Give a file another path."""
        self.ask()
        if path in self.files:
            self.files[to] = self.files.pop(path)

    def remove(self, path: str) -> None:
        """Take a file away."""
        self.ask()
        self.files.pop(path, None)

    def remove_all(self, paths: Sequence[str]) -> None:
        """Take several files away."""
        self.ask(len(paths))
        for path in paths:
            self.files.pop(path, None)

    def put_beside(self, path: str, parts: int, dies_at: float) -> float:
        """Begin to put the files of a unit, several at a time, while the worker goes on; when they will be there."""
        there = self.time.now() + self._lasts(parts, WRITING)
        _, before = self.files.get(path, (b"", float("inf")))
        if there < min(before, dies_at):
            self.files[path] = (b"", there)
        return there

    def ask(self, count: int = 1) -> None:
        """Wait for so many requests, many at a time."""
        if self.waits:
            self.time.sleep(self._lasts(count, ASKING))

    def _lasts(self, count: int, threads: int) -> float:
        """Seconds of so many requests on so many threads."""
        self.requests += count
        ends = [0.0] * max(1, min(threads, count))
        for number in range(count):
            ends[number % len(ends)] += self._one()
        return max(ends)

    def _one(self) -> float:
        seconds, rest = 0.0, FIRST_REST_S
        while True:
            seconds += self.conditions.latency_s * self.random.lognormvariate(0, 0.5)
            if self.random.random() >= self.conditions.refused:
                return seconds
            seconds += rest
            rest *= 2


@dataclass(eq=False)
class VirtualUnit:
    """A unit, or a piece of one, that takes so many seconds."""

    name: str
    index: int
    seconds: float
    files: VirtualFiles
    rows: int
    parts: int
    last: bool = False
    there_s: float = float("inf")

    @property
    def path(self) -> str:
        """Stands for the files of its models."""
        return f"records/{self.name}"

    @property
    def stored(self) -> bool:
        """Whether somebody has stored it: one model's file is looked for, and where it is there those of the others."""
        if not self.files.has(self.path):
            return False
        self.files.ask(self.parts - 1)
        return True

    @property
    def done(self) -> bool:
        """Whether this worker has stored it."""
        return self.there_s <= self.files.time.now()


def units_of(times: Sequence[float], share: Share, files: VirtualFiles) -> list[VirtualUnit]:
    """All units, the last of them in pieces, as `hardiness.engine.plan.with_pieces` cuts them."""
    conditions, found = files.conditions, []
    for index, seconds in enumerate(times):
        if index < len(times) - LAST_UNITS * share.count:
            found.append(VirtualUnit(f"{index:06d}", index, seconds, files, PIECES, conditions.models))
            continue
        parts = -(-conditions.models // PIECES)
        found += [
            VirtualUnit(f"{index:06d}.{piece}", index, seconds * conditions.piece, files, 1, parts, last=True)
            for piece in range(PIECES)
        ]
    return found


@dataclass
class VirtualWorker:
    """One life of a worker, as `hardiness.engine.shared.Working`.

    Attributes:
        dies_at: when it is killed.
        spent: (from, to) of each piece of computing, for the account.
    """

    time: VirtualTime
    files: VirtualFiles
    leases: Leases
    times: Sequence[float]
    share: Share
    pace: float
    dies_at: float
    spent: list[tuple[float, float]] = field(default_factory=list)

    def units(self) -> Iterator[VirtualUnit]:
        """What the listing lacks, after all that a worker asks of the store before it."""
        models = self.files.conditions.models
        self.files.ask(1)  # which runs there are
        self.files.ask(2 * models)  # what each is of
        every = units_of(self.times, self.share, self.files)
        stored = {*every} - {*self.left(every)}
        self.files.ask(sum(unit.parts for unit in stored if self.share.owns(unit.index)))  # its own shards' files
        left = self.left(every)
        self.files.ask(models)  # pictures that are kept beside records
        return iter(left)

    def left(self, every: Sequence[VirtualUnit]) -> list[VirtualUnit]:
        """What the listing lacks of these; each model's run is listed from the first of them, many at a time."""
        first = min((unit.name for unit in every), default="")
        with self.files.beside():
            listed = self.files.listed("records/")
        for _ in range(1 + sum(path > f"records/{first}" for path in listed) // PAGE):
            self.files.ask(self.files.conditions.models)
        return [unit for unit in every if unit.path not in listed]

    def ahead(self, units: Iterator[VirtualUnit]) -> Generator[VirtualUnit, None, None]:
        """Each unit is looked for while the one before it is evaluated, which takes longer."""
        coming = next(units, None)
        while (unit := coming) is not None:
            with self.files.beside():
                coming = next(units, None)
            yield unit

    def run(self, given: Iterable[VirtualUnit], missing: int) -> None:
        """Pass the time of each unit, renewing leases on the way as the real worker's thread does; then store it."""
        there_s = self.time.now()
        for unit in given:
            begin, left = self.time.now(), unit.seconds * self.pace
            while left > 0:
                step = min(left, self.leases.length_s / RENEWALS)
                if self.time.now() + step > self.dies_at:
                    self.time.sleep(self.dies_at - self.time.now())
                    self.leases.held.clear()
                    raise KilledError
                self.time.sleep(step)
                left -= step
                if left > 0:
                    with self.files.beside():
                        self.leases.renew()
            self.spent.append((begin, self.time.now()))
            there_s = unit.there_s = self.files.put_beside(unit.path, unit.parts, self.dies_at)
        self.time.sleep(there_s - self.time.now())

    def give_up(self, unit: VirtualUnit, reason: str) -> None:
        """Store it, as a unit at which processes have died again and again is."""
        self.files.write(unit.path, b"")


@dataclass(frozen=True)
class Outcome:
    """What became of a run.

    Attributes:
        seconds: from the first start until every unit is stored.
        useful_s: seconds that all units take on workers of the usual pace.
        capacity: workers, each counted by its pace.
        busy_s: seconds in which workers computed.
        requests: of the store.
        twice: units that were computed more than once.
        last_minutes: share of worker time spent computing in the last five minutes.
    """

    seconds: float
    useful_s: float
    capacity: float
    busy_s: float
    requests: int
    twice: int
    last_minutes: float

    @property
    def efficiency(self) -> float:
        """The time that the work takes at least, over the time that it took."""
        return self.useful_s / self.capacity / self.seconds


def simulated(times: Sequence[float], workers: int, conditions: Conditions, seed: int = 0) -> Outcome:
    """The outcome of a run whose units take so many seconds, on so many workers."""
    time, chance = VirtualTime(), random.Random(seed)
    files = VirtualFiles(time, conditions, random.Random(seed + 1))
    paces = [conditions.straggling if i < round(conditions.stragglers * workers) else 1.0 for i in range(workers)]
    chance.shuffle(paces)
    spent: list[tuple[float, float]] = []
    tasks = []
    for index in range(workers):
        luck = random.Random(f"{seed} {index}")
        tasks.append(lambda i=index, luck=luck: _live(Share(i, workers), luck, time, files, times, paces[i], spent))
    time.run(tasks)
    end = max(at for path, (_, at) in files.files.items() if path.startswith("records/"))
    window = min(300.0, end)
    late = sum(max(0.0, min(to, end) - max(begin, end - window)) for begin, to in spent)
    return Outcome(
        seconds=end,
        useful_s=sum(times),
        capacity=sum(1 / pace for pace in paces),
        busy_s=sum(to - begin for begin, to in spent),
        requests=files.requests,
        twice=len(spent) - len(units_of(times, Share(0, workers), files)),
        last_minutes=late / (window * workers),
    )


def _live(
    share: Share,
    luck: random.Random,
    time: VirtualTime,
    files: VirtualFiles,
    times: Sequence[float],
    pace: float,
    spent: list[tuple[float, float]],
) -> None:
    """A worker that is started again each time it is killed, until nothing is missing."""
    conditions = files.conditions
    time.sleep(luck.uniform(0, conditions.spread_s))
    for life in range(1000):
        lives_s = luck.expovariate(1 / conditions.killed_every_s) if conditions.killed_every_s else float("inf")
        leases = Leases(files, holder=f"{share} {life}", now=time.now)
        worker = VirtualWorker(time, files, leases, times, share, pace, time.now() + conditions.load_s + lives_s, spent)
        time.sleep(conditions.load_s)
        try:
            shared([worker], share, leases, time.sleep, worker.ahead)
        except KilledError:
            time.sleep(conditions.back_after_s)
            continue
        return

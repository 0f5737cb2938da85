"""A cluster that exists in virtual time alone: a store with latency and refusals, workers that only pass the time.

What hands units out is the real code, `hardiness.engine.shared`. What a worker asks of the store is what the real one
asks, counted: `tests/scale/test_requests.py` holds it to these numbers.
"""

from __future__ import annotations

import heapq
import itertools
import random
import threading
from collections.abc import Callable, Generator, Iterable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field

from hardiness.core.request import Share
from hardiness.engine.shared import shared
from hardiness.store.object_files import AT_ONCE as WRITING
from hardiness.store.parallel import THREADS as ASKING

PAGE = 1000
"""Names that one request of a listing gives."""

FIRST_REST_S = 0.25


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


class KilledError(Exception):
    """A worker was ended with SIGKILL."""


@dataclass(frozen=True)
class Conditions:
    """What a cluster is like.

    Attributes:
        latency_s: of one request of the store, in the median.
        refused: share of requests that are refused for the moment and asked again.
        late_s: how long a listing lacks what was put.
        stragglers: share of workers that take `straggling` times as long.
        straggling: how much longer.
        killed_every_s: how long a worker lives on average; 0 for ever.
        back_after_s: until it is started again.
        load_s: from the start of a worker to its first request of the store: imports, models.
        spread_s: over how long the first starts are spread.
        models: that a unit is for; each has a run of its own, and a file a unit.
    """

    latency_s: float = 0.03
    refused: float = 0.0
    late_s: float = 0.0
    stragglers: float = 0.0
    straggling: float = 3.0
    killed_every_s: float = 0.0
    back_after_s: float = 60.0
    load_s: float = 30.0
    spread_s: float = 0.0
    models: int = 20


@dataclass
class VirtualFiles:
    """A store as far as units need it: when each unit's files were there; each request takes its time."""

    time: VirtualTime
    conditions: Conditions
    random: random.Random
    there_s: dict[int, float] = field(default_factory=dict)
    requests: int = 0
    waits: bool = True

    @contextmanager
    def beside(self) -> Iterator[None]:
        """Within, requests take no time of the worker: another thread of it makes them."""
        before, self.waits = self.waits, False
        yield
        self.waits = before

    def has(self, index: int) -> bool:
        """Whether a unit's files are there, without a request."""
        return self.there_s.get(index, float("inf")) <= self.time.now()

    def listed(self, first: int) -> Mapping[int, float]:
        """The units from the first on whose files a listing shows; each model's run is listed, many at a time."""
        seen_s = self.time.now() - self.conditions.late_s
        found = {index: at for index, at in self.there_s.items() if index >= first and at <= seen_s}
        for _ in range(1 + len(found) // PAGE):
            self.ask(self.conditions.models)
        return found

    def put_beside(self, index: int, dies_at: float) -> float:
        """Begin to put the files of a unit, several at a time, while the worker goes on; when they will be there."""
        there = self.time.now() + self.lasts(self.conditions.models, WRITING)
        if there < min(self.there_s.get(index, float("inf")), dies_at):
            self.there_s[index] = there
        return there

    def ask(self, count: int = 1) -> None:
        """Wait for so many requests, many at a time."""
        lasts = self.lasts(count)
        if self.waits:
            self.time.sleep(lasts)

    def lasts(self, count: int, threads: int = ASKING) -> float:
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
    """A unit that takes so many seconds."""

    index: int
    seconds: float
    files: VirtualFiles
    rows: int = 1
    there_s: float = float("inf")

    @property
    def stored(self) -> bool:
        """Whether somebody has stored it: one model's file is looked for, and where it is there those of the others."""
        self.files.ask()
        if not self.files.has(self.index):
            return False
        self.files.ask(self.files.conditions.models - 1)
        return True

    @property
    def done(self) -> bool:
        """Whether this worker has stored it."""
        return self.there_s <= self.files.time.now()


@dataclass
class VirtualWorker:
    """One life of a worker, as `hardiness.engine.shared.UnitWorker`.

    Attributes:
        dies_at: when it is killed.
        spent: (from, to) of each piece of computing, for the account.
    """

    time: VirtualTime
    files: VirtualFiles
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
        own = sum(self.share.owns(index) for index in self.files.listed(0))
        self.files.ask(own * models)  # its own shards' files
        every = [VirtualUnit(index, seconds, self.files) for index, seconds in enumerate(self.times)]
        left = self.left(every)
        self.files.ask(models)  # pictures that are kept beside records
        return iter(left)

    def left(self, every: Sequence[VirtualUnit]) -> list[VirtualUnit]:
        """What the listing lacks of these."""
        if not every:
            return []
        listed = self.files.listed(min(unit.index for unit in every))
        return [unit for unit in every if unit.index not in listed]

    def ahead(self, units: Iterator[VirtualUnit]) -> Generator[VirtualUnit, None, None]:
        """Each unit is looked for while the one before it is evaluated, which takes longer."""
        coming = next(units, None)
        while (unit := coming) is not None:
            with self.files.beside():
                coming = next(units, None)
            yield unit

    def run(self, given: Iterable[VirtualUnit], missing: int) -> None:
        """Pass the time of each unit, then store it."""
        there_s = self.time.now()
        for unit in given:
            begin, lasts = self.time.now(), unit.seconds * self.pace
            if begin + lasts > self.dies_at:
                self.time.sleep(self.dies_at - begin)
                raise KilledError
            self.time.sleep(lasts)
            self.spent.append((begin, self.time.now()))
            there_s = unit.there_s = self.files.put_beside(unit.index, self.dies_at)
        self.time.sleep(there_s - self.time.now())


@dataclass(frozen=True)
class Outcome:
    """What became of a run.

    Attributes:
        seconds: from the first start until every unit is stored.
        last_s: from the first start until the last worker has ended.
        useful_s: seconds that all units take on workers of the usual pace.
        capacity: workers, each counted by its pace.
        busy_s: seconds in which workers computed.
        requests: of the store.
        twice: units that were computed more than once.
    """

    seconds: float
    last_s: float
    useful_s: float
    capacity: float
    busy_s: float
    requests: int
    twice: int

    @property
    def efficiency(self) -> float:
        """The time that the work takes at least, over the time that it took."""
        return self.useful_s / self.capacity / self.seconds


def paces_of(workers: int, conditions: Conditions, chance: random.Random) -> list[float]:
    """How many times as long as usual each worker takes."""
    slow = round(conditions.stragglers * workers)
    paces = [conditions.straggling] * slow + [1.0] * (workers - slow)
    chance.shuffle(paces)
    return paces


def simulated(times: Sequence[float], workers: int, conditions: Conditions, seed: int = 0) -> Outcome:
    """The outcome of a run whose units take so many seconds, on so many workers that share a store."""
    time = VirtualTime()
    files = VirtualFiles(time, conditions, random.Random(seed + 1))
    paces = paces_of(workers, conditions, random.Random(seed))
    spent: list[tuple[float, float]] = []
    tasks = []
    for index in range(workers):
        luck = random.Random(f"{seed} {index}")
        tasks.append(lambda i=index, luck=luck: _live(Share(i, workers), luck, time, files, times, paces[i], spent))
    time.run(tasks)
    return Outcome(
        seconds=max(files.there_s.values()),
        last_s=time.now(),
        useful_s=sum(times),
        capacity=sum(1 / pace for pace in paces),
        busy_s=sum(to - begin for begin, to in spent),
        requests=files.requests,
        twice=len(spent) - len(times),
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
    while True:
        lives_s = luck.expovariate(1 / conditions.killed_every_s) if conditions.killed_every_s else float("inf")
        worker = VirtualWorker(time, files, times, share, pace, time.now() + conditions.load_s + lives_s, spent)
        time.sleep(conditions.load_s)
        try:
            shared([worker], share, ahead=worker.ahead)
            return
        except KilledError:
            time.sleep(conditions.back_after_s)

"""The only loop: shard → missing rows → photographs decoded once → batches → every model → records → store."""

from __future__ import annotations

from collections import deque
from collections.abc import Iterable, Iterator, Sequence
from concurrent.futures import Future, ThreadPoolExecutor
from dataclasses import dataclass, field

from hardiness.core import (
    Benchmark,
    Canvas,
    Clock,
    Condition,
    DataSet,
    Failure,
    HardinessError,
    Listener,
    Records,
    Request,
    SampleError,
    Unreadable,
)
from hardiness.data import limited
from hardiness.data.prefetching import ordered
from hardiness.engine.exhibits import exhibit
from hardiness.engine.forward import Row, classify
from hardiness.engine.jobs import Job, Pictures
from hardiness.engine.saving import Gallery
from hardiness.engine.shard_records import settled
from hardiness.engine.task import Task, automatic_batch_size, condition_indices, labels_for
from hardiness.engine.transfer import Decoded, Surrogate
from hardiness.engine.whitebox import Attacker
from hardiness.models import Classifier, keep_freed_memory, return_freed_memory
from hardiness.store import Row as Work
from hardiness.store import Store

FORWARD_THREADS = 2
"""Batches in a model at one time: one computes while the next is stacked, normalised and sent. Attacks use all cores
for one batch, and two would wait for each other after every layer."""

AHEAD_PICTURES = 64
"""Pictures held between decoding and the models: enough to ride out a slow photograph, 10 MB on the 224 canvas."""


@dataclass
class Shard:
    """One model's part of one shard: its work, the rows waiting for a batch, and the outcomes."""

    task: Task
    index: int
    work: list[Work]
    waiting: list[Row] = field(default_factory=list)
    outcomes: list[Records] = field(default_factory=list)
    in_flight: int = 0
    closed: bool = False

    def __post_init__(self) -> None:
        self.wanted = frozenset(self.work)


@dataclass
class Session:
    """The state of one benchmark's evaluation; `evaluate.evaluate` is its only user."""

    benchmark: Benchmark
    data: DataSet
    tasks: Sequence[Task]
    request: Request
    store: Store
    listener: Listener
    surrogate: Classifier | None = None

    def __post_init__(self) -> None:
        self.conditions, self.asked = condition_indices(self.benchmark, self.data)
        self.index_of = {condition: index for index, condition in enumerate(self.conditions)}
        self.canvases: tuple[Canvas, ...] = tuple(dict.fromkeys(task.canvas for task in self.tasks))
        chosen = limited(self.data.items, self.request.limit, self.request.seed)
        self.items = {item.id: item for item in chosen}
        self.open: dict[int, list[Shard]] = {}
        self.flying: deque[tuple[Shard, int, Future[Records]]] = deque()
        self.clock = Clock(warmup=len(self.tasks))
        self.gallery = Gallery(self.store.folder / "images" / self.benchmark.name) if self.request.save_images else None
        plan = self.benchmark.attack
        self.attacker = (
            Attacker(self.benchmark, plan, self.conditions, self.request.seed, self.gallery)
            if plan and self.surrogate is None
            else None
        )

    def run(self) -> None:
        """Evaluate what is missing; finished shards are stored as they end, whatever happens to the rest."""
        total = len(self.items) * len(self.asked) * len(self.tasks)
        self.remaining = sum(len(shard.work) for shards in self._shards() for shard in shards)
        self.listener.begin(self.benchmark.name, total, total - self.remaining)
        pictures = self.benchmark.frames if self.benchmark.frames > 1 else len(self.asked)
        ahead = max(self.request.workers + 1, AHEAD_PICTURES // max(1, pictures))
        if self.remaining:
            exhibit(self.benchmark, self.items.values(), self.request.seed, [task.stored for task in self.tasks])
        decoded = ordered(self._expand, self._jobs(), self.request.workers, ahead)
        if self.benchmark.attack:
            keep_freed_memory()
        forwards = ThreadPoolExecutor(1 if self.attacker else FORWARD_THREADS, thread_name_prefix="forward")
        try:
            for job, outcome in self._transferred(decoded):
                self._hand_out(job, outcome, forwards)
            while self.flying:
                self._land()
        finally:
            decoded.close()
            forwards.shutdown(wait=True, cancel_futures=True)
            self.listener.end()

    def _shards(self) -> Iterator[list[Shard]]:
        """For each shard with missing rows, the part of each model that misses some; made as they are needed."""
        samples, size = list(self.items), self.benchmark.shard_items
        stored = [task.stored.files() for task in self.tasks]
        for index, start in enumerate(range(0, len(samples), size)):
            wanted = [(sample, condition) for sample in samples[start : start + size] for condition in self.asked]
            parts = [
                Shard(task, index, work)
                for task, files in zip(self.tasks, stored, strict=True)
                if task.error is None and (work := task.stored.missing(index, wanted, files))
            ]
            if parts:
                yield parts

    def _jobs(self) -> Iterator[Job]:
        for shards in self._shards():
            self.open[shards[0].index] = shards
            needed: dict[str, set[int]] = {}
            for sample, condition in (row for shard in shards for row in shard.work):
                needed.setdefault(sample, set()).add(condition)
            jobs = [
                (sample, part)
                for sample, conditions in needed.items()
                for part in self._apart(tuple(sorted(conditions)))
            ]
            for position, (sample, part) in enumerate(jobs, start=1):
                yield Job(shards[0].index, self.items[sample], part, position == len(jobs))

    def _apart(self, conditions: tuple[int, ...]) -> list[tuple[int, ...]]:
        """The conditions of one item as one job, or, where each is a sequence, as a job each."""
        return [conditions] if self.benchmark.frames == 1 else [(condition,) for condition in conditions]

    def _expand(self, job: Job) -> Pictures | SampleError:
        conditions = [self.conditions[index] for index in job.conditions]
        if self.benchmark.attack:
            conditions = [Condition()]
        try:
            return list(self.benchmark.expand(job.item, conditions, self.canvases, self.request.seed))
        except SampleError as error:
            return error

    def _transferred(self, decoded: Iterable[Decoded]) -> Iterable[Decoded]:
        """What was decoded, or, where a surrogate is attacked, its adversarial pictures."""
        plan = self.benchmark.attack
        if plan is None or self.surrogate is None:
            return decoded
        size = automatic_batch_size(self.surrogate, self.surrogate.feed().input_px)
        labels = labels_for(self.surrogate, self.data)
        surrogate = Surrogate(self.surrogate, plan, self.conditions, self.request.seed, size, labels, self.gallery)
        return surrogate.transferred(decoded)

    def _hand_out(self, job: Job, outcome: Pictures | SampleError, forwards: ThreadPoolExecutor) -> None:
        """Give one item's pictures to every model that misses them, and batches to the forward threads."""
        for shard in self.open[job.shard]:
            if isinstance(outcome, SampleError):
                self._fail(shard, job.item.id, job.conditions, str(outcome))
            else:
                self._queue(shard, job, outcome)
            self._launch(shard, forwards, flush=job.ends_shard)
        if job.ends_shard:
            for shard in self.open.pop(job.shard):
                shard.closed = True
                self._store_if_done(shard)

    def _fail(self, shard: Shard, sample: str, conditions: Sequence[int], reason: str) -> None:
        missed = tuple(condition for condition in conditions if (sample, condition) in shard.wanted)
        if missed:
            shard.outcomes.append(Records({}, (Failure(sample, reason, missed),)))
            self._advance(len(missed))

    def _queue(self, shard: Shard, job: Job, pictures: Pictures) -> None:
        slot = self.canvases.index(shard.task.canvas)
        label = int(shard.task.labels[job.item.label])
        for picture in pictures:
            if self.attacker and not isinstance(picture, Unreadable):
                wanted = tuple(index for index in job.conditions if (job.item.id, index) in shard.wanted)
                shard.waiting.append(Row(job.item.id, wanted, 0, label, picture.images[slot]))
                continue
            index = self.index_of[picture.condition]
            if isinstance(picture, Unreadable):
                self._fail(shard, job.item.id, [index], picture.reason)
            elif (job.item.id, index) in shard.wanted:
                image = picture.images[slot]
                shard.waiting.append(Row(job.item.id, (index,), picture.frame, label, image, picture.facts))

    def _launch(self, shard: Shard, forwards: ThreadPoolExecutor, flush: bool) -> None:
        task, size = shard.task, shard.task.batch_size
        while len(shard.waiting) >= size or (flush and shard.waiting):
            batch, shard.waiting = shard.waiting[:size], shard.waiting[size:]
            if task.error is not None:
                continue
            while len(self.flying) > FORWARD_THREADS:
                self._land()
            shard.in_flight += 1
            future = forwards.submit(self._evaluate, task, batch)
            # A sequence is one condition of one image: it is counted with its first frame.
            self.flying.append((shard, sum(len(row.conditions) for row in batch if row.frame == 0), future))

    def _evaluate(self, task: Task, batch: Sequence[Row]) -> Records:
        if self.attacker:
            return self.attacker.records(task.classifier, task.feed, batch)
        return classify(task.classifier, self.benchmark, task.feed, batch)

    def _land(self) -> None:
        """Wait for the oldest batch and keep its outcome; a model that fails is given up, the others go on."""
        shard, size, future = self.flying.popleft()
        shard.in_flight -= 1
        try:
            shard.outcomes.append(future.result())
        except HardinessError as error:
            shard.task.error = shard.task.error or str(error)
        self._advance(size)
        self._store_if_done(shard)

    def _store_if_done(self, shard: Shard) -> None:
        if shard.closed and not shard.in_flight and shard.task.error is None and shard.outcomes:
            records = settled(shard.outcomes)
            shard.task.stored.write(shard.index, shard.work, records)
            shard.task.computed += len(records)
            shard.outcomes = []
            return_freed_memory()

    def _advance(self, rows: int) -> None:
        self.remaining -= rows
        self.listener.advance(rows)
        seconds = self.clock.estimate(rows, self.remaining)
        if seconds is not None:
            self.listener.estimate(seconds)

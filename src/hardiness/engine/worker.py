"""The only loop: a unit's photographs are decoded once, go in batches through every model, and become records."""

from __future__ import annotations

import math
import time
from collections import deque
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from concurrent.futures import Future, ThreadPoolExecutor
from contextlib import suppress
from dataclasses import dataclass
from functools import cached_property, partial

import numpy as np

from hardiness.benchmarks.imagenet_p import strips
from hardiness.core.attack_plan import AttackPlan
from hardiness.core.benchmark import Benchmark, DataSet, Item, PictureFault
from hardiness.core.condition import Condition
from hardiness.core.errors import DeviceError, RefusedModelError, SampleError, StoreError, line_of
from hardiness.core.fact import error_of
from hardiness.core.memory import keep_freed_memory, return_freed_memory
from hardiness.core.model import Canvas, WholePicture
from hardiness.core.process import ordered
from hardiness.core.progress import Clock, Listener
from hardiness.core.request import Request
from hardiness.core.table import Failure, Records
from hardiness.data.items import limited
from hardiness.engine.attack import Attacker
from hardiness.engine.batch import CutShortError, QueuedPicture, classify, join_records
from hardiness.engine.batch_sizes import automatic_batch_size
from hardiness.engine.ensemble import Ensemble
from hardiness.engine.label_map import labels_for
from hardiness.engine.listing import StoredWork, uncovered
from hardiness.engine.members import Members
from hardiness.engine.plan import units
from hardiness.engine.saved_pictures import SavedPictures
from hardiness.engine.selection import conditions_by_sample
from hardiness.engine.tasks import Task, condition_indices, takes_whole_pictures
from hardiness.engine.transfer import Decoded, SurrogateAttack, SurrogatePictures
from hardiness.engine.unit import Job, Pictures, Unit, UnitPart
from hardiness.engine.whole_pictures import batch_length, whole_expansions
from hardiness.imaging.codecs import png
from hardiness.models.chat.model import ClosedQuestionModel
from hardiness.models.classifier import Classifier
from hardiness.models.failures import refuse_lost_device
from hardiness.store.parallel import in_parallel
from hardiness.store.run import StoredRun
from hardiness.store.store import Store

AHEAD = 64
"""Files that may wait; then the models do, so that a store which is too slow fills no memory."""

BATCHES_BESIDE = 1
"""Batches that are stacked, normalised and sent, or whose answers become records, while each stream of a runtime
computes one: of small pictures a batch is all that a stream computes at a time."""

AHEAD_PICTURES = 64
"""Pictures held between decoding and the models: enough to ride out a slow photograph, 10 MB on the 224 canvas. Where a
batch is larger, that of a GPU, one batch."""


class StorageQueue:
    """Work that ends in files, beside the models; what goes wrong is raised where the next piece is handed over.

    Args:
        threads: files that are on their way at one time.
    """

    def __init__(self, threads: int) -> None:
        self._threads = ThreadPoolExecutor(threads, thread_name_prefix="store")
        self._waiting: deque[Future[None]] = deque()

    def put(self, work: Callable[[], None]) -> None:
        """Begin a piece of work, or wait until one of the earlier ones has ended.

        Raises:
            StoreError: an earlier piece failed.
        """
        while self._waiting and (self._waiting[0].done() or len(self._waiting) >= AHEAD):
            self._waiting.popleft().result()
        self._waiting.append(self._threads.submit(work))

    def finish(self) -> None:
        """Wait for everything.

        Raises:
            StoreError: a piece failed.
        """
        while self._waiting:
            self._waiting.popleft().result()

    def close(self) -> None:
        """Let what was handed over end, whatever became of the rest: it is finished work."""
        self._threads.shutdown(wait=True)


def store(
    part: UnitPart,
    work: Sequence[tuple[str, int]],
    records: Records,
    items: Mapping[str, Item],
    conditions: Sequence[Condition],
    members: Members | None = None,
) -> None:
    """Write the file of one part, which is done then.

    Args:
        part: of a unit.
        work: rows of it that the file is of: all, or those of the images that were finished when it was cut short.
        records: of these rows.
        items: the photographs that they may be of, by id.
        conditions: all of the benchmark.
        members: what was kept until now of the members of an ensemble; ``None`` without one.

    Raises:
        StoreError: it cannot be written.
    """
    part.task.stored.write(part.index, work, without_changed(records, items, conditions))
    is_whole = len(work) == len(part.work)
    part.done = is_whole or part.task.error is not None
    if members is not None and is_whole:
        members.remove()
    return_freed_memory()


def without_changed(records: Records, items: Mapping[str, Item], conditions: Sequence[Condition]) -> Records:
    """The records without those of photographs that have changed since they were listed, which have failed."""
    conditions_read: dict[str, set[int]] = {}
    if len(records):
        for sample, condition in zip(records["sample"].tolist(), records["condition"].tolist(), strict=True):
            conditions_read.setdefault(sample, set()).add(condition)
    changed = {
        sample: indices
        for sample, indices in conditions_read.items()
        if not unchanged(items[sample], map(conditions.__getitem__, sorted(indices)))
    }
    if not changed:
        return records
    failures = tuple(
        Failure(sample, f"{items[sample].file.name} changed while it was evaluated", tuple(sorted(indices)))
        for sample, indices in changed.items()
    )
    remaining = records.where(np.array([sample not in changed for sample in records["sample"].tolist()]))
    return Records(remaining.columns, (*records.failures, *failures))


def unchanged(item: Item, conditions: Iterable[Condition] = ()) -> bool:
    """Whether the files of one item are still those that were listed, by size, time of change and inode.

    To be asked when the rows of an item are about to be stored: a file that was replaced, exchanged or removed after
    it was read would leave rows under the name of other data.

    Args:
        item: of a data set that was listed on this machine.
        conditions: those that were evaluated; each may have a file of its own. The item's own file counts where none
            has.
    """
    # By attribute: `isinstance` of a protocol takes longer than a small network does for a picture.
    files = map(item.file.under, conditions) if hasattr(item.file, "under") else [item.file]
    return all(not hasattr(file, "unchanged") or file.unchanged() for file in files)


@dataclass
class Worker:
    """Evaluates units of one benchmark, all of one size, for all its models; no work is begun after ``ends_s``.

    Its models all take whole pictures, or none does.
    """

    benchmark: Benchmark
    data: DataSet
    tasks: Sequence[Task]
    request: Request
    store: Store
    listener: Listener
    surrogate: Classifier | Ensemble | None = None

    def __post_init__(self) -> None:
        self.conditions, self.asked = condition_indices(self.benchmark, self.data)
        self.index_of = {condition: index for index, condition in enumerate(self.conditions)}
        self.canvases = tuple(dict.fromkeys(task.canvas for task in self.tasks))
        self.at_own_size = self.benchmark.at_own_size() if takes_whole_pictures(self.tasks[0]) else None
        self.items = {item.id: item for item in limited(self.data.items, self.request.limit, self.request.seed)}
        self.clock, self.ends_s = Clock(warmup=len(self.tasks)), math.inf
        run, pictures = self.tasks[0].stored.run, len(self.items) * len(self.asked)
        plan = self.attack = self.benchmark.attack
        self.kept = SurrogatePictures.for_run(self.store.files, run, pictures) if plan and plan.keep else None
        self.gallery = (
            SavedPictures.in_store(self.store, self.benchmark, self.data) if self.request.save_images else None
        )

    @cached_property
    def wanted(self) -> Mapping[str, Sequence[int]]:
        """Indices of the conditions that are asked for of each image, by its id."""
        return conditions_by_sample(
            self.items, self.asked, self.request.seed, len(self.conditions), self.request.conditions
        )

    @property
    def rows(self) -> int:
        """Number of rows that are asked for, of all models."""
        return sum(map(len, self.wanted.values())) * len(self.tasks)

    def units(self, selected: Mapping[str, Sequence[int]] | None = None, only: int | None = None) -> Iterator[Unit]:
        """Every unit that lacks rows or pictures, of all that was asked for or of what is ``selected``; listed now.

        Args:
            selected: indices of the conditions of each image, by its id; ``None`` for all that was asked for.
            only: index of the one unit that is made; all where ``None``.
        """
        chosen = self.wanted if selected is None else selected
        listing = StoredWork(self.tasks, self.request.share, self.gallery.lacking if self.gallery else None)
        return units(listing, chosen, self.tasks[0].stored.plan.unit_items, only)

    left = staticmethod(uncovered)

    def run(self, given: Iterable[Unit], missing: int, total: int | None = None) -> None:
        """Evaluate units; each is stored when it ends, and, of one that is cut short, the images that are finished.

        Args:
            given: which, in order; taken one by one, a little ahead of the model.
            missing: rows they hold together, for the progress that is told.
            total: rows that there are with those stored already, where this is one round of several, of which neither
                the end nor an estimate is told; ``None`` for all that were asked for.
        """
        self.remaining, self.is_round = missing, total is not None
        self.batches = _Batches(self)
        total = total or self.rows
        self.listener.begin(self.benchmark.name, total, total - missing)
        if self.remaining:
            self._keep_exhibits()
        decoded = ordered(self._expand, self._jobs(given), self.request.workers, self._items_ahead())
        if self.attack:
            keep_freed_memory()
        try:
            outcomes: Iterable[Decoded] = decoded
            if self.attack and self.surrogate:
                outcomes = self._surrogate_attack(self.surrogate, self.attack).transfer(decoded)
            for job, outcome in outcomes:
                self._hand_out(job, outcome)
            self.batches.finish()
        except KeyboardInterrupt:
            for task in self.tasks:
                if isinstance(task.classifier, ClosedQuestionModel):
                    task.classifier.stopped.set()  # each further question would cost
            self.batches.close(wait=False)  # an attack on one batch can take minutes: what is done is kept
            raise
        except RuntimeError as error:
            refuse_lost_device(error, self.surrogate.spec.name if self.surrogate else self.benchmark.name)
            raise
        finally:
            decoded.close()
            self.batches.close()
            if not self.is_round:
                self.listener.end()

    def evaluate(self) -> None:
        """Evaluate every unit with missing rows, in order."""
        self.run(self.units(), sum(unit.rows for unit in self.units()))

    def _keep_exhibits(self) -> None:
        """Keep a strip of each sequence of the first item that can be read, in every run that has none.

        Raises:
            StoreError: disk full or no permission.
        """
        if self.benchmark.frames == 1:
            return
        runs = [task.stored for task in self.tasks if not task.exhibited]
        bare = [run for run, exhibits in zip(runs, in_parallel(StoredRun.exhibits, runs), strict=True) if not exhibits]
        for task in self.tasks:
            task.exhibited = True
        for item in self.items.values() if bare else ():
            try:
                pictures = strips(self.benchmark, item, self.request.seed)
            except SampleError:
                continue
            files = [(run, caption, png(picture)) for run in bare for caption, picture in pictures.items()]
            in_parallel(lambda file: file[0].keep_exhibit(file[1], file[2]), files)
            return

    def _expand(self, job: Job) -> Pictures | SampleError:
        conditions = [Condition()] if self.attack else [self.conditions[index] for index in job.conditions]
        seed = self.request.seed
        try:
            if self.at_own_size is not None:
                forms = [form for form in self.canvases if isinstance(form, WholePicture)]
                return list(whole_expansions(self.at_own_size, job.item, conditions, forms, seed))
            canvases = [canvas for canvas in self.canvases if isinstance(canvas, Canvas)]
            return list(self.benchmark.expand(job.item, conditions, canvases, seed))
        except SampleError as error:
            return error
        except Exception as error:  # noqa: BLE001  # a kernel of somebody else's: it costs this sample alone
            return SampleError(f"{job.item.file.name}: {self.benchmark.name} failed with {line_of(error)}")

    def _hand_out(self, job: Job, outcome: Pictures | SampleError) -> None:
        """Give one item's pictures to every model that lacks them, in batches."""
        self.batches.open(job.unit)
        for part in job.unit.parts:
            if part.again and self.surrogate is not None:  # its pictures are made by now, and nothing else was asked
                self.advance(sum((job.item.id, index) in part.wanted for index in job.conditions))
            elif isinstance(outcome, SampleError):
                self._fail(part, job.item.id, job.conditions, str(outcome))
            else:
                self._queue(part, job, outcome)
            if job.ends_item:
                part.decoded.add(job.item.id)
            self.batches.launch(part, flush=job.ends_unit)
        if job.ends_unit:
            for part in job.unit.parts:
                part.closed = True
                if not part.in_flight:
                    self.store_finished(part)

    def _fail(self, part: UnitPart, sample: str, conditions: Sequence[int], reason: str) -> None:
        missed = tuple(condition for condition in conditions if (sample, condition) in part.wanted)
        if missed:
            part.outcomes.append(Records({}, (Failure(sample, reason, missed),)))
            self.advance(len(missed))

    def _queue(self, part: UnitPart, job: Job, pictures: Pictures) -> None:
        slot = self.canvases.index(part.task.canvas)
        label = int(part.task.labels[job.item.label])
        for picture in pictures:
            if self.batches.attacker and not isinstance(picture, PictureFault):
                indices = tuple(index for index in job.conditions if (job.item.id, index) in part.wanted)
                part.waiting.append(QueuedPicture(job.item.id, indices, 0, label, picture.images[slot]))
                continue
            index = self.index_of[picture.condition]
            if isinstance(picture, PictureFault):
                self._fail(part, job.item.id, [index], picture.reason)
            elif (job.item.id, index) in part.wanted:
                image = picture.images[slot]
                part.waiting.append(
                    QueuedPicture(job.item.id, (index,), picture.frame, label, image, picture.facts, picture.size_px)
                )

    def store_finished(self, part: UnitPart) -> None:
        """Begin to store a part: all of it, or what is finished where its model raised or the unit was cut short.

        It is done once its file is written.
        The file of a part of the work has the name of just that, so that the rest is what is missing.
        """
        if part.again or not part.outcomes:
            part.done, part.outcomes = True, []
            return
        whole = part.closed and not part.in_flight and not part.lost
        work, records = (part.work, join_records(part.outcomes)) if whole else part.finished()
        if work:
            members = self.batches.members_of(part)
            self.batches.storing.put(partial(store, part, work, records, self.items, self.conditions, members))
            part.task.computed += len(records)
        else:
            part.done = part.task.error is not None
        part.outcomes = []

    def advance(self, rows: int) -> None:
        """Report so many more rows."""
        self.remaining -= rows
        self.listener.advance(rows)
        seconds = self.clock.estimate(rows, self.remaining)
        if seconds is not None and not self.is_round:
            self.listener.estimate(seconds)

    def _surrogate_attack(self, surrogate: Classifier | Ensemble, plan: AttackPlan) -> SurrogateAttack:
        """The network that a worker's pictures are attacked on, for models that are only shown them."""
        size = automatic_batch_size(surrogate, surrogate.feed().input_px, gradients=True)
        labels, seed = labels_for(surrogate, self.data), self.request.seed
        return SurrogateAttack(surrogate, plan, self.conditions, seed, size, labels, self.gallery, self.kept)

    def _jobs(self, stream: Iterable[Unit]) -> Iterator[Job]:
        """The work of the units until they end or the time is over."""
        for unit in stream:
            for job in unit.jobs(self.items, apart=self.benchmark.frames > 1 or self.at_own_size is not None):
                if time.monotonic() >= self.ends_s:
                    return
                yield job

    def _items_ahead(self) -> int:
        """How many items are decoded before the model wants them: whole batches of a GPU, else a few pictures.

        Of pictures at their own size, which may have megapixels, one for each worker and one.
        """
        if self.at_own_size is not None:
            return self.request.workers + 1
        pictures = self.benchmark.frames if self.benchmark.frames > 1 else len(self.asked)
        pictures_ahead = max(AHEAD_PICTURES, *(task.batch.current for task in self.tasks))
        return max(self.request.workers + 1, pictures_ahead // max(1, pictures))


class _Batches:
    """The batches of a worker on their way through the models, on threads of their own."""

    def __init__(self, worker: Worker) -> None:
        self.worker = worker
        self.attacker = (
            Attacker(worker.benchmark, worker.attack, worker.conditions, worker.request.seed, worker.gallery)
            if worker.attack and worker.surrogate is None
            else None
        )
        self.labelled = np.unique([item.label for item in worker.data.items]) if self.attacker else np.empty(0, np.intp)
        self.flying: deque[tuple[UnitPart, Sequence[QueuedPicture], Future[Records]]] = deque()
        self.begun: list[Unit] = []  # and not stored yet
        self.closed, self.storing = False, StorageQueue(worker.store.files.at_once)
        self.most_flying = _batches_at_once(worker, is_attack=self.attacker is not None)
        self.threads = ThreadPoolExecutor(self.most_flying, thread_name_prefix="forward")

    # A signal may come between any two of these steps: no row is counted as finished that has left one place
    # and has not reached the next.

    def open(self, unit: Unit) -> None:
        """Remember a unit as long as it may be cut short."""
        if not self.begun or self.begun[-1] is not unit:
            self.begun = [*(begun for begun in self.begun if not begun.done), unit]

    def launch(self, part: UnitPart, flush: bool) -> None:
        """Send the rows that wait, in whole batches, or all of them."""
        task = part.task
        while length := batch_length(part.waiting, task.batch.current, flush=flush):
            batch = part.waiting[:length]
            if task.error is not None:
                part.lost.update(row.sample for row in batch)
            else:
                while len(self.flying) > self.most_flying:
                    self._land()
                future = self.threads.submit(self._evaluate, part, batch)
                self.flying.append((part, batch, future))
                part.in_flight += 1
            part.waiting = part.waiting[len(batch) :]

    def finish(self) -> None:
        """Wait for every batch, and until all is stored."""
        while self.flying:
            self._land()
        self._cut_short()
        self.storing.finish()

    def close(self, wait: bool = True) -> None:
        """Drop what has not begun, wait for what has unless told not to, and store what is finished of cut units.

        Closed once, it stays as it is.
        """
        if not self.closed:
            self.closed = True
            self.threads.shutdown(wait=wait, cancel_futures=True)
            with suppress(StoreError):  # whoever closes it early has an error to tell already
                self._cut_short()
            self.storing.close()

    def _cut_short(self) -> None:
        """Begin to store what is finished of the units that have not ended."""
        for part, batch, future in self.flying:
            if not future.done() or future.cancelled() or future.exception() is not None:
                part.lost.update(row.sample for row in batch)
            elif not any(future.result() is outcome for outcome in part.outcomes):
                part.outcomes.append(future.result())
        for part in (part for unit in self.begun for part in unit.parts if part.outcomes):
            self.worker.store_finished(part)

    def members_of(self, part: UnitPart) -> Members | None:
        """The checkpoints of an ensemble's members on a part's pictures; ``None`` without an ensemble."""
        if self.attacker is None or part.again or not Members.has(self.attacker.plan):
            return None
        return Members(part.task.stored, part.index, self.worker.listener.stage, self.worker.listener.note)

    def _evaluate(self, part: UnitPart, batch: Sequence[QueuedPicture]) -> Records:
        task = part.task
        if self.attacker:
            assert not isinstance(task.classifier, ClosedQuestionModel), "no attack asks questions"
            labelled = np.sort(task.labels[self.labelled])
            return self.attacker.records(task.classifier, task.feed, batch, labelled, task.batch, self.members_of(part))
        return classify(task.classifier, self.worker.benchmark, task.feed, batch, task.batch)

    def _land(self) -> None:
        """Wait for the oldest batch and keep its outcome; a model that fails is given up, the others go on."""
        part, batch, future = self.flying[0]
        try:
            part.outcomes.append(future.result())
        except DeviceError:
            raise
        except CutShortError as error:
            part.outcomes.append(error.records)
            part.lost.update(row.sample for row in batch if row.sample not in _samples(error.records))
            part.task.error = part.task.error or error_of(error)
        except Exception as error:  # noqa: BLE001  # also what an attack or a decision of somebody else's raises
            refuse_lost_device(error, part.task.classifier.spec.name)
            part.lost.update(row.sample for row in batch)
            part.task.error = part.task.error or error_of(error)
            part.task.refused |= isinstance(error, RefusedModelError)
        self.flying.popleft()
        part.in_flight -= 1
        # A sequence is one condition of one image: it is counted with its first frame.
        self.worker.advance(sum(len(row.conditions) for row in batch if row.frame == 0))
        if part.closed and not part.in_flight:
            self.worker.store_finished(part)


def _batches_at_once(worker: Worker, is_attack: bool) -> int:
    """How many batches are in the models of a worker at one time."""
    if is_attack:
        return 1  # it uses all cores, and a second would wait for it after every layer
    streams = [task.classifier.runtimes.streams for task in worker.tasks if isinstance(task.classifier, Classifier)]
    return max(streams, default=1) + BATCHES_BESIDE


def _samples(records: Records) -> set[str]:
    """Ids of the images that records are of, failures among them."""
    rows = set(records["sample"].tolist()) if len(records) else set()
    return rows | {failure.sample for failure in records.failures}

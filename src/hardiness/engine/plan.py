"""What is missing of a benchmark, in units: a pure function of run, request and listing."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from functools import cached_property, partial

import numpy as np

from hardiness.core.benchmark import Expansion, Item, PictureFault
from hardiness.core.request import Share
from hardiness.core.table import Failure, Records
from hardiness.engine.batch import QueuedPicture, join_records
from hardiness.engine.tasks import Task
from hardiness.store.memo import Stamp
from hardiness.store.parallel import in_parallel
from hardiness.store.run import by_shard
from hardiness.store.shards import Row as Work
from hardiness.store.shards import file_name

Pictures = Sequence[Expansion | PictureFault]
"""What one item was expanded to."""


@dataclass
class UnitPart:
    """One model's part of one unit: its work, the rows waiting for a batch, and the outcomes.

    Attributes:
        task: the model's.
        index: of the unit.
        work: rows that the model lacks, or, ``again``, rows that are stored and whose adversarial pictures are not.
        file: name of the file that will hold their outcome.
        before: what that file was like when the store was listed, where it is of other data or of a try that failed.
        again: whether its rows are stored already, so that they are made for their pictures alone.
        waiting: rows decoded but not yet in a batch.
        decoded: images of which every picture has been handed on, or has failed.
        outcomes: of the batches that have come back.
        in_flight: batches that have not.
        lost: images of which a picture was in a batch that failed, or was not evaluated for another reason.
        closed: whether every row has been decoded.
        done: whether this process has stored it.
    """

    task: Task
    index: int
    work: list[Work]
    file: str
    before: Stamp | None = None
    again: bool = False
    waiting: list[QueuedPicture] = field(default_factory=list)
    decoded: set[str] = field(default_factory=set)
    outcomes: list[Records] = field(default_factory=list)
    in_flight: int = 0
    lost: set[str] = field(default_factory=set)
    closed: bool = False
    done: bool = False

    @cached_property
    def wanted(self) -> frozenset[Work]:
        """Its rows as a set; made when the unit is evaluated, as many units wait at a time."""
        return frozenset(self.work)

    @property
    def stored(self) -> bool:
        """Whether its file is in the store by now, whichever process wrote it."""
        return not self.again and self.task.stored.stamp(self.file) not in (None, self.before)

    def finished(self) -> tuple[list[Work], Records]:
        """The rows of the images that are finished, each in all of its rows here, and what came of them."""
        records = join_records(self.outcomes)
        present = {(failure.sample, condition) for failure in records.failures for condition in failure.conditions}
        if len(records):
            present |= set(zip(records["sample"].tolist(), records["condition"].tolist(), strict=True))
        missing = {sample for sample, condition in self.work if (sample, condition) not in present}
        done = self.decoded - self.lost - missing - {picture.sample for picture in self.waiting}
        failures = tuple(failure for failure in records.failures if failure.sample in done)
        work = [row for row in self.work if row[0] in done]
        if not len(records):
            return work, Records({}, failures)
        kept = records.where(np.array([sample in done for sample in records["sample"].tolist()], np.bool_))
        return work, Records(kept.columns, failures)

    def failed(self, reason: str) -> Records:
        """Every row as failed."""
        failures = tuple(Failure(sample, f"{sample}: {reason}", (condition,)) for sample, condition in self.work)
        return join_records([Records({}, failures)])


@dataclass(frozen=True)
class Unit:
    """The images of one stored file, with a part for each model that lacks rows of them; models share the decoding.

    Attributes:
        index: of the file's shard.
        parts: one a model.
    """

    index: int
    parts: Sequence[UnitPart]

    @property
    def rows(self) -> int:
        """How many rows are missing, over all models: what it costs, in image-conditions."""
        return sum(len(part.work) for part in self.parts)

    @property
    def stored(self) -> bool:
        """Whether the files of all its parts are in the store by now, whichever process wrote them."""
        if not self.parts[0].stored:
            return False  # the usual case: one request
        return all(in_parallel(lambda part: part.stored, self.parts[1:]))

    @property
    def done(self) -> bool:
        """Whether this process has nothing more to do for it: each part is stored, or its model was given up."""
        return all(part.done or part.task.error is not None for part in self.parts)

    @property
    def samples(self) -> list[str]:
        """Ids of its images, in order."""
        return list(dict.fromkeys(sample for part in self.parts for sample, _ in part.work))

    def jobs(self, items: Mapping[str, Item], apart: bool) -> Iterator[Job]:
        """One job an item; where conditions are sequences, kept ``apart``, one for each of its conditions."""
        needed: dict[str, set[int]] = {}
        for sample, condition in (row for part in self.parts for row in part.work):
            needed.setdefault(sample, set()).add(condition)
        pieces = [
            (sample, piece)
            for sample, conditions in needed.items()
            for piece in ([(c,) for c in sorted(conditions)] if apart else [tuple(sorted(conditions))])
        ]
        for position, (sample, piece) in enumerate(pieces, start=1):
            ends_unit = position == len(pieces)
            yield Job(self, items[sample], piece, ends_unit or pieces[position][0] != sample, ends_unit)

    def give_up(self, reason: str) -> tuple[str, ...]:
        """Store its images as failed, for every model that lacks them; their ids."""
        for part in self.parts:
            if not part.stored:
                part.task.stored.write(part.index, part.work, part.failed(reason))
        return tuple(self.samples)


@dataclass(frozen=True)
class Job:
    """One item to decode, the conditions that some model lacks, and whether it is the last of its item and its unit."""

    unit: Unit
    item: Item
    conditions: tuple[int, ...]
    ends_item: bool
    ends_unit: bool


Lacking = Callable[[Task, Sequence[str], Sequence[Work]], list[Work]]
"""From a task, the stored files of a shard and rows of it to those that are stored and lack something else."""


def units(
    tasks: Sequence[Task],
    wanted: Mapping[str, Sequence[int]],
    size: int,
    lacking: Lacking | None = None,
    share: Share | None = None,
    only: int | None = None,
) -> Iterator[Unit]:
    """Each unit with missing rows, made when it is asked for; a pure function of its arguments and the store's listing.

    Args:
        tasks: models on one benchmark; one that was given up is left out.
        wanted: indices of the conditions wanted of each image, by its id, in the order of evaluation.
        size: images a unit.
        lacking: what is stored and is to be made again; nothing if ``None``.
        share: of several processes; each looks into the files of its own shards, and takes from the names of the
            others that they are whole.
        only: index of the one unit that is made; all where ``None``.
    """
    samples, listing = list(wanted), StoredWork(tasks, share)
    for index, start in enumerate(range(0, len(samples), size)):
        if only not in (None, index):
            continue
        rows = [(sample, condition) for sample in samples[start : start + size] for condition in wanted[sample]]
        parts = listing.parts(index, rows)
        if lacking is not None:
            parts += [
                UnitPart(task, index, work, file_name(index, work), again=True)
                for task, names in zip(tasks, listing.names, strict=True)
                if task.error is None and (work := lacking(task, names.get(index, ()), rows))
            ]
        if parts:
            yield Unit(index, parts)


class StoredWork:
    """What the store holds of some models' runs, listed once."""

    def __init__(self, tasks: Sequence[Task], share: Share | None) -> None:
        self.tasks, self.share = tasks, share
        self.stamps = in_parallel(lambda task: task.stored.stamps(), tasks)
        self.names = [by_shard(each) for each in self.stamps]

    def parts(self, index: int, rows: list[Work]) -> list[UnitPart]:
        """A part for each model that lacks some of the rows of a shard."""
        whole, sound = file_name(index, rows), [place for place, task in enumerate(self.tasks) if task.error is None]
        lacked = partial(self._lacked, index, rows, whole)
        looked_into = (not self.share or self.share.owns(index)) and any(index in self.names[place] for place in sound)
        found = []
        for place, work in zip(sound, in_parallel(lacked, sound) if looked_into else map(lacked, sound), strict=True):
            if work:
                file = whole if work is rows else file_name(index, work)
                found.append(UnitPart(self.tasks[place], index, work, file, self.stamps[place].get(file)))
        return found

    def _lacked(self, index: int, rows: list[Work], whole: str, place: int) -> list[Work]:
        names = self.names[place].get(index, ())
        if whole in names and self.share and not self.share.owns(index):
            return []
        lacked = self.tasks[place].stored.missing(index, rows, self.names[place]) if names else rows
        # Models that lack the same rows share the list: full ImageNet-C has 3.8 million of them a model.
        return rows if len(lacked) == len(rows) else lacked


def uncovered(every: Sequence[Unit]) -> list[Unit]:
    """The units with a part that is neither stored nor given up; each run's folder is listed once."""
    tasks = {id(part.task): part.task for unit in every for part in unit.parts if part.task.error is None}
    first = min((unit.index for unit in every), default=0)
    stamps = dict(zip(tasks, in_parallel(lambda task: task.stored.stamps(first), list(tasks.values())), strict=True))
    listed = {key: by_shard(found) for key, found in stamps.items()}

    def lacks(part: UnitPart) -> bool:
        key = id(part.task)
        if key not in stamps:
            return False
        if stamps[key].get(part.file) not in (None, part.before):
            return False  # the usual case: nothing is read
        return not part.task.stored.covered(part.index, part.work, listed[key])

    return [unit for unit in every if any(map(lacks, unit.parts))]

"""Units of work: the images of one stored file, what models lack of them, and what has come of it so far."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from functools import cached_property

import numpy as np

from hardiness.core.benchmark import Expansion, Item, PictureFault
from hardiness.core.table import Failure, Records
from hardiness.engine.batch import QueuedPicture, join_records
from hardiness.engine.tasks import Task
from hardiness.store.memo import Stamp
from hardiness.store.parallel import in_parallel
from hardiness.store.shards import Row as Work

Pictures = Sequence[Expansion | PictureFault]
"""The pictures that one item was expanded to, and those that could not be made."""


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
        whole_samples = self.decoded - self.lost - missing - {picture.sample for picture in self.waiting}
        failures = tuple(failure for failure in records.failures if failure.sample in whole_samples)
        work = [row for row in self.work if row[0] in whole_samples]
        if not len(records):
            return work, Records({}, failures)
        finished = records.where(np.array([sample in whole_samples for sample in records["sample"].tolist()], np.bool_))
        return work, Records(finished.columns, failures)

    def failed(self, reason: str) -> Records:
        """The records of every row as failed."""
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

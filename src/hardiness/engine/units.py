"""What is missing of a benchmark, in units: the images of one stored file, for every model that lacks some of them."""

from __future__ import annotations

import hashlib
import json
import math
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from functools import cached_property, partial

from hardiness.core import Expansion, Failure, Item, Records, Share, Unreadable
from hardiness.engine.forward import QueuedPicture
from hardiness.engine.plan import Task
from hardiness.engine.shard_records import joined
from hardiness.store import Row as Work
from hardiness.store.files import together
from hardiness.store.run import Stamp, by_shard
from hardiness.store.tables import file_name

PIECES = 4
"""Into how many a unit of many models is cut at the end: each lasts a quarter, and pictures are made four times."""

LAST_UNITS = 3
"""Units for each process that shares a store which are cut into pieces: while they last, one that is three times as
slow as the others ends its last whole unit."""

SHOWN_IDS = 16
"""Images of a unit that was given up that are told on the terminal."""

Pictures = Sequence[Expansion | Unreadable]
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
        outcomes: of the batches that have come back.
        in_flight: batches that have not.
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
    outcomes: list[Records] = field(default_factory=list)
    in_flight: int = 0
    closed: bool = False
    done: bool = False

    @cached_property
    def wanted(self) -> frozenset[Work]:
        """The same rows, to look one up; made when the unit is evaluated, as many units wait at a time."""
        return frozenset(self.work)

    @property
    def stored(self) -> bool:
        """Whether the outcome of this very work has been stored since the store was listed, by whomever."""
        return not self.again and self.task.stored.stamp(self.file) not in (None, self.before)


@dataclass(frozen=True)
class Unit:
    """The images of one stored file, with a part for each model that lacks rows of them; models share the decoding.

    Attributes:
        index: of the file's shard.
        parts: one a model.
        last: whether it is one of several pieces that a unit is cut into, which processes that share a store keep for
            the end.
    """

    index: int
    parts: Sequence[UnitPart]
    last: bool = False

    @property
    def rows(self) -> int:
        """How many rows are missing, over all models: what it costs, in image-conditions."""
        return sum(len(part.work) for part in self.parts)

    @property
    def name(self) -> str:
        """What stands for this very work: equal for all processes that list the same store."""
        work = [(part.task.stored.key, part.file) for part in self.parts]
        return hashlib.sha256(json.dumps(work).encode()).hexdigest()[:16]

    @property
    def stored(self) -> bool:
        """Whether the outcome of this very work has been stored since the store was listed, by whomever."""
        if not self.parts[0].stored:
            return False  # the usual case: one request
        return all(together(lambda part: part.stored, self.parts[1:]))

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
            yield Job(self, items[sample], piece, position == len(pieces))


@dataclass(frozen=True)
class Job:
    """One item to decode, the conditions that some model lacks, and whether it ends its unit."""

    unit: Unit
    item: Item
    conditions: tuple[int, ...]
    ends_unit: bool


Lacking = Callable[[Task, Sequence[str], Sequence[Work]], list[Work]]
"""From a task, the stored files of a shard and rows of it to those that are stored and lack something else."""


def units(
    tasks: Sequence[Task],
    wanted: Mapping[str, Sequence[int]],
    size: int,
    lacking: Lacking | None = None,
    share: Share | None = None,
) -> Iterator[Unit]:
    """Each unit with missing rows, made when it is asked for; a pure function of its arguments and the store's listing.

    Args:
        tasks: models on one benchmark; one that was given up is left out.
        wanted: indices of the conditions wanted of each image, by its id, in the order of evaluation.
        size: images a unit.
        lacking: what is stored and is to be made again; nothing if ``None``.
        share: of several processes; each looks into the files of its own shards, and believes the names of the rest.
    """
    samples, listing = list(wanted), StoredWork(tasks, share)
    for index, start in enumerate(range(0, len(samples), size)):
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
        self.stamps = together(lambda task: task.stored.stamps(), tasks)
        self.names = [by_shard(each) for each in self.stamps]

    def parts(self, index: int, rows: list[Work]) -> list[UnitPart]:
        """A part for each model that lacks some of the rows of a shard."""
        whole, sound = file_name(index, rows), [place for place, task in enumerate(self.tasks) if task.error is None]
        lacked = partial(self._lacked, index, rows, whole)
        looked_into = (not self.share or self.share.owns(index)) and any(index in self.names[place] for place in sound)
        found = []
        for place, work in zip(sound, together(lacked, sound) if looked_into else map(lacked, sound), strict=True):
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


def with_pieces(every: Iterable[Unit], tasks: Sequence[Task], images: int, size: int, share: Share) -> Iterator[Unit]:
    """Units of which the last few for each process are cut into pieces, each of some of the models.

    A model's file is the same whoever evaluates it beside which others, so pieces can be given to several processes;
    pictures are made once for each. Where they are cut follows from the models and the share: all processes cut alike.

    Args:
        every: units, all or those that lack something.
        tasks: all models.
        images: of all units, stored or not.
        size: images of a unit; the last one may have fewer.
        share: of how many processes.
    """
    if len(tasks) == 1:
        yield from every
        return
    count, models = math.ceil(images / size), math.ceil(len(tasks) / PIECES)
    place = {id(task): number // models for number, task in enumerate(tasks)}
    for unit in every:
        if unit.index < count - LAST_UNITS * share.count:
            yield unit
            continue
        pieces: dict[int, list[UnitPart]] = {}
        for part in unit.parts:
            pieces.setdefault(place[id(part.task)], []).append(part)
        yield from (Unit(unit.index, parts, last=True) for parts in pieces.values())


def uncovered(every: Sequence[Unit]) -> list[Unit]:
    """The units of which some model's part is neither stored nor given up; each run is listed once, from there on."""
    tasks = {id(part.task): part.task for unit in every for part in unit.parts if part.task.error is None}
    first = min((unit.index for unit in every), default=0)
    stamps = dict(zip(tasks, together(lambda task: task.stored.stamps(first), list(tasks.values())), strict=True))
    listed = {key: by_shard(found) for key, found in stamps.items()}

    def lacks(part: UnitPart) -> bool:
        key = id(part.task)
        if key not in stamps:
            return False
        if stamps[key].get(part.file) not in (None, part.before):
            return False  # the usual case: nothing is read
        return not part.task.stored.covered(part.index, part.work, listed[key])

    return [unit for unit in every if any(map(lacks, unit.parts))]


def give_up(unit: Unit, reason: str) -> tuple[str, ...]:
    """Store the images of a unit as failed, for every model that lacks them; their ids."""
    for part in unit.parts:
        if not part.stored:
            part.task.stored.write(part.index, part.work, failed(part, reason))
    return tuple(unit.samples)


def told_given_up(name: str, reason: str, images: Sequence[str]) -> str:
    """One line about a unit that was given up, with the first of its images."""
    more = f" and {len(images) - SHOWN_IDS} more, all in results.json" if len(images) > SHOWN_IDS else ""
    return f"unit {name} was given up: {reason}; its images: {', '.join(images[:SHOWN_IDS])}{more}"


def failed(part: UnitPart, reason: str) -> Records:
    """Every row of a part as failed."""
    failures = tuple(Failure(sample, f"{sample}: {reason}", (condition,)) for sample, condition in part.work)
    return joined([Records({}, failures)])

"""What is missing of a benchmark, in units: the images of one stored file, for every model that lacks some of them."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field

from hardiness.core import Expansion, Item, Records, Unreadable
from hardiness.engine.forward import Row
from hardiness.engine.plan import Task
from hardiness.store import Row as Work

Pictures = Sequence[Expansion | Unreadable]
"""What one item was expanded to."""


@dataclass
class Part:
    """One model's part of one unit: its work, the rows waiting for a batch, and the outcomes.

    Attributes:
        task: the model's.
        index: of the unit.
        work: rows that the model lacks, or, ``again``, rows that are stored and whose adversarial pictures are not.
        waiting: rows decoded but not yet in a batch.
        outcomes: of the batches that have come back.
        in_flight: batches that have not.
        closed: whether every row has been decoded.
        again: whether its rows are stored already, so that they are made for their pictures alone.
    """

    task: Task
    index: int
    work: list[Work]
    again: bool = False
    waiting: list[Row] = field(default_factory=list)
    outcomes: list[Records] = field(default_factory=list)
    in_flight: int = 0
    closed: bool = False

    def __post_init__(self) -> None:
        self.wanted = frozenset(self.work)


@dataclass(frozen=True)
class Unit:
    """The images of one stored file, with a part for each model that lacks rows of them; models share the decoding."""

    index: int
    parts: Sequence[Part]

    @property
    def rows(self) -> int:
        """How many rows are missing, over all models: what it costs, in image-conditions."""
        return sum(len(part.work) for part in self.parts)

    @property
    def name(self) -> str:
        """What stands for this very work: equal for all processes that list the same store."""
        work = [(part.task.stored.key, part.index, part.work) for part in self.parts]
        return hashlib.sha256(json.dumps(work).encode()).hexdigest()[:16]

    @property
    def stored(self) -> bool:
        """Whether the outcome of this very work has been stored since the store was listed, by whomever."""
        return all(not part.again and part.task.stored.holds(part.index, part.work) for part in self.parts)

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
    samples: Sequence[str],
    conditions: Sequence[int],
    size: int,
    lacking: Lacking | None = None,
) -> Iterator[Unit]:
    """Each unit with missing rows, made when it is asked for; a pure function of its arguments and the store's listing.

    Args:
        tasks: models on one benchmark; one that was given up is left out.
        samples: ids of the images wanted, in the order of evaluation.
        conditions: indices of those wanted.
        size: images a unit.
        lacking: what is stored and is to be made again; nothing if ``None``.
    """
    listed = [task.stored.shards() for task in tasks]
    for index, start in enumerate(range(0, len(samples), size)):
        wanted = [(sample, condition) for sample in samples[start : start + size] for condition in conditions]
        parts = [
            Part(task, index, work)
            for task, names in zip(tasks, listed, strict=True)
            if task.error is None and (work := task.stored.missing(index, wanted, names))
        ]
        if lacking is not None:
            parts += [
                Part(task, index, work, again=True)
                for task, names in zip(tasks, listed, strict=True)
                if task.error is None and (work := lacking(task, names.get(index, ()), wanted))
            ]
        if parts:
            yield Unit(index, parts)

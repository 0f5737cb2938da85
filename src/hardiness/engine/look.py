"""The look: before stored rows of a person's own code go on, it answers a few of their pictures once more."""

from __future__ import annotations

import io
from collections.abc import Iterator, Mapping, Sequence
from contextlib import suppress
from dataclasses import dataclass, field, replace
from hashlib import sha256
from itertools import islice
from zipfile import BadZipFile

import numpy as np
from numpy.typing import NDArray

from hardiness.benchmarks.own_code import own_conditions
from hardiness.core.benchmark import Benchmark, DataSet, Expansion, Item
from hardiness.core.codes import RunRemark
from hardiness.core.condition import Condition
from hardiness.core.errors import ModelError
from hardiness.core.fact import Fact
from hardiness.core.model import Canvas, WholePicture
from hardiness.core.request import Request
from hardiness.data.items import limited
from hardiness.engine.attack import judge_of
from hardiness.engine.batch import logits_of_pictures
from hardiness.engine.tasks import Task, takes_whole_pictures
from hardiness.engine.whole_pictures import whole_expansions
from hardiness.models.broken_models import MOST_APART
from hardiness.models.chat.model import ClosedQuestionModel
from hardiness.models.classifier import Classifier
from hardiness.models.preprocessing import to_pixels
from hardiness.store.run import StoredRun
from hardiness.store.store import Store

LOOKED_AT, HASHED = 16, 4
"""Clean pictures that are answered again, and pictures of each distortion of one's own that are made again."""

TOLERANCE = MOST_APART
"""The change of an output, over the largest of its picture, up to which code is taken for the same.

A model that changes so much with its batch is refused. Another batch size or number of threads changes outputs by about
1e-6 in fp32, and by less than 1e-3 in bfloat16.
"""

_FILE = "look.npz"


@dataclass(frozen=True)
class StoredLook:
    """What code gave for a few pictures.

    Attributes:
        outputs: float32 ``(K,)`` for each clean picture, by its id: logits, or probabilities where these are given.
        pictures: hashes of what distortions of one's own made, by picture and condition.
    """

    outputs: Mapping[str, NDArray[np.float32]] = field(default_factory=dict)
    pictures: Mapping[str, str] = field(default_factory=dict)

    @classmethod
    def of_run(cls, stored: StoredRun) -> StoredLook | None:
        """The look that a run's rows were begun with; ``None`` where there is none that can be read."""
        with suppress(BadZipFile, OSError, KeyError, ValueError, EOFError):
            if content := stored.content(_FILE):
                with np.load(io.BytesIO(content), allow_pickle=False) as parts:
                    outputs = dict(zip(parts["ids"].tolist(), parts["outputs"], strict=True))
                    return cls(outputs, dict(zip(parts["places"].tolist(), parts["hashes"].tolist(), strict=True)))
        return None

    def keep(self, stored: StoredRun) -> None:
        """Keep it beside the rows of a run.

        Raises:
            StoreError: disk full or no permission.
        """
        content = io.BytesIO()
        np.savez(
            content,
            ids=np.array([*self.outputs], np.str_),
            outputs=np.array([*self.outputs.values()], np.float32),
            places=np.array([*self.pictures], np.str_),
            hashes=np.array([*self.pictures.values()], np.str_),
        )
        stored.keep(_FILE, content.getvalue())

    def change(self, other: StoredLook) -> tuple[str, float]:
        """The picture whose outputs differ most, and by how much of the largest of them; no name where none is."""
        changes = {
            name: _change(self.outputs[name], other.outputs[name]) for name in self.outputs if name in other.outputs
        }
        return max(changes.items(), key=lambda change: change[1], default=("", 0.0))

    def changed_picture(self, other: StoredLook) -> str:
        """The first picture, with its condition, that is made otherwise; empty where none is."""
        shared = self.pictures.keys() & other.pictures.keys()
        return min((place for place in shared if self.pictures[place] != other.pictures[place]), default="")


def _change(one: NDArray[np.float32], other: NDArray[np.float32]) -> float:
    if one.shape != other.shape:
        return float("inf")
    largest = max(float(np.abs(one).max()), float(np.abs(other).max()))
    return float(np.abs(one - other).max()) / largest if largest else 0.0


def look_at(
    task: Task, benchmark: Benchmark, data: DataSet, request: Request, store: Store
) -> tuple[Task, tuple[Fact, ...]]:
    """The task, its run begun anew under the next ordinal where its code is not that of the stored rows; and why.

    Rows are trusted where the code gives what it gave when they were begun, which is kept beside them. A model without
    code of its own, with a tag, or that is asked questions is not looked at.

    Raises:
        ModelError: the model fails at pictures that it has answered.
        StoreError: records cannot be written.
    """
    benchmark = (benchmark.at_own_size() if takes_whole_pictures(task) else None) or benchmark
    pictures = _pictures(task, benchmark, data, request)
    is_own = is_looked_at(task.classifier)
    if not (is_own or pictures):
        return task, ()
    former, name = StoredLook.of_run(task.stored), task.classifier.spec.name
    try:
        current = StoredLook(_outputs(task, benchmark, data, request) if is_own else {}, pictures)
    except ModelError:
        if former is None:
            return task, ()  # its evaluation says so
        raise
    kept = former if former and task.stored.shards() else StoredLook()  # without rows there is nothing to go on
    remark = _remark(kept, current, name)
    if remark is None:
        if current.outputs.keys() - kept.outputs or current.pictures.keys() - kept.pictures:
            StoredLook({**current.outputs, **kept.outputs}, {**current.pictures, **kept.pictures}).keep(task.stored)
        return task, ()
    if remark.code == RunRemark.OTHER_OUTPUTS:
        image, change = current.change(StoredLook(_outputs(task, benchmark, data, request)))
        if change > TOLERANCE:
            return task, (Fact(RunRemark.NO_LOOK, {"image": image, "change": change}, name),)
    run = task.stored.run.with_ordinal(task.stored.run.ordinal + 1)
    stored = store.run(run, task.stored.plan).with_cells(task.stored.cells)
    stored.keep_picture_columns(data.columns)
    current.keep(stored)
    return replace(task, stored=stored), (remark,)


def is_looked_at(classifier: Classifier | ClosedQuestionModel) -> bool:
    """Whether a model is code of a person's own, or a service, whose version nobody has stated by a tag."""
    is_asked = isinstance(classifier, ClosedQuestionModel)  # each question may cost
    return not is_asked and bool(classifier.code_sha256) and "tag" not in dict(classifier.spec.options)


def _remark(former: StoredLook, current: StoredLook, name: str) -> Fact | None:
    """Why the code is not that of the stored rows; ``None`` where it is."""
    if place := former.changed_picture(current):
        return Fact(RunRemark.OTHER_PICTURES, {"picture": place}, name)
    image, change = former.change(current)
    if change <= TOLERANCE:
        return None
    return Fact(RunRemark.OTHER_OUTPUTS, {"image": image, "change": change, "tolerance": TOLERANCE}, name)


def _outputs(task: Task, benchmark: Benchmark, data: DataSet, request: Request) -> dict[str, NDArray[np.float32]]:
    """The outputs for the first pictures of the run, by their ids, on the way that its rows take.

    Pictures are clean, unless the benchmark has none.
    """
    classifier = task.classifier
    assert not isinstance(classifier, ClosedQuestionModel), "it is not looked at"
    there = (cell for cell in benchmark.conditions() if data.conditions is None or cell in data.conditions)
    condition = min(there, key=len, default=Condition())  # whichever conditions are asked for
    shown = []
    for item in _items(data, request, LOOKED_AT):
        made = _made(task, benchmark, item, condition, request, 1)
        shown += [(_place(item, condition), picture.images[0]) for picture in made]
    at_once = 1 if isinstance(task.canvas, WholePicture) else min(LOOKED_AT, task.batch.current)
    outputs: dict[str, NDArray[np.float32]] = {}
    for first in range(0, len(shown), at_once):
        part = shown[first : first + at_once]
        images = [image for _, image in part]
        if benchmark.attack is None:
            rows = logits_of_pictures(classifier, task.feed, images, task.batch)
        else:  # the network that judges attacks, which may be none that the fastest runtime can run
            rows = judge_of(classifier, task.feed)(to_pixels(images, classifier.link)).float().cpu().numpy()
        rows = np.exp(rows) if classifier.outputs == "probabilities" else rows
        outputs |= {name: row for (name, _), row in zip(part, rows, strict=True) if np.isfinite(row).all()}
    return outputs


def _pictures(task: Task, benchmark: Benchmark, data: DataSet, request: Request) -> dict[str, str]:
    """Hashes of a few pictures under each distortion of one's own: of some photographs, or frames of a sequence."""
    frames = min(benchmark.frames, HASHED)
    hashes = {}
    for condition in own_conditions(benchmark):
        for item in _items(data, request, HASHED // frames):
            made = _made(task, benchmark, item, condition, request, frames)
            content = b"".join(np.ascontiguousarray(picture.images[0]).tobytes() for picture in made)
            hashes[_place(item, condition)] = sha256(content).hexdigest()
    return hashes


def _place(item: Item, condition: Condition) -> str:
    """The name of a picture: its item's id, with the condition where it is not clean."""
    return " ".join([item.id, *(f"{key}={value}" for key, value in condition.items())])


def _items(data: DataSet, request: Request, count: int) -> Sequence[Item]:
    return limited(data.items, min(count, request.limit or count), request.seed)


def _made(
    task: Task, benchmark: Benchmark, item: Item, condition: Condition, request: Request, frames: int
) -> list[Expansion]:
    """The pictures of an item under a condition; none where they cannot be made, as its rows say."""
    canvas, seed = task.canvas, request.seed

    def made() -> Iterator[object]:
        if isinstance(canvas, Canvas):
            yield from benchmark.expand(item, [condition], [canvas], seed)
        else:
            yield from whole_expansions(benchmark, item, [condition], [canvas], seed)

    with suppress(Exception):  # a kernel of somebody else's may raise whatever it likes
        return [each for each in islice(made(), frames) if isinstance(each, Expansion)]
    return []

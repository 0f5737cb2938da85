"""A benchmark: data, conditions, a decision rule and a card, composed under the name of a published protocol."""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import fields
from typing import Any, ClassVar, NamedTuple

import numpy as np
from numpy.typing import NDArray

from hardiness.core.attack import AttackPlan
from hardiness.core.condition import Condition
from hardiness.core.dataset import DataRoot, DataSet, Item
from hardiness.core.records import Columns
from hardiness.core.view import Canvas

Image = NDArray[np.uint8]
"""``uint8 (H, W, 3)``, RGB, 0–255: the form of the disk and the corruptions."""

Pixels = NDArray[np.float32]
"""``float32 (3, H, W)``, RGB in [0, 1]: the form of the model and the attacks."""


class Expansion(NamedTuple):
    """One picture to be classified: its condition, its frame (0 where there are none), and its images by canvas.

    An attack's pictures are pixels, ``float32 (3, H, W)`` in [0, 1], instead of images; ``facts`` are further columns
    of its row, the same names for every picture of a benchmark.
    """

    condition: Condition
    frame: int
    images: tuple[Image | Pixels, ...]
    facts: tuple[tuple[str, float], ...] = ()


class Unreadable(NamedTuple):
    """One picture that cannot be classified, while others of the same item can: its condition, and why in one line."""

    condition: Condition
    reason: str


class Benchmark(ABC):
    """Base of every benchmark; concrete ones are final frozen dataclasses whose fields are their options.

    A field's ``metadata["help"]`` is its help text on the command line. A field with ``metadata["request"]`` picks
    which rows are wanted but changes none of them, and stays out of the run's key.

    Class attributes:
        name: registered name, also on the command line.
        question: what it answers, in one sentence.
        paper: citation with identifier.
        protocol: name of the published rules that its headline follows.
        needs: data sets it can be computed from, best first (names that `DataRoot` knows).
        beside: data sets that it takes, too, those of them that are there.
        card: name of the card in `hardiness.scoring.cards` that scores its rows.
        canvas: the fixed canvas its images live on, or ``None`` where each model's own view is used.
        shard_items: images per shard: the unit of saving and of what a killed run can lose.
        frames: about how many pictures one condition of one item gives. Where that is more than one, `expand` is
            called for each condition on its own, so that memory is bounded by a sequence and not by an item.
    """

    name: ClassVar[str]
    question: ClassVar[str]
    paper: ClassVar[str]
    protocol: ClassVar[str]
    needs: ClassVar[tuple[str, ...]]
    beside: ClassVar[tuple[str, ...]] = ()
    card: ClassVar[str]
    canvas: ClassVar[Canvas | None] = None
    shard_items: ClassVar[int] = 256
    frames: ClassVar[int] = 1

    @abstractmethod
    def dataset(self, data: DataRoot) -> DataSet:
        """The items it evaluates.

        Raises:
            DataError: the data are not there; the message says what to do.
        """

    @abstractmethod
    def expand(
        self, item: Item, conditions: Sequence[Condition], canvases: Sequence[Canvas], seed: int
    ) -> Iterator[Expansion | Unreadable]:
        """The pictures of one item, for the conditions that are missing; called on worker threads.

        The photograph is read and decoded once, whatever the number of conditions and canvases. With a fixed
        `canvas`, ``canvases`` holds just that one.

        Raises:
            SampleError: the item cannot be read or decoded at all; the message names the file.
        """

    @abstractmethod
    def decide(self, logits: NDArray[np.float32], labels: NDArray[np.int32]) -> Columns:
        """What is kept of finite ``logits (N, K)``: ``prediction``, ``confidence``, ``top5_*`` and the benchmark's own.

        ``labels (N,)`` may only decide which columns apply to a sample, never a prediction.
        """

    def lacks(self, data: DataRoot) -> str:
        """What it would need and is not there, in one line; empty where it can be evaluated. Nothing is read."""
        if any(data.has(name) for name in self.needs):
            return ""
        return f"no data set {' or '.join(self.needs)} in --data"

    def parts(self, data: DataRoot) -> tuple[Benchmark, ...]:
        """The benchmarks whose runs together are its result; by default itself alone.

        Raises:
            DataError: what it needs is not there.
        """
        return (self,)

    def conditions(self) -> tuple[Condition, ...]:
        """Every condition of the whole benchmark, in the order of evaluation."""
        return (Condition(),)

    def whole(self) -> tuple[Condition, ...]:
        """The conditions without which a result is partial; by default all."""
        return self.conditions()

    def requested(self) -> tuple[Condition, ...]:
        """The conditions that the options ask for; by default all."""
        return self.conditions()

    @property
    def attack(self) -> AttackPlan | None:
        """What the engine does to the clean pictures before they are judged; by default nothing.

        With an attack, `expand` is asked for one picture an item, the clean one, whatever conditions are missing.
        """
        return None

    def exhibits(self, item: Item, seed: int) -> Mapping[str, Image]:
        """Pictures that show what the benchmark does to one item, by caption, for the report; by default none.

        Raises:
            SampleError: the item cannot be read; another will be asked for.
        """
        return {}

    def identity(self) -> dict[str, Any]:
        """The options that change rows, for the run's key."""
        return {
            option.name: getattr(self, option.name)
            for option in fields(self)  # type: ignore[arg-type]  # concrete benchmarks are dataclasses
            if not option.metadata.get("request")
        }

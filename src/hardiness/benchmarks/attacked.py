"""What the attack benchmarks have in common: photographs on the 224 canvas, answered by the largest logit."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import ClassVar

import numpy as np
from numpy.typing import NDArray

from hardiness.benchmarks import decisions
from hardiness.benchmarks.image_subset import part_of
from hardiness.core import (
    CANVAS_224,
    MOST_STEPS,
    ArgumentError,
    Benchmark,
    Canvas,
    Columns,
    Condition,
    DataRoot,
    DataSet,
    Expansion,
    Item,
    require_within,
)
from hardiness.imaging import decode, on_canvas

CLEAN = Condition()


class AttackedPhotographs(Benchmark):
    """ImageNet's validation photographs on the 224 canvas, which the engine attacks by the benchmark's plan."""

    needs: ClassVar[tuple[str, ...]] = ("imagenet",)
    card: ClassVar[str] = "attack"
    canvas: ClassVar[Canvas | None] = CANVAS_224
    shard_items: ClassVar[int] = 16

    subset: str

    def dataset(self, data: DataRoot) -> DataSet:
        """The photographs, or a published part of them."""
        return part_of(data.dataset("imagenet"), self.subset)

    def conditions(self) -> tuple[Condition, ...]:
        """Clean, then every mark of every round."""
        plan = self.attack
        assert plan is not None, "an attacked benchmark has a plan"
        return (CLEAN, *(condition for each in plan.rounds for condition in each.marks.values()))

    def expand(
        self, item: Item, conditions: Sequence[Condition], canvases: Sequence[Canvas], seed: int
    ) -> Iterator[Expansion]:
        """The clean picture on each canvas, once."""
        photograph = decode(item.file.read(), item.file.name)
        images = tuple(on_canvas(photograph, canvas) for canvas in canvases)
        for condition in conditions:
            yield Expansion(condition, 0, images)

    def decide(self, logits: NDArray[np.float32], labels: NDArray[np.int32]) -> Columns:
        """Arg max over all classes, with confidence and top 5."""
        return decisions.argmax(logits, labels)


def check_steps(benchmark: str, name: str, steps: Sequence[int]) -> None:
    """Raise an error unless every number of steps can be used.

    Raises:
        ArgumentError: there is none, or one below 1 or above a million, or one twice.
    """
    if not steps or min(steps) < 1 or len(set(steps)) < len(steps):
        had = "+".join(map(str, steps)) or "none"
        raise ArgumentError(f"{benchmark}:{name} must be different whole numbers of 1 or more, had {had}")
    require_within(f"{benchmark}:{name}", max(steps), 1, MOST_STEPS)

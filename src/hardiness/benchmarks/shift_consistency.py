"""``shift-consistency``: whether two crops of a photograph, some pixels apart, get the same answer."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from typing import ClassVar, final

import numpy as np
from numpy.typing import NDArray

from hardiness.benchmarks import decisions
from hardiness.benchmarks.registry import registry
from hardiness.core import (
    CANVAS_224,
    ArgumentError,
    Benchmark,
    Canvas,
    Columns,
    Condition,
    DataRoot,
    DataSet,
    Expansion,
    Item,
    rng,
)
from hardiness.imaging import decode, on_canvas

PASSES = 5
CROPS = ("first", "second")
WHOLE = Canvas(resize_px=256, crop_px=256, interpolation="bilinear")
OFFSETS = WHOLE.crop_px - CANVAS_224.crop_px


@registry.add("shift-consistency")
@final
@dataclass(frozen=True)
class ShiftConsistency(Benchmark):
    """How often two crops of one photograph get the same answer, right or wrong.

    Shorter side 256, centre crop 256, then two crops of 224 at offsets from 0 to 31 in each direction; five passes.

    Source: Zhang (2019), arXiv:1904.11486, and its published evaluation.
    Differs: offsets are drawn for each photograph, where the published code draws them once for a batch; the
        expectation is the same.
    """

    name: ClassVar[str] = "shift-consistency"
    question: ClassVar[str] = "Does the answer stay the same when the picture moves by a few pixels?"
    paper: ClassVar[str] = "Zhang 2019, arXiv:1904.11486"
    protocol: ClassVar[str] = "zhang2019"
    needs: ClassVar[tuple[str, ...]] = ("imagenet",)
    card: ClassVar[str] = "shift_consistency"
    canvas: ClassVar[Canvas | None] = CANVAS_224

    passes: int = field(default=PASSES, metadata={"help": "pairs of crops a photograph, 1 to 5", "request": True})

    def __post_init__(self) -> None:
        if not 1 <= self.passes <= PASSES:
            raise ArgumentError(f"shift-consistency:passes must be from 1 to {PASSES}, was {self.passes}")

    def conditions(self) -> tuple[Condition, ...]:
        """Both crops of every pass."""
        return tuple(Condition(shift=shift, crop=crop) for shift in range(1, PASSES + 1) for crop in CROPS)

    def requested(self) -> tuple[Condition, ...]:
        """Both crops of the passes that are asked for."""
        return tuple(condition for condition in self.conditions() if condition["shift"] <= self.passes)

    def dataset(self, data: DataRoot) -> DataSet:
        """The photographs."""
        return data.dataset("imagenet")

    def expand(
        self, item: Item, conditions: Sequence[Condition], canvases: Sequence[Canvas], seed: int
    ) -> Iterator[Expansion]:
        """One decode, then a crop for each condition."""
        whole = on_canvas(decode(item.file.read(), item.file.name), WHOLE)
        side = CANVAS_224.crop_px
        for condition in conditions:
            offsets = rng(seed, "shift_consistency", condition["shift"], item.id).integers(0, OFFSETS, (len(CROPS), 2))
            top, left = offsets[CROPS.index(condition["crop"])].tolist()
            yield Expansion(condition, 0, (np.ascontiguousarray(whole[top : top + side, left : left + side]),))

    def decide(self, logits: NDArray[np.float32], labels: NDArray[np.int32]) -> Columns:
        """Arg max over all classes, with confidence and top 5."""
        return decisions.argmax(logits, labels)

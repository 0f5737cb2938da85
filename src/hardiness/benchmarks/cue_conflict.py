"""``cue-conflict``: stimuli with the shape of one category and the texture of another."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import ClassVar, final

import numpy as np
from numpy.typing import NDArray

from hardiness.benchmarks import decisions
from hardiness.benchmarks.registry import registry
from hardiness.benchmarks.stored import sized
from hardiness.core import (
    CANVAS_224,
    Benchmark,
    Canvas,
    Columns,
    Condition,
    DataRoot,
    DataSet,
    Expansion,
    Item,
)
from hardiness.imaging import decode


@registry.add("cue-conflict")
@final
@dataclass(frozen=True)
class CueConflict(Benchmark):
    """Shape bias: of the answers that name one of two conflicting cues, the share that names the shape.

    Stimuli are shown as they are, 224x224. All logits are kept, so that a decision rule can be changed without the
    model; the card applies both: ``orhan2019`` (the largest logit among the categories' classes) and
    ``geirhos2019`` (the largest mean probability of a category).

    Source: Geirhos et al. (2019), arXiv:1811.12231; Orhan (2019), arXiv:1907.07640, ``evaluate_shapebias.py``.
    """

    name: ClassVar[str] = "cue-conflict"
    question: ClassVar[str] = "Does the model go by an object's shape, as people do, or by its texture?"
    paper: ClassVar[str] = "Geirhos et al. 2019, arXiv:1811.12231"
    protocol: ClassVar[str] = "orhan2019"
    needs: ClassVar[tuple[str, ...]] = ("cue-conflict",)
    card: ClassVar[str] = "cue_conflict"
    canvas: ClassVar[Canvas | None] = CANVAS_224

    def dataset(self, data: DataRoot) -> DataSet:
        """The stimuli whose cues are in conflict, and the one more that ``orhan2019`` has."""
        return data.dataset("cue-conflict")

    def expand(
        self, item: Item, conditions: Sequence[Condition], canvases: Sequence[Canvas], seed: int
    ) -> Iterator[Expansion]:
        """The stimulus as it is."""
        image = sized(decode(item.file.read(), item.file.name), item.file.name, "the published stimuli are")
        for condition in conditions:
            yield Expansion(condition, 0, (image,))

    def decide(self, logits: NDArray[np.float32], labels: NDArray[np.int32]) -> Columns:
        """Arg max over all classes and, float32 ``(N, K)``, the ``logits`` themselves."""
        return {**decisions.argmax(logits, labels), "logits": logits}

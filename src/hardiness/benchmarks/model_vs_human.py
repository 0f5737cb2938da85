"""``model-vs-human``: distorted pictures of 16 categories that people were shown too."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field, replace
from hashlib import sha256
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
    DataError,
    DataRoot,
    DataSet,
    Expansion,
    Item,
    UnknownNameError,
)
from hardiness.imaging import decode
from hardiness.reference.classes import sixteen
from hardiness.reference.stimulus_sets import SETS
from hardiness.scoring.category_rules import mean_probability


@registry.add("model-vs-human")
@final
@dataclass(frozen=True)
class ModelVsHuman(Benchmark):
    """Accuracy among 16 categories on 17 sets of stimuli, condition by condition, beside people's.

    A stimulus is shown under one condition alone, 224x224, as it is; the answer is the category with the largest mean
    probability of its classes. Whatever sets are on disk are evaluated; the benchmark's own mean is over all 17.

    Source: Geirhos et al. (2021), arXiv:2106.07411; Geirhos et al. (2018), arXiv:1808.08750, of twelve of the sets.
    """

    name: ClassVar[str] = "model-vs-human"
    question: ClassVar[str] = "Does the model recognise distorted objects as well as people do?"
    paper: ClassVar[str] = "Geirhos et al. 2021, arXiv:2106.07411"
    protocol: ClassVar[str] = "geirhos2021"
    needs: ClassVar[tuple[str, ...]] = ("model-vs-human",)
    card: ClassVar[str] = "model_vs_human"
    canvas: ClassVar[Canvas | None] = CANVAS_224

    sets: tuple[str, ...] = field(
        default=(), metadata={"help": "these alone, as in contrast+edge; all that are there if empty"}
    )

    def __post_init__(self) -> None:
        for name in self.sets:
            if name not in SETS:
                raise UnknownNameError("set of model-vs-human", name, SETS)

    def dataset(self, data: DataRoot) -> DataSet:
        """The stimuli of the sets that were asked for.

        Raises:
            DataError: they are not there, or one of the sets is not.
        """
        found = data.dataset("model-vs-human")
        if not self.sets:
            return found
        chosen = tuple(item for item in found.items if item.id.partition("/")[0] in self.sets)
        held = {item.id.partition("/")[0] for item in chosen}
        if lacking := [name for name in self.sets if name not in held]:
            raise DataError(f"{found.location} must hold the set {lacking[0]}, but does not; leave it out, or fetch it")
        digest = sha256("\n".join((found.fingerprint, *sorted(self.sets))).encode()).hexdigest()
        return replace(found, items=chosen, fingerprint=digest, released=None)

    def expand(
        self, item: Item, conditions: Sequence[Condition], canvases: Sequence[Canvas], seed: int
    ) -> Iterator[Expansion]:
        """The stimulus as it is."""
        image = sized(decode(item.file.read(), item.file.name), item.file.name, "the published stimuli are")
        for condition in conditions:
            yield Expansion(condition, 0, (image,))

    def decide(self, logits: NDArray[np.float32], labels: NDArray[np.int32]) -> Columns:
        """Arg max over all classes and, int16 ``(N,)``, the place of the answer among the 16 ``category`` names."""
        known = sixteen()
        return {**decisions.argmax(logits, labels), "category": mean_probability(logits, known).astype(np.int16)}

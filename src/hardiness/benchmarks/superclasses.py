"""What LAION-C and its distortions on ImageNet's photographs have in common: 16 superclasses and six distortions."""

from __future__ import annotations

from typing import ClassVar

import numpy as np
from numpy.typing import NDArray

from hardiness.benchmarks import decisions
from hardiness.core import CANVAS_224, Benchmark, Canvas, Columns, Condition
from hardiness.reference import wnids
from hardiness.reference.classes import laion_c
from hardiness.scoring.cards.laion_c import DISTORTIONS, SEVERITIES
from hardiness.scoring.category_rules import mean_probability

CELLS = tuple(Condition(corruption=name, severity=severity) for name in DISTORTIONS for severity in SEVERITIES)


class Superclasses(Benchmark):
    """Pictures of 224 pixels under six distortions, answered by the superclass of the largest mean probability."""

    card: ClassVar[str] = "laion_c"
    canvas: ClassVar[Canvas | None] = CANVAS_224
    shard_items: ClassVar[int] = 16

    def decide(self, logits: NDArray[np.float32], labels: NDArray[np.int32]) -> Columns:
        """Arg max over all classes, and ``superclass``, int16 ``(N,)``: the place of the answer among the 16.

        Source: Li et al. (2025), arXiv:2506.16950: the softmax over all classes, then the mean of each superclass.
        """
        columns = decisions.argmax(logits, labels)
        if logits.shape[1] != len(wnids()):
            return {**columns, "superclass": np.full(len(logits), -1, np.int16)}
        return {**columns, "superclass": mean_probability(logits, laion_c()).astype(np.int16)}

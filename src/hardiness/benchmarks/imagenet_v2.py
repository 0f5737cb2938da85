"""``imagenet-v2``: a second validation set, collected as the first one was."""

from __future__ import annotations

from dataclasses import dataclass
from typing import ClassVar, final

import numpy as np
from numpy.typing import NDArray

from hardiness.benchmarks import decisions
from hardiness.benchmarks.photographs import Photographs
from hardiness.benchmarks.registry import registry
from hardiness.core import Columns


@registry.add("imagenet-v2")
@final
@dataclass(frozen=True)
class ImagenetV2(Photographs):
    """A second validation set, collected as the first one was.

    Source: Recht et al. 2019, arXiv:1902.10811.
    """

    name: ClassVar[str] = "imagenet-v2"
    question: ClassVar[str] = "How much of the accuracy was fitted to one validation set?"
    paper: ClassVar[str] = "Recht et al. 2019, arXiv:1902.10811"
    protocol: ClassVar[str] = "recht2019"
    needs: ClassVar[tuple[str, ...]] = ("imagenet-v2",)

    def decide(self, logits: NDArray[np.float32], labels: NDArray[np.int32]) -> Columns:
        """Arg max over all classes and what temperature scaling takes."""
        return decisions.with_temperatures(logits, labels)

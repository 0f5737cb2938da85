"""``imagenet-sketch``: black-and-white sketches of all 1,000 classes."""

from __future__ import annotations

from dataclasses import dataclass
from typing import ClassVar, final

import numpy as np
from numpy.typing import NDArray

from hardiness.benchmarks import decisions
from hardiness.benchmarks.photographs import Photographs
from hardiness.benchmarks.registry import registry
from hardiness.core import Columns


@registry.add("imagenet-sketch")
@final
@dataclass(frozen=True)
class ImagenetSketch(Photographs):
    """Black-and-white sketches of all 1,000 classes.

    Source: Wang et al. 2019, arXiv:1905.13549.
    """

    name: ClassVar[str] = "imagenet-sketch"
    question: ClassVar[str] = "Does the model recognise shape when texture and colour are gone?"
    paper: ClassVar[str] = "Wang et al. 2019, arXiv:1905.13549"
    protocol: ClassVar[str] = "wang2019"
    needs: ClassVar[tuple[str, ...]] = ("imagenet-sketch",)

    def decide(self, logits: NDArray[np.float32], labels: NDArray[np.int32]) -> Columns:
        """Arg max over all classes and what temperature scaling takes."""
        return decisions.with_temperatures(logits, labels)

"""``imagenet-w``: photographs with and without a watermark that networks take for a carton."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import Any, ClassVar, final

import numpy as np
from numpy.typing import NDArray

from hardiness.benchmarks import decisions
from hardiness.benchmarks.photographs import Photographs
from hardiness.benchmarks.registry import registry
from hardiness.core import Canvas, Columns, Condition, Expansion, Item
from hardiness.distortions import corrupt, corruption_versions
from hardiness.imaging import decode, on_canvas
from hardiness.reference import wnids

CARTON = 478
"""Its index among ImageNet's 1,000 classes."""

WATERMARK = Condition(corruption="watermark")


@registry.add("imagenet-w")
@final
@dataclass(frozen=True)
class ImagenetW(Photographs):
    """How much accuracy a watermark costs, and how often the answer becomes "carton".

    Each photograph is classified twice in the model's own view: as it is, and with the watermark drawn on its crop.

    Source: Li et al. (2023), arXiv:2212.04825, and its published code.
    """

    name: ClassVar[str] = "imagenet-w"
    question: ClassVar[str] = "Is it fooled by a watermark that stands on many training photographs of cartons?"
    paper: ClassVar[str] = "Li et al. 2023, arXiv:2212.04825"
    protocol: ClassVar[str] = "li2023"
    needs: ClassVar[tuple[str, ...]] = ("imagenet",)
    card: ClassVar[str] = "watermark"

    def conditions(self) -> tuple[Condition, ...]:
        """Clean, and with the watermark."""
        return (Condition(), WATERMARK)

    def identity(self) -> dict[str, Any]:
        """The version of the watermark."""
        return {**super().identity(), "kernels": corruption_versions(["watermark"])}

    def expand(
        self, item: Item, conditions: Sequence[Condition], canvases: Sequence[Canvas], seed: int
    ) -> Iterator[Expansion]:
        """One decode, one crop for each canvas, and the watermark on it."""
        photograph = decode(item.file.read(), item.file.name)
        crops = tuple(on_canvas(photograph, canvas) for canvas in canvases)
        for condition in conditions:
            marked = bool(condition)
            yield Expansion(condition, 0, tuple(corrupt(crop, "watermark", 1) if marked else crop for crop in crops))

    def decide(self, logits: NDArray[np.float32], labels: NDArray[np.int32]) -> Columns:
        """Arg max over all classes and ``carton``, float32 ``(N,)``: its probability; NaN without ImageNet's 1,000."""
        columns = decisions.argmax(logits, labels)
        carton = np.full(len(logits), np.nan, np.float32)
        if logits.shape[1] == len(wnids()):
            carton = np.exp(logits[:, CARTON] - columns["logsumexp"].astype(np.float32))
        return {**columns, "carton": carton}

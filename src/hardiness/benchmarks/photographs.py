"""What benchmarks of plain photographs share: one condition, each model's own view, every canvas from one decode."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import replace
from typing import ClassVar

import numpy as np
from numpy.typing import NDArray

from hardiness import reference
from hardiness.benchmarks import decisions
from hardiness.core import Benchmark, Canvas, Columns, Condition, DataRoot, DataSet, Expansion, Item
from hardiness.data.photographs import AS_IT_IS
from hardiness.imaging import decode, on_canvas


class Photographs(Benchmark):
    """A data set of labelled photographs, each classified once in the model's own view."""

    card: ClassVar[str] = "classification"

    def dataset(self, data: DataRoot) -> DataSet:
        """The data set this benchmark is named after in ``needs``."""
        return data.dataset(self.needs[0])

    def expand(
        self, item: Item, conditions: Sequence[Condition], canvases: Sequence[Canvas], seed: int
    ) -> Iterator[Expansion]:
        """One decode, then one crop for each canvas."""
        photograph = decode(item.file.read(), item.file.name)
        shown = [prepared(item, canvas) for canvas in canvases]
        images = tuple(on_canvas(photograph, canvas) for canvas in shown)
        for condition in conditions:
            yield Expansion(condition, 0, images)

    def decide(self, logits: NDArray[np.float32], labels: NDArray[np.int32]) -> Columns:
        """Arg max over all classes, with confidence and top 5."""
        return decisions.argmax(logits, labels)


def prepared(item: Item, canvas: Canvas) -> Canvas:
    """The canvas for an item; one that is on its own already is resized where the model's is larger, never cropped."""
    if AS_IT_IS not in item.tags:
        return canvas
    return replace(canvas, resize_px=canvas.crop_px, interpolation="bicubic", crop_mode="squash")


class SubsetPhotographs(Photographs):
    """A data set over 200 of the 1,000 classes, decided among those 200."""

    card: ClassVar[str] = "subset_classification"

    def decide(self, logits: NDArray[np.float32], labels: NDArray[np.int32]) -> Columns:
        """Arg max and softmax among the 200 classes, and the 1,000-way decision beside them."""
        return decisions.subset_columns(logits, labels, reference.subset(self.needs[0]))

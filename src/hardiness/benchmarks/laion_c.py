"""``laion-c``: the released pictures of six distortions that are not in the training data of web-scale models."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import ClassVar, final

from hardiness import data as datasets
from hardiness.benchmarks.registry import registry
from hardiness.benchmarks.stored import sized
from hardiness.benchmarks.superclasses import CELLS, Superclasses
from hardiness.core import Canvas, Condition, DataRoot, DataSet, Expansion, Item, SampleError, Unreadable
from hardiness.imaging import decode


@registry.add("laion-c")
@final
@dataclass(frozen=True)
class LaionC(Superclasses):
    """Accuracy among 16 superclasses under six distortions at five intensities, on the released pictures.

    Source: Li et al. (2025), arXiv:2506.16950, and its published code.
    """

    name: ClassVar[str] = "laion-c"
    question: ClassVar[str] = "Does it cope with distortions that are rare on the web, and as well as people?"
    paper: ClassVar[str] = "Li et al. 2025, arXiv:2506.16950"
    protocol: ClassVar[str] = "li2025"
    needs: ClassVar[tuple[str, ...]] = ("laion-c",)

    def conditions(self) -> tuple[Condition, ...]:
        """Six distortions at five intensities."""
        return CELLS

    def dataset(self, data: DataRoot) -> DataSet:
        """The released pictures."""
        return data.dataset("laion-c")

    def expand(
        self, item: Item, conditions: Sequence[Condition], canvases: Sequence[Canvas], seed: int
    ) -> Iterator[Expansion | Unreadable]:
        """The file of each cell as it is."""
        assert isinstance(item.file, datasets.CorruptedCopies)
        for condition in conditions:
            cell = item.file.cell(condition["corruption"], condition["severity"])
            try:
                image = sized(decode(cell.read(), cell.name), cell.name, "in the released files")
            except SampleError as error:
                yield Unreadable(condition, str(error))
            else:
                yield Expansion(condition, 0, (image,))

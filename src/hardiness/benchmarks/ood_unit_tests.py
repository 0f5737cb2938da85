"""``ood-unit-tests``: is the model less sure of noise, stripes and plain colours than of photographs?"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace
from typing import ClassVar, final

from hardiness.benchmarks.photographs import Photographs
from hardiness.benchmarks.registry import registry
from hardiness.core import Canvas, Condition, DataRoot, DataSet, Expansion, Item
from hardiness.data import limited
from hardiness.distortions.objectless import TESTS, objectless
from hardiness.imaging import decode, on_canvas

PICTURES = 400


@registry.add("ood-unit-tests")
@final
@dataclass(frozen=True)
class OodUnitTests(Photographs):
    """The share of pictures without any object that pass for photographs, in 17 tests.

    A threshold accepts 95 % of the photographs; a test counts the pictures that it accepts too. A model that flags
    nothing accepts nearly all of them, and one that flags noise alone fails in the plain and striped tests. Each
    picture has the size of one of 400 photographs, and is seen in the model's own view.

    Source: Bitterwolf et al. (2023), arXiv:2306.00826 (NINCO), and its published notebook.
    Differs: the threshold is that of the same 400 photographs, taken by class, not of all 50,000.
    """

    name: ClassVar[str] = "ood-unit-tests"
    question: ClassVar[str] = "Is it less sure of noise, stripes and plain colours than of photographs?"
    paper: ClassVar[str] = "Bitterwolf et al. 2023, arXiv:2306.00826"
    protocol: ClassVar[str] = "bitterwolf2023"
    needs: ClassVar[tuple[str, ...]] = ("imagenet",)
    card: ClassVar[str] = "ood_unit_tests"
    shard_items: ClassVar[int] = 16

    def conditions(self) -> tuple[Condition, ...]:
        """The photograph, then each test."""
        return (Condition(), *(Condition(test=name) for name in TESTS))

    def dataset(self, data: DataRoot) -> DataSet:
        """400 of the photographs, every class once before any comes twice."""
        found = data.dataset("imagenet")
        chosen = sorted(limited(found.items, PICTURES, seed=0), key=lambda item: item.id)
        return replace(found, items=tuple(chosen))

    def expand(
        self, item: Item, conditions: Sequence[Condition], canvases: Sequence[Canvas], seed: int
    ) -> Iterator[Expansion]:
        """The photograph or the picture of a test, of its size, on every canvas."""
        photograph = decode(item.file.read(), item.file.name)
        for condition in conditions:
            shown = objectless(condition["test"], photograph, seed=seed, id=item.id) if condition else photograph
            yield Expansion(condition, 0, tuple(on_canvas(shown, canvas) for canvas in canvases))

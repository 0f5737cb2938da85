"""``ood``: does the model know which photographs show none of its classes?"""

from __future__ import annotations

import hashlib
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field, replace
from typing import ClassVar, final

from hardiness.benchmarks.imagenet_val import ImagenetVal
from hardiness.benchmarks.photographs import Photographs
from hardiness.benchmarks.registry import registry
from hardiness.core import ArgumentError, Benchmark, DataError, DataRoot, DataSet, Item
from hardiness.scoring.cards.ood import OUTSIDE


@registry.add("ood")
@final
@dataclass(frozen=True)
class Ood(Photographs):
    """How well confidence tells ImageNet's photographs from those of other things.

    The photographs of ``imagenet`` are inside; those of every set that is there are outside: ImageNet-O, NINCO,
    SSB-hard, iNaturalist, Textures, OpenImage-O. All are seen in the model's own view. Three scores follow from one
    forward pass: the largest softmax probability (MSP), the largest logit, and the energy (log-sum-exp of the logits).
    Each set is a run of its own; the photographs are those of `imagenet-val`'s run.

    Source: Zhang et al. (2023), arXiv:2306.09301 (OpenOOD v1.5: near and far); Bitterwolf et al. (2023),
        arXiv:2306.00826 (NINCO); Hendrycks et al. (2019), arXiv:1907.07174 (ImageNet-O).
    Differs: OpenOOD keeps 5,000 validation photographs apart to tune with; nothing is tuned here, and all count.
    """

    name: ClassVar[str] = "ood"
    question: ClassVar[str] = "Does it know which photographs show none of its classes?"
    paper: ClassVar[str] = "Zhang et al. 2023, arXiv:2306.09301"
    protocol: ClassVar[str] = "openood1.5"
    needs: ClassVar[tuple[str, ...]] = ("imagenet",)
    beside: ClassVar[tuple[str, ...]] = OUTSIDE
    card: ClassVar[str] = "ood"

    outside: tuple[str, ...] = field(
        default=(), metadata={"help": "these sets alone, as in ninco+textures; all that are there if empty"}
    )

    def __post_init__(self) -> None:
        for name in self.outside:
            if name not in OUTSIDE:
                raise ArgumentError(f"ood:outside must name some of {', '.join(OUTSIDE)}, had {name!r}")

    def lacks(self, data: DataRoot) -> str:
        """As usual, and a set of other things beside ImageNet's photographs."""
        absent = [name for name in self.outside if not data.has(name)]
        if absent or not any(data.has(name) for name in OUTSIDE):
            return f"no data set {', '.join(absent) or ' or '.join(OUTSIDE)} in --data"
        return super().lacks(data)

    def dataset(self, data: DataRoot) -> DataSet:
        """The photographs of ImageNet, then those of the sets outside, whose ids begin with the set's name and a colon.

        Raises:
            DataError: ImageNet's photographs or a set that was named is not there, or no set is.
        """
        inside = data.dataset("imagenet")
        found = [data.dataset(name) for name in self._names(data)]
        digest = hashlib.sha256("".join(each.fingerprint for each in (inside, *found)).encode()).hexdigest()
        items = (*inside.items, *(item for each in found for item in _renamed(each)))
        return replace(
            inside,
            items=items,
            fingerprint=digest,
            notes=tuple(note for each in (inside, *found) for note in each.notes),
            remarks=tuple(remark for each in (inside, *found) for remark in each.remarks),
        )

    def _names(self, data: DataRoot) -> tuple[str, ...]:
        names = self.outside or tuple(name for name in OUTSIDE if data.has(name))
        if not names:
            raise DataError(f"ood needs a set of other things beside imagenet: one of {', '.join(OUTSIDE)}; add --data")
        return names

    def parts(self, data: DataRoot) -> tuple[Benchmark, ...]:
        """The photographs as `imagenet-val` has them, and a run for each set, which no other set is part of."""
        if data.has("adversarial"):
            raise DataError("ood sets ImageNet's own photographs against other things; leave --data adversarial=… out")
        return (ImagenetVal(), *(OodSet((name,)) for name in self._names(data)))


@final
@dataclass(frozen=True)
class OodSet(Photographs):
    """One set of other things, without the photographs that it is held against: a part of `Ood`."""

    name: ClassVar[str] = Ood.name
    question: ClassVar[str] = Ood.question
    paper: ClassVar[str] = Ood.paper
    protocol: ClassVar[str] = Ood.protocol
    needs: ClassVar[tuple[str, ...]] = Ood.needs
    card: ClassVar[str] = Ood.card

    outside: tuple[str, ...]

    def dataset(self, data: DataRoot) -> DataSet:
        """The photographs of the set, with ImageNet's classes; their ids begin with the set's name and a colon.

        Raises:
            DataError: ImageNet's photographs or the set is not there.
        """
        inside, found = data.dataset("imagenet"), data.dataset(self.outside[0])
        return replace(
            found, items=tuple(_renamed(found)), num_classes=inside.num_classes, class_names=inside.class_names
        )


def _renamed(data: DataSet) -> Iterator[Item]:
    for item in _sorted(data.items):
        yield replace(item, id=f"{data.name}:{item.id}")


def _sorted(items: Sequence[Item]) -> list[Item]:
    return sorted(items, key=lambda item: item.id)

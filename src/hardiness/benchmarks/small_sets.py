"""Benchmarks of ImageNet's photographs that are also of a test set of small pictures, at its own size."""

from __future__ import annotations

from dataclasses import dataclass, field, replace
from typing import Any, ClassVar

from hardiness.core.benchmark import Benchmark, DataRoot, DataSet
from hardiness.core.codes import DataRemark
from hardiness.core.errors import DataError, UnknownNameError
from hardiness.core.fact import Fact
from hardiness.core.model import CANVAS_224, Canvas
from hardiness.reference.small_pictures import SmallPictures, small_pictures


def canvas_of_set(pictures: str) -> Canvas:
    """The canvas on which the pictures of a data set are corrupted or attacked: their own size where they are small."""
    small = small_pictures().get(pictures)
    return Canvas(small.side_px, small.side_px) if small else CANVAS_224


@dataclass(frozen=True)
class OfAnySize(Benchmark):
    """Base of benchmarks of photographs on the 224 canvas, or of small pictures as they are."""

    needs: ClassVar[tuple[str, ...]] = ("imagenet", *small_pictures())

    pictures: str = field(default="", metadata={"help": "small pictures at their own size, such as cifar10"})

    def __post_init__(self) -> None:
        if self.pictures and self.pictures not in small_pictures():
            raise UnknownNameError(f"pictures of {self.name}", self.pictures, small_pictures())

    @property
    def canvas(self) -> Canvas | None:  # type: ignore[override]  # it follows from an option
        """The 224 canvas, or the small pictures' own size."""
        return canvas_of_set(self.pictures)

    @property
    def small(self) -> SmallPictures | None:
        """The declaration of the small pictures; ``None`` for photographs."""
        return small_pictures().get(self.pictures)

    def dataset(self, data: DataRoot) -> DataSet:
        """The photographs or the small pictures."""
        return data.dataset(self.pictures or "imagenet")

    def lacks(self, data: DataRoot) -> Fact | None:
        """The data that are missing, or which of several sets of small pictures has to be said."""
        if self.pictures:
            return None if data.has(self.pictures) else Fact(DataRemark.LACKS_DATA, {"sets": (self.pictures,)})
        sets = self._sets(data)
        if len(sets) > 1:
            return Fact(DataRemark.LACKS_DATA, {"sets": tuple(sets), "needs": "choice", "benchmark": self.name})
        return super().lacks(data)

    def parts(self, data: DataRoot) -> tuple[Benchmark, ...]:
        """Itself, of the one set of small pictures where there are no photographs.

        Raises:
            DataError: there are several.
        """
        sets = [] if self.pictures else self._sets(data)
        if len(sets) > 1:
            several = f"--data has {' and '.join(sets)}"
            raise DataError(f"{self.name}: {several}: say which, as in {self.name}:pictures={sets[0]}")
        return (replace(self, pictures=sets[0]),) if sets else (self,)

    def identity(self) -> dict[str, Any]:
        """The options that change rows."""
        options = super().identity()
        if not self.pictures:
            del options["pictures"]
        return options

    def _sets(self, data: DataRoot) -> list[str]:
        """The sets of small pictures that take the place of photographs, of which there are none."""
        return [] if data.has("imagenet") else [name for name in small_pictures() if data.has(name)]

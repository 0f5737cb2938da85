"""``imagenet-c``: 15 common corruptions at five severities, stored as released or generated on the fly."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field, replace
from typing import Any, ClassVar, final

import numpy as np
from numpy.typing import NDArray

from hardiness import data as datasets
from hardiness import distortions
from hardiness.benchmarks import decisions
from hardiness.benchmarks.registry import registry
from hardiness.benchmarks.stored import sized
from hardiness.core import (
    CANVAS_224,
    ArgumentError,
    Benchmark,
    Canvas,
    Columns,
    Condition,
    DataError,
    DataRoot,
    DataSet,
    Expansion,
    Image,
    Item,
    SampleError,
    UnknownNameError,
    Unreadable,
)
from hardiness.imaging import decode, encode_jpeg, on_canvas
from hardiness.reference import IMAGENET_C

CLEAN = Condition()
JPEG_QUALITY = IMAGENET_C.jpeg_quality
SOURCES = ("auto", "stored", "generated")


@registry.add("imagenet-c")
@final
@dataclass(frozen=True)
class ImagenetC(Benchmark):
    """Error under common corruptions, against AlexNet's: mCE and relative mCE.

    Stored files are used as they are, without a resize. Generated ones follow the released files: shorter side 256,
    centre crop 224, PIL bilinear, corruption, JPEG of quality 85. Clean error is that of the same crop without JPEG.

    Source: Hendrycks & Dietterich (2019), arXiv:1903.12261; Orhan (2019), arXiv:1907.07640, ``evaluate_imagenetc.py``.
    Differs: the released files were drawn without a seed; generated ones by seed, corruption, severity and id.
    """

    name: ClassVar[str] = "imagenet-c"
    question: ClassVar[str] = "How much worse is the model under noise, blur, weather and compression?"
    paper: ClassVar[str] = "Hendrycks & Dietterich 2019, arXiv:1903.12261"
    protocol: ClassVar[str] = "hendrycks2019"
    needs: ClassVar[tuple[str, ...]] = ("imagenet-c", "imagenet")
    card: ClassVar[str] = "corruption"
    canvas: ClassVar[Canvas | None] = CANVAS_224
    shard_items: ClassVar[int] = 16

    extra: bool = field(
        default=False, metadata={"help": "also the four that the authors set apart for validation", "request": True}
    )
    corruptions: tuple[str, ...] = field(
        default=(), metadata={"help": "these alone, as in fog+snow; all if empty", "request": True}
    )
    severities: tuple[int, ...] = field(
        default=IMAGENET_C.levels, metadata={"help": "these alone, as in 1+3+5", "request": True}
    )
    jpeg: bool = field(default=True, metadata={"help": "generated images go through JPEG, as the released ones did"})
    source: str = field(
        default="auto", metadata={"help": "stored, generated, or auto: stored where it is there", "request": True}
    )

    def __post_init__(self) -> None:
        if self.source not in SOURCES:
            raise UnknownNameError("source of imagenet-c", self.source, SOURCES)
        for name in self.corruptions:
            distortions.corruptions.get(name)
        for severity in self.severities:
            if severity not in IMAGENET_C.levels:
                raise ArgumentError(f"imagenet-c:severities must be numbers from 1 to 5, had {severity}")
        if not self.severities:
            raise ArgumentError("imagenet-c:severities must name at least one severity from 1 to 5, was empty")

    def conditions(self) -> tuple[Condition, ...]:
        """Clean, then all 19 corruptions at all severities, in the published order."""
        return (CLEAN, *_cells(IMAGENET_C.members + IMAGENET_C.extra, IMAGENET_C.levels))

    def whole(self) -> tuple[Condition, ...]:
        """The 75 cells of mCE."""
        return _cells(IMAGENET_C.members, IMAGENET_C.levels)

    def requested(self) -> tuple[Condition, ...]:
        """Clean, and the cells that the options pick."""
        names = self.corruptions or (IMAGENET_C.members + IMAGENET_C.extra if self.extra else IMAGENET_C.members)
        return (CLEAN, *_cells(names, self.severities))

    def identity(self) -> dict[str, Any]:
        """The options that change rows, and the version of the distortions."""
        return {**super().identity(), "kernels": distortions.CORRUPTIONS_VERSION}

    def dataset(self, data: DataRoot) -> DataSet:
        """Stored ImageNet-C with the clean photographs beside it where they are there; else the photographs."""
        stored = self.source == "stored" or (self.source == "auto" and data.has("imagenet-c"))
        if not stored:
            return self._without_unavailable(data.dataset("imagenet"))
        found = data.dataset("imagenet-c")
        held = found.conditions or frozenset()
        absent = [cell for cell in self.requested() if cell and cell not in held]
        notes = found.notes + tuple(
            f"{found.location} has no {cell['corruption']}/{cell['severity']}: not evaluated, so mCE is partial"
            for cell in absent
        )
        photographs = data.dataset("imagenet") if data.has("imagenet") else None
        clean = {item.id: item.file for item in photographs.items} if photographs else {}
        fingerprints = {**found.fingerprints, **({CLEAN: photographs.fingerprint} if photographs else {})}
        items = tuple(replace(item, file=replace(item.file, clean=clean.get(item.id))) for item in found.items)  # type: ignore[type-var]
        conditions = held | ({CLEAN} if clean else set())
        return replace(found, items=items, conditions=conditions, notes=notes, fingerprints=fingerprints)

    def expand(
        self, item: Item, conditions: Sequence[Condition], canvases: Sequence[Canvas], seed: int
    ) -> Iterator[Expansion | Unreadable]:
        """One decode and crop for all cells that are generated; one file a cell for those that are stored."""
        if isinstance(item.file, datasets.CorruptedCopies):
            yield from self._stored(item.file, conditions)
            return
        clean = _clean(item.file.read(), item.file.name)
        for condition in conditions:
            yield Expansion(condition, 0, (self.picture(clean, condition, item.id, seed),))

    def picture(self, clean: Image, condition: Condition, sample: str, seed: int) -> Image:
        """The generated picture of one cell, ``uint8 (224, 224, 3)``, as it is after its JPEG."""
        if not condition:
            return clean
        corrupted = distortions.corrupt(clean, condition["corruption"], condition["severity"], seed=seed, id=sample)
        return decode(jpeg(corrupted), sample) if self.jpeg else corrupted

    def decide(self, logits: NDArray[np.float32], labels: NDArray[np.int32]) -> Columns:
        """Arg max over all classes, with confidence and top 5."""
        return decisions.argmax(logits, labels)

    def _stored(
        self, file: datasets.CorruptedCopies, conditions: Sequence[Condition]
    ) -> Iterator[Expansion | Unreadable]:
        for condition in conditions:
            try:
                if condition:
                    cell = file.cell(condition["corruption"], condition["severity"])
                    image = sized(decode(cell.read(), cell.name), cell.name, "in the released files")
                else:
                    image = _clean(file.read(), file.name)
                yield Expansion(condition, 0, (image,))
            except SampleError as error:
                yield Unreadable(condition, str(error))

    def _without_unavailable(self, photographs: DataSet) -> DataSet:
        """Frost needs pictures that only some packages carry: without them the other cells are still evaluated."""
        if all(cell.get("corruption") != "frost" for cell in self.requested()):
            return photographs
        try:
            distortions.require_frost()
        except DataError as error:
            allowed = frozenset(cell for cell in self.conditions() if cell.get("corruption") != "frost")
            return replace(photographs, conditions=allowed, notes=(f"frost is not evaluated, mCE is partial: {error}",))
        return photographs


def jpeg(image: Image, optimise: bool = False) -> bytes:
    """The image as the released files hold it: JPEG, quality 85; those are optimised, which changes no pixel."""
    return encode_jpeg(image, JPEG_QUALITY, optimise)


def _cells(names: Sequence[str], severities: Sequence[int]) -> tuple[Condition, ...]:
    return tuple(Condition(corruption=name, severity=severity) for name in names for severity in severities)


def _clean(content: bytes, name: str) -> Image:
    return on_canvas(decode(content, name), CANVAS_224)

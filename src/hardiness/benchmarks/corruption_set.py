"""A set of corruptions as a benchmark: every still set of `hardiness.reference.sets` is one, under its own name."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field, make_dataclass, replace
from functools import cache
from typing import Any, ClassVar, final

import numpy as np
from numpy.typing import NDArray

from hardiness import data as datasets
from hardiness import distortions
from hardiness.benchmarks import decisions
from hardiness.benchmarks.corruption_cells import cells, told, unavailable
from hardiness.benchmarks.registry import registry
from hardiness.benchmarks.stored import sized
from hardiness.core import (
    CANVAS_224,
    ArgumentError,
    Benchmark,
    Canvas,
    Columns,
    Condition,
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
from hardiness.reference import DistortionSet, distortion_set, set_names

CLEAN = Condition()
SOURCES = ("auto", "stored", "generated")


@dataclass(frozen=True)
class CorruptionSet(Benchmark):
    """Error under each corruption of a set, at each severity; base of the benchmarks that `benchmark_of` makes.

    Class attributes:
        members: the set.
    """

    members: ClassVar[DistortionSet]
    card: ClassVar[str] = "corruption"
    canvas: ClassVar[Canvas | None] = CANVAS_224
    shard_items: ClassVar[int] = 16

    extra: bool = field(
        default=False, metadata={"help": "also what the authors set apart, which no mean counts", "request": True}
    )
    corruptions: tuple[str, ...] = field(
        default=(),
        metadata={"help": "these alone, as in fog+snow, or your own; all if empty", "request": True},
    )
    severities: tuple[int, ...] = field(
        default=distortions.SEVERITIES, metadata={"help": "these alone, as in 1+3+5", "request": True}
    )
    jpeg: bool = field(default=True, metadata={"help": "generated images go through JPEG, as the released ones did"})
    source: str = field(
        default="auto", metadata={"help": "stored, generated, or auto: stored where it is there", "request": True}
    )

    def __post_init__(self) -> None:
        if self.source not in SOURCES:
            raise UnknownNameError(f"source of {self.name}", self.source, SOURCES)
        for name in set(self.corruptions) - set(self.members.stored_only):
            distortions.corruptions.get(name)
        levels = self.members.levels
        for severity in self.severities:
            if severity not in levels:
                raise ArgumentError(
                    f"{self.name}:severities must be numbers from {levels[0]} to {levels[-1]}, had {severity}"
                )
        if not self.severities:
            raise ArgumentError(
                f"{self.name}:severities must name at least one severity from {levels[0]} to {levels[-1]}, was empty"
            )
        for name in self.corruptions:
            if not cells(self.members, [name], self.severities):
                raise ArgumentError(f"{self.name}:corruptions: {name} has none of the severities that were asked for")
        if self.jpeg and not self.members.jpeg_quality:
            raise ArgumentError(f"{self.name}:jpeg must be false: its pictures go through no JPEG")

    @property
    def own(self) -> tuple[str, ...]:
        """The corruptions that were asked for and are not of the set: evaluated beside it, and in none of its means."""
        return tuple(sorted(set(self.corruptions) - set(self.members.published)))

    def conditions(self) -> tuple[Condition, ...]:
        """Clean, then all corruptions of the set at all severities, in the published order, then those of one's own."""
        return (CLEAN, *cells(self.members, (*self.members.published, *self.own), self.members.levels))

    def whole(self) -> tuple[Condition, ...]:
        """The cells that the headline is made of."""
        return cells(self.members, self.members.members, self.members.levels)

    def requested(self) -> tuple[Condition, ...]:
        """Clean, and the cells that the options pick."""
        names = self.corruptions or (self.members.published if self.extra else self.members.members)
        return (CLEAN, *cells(self.members, names, self.severities))

    def identity(self) -> dict[str, Any]:
        """The options that change rows, and the versions of the corruptions."""
        made = {*self.members.published, *self.own} - set(self.members.stored_only)
        versions = distortions.corruption_versions(made)
        return {**super().identity(), "kernels": versions}

    def lacks(self, data: DataRoot) -> str:
        """As usual; stored files alone where these were asked for."""
        if self.source == "stored" and not data.has(self.name):
            return f"no data set {self.name} in --data"
        return super().lacks(data)

    def dataset(self, data: DataRoot) -> DataSet:
        """The stored set with the clean photographs beside it where they are there; else the photographs."""
        stored = self.source == "stored" or (self.source == "auto" and data.has(self.name))
        if not stored:
            return self._without_unavailable(data.dataset("imagenet"))
        found = data.dataset(self.name)
        held = found.conditions or frozenset()
        notes = found.notes + tuple(self._absent(found, cell) for cell in self.requested() if cell and cell not in held)
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
            yield from _stored(item.file, conditions)
            return
        clean = _clean(item.file.read(), item.file.name)
        for condition in conditions:
            yield Expansion(condition, 0, (self.picture(clean, condition, item.id, seed),))

    def picture(self, clean: Image, condition: Condition, sample: str, seed: int) -> Image:
        """The generated picture of one cell, ``uint8 (224, 224, 3)``, as it is after its JPEG."""
        if not condition:
            return clean
        corrupted = distortions.corrupt(clean, condition["corruption"], condition["severity"], seed=seed, id=sample)
        return decode(self.encoded(corrupted), sample) if self.jpeg else corrupted

    def encoded(self, image: Image, optimise: bool = False) -> bytes:
        """The image as the released files hold it: a JPEG of the set's quality; ``optimise`` changes no pixel."""
        return encode_jpeg(image, self.members.jpeg_quality, optimise)

    def decide(self, logits: NDArray[np.float32], labels: NDArray[np.int32]) -> Columns:
        """Arg max over all classes, with confidence and top 5."""
        return decisions.argmax(logits, labels)

    def _absent(self, found: DataSet, cell: Condition) -> str:
        """Why a cell that was asked for is not evaluated on stored files."""
        place = f"{found.location} has no {cell['corruption']}/{cell['severity']}: not evaluated"
        if cell["corruption"] in self.own:
            return f"{place}; with source=generated it is made from the photographs"
        return f"{place}, so {self.headline} is partial"

    @property
    def headline(self) -> str:
        """What its first number is called, for messages."""
        return "mCE" if self.members.baseline else "the mean error"

    def _without_unavailable(self, photographs: DataSet) -> DataSet:
        """The photographs with the corruptions that can be made here, and a note on the others."""
        missing = unavailable(self.members, self.requested())
        if not missing:
            return photographs
        allowed = frozenset(cell for cell in self.conditions() if cell.get("corruption") not in missing)
        return replace(photographs, conditions=allowed, notes=tuple(told(missing, self.headline)))


@cache
def corruption_benchmark(name: str) -> type[CorruptionSet]:
    """The benchmark of a still set, by the set's name.

    Raises:
        UnknownNameError: there is no such set.
    """
    return benchmark_of(distortion_set(name))


def benchmark_of(members: DistortionSet) -> type[CorruptionSet]:
    """The benchmark that a set describes; for a set of one's own, to be registered by the caller."""
    attributes: dict[str, Any] = {
        "__doc__": f"{members.about.strip()}\n\nSource: {members.source}",
        "__module__": __name__,
        "name": members.name,
        "question": members.question,
        "paper": members.paper,
        "protocol": members.protocol,
        "needs": (members.name, "imagenet"),
        "members": members,
    }
    options: list[tuple[str, Any, Any]] = [
        ("severities", tuple[int, ...], _default("severities", members.levels)),
        ("jpeg", bool, _default("jpeg", bool(members.jpeg_quality))),
    ]
    title = "".join(word.capitalize() for word in members.name.split("-"))
    made = make_dataclass(title, options, bases=(CorruptionSet,), namespace=attributes, frozen=True)
    return final(made)


def _default(option: str, value: Any) -> Any:
    """A field of the base with another default."""
    return field(default=value, metadata=dict(CorruptionSet.__dataclass_fields__[option].metadata))


def _register() -> None:
    for name in set_names("still"):
        registry.register(name, corruption_benchmark(name), f"reference/sets/{name}.toml")


def _stored(file: datasets.CorruptedCopies, conditions: Sequence[Condition]) -> Iterator[Expansion | Unreadable]:
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


def _clean(content: bytes, name: str) -> Image:
    return on_canvas(decode(content, name), CANVAS_224)


_register()

"""``imagenet-p``: sequences in which a photograph changes little by little, stored as videos or generated."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from contextlib import suppress
from dataclasses import dataclass, field, replace
from typing import Any, ClassVar, final

import numpy as np
from numpy.typing import NDArray

from hardiness import data as datasets
from hardiness import distortions
from hardiness.benchmarks import decisions
from hardiness.benchmarks.registry import registry
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
from hardiness.imaging import decode
from hardiness.imaging.decode import decode_video
from hardiness.imaging.resize import before_crop
from hardiness.imaging.text import strip
from hardiness.reference import IMAGENET_P

SOURCES = ("auto", "stored", "generated")


@registry.add("imagenet-p")
@final
@dataclass(frozen=True)
class ImagenetP(Benchmark):
    """How often the answer flips while a photograph changes little by little, against AlexNet's: mFR.

    Stored videos are decoded as they are. Generated frames follow the published rules: shorter side 256 (PIL
    bilinear), perturbation, centre crop 224.

    Source: Hendrycks & Dietterich (2019), arXiv:1903.12261; Orhan (2019), arXiv:1907.07640, ``evaluate_imagenetp.py``.
    Differs: generated frames do not go through video coding; their draws are keyed by seed, perturbation, difficulty
        and id, where the released ones were drawn without a seed.
    """

    name: ClassVar[str] = "imagenet-p"
    question: ClassVar[str] = "Does the answer stay the same while the photograph changes little by little?"
    paper: ClassVar[str] = "Hendrycks & Dietterich 2019, arXiv:1903.12261"
    protocol: ClassVar[str] = "hendrycks2019"
    needs: ClassVar[tuple[str, ...]] = ("imagenet-p", "imagenet")
    card: ClassVar[str] = "perturbation"
    canvas: ClassVar[Canvas | None] = CANVAS_224
    shard_items: ClassVar[int] = 1
    frames: ClassVar[int] = 31

    extra: bool = field(
        default=False, metadata={"help": "also the four that the authors set apart for validation", "request": True}
    )
    perturbations: tuple[str, ...] = field(
        default=(),
        metadata={"help": "these alone, as in rotate+snow, or your own; all if empty", "request": True},
    )
    difficulty: int = field(
        default=1, metadata={"help": "1, or 2 or 3 for the noises alone, which no mean is made of", "request": True}
    )
    source: str = field(
        default="auto", metadata={"help": "stored, generated, or auto: stored where it is there", "request": True}
    )

    def __post_init__(self) -> None:
        if self.source not in SOURCES:
            raise UnknownNameError("source of imagenet-p", self.source, SOURCES)
        for name in self.perturbations:
            distortions.perturbations.get(name)
        if self.difficulty not in IMAGENET_P.levels:
            raise ArgumentError(f"imagenet-p:difficulty must be 1, 2 or 3, was {self.difficulty}")
        for name in self.perturbations:
            distortions.perturbations.get(name).level(self.difficulty)

    @property
    def own(self) -> tuple[str, ...]:
        """The perturbations that were asked for and are not of the set: evaluated beside it, in none of its means."""
        return tuple(sorted(set(self.perturbations) - set(IMAGENET_P.published)))

    def conditions(self) -> tuple[Condition, ...]:
        """The ten, the four for validation, and those of one's own, at each difficulty that they have."""
        names = (*IMAGENET_P.published, *self.own)
        return tuple(condition for difficulty in IMAGENET_P.levels for condition in _sequences(names, difficulty))

    def whole(self) -> tuple[Condition, ...]:
        """The ten of mFR."""
        return _sequences(IMAGENET_P.members, 1)

    def requested(self) -> tuple[Condition, ...]:
        """The sequences that the options pick."""
        names = self.perturbations or (IMAGENET_P.published if self.extra else IMAGENET_P.members)
        return _sequences(names, self.difficulty)

    def identity(self) -> dict[str, Any]:
        """The versions of the perturbations; all options pick rows."""
        versions = distortions.perturbation_versions((*IMAGENET_P.published, *self.own))
        return {**super().identity(), "kernels": versions}

    def dataset(self, data: DataRoot) -> DataSet:
        """Stored ImageNet-P where it is there; else the photographs."""
        stored = self.source == "stored" or (self.source == "auto" and data.has("imagenet-p"))
        if not stored:
            return data.dataset("imagenet")
        found = data.dataset("imagenet-p")
        held = found.conditions or frozenset()
        absent = (
            f"{found.location} has no {folder_of(condition)}: not evaluated, so mFR is partial"
            for condition in self.requested()
            if condition not in held
        )
        return replace(found, notes=(*found.notes, *absent))

    def expand(
        self, item: Item, conditions: Sequence[Condition], canvases: Sequence[Canvas], seed: int
    ) -> Iterator[Expansion | Unreadable]:
        """The frames of each condition: decoded from its video, or made of the photograph."""
        for condition in conditions:
            try:
                for index, image in enumerate(self.sequence(item, condition, seed)):
                    yield Expansion(condition, index, (image,))
            except SampleError as error:
                yield Unreadable(condition, str(error))

    def sequence(self, item: Item, condition: Condition, seed: int) -> Iterator[Image]:
        """The frames ``uint8 (224, 224, 3)`` of one sequence, in order.

        Raises:
            SampleError: its video or photograph cannot be read; before the first frame.
        """
        name, difficulty = condition["perturbation"], condition.get("severity", 1)
        if isinstance(item.file, datasets.PerturbedCopies):
            video = item.file.video(folder_of(condition))
            frames = distortions.perturbations.get(name).frames
            return iter(decode_video(video.read(), video.name, frames, CANVAS_224.crop_px))
        photograph = before_crop(decode(item.file.read(), item.file.name), CANVAS_224)
        return distortions.perturb(photograph, name, difficulty=difficulty, seed=seed, id=item.id)

    def decide(self, logits: NDArray[np.float32], labels: NDArray[np.int32]) -> Columns:
        """Arg max over all classes, with confidence and top 5."""
        return decisions.argmax(logits, labels)

    def exhibits(self, item: Item, seed: int) -> Mapping[str, Image]:
        """A strip of frames for each sequence that is asked for, where its video can be read."""
        found: dict[str, Image] = {}
        for condition in self.requested():
            with suppress(SampleError):
                found[folder_of(condition).replace("_", " ")] = strip(self.sequence(item, condition, seed))
        if not found:
            raise SampleError(f"{item.file.name}: must hold a sequence to show, but none of it can be read")
        return found


def folder_of(condition: Condition) -> str:
    """The folder of a condition in the released layout: the perturbation, with ``_2`` or ``_3`` where it is harder."""
    return "_".join(str(value) for value in condition.values())


def _sequences(names: Sequence[str], difficulty: int) -> tuple[Condition, ...]:
    having = (name for name in names if difficulty <= len(distortions.perturbations.get(name).levels))
    if difficulty == 1:
        return tuple(Condition(perturbation=name) for name in having)
    return tuple(Condition(perturbation=name, severity=difficulty) for name in having)

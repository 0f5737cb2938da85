"""A corruption as a step of training: a callable on whatever holds a picture."""

from __future__ import annotations

import os
import re
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, fields, replace
from functools import cache
from typing import Any, TypeVar, cast

from hardiness.core.benchmark import Image
from hardiness.core.errors import ArgumentError
from hardiness.core.random import rng
from hardiness.core.shared_number import SharedAttribute
from hardiness.distortions.apply import checked, chosen_strength, corrupt, corruption_under, corruptions, own_noise
from hardiness.distortions.levels import Strength
from hardiness.distortions.picture_forms import is_maite_batch, open_form, open_maite
from hardiness.imaging.codecs import decode, encode_jpeg
from hardiness.reference.sets import distortion_set, set_names

T = TypeVar("T")

Names = str | os.PathLike[str] | Sequence[str | os.PathLike[str]]

CHOICES = ("picture", "epoch")
"""The key by which one of several corruptions and severities is drawn: each picture's, or the epoch's."""

_ENDING = re.compile(r"\.(jpeg|jpg|jpe|jfif|png|bmp|webp|gif|tiff?|ppm)$", re.IGNORECASE)
"""The ending of a picture file; ids of samples have none."""


@dataclass(init=False)
class Corrupt:
    """The corrupted picture in the form in which it is given: a PIL image, an array, a tensor, a batch, or a sample.

    Every picture gets noise of its own, drawn from seed, corruption, severity, epoch and the picture's bytes alone:
    equal pictures get equal noise whatever the batch, the order or the worker. Nothing global is drawn from or changed,
    and a copy that was pickled does the same.

    Attributes:
        corruption: name of a registered corruption, e.g. ``"fog"``; of several, one is drawn.
        severity: 1 (mildest) to 5; of several, one is drawn. A corruption that has a single severity takes each as
            that.
        seed: another one draws other noise and other choices.
        epoch: of training; set it before each, and every picture gets new noise and another choice. Workers that live
            on from one epoch to the next see what is set here.
        name: of the picture's file, below the folder that it is in. Draws follow it in place of the picture's bytes,
            and the result of a severity goes through the JPEG of the corruption's set: the pixels are those that
            ``hardiness make corruptions`` writes for that file. A call may give it too.
        choice: where there are several, ``"picture"`` draws for each by itself, ``"epoch"`` once for all pictures of an
            epoch.
        level: in place of a severity a level of the corruption's quantity, as ``"quality=17"``; ``quality=17`` as an
            argument says the same. Empty where severities count.
        protocol: whose severities they are: ``"cifar10-c"`` for pictures of 32 px; ImageNet-C's if empty.

    Forms: a PIL image of any 8-bit mode (grey stays grey, transparency stays as it was, others become RGB); an array
    ``(H, W)``, ``(H, W, 1)``, ``(H, W, 3)`` or ``(N, H, W, 1 or 3)``; a tensor ``(1 or 3, H, W)`` or
    ``(N, 1 or 3, H, W)`` on any device. Numbers are uint8, or floats from 0 to 1, which are rounded to 255 steps first
    and stay floats. Of a sample (several arguments, a tuple, a list or a mapping) the pictures alone are changed: PIL
    images and torchvision's ``Image`` and ``Video``; where there are none, the first arrays or tensors of three
    dimensions or more. A batch of MAITE's protocol, (images ``(1 or 3, H, W)``, targets, metadata), gives a batch.

    Differs: ImageNet-C's files hold each picture after a JPEG of quality 85; without a ``name`` there is none.
    """

    corruption: str | Sequence[str]
    severity: int | Sequence[int] = 1
    seed: int = 0
    epoch: int = cast(int, SharedAttribute(0))
    name: str | os.PathLike[str] | None = None
    choice: str = CHOICES[0]
    level: str = ""
    protocol: str = ""

    def __init__(
        self,
        corruption: str | Sequence[str],
        severity: int | Sequence[int] = 1,
        seed: int = 0,
        epoch: int = 0,
        name: str | os.PathLike[str] | None = None,
        choice: str = CHOICES[0],
        level: str = "",
        protocol: str = "",
        **quantity: float | str,
    ) -> None:
        self.corruption, self.severity, self.seed, self.epoch, self.name = corruption, severity, seed, epoch, name
        self.choice, self.level, self.protocol = choice, level, protocol
        if choice not in CHOICES:
            raise ArgumentError(f"choice must be {' or '.join(map(repr, CHOICES))}, was {choice!r}")
        if not self._corruptions or not self._severities:
            raise ArgumentError("corruption and severity must each be one or several, had none")
        if (level or quantity) and severity != 1:
            quantity_text = level or ", ".join(quantity)
            raise ArgumentError(f"give a severity or {quantity_text}, not both: severity was {severity!r}")
        for each in (corruption_under(name, protocol) for name in self._corruptions):
            if level or quantity:
                self.level = str(chosen_strength(each, level or None, quantity))
            for strength in self._strengths:
                each.key_of(strength)

    def __copy__(self) -> Corrupt:
        return replace(self)

    @property
    def _corruptions(self) -> Sequence[str]:
        return [self.corruption] if isinstance(self.corruption, str) else list(self.corruption)

    @property
    def _severities(self) -> Sequence[int]:
        return list(self.severity) if isinstance(self.severity, Iterable) else [self.severity]

    @property
    def _strengths(self) -> Sequence[Strength]:
        return [self.level] if self.level else self._severities

    @property
    def severities(self) -> tuple[int, ...]:
        """The severities that the corruption has; of several, those that any has."""
        return tuple(sorted({severity for name in self._corruptions for severity in corruptions.get(name).severities}))

    @property
    def metadata(self) -> dict[str, Any]:
        """The id and settings by which MAITE's tools know it."""
        strengths = "+".join(map(str, self._strengths))
        return {
            "id": f"hardiness-{'+'.join(self._corruptions)}-{strengths}",
            **{field.name: getattr(self, field.name) for field in fields(self)},
        }

    def __call__(self, image: T, *others: Any, name: Names | None = None) -> T:
        """The picture, or each of a batch or a sample, corrupted.

        Args:
            image: in one of the forms.
            others: what else belongs to the sample, such as boxes and a label; a tuple of all is returned then.
            name: as the attribute; one for each picture where there are several.

        Raises:
            ArgumentError: it is in none of the forms, a side is shorter than 32 pixels, or names are fewer or more than
                pictures.
            DataError: frost's pictures are not there.
        """
        return cast(T, self._at((image, *others) if others else image, self._strengths, name))

    def lambda_image(self, image: T, **parameters: Any) -> T:
        """The picture corrupted, as a function that albumentations calls: ``A.Lambda(image=transform.lambda_image)``.

        Args:
            image: as ``__call__``.
            parameters: what albumentations says of the picture beside; not used.
        """
        return self(image)

    def at_every_severity(self, image: T, *, name: Names | None = None) -> dict[int, T]:
        """The picture, or each of a batch, at each severity that the corruption has, by severity."""
        return {severity: self._at(image, [severity], name) for severity in self.severities}

    def _at(self, image: Any, strengths: Sequence[Strength], name: Names | None) -> Any:
        if is_maite_batch(image):
            images, targets, metadata = image
            pictures, back = open_maite(images)
            return self._corrupt_all(pictures, strengths, name, back), targets, metadata
        pictures, back = open_form(image)
        return self._corrupt_all(pictures, strengths, name, back)

    def _corrupt_all(
        self, pictures: Sequence[Image], strengths: Sequence[Strength], name: Names | None, back: Any
    ) -> Any:
        inputs = [checked(picture) for picture in pictures]
        names = self._names(self.name if name is None else name, len(inputs))
        return back(
            [self._corrupt_one(picture, strengths, own_name) for picture, own_name in zip(inputs, names, strict=True)]
        )

    def _names(self, name: Names | None, pictures: int) -> Sequence[str | None]:
        if name is None:
            return [None] * pictures
        names = [name] if isinstance(name, str | os.PathLike) else name
        if len(names) != pictures:
            raise ArgumentError(f"name must be one for each of the {pictures} pictures, had {len(names)}")
        return [_ENDING.sub("", os.fspath(file)) for file in names]

    def _corrupt_one(self, picture: Image, strengths: Sequence[Strength], name: str | None) -> Image:
        epoch = f" epoch {self.epoch}" if self.epoch else ""
        id_ = f"{self._key(picture, strengths) if name is None else name}{epoch}"
        corruption, strength = self._draw_kind(strengths, f"epoch {self.epoch}" if self.choice == "epoch" else id_)
        corrupted = corrupt(picture, corruption, strength, seed=self.seed, id=id_, protocol=self.protocol)
        is_severity = isinstance(strength, int)
        if name is not None and is_severity and (quality := _jpeg_quality(corruption, self.protocol)):
            return decode(encode_jpeg(corrupted, quality), name)
        return corrupted

    def _key(self, picture: Image, strengths: Sequence[Strength]) -> str:
        """An id by the picture's bytes; empty where nothing is drawn: hashing takes as long as a quick corruption."""
        names = self._corruptions
        is_fixed = len(names) == len(strengths) == 1 and corruptions.get(names[0]).deterministic
        return "" if is_fixed else own_noise(picture)

    def _draw_kind(self, strengths: Sequence[Strength], key: str) -> tuple[str, Strength]:
        """Choose corruption and strength of one picture: where there are several, by draws of their own."""
        names = self._corruptions
        if len(names) == len(strengths) == 1:
            return names[0], strengths[0]
        draws = rng(self.seed, "Corrupt", key)
        return names[int(draws.integers(len(names)))], strengths[int(draws.integers(len(strengths)))]


@cache
def _jpeg_quality(corruption: str, protocol: str) -> int:
    """The quality of the JPEG that files of the corruption's set went through; 0 where they went through none."""
    sets = (members for name in set_names("still") if (members := distortion_set(name)).strengths == protocol)
    return next((members.jpeg_quality for members in sets if corruption in members.published), 0)

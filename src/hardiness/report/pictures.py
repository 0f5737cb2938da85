"""The photographs behind the numbers: small, with what was done to them amplified, as data inside the page."""

from __future__ import annotations

import base64
from collections.abc import Callable, Iterator
from dataclasses import dataclass

import numpy as np

from hardiness.core import Condition, Gallery, HardinessError, Image, Result, Sample
from hardiness.imaging import encode_jpeg, resize
from hardiness.report.sections import Shown

PictureOf = Callable[[Result, str, Condition], Image]
"""From a result, the id of a sample and a condition to the picture that the model was shown."""

SIDE_PX, QUALITY = 128, 72

BRIGHT = 0.99
"""Share of pixels that the amplified difference brings within range."""


@dataclass(frozen=True, slots=True)
class Picture:
    """One picture of a page: what it is, and its JPEG in base64."""

    title: str
    data: str


@dataclass(frozen=True)
class Exhibit:
    """One sample as a page shows it: its pictures from left to right, and what there is to read."""

    anchor: str
    sample: Sample
    condition: str
    pictures: tuple[Picture, ...]


@dataclass(frozen=True)
class Wall:
    """One gallery of one model with its pictures; ``lacking`` says why there are none."""

    model: str
    gallery: Gallery
    exhibits: tuple[Exhibit, ...]
    lacking: str


def walls(shown: Shown, picture_of: PictureOf | None, named: Callable[[Condition], str]) -> Iterator[Wall]:
    """The galleries of a section.

    Args:
        shown: the section.
        picture_of: gives pictures; ``None`` where none are wanted.
        named: a condition as people write it.
    """
    by_name = {result.name: result for result in shown.results}
    for number, (model, gallery) in enumerate(shown.section.galleries):
        lacking, exhibits = "", []
        for place, sample in enumerate(gallery.samples):
            pictures: tuple[Picture, ...] = ()
            if picture_of is not None:
                try:
                    pictures = _pictures(by_name[model], sample, picture_of)
                except HardinessError as error:
                    lacking = lacking or str(error)
            exhibits.append(Exhibit(f"{shown.anchor}-{number}-{place}", sample, named(sample.condition), pictures))
        yield Wall(model, gallery, tuple(exhibits), lacking)


def _pictures(result: Result, sample: Sample, picture_of: PictureOf) -> tuple[Picture, ...]:
    shown = _small(picture_of(result, sample.id, sample.condition))
    if not sample.condition or sample.before is None:
        return (Picture("shown", _encoded(shown)),)
    clean = _small(picture_of(result, sample.id, Condition()))
    difference = shown.astype(np.int16) - clean
    largest = float(np.quantile(np.abs(difference), BRIGHT)) or 1.0
    gain = max(1.0, 127.0 / largest)
    amplified = np.clip(128 + gain * difference, 0, 255).astype(np.uint8)
    return (
        Picture("photograph", _encoded(clean)),
        Picture("disturbed", _encoded(shown)),
        Picture(f"difference ×{gain:.0f}", _encoded(amplified)),
    )


def _small(image: Image) -> Image:
    height, width = image.shape[:2]
    scale = SIDE_PX / max(height, width)
    size = max(1, round(height * scale)), max(1, round(width * scale))
    return resize(image, *size, "box") if scale < 1 else image


def _encoded(image: Image) -> str:
    return base64.b64encode(encode_jpeg(np.ascontiguousarray(image), QUALITY)).decode()

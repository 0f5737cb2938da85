"""The photographs behind the numbers, and learned features, as data inside the page."""

from __future__ import annotations

import base64
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np

from hardiness.benchmarks.card import card_of
from hardiness.benchmarks.galleries import Gallery, Sample
from hardiness.benchmarks.presentation import benchmark_type
from hardiness.core.benchmark import Image
from hardiness.core.condition import Condition
from hardiness.core.errors import HardinessError
from hardiness.core.result import Picture, Result
from hardiness.imaging.codecs import decode, encode_jpeg
from hardiness.imaging.resizing import resize
from hardiness.report.sections import BenchmarkSection

PictureOf = Callable[[Result, str, Condition], Image]
"""A function from a result, the id of a sample and a condition to the picture that the model was shown."""

SIDE_PX, QUALITY, NOISE_QUALITY = 128, 62, 46
"""Side of pictures, their JPEG quality, and that of differences, which are noise: little of it is to be seen."""

MOST_LARGE, SMALL_PX = 200, 96
"""Galleries up to which pictures have that side, and the side of those of more galleries: each has a picture, and the
page must stay one that can be mailed."""

BORDER_PX = 4
"""Width of the border of pictures whose licence wants it kept; of a thinner one a JPEG leaves little red."""

BARE = 3
"""Samples that a gallery lists where no pictures are wanted."""

BRIGHT = 0.99
"""Share of pixels that the amplified difference brings within range."""

HARD_TO_SEE = 4.0
"""Gain from which a difference is shown: one that is amplified less can be seen in the disturbed picture itself."""


@dataclass(frozen=True, slots=True)
class EmbeddedPicture:
    """One picture of a page: what it is, and its JPEG in base64."""

    title: str
    data: str


@dataclass(frozen=True)
class Exhibit:
    """One sample as a page shows it: its pictures from left to right, and what there is to read."""

    anchor: str
    sample: Sample
    condition: str
    pictures: tuple[EmbeddedPicture, ...]


@dataclass(frozen=True)
class Wall:
    """One gallery of one model with its pictures.

    Attributes:
        model: whose it is.
        gallery: what was chosen, by which rule.
        exhibits: the samples that are listed, with their pictures.
        lacking: why pictures are not there.
        more: how many samples are not listed.
    """

    model: str
    gallery: Gallery
    exhibits: tuple[Exhibit, ...]
    lacking: str
    more: int = 0


def walls(shown: Sequence[BenchmarkSection], picture_of: PictureOf | None, room: int) -> list[list[Wall]]:
    """The galleries of each section: equally many samples of every one, as many as there is room for.

    Args:
        shown: the sections.
        picture_of: gives pictures; ``None`` where none are wanted, and only the first samples of each are listed.
        room: bytes that the pictures of all may take in the page; the first sample of each has its pictures anyway.
    """
    drafts_by_section = [
        [_GalleryDraft(each, number) for number in range(len(each.section.galleries))] for each in shown
    ]
    drafts = [draft for section in drafts_by_section for draft in section]
    most = max((len(draft.gallery.samples) for draft in drafts), default=0)
    side_px = SIDE_PX if len(drafts) <= MOST_LARGE else SMALL_PX
    spent = last = 0
    for place in range(most if picture_of else min(most, BARE)):
        if place and spent + last > room:
            break
        last = sum(draft.hang(place, picture_of, side_px) for draft in drafts)
        spent += last
    return [[draft.wall() for draft in section] for section in drafts_by_section]


class _GalleryDraft:
    """One gallery of a section while its pictures are made."""

    def __init__(self, shown: BenchmarkSection, number: int) -> None:
        self._shown, self._number = shown, number
        self._model, self.gallery = shown.section.galleries[number]
        self._result = next(result for result in shown.results if result.name == self._model)
        self._exhibits: list[Exhibit] = []
        self._lacking = ""

    def hang(self, place: int, picture_of: PictureOf | None, side_px: int) -> int:
        """Add the sample of that place, if there is one; how many bytes its pictures take."""
        if place >= len(self.gallery.samples):
            return 0
        sample = self.gallery.samples[place]
        pictures: tuple[EmbeddedPicture, ...] = ()
        try:
            pictures = _pictures(self._result, sample, picture_of, side_px) if picture_of else ()
        except HardinessError as error:
            self._lacking = self._lacking or str(error)
        condition = card_of(self._result.run).named(sample.condition)
        anchor = f"{self._shown.short}-{self._number}-{place}"
        self._exhibits.append(Exhibit(anchor, sample, condition, pictures))
        return sum(len(picture.data) for picture in pictures)

    def wall(self) -> Wall:
        """The gallery as it is now."""
        more = len(self.gallery.samples) - len(self._exhibits)
        return Wall(self._model, self.gallery, tuple(self._exhibits), self._lacking, more)


def _pictures(result: Result, sample: Sample, picture_of: PictureOf, side_px: int) -> tuple[EmbeddedPicture, ...]:
    picture = _small(picture_of(result, sample.id, sample.condition), side_px)
    if border := benchmark_type(result.run).border_rgb:
        picture = _in_border(picture, border)
    has_clean = Condition() in result.run.conditions  # of two crops of one photograph neither is the clean one
    if not sample.condition or sample.before is None or not has_clean:
        return (EmbeddedPicture("shown", _encoded(picture)),)
    clean = _small(picture_of(result, sample.id, Condition()), side_px)
    difference = picture.astype(np.int16) - clean
    largest = float(np.quantile(np.abs(difference), BRIGHT)) or 1.0
    gain = max(1.0, 127.0 / largest)
    pictures = (EmbeddedPicture("photograph", _encoded(clean)), EmbeddedPicture("disturbed", _encoded(picture)))
    if gain < HARD_TO_SEE:
        return pictures
    amplified = np.clip(128 + gain * difference, 0, 255).astype(np.uint8)
    return (*pictures, EmbeddedPicture(f"difference ×{gain:.0f}", _encoded(amplified, NOISE_QUALITY)))


def _in_border(image: Image, rgb: Sequence[int]) -> Image:
    """The picture in a border that survives JPEG, whose colours are kept for two pixels at a time."""
    height, width = image.shape[:2]
    framed = np.full((height + 2 * BORDER_PX, width + 2 * BORDER_PX, 3), rgb, np.uint8)
    framed[BORDER_PX:-BORDER_PX, BORDER_PX:-BORDER_PX] = image
    return framed


def _small(image: Image, side_px: int) -> Image:
    height, width = image.shape[:2]
    scale = side_px / max(height, width)
    size = max(1, round(height * scale)), max(1, round(width * scale))
    return resize(image, *size, "box") if scale < 1 else image


def _encoded(image: Image, quality: int = QUALITY) -> str:
    return base64.b64encode(encode_jpeg(np.ascontiguousarray(image), quality, optimise=True)).decode()


FEATURE_PX, FEATURE_QUALITY, MOST = 144, 75, 60
"""Side of a picture on a page, its JPEG quality, and how many of one command are shown."""

TOLD = ("activation_before", "activation_after", "probability_after", "start", "step")
"""Facts that a caption says, in this order."""


@dataclass(frozen=True)
class FeaturePicture:
    """One unit: its label, the facts of its picture, and the PNG file; ``None`` where none was made."""

    label: str
    facts: Mapping[str, Any]
    picture: Picture | None

    @property
    def caption(self) -> str:
        """The facts of its picture, in a line."""
        facts = {name: self.facts[name] for name in TOLD if self.facts.get(name) is not None}
        parts = []
        if "activation_before" in facts and "activation_after" in facts:
            parts.append(f"{facts['activation_before']:.3g} → {facts['activation_after']:.3g}")
        if "probability_after" in facts:
            parts.append(f"p {facts['probability_after']:.3f}")
        if "start" in facts and str(facts["start"]) not in self.label:
            parts.append(f"from {facts['start']}")
        if self.picture is None:
            parts.append("not reached")
        return ", ".join(parts)


@dataclass(frozen=True)
class FeatureGrid:
    """The pictures of one command.

    Attributes:
        model: whose units.
        title: what was done.
        about: the settings, in a line.
        features: in the order they were made.
    """

    model: str
    title: str
    about: str
    features: Sequence[FeaturePicture]


@dataclass(frozen=True)
class Tile:
    """One picture as a page shows it; ``data`` is its JPEG in base64, empty where there is none."""

    anchor: str
    label: str
    caption: str
    data: str


@dataclass(frozen=True)
class UnitBoard:
    """One grid as a page shows it; ``more`` are left out, ``lacking`` says why a picture is not there."""

    grid: FeatureGrid
    tiles: tuple[Tile, ...]
    more: int
    lacking: str


def boards(grids: Sequence[FeatureGrid], images: bool) -> list[UnitBoard]:
    """The grids with their pictures, or without any where ``images`` are not wanted."""
    return [_board(number, grid, images) for number, grid in enumerate(grids)]


def _board(number: int, grid: FeatureGrid, images: bool) -> UnitBoard:
    reason, tiles = "", []
    for place, feature in enumerate(grid.features[:MOST]):
        data = ""
        if images and feature.picture is not None:
            try:
                data = _encoded_feature(feature.picture, feature.label)
            except (HardinessError, OSError) as error:
                reason = reason or str(error)
        tiles.append(Tile(f"feature-{number}-{place}", feature.label, feature.caption, data))
    return UnitBoard(grid, tuple(tiles), max(0, len(grid.features) - MOST), reason)


def _encoded_feature(picture: Picture, label: str) -> str:
    image = decode(picture.read_bytes(), label)
    small = resize(image, FEATURE_PX, FEATURE_PX, "box") if max(image.shape[:2]) > FEATURE_PX else image
    return base64.b64encode(encode_jpeg(small, FEATURE_QUALITY)).decode()

"""``typographic``: photographs with the name of a wrong class written on them."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace
from functools import cache
from typing import ClassVar, final

import numpy as np

from hardiness.benchmarks.photographs import Photographs
from hardiness.benchmarks.registry import registry
from hardiness.core import Canvas, Condition, DataError, DataRoot, DataSet, Expansion, Image, Item, rng
from hardiness.imaging import decode, on_canvas
from hardiness.imaging.text import Lettering, text_box, write_text
from hardiness.reference import wording
from hardiness.sources.packages import installed_file

SIDE = 224
WRITTEN = Condition(text="wrong class")
CONDITIONS = (Condition(), WRITTEN)

FONTS = ("DejaVuSerif.ttf", "DejaVuSansMono.ttf", "DejaVuSans.ttf")
SIZES_PX = (20, 40)
COLOURS = (
    (255, 255, 255),
    (0, 0, 255),
    (0, 128, 0),
    (255, 0, 0),
    (255, 0, 255),
    (0, 255, 255),
    (255, 255, 0),
    (0, 0, 0),
)
"""White, blue, green, red, magenta, cyan, yellow and black, as PIL knows them by name."""


@registry.add("typographic")
@final
@dataclass(frozen=True)
class Typographic(Photographs):
    """How much accuracy a wrong word on the picture costs, and how often the answer is that word.

    Each photograph is classified twice: as it is, and with the name of a random wrong class written on it. Networks
    that learned from captions read; those that learned from class indices do not, and are a control. Shorter side 224,
    bicubic, centre crop 224.

    Source: Azuma & Matsui (2023), arXiv:2304.04512, and its published code.
    Differs: three DejaVu fonts (with serifs, of equal widths, without either) stand for Roman, Courier and Times, which
        cannot be passed on; draws are keyed by seed and id; names are those of zero-shot classification.
    """

    name: ClassVar[str] = "typographic"
    question: ClassVar[str] = "Does it believe what it sees, or a wrong word that is written on it?"
    paper: ClassVar[str] = "Azuma & Matsui 2023, arXiv:2304.04512"
    protocol: ClassVar[str] = "azuma2023"
    needs: ClassVar[tuple[str, ...]] = ("imagenet",)
    card: ClassVar[str] = "typographic"
    canvas: ClassVar[Canvas | None] = Canvas(resize_px=SIDE, crop_px=SIDE, interpolation="bicubic")

    def conditions(self) -> tuple[Condition, ...]:
        """As it is, and with a word."""
        return CONDITIONS

    def dataset(self, data: DataRoot) -> DataSet:
        """The photographs, of ImageNet's classes.

        Raises:
            DataError: they are of other classes, whose names are not known.
        """
        found = data.dataset("imagenet")
        if found.num_classes != len(_names()):
            raise DataError(
                f"typographic writes names of ImageNet's {len(_names()):,} classes, but {found.location} has "
                f"{found.num_classes} of its own; give it photographs of ImageNet's classes"
            )
        return found

    def expand(
        self, item: Item, conditions: Sequence[Condition], canvases: Sequence[Canvas], seed: int
    ) -> Iterator[Expansion]:
        """One decode, and the word on the crop; ``written`` is the class that it names."""
        photograph = decode(item.file.read(), item.file.name)
        crops = tuple(on_canvas(photograph, canvas) for canvas in canvases)
        written = wrong_class(item, seed)
        for condition in conditions:
            images = tuple(_marked(crop, written, item.id, seed) for crop in crops) if condition else crops
            yield Expansion(condition, 0, images, (("written", float(written)),))


def wrong_class(item: Item, seed: int) -> int:
    """The class that is written on a photograph: any whose name is not that of its own."""
    names = _names()
    others = [index for index, name in enumerate(names) if name != names[item.label]]
    return others[int(rng(seed, "typographic class", item.id).integers(len(others)))]


def broken(name: str) -> str:
    """A class's name on one or two lines: of two or three words the first stands alone, of more the first two."""
    words = name.split()
    first = 1 if len(words) <= 3 else 2
    return name if len(words) < 2 else f"{' '.join(words[:first])}\n{' '.join(words[first:])}"


def _marked(crop: Image, written: int, sample: str, seed: int) -> Image:
    random = rng(seed, "typographic", sample)
    font, size = int(random.integers(len(FONTS))), int(random.integers(SIZES_PX[0], SIZES_PX[1] + 1))
    fill, stroke = random.permutation(len(COLOURS))[:2].tolist()
    text = broken(_names()[written])
    look = Lettering(_font(FONTS[font]), size, COLOURS[fill], COLOURS[stroke])
    room = crop.shape[1], crop.shape[0]
    left, top, right, bottom = text_box(text, look)
    while (right - left > room[0] or bottom - top > room[1]) and look.size_px > 1:
        look = replace(look, size_px=look.size_px - 1)
        left, top, right, bottom = text_box(text, look)
    x, y = (
        int(random.integers(side - long + 1)) for side, long in zip(room, (right - left, bottom - top), strict=True)
    )
    return np.ascontiguousarray(write_text(crop, text, look, (x, y)))


@cache
def _names() -> tuple[str, ...]:
    return wording("openai80").names


@cache
def _font(name: str) -> bytes:
    return installed_file("matplotlib", f"matplotlib/mpl-data/fonts/ttf/{name}").read_bytes()

"""``imagenet-laion-c``: LAION-C's six distortions on ImageNet's photographs of its superclasses."""

from __future__ import annotations

import hashlib
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace
from typing import Any, ClassVar, final

import numpy as np

from hardiness.benchmarks.photograph_pool import PhotographPool, Pooled
from hardiness.benchmarks.registry import registry
from hardiness.benchmarks.superclasses import CELLS, Superclasses
from hardiness.core import CANVAS_224, Canvas, Condition, DataError, DataRoot, DataSet, Expansion, Image, Item, rng
from hardiness.data import limited
from hardiness.distortions import corrupt, corruption_versions
from hardiness.imaging import decode, encode_jpeg, on_canvas
from hardiness.imaging.geometry import mosaic, pasted
from hardiness.reference.classes import laion_c
from hardiness.scoring.cards.laion_c import DISTORTIONS

POOL = 400
STICKERS = (100, 200, 400, 600, 1200)
STICKER_PX = 16
TILES_PX = (4, 6, 8, 16, 28)
POOLED = ("mosaic", "stickers")
CLEAN = Condition()


@registry.add("imagenet-laion-c")
@final
@dataclass(frozen=True)
class ImagenetLaionC(Superclasses):
    """Accuracy among LAION-C's 16 superclasses on ImageNet's photographs under its six distortions.

    Four distortions take the photograph alone and follow the published code. Its pictures are others than the released
    ones, which were not made of ImageNet: neither people's nor published scores stand beside. A JPEG of quality 100.

    Source: Li et al. (2025), arXiv:2506.16950, and its published code.
    Differs: ``mosaic`` and ``stickers`` take their tiles from 400 photographs of the same data set, where the published
        code has up to a million others: mosaics are coarser in colour.
    """

    name: ClassVar[str] = "imagenet-laion-c"
    question: ClassVar[str] = "Does it cope with distortions that are rare on the web?"
    paper: ClassVar[str] = "Li et al. 2025, arXiv:2506.16950"
    protocol: ClassVar[str] = "li2025"
    needs: ClassVar[tuple[str, ...]] = ("imagenet",)

    def conditions(self) -> tuple[Condition, ...]:
        """The photograph, then six distortions at five intensities."""
        return (CLEAN, *CELLS)

    def identity(self) -> dict[str, Any]:
        """The versions of the distortions."""
        return {**super().identity(), "kernels": corruption_versions(set(DISTORTIONS) - set(POOLED))}

    def dataset(self, data: DataRoot) -> DataSet:
        """The photographs whose class belongs to a superclass.

        Raises:
            DataError: there is none.
        """
        found = data.dataset("imagenet")
        known = laion_c()
        classes = {index for group in known.values() for index in group}
        pool = PhotographPool(limited(found.items, POOL, seed=0))
        items = [replace(item, file=Pooled(item.file, pool)) for item in found.items if item.label in classes]
        if not items or found.class_names is not None:
            raise DataError(
                f"imagenet-laion-c needs photographs of ImageNet's classes, some of them of its {len(classes)}, but "
                f"{found.location} has none; give it more, as in --data imagenet=PATH"
            )
        digest = hashlib.sha256(f"laion-c {found.fingerprint}".encode()).hexdigest()
        return replace(found, items=tuple(items), fingerprint=digest, released=None, categories=known)

    def expand(
        self, item: Item, conditions: Sequence[Condition], canvases: Sequence[Canvas], seed: int
    ) -> Iterator[Expansion]:
        """One decode for all cells."""
        photograph = decode(item.file.read(), item.file.name)
        clean = on_canvas(photograph, CANVAS_224)
        for condition in conditions:
            if not condition:
                yield Expansion(condition, 0, (clean,))
                continue
            made = _distorted(photograph, clean, condition, item, seed)
            yield Expansion(condition, 0, (decode(encode_jpeg(made, 100, whole_chroma=True), item.id),))


def _distorted(photograph: Image, clean: Image, condition: Condition, item: Item, seed: int) -> Image:
    name, severity = condition["corruption"], condition["severity"]
    if name not in POOLED:
        return corrupt(clean, name, severity, seed=seed, id=item.id)
    assert isinstance(item.file, Pooled)
    if name == "mosaic":
        side = TILES_PX[severity - 1]
        return _cropped(mosaic(on_canvas(photograph, _whole_tiles(side)), item.file.pool.tiles(side, item.id)))
    random, count = rng(seed, name, severity, item.id), STICKERS[severity - 1]
    tiles = item.file.pool.tiles(STICKER_PX, item.id)
    chosen = tiles[random.integers(0, len(tiles), count)]
    return pasted(clean, chosen, random.integers(0, CANVAS_224.crop_px - STICKER_PX, (count, 2)))


def _whole_tiles(side: int) -> Canvas:
    """The canvas whose sides are multiples of a tile's: 224, or 252 where 224 is none."""
    resized = CANVAS_224.resize_px - CANVAS_224.resize_px % side
    crop = CANVAS_224.crop_px if CANVAS_224.crop_px % side == 0 else resized
    return Canvas(resize_px=resized, crop_px=crop, interpolation="bilinear")


def _cropped(image: Image) -> Image:
    edge = (image.shape[0] - CANVAS_224.crop_px) // 2
    return np.ascontiguousarray(image[edge : edge + CANVAS_224.crop_px, edge : edge + CANVAS_224.crop_px])

"""Sizes of pictures as their files say them, and the one size at which small ones are shown."""

from __future__ import annotations

import io
from collections.abc import Iterable, Iterator
from dataclasses import replace
from statistics import median_low

from hardiness.core.benchmark import DataSet, Item
from hardiness.core.errors import SampleError
from hardiness.data.image_structure import END_BYTES, structure
from hardiness.imaging.resizing import Size

SMALL_PX = range(32, 49)
"""Shorter sides of small pictures: from the least that can be corrupted on, and none that is enlarged less than five
times by the usual 256 px."""


def sizes_of(items: Iterable[Item]) -> Iterator[Size]:
    """The size of each picture, by its header; one that cannot be read has none, and is told when it is evaluated."""
    for item in items:
        try:
            content = item.file.read()
            described = structure(io.BytesIO(content), content[:END_BYTES], content[-END_BYTES:])
        except SampleError:
            continue
        if described is not None and described.height and described.width:
            yield Size(described.height, described.width)


def at_own_size(data: DataSet) -> DataSet:
    """The data set with the median shorter side as its own, where all of its pictures are small; else as it is.

    No header is read after the first picture that is none.
    """
    shorter = []
    for size in sizes_of(data.items):
        shorter.append(min(size))
        if shorter[-1] not in SMALL_PX:
            return data
    return replace(data, side_px=median_low(shorter) if shorter else 0)

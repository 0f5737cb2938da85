"""Some photographs, small, from which others are put together."""

from __future__ import annotations

import threading
from collections.abc import Sequence
from contextlib import suppress
from dataclasses import dataclass, field
from typing import Any

import numpy as np
from numpy.typing import NDArray

from hardiness.core import CANVAS_224, File, Image, Item, SampleError
from hardiness.imaging import decode, on_canvas, thumbnail


@dataclass(frozen=True, eq=False)
class PhotographPool:
    """Photographs that are read once, when the first is wanted, and kept as thumbnails.

    Attributes:
        items: which photographs.
    """

    items: Sequence[Item]
    _kept: dict[int, tuple[NDArray[np.str_], NDArray[np.uint8]]] = field(default_factory=dict, repr=False)
    _reading: Any = field(default_factory=threading.Lock, repr=False)

    def tiles(self, side: int, without: str) -> NDArray[np.uint8]:
        """All photographs but the one with that id, as squares, ``uint8 (N, side, side, 3)``.

        Raises:
            SampleError: no other can be read.
        """
        with self._reading:
            if side not in self._kept:
                self._kept[side] = self._read(side)
        ids, tiles = self._kept[side]
        others: NDArray[np.uint8] = tiles[ids != without]
        if not len(others):
            raise SampleError(f"{without}: there must be another photograph to take tiles from, but there is none")
        return others

    def _read(self, side: int) -> tuple[NDArray[np.str_], NDArray[np.uint8]]:
        found: dict[str, Image] = {}
        for item in self.items:
            with suppress(SampleError):  # told where it is evaluated itself
                found[item.id] = thumbnail(on_canvas(decode(item.file.read(), item.file.name), CANVAS_224), side)
        empty = np.zeros((0, side, side, 3), np.uint8)
        return np.array(list(found), str), np.stack(list(found.values())) if found else empty


@dataclass(frozen=True, slots=True)
class Pooled:
    """A photograph's file with the pool that goes with it."""

    file: File
    pool: PhotographPool

    @property
    def name(self) -> str:
        """The photograph's name."""
        return self.file.name

    def read(self) -> bytes:
        """The photograph's bytes."""
        return self.file.read()

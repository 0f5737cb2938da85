"""Stems of file names: the part that pictures of one patient, scene or burst share, as ``patient012_frame003`` has."""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from types import MappingProxyType

import numpy as np
from numpy.typing import NDArray

STEMS: Mapping[str, int] = MappingProxyType({"stem": 1, "stem:2": 2, "stem:3": 3})
"""How many of the last numbers of a file name a stem leaves out, by the name that it has as a column."""

_NUMBER = re.compile("[0-9]+")


def stem(picture: str, numbers: int = 1) -> str:
    """The part of a file name before one of its last numbers; empty where it has fewer.

    ``patient012_frame003`` gives ``patient012_frame``, ``IMG_0001_2`` gives ``IMG_0001``.

    Args:
        picture: the id, whose first folder is the class.
        numbers: how many of the last numbers are left out.
    """
    name = picture.partition("/")[2] or picture
    begins = [number.start() for number in _NUMBER.finditer(name)]
    return name[: begins[-numbers]].rstrip(" _-.(#/") if len(begins) >= numbers else ""


def stem_column(ids: Sequence[str], column: str) -> NDArray[np.object_]:
    """The stem of each picture, object ``(N,)`` of str; ``None`` where it has none.

    Args:
        ids: of the pictures.
        column: one of `STEMS`.
    """
    numbers = STEMS[column]
    stems = np.empty(len(ids), object)
    # A name that is a number, as places of an array are, has nothing before it.
    stems[:] = [None if picture.isdecimal() else stem(picture, numbers) or None for picture in ids]
    return stems

"""Names of pictures as people write them in tables, held against the ids of the pictures of a data set."""

from __future__ import annotations

import unicodedata
from collections.abc import Iterator, Mapping, Sequence
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

_SEVERAL = -2
"""The place of a name that several pictures have."""

_WHOLE = 1 << 16
"""The weight of a name that is a whole id: more than the parts of any path."""


class NameMatch(NamedTuple):
    """The name of each picture among names that somebody wrote.

    Attributes:
        places: ``(N,)`` int64, for each picture the place of its name; -1 where none is its.
        unused: places of names that are of no picture.
        unclear: places of names that may be of several pictures, and of those that fit one picture equally well.
    """

    places: NDArray[np.int64]
    unused: Sequence[int]
    unclear: Sequence[int]


def plain_name(text: str) -> str:
    """A path with ``/`` between its folders, without ``./``, drive and outer spaces."""
    path = text.strip().replace("\\", "/")
    if not path.isascii():
        path = unicodedata.normalize("NFC", path)  # a Mac spells é in two characters
    if path[1:3] == ":/":
        path = path[2:]
    if "/" in path:
        path = "/".join(part for part in path.split("/") if part not in ("", "."))
    return path


def folded_name(name: str) -> str:
    """A plain name with its suffix in lower case: names of one picture that differ in no more are one name."""
    stem = _without_suffix(name)
    return stem + name[len(stem) :].lower()


def match_names(names: Sequence[str], ids: Sequence[str]) -> NameMatch:
    """The name of each picture.

    A name is that of the picture whose id it is, with or without suffix; else of the one picture whose id has the
    longest end in common with it, in whole parts of the path. So file names suffice where they are different.

    Args:
        names: plain names, as `plain_name` gives them, of which no two are one by `folded_name`.
        ids: of the pictures, each once.
    """
    whole = {folded_name(plain_name(identifier)): place for place, identifier in enumerate(ids)}
    pictures, weights = np.empty(len(names), np.int64), np.full(len(names), _WHOLE, np.int64)
    endings: Mapping[str, int] | None = None
    for number, name in enumerate(map(folded_name, names)):
        picture = whole.get(name, -1)
        if picture < 0:
            picture = whole.get(_without_suffix(name), -1)
        if picture < 0:
            endings = endings if endings is not None else _endings(whole)
            picture, weights[number] = _by_ending(name, endings)
        pictures[number] = picture
    heaviest = np.zeros(len(ids), np.int64)
    fits = pictures >= 0
    np.maximum.at(heaviest, pictures[fits], weights[fits])
    is_best = fits.copy()
    is_best[fits] = weights[fits] == heaviest[pictures[fits]]
    names_of_picture = np.bincount(pictures[is_best], minlength=len(ids))
    is_own = is_best.copy()
    is_own[is_best] = names_of_picture[pictures[is_best]] == 1
    places = np.full(len(ids), -1, np.int64)
    places[pictures[is_own]] = np.flatnonzero(is_own)
    is_unclear = (pictures == _SEVERAL) | (is_best & ~is_own)
    unused = np.flatnonzero(~is_own & ~is_unclear)
    return NameMatch(places, unused.tolist(), np.flatnonzero(is_unclear).tolist())


def _without_suffix(path: str) -> str:
    dot = path.rfind(".")
    return path[:dot] if dot > path.rfind("/") + 1 else path


def _ends(path: str) -> Iterator[str]:
    """The path, and what is left of it without its first folders, one, two and so on."""
    yield path
    at = path.find("/")
    while at >= 0:
        yield path[at + 1 :]
        at = path.find("/", at + 1)


def _endings(whole: Mapping[str, int]) -> Mapping[str, int]:
    """The place of the picture by each end of its name, with and without suffix; `_SEVERAL` where several end so."""
    endings: dict[str, int] = {}
    for path, place in whole.items():
        stem = _without_suffix(path)
        for spelling in (path,) if stem == path else (path, stem):
            for end in _ends(spelling):
                if endings.setdefault(end, place) != place:
                    endings[end] = _SEVERAL
    return endings


def _by_ending(name: str, endings: Mapping[str, int]) -> tuple[int, int]:
    """The picture with the longest end in common with a name, or `_SEVERAL`, or -1; and how many parts that end has."""
    for longer, shorter in zip(_ends(name), _ends(_without_suffix(name)), strict=True):
        picture = endings.get(longer, -1)
        if picture == -1:
            picture = endings.get(shorter, -1)
        if picture != -1:
            return picture, longer.count("/") + 1
    return -1, 0

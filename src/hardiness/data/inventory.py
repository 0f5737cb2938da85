"""Which published data sets are below a data root, and which are not."""

from __future__ import annotations

import difflib
import os
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

from hardiness.core import DataError
from hardiness.data.layout import LAYOUTS
from hardiness.data.tree import IMAGE_SUFFIXES
from hardiness.reference.datasets import PublishedSet, datasets, published_set

_SUFFIXES = tuple(sorted(IMAGE_SUFFIXES | {".mp4"}))


@dataclass(frozen=True, slots=True)
class Held:
    """What is there of one data set.

    Attributes:
        published: what it should be.
        place: where it is; ``None`` where it is not.
        images: how many images lie there; those of one condition, where there are conditions. ``None`` in a tar.
        conditions: how many conditions there are; 0 where there are none.
        note: what looks wrong at first sight; empty where nothing does.
    """

    published: PublishedSet
    place: Path | None
    images: int | None = None
    conditions: int = 0
    note: str = ""


def inventory(root: Path) -> Iterator[Held]:
    """Each published data set, there or not, by the names of folders and files alone.

    Raises:
        DataError: the root is no folder, or cannot be listed.
    """
    try:
        inside = sorted(os.listdir(root))
    except OSError as error:
        raise DataError(
            f"--data {root} must be a folder of data sets, but cannot be listed ({error.strerror})"
        ) from None
    for name in datasets():
        yield _held(root, inside, published_set(name))


def place_of(root: Path, published: PublishedSet) -> Path | None:
    """Where a data set is below a root: its folder, or its tar; ``None`` where it is not."""
    top = LAYOUTS.get(published.name).folder if published.name in LAYOUTS else published.folder
    for candidate in (root / top, root / f"{top}.tar"):
        if candidate.is_dir() or candidate.is_file():
            return candidate
    return None


def _held(root: Path, inside: list[str], published: PublishedSet) -> Held:
    place = place_of(root, published)
    if place is None:
        top = published.folder.split("/")[0]
        close = difflib.get_close_matches(top.lower(), [each.lower() for each in inside], n=1, cutoff=0.9)
        meant = next((each for each in inside if close and each.lower() == close[0] and each not in datasets()), None)
        return Held(published, None, note=f"{meant} is there; is that it?" if meant else "")
    if place.is_file():
        return Held(published, place, note="a tar, read where it lies")
    if published.layout in ("corruption", "perturbation"):
        return _of_conditions(published, place)
    inner = root / published.folder
    count = _count(inner if inner.is_dir() else place)
    note = "" if count == published.images or not published.images else f"of {published.images:,}"
    return Held(published, place, count, note=note)


def _of_conditions(published: PublishedSet, place: Path) -> Held:
    tops = _folders(place)
    cells = [place / top for top in tops]
    if published.layout == "corruption":
        cells = [place / top / level for top in tops for level in "12345" if (place / top / level).is_dir()]
    tars = len(list(place.glob("*.tar")))
    count = _count(cells[0]) if cells else None
    note = f"and {tars} tars" if tars else "" if count == published.images else f"of {published.images:,}"
    return Held(published, place, count, len(cells), note)


def _count(folder: Path) -> int:
    """Images below a folder and in the folders of it; nothing is opened."""
    count, pending, depth = 0, [(str(folder), 0)], 3
    while pending:
        path, level = pending.pop()
        try:
            with os.scandir(path) as found:
                for entry in found:
                    if entry.name[0] == ".":
                        continue
                    if entry.name.lower().endswith(_SUFFIXES):
                        count += 1
                    elif level < depth and entry.is_dir():
                        pending.append((entry.path, level + 1))
        except OSError:
            continue
    return count


def _folders(place: Path) -> list[str]:
    return sorted(entry.name for entry in os.scandir(place) if entry.is_dir() and entry.name[0] != ".")

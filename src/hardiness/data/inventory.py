"""The data sets below a data root, by the names of folders and files alone."""

from __future__ import annotations

import difflib
import os
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

from hardiness.core.errors import DataError
from hardiness.data.files import IMAGE_SUFFIXES, folders_in
from hardiness.data.root import LAYOUTS
from hardiness.reference.class_sets import CLASS_SETS, class_set
from hardiness.reference.published_data import PublishedSet, datasets, published_set

_SUFFIXES = tuple(sorted(IMAGE_SUFFIXES | {".mp4"}))


@dataclass(frozen=True, slots=True)
class DataInventory:
    """The part of one data set that is there.

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


def inventory(root: Path) -> Iterator[DataInventory]:
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
        yield _inventory_of(root, inside, published_set(name))


def place_of(root: Path, published: PublishedSet) -> Path | None:
    """The place of a data set below a root: its folder, or its tar; ``None`` where it is not there."""
    top = LAYOUTS.get(published.name).folder if published.name in LAYOUTS else published.folder
    for candidate in (root / top, root / f"{top}.tar"):
        if candidate.is_dir() or candidate.is_file():
            return candidate
    return None


def _inventory_of(root: Path, inside: list[str], published: PublishedSet) -> DataInventory:
    place = place_of(root, published)
    if place is None:
        top = published.folder.split("/")[0]
        close = difflib.get_close_matches(top.lower(), [name.lower() for name in inside], n=1, cutoff=0.9)
        meant = next((name for name in inside if close and name.lower() == close[0] and name not in datasets()), None)
        return DataInventory(published, None, note=f"{meant} is there; is that it?" if meant else "")
    if place.is_file():
        return DataInventory(published, place, note="a tar, read where it lies")
    if published.layout == "arrays":
        return DataInventory(published, place, note="arrays, read where they lie")
    if any(place.glob("*.parquet")) or any(place.glob("data/*.parquet")):
        return DataInventory(published, place, note="Parquet, read where it lies")
    if published.layout in ("corruption", "perturbation"):
        return _inventory_of_conditions(published, place)
    inner = root / published.folder
    inner = inner if inner.is_dir() else place
    if published.name in CLASS_SETS:
        top = class_set(published.name).top
        tops = [folder for folder in (inner / top, *inner.glob(f"*/{top}")) if top and folder.is_dir()]
        count = _count(tops[0] if tops else inner, depth=8)
    else:
        count = _count(inner)
    note = "" if count == published.images or not published.images else f"of {published.images:,}"
    return DataInventory(published, place, count, note=note)


def _inventory_of_conditions(published: PublishedSet, place: Path) -> DataInventory:
    tops = folders_in(place)
    cells = [place / top for top in tops]
    if published.layout == "corruption":
        cells = [place / top / level for top in tops for level in "12345" if (place / top / level).is_dir()]
    tars = len(list(place.glob("*.tar")))
    count = _count(cells[0]) if cells else None
    note = f"and {tars} tars" if tars else "" if count == published.images else f"of {published.images:,}"
    return DataInventory(published, place, count, len(cells), note)


def _count(folder: Path, depth: int = 3) -> int:
    """The number of images in a folder and so many folders below it; nothing is opened."""
    count, pending = 0, [(str(folder), 0)]
    while pending:
        path, level = pending.pop()
        try:
            with os.scandir(path) as listing:
                for entry in listing:
                    if entry.name[0] == ".":
                        continue
                    if entry.name.lower().endswith(_SUFFIXES):
                        count += 1
                    elif level < depth and entry.is_dir():
                        pending.append((entry.path, level + 1))
        except OSError:
            continue
    return count

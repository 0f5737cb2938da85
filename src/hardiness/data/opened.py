"""From the path of a place to what is there: a tree of files or WebDataset shards."""

from __future__ import annotations

import difflib
import os
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

from hardiness.core import DataError
from hardiness.data.place import Place
from hardiness.data.tree import Tree, of_folder, of_tar
from hardiness.sources import TarMember, archives
from hardiness.sources.tables import HUB, from_hub, is_shard, parquet_files


@dataclass(frozen=True, slots=True)
class Shards:
    """WebDataset shards: each file with its members."""

    location: str
    files: tuple[Path, ...]
    members: tuple[Sequence[TarMember], ...]


@dataclass(frozen=True, slots=True)
class Tables:
    """Parquet files: each with its pictures."""

    location: str
    files: tuple[Path, ...]


def open_place(place: Place, subfolder: str = "") -> Tree | Shards | Tables:
    """What is at a place; below the folder ``subfolder`` where a folder has one of that name.

    Raises:
        DataError: nothing is there, or it cannot be read.
    """
    if place.path.startswith(HUB):
        return _tables(place, from_hub(place.path, place.split))
    try:
        path = Path(place.path)
        if path.suffix == ".parquet" and path.is_file():
            return Tables(place.path, (path,))
        if path.is_dir() and (tables := parquet_files(path, place.split)):
            return Tables(place.path, tuple(tables))
        if path.is_dir():
            below = path / subfolder
            return of_folder(below if below.is_dir() else path, place.argument)
        files = (path,) if path.is_file() else archives.expand(place.path)
        special = next((file for file in files if file.exists() and not file.is_file() and not file.is_dir()), None)
        if special is not None:
            raise DataError(f"--data {place.argument}: {special} must be a file, but is a FIFO, socket or device")
        missing = next((file for file in files if not file.is_file()), None)
    except OSError as error:
        raise DataError(f"--data {place.argument}: {place.path} cannot be read ({error.strerror})") from None
    if missing is not None or not files:
        raise DataError(
            f"--data {place.argument}: must be a folder, a tar or shards, but {missing or place.path} does not exist"
            f"{_neighbours(path)}"
        )
    members = tuple(archives.members(file) for file in files)
    if len(files) > 1 or is_shard(members[0]):
        return Shards(place.path, files, members)
    return of_tar(files[0], members[0])


def _tables(place: Place, folder: Path) -> Tables:
    files = parquet_files(folder, place.split, anywhere=True)
    if not files:
        raise DataError(f"--data {place.argument}: {place.path} must hold Parquet files, but holds none")
    return Tables(place.path, tuple(files))


def _neighbours(path: Path) -> str:
    try:
        close = difflib.get_close_matches(path.name, os.listdir(path.parent), n=2)
    except OSError:
        return f"; nor does {path.parent}" if not path.parent.exists() else ""
    return f"; did you mean {' or '.join(str(path.parent / name) for name in close)}?" if close else "; check the path"

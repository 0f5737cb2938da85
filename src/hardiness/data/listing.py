"""The files in a folder or a tar, as columns; kept between commands, as listing millions takes minutes."""

from __future__ import annotations

import hashlib
import os
import threading
import time
import zipfile
from collections.abc import Callable, Iterable, Mapping
from contextlib import suppress
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from hardiness.core.whole_files import whole_file
from hardiness.data.files import FileEntry, of_folder
from hardiness.sources.files import Stamp
from hardiness.sources.packages import cache_folder

VERSION = 2
SETTLED_S = 2.0
"""Seconds before its listing within which a folder that changed may change again at the same time of change."""

PROBES = 64
"""The number of files of a kept listing that are compared with the disk each time it is used."""


class Paths:
    """Sorted paths, held once for all listings that have the same ones."""

    def __init__(self, packed: bytes) -> None:
        self.packed = packed
        self.texts = tuple(os.fsdecode(packed).split("\0")) if packed else ()

    @cached_property
    def rows(self) -> Mapping[str, int]:
        """The row of each path."""
        return {path: row for row, path in enumerate(self.texts)}

    def __len__(self) -> int:
        return len(self.texts)


@dataclass(frozen=True, eq=False)
class Listing:
    """The files of one folder or tar.

    Attributes:
        paths: below it, sorted.
        sizes: int64 (N,), bytes of each.
        stamps: int64 (N,), time of change of each in nanoseconds; in a tar, the first byte of each.
        cache_file: the file that keeps this listing between commands; ``None`` where none does.
        unused: `Tree.unused` of the folder's other files; empty for an archive.
    """

    paths: Paths
    sizes: NDArray[np.int64]
    stamps: NDArray[np.int64]
    cache_file: Path | None = None
    unused: tuple[str, ...] = ()

    @cached_property
    def fingerprint(self) -> str:
        """Hexadecimal sha256 over paths, sizes and stamps."""
        digest = hashlib.sha256(self.paths.packed)
        digest.update(self.sizes.tobytes() + self.stamps.tobytes())
        return digest.hexdigest()


class Listings:
    """Makes listings, or takes them from the cache where nothing was added, removed or renamed since.

    A file that is overwritten in place leaves its folder's time of change as it was. It is noticed when it is read: its
    size and time must be those of the listing; `forget` then drops the listing, and the next command makes it anew.
    `PROBES` files of each folder are looked at every time, so that a folder that was written again is noticed at once.
    """

    def __init__(self) -> None:
        self._paths: dict[bytes, Paths] = {}
        self._lock = threading.Lock()

    def of_folder(self, folder: Path, argument: str, suffixes: frozenset[str]) -> Listing:
        """The files below a folder whose lower-case suffix is one of those.

        Raises:
            DataError: a folder cannot be read.
        """
        cache_file = _cache_file("folder", folder, *sorted(suffixes))
        former = _load(cache_file)
        if former is not None and _folders_are_as_before(folder, former):
            listing = self._listing(former, cache_file)
            if _some_files_are_as_before(folder, listing):
                return listing
        began = time.time()
        tree = of_folder(folder, argument)
        counting = [entry for entry in tree.entries if entry.suffix in suffixes]
        columns = _columns(counting)
        columns["unused"] = _pack(tree.unused(counting))
        columns["folders"] = _pack(path for path, _ in tree.visited)
        columns["times"] = np.array([mtime for _, mtime in tree.visited], np.int64)
        if began - columns["times"].max() / 1e9 > SETTLED_S:
            _save(cache_file, columns)
        return self._listing(columns, cache_file)

    def of_archive(self, archive: Path, kind: str, make: Callable[[], Iterable[FileEntry]]) -> Listing:
        """The files of an archive that ``make`` gives, which is called only where the archive is not as before.

        Args:
            archive: a file.
            kind: of files; listings of different kinds are kept apart.
            make: gives an entry for each file in the archive, its stamp being its first byte.
        """
        cache_file = _cache_file(kind, archive)
        stamp = np.array(Stamp.from_status(archive.stat()), np.int64)
        former = _load(cache_file)
        if former is not None and "archive" in former and np.array_equal(former["archive"], stamp):
            return self._listing(former, cache_file)
        columns = _columns(sorted(make(), key=lambda entry: entry.path))
        columns["archive"] = stamp
        _save(cache_file, columns)
        return self._listing(columns, cache_file)

    def _listing(self, columns: Mapping[str, NDArray[Any]], cache_file: Path) -> Listing:
        unused = os.fsdecode(columns["unused"].tobytes()) if "unused" in columns else ""
        return Listing(
            self.shared(columns["paths"].tobytes()),
            columns["sizes"],
            columns["stamps"],
            cache_file,
            tuple(unused.split("\0")) if unused else (),
        )

    def shared(self, packed: bytes) -> Paths:
        """The one object for these paths."""
        with self._lock:
            return self._paths.setdefault(packed, Paths(packed))


def forget(cache_file: Path | None) -> None:
    """Drop a kept listing that turned out to be of the past."""
    if cache_file is not None:
        with suppress(OSError):
            cache_file.unlink(missing_ok=True)


def _columns(entries: Iterable[FileEntry]) -> dict[str, NDArray[Any]]:
    files = list(entries)
    return {
        "paths": _pack(entry.path for entry in files),
        "sizes": np.array([entry.size for entry in files], np.int64),
        "stamps": np.array([entry.stamp for entry in files], np.int64),
    }


def _pack(paths: Iterable[str]) -> NDArray[np.uint8]:
    return np.frombuffer(os.fsencode("\0".join(paths)), np.uint8)


def _cache_file(*identity: str | Path) -> Path:
    kind, path, *rest = identity
    name = "\0".join([str(VERSION), str(kind), os.path.realpath(path), *map(str, rest)])
    return cache_folder() / "listings" / f"{hashlib.sha256(os.fsencode(name)).hexdigest()[:32]}.npz"


def _folders_are_as_before(folder: Path, columns: Mapping[str, NDArray[Any]]) -> bool:
    if "times" not in columns or "folders" not in columns:
        return False
    folders = os.fsdecode(columns["folders"].tobytes()).split("\0")
    if len(folders) != len(columns["times"]):
        return False
    try:
        return all(
            os.stat(os.path.join(folder, path)).st_mtime_ns == before
            for path, before in zip(folders, columns["times"].tolist(), strict=True)
        )
    except OSError:
        return False


def _some_files_are_as_before(folder: Path, listing: Listing) -> bool:
    count = len(listing.paths)
    for row in range(0, count, max(count // PROBES, 1)):
        try:
            status = os.stat(os.path.join(folder, listing.paths.texts[row]))
        except OSError:
            return False
        if not Stamp(int(listing.sizes[row]), int(listing.stamps[row])).fits(status):
            return False
    return True


def _load(cache_file: Path) -> dict[str, NDArray[Any]] | None:
    """The columns in a file of the cache; ``None`` where it is not there, damaged or not ours."""
    try:
        with cache_file.open("rb") as stream:
            columns = dict(np.load(stream, allow_pickle=False))
        counts = {len(columns["sizes"]), len(columns["stamps"])}
        counts.add(columns["paths"].tobytes().count(b"\0") + 1 if len(columns["paths"]) else 0)
        return columns if len(counts) == 1 else None
    except (OSError, ValueError, KeyError, TypeError, EOFError, zipfile.BadZipFile):
        return None


def _save(cache_file: Path, columns: Mapping[str, NDArray[Any]]) -> None:
    """Keep the columns; where the cache cannot be written, the folder is listed anew each time."""
    with suppress(OSError):
        cache_file.parent.mkdir(parents=True, exist_ok=True)
        with whole_file(cache_file) as part, part.open("wb") as stream:
            np.savez(stream, **dict(columns))  # type: ignore[arg-type]  # its other keyword is a switch

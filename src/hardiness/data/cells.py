"""The copies of all photographs under one condition, in a folder or in tars."""

from __future__ import annotations

import hashlib
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Protocol

import numpy as np
from numpy.typing import NDArray

from hardiness.core.benchmark import File
from hardiness.core.errors import SampleError
from hardiness.data.listing import Listing, Paths, forget
from hardiness.sources.files import DiskFile, Stamp, TarMember


class Cell(Protocol):
    """The copies of all photographs under one condition."""

    @property
    def paths(self) -> Paths:
        """The photographs that have a copy, as ``<wnid>/<file>``."""
        ...

    @property
    def fingerprint(self) -> str:
        """A hash that changes whenever one of the copies does."""
        ...

    def file(self, path: str) -> File | None:
        """The copy of one photograph; ``None`` where there is none."""
        ...


@dataclass(frozen=True, eq=False)
class FolderCell:
    """Copies in a folder.

    Attributes:
        folder: holds them as ``<wnid>/<file>``.
        listing: which there are.
        hashes: uint8 (N, 32), sha256 that each must have; zeros where none is known. ``None`` where none is.
    """

    folder: str
    listing: Listing
    hashes: NDArray[np.uint8] | None = None

    @property
    def paths(self) -> Paths:
        return self.listing.paths

    @property
    def fingerprint(self) -> str:
        return self.listing.fingerprint

    def file(self, path: str) -> File | None:
        """The copy, which must still be as it was listed."""
        row = self.paths.rows.get(path)
        if row is None:
            return None
        stamp = Stamp(int(self.listing.sizes[row]), int(self.listing.stamps[row]))
        expected = self.hashes[row].tobytes() if self.hashes is not None else b""
        return ListedFile(
            DiskFile(f"{self.folder}/{path}", stamp), expected if any(expected) else b"", self.listing.cache_file
        )


@dataclass(frozen=True, eq=False)
class ArchiveCell:
    """Copies in tars.

    Attributes:
        places: the archive and the row of its listing in which each copy is.
        archives: the listings of the tars.
        names: the tars, each with its stamp.
        paths: the photographs that have a copy.
    """

    places: Mapping[str, tuple[int, int]]
    archives: tuple[Listing, ...]
    names: tuple[tuple[str, Stamp], ...]
    paths: Paths = field(repr=False)

    @property
    def fingerprint(self) -> str:
        """A hash over paths, sizes and offsets of the copies, and over name, size and time of their tars."""
        digest = hashlib.sha256(self.paths.packed)
        for archive in sorted({archive for archive, _ in self.places.values()}):
            name, stamp = self.names[archive]
            digest.update(f"{Path(name).name}\0{stamp.size}\0{stamp.mtime_ns}\n".encode("utf-8", "surrogateescape"))
        for path in self.paths.texts:
            archive, row = self.places[path]
            digest.update(f"{self.archives[archive].sizes[row]} {self.archives[archive].stamps[row]}\n".encode())
        return digest.hexdigest()

    def file(self, path: str) -> File | None:
        """The copy, read where it stands."""
        if path not in self.places:
            return None
        number, row = self.places[path]
        listing, (name, stamp) = self.archives[number], self.names[number]
        return TarMember(name, int(listing.stamps[row]), int(listing.sizes[row]), listing.paths.texts[row], stamp)


@dataclass(frozen=True, eq=False)
class ListedFile:
    """A file that must be as it was listed, and have the hash that the manifest of its tree gives.

    Attributes:
        file: the file.
        sha256: 32 bytes; empty where none is known.
        cache_file: of the listing, which is dropped where the file turns out to have changed.
    """

    file: DiskFile
    sha256: bytes = b""
    cache_file: Path | None = None

    @property
    def name(self) -> str:
        return self.file.name

    def read(self) -> bytes:
        try:
            content = self.file.read()
        except SampleError:
            if not self.file.unchanged():
                forget(self.cache_file)
            raise
        if self.sha256 and hashlib.sha256(content).digest() != self.sha256:
            raise SampleError(
                f"{self.name}: is not the file that manifest.json lists (its sha256 differs); "
                "run the command that wrote the tree again"
            )
        return content

    def unchanged(self) -> bool:
        """Whether the file is still there and the one that was listed."""
        return self.file.unchanged()

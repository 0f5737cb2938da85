"""Where an output folder's files are: on a disk or in an object store; each write is whole or not at all."""

from __future__ import annotations

import os
import threading
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Protocol

from hardiness.core import StoreError
from hardiness.store.atomic import PARTIAL, told

Stamp = tuple[int, str]
"""Size of a file in bytes, and what changes with its content: time of modification, or an object's ETag."""


class Files(Protocol):
    """Files by their path below one place, with ``/`` between folders."""

    @property
    def address(self) -> str:
        """Where the place is, as a person would type it."""
        ...

    def listed(self, folder: str) -> Mapping[str, Stamp]:
        """Every file below a folder, by its path below the place, sorted; empty where there is no such folder."""
        ...

    def folders(self, folder: str) -> list[str]:
        """Names of the folders directly in a folder, sorted; what is in them is not looked at."""
        ...

    def read(self, path: str) -> bytes | None:
        """All bytes of a file; ``None`` where there is none.

        Raises:
            StoreError: it cannot be read.
        """
        ...

    def write(self, path: str, content: bytes) -> None:
        """Put a file there, or in place of the one that is there; a reader sees the old one or the new one, whole.

        Raises:
            StoreError: it cannot be written; the message says why and names it.
        """
        ...

    def create(self, path: str, content: bytes) -> bool:
        """Put a file there unless there is one; whether it was put. Of several at the same time one succeeds.

        Raises:
            StoreError: it cannot be written.
        """
        ...

    def has(self, path: str) -> bool:
        """Whether there is a file."""
        ...

    def move(self, path: str, to: str) -> None:
        """Give a file another path; nothing where another process has taken it away."""
        ...

    def remove(self, path: str) -> None:
        """Take a file away, if it is there."""
        ...


@dataclass(frozen=True)
class LocalFiles:
    """Files in a folder of a disk."""

    folder: Path

    @property
    def address(self) -> str:
        """The folder's path."""
        return str(self.folder)

    def listed(self, folder: str) -> Mapping[str, Stamp]:
        """As `Files.listed`; links to folders are not followed."""
        found: dict[str, Stamp] = {}
        with told(self.folder / folder, "list"):
            self._list(folder, found)
        return dict(sorted(found.items()))

    def folders(self, folder: str) -> list[str]:
        """As `Files.folders`; links to folders are not followed."""
        with told(self.folder / folder, "list"):
            try:
                entries = list(os.scandir(self.folder / folder))
            except FileNotFoundError:
                return []
            return sorted(entry.name for entry in entries if entry.is_dir(follow_symlinks=False))

    def read(self, path: str) -> bytes | None:
        """As `Files.read`."""
        with told(self.folder / path, "read"):
            try:
                return (self.folder / path).read_bytes()
            except FileNotFoundError:
                return None

    def write(self, path: str, content: bytes) -> None:
        """As `Files.write`: written beside, then renamed."""
        target = self.folder / path
        with told(target, "write"):
            temporary = self._temporary(target)
            try:
                _fill(temporary, content)
                temporary.replace(target)
            finally:
                temporary.unlink(missing_ok=True)

    def create(self, path: str, content: bytes) -> bool:
        """As `Files.create`: written beside, then linked to the name, which fails where it is taken."""
        target = self.folder / path
        with told(target, "write"):
            temporary = self._temporary(target)
            try:
                _fill(temporary, content)
                os.link(temporary, target)
            except FileExistsError:
                return False
            finally:
                temporary.unlink(missing_ok=True)
        return True

    def has(self, path: str) -> bool:
        """As `Files.has`."""
        return (self.folder / path).exists()

    def move(self, path: str, to: str) -> None:
        """As `Files.move`."""
        with told(self.folder / path, "move"):
            (self.folder / to).parent.mkdir(parents=True, exist_ok=True)
            try:
                (self.folder / path).replace(self.folder / to)
            except FileNotFoundError:
                return

    def remove(self, path: str) -> None:
        """As `Files.remove`."""
        with told(self.folder / path, "remove"):
            (self.folder / path).unlink(missing_ok=True)

    def _list(self, folder: str, found: dict[str, Stamp]) -> None:
        try:
            entries = list(os.scandir(self.folder / folder))
        except FileNotFoundError:
            return
        for entry in entries:
            path = f"{folder}/{entry.name}" if folder else entry.name
            if entry.is_dir(follow_symlinks=False):
                self._list(path, found)
            elif entry.is_file():
                status = entry.stat()
                found[path] = (status.st_size, str(status.st_mtime_ns))

    def _temporary(self, target: Path) -> Path:
        """A file for one write, in a folder on the same file system, so that renaming is atomic."""
        if (self.folder / PARTIAL).is_symlink() or target.is_symlink():
            raise StoreError(f"{target} must not be a link, since what it leads to would be overwritten; remove it")
        partial = self.folder / PARTIAL
        partial.mkdir(parents=True, exist_ok=True)
        target.parent.mkdir(parents=True, exist_ok=True)
        return partial / f"{os.getpid()}-{threading.get_ident()}-{target.name[:100]}"


def _fill(path: Path, content: bytes) -> None:
    with path.open("wb") as stream:
        stream.write(content)
        stream.flush()
        os.fsync(stream.fileno())

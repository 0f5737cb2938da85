"""Where an output folder's files are: on a disk or in an object store; each write is whole or not at all."""

from __future__ import annotations

import errno
import os
import threading
import time
from collections.abc import Mapping, Sequence
from contextlib import suppress
from dataclasses import dataclass
from hashlib import sha256
from pathlib import Path
from typing import Protocol

from hardiness.core import StoreError
from hardiness.sources.files import read_regular
from hardiness.store.atomic import PARTIAL, fill, refuse_links, told
from hardiness.store.together import together

MAX_BYTES = 1 << 30
"""The largest file that is read whole: a thousand times what a unit's rows take."""

CLAIM_S, CLAIM_REST_S = 10.0, 0.02
"""How long a claim to a name counts whose holder does not end it, and how often others look."""

_NO_LINKS = {errno.EPERM, errno.EACCES, errno.ENOSYS, errno.EOPNOTSUPP, errno.ENOTSUP, errno.EMLINK, errno.EXDEV}
"""What file systems without hard links answer; where it is a lack of permission, to rename fails as well."""

Stamp = tuple[int, str]
"""Size of a file in bytes, and what changes with its content: time of modification, or an object's ETag."""

KINDS = (".parquet", ".json")
"""How names of files end: a folder of such a name stands in the place of one."""


class Files(Protocol):
    """Files by their path below one place, with ``/`` between folders."""

    @property
    def address(self) -> str:
        """Where the place is, as a person would type it."""
        ...

    @property
    def conditional(self) -> bool:
        """Whether `create` is one request; where the place cannot put a file on condition it takes a second."""
        ...

    @property
    def at_once(self) -> int:
        """How many files are best on their way to it at one time."""
        ...

    def listed(self, folder: str, after: str = "") -> Mapping[str, Stamp]:
        """Every file below a folder, by its path below the place, sorted; empty where there is no such folder.

        Args:
            folder: below the place.
            after: only paths below the folder that come after this one in order.
        """
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

    def read_all(self, paths: Sequence[str]) -> Mapping[str, bytes | None]:
        """The same of several files by path, read many at a time; raises what `read` raises."""
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

    def stamp(self, path: str) -> Stamp | None:
        """What `listed` would tell of one file; ``None`` where there is none."""
        ...

    def written_s(self, path: str) -> float | None:
        """When a file was written, in seconds since 1970 by the clock of where it lies; ``None`` without a file."""
        ...

    def move(self, path: str, to: str) -> None:
        """Give a file another path; nothing where another process has taken it away."""
        ...

    def remove(self, path: str) -> None:
        """Take a file away, if it is there."""
        ...

    def remove_all(self, paths: Sequence[str]) -> None:
        """The same of several files, many at a time."""
        ...


@dataclass(frozen=True)
class LocalFiles:
    """Files in a folder of a disk."""

    folder: Path

    @property
    def conditional(self) -> bool:
        """As `Files.conditional`: a link is not made over a file, nor is a claim without links."""
        return True

    def can_link(self, path: str) -> bool:
        """Whether a file that is there can have a second name; some network mounts refuse that."""
        twin = self._temporary(self.folder / "second name")
        with told(twin, "write"):
            try:
                twin.unlink(missing_ok=True)
                return _linked(self.folder / path, twin)
            finally:
                twin.unlink(missing_ok=True)

    @property
    def at_once(self) -> int:
        """As `Files.at_once`: a disk does not wait, and each thread that writes keeps memory of its own."""
        return 1

    @property
    def address(self) -> str:
        """The folder's path."""
        return str(self.folder)

    def listed(self, folder: str, after: str = "") -> Mapping[str, Stamp]:
        """As `Files.listed`; links to folders are not followed. What is no file is listed too, and told when read."""
        found: dict[str, Stamp] = {}
        self._list(folder, found)
        first = f"{folder}/{after}" if folder else after
        return {path: stamp for path, stamp in sorted(found.items()) if not after or path > first}

    def folders(self, folder: str) -> list[str]:
        """As `Files.folders`; links to folders are not followed."""
        with told(self.folder / folder, "list"):
            try:
                entries = list(os.scandir(self.folder / folder))
            except FileNotFoundError:
                return []
            return sorted(entry.name for entry in entries if entry.is_dir(follow_symlinks=False))

    def read(self, path: str) -> bytes | None:
        """As `Files.read`; FIFOs, devices and what links lead to outside of the folder are not opened."""
        target = self.folder / path
        with told(target, "read"):
            if not Path(os.path.realpath(target)).is_relative_to(os.path.realpath(self.folder)):
                raise StoreError(f"{target} is a link that leads out of {self.folder}, and is not read; remove it")
            try:
                return read_regular(target, MAX_BYTES)
            except FileNotFoundError:
                return None

    def read_all(self, paths: Sequence[str]) -> Mapping[str, bytes | None]:
        """As `Files.read_all`."""
        return dict(zip(paths, together(self.read, paths), strict=True))

    def write(self, path: str, content: bytes) -> None:
        """As `Files.write`: written beside, then renamed."""
        target = self.folder / path
        with told(target, "write"):
            temporary = self._temporary(target)
            try:
                fill(temporary, content)
                temporary.replace(target)
            finally:
                temporary.unlink(missing_ok=True)

    def create(self, path: str, content: bytes) -> bool:
        """As `Files.create`: written beside, then linked to the name, which fails where it is taken.

        Where there are no hard links it is renamed by whoever holds the claim to the name, unless the name is taken.
        """
        target = self.folder / path
        with told(target, "write"):
            temporary = self._temporary(target)
            try:
                fill(temporary, content)
                return _linked(temporary, target) or self._renamed(temporary, target)
            except FileExistsError:
                return False
            finally:
                temporary.unlink(missing_ok=True)

    def has(self, path: str) -> bool:
        """As `Files.has`."""
        return (self.folder / path).exists()

    def stamp(self, path: str) -> Stamp | None:
        """As `Files.stamp`."""
        status = self._status(path)
        return (status.st_size, str(status.st_mtime_ns)) if status else None

    def written_s(self, path: str) -> float | None:
        """As `Files.written_s`: of a network's file system the server's clock."""
        status = self._status(path)
        return status.st_mtime if status else None

    def move(self, path: str, to: str) -> None:
        """As `Files.move`."""
        with told(self.folder / path, "move"):
            refuse_links((self.folder / to).parent, self.folder)
            (self.folder / to).parent.mkdir(parents=True, exist_ok=True)
            try:
                (self.folder / path).replace(self.folder / to)
            except FileNotFoundError:
                return

    def remove(self, path: str) -> None:
        """As `Files.remove`."""
        with told(self.folder / path, "remove"):
            (self.folder / path).unlink(missing_ok=True)

    def remove_all(self, paths: Sequence[str]) -> None:
        """As `Files.remove_all`."""
        together(self.remove, paths)

    def _status(self, path: str) -> os.stat_result | None:
        with told(self.folder / path, "look for"):
            try:
                return (self.folder / path).stat()
            except FileNotFoundError:
                return None

    def _list(self, folder: str, found: dict[str, Stamp]) -> None:
        with told(self.folder / folder, "list"):
            try:
                entries = list(os.scandir(self.folder / folder))
            except FileNotFoundError:
                return
        for entry in entries:
            path = f"{folder}/{entry.name}" if folder else entry.name
            if entry.is_dir(follow_symlinks=False) and not entry.name.endswith(KINDS):
                self._list(path, found)
            else:
                with suppress(FileNotFoundError):  # another process has taken it away since
                    status = entry.stat(follow_symlinks=False)
                    found[path] = (status.st_size, str(status.st_mtime_ns))

    def _renamed(self, temporary: Path, target: Path) -> bool:
        """Whether a written file has got its name, which nobody had: asked and renamed under a claim to that name.

        A claim is a file that only one can make. One that a killed process has left counts for `CLAIM_S`, by the clock
        of the file system.
        """
        name = sha256(str(target.relative_to(self.folder)).encode("utf-8", "surrogateescape")).hexdigest()[:32]
        claim = temporary.with_name(f"claim-{name}")
        while True:
            try:
                claim.open("xb").close()
                break
            except FileExistsError:
                with suppress(FileNotFoundError):
                    if temporary.stat().st_mtime - claim.stat().st_mtime > CLAIM_S:
                        claim.unlink()
                time.sleep(CLAIM_REST_S)
                temporary.touch()
        try:
            if os.path.lexists(target):
                return False
            temporary.replace(target)
            return True
        finally:
            claim.unlink(missing_ok=True)

    def _temporary(self, target: Path) -> Path:
        """A file for one write, in a folder on the same file system, so that renaming is atomic."""
        partial = self.folder / PARTIAL
        temporary = partial / f"{os.getpid()}-{threading.get_ident()}-{target.name[:100]}"
        refuse_links(temporary, self.folder)
        refuse_links(target, self.folder)
        refuse_special(target)
        partial.mkdir(parents=True, exist_ok=True)
        target.parent.mkdir(parents=True, exist_ok=True)
        return temporary


def _linked(file: Path, twin: Path) -> bool:
    """Whether a file has got a second name; ``False`` where its file system gives none.

    Raises:
        FileExistsError: the name is taken.
    """
    try:
        os.link(file, twin)
    except OSError as error:
        if error.errno in _NO_LINKS:
            return False
        raise
    return True


def refuse_special(path: Path) -> None:
    """Raise where something else than a file stands in a file's place.

    Raises:
        StoreError: naming it.
    """
    if path.exists() and not path.is_file():
        raise StoreError(f"{path} must be a file that can be replaced, and is a folder, a device or a FIFO")

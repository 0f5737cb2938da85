"""An output folder on a disk."""

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

from hardiness.core.errors import StoreError
from hardiness.core.whole_files import whole_file
from hardiness.sources.files import read_regular
from hardiness.store.files import KINDS, MAX_BYTES, Stamp
from hardiness.store.parallel import in_parallel
from hardiness.store.writing import PARTIAL, file_errors, fill, refuse_links

CLAIM_S, CLAIM_REST_S = 10.0, 0.02
"""How long a claim to a name counts whose holder does not end it, and how often others look."""

_NO_LINKS = {errno.EPERM, errno.EACCES, errno.ENOSYS, errno.EOPNOTSUPP, errno.ENOTSUP, errno.EMLINK, errno.EXDEV}
"""Errors that file systems without hard links give; where it is a lack of permission, to rename fails as well."""


@dataclass(frozen=True)
class LocalFiles:
    """Files in a folder of a disk."""

    folder: Path

    @property
    def conditional(self) -> bool:
        """True: a link is not made over a file, nor is a claim without links."""
        return True

    def has_links(self) -> bool:
        """Whether a file can have a second name; some network mounts refuse that.

        The file is the caller's own: another process that opens the folder meanwhile takes none of it away.
        """
        file = self._temporary(self.folder / "name")
        twin = self._temporary(self.folder / "second name")
        with file_errors(twin, "write"):
            try:
                twin.unlink(missing_ok=True)
                file.touch()
                return _link(file, twin)
            finally:
                twin.unlink(missing_ok=True)
                file.unlink(missing_ok=True)

    @property
    def at_once(self) -> int:
        """One: a disk does not wait, and each thread that writes keeps memory of its own."""
        return 1

    @property
    def address(self) -> str:
        """The folder's path."""
        return str(self.folder)

    def list_files(self, folder: str, after: str = "") -> Mapping[str, Stamp]:
        """Links to folders are not followed. What is no file is listed too, and an error when read."""
        stamps: dict[str, Stamp] = {}
        self._list(folder, stamps)
        first = f"{folder}/{after}" if folder else after
        return {path: stamp for path, stamp in sorted(stamps.items()) if not after or path > first}

    def folders(self, folder: str) -> list[str]:
        """Links are among them, wherever they lead: a file below one that leads out is an error when it is read."""
        with file_errors(self.folder / folder, "list"):
            try:
                entries = list(os.scandir(self.folder / folder))
            except FileNotFoundError:
                return []
            return sorted(entry.name for entry in entries if entry.is_dir() or entry.is_symlink())

    def read(self, path: str) -> bytes | None:
        """FIFOs, devices and what links lead to outside of the folder are not opened."""
        target = self.folder / path
        with file_errors(target, "read"):
            if self._leads_out(path):
                raise StoreError(
                    f"{target} lies behind a link that leads out of {self.folder}, and is not read; replace the link "
                    "by what it leads to, or remove it"
                )
            try:
                return read_regular(target, MAX_BYTES)
            except FileNotFoundError:
                return None

    def read_all(self, paths: Sequence[str]) -> Mapping[str, bytes | None]:
        """One after the other: to begin a thread takes longer than to read a small file."""
        return {path: self.read(path) for path in paths}

    def write(self, path: str, content: bytes) -> None:
        """The file is written beside its place, then renamed."""
        target = self.folder / path
        with file_errors(target, "write"):
            temporary = self._temporary(target)
            with whole_file(target, temporary):
                fill(temporary, content)

    def create(self, path: str, content: bytes) -> bool:
        """The file is written beside its place, then linked to its name, which fails where that is taken.

        Where there are no hard links it is renamed by whoever holds the claim to the name, unless the name is taken.
        """
        target = self.folder / path
        with file_errors(target, "write"):
            temporary = self._temporary(target)
            try:
                fill(temporary, content)
                return _link(temporary, target) or self._rename_under_claim(temporary, target)
            except FileExistsError:
                return False
            finally:
                temporary.unlink(missing_ok=True)

    def has(self, path: str) -> bool:
        return (self.folder / path).exists()

    def stamp(self, path: str) -> Stamp | None:
        with file_errors(self.folder / path, "look for"):
            try:
                status = (self.folder / path).stat()
            except FileNotFoundError:
                return None
        return status.st_size, str(status.st_mtime_ns)

    def move(self, path: str, to: str) -> None:
        with file_errors(self.folder / path, "move"):
            refuse_links((self.folder / to).parent, self.folder)
            (self.folder / to).parent.mkdir(parents=True, exist_ok=True)
            try:
                (self.folder / path).replace(self.folder / to)
            except FileNotFoundError:
                return

    def remove(self, path: str) -> None:
        with file_errors(self.folder / path, "remove"):
            refuse_links((self.folder / path).parent, self.folder)
            (self.folder / path).unlink(missing_ok=True)

    def remove_all(self, paths: Sequence[str]) -> None:
        in_parallel(self.remove, paths)

    def _leads_out(self, path: str) -> bool:
        """Whether a link on the way to a file leads out of the folder; mostly there is none, which is soon known."""
        step, names = str(self.folder), path.split("/")
        for name in names:
            step = f"{step}/{name}"
            if name == ".." or os.path.islink(step):
                return not Path(os.path.realpath(self.folder / path)).is_relative_to(os.path.realpath(self.folder))
        return False

    def _list(self, folder: str, stamps: dict[str, Stamp]) -> None:
        with file_errors(self.folder / folder, "list"):
            try:
                entries = list(os.scandir(self.folder / folder))
            except FileNotFoundError:
                return
        for entry in entries:
            path = f"{folder}/{entry.name}" if folder else entry.name
            if entry.is_dir(follow_symlinks=False) and not entry.name.endswith(KINDS):
                self._list(path, stamps)
            else:
                with suppress(FileNotFoundError):  # another process has taken it away since
                    status = entry.stat(follow_symlinks=False)
                    stamps[path] = (status.st_size, str(status.st_mtime_ns))

    def _rename_under_claim(self, temporary: Path, target: Path) -> bool:
        """Give a written file its name, unless that is taken, under a claim to that name; whether it was given.

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


def _link(file: Path, twin: Path) -> bool:
    """Give a file a second name; ``False`` where its file system gives none.

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

"""Archives from outside, unpacked into a folder without trusting them."""

from __future__ import annotations

import calendar
import errno
import lzma
import os
import shutil
import stat
import struct
import tarfile
import zipfile
import zlib
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from pathlib import Path
from typing import IO, NamedTuple

from hardiness.core.errors import DataError
from hardiness.core.whole_files import whole_file
from hardiness.sources.archives import is_outside
from hardiness.sources.files import open_regular, shown

MAX_FILES = 5_000_000
MAX_FILE_BYTES = 2 << 30

MAX_GROWTH, SPARE_BYTES = 20, 1 << 30
"""Bounds of an archive of pictures, which hardly shrink when they are packed: one that grows more is a bomb."""

_PIECE_BYTES = 1 << 20
_IGNORED = frozenset(("__MACOSX", ".DS_Store", "Thumbs.db", "desktop.ini"))
_DAMAGE = (
    *(tarfile.TarError, zipfile.BadZipFile, EOFError, zlib.error, lzma.LZMAError),
    # What the readers of the standard library let through on damaged headers.
    *(ValueError, TypeError, NotImplementedError, OverflowError, RecursionError, struct.error),
)


class ArchiveMember(NamedTuple):
    """A regular file in an archive."""

    name: str
    size: int
    mtime_s: float
    stream: IO[bytes]


@dataclass
class Extraction:
    """The unpacking of an archive, and its progress.

    Attributes:
        archive: what is unpacked.
        folder: that it is unpacked into.
        progress: told of the bytes that were written.
        password: of an encrypted zip.
        files, size: how many files, and their bytes.
    """

    archive: Path
    folder: Path
    progress: Callable[[int, int | None], None] | None = None
    password: str = ""
    files: int = 0
    size: int = 0
    _names_by_case: dict[str, str] = field(default_factory=dict)

    def run(self) -> None:
        """Unpack everything; files that an interrupted command left are compared, and kept where they are the same.

        Raises:
            DataError: the archive cannot be read, is damaged, or holds what must not be unpacked.
        """
        try:
            limit = self.archive.stat().st_size * MAX_GROWTH + SPARE_BYTES
            for packed in _archive_members(self.archive, self.password):
                self._check(packed, limit)
                self._write(packed)
                if self.progress:
                    self.progress(self.size, None)
        except OSError as error:
            if error.errno in (errno.ENOSPC, errno.EDQUOT):
                raise DataError(
                    f"the disk is full after {self.files:,} files of {self.archive.name}; free some space and run the "
                    "same command again: it continues"
                ) from None
            raise DataError(f"cannot unpack {self.archive} into {self.folder}: {error.strerror or error}") from None
        except _DAMAGE as error:
            raise DataError(
                f"{self.archive} must be a whole archive, but is damaged ({shown(str(error))}); fetch it again"
            ) from None

    def _check(self, packed: ArchiveMember, limit: int) -> None:
        label = shown(f"{self.archive.name}!{packed.name}")
        path = packed.name.casefold()
        if path in self._names_by_case:
            other = shown(self._names_by_case[path])
            reason = "comes twice" if other == shown(packed.name) else f"differs from {other} in case alone"
            raise DataError(f"{label}: {reason}; do not trust the archive")
        self._names_by_case[path] = packed.name
        self.files += 1
        self.size += packed.size
        if self.files > MAX_FILES or packed.size > MAX_FILE_BYTES or self.size > limit:
            raise DataError(
                f"{label}: with it the archive would unpack to {self.files:,} files of {self.size / 1e9:,.1f} GB, more "
                "than an archive of pictures of its size can hold; do not trust it"
            )

    def _write(self, packed: ArchiveMember) -> None:
        target = self.folder / packed.name
        same, piece = _compare(target, packed) if _is_same(target, packed.size) else (0, b"")
        if same == packed.size and target.exists():
            return
        target.parent.mkdir(parents=True, exist_ok=True)
        remaining = packed.size - same - len(piece)
        with whole_file(target, target.with_name(f"{target.name}.part")) as part:
            with open(os.open(part, os.O_WRONLY | os.O_CREAT | os.O_TRUNC | os.O_NOFOLLOW, 0o644), "wb") as stream:
                stream.write(_read_beginning(target, same) + piece)
                while remaining > 0 and (piece := packed.stream.read(min(_PIECE_BYTES, remaining))):
                    stream.write(piece)
                    remaining -= len(piece)
            if remaining:
                raise EOFError(f"{shown(packed.name)} ends early")
            os.utime(part, (packed.mtime_s, packed.mtime_s))


def unpack(
    archive: Path,
    folder: Path,
    strip: str = "",
    progress: Callable[[int, int | None], None] | None = None,
    password: str = "",
) -> Extraction:
    """Unpack a tar (also gzip, bzip2, xz) or zip, and move its top folders into ``folder`` when all of it is there.

    Until then it lies in a hidden folder beside, which the same command continues to fill.

    Args:
        archive: the file.
        folder: where its content goes.
        strip: the folder inside it whose content is meant, where it has such a folder.
        progress: told of the bytes that were written.
        password: of an encrypted zip.

    Raises:
        DataError: the archive is damaged or must not be unpacked, or something stands where a folder of it goes.
    """
    staging = folder.parent / f".{folder.name}.{archive.name}.partial"
    try:
        if staging.is_symlink():
            raise DataError(f"{staging} must be a folder of ours, but is a link; remove it")
        staging.mkdir(parents=True, exist_ok=True)
        extraction = Extraction(archive, staging, progress, password)
        extraction.run()
        if progress:
            progress(extraction.size, extraction.size)
        content = staging / strip if strip and (staging / strip).is_dir() else staging
        move_into(content, folder)
        shutil.rmtree(staging, ignore_errors=True)  # where it had no top folder it has become the folder itself
    except OSError as error:
        raise DataError(f"cannot unpack {archive} into {folder}: {error.strerror or error}") from None
    return extraction


def move_into(content: Path, folder: Path) -> None:
    """Give what is in one folder its place in another, on the same disk; all or nothing but for a crash in between.

    Raises:
        DataError: something is there already.
        OSError: the disk refuses.
    """
    if not folder.exists():
        content.rename(folder)
        return
    inside = sorted(os.listdir(content))
    there = [name for name in inside if os.path.lexists(folder / name) and not (content / name).is_file()]
    if there:
        raise DataError(f"{folder / there[0]} is there already; move it away and run the command again")
    for name in inside:
        (content / name).replace(folder / name)


def _archive_members(archive: Path, password: str = "") -> Iterator[ArchiveMember]:
    with open_regular(archive) as stream:
        if zipfile.is_zipfile(stream):
            stream.seek(0)
            yield from _zip_members(archive, stream, password)
        else:
            stream.seek(0)
            yield from _tar_members(archive, stream)


def _tar_members(archive: Path, stream: IO[bytes]) -> Iterator[ArchiveMember]:
    with tarfile.open(fileobj=stream, mode="r|*") as tar:
        while (entry := tar.next()) is not None:
            tar.members = []  # type: ignore[attr-defined]  # tarfile keeps every header it has read
            name = _plain_name(archive, entry.name)
            if entry.isdir() or _is_ignored(name):
                continue
            if not entry.isreg() or entry.issparse():
                kind = "sparse" if entry.issparse() else "a link" if entry.issym() or entry.islnk() else "a device"
                raise DataError(f"{shown(f'{archive.name}!{name}')}: must be a plain file, is {kind}; do not trust it")
            content = tar.extractfile(entry)
            assert content is not None  # it is a regular file
            yield ArchiveMember(name, entry.size, max(entry.mtime, 0), content)


def _zip_members(archive: Path, stream: IO[bytes], password: str) -> Iterator[ArchiveMember]:
    with zipfile.ZipFile(stream) as packed:
        for entry in packed.infolist():
            name = _plain_name(archive, entry.filename)
            if entry.is_dir() or _is_ignored(name):
                continue
            mode = entry.external_attr >> 16
            is_locked = entry.flag_bits & 1 and not password
            if (mode and stat.S_IFMT(mode) not in (0, stat.S_IFREG)) or is_locked:
                kind = "encrypted" if is_locked else "a link or device"
                raise DataError(f"{shown(f'{archive.name}!{name}')}: must be a plain file, is {kind}; do not trust it")
            try:
                opened = packed.open(entry, pwd=password.encode() or None)
            except RuntimeError as error:  # of zipfile: a wrong password, or a form of compression it has not
                raise DataError(
                    f"{shown(f'{archive.name}!{name}')}: cannot be unpacked: {error}; fetch it again"
                ) from None
            with opened as content:
                yield ArchiveMember(name, entry.file_size, calendar.timegm((*entry.date_time, 0, 0, 0)), content)


def _plain_name(archive: Path, name: str) -> str:
    """The name without ``./``, which must not lead out of the folder."""
    if is_outside(name):
        raise DataError(f"{shown(f'{archive.name}!{name}')}: its name leads out of the archive; do not trust it")
    return "/".join(part for part in name.replace("\\", "/").split("/") if part not in ("", "."))


def _is_ignored(name: str) -> bool:
    parts = name.split("/")
    return not name or any(part in _IGNORED or part.startswith("._") for part in parts)


def _is_same(target: Path, size: int) -> bool:
    try:
        status = os.lstat(target)
    except OSError:
        return False
    if not stat.S_ISREG(status.st_mode):
        raise DataError(f"{target} must be a file of ours, but is not; remove it")
    return status.st_size == size


def _compare(target: Path, packed: ArchiveMember) -> tuple[int, bytes]:
    """The number of bytes that an earlier command has written rightly, and the first piece that differs."""
    same = 0
    with target.open("rb") as written:
        while piece := packed.stream.read(_PIECE_BYTES):
            if written.read(len(piece)) != piece:
                return same, piece
            same += len(piece)
    return same, b""


def _read_beginning(target: Path, length: int) -> bytes:
    if not length:
        return b""
    with target.open("rb") as written:
        return written.read(length)

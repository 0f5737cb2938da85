"""Archives: what is inside a tar, and their safe unpacking into a folder."""

from __future__ import annotations

import calendar
import errno
import glob
import lzma
import math
import os
import re
import shutil
import stat
import struct
import tarfile
import zipfile
import zlib
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, field
from itertools import product
from pathlib import Path, PurePosixPath
from typing import IO, NamedTuple

from hardiness.core.errors import DataError
from hardiness.core.whole_files import whole_file
from hardiness.sources.files import Stamp, TarMember, open_regular, shown

MAX_MEMBERS, MAX_SHARDS = 20_000_000, 100_000
"""More files in a tar, and more shards in a pattern, than any data set has."""

PICTURES = frozenset(
    (".jpeg", ".jpg", ".jpe", ".jfif", ".png", ".bmp", ".webp", ".gif", ".tif", ".tiff", ".ppm", ".mp4")
)
"""Lower-case suffixes of what must be a file of its own in an archive: left out silently, it would be missing."""

_COMPRESSED = {
    rb"\x1f\x8b": ("gzip", "gunzip"),
    rb"BZh[1-9]1AY": ("bzip2", "bunzip2"),
    rb"\xfd7zXZ": ("xz", "unxz"),
    rb"\x28\xb5\x2f\xfd": ("zstd", "unzstd"),
    rb"PK\x03\x04": ("zip", "unzip"),
}


def members(archive: Path) -> tuple[TarMember, ...]:
    """The regular files of an uncompressed tar, in its order, without reading their contents.

    A hard link counts as the file that it links to; folders, and links and devices that are no pictures, are left out.

    Raises:
        DataError: it cannot be read, is compressed, is no tar or is truncated; a member's name leads out of the tar or
            comes twice; or a member is sparse, or a picture that is a link or device.
    """
    try:
        stamp = Stamp.from_status(archive.stat())
        with open_regular(archive) as stream:
            _refuse_compressed(archive, stream.read(8))
            stream.seek(0)
            with tarfile.open(fileobj=stream, mode="r:") as tar:
                found = tuple(_members(archive, tar, stamp))
                stream.seek(tar.offset)
                if not stream.read(1):  # a tar ends with blocks of zeros: cut between two members it would look whole
                    raise tarfile.ReadError("its end is missing")
                return found
    except tarfile.TarError as error:
        raise DataError(f"{archive} must be a whole tar, but is not ({error}); fetch it again") from None
    except OSError as error:
        raise DataError(f"{archive} cannot be read ({error.strerror or error})") from None
    except (
        ValueError,
        TypeError,
        OverflowError,
        RecursionError,
    ) as error:  # what tarfile lets through on damaged headers
        raise DataError(
            f"{archive} must be a whole tar, but is damaged ({shown(str(error))}); fetch it again"
        ) from None


def _refuse_compressed(archive: Path, start: bytes) -> None:
    for magic, (kind, command) in _COMPRESSED.items():
        if re.match(magic, start):
            raise DataError(
                f"{archive} must be an uncompressed tar, so that any file in it can be read at once, "
                f"but is {kind}-compressed; decompress it first ({command} {archive.name})"
            )


def _members(archive: Path, tar: tarfile.TarFile, stamp: Stamp) -> Iterator[TarMember]:
    found: dict[str, tuple[int, int]] = {}
    while (entry := tar.next()) is not None:
        tar.members = []  # type: ignore[attr-defined]  # tarfile keeps every header it has read
        name = entry.name.removeprefix("./")
        told = shown(f"{archive}!{entry.name}")
        if len(found) >= MAX_MEMBERS:
            raise DataError(f"{archive} must have at most {MAX_MEMBERS:,} members, has more; split it")
        if entry.isdir():
            continue
        if is_outside(entry.name):
            raise DataError(f"{told}: its name leads out of the archive; do not trust it")
        if entry.issparse():
            raise DataError(f"{told}: is a sparse member, which cannot be read in place; pack it without --sparse")
        if name in found:
            raise DataError(f"{told}: comes twice in the archive; pack it once")
        if entry.isreg():
            found[name] = entry.offset_data, entry.size
        elif entry.islnk() and entry.linkname.removeprefix("./") in found:
            found[name] = found[entry.linkname.removeprefix("./")]
        elif PurePosixPath(name).suffix.lower() in PICTURES:
            raise DataError(f"{told}: must be a file, is a link or a device; pack it with --dereference")
        else:
            continue
        yield TarMember(str(archive), *found[name], entry.name, stamp)


def is_outside(name: str) -> bool:
    """Whether a name in an archive would lie outside the folder that it is unpacked into."""
    parts = name.replace("\\", "/").split("/")
    return (
        not name or "\0" in name or name.startswith(("/", "\\")) or ".." in parts or bool(re.match("[A-Za-z]:", name))
    )


def expand(pattern: str) -> tuple[Path, ...]:
    """The files that a shell-like pattern names, sorted: braces (``{a,b}``, ``{000..012}``), then ``*``, ``?``, ``[]``.

    A name without wildcards is given back whether or not there is such a file.

    Raises:
        DataError: the braces stand for more than `MAX_SHARDS` names.
    """
    found: set[Path] = set()
    for name in _without_braces(pattern):
        found.update([Path(name)] if glob.escape(name) == name else map(Path, glob.glob(name)))
    return tuple(sorted(found))


def _without_braces(pattern: str) -> Iterator[str]:
    parts = re.split(r"\{([^{}]*)\}", pattern)
    choices = [_choices(part) if i % 2 else [part] for i, part in enumerate(parts)]
    count = math.prod(map(_count, choices))
    if count > MAX_SHARDS:
        raise DataError(f"{pattern} must stand for at most {MAX_SHARDS:,} shards, stands for {count:,}; name fewer")
    return ("".join(chosen) for chosen in product(*map(_names, choices)))


def _choices(inside: str) -> Sequence[str] | _Numbers:
    between = re.fullmatch(r"([0-9]{1,18})\.\.([0-9]{1,18})", inside)
    if between is None:
        return inside.split(",")
    first, last = between.groups()
    return _Numbers(range(int(first), int(last) + 1), len(first))


class _Numbers(NamedTuple):
    """The numbers of ``{000..012}``, not yet written out, and their width."""

    numbers: range
    width: int


def _count(choices: Sequence[str] | _Numbers) -> int:
    if isinstance(choices, _Numbers):
        return max(choices.numbers.stop - choices.numbers.start, 0)
    return len(choices)


def _names(choices: Sequence[str] | _Numbers) -> Sequence[str]:
    if isinstance(choices, _Numbers):
        return [str(number).zfill(choices.width) for number in choices.numbers]
    return choices


MAX_FILES = 5_000_000
MAX_FILE_BYTES = 2 << 30
MAX_GROWTH, SPARE_BYTES = 20, 1 << 30
"""Pictures hardly shrink when they are packed: an archive that grows more than this is a bomb."""

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
    """What has been unpacked so far.

    Attributes:
        archive: what is unpacked.
        folder: into what.
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
    _seen: dict[str, str] = field(default_factory=dict)

    def run(self) -> None:
        """Unpack everything; files that an interrupted command left are compared, and kept where they are the same.

        Raises:
            DataError: the archive cannot be read, is damaged, or holds what must not be unpacked.
        """
        try:
            limit = self.archive.stat().st_size * MAX_GROWTH + SPARE_BYTES
            for packed in _packed(self.archive, self.password):
                self._check(packed, limit)
                self._put(packed)
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
        told = shown(f"{self.archive.name}!{packed.name}")
        path = packed.name.casefold()
        if path in self._seen:
            other = shown(self._seen[path])
            reason = "comes twice" if other == shown(packed.name) else f"differs from {other} in case alone"
            raise DataError(f"{told}: {reason}; do not trust the archive")
        self._seen[path] = packed.name
        self.files += 1
        self.size += packed.size
        if self.files > MAX_FILES or packed.size > MAX_FILE_BYTES or self.size > limit:
            raise DataError(
                f"{told}: with it the archive would unpack to {self.files:,} files of {self.size / 1e9:,.1f} GB, more "
                "than an archive of pictures of its size can hold; do not trust it"
            )

    def _put(self, packed: ArchiveMember) -> None:
        target = self.folder / packed.name
        same, piece = _compared(target, packed) if _is_same(target, packed.size) else (0, b"")
        if same == packed.size and target.exists():
            return
        target.parent.mkdir(parents=True, exist_ok=True)
        remaining = packed.size - same - len(piece)
        with whole_file(target, target.with_name(f"{target.name}.part")) as part:
            with open(os.open(part, os.O_WRONLY | os.O_CREAT | os.O_TRUNC | os.O_NOFOLLOW, 0o644), "wb") as stream:
                stream.write(_beginning(target, same) + piece)
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


def _packed(archive: Path, password: str = "") -> Iterator[ArchiveMember]:
    with open_regular(archive) as stream:
        if zipfile.is_zipfile(stream):
            stream.seek(0)
            yield from _of_zip(archive, stream, password)
        else:
            stream.seek(0)
            yield from _of_tar(archive, stream)


def _of_tar(archive: Path, stream: IO[bytes]) -> Iterator[ArchiveMember]:
    with tarfile.open(fileobj=stream, mode="r|*") as tar:
        while (entry := tar.next()) is not None:
            tar.members = []  # type: ignore[attr-defined]  # tarfile keeps every header it has read
            name = _plain(archive, entry.name)
            if entry.isdir() or _is_ignored(name):
                continue
            if not entry.isreg() or entry.issparse():
                kind = "sparse" if entry.issparse() else "a link" if entry.issym() or entry.islnk() else "a device"
                raise DataError(f"{shown(f'{archive.name}!{name}')}: must be a plain file, is {kind}; do not trust it")
            content = tar.extractfile(entry)
            assert content is not None  # it is a regular file
            yield ArchiveMember(name, entry.size, max(entry.mtime, 0), content)


def _of_zip(archive: Path, stream: IO[bytes], password: str) -> Iterator[ArchiveMember]:
    with zipfile.ZipFile(stream) as found:
        for entry in found.infolist():
            name = _plain(archive, entry.filename)
            if entry.is_dir() or _is_ignored(name):
                continue
            mode = entry.external_attr >> 16
            is_locked = entry.flag_bits & 1 and not password
            if (mode and stat.S_IFMT(mode) not in (0, stat.S_IFREG)) or is_locked:
                kind = "encrypted" if is_locked else "a link or device"
                raise DataError(f"{shown(f'{archive.name}!{name}')}: must be a plain file, is {kind}; do not trust it")
            try:
                opened = found.open(entry, pwd=password.encode() or None)
            except RuntimeError as error:  # of zipfile: a wrong password, or a form of compression it has not
                raise DataError(
                    f"{shown(f'{archive.name}!{name}')}: cannot be unpacked: {error}; fetch it again"
                ) from None
            with opened as content:
                yield ArchiveMember(name, entry.file_size, calendar.timegm((*entry.date_time, 0, 0, 0)), content)


def _plain(archive: Path, name: str) -> str:
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


def _compared(target: Path, packed: ArchiveMember) -> tuple[int, bytes]:
    """How many bytes an earlier command has written rightly, and the first piece of the archive that differs."""
    same = 0
    with target.open("rb") as kept:
        while piece := packed.stream.read(_PIECE_BYTES):
            if kept.read(len(piece)) != piece:
                return same, piece
            same += len(piece)
    return same, b""


def _beginning(target: Path, length: int) -> bytes:
    if not length:
        return b""
    with target.open("rb") as kept:
        return kept.read(length)

"""Files that can be read many times and from any thread: a file on disk, or a member of a tar."""

from __future__ import annotations

import errno
import os
import stat
from dataclasses import dataclass
from pathlib import Path
from typing import IO, NamedTuple

from hardiness.core.errors import SampleError

MAX_BYTES = 256 << 20
"""The largest file that is read as one picture, video or list: ten times the largest that published sets hold."""

_FLAGS = os.O_RDONLY | getattr(os, "O_NONBLOCK", 0) | getattr(os, "O_CLOEXEC", 0) | getattr(os, "O_BINARY", 0)
_KINDS = {
    stat.S_IFDIR: "a folder",
    stat.S_IFIFO: "a FIFO",
    stat.S_IFSOCK: "a socket",
    stat.S_IFCHR: "a device",
    stat.S_IFBLK: "a device",
}


class Stamp(NamedTuple):
    """The signs of a file's version: bytes, time of change in nanoseconds, inode (0 where not recorded)."""

    size: int
    mtime_ns: int
    inode: int = 0

    @classmethod
    def from_status(cls, status: os.stat_result) -> Stamp:
        """The stamp in an answer of the operating system."""
        return cls(status.st_size, status.st_mtime_ns, status.st_ino)

    def fits(self, status: os.stat_result) -> bool:
        """Whether the file is still the one that was recorded."""
        return self.size == status.st_size and self.mtime_ns == status.st_mtime_ns and self.inode in (0, status.st_ino)


def shown(name: str) -> str:
    """A file name as one printable line: line breaks, escapes and bytes that are no UTF-8 as ``\\n``, ``\\x1b``."""
    if name.isprintable():
        return name
    return "".join(character if character.isprintable() else _written_out(character) for character in name)


def _written_out(character: str) -> str:
    """A character as Python writes it; a byte that is no UTF-8, which stands in names as half of a pair, as a byte."""
    byte = ord(character) - 0xDC00
    return f"\\x{byte:02x}" if 0x80 <= byte <= 0xFF else character.encode("unicode_escape").decode()


def read_regular(path: str | Path, limit: int = MAX_BYTES, stamp: Stamp | None = None) -> bytes:
    """All bytes of a regular file; FIFOs, devices, sockets and folders are not even opened.

    Args:
        path: the file; links are followed.
        limit: most bytes that it may have.
        stamp: of the file when it was listed; ``None`` to read whatever is there.

    Raises:
        OSError: it is not there, no regular file, too large, or no longer the one that was listed.
    """
    _refuse_special(os.stat(path))
    descriptor = os.open(path, _FLAGS)
    try:
        before = os.fstat(descriptor)
        _refuse_special(before)
        if before.st_size > limit:
            raise OSError(errno.EFBIG, f"has {before.st_size:,} bytes, at most {limit:,} are read")
        if stamp is not None and not stamp.fits(before):
            raise ChangedError
        content = _read(descriptor, before.st_size, limit)
        after = os.fstat(descriptor)
    finally:
        os.close(descriptor)
    if len(content) != before.st_size or not Stamp.from_status(before).fits(after):
        raise ChangedError
    return content


def open_regular(path: str | Path) -> IO[bytes]:
    """A regular file opened for reading in pieces; FIFOs, devices, sockets and folders are not even opened.

    Raises:
        OSError: it is not there, or no regular file.
    """
    _refuse_special(os.stat(path))
    stream = os.fdopen(os.open(path, _FLAGS), "rb")
    try:
        _refuse_special(os.fstat(stream.fileno()))
    except OSError:
        stream.close()
        raise
    return stream


class ChangedError(OSError):
    """A file is no longer the one that was listed."""

    def __init__(self) -> None:
        super().__init__(errno.ESTALE, "changed after the data were listed")


@dataclass(frozen=True, slots=True)
class DiskFile:
    """A file on disk.

    Attributes:
        path: where it is.
        stamp: of the file when it was listed; ``None`` where nobody looked.
    """

    path: str
    stamp: Stamp | None = None

    @property
    def name(self) -> str:
        """Its path, in one printable line."""
        return shown(self.path)

    def read(self) -> bytes:
        try:
            return read_regular(self.path, stamp=self.stamp)
        except ChangedError:
            raise changed(self.name) from None
        except (OSError, ValueError, MemoryError) as error:
            raise unreadable(self.name, error) from None

    def unchanged(self) -> bool:
        """Whether the file is still there and the one that was listed."""
        return is_unchanged(self.path, self.stamp)


@dataclass(frozen=True, slots=True)
class TarMember:
    """A file inside an uncompressed tar, read where it stands.

    Attributes:
        archive: the tar.
        offset: first byte of the content.
        size: bytes of the content.
        member: its name in the tar.
        stamp: of the tar when it was listed; ``None`` where nobody looked.
    """

    archive: str
    offset: int
    size: int
    member: str
    stamp: Stamp | None = None

    @property
    def name(self) -> str:
        """``archive!member``, in one printable line."""
        return shown(f"{self.archive}!{self.member}")

    def read(self) -> bytes:
        """All of its bytes; each read has a handle of its own, so any number of threads can read at once.

        Raises:
            SampleError: it cannot be read, or the archive has changed or ends before the member does.
        """
        if self.size > MAX_BYTES:
            raise SampleError(f"{self.name}: must have at most {MAX_BYTES:,} bytes, has {self.size:,}; remove it")
        try:
            _refuse_special(os.stat(self.archive))
            with open(self.archive, "rb", buffering=0) as stream:
                same = self.stamp is None or self.stamp.fits(os.fstat(stream.fileno()))
                content = os.pread(stream.fileno(), self.size, self.offset)
        except (OSError, ValueError, OverflowError, MemoryError) as error:
            raise unreadable(self.name, error) from None
        if len(content) != self.size:
            raise SampleError(
                f"{self.name}: must have {self.size} bytes, but the archive ends after {len(content)}; fetch it again"
            )
        if not same:
            raise changed(self.name)
        return content

    def unchanged(self) -> bool:
        """Whether the archive is still there and the one that was listed."""
        return is_unchanged(self.archive, self.stamp)


def is_unchanged(path: str, stamp: Stamp | None) -> bool:
    """Whether a file is still there and as its stamp says; any regular file is where there is no stamp."""
    try:
        status = os.stat(path)
    except (OSError, ValueError):
        return False
    return stat.S_ISREG(status.st_mode) if stamp is None else stamp.fits(status)


def changed(name: str) -> SampleError:
    """The error of a file that is another one than was listed."""
    return SampleError(f"{name}: changed after the data were listed; run the same command again")


def unreadable(name: str, error: BaseException) -> SampleError:
    """The error of a file that cannot be read."""
    if isinstance(error, MemoryError):
        return SampleError(f"{name}: does not fit into memory; free some, or remove the file")
    reason = getattr(error, "strerror", None) or str(error)
    return SampleError(f"{name}: cannot be read ({reason}); check that it exists and may be read")


def _refuse_special(status: os.stat_result) -> None:
    if not stat.S_ISREG(status.st_mode):
        kind = _KINDS.get(stat.S_IFMT(status.st_mode), "something else")
        raise OSError(errno.EINVAL, f"must be a regular file, is {kind}")


def _read(descriptor: int, size: int, limit: int) -> bytes:
    """The content of a file: by one call as a rule, by several where the system gives less than was asked for."""
    content = os.read(descriptor, size + 1)
    while 0 < len(content) <= min(size, limit) and (more := os.read(descriptor, size + 1 - len(content))):
        content += more
    return content

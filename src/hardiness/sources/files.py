"""Files that can be read many times and from any thread: a file on disk, or a member of a tar."""

from __future__ import annotations

import os
from dataclasses import dataclass
from pathlib import Path

from hardiness.core import SampleError


@dataclass(frozen=True, slots=True)
class DiskFile:
    """A file on disk."""

    path: str

    @property
    def name(self) -> str:
        """Its path."""
        return self.path

    def read(self) -> bytes:
        """All of its bytes.

        Raises:
            SampleError: it cannot be read.
        """
        try:
            return Path(self.path).read_bytes()
        except OSError as error:
            raise _unreadable(self.name, error) from None


@dataclass(frozen=True, slots=True)
class TarMember:
    """A file inside an uncompressed tar, read where it stands."""

    archive: str
    offset: int
    size: int
    member: str

    @property
    def name(self) -> str:
        """``archive!member``."""
        return f"{self.archive}!{self.member}"

    def read(self) -> bytes:
        """All of its bytes; each read has a handle of its own, so any number of threads can read at once.

        Raises:
            SampleError: it cannot be read, or the archive ends before the member does.
        """
        try:
            with open(self.archive, "rb", buffering=0) as stream:
                content = os.pread(stream.fileno(), self.size, self.offset)
        except OSError as error:
            raise _unreadable(self.name, error) from None
        if len(content) != self.size:
            raise SampleError(
                f"{self.name}: must have {self.size} bytes, but the archive ends after {len(content)}; fetch it again"
            )
        return content


def _unreadable(name: str, error: OSError) -> SampleError:
    return SampleError(f"{name}: cannot be read ({error.strerror or error}); check that it exists and may be read")

"""Files below one place, on a disk or in an object store; each write is whole or not at all."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Protocol

MAX_BYTES = 1 << 30
"""The largest file that is read whole: a thousand times what a unit's rows take."""

Stamp = tuple[int, str]
"""Size of a file in bytes, and what changes with its content: time of modification, or an object's ETag."""

KINDS = (".parquet", ".json")
"""Endings of the names of files: a folder of such a name stands in the place of one."""


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

    def list_files(self, folder: str, after: str = "") -> Mapping[str, Stamp]:
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
        """All bytes of each of several files, by path, read many at a time; raises what `read` raises."""
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
        """The stamp of one file; ``None`` where there is none."""
        ...

    def move(self, path: str, to: str) -> None:
        """Give a file another path; nothing where another process has taken it away."""
        ...

    def remove(self, path: str) -> None:
        """Take a file away, if it is there."""
        ...

    def remove_all(self, paths: Sequence[str]) -> None:
        """Take several files away, many at a time, where they are there."""
        ...

"""Locks between processes that say who holds them."""

from __future__ import annotations

import logging
import os
import platform
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import TYPE_CHECKING

from hardiness.sources.files import read_regular, shown

if TYPE_CHECKING:
    from filelock import FileLock

MOST_BYTES = 1000
"""The most bytes of the file that names the holder of a lock."""

FIRST_WAIT_S = 2.0
"""Seconds for which a lock is waited for without a word."""


class LockedError(Exception):
    """Somebody held a lock for longer than was to be waited; the message says who and how long."""


@contextmanager
def file_lock(lock: Path, what: str, wait_s: float, tell: Callable[[str], None] | None = None) -> Iterator[None]:
    """Hold a lock, with this process's id and host in ``<lock>-holder`` meanwhile.

    Args:
        lock: the lock file; it is opened, and emptied.
        what: what is locked, for messages.
        wait_s: how long to wait for it.
        tell: listener, after two seconds, who holds the lock; by default the log, which is standard error.

    Raises:
        LockedError: somebody holds it longer than that.
        OSError: it cannot be opened.
    """
    from filelock import FileLock  # what only reads takes no lock

    file = FileLock(lock)
    holder = lock.with_name(f"{lock.name}-holder")
    tell = tell or logging.getLogger("hardiness").warning
    if not _acquire(file, min(FIRST_WAIT_S, wait_s)):
        state = f"{what} is locked by {_read_holder(holder)}"
        if wait_s > FIRST_WAIT_S:
            tell(f"{state}; waiting for up to {wait_s:,g} s")
        if not _acquire(file, max(wait_s - FIRST_WAIT_S, 0)):
            raise LockedError(f"{state}, and was for {wait_s:,g} s; wait for its end, or end it, and run again")
    try:
        _sign(holder)
        yield
    finally:
        with suppress(OSError):
            holder.unlink(missing_ok=True)
        file.release()


def _acquire(lock: FileLock, wait_s: float) -> bool:
    """Acquire a lock; whether it could be had within so many seconds."""
    from filelock import Timeout

    try:
        lock.acquire(timeout=wait_s)
    except Timeout:
        return False
    return True


def _sign(holder: Path) -> None:
    """Write this process into the file that names the holder of a lock, where that can be written."""
    with suppress(OSError):
        holder.unlink(missing_ok=True)  # a link or FIFO that stands there is not written to
        with holder.open("x") as stream:
            stream.write(f"process {os.getpid()} on {platform.node()}")


def _read_holder(holder: Path) -> str:
    """The holder that the file beside a lock names, as one printable line."""
    try:
        return shown(read_regular(holder, MOST_BYTES).decode(errors="replace")) or "another process"
    except OSError:
        return "another process"

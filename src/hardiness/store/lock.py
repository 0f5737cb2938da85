"""One process at a time changes the shared files of a folder; who waits is told for whom."""

from __future__ import annotations

import logging
import os
import platform
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from pathlib import Path

from filelock import FileLock, Timeout

from hardiness.core import StoreError
from hardiness.store import atomic

FIRST_WAIT_S, WAIT_S = 2.0, 60.0
"""How long a lock is waited for without a word, and in all."""

LOCK, HOLDER = ".lock", ".lock-holder"


@contextmanager
def locked(folder: Path, tell: Callable[[str], None] | None = None, wait_s: float = WAIT_S) -> Iterator[None]:
    """Hold the folder's lock.

    Args:
        folder: an output folder on a disk.
        tell: hears, after two seconds, who holds the lock; by default the log, which is standard error.
        wait_s: how long to wait for it.

    Raises:
        StoreError: somebody holds it longer than that; the message says who. Or the folder cannot be written to.
    """
    lock, holder = FileLock(folder / LOCK), folder / HOLDER
    tell = tell or logging.getLogger("hardiness").warning
    with atomic.told(folder, "lock"):
        atomic.refuse_links(folder / LOCK, folder)  # opening it empties it
        if not _acquired(lock, min(FIRST_WAIT_S, wait_s)):
            held = f"{folder} is locked by {holder_of(holder)}"
            if wait_s > FIRST_WAIT_S:
                tell(f"{held}; waiting for up to {wait_s:g} s")
            if not _acquired(lock, max(wait_s - FIRST_WAIT_S, 0)):
                raise StoreError(f"{held}, and was for {wait_s:g} s; wait for its end, or end it, and run again")
    try:
        sign(holder)
        yield
    finally:
        lock.release()


def _acquired(lock: FileLock, wait_s: float) -> bool:
    try:
        lock.acquire(timeout=wait_s)
    except Timeout:
        return False
    return True


def sign(path: Path) -> None:
    """Write down that this process holds a lock, where that can be written."""
    with suppress(OSError):
        if not path.is_symlink():
            path.write_text(f"process {os.getpid()} on {platform.node()}")


def holder_of(path: Path) -> str:
    """Who wrote that they hold a lock."""
    try:
        return path.read_text()[:200] or "another process"
    except (OSError, ValueError):
        return "another process"

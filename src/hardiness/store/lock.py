"""One process at a time changes the shared files of a folder; who waits is told for whom."""

from __future__ import annotations

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


@contextmanager
def locked(folder: Path, tell: Callable[[str], None] | None = None, wait_s: float = WAIT_S) -> Iterator[None]:
    """Hold the folder's lock.

    Args:
        folder: an output folder on a disk.
        tell: hears, after two seconds, who holds the lock.
        wait_s: how long to wait for it.

    Raises:
        StoreError: somebody holds it longer than that; the message says who.
    """
    lock, holder = FileLock(folder / ".lock"), folder / ".lock-holder"
    with atomic.told(folder, "lock"):
        if not _acquired(lock, min(FIRST_WAIT_S, wait_s)):
            held = f"{folder} is locked by {_holder(holder)}"
            if tell and wait_s > FIRST_WAIT_S:
                tell(f"{held}; waiting for up to {wait_s:g} s")
            if not _acquired(lock, max(wait_s - FIRST_WAIT_S, 0)):
                raise StoreError(f"{held}, and was for {wait_s:g} s; wait for its end, or end it, and run again")
    try:
        with suppress(OSError):
            holder.write_text(f"process {os.getpid()} on {platform.node()}")
        yield
    finally:
        lock.release()


def _acquired(lock: FileLock, wait_s: float) -> bool:
    try:
        lock.acquire(timeout=wait_s)
    except Timeout:
        return False
    return True


def _holder(path: Path) -> str:
    """Who wrote that they hold the lock."""
    try:
        return path.read_text()[:200] or "another process"
    except (OSError, ValueError):
        return "another process"

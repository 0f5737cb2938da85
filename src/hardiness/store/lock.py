"""One process at a time writes to an output folder."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import ExitStack, contextmanager
from pathlib import Path

from hardiness.core.errors import StoreError
from hardiness.sources.locks import LockedError, file_lock
from hardiness.store.writing import file_errors, refuse_links

WAIT_S = 60.0
"""How long a folder's lock is waited for in all."""

LOCK, HOLDER = ".lock", ".lock-holder"


@contextmanager
def locked(folder: Path, tell: Callable[[str], None] | None = None, wait_s: float = WAIT_S) -> Iterator[None]:
    """Hold the folder's lock.

    Args:
        folder: an output folder on a disk, or a tree of pictures.
        tell: called after two seconds with a line on who holds the lock; by default the log, which is standard error.
        wait_s: how long to wait for it.

    Raises:
        StoreError: somebody holds it longer than that; the message says who. Or the folder cannot be written to.
    """
    with ExitStack() as stack:
        try:
            with file_errors(folder, "lock"):
                refuse_links(folder / LOCK, folder)  # opening it empties it
                stack.enter_context(file_lock(folder / LOCK, str(folder), wait_s, tell))
        except LockedError as error:
            raise StoreError(str(error)) from None
        yield

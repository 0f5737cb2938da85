"""Files that are whole or not there: written beside their place, then renamed."""

from __future__ import annotations

import os
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path


@contextmanager
def whole_file(path: Path, temporary: Path | None = None) -> Iterator[Path]:
    """The place where a file is to be written, from which it is moved to its own when the block ends.

    A reader of ``path`` sees the former file or all of the new one. Where the block raises, the former file stays, and
    what was written goes.

    Args:
        path: of the file; its folder must be there.
        temporary: the place, on the same file system; by default beside ``path``, another one for each thread.

    Raises:
        OSError: the file cannot be moved.
    """
    temporary = temporary or path.with_name(f"{path.name}.{os.getpid()}-{threading.get_ident()}.part")
    try:
        yield temporary
        temporary.replace(path)
    finally:
        temporary.unlink(missing_ok=True)

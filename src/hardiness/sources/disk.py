"""Room on the disk."""

from __future__ import annotations

import shutil
from pathlib import Path

from hardiness.core.errors import DataError

_SPARE_BYTES = 64 << 20


def refuse_full_disk(folder: Path, missing: int, what: str) -> None:
    """Raise where a folder has no room for so many bytes more.

    Raises:
        DataError: it has not; the message says how much there is.
    """
    free = shutil.disk_usage(folder).free
    if missing + _SPARE_BYTES > free:
        raise DataError(
            f"{what} needs {missing / 1e9:,.1f} GB in {folder}, and {free / 1e9:,.1f} GB are free; free some space, "
            "or choose another folder"
        )

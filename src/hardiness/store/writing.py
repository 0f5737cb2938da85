"""Files of a folder that are written whole or not at all, and JSON documents in them."""

from __future__ import annotations

import errno
import json
import os
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from hardiness.core.errors import StoreError
from hardiness.core.forms import json_form
from hardiness.core.whole_files import whole_file
from hardiness.sources.files import shown

PARTIAL = ".partial"
"""Folder for files being written; beside ``records/``, on the same file system, so that renaming is atomic."""


@contextmanager
def file_errors(path: Path, doing: str) -> Iterator[None]:
    """Turn an error of the operating system into a `StoreError` that names the file and says what to do.

    Raises:
        StoreError: disk full, no permission, or any other refusal.
    """
    try:
        yield
    except OSError as error:
        if error.errno in (errno.ENOSPC, errno.EDQUOT):
            advice = "the disk is full; free some space and run the same command again: finished shards are kept"
        elif error.errno in (errno.EACCES, errno.EPERM, errno.EROFS):
            advice = "permission denied; choose another folder or change its permissions"
        elif error.errno in (errno.ENOTDIR, errno.EEXIST):
            advice = "a file stands where a folder must be; choose another folder"
        else:
            advice = error.strerror or str(error)
        raise StoreError(f"cannot {doing} {path}: {advice}") from error


def write(path: Path, content: bytes, partial: Path) -> None:
    """Write ``content`` to ``path`` so that a reader sees the old file or the new one, never a part.

    Args:
        path: the file; its folder is made.
        content: all of its bytes.
        partial: folder for the temporary file, on the same file system.

    Raises:
        StoreError: disk full, no permission; the message says so and names the file.
    """
    temporary = partial / f"{os.getpid()}-{threading.get_ident()}-{path.name}"
    with file_errors(path, "write"):
        path.parent.mkdir(parents=True, exist_ok=True)
        partial.mkdir(parents=True, exist_ok=True)
        with whole_file(path, temporary):
            fill(temporary, content)


def fill(path: Path, content: bytes) -> None:
    """Put ``content`` into a new file and wait until it is on the disk; a link of that name is not followed."""
    path.unlink(missing_ok=True)
    with path.open("xb") as stream:
        stream.write(content)
        stream.flush()
        os.fsync(stream.fileno())


def refuse_links(path: Path, folder: Path) -> None:
    """Raise where the way from a folder to a path below it leads through a link.

    Raises:
        StoreError: naming the link.
    """
    for step in (path, *path.parents):
        if step == folder:
            return
        if step.is_symlink():
            raise StoreError(f"{step} must not be a link, since what it leads to would be changed; remove it")


def as_json(value: Any) -> bytes:
    """The bytes of a JSON document, indented, in the order given; dataclasses have their `json_form`."""
    return (json.dumps(value, indent=1, allow_nan=False, default=json_form) + "\n").encode()


def write_json(path: Path, value: Any, partial: Path) -> None:
    """`write` of a JSON document, indented, in the order given.

    Raises:
        StoreError: as `write`.
    """
    write(path, as_json(value), partial)


def read_json(path: Path) -> Any:
    """The value of a JSON document.

    Raises:
        StoreError: it cannot be read or is not JSON; the message names it.
    """
    with file_errors(path, "read"):
        content = path.read_bytes()
    return parse_json(content, str(path))


def parse_json(content: bytes, place: str) -> Any:
    """The value of a JSON document's bytes.

    Raises:
        StoreError: they are not JSON; the message names ``place``.
    """
    try:
        return json.loads(content)
    except (ValueError, RecursionError) as error:
        raise StoreError(
            f"{place} is not valid JSON ({shown(str(error))}); restore it, or delete it and run again"
        ) from error

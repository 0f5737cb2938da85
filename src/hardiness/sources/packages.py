"""Files inside installed distributions, found through their metadata: read in place, never imported, never copied."""

from __future__ import annotations

import hashlib
from importlib.metadata import PackageNotFoundError, distribution
from pathlib import Path

from hardiness.core import DataError


def locate(package: str, path: str, sha256: str = "") -> Path:
    """The absolute path of one file of an installed distribution.

    Args:
        package: distribution name as on PyPI, e.g. ``"ai-benchmark"``.
        path: the file's path in the distribution's own list of files.
        sha256: full hash that the bytes must have; empty skips the check.

    Raises:
        DataError: the distribution is not installed, does not list or hold the file, or holds other bytes.
    """
    try:
        found = distribution(package)
    except PackageNotFoundError:
        raise DataError(
            f"package {package!r} is not installed, and {path} comes from it; pip install 'hardiness[demo]'"
        ) from None
    file = Path(str(found.locate_file(path)))
    if not file.is_file():
        raise DataError(f"package {package} {found.version} has no file {path}; reinstall it")
    if sha256 and file_sha256(file) != sha256:
        raise DataError(
            f"{file} is not the published file: its sha256 must start with {sha256[:12]}; "
            f"reinstall package {package} (found version {found.version})"
        )
    return file


def file_sha256(file: Path) -> str:
    """Hexadecimal sha256 of a file's bytes, read in pieces."""
    with file.open("rb") as stream:
        return hashlib.file_digest(stream, "sha256").hexdigest()

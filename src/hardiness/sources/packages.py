"""Files inside installed Python packages, read in place and hash-checked; the cache folder."""

from __future__ import annotations

import hashlib
import json
import os
import re
from contextlib import suppress
from datetime import UTC, datetime
from importlib.metadata import PackageNotFoundError, distribution, requires
from pathlib import Path

import platformdirs

from hardiness.core.errors import DataError
from hardiness.core.whole_files import whole_file


def cache_folder() -> Path:
    """The folder of downloads: ``$HARDINESS_CACHE``, else the user's cache folder of this platform."""
    preset = os.environ.get("HARDINESS_CACHE")
    return Path(preset) if preset else Path(platformdirs.user_cache_dir("hardiness"))


def pinned(name: str) -> str:
    """The checksum that a file had when it was first fetched on this machine, as ``sha256:…``; else empty."""
    entry = _read_pins().get(name)
    checksum = entry.get("checksum") if isinstance(entry, dict) else None
    return checksum if isinstance(checksum, str) and checksum.startswith("sha256:") else ""


def pin(name: str, checksum: str, url: str) -> None:
    """Keep the checksum of a file that was fetched for the first time."""
    pins = _read_pins()
    pins[name] = {"checksum": checksum, "url": url, "seen": datetime.now(UTC).date().isoformat()}
    path = pins_file()
    with suppress(OSError):
        path.parent.mkdir(parents=True, exist_ok=True)
        with whole_file(path) as part:
            part.write_text(json.dumps(pins, indent=1, sort_keys=True) + "\n")


def pins_file() -> Path:
    """The file of the checksums that files had when they were first fetched."""
    return cache_folder() / "checksums.json"


def _read_pins() -> dict[str, object]:
    try:
        pins = json.loads(pins_file().read_text())
    except (OSError, ValueError, RecursionError):
        return {}
    return pins if isinstance(pins, dict) else {}


def installed_file(package: str, path: str, sha256: str = "") -> Path:
    """The absolute path of one file of an installed distribution.

    Args:
        package: distribution name as on PyPI, e.g. ``"ai-benchmark"``.
        path: the file's path in the distribution's own list of files.
        sha256: full hash that the bytes must have; empty skips the check.

    Raises:
        DataError: the distribution is not installed, does not list or hold the file, or holds other bytes.
    """
    try:
        installed = distribution(package)
    except PackageNotFoundError:
        raise DataError(
            f"package {package!r} is not installed, and {path} comes from it; pip install {_bringing(package)}"
        ) from None
    file = Path(str(installed.locate_file(path)))
    if not file.is_file():
        raise DataError(f"package {package} {installed.version} has no file {path}; reinstall it")
    if sha256 and file_sha256(file) != sha256:
        raise DataError(
            f"{file} is not the published file: its sha256 must start with {sha256[:12]}; "
            f"reinstall package {package} (found version {installed.version})"
        )
    return file


def _bringing(package: str) -> str:
    """The words after ``pip install`` that bring a package: the smallest extra of ours that has it, else its name."""
    extras: dict[str, list[str]] = {}
    with suppress(PackageNotFoundError):
        for requirement in requires("hardiness") or ():
            if match := re.match(r"""([\w.-]+).*extra == ["']([\w-]+)["']""", requirement):
                extras.setdefault(match[2], []).append(match[1])
    sizes = {extra: len(packages) for extra, packages in extras.items() if package in packages}
    return f"'hardiness[{min(sizes, key=sizes.__getitem__)}]'" if sizes else package


def file_sha256(file: Path) -> str:
    """Hexadecimal sha256 of a file's bytes, read in pieces."""
    with file.open("rb") as stream:
        return hashlib.file_digest(stream, "sha256").hexdigest()

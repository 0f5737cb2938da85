"""Files in the cache of the hub's library, checked against the hashes that it publishes."""

from __future__ import annotations

import hashlib
import json
import os
import re
from contextlib import suppress
from pathlib import Path

from hardiness.core.codes import ModelNote
from hardiness.core.errors import DataError
from hardiness.core.fact import Fact
from hardiness.core.whole_files import whole_file
from hardiness.sources.files import open_regular, shown
from hardiness.sources.packages import cache_folder

_GIT_SHA1, _SHA256 = re.compile("[0-9a-f]{40}"), re.compile("[0-9a-f]{64}")

_CHECKED = "checked.json"


def hub_folder() -> Path:
    """The folder in which the hub's library keeps its downloads."""
    from huggingface_hub import constants

    return Path(constants.HF_HUB_CACHE)


def check_hub_files(repository: str, where: str) -> tuple[Fact, ...]:
    """A note on the check of the files of a model's repository in the hub's cache, and on those without a hash.

    Args:
        repository: ``ORG/NAME`` or ``ORG/NAME@REVISION``; of a folder nothing is checked.
        where: name of the model, for the message.

    Raises:
        DataError: a file is not what its name says.
    """
    if Path(repository).exists():
        return ()
    name, _, revision = repository.partition("@")
    folder = hub_folder() / f"models--{name.replace('/', '--')}"
    reference = folder / "refs" / (revision or "main")
    commit = reference.read_text("utf-8").strip() if reference.is_file() else revision
    checked, unchecked = check_snapshot(folder / "snapshots" / commit, where) if commit else (0, [])
    facts = {"source": repository, "checked": checked, "unchecked": tuple(unchecked), "cache": str(hub_folder())}
    return (Fact(ModelNote.WEIGHTS_CHECKED, facts),)


def check_snapshot(snapshot: Path, where: str) -> tuple[int, list[str]]:
    """The number of files of a repository's revision in the hub's cache that were checked, and the names of the others.

    Raises:
        DataError: a file is not what its name says.
    """
    checked, unchecked = 0, []
    for path in sorted(snapshot.rglob("*")):
        blob = path.resolve()
        if not blob.is_file():
            continue
        if path.is_symlink() and (_SHA256.fullmatch(blob.name) or _GIT_SHA1.fullmatch(blob.name)):
            check_hash(blob, blob.name, f"{where}: {shown(path.name)}")
            checked += 1
        else:
            unchecked.append(shown(str(path.relative_to(snapshot))))
    return checked, unchecked


def check_hash(file: Path, published: str, where: str) -> None:
    """Raise a `DataError` unless the file has the hash: a SHA-256, its beginning, or Git's SHA-1 of a file."""
    try:
        stream = open_regular(file)
    except OSError as error:
        raise DataError(f"{where} cannot be read: {shown(str(file))}: {error.strerror}") from None
    with stream:
        status = os.fstat(stream.fileno())
        stamp = [published, status.st_size, status.st_mtime_ns, status.st_ctime_ns, status.st_ino]
        stamps = _read_stamps()
        if stamps.get(str(file)) == stamp:
            return
        is_git = _GIT_SHA1.fullmatch(published) is not None
        start = f"blob {status.st_size}\0".encode() if is_git else b""
        digest = hashlib.sha1(start, usedforsecurity=False) if is_git else hashlib.sha256()
        while piece := stream.read(1 << 20):
            digest.update(piece)
    if not digest.hexdigest().startswith(published):
        kind = "Git's SHA-1" if is_git else "SHA-256"
        raise DataError(
            f"{where} is not what was published: {shown(str(file))} must have the {kind} {published[:16]}, "
            f"has {digest.hexdigest()[:16]}; remove that file, and it is fetched again"
        )
    _write_stamps({**stamps, str(file): stamp})


def _read_stamps() -> dict[str, list[object]]:
    """Published hash, size, times and inode of the files that were checked, by path."""
    try:
        stamps = json.loads((cache_folder() / _CHECKED).read_bytes())
    except (OSError, ValueError):
        return {}
    return stamps if isinstance(stamps, dict) else {}


def _write_stamps(stamps: dict[str, list[object]]) -> None:
    """Keep the stamps of checked files for the next process, where the cache can be written to."""
    file = cache_folder() / _CHECKED
    with suppress(OSError):
        file.parent.mkdir(parents=True, exist_ok=True)
        with whole_file(file) as part:
            part.write_text(json.dumps(stamps), "utf-8")

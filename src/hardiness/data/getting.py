"""Published data sets, fetched and laid out below a data root."""

from __future__ import annotations

import json
import os
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, field
from pathlib import Path

from hardiness.core.errors import ArgumentError, DataError
from hardiness.core.whole_files import whole_file
from hardiness.reference.published_data import PublishedFile, PublishedSet, published_set
from hardiness.sources.disk import refuse_full_disk
from hardiness.sources.downloads import WAIT_S, RemoteFile
from hardiness.sources.extraction import unpack
from hardiness.sources.files import read_regular
from hardiness.sources.packages import pin, pinned

ARCHIVES = "downloads"
"""The folder below a data root for fetched archives."""

FETCHED = ".fetched.json"
"""The file in a data set's folder that lists the archives which were unpacked there."""


@dataclass(frozen=True, slots=True)
class Manner:
    """The manner in which a data set is fetched.

    Attributes:
        keep_archive: leave the archives in ``downloads`` after unpacking.
        unpack: ``False`` leaves a tar as it came, in the data set's place, to be read where it lies.
        mirrors: addresses of folders that are asked first, each for ``<data set>/<file>``.
        progress: gives, for a description of what is done, what is told of its bytes.
        wait_s: how long to wait for another process that fetches the same file.
    """

    keep_archive: bool = False
    unpack: bool = True
    mirrors: tuple[str, ...] = ()
    progress: Callable[[str], Callable[[int, int | None], None]] = field(default=lambda _: lambda done, total: None)
    wait_s: float = WAIT_S


@dataclass(frozen=True, slots=True)
class ArchiveOutcome:
    """One archive that is in its place now.

    Attributes:
        folder: where its pictures are; the tar itself where it was not unpacked.
        file: what was fetched.
        files: how many files it held; 0 where it was not unpacked.
        checksum: what it had, as ``sha256:…``; empty where nothing was fetched.
        is_published: whether the checksum was published, or only seen before or now.
        was_there: whether all of it was there already.
    """

    folder: Path
    file: PublishedFile
    files: int = 0
    checksum: str = ""
    is_published: bool = True
    was_there: bool = False


def parse(argument: str) -> tuple[PublishedSet, tuple[PublishedFile, ...]]:
    """The data set and archives of ``NAME`` or ``NAME:part+part``.

    Raises:
        UnknownNameError: there is no such data set or part.
        ArgumentError: it cannot be fetched by a command; the message says how to get it.
    """
    name, colon, parts = argument.partition(":")
    published = published_set(name)
    if published.account:
        raise ArgumentError(f"{name} cannot be fetched without an account: {published.account}")
    if published.by_hand:
        raise ArgumentError(f"{name} lies at no address that can be fetched by a command: {published.by_hand}")
    if colon and not parts:
        raise ArgumentError(f"{argument}: must name parts after the colon, as in {name}:{published.files[0].part}")
    return published, published.chosen(tuple(parts.split("+")) if parts else ())


def get(name: PublishedSet, files: Sequence[PublishedFile], root: Path, manner: Manner) -> Iterator[ArchiveOutcome]:
    """Fetch archives of a data set and lay them out below a root, one after the other; finished ones are kept.

    Raises:
        DataError: one cannot be had, is not what was published, must not be unpacked, or there is no room for it.
    """
    missing = [file for file in files if not _is_there(root, name, file)]
    try:
        root.mkdir(parents=True, exist_ok=True)
    except OSError as error:
        raise DataError(f"--data {root} cannot be made ({error.strerror}); choose another folder") from None
    needed = sum(file.about_bytes or 0 for file in missing)
    largest = max((file.about_bytes or 0 for file in missing), default=0)
    refuse_full_disk(root, needed * (2 if manner.keep_archive else 1) + (largest if manner.unpack else 0), name.name)
    for file in files:
        folder = root / (file.folder or name.folder)
        yield _get(name, file, root, manner) if file in missing else ArchiveOutcome(folder, file, was_there=True)


def _get(name: PublishedSet, file: PublishedFile, root: Path, manner: Manner) -> ArchiveOutcome:
    folder = root / (file.folder or name.folder)
    key = f"{name.name}/{file.name}"
    expected = file.checksum or pinned(key)
    mirrors = tuple(f"{mirror.rstrip('/')}/{key}" for mirror in manner.mirrors)
    remote = RemoteFile(file.name, (*mirrors, *file.urls), expected, file.size)
    archives = root / ARCHIVES / name.name
    progress = manner.progress(f"{name.name} {file.part}".strip())
    fetched = remote.obtain(archives, progress, manner.wait_s)
    if not expected:
        pin(key, fetched.checksum, fetched.url)
    facts = (fetched.checksum, bool(file.checksum))
    if not manner.unpack:
        return ArchiveOutcome(_move_packed(name, file, fetched.path, root), file, 0, *facts)
    if fetched.path.suffix == ".npy":  # no archive
        folder.mkdir(parents=True, exist_ok=True)
        fetched.path.replace(folder / file.name)
        _write_fetched(folder, file, fetched.checksum, 1)
        _remove(fetched.path)
        return ArchiveOutcome(folder, file, 1, *facts)
    progress = manner.progress(f"unpacking {name.name} {file.part}".strip())
    extraction = unpack(fetched.path, folder, file.strip, progress, file.password)
    _write_fetched(folder, file, fetched.checksum, extraction.files)
    if not manner.keep_archive:
        _remove(fetched.path)
    return ArchiveOutcome(folder, file, extraction.files, *facts)


def _move_packed(name: PublishedSet, file: PublishedFile, archive: Path, root: Path) -> Path:
    """Move a tar to the place where it is read as it is: ``imagenet-a.tar``, ``imagenet-c/noise.tar``."""
    if archive.suffix != ".tar":
        raise DataError(f"{archive} is compressed, so it cannot be read where it lies; leave --no-unpack out")
    place = _packed_place(root, name, file)
    place.parent.mkdir(parents=True, exist_ok=True)
    archive.replace(place)
    _remove(archive)
    return place


def _packed_place(root: Path, name: PublishedSet, file: PublishedFile) -> Path:
    return root / name.folder / file.name if file.part else root / f"{name.folder}.tar"


def _remove(archive: Path) -> None:
    """Remove an archive with its lock, and the folders that are empty then."""
    for path in (archive, Path(f"{archive}.lock")):
        path.unlink(missing_ok=True)
    for folder in (archive.parent, archive.parent.parent):
        if not os.listdir(folder):
            folder.rmdir()


def _is_there(root: Path, name: PublishedSet, file: PublishedFile) -> bool:
    folder = root / (file.folder or name.folder)
    are_held = bool(file.holds) and all((folder / held).is_dir() for held in file.holds)
    return are_held or file.name in _read_fetched(folder) or _packed_place(root, name, file).is_file()


def _read_fetched(folder: Path) -> dict[str, object]:
    try:
        archives = json.loads(read_regular(folder / FETCHED, 1 << 20))
    except (OSError, ValueError, RecursionError):
        return {}
    return archives if isinstance(archives, dict) else {}


def _write_fetched(folder: Path, file: PublishedFile, checksum: str, count: int) -> None:
    content = {**_read_fetched(folder), file.name: {"checksum": checksum, "files": count}}
    with whole_file(folder / FETCHED) as part:
        part.write_text(json.dumps(content, indent=1, sort_keys=True) + "\n")

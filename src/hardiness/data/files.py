"""The files of a folder or a tar, and those that are passed over."""

from __future__ import annotations

import errno
import hashlib
import os
from collections import Counter
from collections.abc import Container, Iterable, Sequence
from contextlib import suppress
from dataclasses import dataclass, replace
from pathlib import Path
from typing import NamedTuple

from hardiness.core.benchmark import File
from hardiness.core.codes import DataRemark
from hardiness.core.errors import DataError
from hardiness.core.fact import Fact
from hardiness.sources.files import DiskFile, Stamp, TarMember, shown

IMAGE_SUFFIXES = frozenset((".jpeg", ".jpg", ".jpe", ".jfif", ".png", ".bmp", ".webp", ".gif", ".tif", ".tiff", ".ppm"))
"""Lower-case suffixes of the files that count as images; upper case is accepted too."""

COMPANIONS = frozenset(("manifest.json", "contact-sheet.png", "categories.csv"))
"""Files of ours beside the images of a data set."""

SHOWN_FOLDERS = 3
"""The most files or folders that a note names."""

MAX_WAYS = 1000
"""The most ways by which links may lead to one folder: thirty folders of two links each make 2^30 paths."""

_IGNORED_FOLDERS = frozenset(("__MACOSX", "@eaDir"))

PROGRAMS_FOLDERS = frozenset((".cache", ".git", ".ipynb_checkpoints", ".thumbnails", ".Trashes", ".Spotlight-V100"))
"""Hidden folders in which programs keep images of their own."""


def suffix_of(path: str) -> str:
    """The lower-case suffix of a file with the dot, or nothing."""
    name = path[path.rfind("/") + 1 :]
    dot = name.rfind(".")
    return name[dot:].lower() if dot > 0 else ""


class FileEntry(NamedTuple):
    """One file: its path below the tree's top (with ``/``), its size, its time (or offset), and its bytes."""

    path: str
    size: int
    stamp: int
    file: File

    @property
    def suffix(self) -> str:
        """The lower-case suffix with the dot, or nothing."""
        return suffix_of(self.path)


@dataclass(frozen=True)
class Tree:
    """All visible files of a folder or tar.

    Attributes:
        location: the folder or tar.
        entries: its files, sorted by path.
        folders: its top-level folders, sorted; empty ones are included where it is a folder.
        stamp: name, size and time of the tar; empty for a folder.
        visited: each folder that was listed, with its time of change before that, in nanoseconds; for a folder alone.
        hidden: its hidden top-level folders that hold an image and may be meant, sorted; for a folder alone.
    """

    location: str
    entries: tuple[FileEntry, ...]
    folders: tuple[str, ...]
    stamp: str = ""
    visited: tuple[tuple[str, int], ...] = ()
    hidden: tuple[str, ...] = ()

    def images(self) -> list[FileEntry]:
        """The files whose suffix is an image's."""
        return [entry for entry in self.entries if entry.suffix in IMAGE_SUFFIXES]

    def unused(self, used: Iterable[FileEntry]) -> list[str]:
        """Paths of the files that are not used, and, with a slash at the end, the top folders without one that is."""
        paths = {entry.path for entry in used}
        files = [entry.path for entry in self.entries if entry.path not in paths]
        filled = {path.partition("/")[0] for path in paths}
        return [
            *(path for path in files if path[path.rfind("/") + 1 :] not in COMPANIONS),
            *(f"{folder}/" for folder in self.folders if folder not in filled),
            *(f"{folder}/" for folder in self.hidden),
        ]

    def below(self, folder: str) -> Tree:
        """The tree below one of its top-level folders."""
        start = f"{folder}/"
        entries = tuple(
            entry._replace(path=entry.path.removeprefix(start))
            for entry in self.entries
            if entry.path.startswith(start)
        )
        return replace(self, entries=entries, folders=_top_folders(entries))


def of_folder(folder: Path, argument: str) -> Tree:
    """Everything below a folder; links to folders are followed, hidden files and folders left out.

    Raises:
        DataError: a folder cannot be read, or links lead to one folder by more than `MAX_WAYS` ways.
    """
    entries: list[FileEntry] = []
    visited: list[tuple[str, int]] = []
    ways: Counter[str] = Counter()
    real = os.path.realpath(folder)
    pending = [("", str(folder), real, frozenset(map(str, (real, *Path(real).parents))))]
    top: list[str] = []
    hidden: list[str] = []
    while pending:
        prefix, path, real, above = pending.pop()
        ways[real] += 1
        if ways[real] > MAX_WAYS:
            raise DataError(
                f"--data {argument}: links lead to {shown(real)} by more than {MAX_WAYS} ways; remove the links"
            )
        try:
            visited.append((prefix, os.stat(path).st_mtime_ns))
            with os.scandir(path) as listing:
                for inner in listing:
                    if is_hidden(inner.name):
                        if not prefix and _may_be_class(inner):
                            hidden.append(inner.name)
                        continue
                    if not _is_folder(inner):
                        entries.append(_entry(prefix, inner))
                        continue
                    target = os.path.realpath(inner.path) if inner.is_symlink() else os.path.join(real, inner.name)
                    if target not in above:  # a link to a folder above it would never end
                        pending.append((f"{prefix}{inner.name}/", inner.path, target, above | {target}))
                        if not prefix:
                            top.append(inner.name)
        except OSError as error:
            raise DataError(
                f"--data {argument}: {shown(error.filename or path)} cannot be read ({error.strerror}); "
                "check its permissions"
            ) from None
    return Tree(
        str(folder), tuple(sorted(entries)), tuple(sorted(top)), visited=tuple(visited), hidden=tuple(sorted(hidden))
    )


def _may_be_class(folder: os.DirEntry[str]) -> bool:
    """Whether a hidden entry is a folder with an image in it that no program makes for itself."""
    if folder.name in PROGRAMS_FOLDERS or folder.name in _IGNORED_FOLDERS:
        return False
    with suppress(OSError), os.scandir(folder.path) as inside:
        return any(suffix_of(each.name) in IMAGE_SUFFIXES for each in inside)
    return False


def of_tar(archive: Path, members: Iterable[TarMember]) -> Tree:
    """The files of an uncompressed tar."""
    entries = tuple(
        sorted(
            FileEntry(path, member.size, member.offset, member)
            for member in members
            if not any(map(is_hidden, (path := member.member.removeprefix("./")).split("/")))
        )
    )
    return Tree(str(archive), entries, _top_folders(entries), stamp_of(archive))


def refuse_folder_too_deep(argument: str, tree: Tree, classes: Container[str]) -> None:
    """Raise where class folders lie in one folder more than they must, as in ``val/val``.

    Args:
        argument: value of ``--data``, for the message.
        tree: whose top folders must be classes.
        classes: names of the classes.

    Raises:
        DataError: naming the folder that is to be given.
    """
    if any(folder in classes for folder in tree.folders):
        return
    for entry in tree.entries:
        first, _, below = entry.path.partition("/")
        inner, _, rest = below.partition("/")
        if rest and inner in classes:
            raise DataError(
                f"--data {argument}: {tree.location} must hold the class folders, but they lie in {first} in it; move "
                f"them up, or name {tree.location}/{first}"
            )


def passed_over(name: str, location: str, unused: Sequence[str], *, of_csv: bool = False) -> tuple[Fact, ...]:
    """The facts that files and folders are passed over which `Tree.unused` gives: one for each kind.

    Args:
        name: of the data set.
        location: where it is.
        unused: paths below it.
        of_csv: whether a csv names its images.
    """
    files = [path for path in unused if not path.endswith("/")]
    tops = [path.rstrip("/") for path in unused if path.endswith("/")]
    folders, hidden = ([top for top in tops if top.startswith(".") == is_dotted] for is_dotted in (False, True))
    reasons = (("no sample", files), ("no image", folders), ("hidden", hidden))
    facts = [not_of_set(name, location, reason, paths) for reason, paths in reasons if paths]
    if files:
        kinds = Counter(_kind(path, of_csv or "/" in path) for path in files).most_common()
        listed = tuple((count, suffix, place) for (suffix, place), count in kinds)
        facts[0] = replace(facts[0], arguments={**facts[0].arguments, "kinds": listed})
    return tuple(facts)


def not_of_set(name: str, location: str, reason: str, paths: Sequence[str]) -> Fact:
    """The fact that files or folders of a data set's place are not evaluated.

    Args:
        name: of the data set.
        location: where it is.
        reason: ``no sample`` (files), ``no image``, ``hidden`` or ``no part`` of the set (folders).
        paths: of which the first are named.
    """
    arguments = {"data": name, "location": location, "reason": reason, "count": len(paths)}
    return Fact(DataRemark.PASSED_OVER, arguments | {"examples": tuple(paths[:SHOWN_FOLDERS])})


def _kind(path: str, of_csv: bool) -> tuple[str, str]:
    """The suffix of a file, and of an image whether a csv does not name it or it is outside the folders."""
    suffix = suffix_of(path)
    return suffix, ("unnamed" if of_csv else "outside") if suffix in IMAGE_SUFFIXES else ""


def stamp_of(archive: Path) -> str:
    """Name, size and time of a file, as one text that changes with it."""
    status = archive.stat()
    return f"{archive.name}\0{status.st_size}\0{status.st_mtime_ns}"


def fingerprint(entries: Iterable[FileEntry], *also: str) -> str:
    """Hexadecimal sha256 over (path, size, time) of the entries in their order, and over further texts."""
    digest = hashlib.sha256()
    for text in also:
        digest.update(f"{text}\n".encode("utf-8", "surrogateescape"))
    lines = (f"{entry.path}\0{entry.size}\0{entry.stamp}\n" for entry in entries)
    digest.update("".join(lines).encode("utf-8", "surrogateescape"))
    return digest.hexdigest()


def _is_folder(entry: os.DirEntry[str]) -> bool:
    """Whether an entry is a folder, or a link to one; a link to itself is none."""
    try:
        return entry.is_dir()
    except OSError as error:
        if error.errno != errno.ELOOP:
            raise
        return False


def _entry(prefix: str, inner: os.DirEntry[str]) -> FileEntry:
    try:
        status = inner.stat()
    except OSError as error:
        if error.errno not in (errno.ENOENT, errno.ELOOP):
            raise
        status = inner.stat(follow_symlinks=False)  # a link that leads nowhere, or to itself: reading it will say so
    return FileEntry(
        prefix + inner.name, status.st_size, status.st_mtime_ns, DiskFile(inner.path, Stamp.from_status(status))
    )


def _top_folders(entries: Iterable[FileEntry]) -> tuple[str, ...]:
    return tuple(sorted({entry.path.split("/", 1)[0] for entry in entries if "/" in entry.path}))


def folders_in(folder: Path) -> list[str]:
    """Names of the folders in a folder, sorted, hidden ones left out."""
    return sorted(entry.name for entry in os.scandir(folder) if entry.is_dir() and entry.name[0] != ".")


def is_hidden(name: str) -> bool:
    """Whether a file or folder of that name is hidden, and passed over without a word."""
    return name.startswith(".") or name in _IGNORED_FOLDERS

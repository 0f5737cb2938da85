"""A data set looked through from its folders to its files."""

from __future__ import annotations

import os
from collections import Counter
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, field
from pathlib import Path, PurePosixPath

from hardiness.core import DataError, Stimulus
from hardiness.data.checking.classes import case_faults, expected, folder_faults, name_fault
from hardiness.data.checking.faults import KINDS, Fault
from hardiness.data.checking.files import FileChecks
from hardiness.data.place import Place
from hardiness.data.tree import (
    IMAGE_SUFFIXES,
    FileEntry,
    Tree,
    descended,
    of_folder,
    of_tar,
    passed_over,
    refuse_folder_too_deep,
)
from hardiness.data.written_tree import WrittenTree
from hardiness.reference import IMAGENET_C, IMAGENET_P, categories
from hardiness.reference.datasets import PublishedSet
from hardiness.sources import archives
from hardiness.sources.files import shown

CONTACT_SHEET = "contact-sheet.png"
_STIMULI = (1280, 1201, 1200)
"""All that were released, those of Orhan (2019), and those with a conflict."""

_VIDEOS = frozenset((".mp4",))


@dataclass(frozen=True)
class Checked:
    """What was looked at, and what is wrong.

    Attributes:
        name: of the data set.
        location: where it is.
        files: how many images or videos were looked at.
        faults: what is wrong, notes among them.
        remarks: what else lies in its folders and is no file of it, a line each.
    """

    name: str
    location: str
    files: int
    faults: tuple[Fault, ...]
    remarks: tuple[str, ...] = ()

    @property
    def wrong(self) -> tuple[Fault, ...]:
        """The faults without the notes."""
        return tuple(fault for fault in self.faults if not fault.is_note)


@dataclass(frozen=True)
class Depth:
    """How thoroughly to look.

    Attributes:
        pixels: decode every file, and compare it with the manifest of a written tree.
        workers: threads that decode.
        progress: told of the files that were looked at, and of how many there are where that is known.
    """

    pixels: bool = False
    workers: int = 1
    progress: Callable[[int, int | None], None] = field(default=lambda done, total: None)


def check(published: PublishedSet, place: Place, depth: Depth | None = None) -> Checked:
    """Everything that is wrong with a data set, sorted by kind and path.

    Args:
        published: what it must be.
        place: a folder, or an uncompressed tar.
        depth: how thoroughly to look.

    Raises:
        DataError: it is not there, or a folder cannot be listed.
    """
    depth = depth or Depth()
    root = Path(place.path)
    written = WrittenTree.read(root) if root.is_dir() else None
    checks = FileChecks(published, depth.pixels, _hashes(written))
    faults: list[Fault] = []
    unused: list[str] = []
    for where, tree, top in _trees(published, place):
        if known := expected(published):
            refuse_folder_too_deep(place.argument, tree, known)
        faults += _of_tree(published, where, tree, top)
        images = [entry for entry in tree.entries if _counts(published, entry)]
        unused += (where + path for path in tree.unused(images))
        begun = checks.read
        for fault in checks.faults(where, images, depth.workers):
            faults.append(fault)
            depth.progress(checks.read, None)
        depth.progress(checks.read, begun + len(images))
    if published.layout in ("corruption", "perturbation"):
        faults += _missing_conditions(published, root)
    order = list(KINDS)
    faults.sort(key=lambda fault: (order.index(fault.kind), fault.path))
    return Checked(
        published.name, place.path, checks.read, tuple(faults), passed_over(published.name, place.path, unused)
    )


def _trees(published: PublishedSet, place: Place) -> Iterator[tuple[str, Tree, Path | None]]:
    """The trees of class folders, each with what comes before its paths and, on disk, where it is."""
    path = Path(place.path)
    if path.is_file():
        tree = of_tar(path, archives.members(path))
        known = expected(published) or {}
        while len(tree.folders) == 1 and tree.folders[0] not in known and published.layout != "folders":
            tree = descended(tree, tree.folders[0])
        yield "", tree, None
        return
    if not path.is_dir():
        raise DataError(f"--data {place.argument}: must be a folder or an uncompressed tar, but {path} is not there")
    if published.layout not in ("corruption", "perturbation"):
        inner = path / "val"
        top = inner if published.name == "imagenet" and inner.is_dir() else path
        yield "", of_folder(top, place.argument), top
        return
    for first in _folders(path):
        names = [first] if published.layout == "perturbation" else [f"{first}/{x}" for x in _folders(path / first)]
        for name in names:
            yield f"{name}/", of_folder(path / name, place.argument), path / name


def _of_tree(published: PublishedSet, where: str, tree: Tree, top: Path | None) -> Iterator[Fault]:
    images = [entry for entry in tree.entries if _counts(published, entry)]
    counts = Counter(entry.path.split("/", 1)[0] for entry in images if "/" in entry.path)
    yield from folder_faults(published, where, tree.folders, counts, top)
    yield from case_faults(where, (entry.path for entry in images))
    if published.layout == "cue-conflict":
        yield from _stimuli(images)
        if len(images) not in _STIMULI:
            yield Fault(
                "count",
                published.name,
                f"has {len(images):,} stimuli, must have one of {', '.join(map(str, _STIMULI))}",
            )
        return
    if expected(published) is None:
        return
    for entry in images:
        if "/" not in entry.path:
            yield Fault("loose", shown(where + entry.path), "lies in no class folder")
        elif fault := name_fault(published, where, entry.path, top):
            yield fault
    if not published.per_class and len(images) != published.images and not where:
        yield Fault("count", where or published.name, f"has {len(images):,} images, must have {published.images:,}")


def _stimuli(images: Sequence[FileEntry]) -> Iterator[Fault]:
    known = categories.sixteen()
    for entry in images:
        path = PurePosixPath(entry.path)
        stimulus = Stimulus.parse(path.stem)
        if stimulus is None or stimulus.shape not in known or stimulus.texture not in known:
            yield Fault(
                "name", shown(entry.path), "must be <shape><number>-<texture><number>, as in cat7-elephant1.png"
            )
        elif path.parent.name in known and path.parent.name != stimulus.shape:
            yield Fault("mislabelled", shown(entry.path), f"its name says the shape {stimulus.shape}")


def _missing_conditions(published: PublishedSet, root: Path) -> Iterator[Fault]:
    """The conditions of the headline that have no folder, where the folder is one of folders."""
    if not root.is_dir() or any(root.glob("*.tar")):
        return
    if published.name == "imagenet-c":
        wanted = [f"{name}/{level}" for name in IMAGENET_C.members for level in IMAGENET_C.levels]
    elif published.name == "imagenet-p":
        wanted = list(IMAGENET_P.members)
    else:
        held = [name for file in published.files for name in file.holds]
        wanted = [f"{name}/{level}" for name in held for level in range(1, 6)]
    for name in wanted:
        if not (root / name).is_dir():
            yield Fault("missing-condition", name, "is not there; 'hardiness data get' fetches it")


def _counts(published: PublishedSet, entry: FileEntry) -> bool:
    if PurePosixPath(entry.path).name == CONTACT_SHEET:
        return False
    return entry.suffix in (_VIDEOS if published.frames else IMAGE_SUFFIXES)


def _folders(root: Path) -> list[str]:
    return sorted(entry.name for entry in os.scandir(root) if entry.is_dir() and entry.name[0] != ".")


def _hashes(written: WrittenTree | None) -> Callable[[str], str]:
    def of(path: str) -> str:
        parts = path.split("/")
        cell, below = "/".join(parts[:-2]), "/".join(parts[-2:])
        return written.files.get(cell, {}).get(below, "") if written else ""

    return of

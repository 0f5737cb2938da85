"""Data sets that hold every photograph once for each condition, in a tree of class folders a condition."""

from __future__ import annotations

import hashlib
import json
import os
from collections.abc import Callable, Iterable, Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path

from hardiness.core import Condition, DataError, DataSet, File, Item
from hardiness.data.place import Place
from hardiness.data.tree import Entry, fingerprint, of_folder
from hardiness.reference.classes import wnid_indices

RELEASED = 50_000
"""Photographs in each cell of the published sets: all of ImageNet's validation set."""

MANIFEST = "manifest.json"
"""What a tree of our own lists its files in; the published sets have none."""

TOLD_CELLS = 5
"""How many cells that lack photographs get a line of their own."""


@dataclass(frozen=True, slots=True)
class Celled:
    """One such data set.

    Attributes:
        name: what results carry.
        form: what it must hold, for messages.
        cells: from the names of its top folders to the folder and condition of each tree of class folders.
        suffixes: lower-case, with the dot, of the files that count.
        copies: from the data set's folder and a path below a condition's folder to the copies of that photograph.
    """

    name: str
    form: str
    cells: Callable[[Iterable[str]], Iterator[tuple[str, Condition]]]
    suffixes: frozenset[str]
    copies: Callable[[str, str], File]

    def read(self, place: Place) -> DataSet:
        """Every photograph that some cell holds; `DataSet.conditions` says which cells are there.

        Raises:
            DataError: there is no such folder or nothing in it, or a class folder is no wnid.
        """
        root = Path(place.path)
        if not root.is_dir():
            raise DataError(f"--data {place.argument}: must be a folder of {self.form} (extract its tars), but is none")
        digest = hashlib.sha256()
        paths: dict[str, str] = {}  # one string for the path that all cells share
        held: dict[str, int] = {}
        conditions: dict[str, Condition] = {}
        for folder, condition in self.cells(_top_folders(root)):
            files = self._files(root / folder, place)
            digest.update(f"{folder} {fingerprint(files)}\n".encode())
            for file in files:
                paths.setdefault(file.path, file.path)
            if files:
                held[folder], conditions[folder] = len(files), condition
        if not paths:
            raise DataError(f"--data {place.argument}: {root} must hold {self.form}, but none was found there")
        promised = _promised(root)
        paths.update({path: path for path in promised or ()})
        return DataSet(
            name=self.name,
            items=tuple(sorted(self._items(root, place, paths), key=lambda item: item.id)),
            num_classes=len(wnid_indices()),
            fingerprint=digest.hexdigest(),
            location=str(root),
            conditions=frozenset(conditions.values()),
            notes=tuple(_thin(root, held, len(paths))),
            released=RELEASED if promised is None else None,
        )

    def _files(self, folder: Path, place: Place) -> list[Entry]:
        if not folder.is_dir():
            return []
        return [entry for entry in of_folder(folder, place.argument).entries if entry.suffix in self.suffixes]

    def _items(self, root: Path, place: Place, paths: Iterable[str]) -> Iterator[Item]:
        known = wnid_indices()
        for path in paths:
            wnid = path.partition("/")[0]
            if wnid not in known:
                raise DataError(
                    f"--data {place.argument}: {path} in {root} must lie in a folder named by a wnid; move it"
                )
            yield Item(os.path.splitext(path)[0], known[wnid], self.copies(str(root), path))


def _top_folders(root: Path) -> list[str]:
    return sorted(entry.name for entry in os.scandir(root) if entry.is_dir() and entry.name[0] != ".")


def _promised(root: Path) -> set[str] | None:
    """Every photograph that the tree's manifest lists for some cell; ``None`` where it has no manifest.

    Raises:
        DataError: the file is no manifest of ours.
    """
    path = root / MANIFEST
    if not path.exists():
        return None
    try:
        files = json.loads(path.read_text())["files"]
        return {photograph for cell in files.values() for photograph in cell}
    except (ValueError, KeyError, TypeError, AttributeError):
        raise DataError(
            f"{path} must be the list of files that 'hardiness corrupt' or 'perturb' wrote, but is not; delete it to "
            "take the tree as it is"
        ) from None


def _thin(root: Path, held: Mapping[str, int], images: int) -> list[str]:
    """A line for each cell that lacks photographs which others have or the manifest lists, or one where many do."""
    thin = {cell: count for cell, count in held.items() if count < images}
    if len(thin) <= TOLD_CELLS:
        return [
            f"{root}/{cell} holds {count:,} of {images:,} images; the rest count as failed"
            for cell, count in thin.items()
        ]
    cell, fewest = min(thin.items(), key=lambda each: each[1])
    return [
        f"{len(thin)} folders of {root} hold fewer than {images:,} images (the fewest, {fewest:,}, {cell}); the rest "
        "count as failed"
    ]

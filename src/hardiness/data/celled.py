"""Data sets that hold every photograph once for each condition, in a tree of class folders a condition."""

from __future__ import annotations

import hashlib
import os
from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass
from pathlib import Path

from hardiness.core import Condition, DataError, DataSet, File, Item
from hardiness.data.classes import wnid_indices
from hardiness.data.place import Place
from hardiness.data.tree import Entry, fingerprint, of_folder


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
        return DataSet(
            name=self.name,
            items=tuple(sorted(self._items(root, place, paths), key=lambda item: item.id)),
            num_classes=len(wnid_indices()),
            fingerprint=digest.hexdigest(),
            location=str(root),
            conditions=frozenset(conditions.values()),
            notes=tuple(
                f"{root}/{folder} holds {count:,} of {len(paths):,} images; the rest count as failed"
                for folder, count in held.items()
                if count < len(paths)
            ),
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

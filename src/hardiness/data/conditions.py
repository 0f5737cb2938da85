"""Data sets with a copy of each photograph for each condition, in trees of images or of videos."""

from __future__ import annotations

import hashlib
import os
from collections.abc import Callable, Iterable, Iterator, Mapping
from dataclasses import dataclass, field
from functools import partial
from pathlib import Path
from typing import Protocol

from hardiness.core.benchmark import DataSet, File, Item
from hardiness.core.codes import DataRemark
from hardiness.core.condition import Condition
from hardiness.core.errors import DataError, SampleError
from hardiness.core.fact import Fact
from hardiness.data.cells import ArchiveCell, Cell, FolderCell
from hardiness.data.files import IMAGE_SUFFIXES, FileEntry, folders_in, passed_over
from hardiness.data.items import as_text
from hardiness.data.listing import Listing, Listings
from hardiness.data.root import Layout, Place
from hardiness.data.written_trees import WrittenTree
from hardiness.reference.classes import wnid_indices, wnids
from hardiness.sources import archives
from hardiness.sources.files import DiskFile, Stamp, shown
from hardiness.sources.shards import expand
from hardiness.sources.webdataset import is_shard, webdataset_samples


@dataclass(frozen=True, slots=True)
class CorruptedCopies:
    """The files of one photograph in a stored ImageNet-C.

    Attributes:
        root: the folder of corruptions, or the tars.
        path: ``<wnid>/<file>``, the same in each cell.
        cells: the copies of all photographs by ``<corruption>/<severity>``.
        clean: the photograph itself, where ``imagenet/val`` is there too.
        form: the folder of a cell.
    """

    root: str
    path: str
    cells: Mapping[str, Cell] = field(repr=False, compare=False)
    clean: File | None = None
    form: str = "{corruption}/{severity}"

    @property
    def name(self) -> str:
        """The photograph's name, or the pattern of the paths of its copies."""
        return self.clean.name if self.clean else shown(f"{self.root}/*/*/{self.path}")

    def read(self) -> bytes:
        """The bytes of the photograph itself.

        Raises:
            SampleError: it is not there or cannot be read.
        """
        if self.clean is None:
            raise SampleError(f"{shown(self.path)}: its uncorrupted photograph is not among imagenet/val")
        return self.clean.read()

    def cell(self, corruption: str, severity: int) -> File:
        """The copy of one cell; whether it is there shows when it is read."""
        return copy_of(self.root, self.path, self.cells, self.form.format(corruption=corruption, severity=severity))

    def under(self, condition: Condition) -> File | None:
        """The file that a condition is read from; ``None`` for a clean photograph that is not there."""
        return self.cell(condition["corruption"], condition["severity"]) if condition else self.clean


def copy_of(root: str, path: str, cells: Mapping[str, Cell], cell: str) -> File:
    """The copy of a photograph in one cell; one that is not there says so when it is read."""
    copy = cells[cell].file(path) if cell in cells else None
    return copy or DiskFile(f"{root}/{cell}/{path}")


@dataclass(frozen=True, slots=True)
class PerturbedCopies:
    """The videos of one photograph in a stored ImageNet-P.

    Attributes:
        root: the folder of perturbations, or the tars.
        path: ``<wnid>/<file>``, the same in each of them.
        cells: the videos of all photographs by folder of the perturbation.
    """

    root: str
    path: str
    cells: Mapping[str, Cell] = field(repr=False, compare=False)

    @property
    def name(self) -> str:
        """The pattern of the paths of its videos."""
        return shown(f"{self.root}/*/{self.path}")

    def read(self) -> bytes:
        """Raise an error: there is no photograph among the videos.

        Raises:
            SampleError: always.
        """
        raise SampleError(f"{self.name}: must be read as a video of one perturbation; there is no photograph")

    def video(self, folder: str) -> File:
        """The video in one folder of perturbations; whether it is there shows when it is read."""
        return copy_of(self.root, self.path, self.cells, folder)

    def under(self, condition: Condition) -> File | None:
        """The video of a condition."""
        return self.video("_".join(str(value) for value in condition.values()))


RELEASED = 50_000
"""Photographs in each cell of the published sets: all of ImageNet's validation set."""

NOTED_CELLS = 5
"""The most cells that lack photographs of which each gets a line of its own."""


class CopyMaker(Protocol):
    """A maker of the copies of one photograph under all conditions."""

    def __call__(self, root: str, path: str, cells: Mapping[str, Cell]) -> File:
        """The copies of ``<wnid>/<file>`` in all cells at the data set's place."""
        ...


@dataclass(frozen=True, slots=True)
class ConditionTrees:
    """A data set in trees, one for each condition.

    Attributes:
        name: what results carry.
        form: what it must hold, for messages.
        depth: how many folders deep the tree of a condition lies: 2 for ``fog/3``.
        condition: the condition of such a folder; ``None`` for one that is of no condition.
        suffixes: lower-case, with the dot, of the files that count.
        copies: makes the copies of one photograph.
        classes: gives the label of a photograph by the name of its class folder.
        folder_kind: what those names are, for messages.
        released: how many photographs a whole cell of the published set has; ``None`` where that is not known.
        categories: groups of classes that answers are judged by, where they are not judged by single classes.
    """

    name: str
    form: str
    depth: int
    condition: Callable[[str], Condition | None]
    suffixes: frozenset[str]
    copies: CopyMaker
    classes: Callable[[], Mapping[str, int]] = wnid_indices
    folder_kind: str = "a wnid"
    released: int | None = RELEASED
    categories: Callable[[], Mapping[str, tuple[int, ...]]] = dict

    def read(self, place: Place) -> DataSet:
        """Every photograph that some cell holds; `DataSet.conditions` says which cells are there.

        The place is a folder of cells, of tars, or of both; a tar; or a pattern of tars. Tars hold the same paths, with
        or without WebDataset labels beside them; a folder of one cell may hold WebDataset shards instead.

        Raises:
            DataError: there is nothing of the kind, or a class folder is no wnid.
        """
        all_cells = dict(sorted(self._cells(place).items()))
        cells = {name: cell for name, cell in all_cells.items() if len(cell.paths)}
        if not cells:
            raise DataError(f"--data {place.argument}: {place.path} must hold {self.form}, but none was found there")
        written = WrittenTree.read(Path(place.path)) if Path(place.path).is_dir() else None
        if written is not None:
            cells = {name: _with_hashes(name, cell, written) for name, cell in cells.items()}
        paths = set().union(*{id(cell.paths): cell.paths.texts for cell in cells.values()}.values())
        counts = {name: len(cell.paths) for name, cell in cells.items()}
        paths |= written.photographs if written else set()
        conditions = {name: condition for name in cells if (condition := self.condition(name))}
        return DataSet(
            name=self.name,
            items=tuple(sorted(self._items(place, paths, cells), key=lambda item: item.id)),
            num_classes=len(wnid_indices()),
            fingerprint=hashlib.sha256(os.fsencode("\n".join(sorted(paths)))).hexdigest(),
            location=place.location,
            conditions=frozenset(conditions.values()),
            notes=tuple(_thin(place.path, counts, len(paths))),
            remarks=passed_over(self.name, place.path, _unused(all_cells)),
            released=self.released if written is None else None,
            categories=self.categories(),
            fingerprints={condition: cells[name].fingerprint for name, condition in conditions.items()},
        )

    def _cells(self, place: Place) -> dict[str, Cell]:
        root, listings = Path(place.path), Listings()
        if not root.is_dir():
            files = (root,) if root.is_file() else expand(place.path)
            missing = next((file for file in files if not file.is_file()), None)
            if missing is not None or not files:
                raise DataError(
                    f"--data {place.argument}: must be a folder of {self.form}, or tars of it, but "
                    f"{missing or place.path} is not there"
                )
            return self._in_archives([("", file) for file in files], listings)
        folder_cells: dict[str, Cell] = {}
        packed = [("", file) for file in sorted(root.glob("*.tar"))]
        for name in self._folders(root):
            listing = listings.of_folder(root / name, place.argument, self.suffixes | {".tar"})
            shard_files = [root / name / path for path in listing.paths.texts if path.endswith(".tar")]
            if shard_files:
                packed += [(name, shard) for shard in shard_files]
            else:
                folder_cells[name] = FolderCell(f"{root}/{name}", listing)
        filled = {name: cell for name, cell in folder_cells.items() if len(cell.paths)}
        return {**folder_cells, **self._in_archives(packed, listings), **filled}

    def _folders(self, root: Path) -> Iterator[str]:
        """The folders below which the cells' class folders lie."""
        for top in folders_in(root):
            for name in [top] if self.depth == 1 else [f"{top}/{inner}" for inner in folders_in(root / top)]:
                if self.condition(name) is not None:
                    yield name

    def _in_archives(self, files: Iterable[tuple[str, Path]], listings: Listings) -> dict[str, Cell]:
        """The cells in tars; each tar comes with the cell that it is a shard of, or nothing where its paths say."""
        places: dict[str, dict[str, tuple[int, int]]] = {}
        tar_listings: list[Listing] = []
        names: list[tuple[str, Stamp]] = []
        for number, (cell, file) in enumerate(files):
            tar_listings.append(listings.of_archive(file, f"{self.name} {cell}", partial(self._packed, file, cell)))
            names.append((str(file), Stamp.from_status(file.stat())))
            for row, path in enumerate(tar_listings[-1].paths.texts):
                parts = path.split("/")
                copies = places.setdefault("/".join(parts[: self.depth]), {})
                below = "/".join(parts[self.depth :])
                if below in copies:
                    raise DataError(f"{shown(f'{file}!{path}')}: is also in {names[copies[below][0]][0]}; remove one")
                copies[below] = (number, row)
        return {
            cell: ArchiveCell(
                copies, tuple(tar_listings), tuple(names), listings.shared(os.fsencode("\0".join(sorted(copies))))
            )
            for cell, copies in places.items()
            if self.condition(cell) is not None
        }

    def _packed(self, file: Path, cell: str) -> Iterator[FileEntry]:
        """The copies in one tar, their paths beginning with the cell: ``fog/3/n01440764/a.JPEG``."""
        members = archives.members(file)
        kinds = frozenset(suffix[1:] for suffix in self.suffixes)
        labels: dict[str, int] = {}
        if is_shard(members, kinds):
            samples = webdataset_samples(members, kinds)
            labels = {sample.image.member: sample.label for sample in samples}
            members = tuple(sample.image for sample in samples)
        for member in members:
            name = member.member.removeprefix("./")
            if os.path.splitext(name)[1].lower() not in self.suffixes or any(
                p.startswith(".") for p in name.split("/")
            ):
                continue
            label = labels.get(member.member)
            if label is not None and not 0 <= label < len(wnids()):
                raise DataError(f"{member.name}: its label must be a class index from 0 to 999, was {label}")
            parts = name.split("/")
            wnid = parts[-2] if len(parts) > 1 and parts[-2] in wnid_indices() else None
            if label is not None and wnid is not None and wnids()[label] != wnid:
                raise DataError(f"{member.name}: its label is {label}, which is not {wnid}; correct one of them")
            if wnid is None and label is not None:
                wnid, parts = wnids()[label], [*parts[:-1], wnids()[label], parts[-1]]
            place = cell.split("/") if cell else parts[:-2][-self.depth :]
            yield FileEntry("/".join([*place, *parts[-2:]]), member.size, member.offset, member)

    def _items(self, place: Place, paths: Iterable[str], cells: Mapping[str, Cell]) -> Iterator[Item]:
        labels = self.classes()
        for path in paths:
            wnid = path.partition("/")[0]
            if wnid not in labels:
                raise DataError(
                    f"--data {place.argument}: {shown(path)} in {place.path} must lie in a folder named by "
                    f"{self.folder_kind}; move it"
                )
            yield Item(as_text(os.path.splitext(path)[0]), labels[wnid], self.copies(place.path, path, cells))


def _unused(cells: Mapping[str, Cell]) -> list[str]:
    return [
        f"{name}/{path}" for name, cell in cells.items() if isinstance(cell, FolderCell) for path in cell.listing.unused
    ]


def _with_hashes(name: str, cell: Cell, written: WrittenTree) -> Cell:
    if not isinstance(cell, FolderCell):
        return cell
    return FolderCell(cell.folder, cell.listing, written.hashes(name, cell.paths))


def _thin(root: str, counts: Mapping[str, int], images: int) -> list[Fact]:
    """A fact for each cell that lacks photographs which others have or the manifest lists, or one where many do."""
    thin = {cell: count for cell, count in counts.items() if count < images}
    cell, fewest = min(thin.items(), key=lambda item: item[1], default=("", 0))
    noted = thin.items() if len(thin) <= NOTED_CELLS else [(cell, fewest)]
    cells = 1 if len(thin) <= NOTED_CELLS else len(thin)
    return [
        Fact(
            DataRemark.FEW_IMAGES,
            {"location": root, "cell": cell, "images": count, "expected": images, "cells": cells},
        )
        for cell, count in noted
    ]


SEVERITIES = frozenset("123456789")


def corruption_tree(name: str) -> Layout:
    """The layout of a data set that is laid out as ImageNet-C, under its own name."""
    form = "<corruption>/<severity>/<wnid>/*"
    return Layout(f"{name}/{form}", ConditionTrees(name, form, 2, _condition, IMAGE_SUFFIXES, CorruptedCopies).read)


def _condition(folder: str) -> Condition | None:
    corruption, _, severity = folder.partition("/")
    return Condition(corruption=corruption, severity=int(severity)) if severity in SEVERITIES else None

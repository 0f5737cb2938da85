"""Data sets of labelled images: class folders, a csv, a tar, WebDataset shards or Parquet files."""

from __future__ import annotations

import difflib
import re
import sys
import unicodedata
from collections import Counter
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

from numpy.typing import NDArray

from hardiness.core.benchmark import DataSet, File
from hardiness.core.columns import ColumnSource
from hardiness.core.errors import DataError
from hardiness.core.fact import Fact
from hardiness.core.run import DataIdentity
from hardiness.data.columns import cells_of, columns_by_id, further_columns
from hardiness.data.embedded_photographs import NAME
from hardiness.data.files import FileEntry, Tree, fingerprint, passed_over, refuse_folder_too_deep, stamp_of
from hardiness.data.items import LabelledFile, items
from hardiness.data.label_files import MAX_CSV_BYTES, SEVERAL_LABELS, cells_beside_labels, label_of_several, read_labels
from hardiness.data.root import LAYOUTS, OWN, SPLITS, Place, Shards, Tables
from hardiness.reference.classes import wnids
from hardiness.sources.files import read_regular, shown
from hardiness.sources.packages import file_sha256
from hardiness.sources.tables import parquet_class_names, parquet_rows
from hardiness.sources.webdataset import webdataset_samples


@dataclass(frozen=True)
class _Beside:
    """The columns of samples beyond their labels, where they stand, and what to know of them."""

    values: Mapping[str, NDArray[Any]]
    source: ColumnSource
    remarks: tuple[Fact, ...] = ()


@dataclass(frozen=True, slots=True)
class PhotographSet:
    """A data set of labelled images.

    Attributes:
        name: what results carry.
        classes: gives the index among ImageNet's 1,000 classes by folder name.
        folder_kind: what those folder names are, for messages.
        subfolder: a folder that the class folders may lie in.
        own_classes: whether folders none of which is a class may be classes of their own.
    """

    name: str
    classes: Callable[[], Mapping[str, int]]
    folder_kind: str
    subfolder: str = ""
    own_classes: bool = False

    def read(self, place: Place) -> DataSet:
        """The data set at a place; labels are indices among ImageNet's 1,000 classes, or among the data's own.

        Raises:
            DataError: it is not there, empty, or laid out differently; the message says what to do.
        """
        if place.classes is not None and not self.own_classes:
            raise DataError(f"--data {place.argument}: {self.name} has ImageNet's classes; leave classes= out")
        opened = place.contents(self.subfolder)
        if isinstance(opened, Shards):
            return self._from_shards(place, opened)
        if isinstance(opened, Tables):
            return self._from_tables(place, opened)
        if place.labels is not None:
            return self._from_csv(place, opened)
        if place.classes not in (None, "folders") and not place.class_file:
            raise DataError(f"--data {place.argument}: classes={place.classes} needs a csv; add :labels=FILE.csv")
        return self._from_folders(place, opened)

    def indices(self, place: Place) -> Mapping[int, str]:
        """The class indices that stored labels may have, each with its name in ids."""
        if place.class_file is not None:
            return dict(enumerate(_class_names(place, place.class_file)))
        if place.class_count is not None:
            return {index: str(index) for index in range(place.class_count)}
        return {index: wnids()[index] for index in self.classes().values()}

    def index_form(self, place: Place) -> str:
        """The form that a stored label must have, for messages."""
        allowed = self.indices(place)
        if not allowed:
            how = f"if how many there are is said by classes=N, as in --data {place.argument}:classes=N"
            return f"the name of a class, or its index {how}"
        is_range = len(allowed) == max(allowed) + 1
        return (
            f"a class index from 0 to {max(allowed)}" if is_range else f"the class index of one of {self.folder_kind}"
        )

    def _from_folders(self, place: Place, tree: Tree) -> DataSet:
        published = self.classes()
        while len(tree.folders) == 1 and tree.stamp and tree.folders[0] not in published:
            tree = tree.below(tree.folders[0])  # tars often hold the folder that was packed
        if self.subfolder in tree.folders and tree.stamp:
            tree = tree.below(self.subfolder)
        if place.classes is None:
            refuse_folder_too_deep(place.argument, tree, published)
        images = [entry for entry in tree.images() if "/" in entry.path]
        if not images:
            raise DataError(
                f"--data {place.argument}: {tree.location} must hold {self._form()}, but {contents_text(tree)}"
            )
        is_own = place.classes is not None or (self.own_classes and not any(name in published for name in tree.folders))
        if is_own and place.classes is None and self.name in tree.folders:
            raise DataError(
                f"--data {place.argument}: must be {self.name} itself, but holds it as a folder; give "
                f"--data {place.path}"
            )
        if self.name == OWN and place.classes is None and tree.folders and SPLITS.issuperset(tree.folders):
            raise DataError(
                f"--data {place.argument}: holds {' and '.join(tree.folders)}, which are parts of a data set and no "
                "classes; name one of them"
            )
        if not is_own:
            self._refuse_unknown_folders(place, tree, published)
        outputs = _own_names(place, tree.folders, f"a folder of {tree.location}") if is_own else ()
        names = tuple(sorted(outputs)) or None
        classes = {name: index for index, name in enumerate(names)} if names else published
        samples = (_in_folder(entry, classes, is_own) for entry in images)
        digest = fingerprint(images, tree.stamp, *(names or ()))
        return self._dataset(place, samples, digest, names, tree.unused(images), outputs=outputs)

    def _refuse_unknown_folders(self, place: Place, tree: Tree, published: Mapping[str, int]) -> None:
        unknown = [name for name in tree.folders if name not in published]
        if unknown:
            close = difflib.get_close_matches(unknown[0], published, n=1, cutoff=0.8)
            hint = f"did you mean {close[0]}?" if close else "move it away"
            raise DataError(
                f"--data {place.argument}: every folder in {tree.location} must be one of {self.folder_kind}, "
                f"but {unknown[0]!r} is not{_and_others(len(unknown) - 1)}; {hint}"
            )

    def _from_csv(self, place: Place, tree: Tree) -> DataSet:
        assert place.labels is not None
        rows = read_labels(place.labels)
        files = {entry.path: entry for entry in tree.entries}
        if any(row.path not in files for row in rows):  # a Mac spells é in two characters
            spelling = {unicodedata.normalize("NFC", path): path for path in files}
            rows = [row._replace(path=spelling.get(unicodedata.normalize("NFC", row.path), row.path)) for row in rows]
        lost = next((row for row in rows if row.path not in files), None)
        if lost is not None:
            header = ", or let it read path,label if it is the header" if lost.where.endswith(":1") else ""
            raise DataError(
                f"{lost.where}: {shown(lost.path)} must be a file in {tree.location}, but is not; remove the "
                f"line{header}"
            )
        if several := label_of_several(row.label for row in rows):
            raise DataError(f"{place.labels}: a picture has the labels {shown(several)}: {SEVERAL_LABELS}")
        if self._has_names(place, (row.label for row in rows)):
            outputs = _own_names(place, (row.label for row in rows), f"a class of {place.labels}")
            groups: Mapping[int, str] = dict(enumerate(sorted(outputs)))
            numbers = {name: index for index, name in groups.items()}
            indices = [numbers[row.label] for row in rows]
        else:
            groups, outputs = self.indices(place), ()
            by_name = {name: index for index, name in groups.items()}
            form = self.index_form(place) + (" or a wnid" if place.classes is None and groups else "")
            indices = [by_name[row.label] if row.label in by_name else row.class_index(groups, form) for row in rows]
        samples = [
            _sample(groups[index], row.path, index, files[row.path].file)
            for row, index in zip(rows, indices, strict=True)
        ]
        names = tuple(groups.values()) if place.classes is not None or self.name == OWN else None
        labels = "".join(f"{row.path}\0{row.label}\n" for row in rows)
        used = [files[path] for path in sorted(row.path for row in rows)]
        digest = fingerprint(used, tree.stamp, labels, *(names or ()))
        cells, remarks = cells_beside_labels(place.labels)
        values = {name: cells_of(texts) for name, texts in cells.items()}
        source = ColumnSource(shown(place.labels.name), file_sha256(place.labels) if cells else "")
        beside = _Beside(values, source, tuple(remarks))
        return self._dataset(place, samples, digest, names, self._unlisted(place, tree, used), beside, outputs)

    def _has_names(self, place: Place, labels: Iterable[str]) -> bool:
        """Whether labels are names of classes, and not their indices."""
        if place.classes == "names":
            return True
        if place.class_count or (place.classes is None and self.name != OWN):
            return False
        return not all(label.isdecimal() for label in labels)

    def _unlisted(self, place: Place, tree: Tree, used: Sequence[FileEntry]) -> list[str]:
        """Files in a folder of one's own pictures that its csv does not name."""
        if self.name != OWN:
            return []
        itself = Path(str(place.labels)).resolve()
        unused = (path for path in tree.unused(used) if not path.endswith("/"))
        return [path for path in unused if Path(place.path, path).resolve() != itself]

    def _from_shards(self, place: Place, shards: Shards) -> DataSet:
        groups = self.indices(place)
        labelled = [
            (file.stem, sample)
            for file, members in zip(shards.files, shards.members, strict=True)
            for sample in webdataset_samples(members)
        ]
        if not labelled:
            raise DataError(f"--data {place.argument}: {shards.location} must hold images with labels, but holds none")
        are_unique = len({sample.key for _, sample in labelled}) == len(labelled)
        samples: list[LabelledFile] = []
        for shard, (key, image, label) in labelled:
            if label not in groups:
                raise DataError(f"{image.name}: its label must be {self.index_form(place)}, was {label}")
            path = key + image.member[image.member.rfind(".") :]
            samples.append(_sample(groups[label], path if are_unique else f"{shard}/{path}", label, image))
        names = tuple(groups.values()) if place.class_count or place.class_file else None
        entries = (
            FileEntry(file.member, file.size, file.offset, file) for members in shards.members for file in members
        )
        return self._dataset(place, samples, fingerprint(entries, *map(stamp_of, shards.files), *(names or ())), names)

    def _from_tables(self, place: Place, tables: Tables) -> DataSet:
        groups = self.indices(place)
        if self.name == OWN and not groups:
            groups = _groups_in_tables(place, tables)
        indices = {wnid: index for index, wnid in groups.items()}
        samples: list[LabelledFile] = []
        for file in tables.files:
            for row in parquet_rows(file):
                index = indices.get(row.label, int(row.label) if re.fullmatch("[0-9]{1,9}", row.label) else -1)
                if index not in groups:
                    raise DataError(
                        f"{row.image.name}: its label must be {self.index_form(place)} or a wnid, was "
                        f"{shown(row.label)!r}"
                    )
                path = row.name if len(tables.files) == 1 else f"{file.stem}/{row.name}"
                samples.append(_sample(groups[index], path, index, row.image))
        if not samples:
            raise DataError(
                f"--data {place.argument}: {tables.location} must hold pictures with labels, but holds none"
            )
        names = tuple(groups.values()) if place.class_count or place.class_file or self.name == OWN else None
        digest = fingerprint((), *map(stamp_of, tables.files), *(names or ()))
        return self._dataset(place, samples, digest, names, beside=_Beside(*further_columns(tables.files)))

    def _dataset(
        self,
        place: Place,
        samples: Iterable[LabelledFile],
        digest: str,
        names: tuple[str, ...] | None,
        unused: Sequence[str] = (),
        beside: _Beside | None = None,
        outputs: tuple[str, ...] = (),
    ) -> DataSet:
        """The data set of some samples; with classes of its own it has a name of its own.

        Args:
            place, digest, names, outputs: of the data set.
            samples: in any order.
            unused: files that are no samples.
            beside: the columns of the samples, in their order.
        """
        name = self.name if names is None else f"{DataIdentity.OWN}{Path(place.path).stem}"
        if self.name == OWN:
            path = Path(place.location)
            called = path.name if path.is_dir() else path.stem
            name = f"{DataIdentity.OWN}{called}" if called in LAYOUTS or called == NAME else called
        remarks = passed_over(name, place.path, unused, of_csv=place.labels is not None)
        files = list(samples)
        labelled = items(files)
        data = DataSet(name, labelled, len(names or wnids()), digest, place.location, names, outputs, remarks=remarks)
        if beside is None:
            return data
        ids = {id(item.file): item.id for item in labelled}
        columns = columns_by_id([ids[id(sample.file)] for sample in files], beside.values, beside.source)
        return replace(data, columns=columns, remarks=(*remarks, *beside.remarks))

    def _form(self) -> str:
        return f"a folder of images for each class{f' ({self.folder_kind})' if self.folder_kind else ''}"


def _own_names(place: Place, names: Iterable[str], what: str) -> tuple[str, ...]:
    """The classes in the order of the network's outputs: alphabetical, or that of the file that has them.

    Args:
        place: may name the file.
        names: those that there are.
        what: one of them is, for messages.

    Raises:
        DataError: one of them is not in the file.
    """
    present = sorted(set(names))
    for name in present:
        _refuse_undecoded(place, name, what)
    if place.class_file is None:
        return tuple(present)
    # A Mac spells é as e with an accent behind it: the file's names are taken as the folders spell them.
    spelling = {unicodedata.normalize("NFC", name): name for name in present}
    lines = _class_names(place, place.class_file)
    listed = tuple(spelling.get(unicodedata.normalize("NFC", line), line) for line in lines)
    if unknown := [name for name in present if name not in listed]:
        close = difflib.get_close_matches(unknown[0], listed, n=1, cutoff=0.6)
        hint = f"did you mean {close[0]}?" if close else "add it, or rename the folder"
        raise DataError(
            f"--data {place.argument}: {shown(unknown[0])} is {what} and no line of {place.class_file}"
            f"{_and_others(len(unknown) - 1)}; {hint}"
        )
    return listed


def _refuse_undecoded(place: Place, name: str, what: str) -> None:
    """Raise where the name of a class is no text, as ids, tables and pages need it to be.

    Raises:
        DataError: naming it, and how this Python reads names.
    """
    try:
        name.encode()
    except UnicodeEncodeError:
        encoding = sys.getfilesystemencoding()
        reads = "" if encoding == "utf-8" else f"this Python reads names as {encoding}: set PYTHONUTF8=1, or "
        raise DataError(
            f"--data {place.argument}: {shown(name)} is {what} and must be the name of a class in UTF-8; "
            f"{reads}rename it"
        ) from None


def _class_names(place: Place, file: Path) -> tuple[str, ...]:
    """The lines of a file: the name of a class each, in the order of the network's outputs.

    Raises:
        DataError: it cannot be read, holds fewer than two names, or one twice.
    """
    try:
        lines = read_regular(file, MAX_CSV_BYTES).decode("utf-8-sig").splitlines()
    except (OSError, UnicodeDecodeError) as error:
        raise DataError(f"--data {place.argument}: {file} must hold the name of a class a line: {error}") from None
    names = tuple(line.strip() for line in lines if line.strip())
    if len(names) < 2:
        raise DataError(f"{file}: must hold the name of a class a line, and two of them or more, holds {len(names)}")
    if twice := [name for name, count in Counter(names).items() if count > 1]:
        raise DataError(f"{file}: must hold the name of each class once, holds {shown(twice[0])} twice")
    return names


def _in_folder(entry: FileEntry, classes: Mapping[str, int], is_own: bool) -> LabelledFile:
    folder, _, path = entry.path.partition("/")
    index = classes[folder]
    return LabelledFile(folder if is_own else wnids()[index], path, index, entry.file)


def _groups_in_tables(place: Place, tables: Tables) -> Mapping[int, str]:
    """The classes of Parquet files by index: those that their features name, else the labels in alphabetical order."""
    if named := parquet_class_names(tables.files[0]):
        return dict(enumerate(named))
    labels = {row.label for file in tables.files for row in parquet_rows(file)}
    if several := next((label for label in labels if label.startswith("[")), ""):
        raise DataError(f"--data {place.argument}: a picture has the labels {shown(several)}: {SEVERAL_LABELS}")
    if labels and all(label.isdecimal() for label in labels):
        raise DataError(
            f"--data {place.argument}: its labels are numbers, so that the names of the classes are not known; add "
            ":classes=FILE with the name of a class a line, or :classes=N"
        )
    return dict(enumerate(sorted(labels)))


def _sample(group: str, path: str, label: int, file: File) -> LabelledFile:
    """A labelled file, named as in class folders, whether or not its path has the class too."""
    return LabelledFile(group, path.removeprefix(f"{group}/"), label, file)


def contents_text(tree: Tree) -> str:
    """The contents of a tree without a picture that could be used, as the end of a message."""
    if any("/" not in entry.path for entry in tree.images()):
        return "its images lie in no class folder; sort them, or name a csv of their classes with :labels=FILE.csv"
    if tree.folders:
        return f"there is no image in its {len(tree.folders)} folders ({', '.join(map(shown, tree.folders[:3]))} …)"
    return "it is empty" if not tree.entries else f"holds {len(tree.entries)} files and no folder"


def _and_others(count: int) -> str:
    return f" (nor are {count} others)" if count else ""

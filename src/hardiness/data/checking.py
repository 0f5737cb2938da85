"""Checks of a data set: every fault that can be seen without a model."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, field
from pathlib import Path, PurePosixPath

from hardiness.core.benchmark import Stimulus
from hardiness.core.columns import Columns
from hardiness.core.errors import DataError, SampleError
from hardiness.core.fact import Fact, error_of
from hardiness.data.column_descriptions import ColumnDescription, describe_columns
from hardiness.data.columns import with_tables
from hardiness.data.faults import IMAGENET_C, IMAGENET_P, KINDS, Fault
from hardiness.data.file_checks import FileChecks
from hardiness.data.files import (
    IMAGE_SUFFIXES,
    FileEntry,
    Tree,
    folders_in,
    of_folder,
    of_tar,
    passed_over,
    refuse_folder_too_deep,
)
from hardiness.data.folder_checks import case_faults, expected, folder_faults, name_fault
from hardiness.data.inventory import place_of
from hardiness.data.layouts.class_sets import part_and_label
from hardiness.data.root import LAYOUTS, OWN, Place, parse_place
from hardiness.data.written_trees import WrittenTree
from hardiness.reference.categories import sixteen
from hardiness.reference.class_sets import CLASS_SETS, ClassSet, class_set
from hardiness.reference.published_data import PublishedSet, datasets, published_set
from hardiness.sources import archives
from hardiness.sources.files import shown
from hardiness.sources.tables import parquet_files, parquet_rows

_UNREADABLE = "cannot be read, or has another number of pictures than there are labels; fetch it again"

OWN_SET = PublishedSet(OWN, "your own pictures in your own classes", "", "", "", OWN, "", "")
"""The stand-in for a person's own data set, of which nobody published anything."""

CONTACT_SHEET = "contact-sheet.png"

_STIMULI = (1280, 1201, 1200)
"""Numbers of stimuli: all that were released, those of Orhan (2019), and those with a conflict."""

_VIDEOS = frozenset((".mp4",))

UNKNOWN_SIZE = -1
"""The size of a picture in a table, until it is read."""


@dataclass(frozen=True)
class CheckReport:
    """The outcome of a check: what was looked at, and its faults.

    Attributes:
        name: of the data set.
        location: where it is.
        files: how many images or videos were looked at.
        sound: whether nothing is wrong.
        faults: what is wrong, notes among them.
        remarks: what else lies in its folders and is no file of it, and what to know of columns.
        columns: what its pictures have beyond their labels.
    """

    name: str
    location: str
    files: int
    sound: bool
    faults: tuple[Fault, ...]
    remarks: tuple[Fact, ...] = ()
    columns: tuple[ColumnDescription, ...] = ()

    @property
    def wrong(self) -> tuple[Fault, ...]:
        """The faults without the notes."""
        return tuple(fault for fault in self.faults if not fault.is_note)


@dataclass(frozen=True)
class Depth:
    """The thoroughness of a check.

    Attributes:
        pixels: decode every file, and compare it with the manifest of a written tree.
        workers: threads that decode.
        progress: told of the files that were looked at, and of how many there are where that is known.
        tables: what is given of the pictures beside the data.
        cluster: the column whose values are not shown.
    """

    pixels: bool = False
    workers: int = 1
    progress: Callable[[int, int | None], None] = field(default=lambda done, total: None)
    tables: Sequence[Columns] = ()
    cluster: str = ""


def places_to_check(names: Sequence[str], arguments: Sequence[str]) -> list[tuple[PublishedSet, Place]]:
    """The data sets of these names, or all that are there, each with its place.

    Args:
        names: of data sets; all if empty.
        arguments: data roots, or ``NAME=PATH`` for one data set.

    Raises:
        DataError: one of these names, or every one, is nowhere.
    """
    named: dict[str, Place] = {}
    roots: list[Path] = []
    for argument in arguments:
        name, place = parse_place(argument)
        if name is None:
            roots.append(Path(place.path))
        else:
            named[OWN if name == OWN else published_set(name).name] = place
    if OWN in names and OWN not in named and len(roots) == 1:
        named[OWN] = Place(str(roots[0]), str(roots[0]))
    places = []
    for name in names or [*datasets(), *([OWN] if OWN in named else [])]:
        if name == OWN and name not in named:
            raise DataError("data check own needs the folder of your pictures: --data own=FOLDER")
        published = OWN_SET if name == OWN else published_set(name)
        path = None if name in named else next((there for root in roots if (there := place_of(root, published))), None)
        if name in named or path is not None:
            places.append((published, named.get(name) or Place(str(path), str(path))))
        elif names:
            where = ", ".join(map(str, roots)) or ", ".join(named)
            raise DataError(f"{name} was not found under {where}; 'hardiness data list' says what is there")
    if not places:
        raise DataError(f"no data set was found under {', '.join(map(str, roots))}; give --data ROOT or NAME=PATH")
    return places


def check(published: PublishedSet, place: Place, depth: Depth | None = None) -> CheckReport:
    """The faults of a data set, sorted by kind and path.

    Args:
        published: what it must be.
        place: a folder, or an uncompressed tar.
        depth: how thoroughly to look.

    Raises:
        DataError: it is not there, or a folder cannot be listed.
    """
    depth = depth or Depth()
    if published.name == "imagenet" and (place.classes is not None or place.reading() == OWN):
        published = OWN_SET
    if published.layout == "arrays":
        return _check_arrays(published, place, depth)
    root = Path(place.path)
    written = WrittenTree.read(root) if root.is_dir() else None
    checks = FileChecks(published, depth.pixels, _hashes(written))
    faults: list[Fault] = []
    unused: list[str] = []
    for where, tree, top in _trees(published, place):
        if classes := expected(published):
            refuse_folder_too_deep(place.argument, tree, classes)
        faults += _tree_faults(published, where, tree, top)
        images = [entry for entry in tree.entries if _counts(published, entry)]
        unused += (where + path for path in tree.unused(images) if not _is_table_of_set(published, path))
        read_before = checks.read
        for fault in checks.faults(where, images, depth.workers):
            faults.append(fault)
            depth.progress(checks.read, None)
        depth.progress(checks.read, read_before + len(images))
    if published.layout in ("corruption", "perturbation"):
        faults += _missing_conditions(published, root)
    order = list(KINDS)
    if place.labels is not None:  # its csv says which class a picture is of, wherever it lies
        faults = [fault for fault in faults if fault.kind not in ("loose", "missing-class")]
    faults.sort(key=lambda fault: (order.index(fault.kind), fault.path))
    remarks = passed_over(published.name, place.path, unused)
    is_sound = all(fault.is_note for fault in faults)
    columns, about_columns = _columns(published, place, depth, is_sound)
    remarks = tuple(dict.fromkeys((*remarks, *about_columns)))
    return CheckReport(published.name, place.path, checks.read, is_sound, tuple(faults), remarks, columns)


def _check_arrays(published: PublishedSet, place: Place, depth: Depth) -> CheckReport:
    """The faults of a set of small pictures, as reading it tells them, and of each picture that is a file."""
    try:
        data = LAYOUTS.get(published.name).read(place)
    except DataError as error:
        return CheckReport(published.name, place.path, 0, False, (Fault("unreadable", published.name, str(error)),))
    faults = [Fault("unreadable", shown(str(note.arguments["file"])), _UNREADABLE) for note in data.notes]
    if len(data) != published.images:
        part = f"has {len(data):,} of {published.images:,} pictures: results on it are partial"
        faults.append(Fault("count", published.name, part, is_note=len(data) < published.images))
    if data.conditions is None:
        for number, item in enumerate(data.items, start=1):
            try:
                item.file.read()
            except SampleError as error:
                faults.append(Fault("wrong-size", shown(item.file.name), str(error)))
            depth.progress(number, len(data))
    else:
        corruptions = {condition["corruption"] for condition in data.conditions}
        faults += [
            Fault("missing-condition", name, "is not there; 'hardiness data get' fetches it")
            for name in IMAGENET_C.members
            if name not in corruptions
        ]
    is_sound = all(fault.is_note for fault in faults)
    return CheckReport(published.name, place.path, len(data), is_sound, tuple(faults), data.remarks)


def _columns(
    published: PublishedSet, place: Place, depth: Depth, is_sound: bool
) -> tuple[tuple[ColumnDescription, ...], tuple[Fact, ...]]:
    """The columns of the pictures of a set, and what to know of them; none where neither the data nor a table has any.

    Why data cannot be read is among the faults already, where they are not sound.
    """
    path = Path(place.path)
    if not (depth.tables or place.labels or (path.exists() and _tables(path, place.split))):
        return (), ()
    if published.name not in LAYOUTS:
        return (), ()
    try:
        data = LAYOUTS.get(published.name).read(place)
    except DataError as error:
        return (), (error_of(error),) if is_sound else ()
    data = with_tables(data, depth.tables)
    return describe_columns(data.columns, [item.id for item in data.items], depth.cluster), data.remarks


def _is_table_of_set(published: PublishedSet, path: str) -> bool:
    """Whether a file is the set's table of the level of each photograph."""
    return published.name in CLASS_SETS and path.rpartition("/")[2] == class_set(published.name).levels_table


def _trees(published: PublishedSet, place: Place) -> Iterator[tuple[str, Tree, Path | None]]:
    """The trees of class folders, each with what comes before its paths and, on disk, where it is."""
    path = Path(place.path)
    if tables := _tables(path, place.split):
        yield "", _tree_of_tables(published, place.path, tables), None
        return
    if path.is_file():
        tree = of_tar(path, archives.members(path))
        classes = expected(published) or {}
        while (
            len(tree.folders) == 1
            and tree.folders[0] not in classes
            and published.layout not in ("folders", "class-set")
        ):
            tree = tree.below(tree.folders[0])
        yield "", tree, None
        return
    if not path.is_dir():
        raise DataError(f"--data {place.argument}: must be a folder or an uncompressed tar, but {path} is not there")
    if published.layout not in ("corruption", "perturbation"):
        inner = path / "val"
        top = inner if published.name == "imagenet" and inner.is_dir() else path
        yield "", of_folder(top, place.argument), top
        return
    for first in folders_in(path):
        names = [first] if published.layout == "perturbation" else [f"{first}/{x}" for x in folders_in(path / first)]
        for name in names:
            yield f"{name}/", of_folder(path / name, place.argument), path / name


def _tables(path: Path, split: str | None) -> list[Path]:
    """The Parquet files at a place; none where it is no set of them."""
    if path.is_dir():
        return parquet_files(path, split)
    return [path] if path.suffix == ".parquet" and path.is_file() else []


def _tree_of_tables(published: PublishedSet, location: str, files: Sequence[Path]) -> Tree:
    """The pictures in Parquet files as they would lie in class folders, in the order of the files."""
    by_index = {str(index): folder for folder, index in (expected(published) or {}).items()}
    entries = []
    for file in files:
        for row in parquet_rows(file):
            folder = by_index.get(row.label, row.label)
            path = row.name if len(files) == 1 else f"{file.stem}/{row.name}"
            entries.append(FileEntry(f"{folder}/{path}", UNKNOWN_SIZE, 0, row.image))
    return Tree(location, tuple(entries), tuple(sorted({entry.path.partition("/")[0] for entry in entries})))


def _tree_faults(published: PublishedSet, where: str, tree: Tree, top: Path | None) -> Iterator[Fault]:
    images = [entry for entry in tree.entries if _counts(published, entry)]
    counts = Counter(entry.path.split("/", 1)[0] for entry in images if "/" in entry.path)
    yield from folder_faults(published, where, tree.folders, counts, top)
    yield from case_faults(where, (entry.path for entry in images))
    if published.layout == "cue-conflict":
        yield from _stimulus_faults(images)
        if len(images) not in _STIMULI:
            yield Fault(
                "count",
                published.name,
                f"has {len(images):,} stimuli, must have one of {', '.join(map(str, _STIMULI))}",
            )
        return
    if published.layout == "class-set" and published.images and len(images) < published.images:
        yield Fault("count", published.name, f"has {len(images):,} of {published.images:,} images; fetch the rest")
    if published.name in CLASS_SETS and class_set(published.name).labels:
        yield from _missing_parts(class_set(published.name), images)
    if published.layout == OWN:
        yield from (Fault("missing-class", shown(name), "has no image") for name in tree.folders if not counts[name])
        loose = (entry for entry in images if "/" not in entry.path)
        yield from (Fault("loose", shown(entry.path), "lies in no class folder") for entry in loose)
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


def _missing_parts(described: ClassSet, images: Sequence[FileEntry]) -> Iterator[Fault]:
    """The faults of conditions and labels of a set that have no image."""
    pairs = [pair for entry in images if (pair := part_and_label(described, entry))]
    parts, labels = ({pair[place] for pair in pairs} for place in (0, 1))
    yield from (Fault("missing-condition", p.folder, "has no image") for p in described.parts if p.folder not in parts)
    yield from (Fault("missing-class", label, "has no image") for label in described.labels if label not in labels)


def _stimulus_faults(images: Sequence[FileEntry]) -> Iterator[Fault]:
    categories = sixteen()
    for entry in images:
        path = PurePosixPath(entry.path)
        stimulus = Stimulus.parse(path.stem)
        if stimulus is None or stimulus.shape not in categories or stimulus.texture not in categories:
            yield Fault(
                "name", shown(entry.path), "must be <shape><number>-<texture><number>, as in cat7-elephant1.png"
            )
        elif path.parent.name in categories and path.parent.name != stimulus.shape:
            yield Fault("mislabelled", shown(entry.path), f"its name says the shape {stimulus.shape}")


def _missing_conditions(published: PublishedSet, root: Path) -> Iterator[Fault]:
    """The faults of conditions of the headline that have no folder, where the place is a folder of folders."""
    if not root.is_dir() or any(root.glob("*.tar")):
        return
    if published.name == "imagenet-c":
        cells = [f"{name}/{level}" for name in IMAGENET_C.members for level in IMAGENET_C.levels]
    elif published.name == "imagenet-p":
        cells = list(IMAGENET_P.members)
    else:
        names = [name for file in published.files for name in file.holds]
        cells = [f"{name}/{level}" for name in names for level in range(1, 6)]
    for name in cells:
        if not (root / name).is_dir():
            yield Fault("missing-condition", name, "is not there; 'hardiness data get' fetches it")


def _counts(published: PublishedSet, entry: FileEntry) -> bool:
    if PurePosixPath(entry.path).name == CONTACT_SHEET:
        return False
    return entry.suffix in (_VIDEOS if published.frames else IMAGE_SUFFIXES)


def _hashes(written: WrittenTree | None) -> Callable[[str], str]:
    def hash_of(path: str) -> str:
        parts = path.split("/")
        cell, below = "/".join(parts[:-2]), "/".join(parts[-2:])
        return written.files.get(cell, {}).get(below, "") if written else ""

    return hash_of

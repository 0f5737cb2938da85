"""Data sets by the ``--data`` arguments: in data roots, at a path, or in the package."""

from __future__ import annotations

import difflib
import os
import re
import threading
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass, field, replace
from pathlib import Path

from hardiness.core.benchmark import DataRoot, DataSet
from hardiness.core.errors import ArgumentError, DataError, suggestion
from hardiness.core.registry import Registry, instance_of
from hardiness.core.run import DataIdentity
from hardiness.data.embedded_photographs import NAME, embedded
from hardiness.data.files import IMAGE_SUFFIXES, Tree, is_hidden, of_folder, of_tar, suffix_of
from hardiness.data.label_files import read_labels
from hardiness.reference.classes import wnid_indices
from hardiness.sources import archives
from hardiness.sources.files import TarMember
from hardiness.sources.shards import expand
from hardiness.sources.tables import HUB, from_hub, parquet_class_names, parquet_files, parquet_rows
from hardiness.sources.webdataset import is_shard

MAX_CLASSES = 1_000_000
"""The most classes of a data set: more than any published classifier tells apart; each gets a name in memory."""

_OPTIONS = ("classes", "labels", "split")

_KINDS = ("folders", "names")
"""Origins of the names of one's own classes, unless a file has them."""

OWN = "own"
"""The data set of a person's own pictures and classes, whatever it is called."""

OUTSIDE = "outside"
"""Pictures of a person's own that show none of the classes; several folders may be named so."""

_DEFAULT = _EMBEDDED_AS = "imagenet"

_LOOKED_AT = 1000
"""The most files and folders below a folder that are looked at for a picture."""

SPLITS = frozenset(("train", "val", "valid", "validation", "test"))
"""Names of folders that are parts of a data set, and no classes."""


@dataclass(frozen=True, slots=True)
class Place:
    """The place from which a data set is read.

    Attributes:
        argument: what the person typed, for messages.
        path: folder, tar, a pattern of shards, or ``hf:ORG/NAME``.
        labels: csv with the class of each file, for a flat folder or tar.
        split: which split of Parquet files; ``None`` where there is one, or for the validation split.
        classes: ``None`` for ImageNet's classes; else the classes are the data's own: ``"folders"`` (its class
            folders), ``"names"`` (the csv's label column holds names), a number (its labels are indices below it), or
            a file with the name of a class a line, in the order of the network's outputs.
    """

    argument: str
    path: str
    labels: Path | None = None
    classes: str | None = None
    split: str | None = None

    def below(self, folder: str) -> Place:
        """A folder of this place."""
        return replace(self, path=str(Path(self.path, folder)))

    @property
    def location(self) -> str:
        """The path from any folder; an address as it is."""
        return _absolute_path(self.path)

    @property
    def class_count(self) -> int | None:
        """The number of classes where `classes` is one."""
        return int(self.classes) if self.classes and self.classes.isdecimal() else None

    @property
    def class_file(self) -> Path | None:
        """The file with the names of the classes, where `classes` is one."""
        return None if self.classes in (None, *_KINDS) or self.class_count else Path(str(self.classes))

    def contents(self, subfolder: str = "") -> Tree | Shards | Tables:
        """The files at the place; below the folder ``subfolder`` where a folder has one of that name.

        Raises:
            DataError: nothing is there, or it cannot be read.
        """
        if self.path.startswith(HUB):
            return self._tables(from_hub(self.path, self.split))
        try:
            path = Path(self.path)
            if path.suffix == ".parquet" and path.is_file():
                return Tables(self.path, (path,))
            if path.is_dir() and (tables := parquet_files(path, self.split)):
                return Tables(self.path, tuple(tables))
            if path.is_dir():
                below = path / subfolder
                return of_folder(below if below.is_dir() else path, self.argument)
            files = (path,) if path.is_file() else expand(self.path)
            special = next((file for file in files if file.exists() and not file.is_file() and not file.is_dir()), None)
            if special is not None:
                raise DataError(f"--data {self.argument}: {special} must be a file, but is a FIFO, socket or device")
            missing = next((file for file in files if not file.is_file()), None)
        except OSError as error:
            raise DataError(f"--data {self.argument}: {self.path} cannot be read ({error.strerror})") from None
        if missing is not None or not files:
            raise DataError(
                f"--data {self.argument}: must be a folder, a tar or shards, but {missing or self.path} does not exist"
                f"{_neighbours(path)}"
            )
        members = tuple(archives.members(file) for file in files)
        if len(files) > 1 or is_shard(members[0]):
            return Shards(self.path, files, members)
        return of_tar(files[0], members[0])

    def _tables(self, folder: Path) -> Tables:
        files = parquet_files(folder, self.split, anywhere=True)
        if not files:
            raise DataError(f"--data {self.argument}: {self.path} must hold Parquet files, but holds none")
        return Tables(self.path, tuple(files))

    def imagenet_argument(self, labels: str | None) -> str:
        """The value of ``--data`` by which a place is a root of data sets, or ImageNet's photographs."""
        is_root = not (labels or self.labels) and any(name in LAYOUTS for name in _folders(Path(self.path)))
        return self.argument if is_root else f"{_DEFAULT}={self.argument}" + (f":labels={labels}" if labels else "")

    def reading(self) -> str:
        """``"own"``, ``"both"`` where it may be ImageNet's too, or nothing."""
        if self.labels is not None:
            return (
                OWN if self.classes is not None else _reading_of_labels(row.label for row in read_labels(self.labels))
            )
        path = Path(self.path)
        try:
            tables = [path] if path.suffix == ".parquet" and path.is_file() else parquet_files(path, self.split)
            if tables:
                names = parquet_class_names(tables[0])
                return (
                    OWN if self.classes or names else _reading_of_labels(row.label for row in parquet_rows(tables[0]))
                )
            folders = [folder for folder in _folders(path) if _holds_a_picture(path / folder)]
        except OSError:
            return ""
        if not self.classes and folders and SPLITS.issuperset(folders):
            return ""
        published = [folder for folder in folders if folder in LAYOUTS and folder not in (OWN, OUTSIDE)]
        if len(folders) - len(published) < 2:
            return ""
        are_wnids = any(folder in wnid_indices() for folder in folders)
        return "both" if published or (are_wnids and not self.classes) else OWN


def absolute_arguments(arguments: Sequence[str], labels: str | None = None) -> tuple[str, ...]:
    """Values of ``--data`` that name in any folder what these name in this one.

    Args:
        arguments: values of ``--data``.
        labels: csv of the one flat folder among them, which then stands behind it.

    Raises:
        ArgumentError: an argument cannot be read.
    """
    absolute = []
    for argument in arguments:
        if argument == "embedded":
            absolute.append(argument)
            continue
        name, place = parse_place(argument)
        if labels is not None and name in (None, "imagenet") and place.labels is None:
            name, place = "imagenet", replace(place, labels=Path(labels))
        options = {
            "labels": place.labels and _absolute_path(str(place.labels)),
            "classes": _absolute_path(str(place.class_file)) if place.class_file else place.classes,
            "split": place.split,
        }
        suffix = "".join(f":{key}={value}" for key, value in options.items() if value is not None)
        absolute.append(f"{name}={place.location}{suffix}" if name else f"{place.location}{suffix}")
    return tuple(absolute)


def _absolute_path(path: str) -> str:
    is_address = not path or re.match(r"[a-z][a-z0-9+.-]+://|hf:", path)
    return path if is_address else os.path.abspath(path)


def parse_place(argument: str) -> tuple[str | None, Place]:
    """The name that an argument gives its data set (``None`` for a root) and the place.

    Forms: ``ROOT``, ``NAME=PATH`` and ``NAME=PATH:labels=FILE.csv:classes=folders|names|N|FILE:split=NAME``; a PATH may
    be ``hf:ORG/NAME``.

    Raises:
        ArgumentError: an option is unknown or has an impossible value.
    """
    if _is_there(argument):
        return None, Place(argument, argument)
    name, path = named.groups() if (named := re.fullmatch(r"([\w.+-]+)=(.*)", argument)) else (None, argument)
    if _is_there(path):
        return name, Place(argument, path)
    path, *options = re.split(r":(?=[a-z]+=)", path)
    if not path:
        raise ArgumentError(f"--data {argument or repr(argument)}: must be ROOT or NAME=PATH, but the path is missing")
    values = dict(option.split("=", 1) for option in options)
    for option in values:
        if option not in _OPTIONS:
            raise ArgumentError(f"--data {argument}: has no option {option!r}{suggestion(option, _OPTIONS)}")
    classes = values.get("classes")
    if classes is not None and classes not in _KINDS and not (_is_class_count(classes) or _is_there(classes)):
        raise ArgumentError(
            f"--data {argument}: classes must be 'folders', 'names' or a number from 2 to {MAX_CLASSES:,}, or a file "
            f"with the name of a class a line, was {classes[:40]!r}"
        )
    if classes == "folders" and "labels" in values:
        raise ArgumentError(f"--data {argument}: the classes come from folders or from a csv; leave one option out")
    labels = Path(values["labels"]) if "labels" in values else None
    return name, Place(argument, path, labels, classes, values.get("split"))


def _is_there(path: str) -> bool:
    try:
        return bool(path) and Path(path).exists()
    except OSError:  # longer than a name can be
        return False


def _is_class_count(text: str) -> bool:
    is_number = text.isascii() and text.isdecimal() and len(text) <= len(str(MAX_CLASSES))
    return is_number and 2 <= int(text) <= MAX_CLASSES


@dataclass(frozen=True, slots=True)
class Layout:
    """The form in which a data set lies on disk.

    Attributes:
        expected: its place below a data root and its form, for messages, e.g. ``"imagenet-a/<wnid>/*"``; the first
            part is the folder that is looked for.
        read: reads it from a place.
    """

    expected: str
    read: Callable[[Place], DataSet]

    @property
    def folder(self) -> str:
        """Its folder below a data root."""
        return self.expected.split("/", 1)[0]


LAYOUTS: Registry[Layout] = Registry("data set", "hardiness.data.layouts", "hardiness.datasets", instance_of(Layout))
"""Every data set by name."""


@dataclass(frozen=True, slots=True)
class Shards:
    """WebDataset shards: each file with its members."""

    location: str
    files: tuple[Path, ...]
    members: tuple[Sequence[TarMember], ...]


@dataclass(frozen=True, slots=True)
class Tables:
    """Parquet files: each with its pictures."""

    location: str
    files: tuple[Path, ...]


def _neighbours(path: Path) -> str:
    try:
        close = difflib.get_close_matches(path.name, os.listdir(path.parent), n=2)
    except OSError:
        return f"; nor does {path.parent}" if not path.parent.exists() else ""
    return f"; did you mean {' or '.join(str(path.parent / name) for name in close)}?" if close else "; check the path"


def locate(arguments: Sequence[str], labels: str | None = None, *, own_serve: bool = True) -> DataRoot:
    """The data sets that the arguments name; nothing is read yet.

    A person's own photographs stand for ImageNet's where these are not there: a benchmark that needs photographs with
    labels takes either.

    Args:
        arguments: values of ``--data``: ``ROOT``, ``NAME=PATH[:labels=FILE.csv][:classes=folders|names|N]``, or
            ``embedded``. A named data set comes before one in a root; roots are searched in their order. A folder of
            one's own classes needs no name; ``outside`` may be named for several folders.
        labels: csv of (path, class index or name), for the one flat folder that is named.
        own_serve: whether a folder without a name is looked into for a person's own classes.

    Raises:
        UnknownNameError: a NAME is no data set.
        ArgumentError: a data set is named twice, an option is unknown, or ``labels`` has no folder to go with.
    """
    if own_serve and (with_own := _with_own_named(arguments, labels)):
        arguments, labels = with_own, None
    named: dict[str, Place] = {}
    roots: list[Place] = []
    for argument in arguments:
        name, place = (_EMBEDDED_AS, Place(argument, "")) if argument == NAME else parse_place(argument)
        if name is None and place.labels is None and place.classes is None:
            roots.append(place)
            continue
        name = name or _DEFAULT
        LAYOUTS.get(name)
        name = outside_name(place) if name == OUTSIDE else name
        if name in named:
            raise ArgumentError(f"--data names {name} twice: {named[name].argument} and {argument}; leave one out")
        named[name] = place
    if labels is not None:
        _attach(Path(labels), named, roots)
    return _CommandDataRoot(named, tuple(roots))


def as_own(arguments: Sequence[str], labels: str | None = None, *, certain: bool = False) -> tuple[str, ...]:
    """The arguments with ``own=`` before the one that names a person's own pictures and classes; else nothing.

    Data sets that have other names may stand beside it. A folder is one of classes where at least two of its folders
    hold pictures and none has the name of a data set; a csv or Parquet files are, where their labels are names.

    Args:
        arguments: values of ``--data``.
        labels: csv of the one folder among them, which then stands behind it.
        certain: whether it was said that the classes are one's own, so that only their form is asked.

    Raises:
        ArgumentError: it may be that, or ImageNet's; the message has both commands. Or nothing is there.
    """
    named = [text for text in arguments if text != NAME and parse_place(text)[0] not in (None, OWN)]
    candidates = [text for text in arguments if text not in named]
    if len(candidates) != 1 or candidates[0] == NAME:
        return ()
    (argument,) = candidates
    name, place = parse_place(argument)
    if name is not None:
        return (f"{argument}:labels={labels}" if labels else argument, *named)
    own = f"{OWN}={argument}" + (f":labels={labels}" if labels and not place.labels else "")
    if certain:
        return (own, *named)
    if not any(sign in place.path for sign in "*?[{") and not os.path.exists(place.path):
        raise ArgumentError(f"--data {argument}: there is no such file or folder; check the path")
    reading = parse_place(own)[1].reading()
    if reading == "both":
        raise ArgumentError(
            f"--data {argument} can be read in two ways: with your own classes it is --suite {OWN} --data {own}, with "
            f"ImageNet's it is -b imagenet-val --data {place.imagenet_argument(labels)}; say which"
        )
    return (own, *named) if reading == OWN else ()


def _with_own_named(arguments: Sequence[str], labels: str | None) -> tuple[str, ...]:
    """The arguments with ``own=`` before the one folder of a person's own classes; nothing where there is none.

    A folder that may be ImageNet's too is left as it is.
    """
    parsed = [(argument, *parse_place(argument)) for argument in arguments if argument != NAME]
    if any(name in (OWN, _DEFAULT) for _, name, _ in parsed):
        return ()
    own: dict[str, str] = {}
    for argument, name, place in parsed:
        if name is None and place.classes is None and not _holds_data_sets(place):
            text = f"{OWN}={argument}" + (f":labels={labels}" if labels and not place.labels else "")
            if parse_place(text)[1].reading() == OWN:
                own[argument] = text
    return tuple(own.get(argument, argument) for argument in arguments) if len(own) == 1 else ()


def _holds_data_sets(place: Place) -> bool:
    """Whether a folder is a root of data sets."""
    try:
        inside = {name.removesuffix(".tar") for name in os.listdir(place.path)}
    except OSError:
        return False
    return any(LAYOUTS.get(name).folder in inside for name in LAYOUTS)


def outside_name(place: Place) -> str:
    """The name of one of the folders of pictures that show none of the classes."""
    return f"{OUTSIDE}-{Path(place.location).stem}"


def in_place_of_imagenet(data: DataSet) -> DataSet:
    """A person's own pictures under the name, and at the size, that they have where ImageNet's are asked for."""
    name = Path(data.location).stem if data.location else data.name.removeprefix(DataIdentity.OWN)
    return replace(data, name=f"{DataIdentity.OWN}{name}", side_px=0)


def _reading_of_labels(labels: Iterable[str]) -> str:
    different = set(labels)
    is_imagenets = all(label.isdecimal() for label in different) or not different.isdisjoint(wnid_indices())
    return "both" if is_imagenets else OWN


def _folders(path: Path) -> list[str]:
    if not path.is_dir():
        return []
    return sorted(inner.name for inner in os.scandir(path) if inner.is_dir() and not is_hidden(inner.name))


def _holds_a_picture(folder: Path) -> bool:
    count = 0
    for _, folders, names in os.walk(folder, followlinks=True):
        folders[:] = [inner for inner in folders if not is_hidden(inner)]
        if any(suffix_of(name) in IMAGE_SUFFIXES for name in names):
            return True
        count += len(folders) + len(names)
        if count > _LOOKED_AT:
            return False
    return False


def _attach(labels: Path, named: dict[str, Place], roots: list[Place]) -> None:
    """Give the csv to the data set it must belong to."""
    if _DEFAULT not in named and len(roots) == 1:
        named[_DEFAULT] = roots.pop()
    place = named.get(_DEFAULT)
    if place is None or not place.path or place.labels is not None:
        raise ArgumentError(f"--labels {labels}: needs the one folder it describes, as in --data {_DEFAULT}=FOLDER")
    named[_DEFAULT] = replace(place, labels=labels)


@dataclass(frozen=True)
class _CommandDataRoot:
    """The `core.DataRoot` of a command; each data set is read once."""

    named: dict[str, Place]
    roots: tuple[Place, ...]
    _read: dict[str, DataSet] = field(default_factory=dict)
    _reading: threading.Lock = field(default_factory=threading.Lock)

    def has(self, name: str) -> bool:
        return self._place(name) is not None or self.is_replaced_by_own(name)

    def is_replaced_by_own(self, name: str) -> bool:
        return name == _DEFAULT and OWN in self.named and self._place(name) is None

    def outside_sets(self) -> tuple[str, ...]:
        return tuple(name for name in self.named if name.startswith(f"{OUTSIDE}-"))

    def dataset(self, name: str) -> DataSet:
        if self.is_replaced_by_own(name):
            return in_place_of_imagenet(self.dataset(OWN))
        layout = LAYOUTS.get(OUTSIDE if name in self.outside_sets() else name)
        with self._reading:
            if name not in self._read:
                place = self._place(name)
                if place is None:
                    raise DataError(self._absent(name))
                self._read[name] = layout.read(place) if place.path else embedded()
            return self._read[name]

    def _place(self, name: str) -> Place | None:
        if name in self.named:
            return self.named[name]
        if name not in LAYOUTS:
            return None
        if name == OWN:  # it is called as the person calls it, and lies in no root
            return self.roots[0] if len(self.roots) == 1 and not self.named else None
        folder = LAYOUTS.get(name).folder
        for root in self.roots:
            if os.path.isdir(Path(root.path, folder)):
                return root.below(folder)
            if os.path.isfile(Path(root.path, f"{folder}.tar")):  # fetched, and left as it came
                return root.below(f"{folder}.tar")
        return None

    def _absent(self, name: str) -> str:
        layout = LAYOUTS.get(name)
        if name == OWN and len(self.roots) > 1:
            arguments = " and ".join(f"--data {place.argument}" for place in self.roots)
            return (
                f"{arguments} are folders of which one may hold your own pictures; say which, as in --data own=FOLDER"
            )
        if name == OWN and self.roots:
            return "your own pictures were not found: name their folder, as in --data own=FOLDER"
        if not self.roots:
            arguments = ", ".join(f"--data {place.argument}" for place in self.named.values()) or "no --data"
            return f"{name} was not found: {arguments} was given; name its folder with --data {name}=PATH"
        root = self.roots[0]
        expected = f"{name} was not found: --data {root.argument} must hold {layout.expected}"
        try:
            inside = sorted(inner for inner in os.listdir(root.path) if not inner.startswith("."))
        except OSError as error:
            return f"{expected}, but {_why_unlisted(error)}"
        return f"{expected}, but it holds {_listed(inside)}{_advice(name, layout.folder, root, inside)}"


def _why_unlisted(error: OSError) -> str:
    if isinstance(error, FileNotFoundError):
        return "there is no such folder; check the path"
    if isinstance(error, NotADirectoryError):
        return "it is a file; name what is in it, as in --data imagenet=FILE.tar"
    return f"it cannot be read ({error.strerror}); check its permissions"


def _listed(inside: list[str]) -> str:
    sets = [name for name in LAYOUTS if LAYOUTS.get(name).folder in inside]
    if sets:
        return f"{', '.join(sets)} alone"
    return f"{', '.join(inside[:4])}{' …' if len(inside) > 4 else ''}" if inside else "nothing"


def _advice(name: str, folder: str, root: Place, inside: list[str]) -> str:
    others = [inner for inner in inside if inner not in LAYOUTS]
    close = difflib.get_close_matches(folder, others, n=1, cutoff=0.8)
    if close:
        return f"; if that is {Path(root.path, close[0])}, give --data {name}={Path(root.path, close[0])}"
    if "val" in others or any(inner in wnid_indices() for inner in others):
        return f"; if that is {name} itself, give --data {name}={root.path}"
    own = f", or with --data {OWN}={root.path} if its folders are your own classes" * (root.reading() == "both")
    return f"; add the folder, or name another with --data {name}=PATH{own}"

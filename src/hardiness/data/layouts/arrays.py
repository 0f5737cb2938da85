"""Small pictures as arrays: pickled batches, ``.npy`` and ``.npz``, the same under corruptions, or class folders."""

from __future__ import annotations

import tarfile
import zipfile
import zlib
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass, field, replace
from functools import partial
from hashlib import sha256
from io import BytesIO
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from hardiness.core.benchmark import DataSet, File, Item
from hardiness.core.codes import DataRemark
from hardiness.core.condition import Condition
from hardiness.core.errors import DataError, SampleError
from hardiness.core.fact import Fact
from hardiness.data.conditions import CorruptedCopies
from hardiness.data.files import fingerprint, of_folder, passed_over
from hardiness.data.image_structure import END_BYTES, structure
from hardiness.data.items import LabelledFile, items
from hardiness.data.listing import Paths
from hardiness.data.root import LAYOUTS, Layout, Place
from hardiness.reference.sets import SEVERITIES
from hardiness.reference.small_pictures import SmallPictures, small_pictures
from hardiness.sources.numpy_pickles import load_arrays

Pictures = NDArray[np.uint8]

MOST_BYTES = 1 << 30
"""The largest pickled batch that is read."""

_UNREADABLE = (OSError, ValueError, EOFError, KeyError, zipfile.BadZipFile, tarfile.TarError, zlib.error)


@dataclass(frozen=True, eq=False, slots=True)
class ArrayPicture:
    """One picture of an array as a file, whose bytes are a PPM.

    Attributes:
        name: of the array with the place in it.
        pictures: ``uint8 (N, H, W, 3)``.
        at: its place.
    """

    name: str
    pictures: Pictures = field(repr=False)
    at: int

    def read(self) -> bytes:
        """The picture as a PPM file."""
        picture = self.pictures[self.at]
        header = b"P6 %d %d 255\n" % (picture.shape[1], picture.shape[0])
        return b"".join((header, picture.tobytes()))


@dataclass(frozen=True, slots=True)
class SizedFile:
    """A file whose picture must have the set's size and its colours.

    Attributes:
        file: the file.
        side_px: width and height.
    """

    file: File
    side_px: int

    @property
    def name(self) -> str:
        return self.file.name

    def read(self) -> bytes:
        """The bytes.

        Raises:
            SampleError: the picture has another size or no colours, or the file cannot be read.
        """
        content = self.file.read()
        described = structure(BytesIO(content), content[:END_BYTES], content[-END_BYTES:])
        side = self.side_px
        if described is not None and described.width and (described.width, described.height) != (side, side):
            raise SampleError(
                f"{self.name}: must be {side}x{side} pixels, was {described.width}x{described.height}; nothing is "
                "resized"
            )
        if described is not None and described.mode.startswith(("grey", "black")):
            raise SampleError(f"{self.name}: must be RGB, was {described.mode}; save it in colours if you mean it")
        return content


@dataclass(frozen=True, eq=False)
class ArrayCell:
    """The pictures of one severity in the array of a corruption.

    Attributes:
        source: the file of the array.
        pictures: those of all severities.
        first: the place of the first of this severity.
        paths: of all pictures of a severity; the stem of each ends with its place.
        fingerprint: by name, size and time of the file.
    """

    source: Path
    pictures: Pictures = field(repr=False)
    first: int
    paths: Paths = field(repr=False)
    fingerprint: str

    def file(self, path: str) -> ArrayPicture | None:
        """The copy of one picture."""
        at = self.first + int(path.rpartition("/")[2].partition(".")[0])
        return ArrayPicture(f"{self.source}[{at}]", self.pictures, at)


def _path(described: SmallPictures, label: int, at: int) -> str:
    return f"{described.classes[label]}/{at:05d}.ppm"


def _read(described: SmallPictures, place: Place) -> DataSet:
    """The test set at a place: an archive, a batch of it, ``.npz``, ``.npy``, a folder of one of these or of classes.

    Raises:
        DataError: nothing of the kind is there, or it is not as it must be; the message says what to do.
    """
    path = Path(place.path)
    if place.labels is not None or place.classes is not None:
        raise DataError(f"--data {place.argument}: {described.name} has classes of its own; leave the options out")
    file = _file_of_arrays(described, path)
    if file is None:
        return _read_folders(described, place)
    try:
        values, labels = _arrays(described, file)
    except _UNREADABLE as error:
        reason = error.args[0] if isinstance(error, KeyError) else error
        raise DataError(
            f"--data {place.argument}: {file} must be a whole file of arrays, but cannot be read ({reason}); fetch it "
            "again"
        ) from None
    pictures = _checked_pictures(described, values, str(file))
    if len(pictures) > described.images:
        raise DataError(
            f"{file} holds {len(pictures):,} pictures and {described.name} has {described.images:,}: name the set that "
            "these are of"
        )
    indices = _checked_labels(described, labels, len(pictures), str(file))
    samples = [
        Item(_path(described, label, at).removesuffix(".ppm"), label, ArrayPicture(f"{file}[{at}]", pictures, at))
        for at, label in enumerate(indices.tolist())
    ]
    digest = sha256(np.ascontiguousarray(pictures).tobytes() + indices.astype("<i8").tobytes()).hexdigest()
    return _dataset(described, place, samples, digest)


def _dataset(
    described: SmallPictures, place: Place, samples: Iterable[Item], digest: str, remarks: tuple[Fact, ...] = ()
) -> DataSet:
    return DataSet(
        name=described.name,
        items=tuple(sorted(samples, key=lambda item: item.id)),
        num_classes=len(described.classes),
        fingerprint=digest,
        location=place.location,
        class_names=described.classes,
        outputs=described.classes,
        remarks=remarks,
        released=described.images,
        side_px=described.side_px,
    )


def _file_of_arrays(described: SmallPictures, path: Path) -> Path | None:
    """The file that holds the arrays, at a path or below the folder there; ``None`` where that has class folders."""
    if path.is_file():
        return path
    if not path.is_dir():
        raise DataError(f"{path} is not there: {described.name} is {_form(described)}; check the path")
    endings = [f"{described.arrays}_data.npy"] if described.arrays else ["*.npz", "*_data.npy", "*.tar.gz"]
    patterns = [described.pickle, f"*/{described.pickle}"] if described.pickle else []
    matches = [file for pattern in (*patterns, *endings) for file in sorted(path.glob(pattern)) if file.is_file()]
    return matches[0] if matches else None


def _form(described: SmallPictures) -> str:
    archive = f"the archive with {described.pickle}, " if described.pickle else ""
    return f"{archive}NAME_data.npy beside NAME_labels.npy, an .npz with x and y, or folders named as its classes"


def _arrays(described: SmallPictures, file: Path) -> tuple[Any, Any]:
    """The pictures and the labels of a file, in whatever form they are."""
    if file.suffix == ".npz":
        with file.open("rb") as stream, np.load(stream, allow_pickle=False) as archive:
            return archive["x"], archive["y"]
    if file.suffix == ".npy":
        labels = file.with_name(file.name.replace("_data", "_labels"))
        if labels == file or not labels.is_file():
            raise DataError(f"{file} needs its labels beside it, as NAME_data.npy and NAME_labels.npy")
        return np.load(file, allow_pickle=False), np.load(labels, allow_pickle=False)
    if not described.pickle:
        raise DataError(f"{file} must be {_form(described)}")
    batch = load_arrays(BytesIO(_batch(described, file)), str(file))
    if not isinstance(batch, dict) or not isinstance(batch.get("data"), np.ndarray):
        raise DataError(f"{file} must be a pickled batch with data and {described.labels}; fetch it again")
    side = described.side_px
    return batch["data"].reshape(-1, 3, side, side).transpose(0, 2, 3, 1), batch[described.labels]


def _batch(described: SmallPictures, file: Path) -> bytes:
    """The pickled batch: a file itself, or the member of that name of an archive."""
    if ".tar" not in file.suffixes and file.suffix != ".tgz":
        return file.read_bytes()
    with tarfile.open(file) as archive:
        for member in archive:
            if member.isfile() and Path(member.name).name == described.pickle and member.size <= MOST_BYTES:
                stream = archive.extractfile(member)
                assert stream is not None, "a regular file has content"
                return stream.read()
    raise KeyError(f"{described.pickle} is not in the archive")


def _checked_pictures(described: SmallPictures, values: Any, name: str) -> Pictures:
    """The pictures as they must be.

    Raises:
        DataError: they are not; the message says what they are and what to do.
    """
    side = described.side_px
    must = f"{name}: pictures of {described.name} must be uint8 (N, {side}, {side}, 3)"
    array = np.asarray(values)
    if array.dtype.kind == "f":
        top = float(array.max(initial=0.0))
        how = "(255 * x).round()" if top <= 1 else "x.round()"
        raise DataError(f"{must}, were {array.dtype} up to {top:g}; convert them with {how}.astype('uint8')")
    if array.dtype != np.uint8 or array.shape[1:] != (side, side, 3):
        hint = ""
        if array.shape[1:] in ((side, side), (side, side, 1)):
            hint = "; grey pictures are of another set: repeat the channel three times if you mean them"
        elif array.shape[1:] == (3, side, side):
            hint = "; put the channels last with x.transpose(0, 2, 3, 1)"
        raise DataError(f"{must}, were {array.dtype} {array.shape}{hint}")
    if not len(array):
        raise DataError(f"{must}, were none")
    return array


def _checked_labels(described: SmallPictures, values: Any, count: int, name: str) -> NDArray[np.int64]:
    """The labels as they must be; errors as of `_checked_pictures`."""
    classes = len(described.classes)
    labels = np.asarray(values)
    if labels.shape not in ((count,), (count, 1)) or labels.dtype.kind not in "iu":
        raise DataError(f"{name}: labels must be {count:,} whole numbers, were {labels.dtype} {labels.shape}")
    least, most = int(labels.min()), int(labels.max())
    if least < 0 or most >= classes:
        hint = "; they seem to begin with 1: subtract 1" if (least, most) == (1, classes) else ""
        raise DataError(
            f"{name}: labels of {described.name} must be from 0 to {classes - 1}, were {least} to {most}{hint}"
        )
    return labels.reshape(-1).astype(np.int64)


def _read_folders(described: SmallPictures, place: Place) -> DataSet:
    tree = of_folder(Path(place.path), place.argument)
    images = [entry for entry in tree.images() if "/" in entry.path]
    labels = {name: label for label, name in enumerate(described.classes)}
    unknown = next((entry.path for entry in images if entry.path.split("/")[0] not in labels), None)
    if not images or unknown is not None:
        found = f"but holds {unknown}" if unknown else "but holds no picture"
        raise DataError(f"--data {place.argument}: {place.path} must be {_form(described)}, {found}")
    parts = [(entry.path.partition("/"), entry) for entry in images]
    side = described.side_px
    samples = items(
        LabelledFile(group, below, labels[group], SizedFile(entry.file, side)) for (group, _, below), entry in parts
    )
    digest = fingerprint(images, tree.stamp, *described.classes)
    return _dataset(described, place, samples, digest, passed_over(described.name, place.path, tree.unused(images)))


def _read_corrupted(described: SmallPictures, place: Place) -> DataSet:
    """The same pictures under corruptions: ``NAME.npy``, severity after severity, and ``labels.npy``.

    A file that is truncated, or of other pictures, costs its corruption only, and is noted.

    Raises:
        DataError: there is none, or no labels.
    """
    root = Path(place.path)
    if root.is_dir() and not (root / "labels.npy").is_file():  # an archive holds a folder
        root = next((inner.parent for inner in root.glob("*/labels.npy")), root)
    if not (root / "labels.npy").is_file():
        raise DataError(
            f"--data {place.argument}: {place.path} must be a folder of <corruption>.npy and labels.npy; unpack the "
            "archive there"
        )
    try:
        stored = np.load(root / "labels.npy", allow_pickle=False)
    except _UNREADABLE as error:
        raise DataError(f"{root / 'labels.npy'} cannot be read ({error}); fetch it again") from None
    labels = _checked_labels(described, stored, len(stored), str(root / "labels.npy"))
    count = len(labels) // len(SEVERITIES)
    if len(labels) % len(SEVERITIES) or (labels.reshape(len(SEVERITIES), -1) != labels[:count]).any():
        raise DataError(f"{root / 'labels.npy'} must hold the labels of every picture five times over; fetch it again")
    paths = [_path(described, label, at) for at, label in enumerate(labels[:count].tolist())]
    shared = Paths("\0".join(sorted(paths)).encode())
    cells: dict[str, ArrayCell] = {}
    notes = []
    for file in sorted(root.glob("*.npy")):
        if file.name == "labels.npy":
            continue
        try:
            pictures = _checked_pictures(described, np.load(file, mmap_mode="r", allow_pickle=False), str(file))
            if len(pictures) != len(labels):
                raise DataError(f"{file} holds {len(pictures):,} pictures for {len(labels):,} labels")
        except (*_UNREADABLE, DataError) as error:
            notes.append(Fact(DataRemark.UNREADABLE, {"file": str(file), "line": str(error)}))
            continue
        status = file.stat()
        digest = sha256(f"{file.name}\0{status.st_size}\0{status.st_mtime_ns}".encode()).hexdigest()
        for severity in SEVERITIES:
            first = (severity - 1) * count
            cells[f"{file.stem}/{severity}"] = ArrayCell(file, pictures, first, shared, digest)
    samples = (
        Item(path.removesuffix(".ppm"), label, CorruptedCopies(str(root), path, cells))
        for path, label in zip(paths, labels.tolist(), strict=False)
    )
    digest = sha256("\n".join(paths).encode()).hexdigest()
    data = _dataset(described, place, samples, digest)
    fingerprints = dict(_conditions(cells))
    return replace(
        data,
        name=described.corrupted,
        conditions=frozenset(fingerprints),
        notes=tuple(notes),
        fingerprints=fingerprints,
    )


def _conditions(cells: Mapping[str, ArrayCell]) -> Iterator[tuple[Condition, str]]:
    for name, cell in cells.items():
        corruption, severity = name.split("/")
        yield Condition(corruption=corruption, severity=int(severity)), cell.fingerprint


for _name, _described in small_pictures().items():
    LAYOUTS.register(_name, Layout(f"{_name}/*", partial(_read, _described)), __name__)
    if _described.corrupted:
        _form_of_cells = f"{_described.corrupted}/<corruption>.npy"
        LAYOUTS.register(_described.corrupted, Layout(_form_of_cells, partial(_read_corrupted, _described)), __name__)

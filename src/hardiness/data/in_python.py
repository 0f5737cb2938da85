"""Data sets that Python holds: arrays, ImageFolders, data sets and loaders of torch, data sets of MAITE."""

from __future__ import annotations

import os
import sys
import threading
from collections.abc import Callable, Mapping, Sequence, Set
from contextlib import AbstractContextManager, nullcontext
from dataclasses import dataclass, field, replace
from hashlib import sha256
from pathlib import Path
from typing import Any

import numpy as np
import PIL.Image
from numpy.typing import NDArray

from hardiness.core.benchmark import DataRoot, DataSet, Image
from hardiness.core.codes import DataRemark
from hardiness.core.errors import ArgumentError, DataError, SampleError
from hardiness.core.fact import Fact
from hardiness.core.model import Canvas
from hardiness.core.run import DataIdentity
from hardiness.data.columns import columns_of_items
from hardiness.data.embedded_photographs import NAME
from hardiness.data.files import FileEntry, fingerprint
from hardiness.data.items import LabelledFile, items
from hardiness.data.label_files import SEVERAL_LABELS
from hardiness.data.root import LAYOUTS, OWN, in_place_of_imagenet
from hardiness.data.sizes import at_own_size
from hardiness.reference.classes import wnids
from hardiness.sources.files import DiskFile, Stamp

FORMS = (
    "data must be names as for --data, (images, labels), (images, labels, names), an ImageFolder, a DataLoader, or a "
    "data set whose items are (image, label)"
)

TRIED_TWICE = 8
"""The number of pictures that are read twice, to see whether they stay the same."""

_STEPS = 255
_OFF = 0.01
"""Largest distance of a float from a step of 8 bits, in steps, without a note."""


@dataclass(frozen=True)
class ModelClasses:
    """A model's classes, for a data set without names.

    Attributes:
        count: how many it tells apart.
        names: of these, where it has them.
        canvas: the part of a picture that it is shown.
        takes_whole: whether it is shown pictures at their own size, so that the canvas says nothing.
    """

    count: int
    names: tuple[str, ...] | None = None
    canvas: Canvas | None = None
    takes_whole: bool = False


def from_python(data: Any, model: ModelClasses, beside: DataRoot | None = None) -> DataRoot:
    """The data that Python holds, as a person's own pictures, which stand for ImageNet's as those of a folder do.

    Their identity is a hash over every picture and label, whatever the form in which they are handed over; an
    ImageFolder is the same data as its folder.

    Args:
        data: ``(images, labels)`` or ``(images, labels, names)``; an ImageFolder; a DataLoader, whose data set is read
            in its own order; any data set with ``len`` whose items are (image, label), or MAITE's triples.
        model: names the classes where the data do not.
        beside: data sets that have names, such as pictures outside the classes.

    Raises:
        ArgumentError: it is none of these, or its pictures are normalised, or others each time they are read.
    """
    source = _source(data)
    if not source.count:
        raise ArgumentError(f"data must hold a picture or more, {source.name} holds none")
    if source.files is not None:
        return _Root(at_own_size(source.dataset(source.files)), beside=beside)
    pictures = [source.picture(at) for at in range(source.count)]
    for at, first in enumerate(pictures[:TRIED_TWICE]):
        if source.picture(at).sha256 != first.sha256:
            raise ArgumentError(
                f"{source.name} gives another picture each time that item {at} is read, as a transform that augments "
                "does; hand it over without"
            )
    names, labels = source.classes([picture.label for picture in pictures], model)
    is_imagenet = source.names is None and model.names is None and len(names) == len(wnids())
    groups = wnids() if is_imagenet else [name.replace("/", "_") for name in names]
    are_ids = len({(picture.name, label) for picture, label in zip(pictures, labels, strict=True)}) == len(pictures)
    samples = [
        LabelledFile(groups[label], picture.name.replace("/", "_") if are_ids else f"{picture.at:06d}", label, picture)
        for picture, label in zip(pictures, labels, strict=True)
    ]
    labelled = items(samples)
    contents = {id(picture): picture.sha256 for picture in pictures}
    lines = (f"{item.id}\0{item.label}\0{contents[id(item.file)]}\n" for item in labelled)
    digest = sha256("".join([*(f"{name}\n" for name in names), *lines]).encode()).hexdigest()
    remarks = (*source.remarks, *_remarks(source.name, pictures, model))
    facts = {id(picture): picture.facts for picture in pictures}
    columns = columns_of_items([item.id for item in labelled], [facts[id(item.file)] for item in labelled])
    data = DataSet(_own_name(source.name), labelled, len(names), digest, "", names, remarks=remarks, columns=columns)
    return _Root(at_own_size(data), is_imagenet, beside)


@dataclass(frozen=True)
class _Root:
    """The `core.DataRoot` of one data set, whether its labels are ImageNet's 1,000, and what lies beside it."""

    data: DataSet
    is_imagenet: bool = False
    beside: DataRoot | None = None

    def has(self, name: str) -> bool:
        return name in (OWN, "imagenet") or (self.beside is not None and self.beside.has(name))

    def is_replaced_by_own(self, name: str) -> bool:
        return name == "imagenet" and not self.is_imagenet

    def outside_sets(self) -> tuple[str, ...]:
        return self.beside.outside_sets() if self.beside else ()

    def dataset(self, name: str) -> DataSet:
        if self.beside is not None and name not in (OWN, "imagenet"):
            return self.beside.dataset(name)
        if not self.has(name):
            raise DataError(f"{name} was not found: data is {self.data.name}, which Python holds; name its folder")
        if name == OWN:
            return self.data
        data = in_place_of_imagenet(self.data)
        return replace(data, name=self.data.name, class_names=None) if self.is_imagenet else data


@dataclass(frozen=True)
class _PictureSource:
    """The data that a person handed over, in one form.

    Attributes:
        name: of the data set.
        count: of its pictures.
        picture: gives one of them, in whatever form, by place.
        labels: of each, where they are known without the pictures; else ``None``.
        item: gives picture, label and what else is said of it, with its ``id``, by place.
        names: of the classes.
        files: path and label of each picture, where they are files.
        remarks: what a person should know.
        guard: held while a picture is read.
    """

    name: str
    count: int
    item: Callable[[int], tuple[Any, Any, Mapping[str, Any]]]
    names: tuple[str, ...] | None = None
    files: Sequence[tuple[str, int]] | None = None
    folder: str = ""
    remarks: tuple[Fact, ...] = ()
    guard: AbstractContextManager[Any] = field(default_factory=nullcontext)

    def dataset(self, files: Sequence[tuple[str, int]]) -> DataSet:
        """The data set of an ImageFolder: the very one that its folder is."""
        names, root = self.names or (), self.folder
        entries, samples = [], []
        for path, label in files:
            status, below = os.stat(path), os.path.relpath(path, root)
            file = DiskFile(os.path.abspath(path), Stamp.from_status(status))
            entries.append(FileEntry(below, status.st_size, status.st_mtime_ns, file))
            samples.append(LabelledFile(names[label], below.removeprefix(f"{names[label]}/"), label, file))
        digest = fingerprint(sorted(entries), "", *names)
        return DataSet(_own_name(self.name), items(samples), len(names), digest, root, names, remarks=self.remarks)

    def picture(self, at: int) -> _PictureOnDemand:
        with self.guard:
            value, label, facts = self.item(at)
        image, is_between = as_image(value, f"image {at} of {self.name}")
        name = f"{at:06d}" if facts.get("id") is None else str(facts["id"])
        shape = image.shape[0], image.shape[1]
        return _PictureOnDemand(self, at, name, label, _digest(image), shape, is_between, facts)

    def classes(self, labels: Sequence[Any], model: ModelClasses) -> tuple[tuple[str, ...], list[int]]:
        """The names of the classes, and the index of each picture's class."""
        if self.names is None and all(isinstance(label, str) for label in labels):
            names: tuple[str, ...] = tuple(sorted(set(labels)))
        else:
            names = self.names or model.names or tuple(map(str, range(model.count)))
        places = {name: place for place, name in enumerate(names)}
        return names, [_label(label, at, places, self.name) for at, label in enumerate(labels)]


def _source(data: Any) -> _PictureSource:
    if isinstance(data, tuple) and len(data) in (2, 3) and not isinstance(data[0], str):
        return _from_arrays(*data)
    torch = sys.modules.get("torch")  # whoever holds a loader has loaded it
    if torch is not None and isinstance(data, torch.utils.data.DataLoader):
        return _from_loader(data)
    if hasattr(data, "__getitem__") and hasattr(data, "__len__") and not isinstance(data, str | bytes | Mapping):
        return _from_data_set(data)
    raise ArgumentError(f"{FORMS}; was {type(data).__name__}")


def _from_arrays(images: Any, labels: Any, names: Any = None) -> _PictureSource:
    if hasattr(labels, "detach"):
        labels = labels.detach().cpu().numpy()
    if isinstance(images, np.ndarray) and images.ndim != 4:
        raise ArgumentError(f"images must be (N, H, W, 3), was {images.dtype} {images.shape}")
    if not hasattr(images, "__len__") or not hasattr(labels, "__len__"):
        raise ArgumentError(f"{FORMS}; was a {type(images).__name__} and a {type(labels).__name__}")
    if len(images) != len(labels):
        raise ArgumentError(f"labels must be as many as images, {len(images)}; were {len(labels)}")
    if names is not None and (isinstance(names, Mapping | Set) or not hasattr(names, "__len__")):
        raise ArgumentError(
            "the names of classes must be a list in the order of the network's outputs, as in ('cat', 'dog'); was a "
            f"{type(names).__name__}"
        )
    listed = None if names is None else tuple(map(str, names))
    if listed is None and len(labels) and all(isinstance(label, str) for label in labels):
        listed = tuple(sorted(set(map(str, labels))))
    return _PictureSource("arrays", len(images), lambda at: (images[at], labels[at], {}), listed)


def _from_loader(loader: Any) -> _PictureSource:
    samplers = sys.modules["torch"].utils.data
    data, sampler = loader.dataset, loader.sampler
    sampler_kind = type(sampler).__name__
    if not hasattr(data, "__getitem__") or not hasattr(data, "__len__"):
        raise ArgumentError(
            f"a loader of {type(data).__name__} cannot be read picture by picture; hand over a data set with len() and "
            "items, or arrays"
        )
    shuffles = type(sampler) is samplers.RandomSampler and not sampler.replacement and len(sampler) == len(data)
    if not shuffles and type(sampler) is not samplers.SequentialSampler:
        raise ArgumentError(
            f"a loader with {sampler_kind} shows some pictures more than once or not at all; hand over its data set, "
            "or a Subset of it"
        )
    source = _source(data)
    parts = [("shuffle", shuffles), ("collate_fn", loader.collate_fn is not samplers.default_collate)]
    return replace(source, remarks=(*source.remarks, *(_not_called(source.name, part) for part, has in parts if has)))


def _not_called(name: str, part: str) -> Fact:
    return Fact(DataRemark.NOT_CALLED, {"data": name, "part": part})


def _from_data_set(data: Any) -> _PictureSource:
    places: Sequence[int] | None = None
    whole = data
    while type(whole).__name__ == "Subset" and hasattr(whole, "indices"):
        places = [whole.indices[place] for place in (range(len(whole)) if places is None else places)]
        whole = whole.dataset
    metadata = getattr(whole, "metadata", None)
    stated = metadata if isinstance(metadata, Mapping) and "id" in metadata else None  # as MAITE's have it
    name = type(whole).__name__ if stated is None else str(stated["id"])
    names = _stated_names(whole, stated)
    chosen = range(len(whole)) if places is None else places
    if (files := _files(whole)) is not None:
        folder = os.path.abspath(whole.root)
        name = Path(folder).name
        return _PictureSource(
            name,
            len(chosen),
            lambda at: whole[chosen[at]],
            names,
            [files[int(place)] for place in chosen],
            folder,
            (_not_called(name, "transform"),) if getattr(whole, "transform", None) is not None else (),
        )

    def item(at: int) -> tuple[Any, Any, Mapping[str, Any]]:
        entry = whole[int(chosen[at])]
        if not isinstance(entry, tuple | list) or len(entry) < 2:
            raise ArgumentError(f"{FORMS}; item {at} of {name} was a {type(entry).__name__}")
        datum = entry[2] if stated is not None and len(entry) > 2 else {}
        return entry[0], entry[1], datum if isinstance(datum, Mapping) else {}

    return _PictureSource(name, len(chosen), item, names, guard=threading.Lock())


def _stated_names(data: Any, metadata: Mapping[str, Any] | None) -> tuple[str, ...] | None:
    """The classes that a data set names, in the order of its labels; ``None`` where it names none."""
    labels = metadata.get("index2label") if metadata is not None else None
    if labels:
        last = max(map(int, labels))
        names_by_index = {int(index): str(label) for index, label in labels.items()}
        return tuple(names_by_index.get(index, str(index)) for index in range(last + 1))
    names = getattr(data, "classes", None)
    return tuple(map(str, names)) if isinstance(names, list | tuple) and len(names) > 1 else None


def _files(data: Any) -> Sequence[tuple[str, int]] | None:
    """Path and label of each picture of an ImageFolder that reads files as they are; else ``None``."""
    samples, loader = getattr(data, "samples", None), getattr(data, "loader", None)
    ordinary = getattr(loader, "__module__", "").startswith("torchvision.") and hasattr(data, "classes")
    if not ordinary or not isinstance(samples, list) or not hasattr(data, "root"):
        return None
    mapped = getattr(data, "target_transform", None) or int
    return [(str(path), int(mapped(label))) for path, label in samples]


def _own_name(name: str) -> str:
    return f"{DataIdentity.OWN}{name}" if name in LAYOUTS or name == NAME else name


@dataclass(frozen=True, eq=False)
class _PictureOnDemand:
    """The `core.File` of a picture that was read once and is read again when it is wanted.

    Attributes:
        source: where it is from.
        at: its place there.
        name: its id, or its place.
        label: as it was given.
        sha256: of its pixels.
        shape: height and width.
        is_between: whether its floats lie between the steps of 8 bits.
        facts: what else is said of it, by name.
    """

    source: _PictureSource
    at: int
    name: str
    label: Any
    sha256: str
    shape: tuple[int, int]
    is_between: bool
    facts: Mapping[str, Any]

    def read(self) -> bytes:
        """The picture as a PPM file.

        Raises:
            SampleError: it is no longer what it was.
        """
        with self.source.guard:
            value, _, _ = self.source.item(self.at)
        image, _ = as_image(value, f"image {self.at} of {self.source.name}")
        if _digest(image) != self.sha256:
            raise SampleError(f"image {self.at} of {self.source.name} is another than when it was first read")
        return b"P6 %d %d 255\n" % (image.shape[1], image.shape[0]) + image.tobytes()


def _digest(image: Image) -> str:
    return sha256(str(image.shape).encode() + image.tobytes()).hexdigest()


def as_image(value: Any, name: str) -> tuple[Image, bool]:
    """A picture as ``uint8 (H, W, 3)``, and whether its floats lay between the steps of 8 bits.

    Args:
        value: a PIL image; a tensor ``(1 or 3, H, W)``; an array ``(H, W)``, or with 1 or 3 channels first or last.
            Numbers are uint8, or floats from 0 to 1.
        name: for messages.

    Raises:
        ArgumentError: it is none of these, or was normalised.
    """
    if isinstance(value, PIL.Image.Image) and value.mode.startswith(("I", "F")):
        raise ArgumentError(f"{name} must have 8 bits a channel, was of PIL's mode {value.mode!r}; convert it first")
    if isinstance(value, PIL.Image.Image):
        return np.asarray(value.convert("RGB")), False
    is_tensor = hasattr(value, "detach")
    array = (
        np.asarray(value.detach().cpu().float() if _is_half(value) else value.detach().cpu()) if is_tensor else value
    )
    array = np.asarray(array)
    if array.ndim == 2:
        array = array[..., None]
    if array.ndim != 3 or not {array.shape[0], array.shape[-1]} & {1, 3} or array.dtype.kind not in "uf":
        raise ArgumentError(
            f"{name} must be a PIL image, or uint8 or floats from 0 to 1 with 1 or 3 channels, was {array.dtype} "
            f"{array.shape}"
        )
    if array.shape[-1] not in (1, 3) or (is_tensor and array.shape[0] in (1, 3)):
        array = np.moveaxis(array, 0, -1)
    levels, is_between = _levels(array, name)
    return np.ascontiguousarray(np.broadcast_to(levels, (*levels.shape[:2], 3))), is_between


def _is_half(tensor: Any) -> bool:
    return str(tensor.dtype) == "torch.bfloat16"  # which numpy lacks


def _levels(array: NDArray[Any], name: str) -> tuple[NDArray[np.uint8], bool]:
    if array.dtype == np.uint8:
        return array, False
    low, high = (float(array.min()), float(array.max())) if array.size else (0.0, 0.0)
    if array.dtype.kind != "f" or not (low >= 0 and high <= 1):
        hint = "divide by 255" if low >= 0 else "hand it over before it is normalised, which the network's view does"
        raise ArgumentError(
            f"{name} must be uint8 or floats from 0 to 1, was {array.dtype} from {low:g} to {high:g}; {hint}"
        )
    steps = array.astype(np.float64) * _STEPS
    rounded = np.rint(steps)
    return rounded.astype(np.uint8), bool(np.abs(steps - rounded).max(initial=0.0) > _OFF)


def _label(value: Any, at: int, places: Mapping[str, int], name: str) -> int:
    if isinstance(value, str) and value in places:
        return places[value]
    array = np.asarray(value.detach().cpu() if hasattr(value, "detach") else value)
    if array.ndim == 1 and array.size > 1:  # one-hot, or shares
        if array.size != len(places) or array.dtype.kind not in "biuf" or not ((array >= 0) & (array <= 1)).all():
            raise ArgumentError(f"label {at} of {name} is {value!r:.60}: {SEVERAL_LABELS}")
        if np.isin(array, (0, 1)).all() and array.sum() > 1:
            raise ArgumentError(f"label {at} of {name} is of {int(array.sum())} classes: {SEVERAL_LABELS}")
        array = np.asarray(array.argmax())
    if array.size != 1 or array.dtype.kind not in "iu" or not 0 <= int(array.item()) < len(places):
        raise ArgumentError(
            f"label {at} of {name} must be a name of a class, or a whole number from 0 to {len(places) - 1}, was "
            f"{value!r:.60}"
        )
    return int(array.item())


def _remarks(name: str, pictures: Sequence[_PictureOnDemand], model: ModelClasses) -> list[Fact]:
    """Facts on the pictures' sizes and numbers."""
    canvas = None if model.takes_whole else model.canvas
    sizes = sorted({picture.shape for picture in pictures}, key=lambda size: (size[0] * size[1], size))
    remarks = []
    if len(sizes) > 1:
        (low, narrow), (high, wide) = sizes[0], sizes[-1]
        ends = {"smallest": (narrow, low), "largest": (wide, high), "is_resized": not model.takes_whole}
        remarks.append(Fact(DataRemark.SIZES, {"data": name, "sizes": len(sizes), **ends}))
    elif canvas is not None and sizes[0] == (canvas.crop_px,) * 2 and canvas.resize_px != canvas.crop_px:
        sides = {"px": canvas.crop_px, "resize_px": canvas.resize_px, "crop_px": canvas.crop_px}
        remarks.append(Fact(DataRemark.ENLARGED, {"data": name, **sides}))
    if between := sum(picture.is_between for picture in pictures):
        remarks.append(Fact(DataRemark.ROUNDED, {"data": name, "pictures": between}))
    return remarks

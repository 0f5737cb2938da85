"""A data set as the engine sees it: items with ids and labels, no pixels."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from hashlib import sha256
from typing import Protocol

from hardiness.core.condition import Condition


class File(Protocol):
    """Bytes that can be read again and again, from any thread: a file on disk, in an archive or in a package."""

    @property
    def name(self) -> str:
        """What a person would call it in an error message: a path, or ``archive!member``."""
        ...

    def read(self) -> bytes:
        """All of its bytes.

        Raises:
            SampleError: it cannot be read.
        """
        ...


@dataclass(frozen=True, slots=True)
class Item:
    """One sample: ``id`` is ``"<wnid>/<stem>"`` (unique, stable across machines), ``label`` its class index."""

    id: str
    label: int
    file: File
    tags: tuple[tuple[str, str], ...] = ()


@dataclass(frozen=True)
class DataSet:
    """A named, fingerprinted list of items.

    Attributes:
        name: what results carry, e.g. ``"imagenet"`` or ``"embedded"``.
        items: sorted by id.
        num_classes: how many classes the labels index into.
        fingerprint: hash that changes whenever the data do; where there are `fingerprints`, whenever the list of
            photographs does.
        location: where it was found, for people.
        class_names: folder names in label order where the classes are not ImageNet's; else ``None``.
        conditions: the conditions that can be evaluated on it, where it does not allow all.
        notes: faults that cost only a part of it; they are told, and the exit status is 1.
        remarks: what else lies in its folders and is no item of it, a line each; the exit status stays as it is.
        released: how many items the published set has; results on fewer are shown as partial. ``None`` if unknown.
        categories: groups of classes that answers are judged by, where they are not judged by single classes: the
            class indices of each, by name.
        fingerprints: where each condition has files of its own, a hash that changes whenever those of the condition
            do; empty where the conditions are made of the items.
    """

    name: str
    items: Sequence[Item]
    num_classes: int
    fingerprint: str
    location: str
    class_names: tuple[str, ...] | None = None
    conditions: frozenset[Condition] | None = None
    notes: tuple[str, ...] = ()
    remarks: tuple[str, ...] = ()
    released: int | None = None
    categories: Mapping[str, tuple[int, ...]] = field(default_factory=dict)
    fingerprints: Mapping[Condition, str] = field(default_factory=dict)

    @property
    def identity(self) -> str:
        """A hash that changes whenever anything of it does, in whatever condition."""
        if not self.fingerprints:
            return self.fingerprint
        cells = sorted((str(condition), digest) for condition, digest in self.fingerprints.items())
        lines = "".join(f"{condition}\0{digest}\n" for condition, digest in cells)
        return sha256(f"{self.fingerprint}\n{lines}".encode()).hexdigest()

    def __len__(self) -> int:
        return len(self.items)


class DataRoot(Protocol):
    """Finds data sets by name (``"imagenet"``, ``"imagenet-a"``, …) in what ``--data`` named."""

    def dataset(self, name: str) -> DataSet:
        """The data set of that name.

        Raises:
            DataError: it is not there, empty or laid out wrongly; the message says what to do.
        """
        ...

    def has(self, name: str) -> bool:
        """Whether a data set of that name was named or found, without reading it."""
        ...

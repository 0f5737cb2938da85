"""What the ``--data`` arguments named, as one place to ask for data sets by name."""

from __future__ import annotations

import difflib
import os
import threading
from collections.abc import Sequence
from dataclasses import dataclass, field, replace
from pathlib import Path

from hardiness.core import ArgumentError, DataError, DataRoot, DataSet
from hardiness.data import embedded
from hardiness.data.layout import LAYOUTS
from hardiness.data.place import Place, parse
from hardiness.reference.classes import wnid_indices


def locate(arguments: Sequence[str], labels: str | None = None) -> DataRoot:
    """The data sets that the arguments name; nothing is read yet.

    Args:
        arguments: values of ``--data``: ``ROOT``, ``NAME=PATH[:labels=FILE.csv][:classes=folders|names|N]``, or
            ``embedded``. A named data set comes before one in a root; roots are searched in their order.
        labels: csv of (path, class index), for the one flat folder that is named.

    Raises:
        UnknownNameError: a NAME is no data set.
        ArgumentError: a data set is named twice, an option is unknown, or ``labels`` has no folder to go with.
    """
    named: dict[str, Place] = {}
    roots: list[Place] = []
    for argument in arguments:
        name, place = (_EMBEDDED_AS, Place(argument, "")) if argument == embedded.NAME else parse(argument)
        if name is None and place.labels is None and place.classes is None:
            roots.append(place)
            continue
        name = name or _DEFAULT
        LAYOUTS.get(name)
        if name in named:
            raise ArgumentError(f"--data names {name} twice: {named[name].argument} and {argument}; leave one out")
        named[name] = place
    if labels is not None:
        _attach(Path(labels), named, roots)
    return _Located(named, tuple(roots))


_DEFAULT = _EMBEDDED_AS = "imagenet"


def _attach(labels: Path, named: dict[str, Place], roots: list[Place]) -> None:
    """Give the csv to the data set it must belong to."""
    if _DEFAULT not in named and len(roots) == 1:
        named[_DEFAULT] = roots.pop()
    place = named.get(_DEFAULT)
    if place is None or not place.path or place.labels is not None:
        raise ArgumentError(f"--labels {labels}: needs the one folder it describes, as in --data {_DEFAULT}=FOLDER")
    named[_DEFAULT] = replace(place, labels=labels)


@dataclass(frozen=True)
class _Located:
    """The `core.DataRoot` of a command; each data set is read once."""

    named: dict[str, Place]
    roots: tuple[Place, ...]
    _read: dict[str, DataSet] = field(default_factory=dict)
    _reading: threading.Lock = field(default_factory=threading.Lock)

    def has(self, name: str) -> bool:
        return self._place(name) is not None

    def dataset(self, name: str) -> DataSet:
        layout = LAYOUTS.get(name)
        with self._reading:
            if name not in self._read:
                place = self._place(name)
                if place is None:
                    raise DataError(self._absent(name))
                self._read[name] = layout.read(place) if place.path else embedded.embedded()
            return self._read[name]

    def _place(self, name: str) -> Place | None:
        if name in self.named:
            return self.named[name]
        if name not in LAYOUTS:
            return None
        folder = LAYOUTS.get(name).folder
        for root in self.roots:
            if os.path.isdir(Path(root.path, folder)):
                return root.below(folder)
            if os.path.isfile(Path(root.path, f"{folder}.tar")):  # fetched, and left as it came
                return root.below(f"{folder}.tar")
        return None

    def _absent(self, name: str) -> str:
        layout = LAYOUTS.get(name)
        if not self.roots:
            given = ", ".join(f"--data {place.argument}" for place in self.named.values()) or "no --data"
            return f"{name} was not found: {given} was given; name its folder with --data {name}=PATH"
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
    known = [name for name in LAYOUTS if LAYOUTS.get(name).folder in inside]
    if known:
        return f"{', '.join(known)} alone"
    return f"{', '.join(inside[:4])}{' …' if len(inside) > 4 else ''}" if inside else "nothing"


def _advice(name: str, folder: str, root: Place, inside: list[str]) -> str:
    others = [inner for inner in inside if inner not in LAYOUTS]
    close = difflib.get_close_matches(folder, others, n=1, cutoff=0.8)
    if close:
        return f"; if that is {Path(root.path, close[0])}, give --data {name}={Path(root.path, close[0])}"
    if "val" in others or any(inner in wnid_indices() for inner in others):
        return f"; if that is {name} itself, give --data {name}={root.path}"
    return f"; add the folder, or name another with --data {name}=PATH"

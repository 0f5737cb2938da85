"""What one ``--data`` argument names: a data root, a data set at a path, or the embedded photographs."""

from __future__ import annotations

import os
import re
from collections.abc import Sequence
from dataclasses import dataclass, replace
from pathlib import Path

from hardiness.core import ArgumentError, suggestion

MAX_CLASSES = 1_000_000
"""More than any published classifier tells apart; each gets a name in memory."""

_OPTIONS = ("classes", "labels", "split")


@dataclass(frozen=True, slots=True)
class Place:
    """Where one data set is to be read from.

    Attributes:
        argument: what the person typed, for messages.
        path: folder, tar, a pattern of shards, or ``hf:ORG/NAME``.
        labels: csv with the class of each file, for a flat folder or tar.
        split: which split of Parquet files; ``None`` where there is one, or for the validation split.
        classes: ``None`` for ImageNet's classes; else the classes are the data's own: ``"folders"`` (its class
            folders), ``"names"`` (the csv's label column holds names) or a number (its labels are indices below it).
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
        return _absolute(self.path)

    @property
    def class_count(self) -> int | None:
        """The number of classes where `classes` is one."""
        return int(self.classes) if self.classes and self.classes.isdecimal() else None


def written(arguments: Sequence[str], labels: str | None = None) -> tuple[str, ...]:
    """Values of ``--data`` that name in any folder what these name in this one.

    Args:
        arguments: values of ``--data``.
        labels: csv of the one flat folder among them, which then stands behind it.

    Raises:
        ArgumentError: an argument cannot be read.
    """
    found = []
    for argument in arguments:
        if argument == "embedded":
            found.append(argument)
            continue
        name, place = parse(argument)
        if labels is not None and name in (None, "imagenet") and place.labels is None:
            name, place = "imagenet", replace(place, labels=Path(labels))
        options = {
            "labels": place.labels and _absolute(str(place.labels)),
            "classes": place.classes,
            "split": place.split,
        }
        behind = "".join(f":{key}={value}" for key, value in options.items() if value is not None)
        found.append(f"{name}={place.location}{behind}" if name else f"{place.location}{behind}")
    return tuple(found)


def _absolute(path: str) -> str:
    is_address = not path or re.match(r"[a-z][a-z0-9+.-]+://|hf:", path)
    return path if is_address else os.path.abspath(path)


def parse(argument: str) -> tuple[str | None, Place]:
    """The name that an argument gives its data set (``None`` for a root) and the place.

    Forms: ``ROOT``, ``NAME=PATH`` and ``NAME=PATH:labels=FILE.csv:classes=folders|names|N:split=NAME``; a PATH may be
    ``hf:ORG/NAME``.

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
    if classes is not None and classes not in ("folders", "names") and not _is_class_count(classes):
        raise ArgumentError(
            f"--data {argument}: classes must be 'folders', 'names' or a number from 2 to {MAX_CLASSES:,}, "
            f"was {classes[:40]!r}"
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

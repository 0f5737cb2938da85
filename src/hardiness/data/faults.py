"""Faults of a data set, and the moves that mend them."""

from __future__ import annotations

import os
from collections.abc import Iterable, Iterator
from dataclasses import dataclass, field
from pathlib import Path

from hardiness.core.errors import DataError
from hardiness.core.forms import json_field
from hardiness.reference.sets import distortion_set

IMAGENET_C = distortion_set("imagenet-c")

IMAGENET_P = distortion_set("imagenet-p")

KINDS = {
    "missing-class": "classes that have no image",
    "unknown-class": "folders that are none of the classes",
    "count": "classes with another number of images than published",
    "missing-condition": "conditions that are not there",
    "loose": "images in no class folder",
    "empty": "files without a byte",
    "special": "FIFOs, devices, sockets, links that lead nowhere",
    "unreadable": "files that cannot be read",
    "no-image": "files that are no image, or no video",
    "truncated": "files that end early",
    "damaged": "files that cannot be decoded, or are not what the manifest lists",
    "not-rgb": "images that are not 8-bit RGB",
    "wrong-size": "images of another width or height than published",
    "wrong-quality": "JPEGs of another quality than published",
    "frames": "videos with another number of frames than published",
    "duplicate": "files with the same content",
    "mislabelled": "files whose name says another class than their folder",
    "case": "names that are right but for upper and lower case",
    "name": "stimuli whose name breaks the rule",
}
"""Every kind of fault, in words, in the order in which they are shown."""


@dataclass(frozen=True, slots=True)
class Move:
    """A file or folder that is right in another place."""

    source: Path
    target: Path


@dataclass(frozen=True, slots=True)
class Fault:
    """A fault of a data set.

    Attributes:
        kind: one of `KINDS`.
        path: the file, folder or class, as one printable line.
        reason: the state it is in, and the one it must be in.
        move: that mends it safely; ``None`` where none does.
        is_note: whether it is a mere note, as the published set has such files too.
    """

    kind: str
    path: str
    reason: str
    move: Move | None = field(default=None, metadata=json_field("fixable", write=bool))
    is_note: bool = field(default=False, metadata=json_field("note"))


def mend(faults: Iterable[Fault]) -> Iterator[Fault]:
    """The faults that were mended, by moving each file to its right place.

    Folders come after the files in them, and what would land on something else stays where it is.

    Raises:
        DataError: the disk refuses.
    """
    movable = [fault for fault in faults if fault.move is not None]
    for fault in sorted(movable, key=lambda fault: -len(fault.move.source.parts) if fault.move else 0):
        assert fault.move is not None
        source, target = fault.move.source, fault.move.target
        if not os.path.lexists(source) or _is_taken(source, target):
            continue
        try:
            target.parent.mkdir(parents=True, exist_ok=True)
            source.rename(target)
        except OSError as error:
            raise DataError(f"cannot move {source} to {target}: {error.strerror or error}") from None
        yield fault


def _is_taken(source: os.PathLike[str], target: os.PathLike[str]) -> bool:
    """Whether another file is at the target; on a system that ignores case a name may differ in case alone."""
    return os.path.lexists(target) and not os.path.samefile(source, target)

"""What can be wrong with a data set."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

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
"""Every kind of fault, with what it is, in the order in which they are shown."""


@dataclass(frozen=True, slots=True)
class Move:
    """A file or folder that is right in another place."""

    source: Path
    target: Path


@dataclass(frozen=True, slots=True)
class Fault:
    """One thing that is wrong.

    Attributes:
        kind: one of `KINDS`.
        path: the file, folder or class, as one printable line.
        reason: what it is and what it must be.
        move: what mends it safely; ``None`` where nothing does.
        is_note: whether it is only told, as the published set has such files too.
    """

    kind: str
    path: str
    reason: str
    move: Move | None = None
    is_note: bool = False

    def as_dict(self) -> dict[str, object]:
        """For JSON."""
        return {
            "kind": self.kind,
            "path": self.path,
            "reason": self.reason,
            "fixable": self.move is not None,
            "note": self.is_note,
        }

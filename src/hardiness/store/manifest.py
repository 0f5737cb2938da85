"""The list of a written tree's files and of what they were made from: ``manifest.json``, whole or absent."""

from __future__ import annotations

import os
import shutil
import time
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from hardiness.core.errors import ArgumentError, StoreError
from hardiness.store.lock import HOLDER, LOCK, WAIT_S, locked
from hardiness.store.writing import PARTIAL, file_errors, read_json, refuse_links, write_json

MANIFEST = "manifest.json"
SCHEMA = 1

REST_S = 30.0
REST_SHARE = 20
"""At least half a minute passes between two saves of a manifest, and 20 times what the last one took."""

FINGERPRINT = "_fingerprint"
"""End of the names of what stands for pictures, as ``source_fingerprint``."""


@dataclass
class Manifest:
    """The manifest of one tree.

    Attributes:
        folder: the tree.
        origin: everything that its bytes depend on; a tree has one origin only.
        files: hexadecimal sha256 by cell (``"fog/3"``) and path below it.
        parameters: named parameters by cell, of those that were made with some.
        about: further sentences on the files, by name, that no continued tree is held against.
    """

    folder: Path
    origin: Mapping[str, Any]
    files: dict[str, dict[str, str]] = field(default_factory=dict)
    parameters: dict[str, dict[str, Any]] = field(default_factory=dict)
    about: Mapping[str, str] = field(default_factory=dict)

    def __post_init__(self) -> None:
        self._next_s = time.monotonic() + REST_S

    @classmethod
    def open(cls, folder: Path, origin: Mapping[str, Any]) -> Manifest:
        """The manifest of a tree that was begun from the same origin, or a new one where there is none.

        Raises:
            ArgumentError: the tree is of another origin; the message says in what.
            StoreError: it cannot be read or written, or is no manifest of ours.
        """
        path = folder / MANIFEST
        if not path.exists():
            manifest = cls(folder, origin)
            manifest.save()
            return manifest
        content = read_json(path)
        if (
            not isinstance(content, dict)
            or content.get("schema") != SCHEMA
            or not isinstance(content.get("files"), dict)
        ):
            raise StoreError(f"{path} is not a manifest of this version; choose another folder")
        for key, value in origin.items():
            before = content.get(key)
            if before != value:
                difference = f"with {key} {before}, and now {key} is {value}"
                if key.endswith(FINGERPRINT):
                    difference = f"from other pictures than those of {key.removesuffix(FINGERPRINT)} now"
                raise ArgumentError(f"{folder} was written {difference}: choose another folder, or delete that one")
        return cls(folder, origin, content["files"], content.get("parameters", {}))

    def __len__(self) -> int:
        return sum(map(len, self.files.values()))

    def holds(self, cell: str, path: str) -> bool:
        """Whether a file is listed."""
        return path in self.files.get(cell, ())

    def sha256(self, cell: str, path: str) -> str:
        """The hexadecimal hash of a listed file; empty where it is not listed."""
        return self.files.get(cell, {}).get(path, "")

    def add(self, cell: str, path: str, sha256: str) -> None:
        """List a file, and save now and then."""
        self.files.setdefault(cell, {})[path] = sha256
        if time.monotonic() >= self._next_s:
            self.save()

    def save(self) -> None:
        """Write ``manifest.json`` in a stable order.

        Raises:
            StoreError: disk full or no permission.
        """
        begin = time.monotonic()
        content = {
            "schema": SCHEMA,
            **self.about,
            **self.origin,
            **({"parameters": dict(sorted(self.parameters.items()))} if self.parameters else {}),
            "files": {cell: dict(sorted(self.files[cell].items())) for cell in sorted(self.files)},
        }
        write_json(self.folder / MANIFEST, content, self.folder / PARTIAL)
        end = time.monotonic()
        self._next_s = end + max(REST_S, REST_SHARE * (end - begin))


def refuse_strangers(folder: Path) -> None:
    """Raise an error if the folder holds files that this command did not write, such as the released ImageNet-C.

    Raises:
        ArgumentError: it does.
        StoreError: it cannot be listed.
    """
    if not folder.exists() or (folder / MANIFEST).exists():
        return
    with file_errors(folder, "list"):
        strange = sorted(set(os.listdir(folder)) - {PARTIAL, LOCK, HOLDER})
    if strange:
        raise ArgumentError(
            f"{folder} must be empty or a tree that this command began, but holds {strange[0]} and no {MANIFEST}; "
            "choose another folder"
        )


@contextmanager
def alone(folder: Path, wait_s: float = WAIT_S) -> Iterator[None]:
    """Keep other processes from writing to the tree meanwhile.

    Raises:
        StoreError: another process writes to it for longer than that; or it cannot be written to.
    """
    partial = folder / PARTIAL
    with file_errors(folder, "write to"):
        folder.mkdir(parents=True, exist_ok=True)
    with locked(folder, wait_s=wait_s):
        with file_errors(folder, "write to"):
            refuse_links(partial, folder)
            partial.mkdir(exist_ok=True)
        yield
        shutil.rmtree(partial, ignore_errors=True)

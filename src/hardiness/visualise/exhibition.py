"""The output folder of feature visualisation: one file a picture, a page with all of them, and `features.json`."""

from __future__ import annotations

import os
import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from hardiness.core import ArgumentError, Image
from hardiness.imaging import png
from hardiness.models import Classifier
from hardiness.store import files
from hardiness.visualise.sheet import SheetTile, sheet

RECORD, GRID = "features.json", "grid.png"
SCHEMA = 1


@dataclass(eq=False)
class Exhibition:
    """Pictures on their way into a folder; what an earlier command put there is replaced.

    Attributes:
        folder: where they go.
        about: what all of them share: protocol, model, settings.
    """

    folder: Path
    about: Mapping[str, Any]
    _pictures: dict[str, Image] = field(default_factory=dict)
    _entries: list[dict[str, Any]] = field(default_factory=list)

    def add(self, label: str, image: Image | None, facts: Mapping[str, Any]) -> None:
        """Add one entry. Without an image it appears in `features.json` alone."""
        name = None
        if image is not None:
            name = f"{len(self._entries):03d}_{_slug(label)}.png"
            self._pictures[name] = image
        self._entries.append({"file": name, "label": label, **facts})

    def write(self, rows: Sequence[Sequence[SheetTile]]) -> None:
        """Write all files, `features.json` last, so that a folder which has it is complete.

        Raises:
            ArgumentError: the folder holds files that no such command wrote.
            StoreError: it cannot be written to.
        """
        refuse_strangers(self.folder)
        partial = self.folder / files.PARTIAL
        _clear(self.folder)
        for name, image in self._pictures.items():
            files.write(self.folder / name, png(image), partial)
        files.write(self.folder / GRID, png(sheet(rows)), partial)
        record = {"schema": SCHEMA, **self.about, "grid": GRID, "features": self._entries}
        files.write_json(self.folder / RECORD, record, partial)
        partial.rmdir()


def about(classifier: Classifier, protocol: str, settings: Mapping[str, Any]) -> dict[str, Any]:
    """The facts that all pictures of a command share."""
    return {
        "protocol": protocol,
        "model": classifier.spec.name,
        "weights_sha256": classifier.weights_sha256,
        "settings": dict(settings),
    }


def refuse_strangers(folder: Path) -> None:
    """Raise an error if the folder holds files that this command did not write.

    Raises:
        ArgumentError: it does.
        StoreError: it cannot be listed.
    """
    if not folder.exists() or (folder / RECORD).exists():
        return
    with files.told(folder, "list"):
        strange = sorted(set(os.listdir(folder)) - {files.PARTIAL})
    if strange:
        raise ArgumentError(
            f"--out {folder} must be empty or hold a {RECORD}, but holds {strange[0]}; choose another folder"
        )


def _clear(folder: Path) -> None:
    """Remove what an earlier command wrote, and nothing else."""
    record = folder / RECORD
    if not record.exists():
        return
    found = files.read_json(record)
    entries = found.get("features", ()) if isinstance(found, dict) else ()
    names = [entry.get("file") for entry in entries if isinstance(entry, dict)]
    with files.told(folder, "write to"):
        record.unlink()
        for name in names:
            if isinstance(name, str) and name == Path(name).name:
                (folder / name).unlink(missing_ok=True)


def _slug(label: str) -> str:
    return re.sub(r"[^A-Za-z0-9]+", "-", label).strip("-").lower() or "unit"

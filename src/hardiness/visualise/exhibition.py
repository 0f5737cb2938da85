"""The output folder of feature visualisation: pictures, a sheet of them, and what they are of."""

from __future__ import annotations

import os
import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING, Any

from hardiness.core.benchmark import Image
from hardiness.core.errors import ArgumentError
from hardiness.imaging.codecs import png
from hardiness.models.classifier import Classifier
from hardiness.store.writing import PARTIAL, file_errors, read_json, write, write_json
from hardiness.visualise.sheets import SheetTile, sheet

if TYPE_CHECKING:
    from torch import Tensor

RECORD, GRID = "features.json", "grid.png"

SCHEMA = 1


def to_images(pixels: Tensor) -> list[Image]:
    """Images ``uint8 (H, W, 3)``, rounded, from ``pixels (N, 3, H, W)`` in [0, 1]."""
    rounded = (pixels.detach().clamp(0, 1) * 255).round().byte()
    return list(rounded.permute(0, 2, 3, 1).contiguous().cpu().numpy())


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
        partial = self.folder / PARTIAL
        _clear(self.folder)
        for name, image in self._pictures.items():
            write(self.folder / name, png(image), partial)
        write(self.folder / GRID, png(sheet(rows)), partial)
        record = {"schema": SCHEMA, **self.about, "grid": GRID, "features": self._entries}
        write_json(self.folder / RECORD, record, partial)
        partial.rmdir()


def about(classifier: Classifier, protocol: str, settings: Mapping[str, Any]) -> dict[str, Any]:
    """Facts that all pictures of a command share."""
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
    with file_errors(folder, "list"):
        strange = sorted(set(os.listdir(folder)) - {PARTIAL})
    if strange:
        raise ArgumentError(
            f"--out {folder} must be empty or hold a {RECORD}, but holds {strange[0]}; choose another folder"
        )


def _clear(folder: Path) -> None:
    """Remove what an earlier command wrote, and nothing else."""
    record = folder / RECORD
    if not record.exists():
        return
    content = read_json(record)
    entries = content.get("features", ()) if isinstance(content, dict) else ()
    names = [entry.get("file") for entry in entries if isinstance(entry, dict)]
    with file_errors(folder, "write to"):
        record.unlink()
        for name in names:
            if isinstance(name, str) and name == Path(name).name:
                (folder / name).unlink(missing_ok=True)


def _slug(label: str) -> str:
    return re.sub(r"[^A-Za-z0-9]+", "-", label).strip("-").lower() or "unit"

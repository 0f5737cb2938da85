"""ImageNet-C as released: a folder for each corruption, in it one for each severity, in it class folders."""

from __future__ import annotations

import hashlib
import os
from pathlib import Path

from hardiness.core import Condition, DataError, DataSet, Item
from hardiness.data.cells import CorruptedCopies
from hardiness.data.classes import wnid_indices
from hardiness.data.layout import LAYOUTS, Layout
from hardiness.data.place import Place
from hardiness.data.tree import fingerprint, of_folder

SEVERITIES = (1, 2, 3, 4, 5)


def read(place: Place) -> DataSet:
    """Every photograph that some cell holds; `DataSet.conditions` says which cells are there.

    Raises:
        DataError: there is no folder of corruptions, or a class folder is no wnid.
    """
    root = Path(place.path)
    if not root.is_dir():
        raise DataError(f"--data {place.argument}: must be a folder of corruptions (extract its tars), but is none")
    known = wnid_indices()
    digest = hashlib.sha256()
    paths: dict[str, str] = {}  # one string for the path that all cells share
    held: dict[Condition, int] = {}
    for corruption in sorted(entry.name for entry in os.scandir(root) if entry.is_dir() and entry.name[0] != "."):
        for severity in SEVERITIES:
            folder = root / corruption / str(severity)
            images = of_folder(folder, place.argument).images() if folder.is_dir() else []
            digest.update(f"{corruption}/{severity} {fingerprint(images)}\n".encode())
            for image in images:
                paths.setdefault(image.path, image.path)
            if images:
                held[Condition(corruption=corruption, severity=severity)] = len(images)
    if not paths:
        raise DataError(
            f"--data {place.argument}: {root} must hold <corruption>/<severity>/<wnid>/*, but no image was found there"
        )
    for path in paths:
        if path.partition("/")[0] not in known:
            raise DataError(f"--data {place.argument}: {path} in {root} must lie in a folder named by a wnid; move it")
    items = (
        Item(os.path.splitext(path)[0], known[path.partition("/")[0]], CorruptedCopies(str(root), path))
        for path in paths
    )
    return DataSet(
        name="imagenet-c",
        items=tuple(sorted(items, key=lambda item: item.id)),
        num_classes=len(known),
        fingerprint=digest.hexdigest(),
        location=str(root),
        conditions=frozenset(held),
        notes=tuple(_thin_cells(root, held, len(paths))),
    )


def _thin_cells(root: Path, held: dict[Condition, int], images: int) -> list[str]:
    """A line for each cell that lacks images which other cells have."""
    return [
        f"{root}/{cell['corruption']}/{cell['severity']} holds {count:,} of {images:,} images; the rest count as failed"
        for cell, count in held.items()
        if count < images
    ]


LAYOUTS.register("imagenet-c", Layout("imagenet-c/<corruption>/<severity>/<wnid>/*", read), __name__)

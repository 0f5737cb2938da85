"""Pictures that a run saved, each with the label of its photograph."""

from __future__ import annotations

import json
from collections import Counter
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

from hardiness.core.benchmark import AS_IT_IS, DataSet, Item
from hardiness.core.errors import DataError
from hardiness.data.files import fingerprint, of_folder
from hardiness.data.root import Place
from hardiness.reference.classes import wnid_indices, wnids

MANIFEST, CLASSES = "manifest.jsonl", "classes.json"
"""The files beside saved pictures: a line a picture, and the data set's own classes where it has such."""

ABOVE = 3
"""The most folders above the pictures in which their manifest may lie."""


def read(place: Place) -> DataSet:
    """The pictures of one condition, each under the id of the photograph it was made of and with its label.

    Raises:
        DataError: there is no manifest, it is damaged or names no picture here, or there are several of one photograph.
    """
    if place.labels is not None or place.classes is not None:
        raise DataError(f"--data {place.argument}: the manifest says what the pictures show; leave options out")
    folder = Path(place.path).resolve()
    top = next((candidate for candidate in (folder, *folder.parents[:ABOVE]) if (candidate / MANIFEST).is_file()), None)
    if top is None:
        raise DataError(
            f"--data {place.argument}: must be a folder that --save-images wrote, but neither it nor a folder above it "
            f"holds a {MANIFEST}; class folders without one are --data imagenet={place.path}"
        )
    entries = [entry for entry in _entries(top / MANIFEST) if (top / entry["file"]).is_relative_to(folder)]
    _refuse_several(place, entries)
    files = {entry.path: entry for entry in of_folder(folder, place.argument).images()}
    paths = [(top / entry["file"]).relative_to(folder).as_posix() for entry in entries]
    if missing := next((path for path in paths if path not in files), None):
        raise DataError(f"--data {place.argument}: {folder / missing} is in the {MANIFEST} and is not there")
    names = _own_classes(top)
    labels = {name: index for index, name in enumerate(names)} if names else wnid_indices()
    items = [
        Item(entry["sample"], _label(place, labels, entry["sample"]), files[path].file, (AS_IT_IS,))
        for entry, path in zip(entries, paths, strict=True)
    ]
    digest = fingerprint((files[path] for path in sorted(paths)), *names)
    ordered = tuple(sorted(items, key=lambda item: item.id))
    return DataSet("adversarial", ordered, len(names or wnids()), digest, place.location, names or None)


def _entries(manifest: Path) -> Sequence[Mapping[str, Any]]:
    try:
        entries = [json.loads(line) for line in manifest.read_text("utf-8").splitlines()]
        return [{**entry, "file": str(entry["file"]), "sample": str(entry["sample"])} for entry in entries]
    except (OSError, ValueError, LookupError, TypeError) as error:
        reason = " ".join(str(error).split())
        raise DataError(
            f"{manifest} must hold a JSON object a line, with file and sample: {reason}; save the pictures again"
        ) from None


def _refuse_several(place: Place, entries: Sequence[Mapping[str, Any]]) -> None:
    if not entries:
        raise DataError(f"--data {place.argument}: its {MANIFEST} names no picture in this folder")
    counts = Counter(entry["sample"] for entry in entries)
    if max(counts.values()) > 1:
        folders = sorted({Path(entry["file"]).parents[1].as_posix() for entry in entries})
        listed = ", ".join(folders[:3]) + (" …" if len(folders) > 3 else "")
        raise DataError(
            f"--data {place.argument}: must be the pictures of one model under one condition, but holds those of "
            f"{len(folders)}; name one: {listed}"
        )


def _own_classes(top: Path) -> tuple[str, ...]:
    """The names of the classes in their order, where they are not ImageNet's; else none."""
    if not (top / CLASSES).is_file():
        return ()
    try:
        return tuple(map(str, json.loads((top / CLASSES).read_text("utf-8"))["names"]))
    except (OSError, ValueError, LookupError, TypeError):
        raise DataError(f"{top / CLASSES} must hold the names of the classes; save the pictures again") from None


def _label(place: Place, labels: Mapping[str, int], sample: str) -> int:
    name = sample.partition("/")[0]
    if name not in labels:
        raise DataError(f"--data {place.argument}: {sample} is of class {name!r}, which the data set does not have")
    return labels[name]

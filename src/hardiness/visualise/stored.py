"""Pictures of feature visualisation that lie in an output folder, read back."""

from __future__ import annotations

import os
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from hardiness.core.errors import DataError
from hardiness.store.writing import PARTIAL, file_errors, read_json
from hardiness.visualise.exhibition import RECORD, SCHEMA

DEEP = 2
"""Folders below an output folder in which pictures are looked for."""

NOT_OURS = frozenset(("records", "figures", "images", PARTIAL))
"""Folders of an output folder that hold something else."""


@dataclass(frozen=True)
class StoredFeature:
    """One picture: its label, its facts, and its file; ``None`` where none was made."""

    label: str
    facts: Mapping[str, Any]
    file: Path | None


@dataclass(frozen=True)
class StoredFeatures:
    """One command's pictures: whose, under which protocol and settings."""

    folder: Path
    model: str
    protocol: str
    settings: Mapping[str, Any]
    features: tuple[StoredFeature, ...]


def folders(out: Path) -> list[Path]:
    """The folders with such pictures: ``out`` itself, and those at most two levels below it, sorted."""
    return sorted(set(_below(out, DEEP)))


def read(folder: Path) -> StoredFeatures:
    """The pictures of one folder.

    Raises:
        DataError: its record is damaged or of another schema.
        StoreError: it cannot be read.
    """
    content = read_json(folder / RECORD)
    try:
        if content["schema"] != SCHEMA:
            raise DataError(f"{folder / RECORD} has schema {content['schema']}; this version reads {SCHEMA}")
        features = tuple(_feature(folder, entry) for entry in content["features"])
        return StoredFeatures(folder, str(content["model"]), str(content["protocol"]), content["settings"], features)
    except (TypeError, KeyError, AttributeError) as error:
        raise DataError(f"{folder / RECORD} is damaged ({error!r}); run its 'hardiness make features' again") from error


def _feature(folder: Path, entry: Mapping[str, Any]) -> StoredFeature:
    name = entry["file"]
    if name is not None and name != Path(name).name:
        raise KeyError(name)
    facts = {key: value for key, value in entry.items() if key not in ("file", "label")}
    label = str(entry.get("label") or Path(name or "unit").stem)
    return StoredFeature(label, facts, None if name is None else folder / name)


def _below(folder: Path, deep: int) -> Iterator[Path]:
    if (folder / RECORD).is_file():
        yield folder
    if not deep or not folder.is_dir():
        return
    with file_errors(folder, "list"):
        names = sorted(entry.name for entry in os.scandir(folder) if entry.is_dir(follow_symlinks=False))
    for name in names:
        if name not in NOT_OURS:
            yield from _below(folder / name, deep - 1)

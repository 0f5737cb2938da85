"""What is in an output folder, on a disk and in an object store, told the same way."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import pytest

from hardiness.store.files import Files
from hardiness.store.store import Store

Make = Callable[[Path], Files]

PLACES: dict[str, Make] = {
    "disk": lambda folder: Store(folder).files,
    "memory": lambda folder: Store(f"memory://{folder.name}").files,
}


@pytest.mark.parametrize("place", PLACES)
def test_folders_are_those_directly_within(tmp_path: Path, place: str) -> None:
    files = PLACES[place](tmp_path)
    for path in ("records/b/run.json", "records/a/scored/deep.json", "records/loose.json", "other/c/d"):
        files.write(path, b"{}")
    assert files.folders("records") == ["a", "b"]
    assert files.folders("records/a") == ["scored"]
    assert files.folders("records/b") == files.folders("nowhere") == []


def test_a_link_to_a_folder_is_none(tmp_path: Path) -> None:
    (tmp_path / "records" / "real").mkdir(parents=True)
    (tmp_path / "records" / "link").symlink_to(tmp_path)
    assert Store(tmp_path).files.folders("records") == ["real"]

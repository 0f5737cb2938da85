"""What is in an output folder, on a disk and in an object store, told the same way."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import pytest

from hardiness.core.errors import StoreError
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


def test_a_link_is_listed_and_nothing_behind_one_that_leads_out_is_read_or_removed(tmp_path: Path) -> None:
    out, away = tmp_path / "out", tmp_path / "away"
    (out / "records" / "real").mkdir(parents=True)
    away.mkdir()
    (away / "run.json").write_bytes(b"{}")
    (out / "records" / "link").symlink_to(away)
    (out / "records" / "nowhere").symlink_to(tmp_path / "a disk that is not there")
    (out / "records" / "inside").symlink_to(out / "records" / "real")
    files = Store(out).files
    assert files.folders("records") == ["inside", "link", "nowhere", "real"]
    assert files.read("records/inside/run.json") is None
    for name in ("link", "nowhere"):
        with pytest.raises(
            StoreError, match=f"records/{name}/run.json lies behind a link that leads out of .*/out, and"
        ):
            files.read(f"records/{name}/run.json")
    with pytest.raises(StoreError, match="records/link must not be a link"):
        files.remove("records/link/run.json")
    assert (away / "run.json").exists()

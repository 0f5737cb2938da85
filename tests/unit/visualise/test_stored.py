"""Pictures of units, read back from the folders where commands left them."""

from __future__ import annotations

import json
from pathlib import Path

import numpy as np
import pytest

from hardiness.core.errors import DataError, StoreError
from hardiness.visualise.exhibition import Exhibition
from hardiness.visualise.sheets import SheetTile
from hardiness.visualise.stored import folders, read


def exhibition(folder: Path) -> Exhibition:
    picture = np.full((8, 8, 3), 90, np.uint8)
    found = Exhibition(folder, {"protocol": "p", "model": "m", "settings": {"steps": 2}})
    found.add("unit 3 noise", picture, {"unit": 3, "activation_before": 0.5, "activation_after": 2.0})
    found.add("unit 4 noise", None, {"unit": 4, "reached": False})
    found.write([[SheetTile(("unit 3",), picture)]])
    return found


def test_pictures_are_found_in_a_folder_and_below_it(tmp_path: Path) -> None:
    for name in ("out/visualise/a", "out/records/b", "out/x/y/z"):
        exhibition(tmp_path / name)
    assert folders(tmp_path / "out") == [tmp_path / "out" / "visualise" / "a"]
    assert folders(tmp_path / "out" / "visualise" / "a") == [tmp_path / "out" / "visualise" / "a"]
    assert folders(tmp_path / "nowhere") == []


def test_what_was_written_is_read_back(tmp_path: Path) -> None:
    exhibition(tmp_path)
    found = read(tmp_path)
    assert (found.model, found.protocol, found.settings) == ("m", "p", {"steps": 2})
    first, second = found.features
    assert first.label == "unit 3 noise"
    assert first.facts["activation_after"] == 2.0
    assert first.file == tmp_path / "000_unit-3-noise.png"
    assert second.file is None


@pytest.mark.parametrize(
    ("change", "message"),
    [
        ({"schema": 9}, "has schema 9; this version reads 1"),
        ({"features": [{}]}, "is damaged"),
        ({"features": [{"file": "../../secret.png"}]}, "is damaged"),
        ({"features": 3}, "is damaged"),
    ],
)
def test_a_damaged_record_is_one_line(tmp_path: Path, change: dict[str, object], message: str) -> None:
    exhibition(tmp_path)
    record = tmp_path / "features.json"
    record.write_text(json.dumps({**json.loads(record.read_text()), **change}))
    with pytest.raises(DataError, match=message):
        read(tmp_path)


def test_a_record_that_is_no_json_is_one_line(tmp_path: Path) -> None:
    (tmp_path / "features.json").write_text("{")
    with pytest.raises(StoreError, match="is not valid JSON"):
        read(tmp_path)
    (tmp_path / "features.json").write_text("[1]")
    with pytest.raises(DataError, match="is damaged"):
        read(tmp_path)

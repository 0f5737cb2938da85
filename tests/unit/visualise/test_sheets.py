"""Pages of pictures with captions, and folders that are replaced whole."""

from __future__ import annotations

import json
from pathlib import Path

import numpy as np
import pytest

from hardiness.core.benchmark import Image
from hardiness.core.errors import ArgumentError, StoreError
from hardiness.imaging.codecs import decode
from hardiness.visualise.exhibition import GRID, RECORD, Exhibition, refuse_strangers
from hardiness.visualise.sheets import EMPTY, FAINT, GAP_PX, MARGIN_PX, SheetTile, fold, probability_text, sheet


def plain(level: int, px: int = 40) -> Image:
    return np.full((px, px, 3), level, np.uint8)


def test_pictures_stand_where_they_belong_unscaled() -> None:
    page = sheet([[SheetTile(("a",), plain(10)), SheetTile(("b",), plain(20))], [SheetTile(("c",), plain(30))]], 40)
    second = MARGIN_PX + 40 + GAP_PX
    assert (page[MARGIN_PX : MARGIN_PX + 40, MARGIN_PX : MARGIN_PX + 40] == 10).all()
    assert (page[MARGIN_PX : MARGIN_PX + 40, second : second + 40] == 20).all()
    rows = np.flatnonzero((page[:, MARGIN_PX] == 30).all(axis=1))
    assert len(rows) == 40
    assert page.shape[1] == 2 * MARGIN_PX + 2 * 40 + GAP_PX


def test_captions_are_drawn_and_kept_within_their_cell() -> None:
    wide = SheetTile(("a name that is far too long for its cell",), plain(255))
    page = sheet([[wide, SheetTile((), plain(255))]], 60)
    below = page[MARGIN_PX + 60 :]
    assert (below < 128).any()
    assert (below[:, MARGIN_PX + 60 + GAP_PX :] > 200).all(), "it does not run into the next cell"


def test_probabilities_near_one_are_told_apart() -> None:
    assert [probability_text(p) for p in (0.0021, 0.9994, 1 - 2e-5)] == ["0.002", "0.999", "1 - 2e-05"]


def test_a_missing_picture_says_why() -> None:
    page = sheet([[SheetTile(("a",), None, "failed")]], 80)
    cell = page[MARGIN_PX : MARGIN_PX + 80, MARGIN_PX : MARGIN_PX + 80].reshape(-1, 3)
    assert (cell == EMPTY).all(axis=1).mean() > 0.8
    assert (np.abs(cell.astype(int) - FAINT).max(axis=1) < 40).any()


def test_other_sizes_are_resampled() -> None:
    page = sheet([[SheetTile((), plain(70, 100))]], 40)
    assert (page[MARGIN_PX : MARGIN_PX + 40, MARGIN_PX : MARGIN_PX + 40] == 70).all()


@pytest.mark.parametrize(("count", "columns"), [(1, 2), (2, 2), (6, 4), (12, 5), (100, 8)])
def test_folding(count: int, columns: int) -> None:
    panels = [SheetTile((str(n),), None) for n in range(count)]
    rows = fold(panels)
    assert [panel for row in rows for panel in row] == panels
    assert max(map(len, rows)) == min(columns, count)
    assert all(len(row) == len(rows[0]) for row in rows[:-1])
    assert fold(panels, 3)[0] == panels[:3]


def test_a_folder_is_replaced_whole_and_nothing_else_is_touched(tmp_path: Path) -> None:
    first = Exhibition(tmp_path / "x", {"model": "m"})
    first.add("a b/c", plain(1), {"unit": 1})
    first.add("failed", None, {"unit": 2})
    first.write([[SheetTile((), plain(1))]])
    (tmp_path / "x" / "mine.txt").write_text("kept")
    record = json.loads((tmp_path / "x" / RECORD).read_text())
    assert record["features"] == [
        {"file": "000_a-b-c.png", "label": "a b/c", "unit": 1},
        {"file": None, "label": "failed", "unit": 2},
    ]
    assert (decode((tmp_path / "x" / "000_a-b-c.png").read_bytes(), "") == 1).all()
    second = Exhibition(tmp_path / "x", {"model": "m"})
    second.add("d", plain(2), {})
    second.write([[SheetTile((), plain(2))]])
    assert {path.name for path in (tmp_path / "x").iterdir()} == {"000_d.png", GRID, RECORD, "mine.txt"}


def test_a_folder_of_others_is_refused(tmp_path: Path) -> None:
    (tmp_path / "photo.png").write_bytes(b"mine")
    with pytest.raises(ArgumentError, match=r"must be empty or hold a features.json, but holds photo.png"):
        Exhibition(tmp_path, {}).write([[SheetTile((), plain(1))]])
    refuse_strangers(tmp_path / "not there yet")


def test_a_record_cannot_name_files_elsewhere(tmp_path: Path) -> None:
    outside = tmp_path / "outside.png"
    outside.write_bytes(b"mine")
    folder = tmp_path / "x"
    folder.mkdir()
    (folder / RECORD).write_text(json.dumps({"features": [{"file": "../outside.png"}, {"file": 3}, "odd"]}))
    Exhibition(folder, {}).write([[SheetTile((), plain(1))]])
    assert outside.exists()


def test_a_file_where_the_folder_must_be_is_one_line(tmp_path: Path) -> None:
    (tmp_path / "x").write_text("a file")
    with pytest.raises(StoreError, match="cannot list"):
        Exhibition(tmp_path / "x", {}).write([[SheetTile((), plain(1))]])

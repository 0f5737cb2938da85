"""A file is the former one or all of the new one, and nothing is left beside it."""

from __future__ import annotations

from pathlib import Path

import pytest

from hardiness.core.whole_files import whole_file


def test_the_former_file_stays_until_all_is_written(tmp_path: Path) -> None:
    file = tmp_path / "a.json"
    file.write_text("former")
    with whole_file(file) as part:
        part.write_text("half")
        assert file.read_text() == "former"
        part.write_text("whole")
    assert file.read_text() == "whole"
    assert list(tmp_path.iterdir()) == [file]


def test_what_fails_leaves_the_former_file_and_nothing_else(tmp_path: Path) -> None:
    file = tmp_path / "a.json"
    file.write_text("former")

    def write_half() -> None:
        with whole_file(file, tmp_path / "b.part") as part:
            part.write_text("half")
            raise OSError("the disk is full")

    with pytest.raises(OSError, match="full"):
        write_half()
    assert file.read_text() == "former"
    assert list(tmp_path.iterdir()) == [file]

"""Files of patches that are not what they must be."""

from __future__ import annotations

import gzip
from pathlib import Path

import pytest
from PIL import Image

from hardiness.attacks.patch_files import MOST_BYTES, read_patch
from hardiness.core.errors import ArgumentError


@pytest.mark.slow
def test_a_file_that_unpacks_to_more_than_it_may_is_refused(tmp_path: Path) -> None:
    with gzip.open(tmp_path / "patches.gz", "wb", compresslevel=1) as stream:
        for _ in range(MOST_BYTES >> 24):
            stream.write(bytes(1 << 24))
        stream.write(b"\0")
    with pytest.raises(ArgumentError, match="it unpacks to more than 256 MiB"):
        read_patch(str(tmp_path / "patches.gz"), 0)


def test_a_pickle_that_asks_for_a_table_of_all_memory_is_refused(tmp_path: Path) -> None:
    with gzip.open(tmp_path / "patches.gz", "wb") as stream:
        stream.write(b"\x80\x02}r\x00\x00\x00\x01.")  # an empty dictionary, remembered as number 16,777,216
    with pytest.raises(ArgumentError, match="it remembers something as number 16777216 after 2 operations"):
        read_patch(str(tmp_path / "patches.gz"), 0)


@pytest.mark.parametrize("content", [b"", b"no picture", b"\xff\xd8\xff"])
def test_what_is_no_picture_is_told(tmp_path: Path, content: bytes) -> None:
    (tmp_path / "patch.png").write_bytes(content)
    with pytest.raises(ArgumentError, match=r"patch\.png must be a picture: "):
        read_patch(str(tmp_path / "patch.png"), 0)


@pytest.mark.slow
def test_a_picture_of_too_many_pixels_is_told(tmp_path: Path) -> None:
    Image.new("1", (20_000, 20_000)).save(tmp_path / "patch.png")
    with pytest.raises(ArgumentError, match="must have at most 89,000,000 pixels"):
        read_patch(str(tmp_path / "patch.png"), 0)

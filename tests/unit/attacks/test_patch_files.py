"""Files of patches that are not what they must be."""

from __future__ import annotations

import gzip
from pathlib import Path

import pytest

from hardiness.attacks.kit.patch_files import MOST_BYTES, read_patch
from hardiness.core import ArgumentError


def test_a_file_that_unpacks_to_more_than_it_may_is_refused(tmp_path: Path) -> None:
    with gzip.open(tmp_path / "patches.gz", "wb", compresslevel=1) as stream:
        for _ in range(MOST_BYTES >> 24):
            stream.write(bytes(1 << 24))
        stream.write(b"\0")
    with pytest.raises(ArgumentError, match="it unpacks to more than 256 MiB"):
        read_patch(str(tmp_path / "patches.gz"), 0)

"""Reading bytes from folders and tars, from many threads, and what is said when that fails."""

from __future__ import annotations

import dataclasses
import os
import tarfile
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import pytest

from hardiness.core.errors import SampleError
from hardiness.sources.archives import members
from hardiness.sources.files import DiskFile, TarMember


def test_a_file_gives_its_bytes_and_its_path(tmp_path: Path) -> None:
    path = tmp_path / "a.jpg"
    path.write_bytes(b"abc")
    file = DiskFile(str(path))
    assert file.read() == file.read() == b"abc"
    assert file.name == str(path)


def test_files_are_values() -> None:
    assert DiskFile("a") == DiskFile("a")
    assert len({TarMember("a.tar", 0, 1, "x"), TarMember("a.tar", 0, 1, "x")}) == 1
    with pytest.raises(dataclasses.FrozenInstanceError):
        DiskFile("a").path = "b"  # type: ignore[misc]


def test_a_missing_file_is_named(tmp_path: Path) -> None:
    with pytest.raises(SampleError, match=r"gone\.jpg: cannot be read \(No such file"):
        DiskFile(str(tmp_path / "gone.jpg")).read()


def test_a_folder_is_no_file(tmp_path: Path) -> None:
    with pytest.raises(SampleError, match="cannot be read"):
        DiskFile(str(tmp_path)).read()


def packed(folder: Path, contents: dict[str, bytes]) -> Path:
    archive = folder / "set.tar"
    with tarfile.open(archive, "w") as tar:
        for name, content in contents.items():
            path = folder / "member"
            path.write_bytes(content)
            tar.add(path, name)
    return archive


def test_members_of_a_tar_are_read_from_many_threads(tmp_path: Path) -> None:
    contents = {f"d/{i}.bin": os.urandom(3000 + i) for i in range(40)}
    files = members(packed(tmp_path, contents))
    with ThreadPoolExecutor(8) as pool:
        for file, content in zip(list(files) * 5, pool.map(TarMember.read, list(files) * 5), strict=True):
            assert content == contents[file.member]
    assert files[0].name.endswith("set.tar!d/0.bin")


def test_an_archive_cut_after_it_was_listed_is_told(tmp_path: Path) -> None:
    archive = packed(tmp_path, {"a": b"x" * 5000})
    (file,) = members(archive)
    os.truncate(archive, file.offset + 100)
    with pytest.raises(SampleError, match=r"set\.tar!a: must have 5000 bytes, but the archive ends after 100;"):
        file.read()
    archive.unlink()
    with pytest.raises(SampleError, match=r"set\.tar!a: cannot be read"):
        file.read()

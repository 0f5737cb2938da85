"""Listing tars and WebDataset shards."""

from __future__ import annotations

import bz2
import gzip
import io
import lzma
import os
import tarfile
from pathlib import Path

import pytest

from hardiness.core.errors import DataError
from hardiness.sources.archives import members
from hardiness.sources.shards import expand
from hardiness.sources.webdataset import is_shard, webdataset_samples


def tar_of(path: Path, contents: dict[str, bytes]) -> Path:
    with tarfile.open(path, "w") as tar:
        for name, content in contents.items():
            entry = tarfile.TarInfo(name)
            entry.size = len(content)
            tar.addfile(entry, io.BytesIO(content))
    return path


def test_members_are_the_regular_files(tmp_path: Path) -> None:
    (tmp_path / "deep").mkdir()
    (tmp_path / "deep" / "a").write_bytes(b"1")
    (tmp_path / "link").symlink_to("deep/a")
    with tarfile.open(tmp_path / "x.tar", "w") as tar:
        tar.add(tmp_path / "deep", "deep")
        tar.add(tmp_path / "link", "link")
    (file,) = members(tmp_path / "x.tar")
    assert (file.member, file.size, file.read()) == ("deep/a", 1, b"1")


def test_long_names_are_whole(tmp_path: Path) -> None:
    name = "d" * 120 + "/" + "f" * 150 + ".jpg"
    (file,) = members(tar_of(tmp_path / "x.tar", {name: b"1"}))
    assert (file.member, file.read()) == (name, b"1")


@pytest.mark.parametrize(
    ("kind", "compress"), [("gzip", gzip.compress), ("bzip2", bz2.compress), ("xz", lzma.compress)]
)
def test_compressed_tars_are_refused(tmp_path: Path, kind: str, compress: object) -> None:
    plain = tar_of(tmp_path / "x.tar", {"a": b"1"}).read_bytes()
    (tmp_path / "x.tar").write_bytes(compress(plain))  # type: ignore[operator]
    with pytest.raises(DataError, match=rf"x\.tar must be an uncompressed tar.*{kind}-compressed; decompress it first"):
        members(tmp_path / "x.tar")


def test_a_name_that_begins_like_a_compressed_file_is_fine(tmp_path: Path) -> None:
    assert len(members(tar_of(tmp_path / "x.tar", {"PKBZh/a": b"1"}))) == 1


def test_what_is_no_tar_is_refused(tmp_path: Path) -> None:
    (tmp_path / "x.tar").write_bytes(os.urandom(2000))
    with pytest.raises(DataError, match=r"x\.tar must be a whole tar"):
        members(tmp_path / "x.tar")


def test_a_truncated_tar_is_refused(tmp_path: Path) -> None:
    archive = tar_of(tmp_path / "x.tar", {"a": b"1" * 5000, "b": b"2" * 5000})
    os.truncate(archive, 8000)
    with pytest.raises(DataError, match=r"x\.tar must be a whole tar"):
        members(archive)


def test_a_missing_tar_is_told(tmp_path: Path) -> None:
    with pytest.raises(DataError, match=r"x\.tar cannot be read \(No such file"):
        members(tmp_path / "x.tar")


@pytest.mark.parametrize(
    ("pattern", "expected"),
    [
        ("x.tar", ["x.tar"]),
        ("x-{000..002}.tar", ["x-000.tar", "x-001.tar", "x-002.tar"]),
        ("x-{8..11}.tar", ["x-10.tar", "x-11.tar", "x-8.tar", "x-9.tar"]),
        ("{a,b}-{0..1}.tar", ["a-0.tar", "a-1.tar", "b-0.tar", "b-1.tar"]),
    ],
)
def test_braces_expand(pattern: str, expected: list[str]) -> None:
    assert expand(pattern) == tuple(map(Path, expected))


def test_wildcards_find_files(tmp_path: Path) -> None:
    for name in ("s-1.tar", "s-0.tar", "other.txt"):
        (tmp_path / name).touch()
    assert expand(f"{tmp_path}/s-*.tar") == (tmp_path / "s-0.tar", tmp_path / "s-1.tar")
    assert expand(f"{tmp_path}/t-*.tar") == ()


def test_samples_pair_images_with_labels(tmp_path: Path) -> None:
    contents = {
        "a/000.jpg": b"first",
        "a/000.cls": b"7",
        "001.PNG": b"second",
        "001.json": b'{"label": 8}',
        "002.webp": b"third",
        "002.cls": b" 9\n",
        "002.json": b'{"width": 3}',
        "002.txt": b"ignored",
    }
    files = members(tar_of(tmp_path / "s.tar", contents))
    assert is_shard(files)
    found = [(sample.key, sample.image.read(), sample.label) for sample in webdataset_samples(files)]
    assert found == [("a/000", b"first", 7), ("001", b"second", 8), ("002", b"third", 9)]


def test_a_tree_is_no_shard(tmp_path: Path) -> None:
    contents = {"n01440764/a.jpg": b"1", "n01440764/b.JPEG": b"1", "about.json": b"{}"}
    assert not is_shard(members(tar_of(tmp_path / "s.tar", contents)))


@pytest.mark.parametrize(
    ("contents", "message"),
    [
        ({"0.jpg": b""}, r"s\.tar!0\.jpg: must have a label"),
        ({"0.cls": b"1"}, r"s\.tar!0\.cls: must have an image"),
        ({"0.jpg": b"", "0.cls": b"cat"}, r"s\.tar!0\.cls: must hold a class index"),
        ({"0.jpg": b"", "0.json": b"{}"}, r"s\.tar!0\.json: must hold a class index"),
        ({"0.jpg": b"", "0.json": b"[1"}, r"s\.tar!0\.json: must hold a class index"),
        ({"0.jpg": b"", "0.cls": b"\xff"}, r"s\.tar!0\.cls: must hold a class index"),
    ],
)
def test_bad_samples_are_named(tmp_path: Path, contents: dict[str, bytes], message: str) -> None:
    with pytest.raises(DataError, match=message):
        webdataset_samples(members(tar_of(tmp_path / "s.tar", contents)))

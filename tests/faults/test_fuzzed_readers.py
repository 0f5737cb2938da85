"""Readers of what others made, given hundreds of damaged files each: a verdict or one line, never anything else.

``HARDINESS_FUZZ=100000`` asks for more.
"""

from __future__ import annotations

import gzip
import io
import os
import pickle
import random
import shutil
import tarfile
import warnings
import zipfile
from collections.abc import Callable
from pathlib import Path

import numpy as np
import PIL.Image
import pyarrow as pa
import pyarrow.parquet as pq
import pytest
import torch

from hardiness.attacks import patch_files
from hardiness.core.errors import HardinessError
from hardiness.core.table import Failure, Records
from hardiness.data.listing import Listings
from hardiness.data.root import locate
from hardiness.data.written_trees import WrittenTree
from hardiness.imaging.codecs import decode
from hardiness.imaging.mp4 import video_facts
from hardiness.imaging.videos import encode_video
from hardiness.reference.classes import wnids
from hardiness.sources.extraction import unpack
from hardiness.sources.numpy_pickles import read_arrays
from hardiness.store import shards

SHARD = "000000-0123456789ab.parquet"
ROWS = Records(
    {
        "sample": np.array(["a", "b"], np.str_),
        "condition": np.zeros(2, np.int16),
        "confidence": np.array([0.25, 0.5], np.float32),
    },
    (Failure("c", "torn"),),
)

COUNT = int(os.environ.get("HARDINESS_FUZZ", "300"))
TENCH = wnids()[0]


def tar(mode: str = "w") -> bytes:
    stream = io.BytesIO()
    with tarfile.open(fileobj=stream, mode=mode) as archive:  # type: ignore[call-overload]
        for number in range(4):
            for suffix, content in (("jpg", b"x" * 100), ("cls", b"3"), ("json", b'{"label": 3}')):
                entry = tarfile.TarInfo(f"{TENCH}/{'long' * 40 if number == 2 else number}.{suffix}")
                entry.size = len(content)
                archive.addfile(entry, io.BytesIO(content))
    return stream.getvalue()


def zip_file() -> bytes:
    stream = io.BytesIO()
    with zipfile.ZipFile(stream, "w", zipfile.ZIP_DEFLATED) as archive:
        for number in range(4):
            archive.writestr(f"{TENCH}/{number}.jpg", b"x" * 1000)
    return stream.getvalue()


def parquet() -> bytes:
    stream = io.BytesIO()
    pictures = [{"bytes": b"x" * 50, "path": f"{number}.jpg"} for number in range(8)]
    pq.write_table(pa.table({"image": pictures, "label": list(range(8))}), stream)
    return stream.getvalue()


def video() -> bytes:
    return encode_video([np.full((32, 32, 3), 9 * n, np.uint8) for n in range(5)], {"preset": "ultrafast"})


def csv() -> bytes:
    return b'\xef\xbb\xbfpath,label\r\n"a.jpg",1\r\nb.jpg,22\r\n'


def manifest() -> bytes:
    return b'{"schema": 1, "files": {"fog/3": {"n01440764/a.JPEG": "' + b"0f" * 32 + b'"}}}'


def read_tar(content: bytes, folder: Path) -> None:
    (folder / "x.tar").write_bytes(content)
    for item in locate([f"imagenet={folder}/x.tar"]).dataset("imagenet").items:
        item.file.read()


def read_celled(content: bytes, folder: Path) -> None:
    (folder / "x.tar").write_bytes(content)
    locate([f"imagenet-c={folder}/x.tar"]).dataset("imagenet-c")


def unpacked(content: bytes, folder: Path) -> None:
    (folder / "x").write_bytes(content)
    unpack(folder / "x", folder / "out")


def read_parquet(content: bytes, folder: Path) -> None:
    (folder / "x.parquet").write_bytes(content)
    locate([f"imagenet={folder}/x.parquet"]).dataset("imagenet")


def read_csv(content: bytes, folder: Path) -> None:
    (folder / "l.csv").write_bytes(content)
    (folder / "flat").mkdir(exist_ok=True)
    for name in "ab":
        (folder / "flat" / f"{name}.jpg").write_bytes(b"x")
    locate([f"imagenet={folder}/flat:labels={folder}/l.csv"]).dataset("imagenet")


def read_manifest(content: bytes, folder: Path) -> None:
    (folder / "manifest.json").write_bytes(content)
    written = WrittenTree.read(folder)
    assert written is not None
    written.hashes("fog/3", Listings().shared(b"n01440764/a.JPEG"))


def jpeg() -> bytes:
    stream = io.BytesIO()
    PIL.Image.fromarray(np.arange(48 * 40 * 3, dtype=np.uint8).reshape(40, 48, 3)).save(stream, "JPEG")
    return stream.getvalue()


def png() -> bytes:
    stream = io.BytesIO()
    PIL.Image.fromarray(np.arange(48 * 40 * 3, dtype=np.uint8).reshape(40, 48, 3)).save(stream, "PNG")
    return stream.getvalue()


def pickled() -> bytes:
    return pickle.dumps({"means": [np.arange(6.0, dtype=np.float32).reshape(2, 3)], "n": [np.zeros(2, np.float32)]})


def shard() -> bytes:
    return shards.encode(ROWS, "key", SHARD)


def read_picture(content: bytes, folder: Path) -> None:
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")  # what PIL says of odd files
        decode(content, "photo")


def read_pickle(content: bytes, folder: Path) -> None:
    (folder / "x.pkl").write_bytes(content)
    read_arrays(folder / "x.pkl")


def read_shard(content: bytes, folder: Path) -> None:
    found = shards.read(content, f"{folder}/{SHARD}", columns=None, key="key", cells={})
    assert all(np.array_equal(found[name], column) for name, column in ROWS.columns.items()), "never another number"
    assert found.failures == ROWS.failures


def read_video(content: bytes, folder: Path) -> None:
    video_facts(content)


def patches() -> bytes:
    generator = torch.Generator().manual_seed(0)
    return pickle.dumps((torch.rand(2, 3, 9, 9, generator=generator), torch.arange(2)))


def read_packed_patches(content: bytes, folder: Path) -> None:
    (folder / "patches.gz").write_bytes(content)
    patch_files._read_patches.cache_clear()  # files of one size are written faster than a disk's clock ticks
    assert patch_files.read_patch(str(folder / "patches.gz"), 1).shape[0] == 3


def read_patches(content: bytes, folder: Path) -> None:
    read_packed_patches(gzip.compress(content, 1), folder)


def damaged(content: bytes, chance: random.Random) -> bytes:
    """Some bytes replaced, removed, repeated or zeroed; or the file cut."""
    found = bytearray(content)
    for _ in range(chance.choice((1, 1, 2, 5))):
        at = chance.randrange(len(found) + 1)
        kind = chance.randrange(5)
        if kind == 0:
            found[at : at + 1] = chance.randbytes(1)
        elif kind == 1:
            found[at : at + chance.randint(1, 40)] = b""
        elif kind == 2:
            found[at:at] = found[max(at - 20, 0) : at]
        elif kind == 3:
            length = min(chance.randint(1, 30), len(found) - at)
            found[at : at + length] = bytes(length)
        else:
            found = found[:at] if chance.random() < 0.3 else found
    return bytes(found)


READERS: list[tuple[str, Callable[[], bytes], Callable[[bytes, Path], None]]] = [
    ("tar", tar, read_tar),
    ("celled tar", tar, read_celled),
    ("unpacked tar", tar, unpacked),
    ("unpacked tar.gz", lambda: tar("w:gz"), unpacked),
    ("unpacked zip", zip_file, unpacked),
    ("parquet", parquet, read_parquet),
    ("csv", csv, read_csv),
    ("manifest", manifest, read_manifest),
    ("video boxes", video, read_video),
    ("jpeg", jpeg, read_picture),
    ("png", png, read_picture),
    ("pickle of arrays", pickled, read_pickle),
    ("shard of rows", shard, read_shard),
    ("packed patches", lambda: gzip.compress(patches()), read_packed_patches),
    ("patches", patches, read_patches),
]


@pytest.mark.parametrize(("name", "make", "read"), READERS, ids=[name for name, *_ in READERS])
def test_damage_is_told_in_one_line(
    name: str,
    make: Callable[[], bytes],
    read: Callable[[bytes, Path], None],
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setenv("HARDINESS_CACHE", str(tmp_path / "cache"))
    content, told = make(), []
    for number in range(COUNT):
        folder = tmp_path / str(number % 50)
        folder.mkdir(exist_ok=True)
        try:
            read(damaged(content, random.Random(number)), folder)
        except HardinessError as error:
            told.append(str(error))
        if name.startswith("unpacked"):
            shutil.rmtree(folder)  # tens of thousands of small files take longer to remove at the end
    assert all(line.isprintable() for line in told), next(repr(line) for line in told if not line.isprintable())
    assert told or name == "video boxes"
    assert {path.name for path in tmp_path.iterdir()} <= {"cache", *map(str, range(50))}

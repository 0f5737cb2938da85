"""Data sets in Parquet, as the hub holds them."""

from __future__ import annotations

import shutil
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq
import pytest

from hardiness.core.errors import DataError, HardinessError, SampleError
from hardiness.data.checking import check
from hardiness.data.inventory import inventory
from hardiness.data.root import Place, locate
from hardiness.engine.worker import unchanged
from hardiness.reference.classes import wnids
from hardiness.reference.published_data import published_set
from hardiness.sources import row_groups, tables

TENCH, GOLDFISH = wnids()[:2]


@pytest.fixture(autouse=True)
def _own_cache(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("HARDINESS_CACHE", str(tmp_path / "cache"))


def table(file: Path, rows: list[tuple[bytes | None, str | None, Any]], **columns: Any) -> Path:
    file.parent.mkdir(parents=True, exist_ok=True)
    images = [{"bytes": content, "path": path} for content, path, _ in rows]
    kind = pa.struct([("bytes", pa.binary()), ("path", pa.string())])
    pq.write_table(
        pa.table({"image": pa.array(images, kind), "label": [label for *_, label in rows], **columns}),
        file,
        row_group_size=2,
    )
    return file


def found(argument: str, name: str = "imagenet") -> list[tuple[str, int, bytes]]:
    items = locate([argument]).dataset(name).items
    assert all(map(unchanged, items))
    return [(item.id, item.label, item.file.read()) for item in items]


def complaint(argument: str, name: str = "imagenet") -> str:
    with pytest.raises(HardinessError) as told:
        locate([argument]).dataset(name)
    assert "\n" not in str(told.value)
    return str(told.value)


ROWS = [(b"first", "b.JPEG", 1), (b"second", "folder/a.JPEG", 0), (b"third", None, 1)]
EXPECTED = [(f"{TENCH}/a", 0, b"second"), (f"{GOLDFISH}/000002", 1, b"third"), (f"{GOLDFISH}/b", 1, b"first")]


def test_pictures_and_labels_are_read_as_they_are(tmp_path: Path) -> None:
    file = table(tmp_path / "set" / "data" / "validation-00000-of-00001.parquet", ROWS)
    assert found(f"imagenet={file}") == EXPECTED
    assert found(f"imagenet={tmp_path}/set") == EXPECTED


def test_pictures_are_read_in_place(tmp_path: Path) -> None:
    file = table(tmp_path / "set" / "data" / "validation-00000-of-00001.parquet", ROWS)
    items = locate([f"imagenet={tmp_path}/set"]).dataset("imagenet").items
    assert items[0].file.name == f"{file}!a.JPEG"
    assert sorted(item.file.read() for item in items) == [b"first", b"second", b"third"]
    assert sorted(path.name for path in tmp_path.rglob("*") if path.is_file()) == [file.name], "nothing is copied"
    table(file, ROWS[:2])
    with pytest.raises(SampleError, match=r"a\.JPEG: changed after the data were listed"):
        items[0].file.read()
    assert not unchanged(items[0])


def test_a_folder_of_the_hub_s_layout_holds_what_class_folders_hold(photographs: list[Path], tmp_path: Path) -> None:
    rows = [(path.read_bytes(), path.name, path.parent.name) for path in photographs[:6]]
    for shard in range(2):
        table(tmp_path / "hub" / "data" / f"validation-0000{shard}-of-00002.parquet", rows[shard::2])
    for content, name, wnid in rows:
        (tmp_path / "folders" / wnid).mkdir(parents=True, exist_ok=True)
        (tmp_path / "folders" / wnid / name).write_bytes(content)
    there, here = (found(f"imagenet={tmp_path}/{form}") for form in ("hub", "folders"))
    assert [(label, content) for _, label, content in sorted(there, key=lambda each: each[2])] == [
        (label, content) for _, label, content in sorted(here, key=lambda each: each[2])
    ]


BYTES = pa.binary()
KINDS = [
    BYTES,
    pa.struct([("bytes", pa.binary()), ("path", pa.string())]),
    pa.struct([pa.field("bytes", pa.binary(), nullable=False), ("path", pa.string())]),
]


@pytest.fixture
def large(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Callable[..., tuple[Path, list[bytes]]]:
    """Writes pictures as pandas does, in one group of rows, which is too large for single pictures."""
    monkeypatch.setattr(row_groups, "MOST_DECODED", 2000)

    def made(kind: Any = BYTES, seed: int = 0) -> tuple[Path, list[bytes]]:
        generator = np.random.default_rng(seed)
        pictures = [generator.bytes(int(size)) for size in generator.integers(1, 900, 40)]
        values = pictures if kind in (pa.binary(), pa.large_binary()) else [{"bytes": each} for each in pictures]
        file = tmp_path / "test.parquet"
        pq.write_table(pa.table({"image": pa.array(values, kind), "label": [0] * 40, "origin": ["x"] * 40}), file)
        return file, pictures

    return made


@pytest.mark.parametrize("kind", KINDS, ids=str)
def test_a_file_of_one_large_group_is_copied_once_in_small_groups(
    kind: Any, large: Any, tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    file, pictures = large(kind)
    rows = list(tables.parquet_rows(file, "origin"))
    assert [row.image.read() for row in rows] == pictures
    assert [row.beside for row in rows] == ["x"] * 40
    (copy,) = (tmp_path / "cache" / "tables").glob("*.parquet")
    facts = pq.read_metadata(copy)
    assert facts.num_rows == 40
    assert max(facts.row_group(number).total_byte_size for number in range(facts.num_row_groups)) < 4 * 2000
    written = copy.stat().st_mtime_ns
    row_groups._OPENED.clear()  # as another process has it
    assert [row.image.read() for row in tables.parquet_rows(file)] == pictures
    assert copy.stat().st_mtime_ns == written, "it is written once"
    _, others = large(kind, seed=1)
    assert [row.image.read() for row in tables.parquet_rows(file)] == others
    assert list((tmp_path / "cache" / "tables").glob("*.parquet")) == [copy], "the copy of the former file is gone"
    assert not caplog.messages


def test_a_row_without_a_picture_is_found_in_the_copy_too(large: Any, tmp_path: Path) -> None:
    kind = pa.struct([("bytes", pa.binary()), ("path", pa.string())])
    values = [{"bytes": b"x" * 900}, {"bytes": b"y" * 900}, None, {"bytes": b"z" * 900}]
    pq.write_table(pa.table({"image": pa.array(values, kind), "label": [0] * 4}), tmp_path / "x.parquet")
    with pytest.raises(DataError, match="row 2 must hold the bytes of a picture"):
        list(tables.parquet_rows(tmp_path / "x.parquet"))


@pytest.mark.parametrize("fault", ["a full disk", "a cache that cannot be written"])
def test_where_no_copy_can_be_kept_each_group_is_read_as_a_whole(
    fault: str, large: Any, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    if fault == "a full disk":
        monkeypatch.setattr(shutil, "disk_usage", lambda _: shutil._ntuple_diskusage(10**9, 10**9, 0))
    else:
        monkeypatch.setenv("HARDINESS_CACHE", "/proc/none")
    file, pictures = large()
    assert [row.image.read() for row in tables.parquet_rows(file)] == pictures
    (line,) = caplog.messages
    assert line.startswith(f"{file} has up to 0 MB in one group of rows, each of which is read as a whole: a copy in")
    assert ("0.0 GB are free" if fault == "a full disk" else "No such file or directory") in line
    assert not list(tmp_path.rglob("cache/tables/*.parquet"))


def test_a_copy_that_breaks_off_leaves_nothing(large: Any, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    def stop(*_: Any) -> None:
        raise KeyboardInterrupt

    file, pictures = large()
    monkeypatch.setattr(pq.ParquetWriter, "write_table", stop)
    with pytest.raises(KeyboardInterrupt):
        list(tables.parquet_rows(file))
    assert not list(tmp_path.rglob("cache/tables/*part*"))
    monkeypatch.undo()
    monkeypatch.setenv("HARDINESS_CACHE", str(tmp_path / "cache"))
    assert [row.image.read() for row in tables.parquet_rows(file)] == pictures


def test_a_split_is_chosen(tmp_path: Path) -> None:
    for split, label in (("train", 0), ("validation", 1)):
        for shard in range(2):
            table(tmp_path / "set" / f"{split}-0000{shard}-of-00002.parquet", [(b"x", "a.jpg", label)])
    assert [label for _, label, _ in found(f"imagenet={tmp_path}/set")] == [1, 1]
    assert [label for _, label, _ in found(f"imagenet={tmp_path}/set:split=train")] == [0, 0]
    assert "holds train, validation; add :split=NAME" in complaint(f"imagenet={tmp_path}/set:split=tset")


def test_wnids_are_labels_too(tmp_path: Path) -> None:
    file = table(tmp_path / "x.parquet", [(b"x", "a.jpg", GOLDFISH)])
    assert found(f"imagenet={file}") == [(f"{GOLDFISH}/a", 1, b"x")]


@pytest.mark.parametrize(
    ("rows", "says"),
    [
        ([(b"x", "a.jpg", 1000)], "its label must be a class index from 0 to 999 or a wnid, was '1000'"),
        ([(b"x", "a.jpg", -1)], "was '-1'"),
        ([(b"x", "a.jpg", "cat")], "was 'cat'"),
        ([(None, "a.jpg", 1)], "row 0 must hold the bytes of a picture"),
        ([], "must hold pictures with labels, but holds none"),
    ],
)
def test_rows_that_make_no_sense_are_told(tmp_path: Path, rows: Any, says: str) -> None:
    assert says in complaint(f"imagenet={table(tmp_path / 'x.parquet', rows)}")


def test_other_tables_are_told(tmp_path: Path) -> None:
    pq.write_table(pa.table({"text": ["a"]}), tmp_path / "x.parquet")
    assert "must have a column of pictures (image, img" in complaint(f"imagenet={tmp_path}/x.parquet")
    (tmp_path / "x.parquet").write_bytes(b"PAR1 nothing")
    assert "cannot be read as Parquet" in complaint(f"imagenet={tmp_path}/x.parquet")


@pytest.fixture
def hub(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Callable[[], list[Any]]:
    """A hub that holds one data set."""
    huggingface_hub = pytest.importorskip("huggingface_hub")
    table(tmp_path / "hub" / "data" / "test-00000-of-00001.parquet", ROWS)
    asked: list[Any] = []

    def files(self: Any, name: str, **_: Any) -> list[str]:
        if name != "org/set":
            raise OSError(f"404: no data set {name}\nmore")
        return ["README.md", "data/train-00000-of-00001.parquet", "data/test-00000-of-00001.parquet"]

    def download(name: str, **options: Any) -> str:
        asked.append((name, options))
        return str(tmp_path / "hub")

    monkeypatch.setattr(huggingface_hub.HfApi, "list_repo_files", files)
    monkeypatch.setattr(huggingface_hub, "snapshot_download", download)
    return lambda: asked


def test_a_data_set_of_the_hub_is_read_as_it_is(hub: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    assert found("imagenet=hf:org/set@v1") == EXPECTED
    ((name, options),) = hub()
    assert (name, options["revision"], options["repo_type"]) == ("org/set", "v1", "dataset")
    assert options["allow_patterns"] == ["data/test-00000-of-00001.parquet"]
    assert "404: no data set org/none" in complaint("imagenet=hf:org/none")
    monkeypatch.setenv("HARDINESS_OFFLINE", "1")
    assert found("imagenet=hf:org/set") == EXPECTED
    assert hub()[-1][1]["local_files_only"] is True


def test_a_check_reads_tables_in_place_and_says_what_is_wrong(photographs: list[Path], tmp_path: Path) -> None:
    rows = [(path.read_bytes(), path.name, path.parent.name) for path in photographs[:4]]
    rows += [(rows[0][0][:2000], "cut.JPEG", TENCH), (rows[1][0], "again.JPEG", rows[1][2]), (b"x", "no.JPEG", "cat")]
    table(tmp_path / "imagenet" / "data" / "validation-00000-of-00001.parquet", rows)
    place = Place(f"imagenet={tmp_path}/imagenet", str(tmp_path / "imagenet"))
    checked = check(published_set("imagenet"), place)
    assert checked.files == 7
    found = {(fault.kind, fault.path) for fault in checked.faults if fault.kind != "missing-class"}
    assert {("truncated", f"{TENCH}/cut.JPEG"), ("no-image", "cat/no.JPEG"), ("unknown-class", "cat")} <= found
    assert {kind for kind, _ in found} >= {"duplicate", "count"}
    assert checked.remarks == ()
    held = next(each for each in inventory(tmp_path) if each.published.name == "imagenet")
    assert held.note == "Parquet, read where it lies"

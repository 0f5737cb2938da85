"""Small pictures as arrays, in every form in which they are published, and what is wrong with some."""

from __future__ import annotations

import io
import os
import pickle
import struct
import tarfile
from collections.abc import Callable
from pathlib import Path

import numpy as np
import PIL.Image
import pytest

from hardiness.core.benchmark import DataSet
from hardiness.core.condition import Condition
from hardiness.core.errors import DataError, SampleError
from hardiness.data.checking import check
from hardiness.data.root import Place, locate
from hardiness.imaging.codecs import decode
from hardiness.reference.published_data import published_set
from hardiness.report.words import text

RANDOM = np.random.default_rng(0)
X = RANDOM.integers(0, 256, (20, 32, 32, 3), dtype=np.uint8)
Y = np.arange(20) % 10


def read(name: str, path: Path) -> DataSet:
    return locate([f"{name}={path}"]).dataset(name)


def written_npz(folder: Path) -> Path:
    np.savez(folder / "part.npz", x=X, y=Y)
    return folder / "part.npz"


def batch() -> bytes:
    flat = X.transpose(0, 3, 1, 2).reshape(len(X), -1)
    content = pickle.dumps({"data": flat, "labels": Y.tolist(), "batch_label": "testing batch 1 of 1"}, protocol=3)
    # Bytes as Python 2 wrote them, which made the published batches.
    as_bytes, as_text = (opcode + struct.pack("<I", flat.nbytes) for opcode in (b"B", b"T"))
    assert content.count(as_bytes) == 1
    return content.replace(as_bytes, as_text)


def written_batch(folder: Path) -> Path:
    (folder / "cifar-10-batches-py").mkdir()
    (folder / "cifar-10-batches-py" / "test_batch").write_bytes(batch())
    return folder


def written_archive(folder: Path) -> Path:
    with tarfile.open(folder / "cifar-10-python.tar.gz", "w:gz") as archive:
        member = tarfile.TarInfo("cifar-10-batches-py/test_batch")
        member.size = len(batch())
        archive.addfile(member, io.BytesIO(batch()))
    return folder


def written_npy(folder: Path) -> Path:
    np.save(folder / "some_data.npy", X)
    np.save(folder / "some_labels.npy", Y)
    return folder


@pytest.mark.parametrize("write", [written_npz, written_batch, written_archive, written_npy])
def test_every_form_gives_the_same_pictures_under_the_same_names(write: Callable[[Path], Path], tmp_path: Path) -> None:
    data = read("cifar10", write(tmp_path))
    assert data.items[0].id == "airplane/00000"
    assert (data.num_classes, data.released, data.side_px, len(data)) == (10, 10_000, 32, 20)
    assert data.class_names
    assert data.class_names[9] == "truck"
    by_id = {item.id: item for item in data.items}
    for at, (picture, label) in enumerate(zip(X, Y, strict=True)):
        item = by_id[f"{data.class_names[label]}/{at:05d}"]
        assert item.label == label
        np.testing.assert_array_equal(decode(item.file.read(), item.file.name), picture)
    (tmp_path / "again").mkdir()
    assert data.fingerprint == read("cifar10", written_npz(tmp_path / "again")).fingerprint


def test_folders_of_pictures_are_read_and_other_sizes_refused_one_by_one(tmp_path: Path) -> None:
    for at, name in enumerate(("airplane", "truck")):
        (tmp_path / name).mkdir()
        PIL.Image.fromarray(X[at]).save(tmp_path / name / "a.png")
    PIL.Image.fromarray(X[0][:30]).save(tmp_path / "truck" / "b.png")
    data = read("cifar10", tmp_path)
    assert [(item.id, item.label) for item in data.items] == [("airplane/a", 0), ("truck/a", 9), ("truck/b", 9)]
    np.testing.assert_array_equal(decode(data.items[0].file.read(), "a"), X[0])
    with pytest.raises(SampleError, match="must be 32x32 pixels, was 32x30; nothing is resized"):
        data.items[2].file.read()
    PIL.Image.fromarray(X[0]).convert("L").save(tmp_path / "airplane" / "a.png")
    with pytest.raises(SampleError, match="must be RGB, was grey; save it in colours if you mean it"):
        read("cifar10", tmp_path).items[0].file.read()
    PIL.Image.fromarray(X[0]).save(tmp_path / "airplane" / "a.png")
    place = Place(str(tmp_path), str(tmp_path))
    report = check(published_set("cifar10"), place)
    assert [(fault.kind, fault.is_note) for fault in report.faults] == [("count", True), ("wrong-size", False)]
    assert not report.sound


def unlabelled(folder: Path) -> None:
    (folder / "some_labels.npy").unlink()


def truncated(folder: Path) -> None:
    (folder / "some_data.npy").write_bytes((folder / "some_data.npy").read_bytes()[:-1])


@pytest.mark.parametrize(
    ("damage", "message"),
    [(unlabelled, "some_data.npy needs its labels beside it"), (truncated, r"some_data.npy must be a whole file of")],
)
def test_arrays_that_are_not_whole_are_refused(damage: Callable[[Path], None], message: str, tmp_path: Path) -> None:
    damage(written_npy(tmp_path))
    with pytest.raises(DataError, match=message):
        read("cifar10", tmp_path)


def test_an_archive_without_its_batch_and_a_folder_without_labels_are_refused(tmp_path: Path) -> None:
    with tarfile.open(tmp_path / "cifar-10-python.tar.gz", "w:gz") as archive:
        archive.addfile(tarfile.TarInfo("cifar-10-batches-py/data_batch_1"))
    with pytest.raises(DataError, match=r"cannot be read \(test_batch is not in the archive\); fetch it again"):
        read("cifar10", tmp_path)
    (written_corrupted(tmp_path) / "CIFAR-10-C" / "labels.npy").unlink()
    with pytest.raises(DataError, match=r"must be a folder of <corruption>.npy and labels.npy; unpack the archive"):
        read("cifar10-c", tmp_path)


class Evil:
    def __reduce__(self) -> tuple[Callable[[str], int], tuple[str]]:
        return os.system, ("true",)


@pytest.mark.parametrize(
    ("x", "y", "message"),
    [
        (X[..., 0], Y, r"were uint8 \(20, 32, 32\); grey pictures are of another set"),
        (X[:, :30], Y, r"must be uint8 \(N, 32, 32, 3\), were uint8 \(20, 30, 32, 3\)"),
        (X.transpose(0, 3, 1, 2), Y, r"put the channels last with x.transpose\(0, 2, 3, 1\)"),
        (X / 255, Y, r"were float64 up to 1; convert them with \(255 \* x\).round\(\).astype\('uint8'\)"),
        (X.astype(np.float32), Y, r"were float32 up to 255; convert them with x.round\(\)"),
        (X, Y + 1, r"labels of cifar10 must be from 0 to 9, were 1 to 10; they seem to begin with 1: subtract 1"),
        (X, Y[:-1], r"labels must be 20 whole numbers, were int64 \(19,\)"),
        (X[:0], Y[:0], r"were none"),
    ],
)
def test_what_is_no_test_set_is_refused_in_one_line(x: np.ndarray, y: np.ndarray, message: str, tmp_path: Path) -> None:
    np.savez(tmp_path / "a.npz", x=x, y=y)
    with pytest.raises(DataError, match=message) as caught:
        read("cifar10", tmp_path / "a.npz")
    assert "\n" not in str(caught.value)


def test_truncated_files_and_pickles_with_code_are_refused(tmp_path: Path) -> None:
    for file, content in (
        ("a.npz", written_npz(tmp_path).read_bytes()[:500]),
        ("test_batch", batch()[:2000]),
        ("evil/test_batch", pickle.dumps({"data": Evil()})),
        ("cifar-10-python.tar.gz", (written_archive(tmp_path) / "cifar-10-python.tar.gz").read_bytes()[:900]),
    ):
        (tmp_path / file).parent.mkdir(exist_ok=True)
        (tmp_path / file).write_bytes(content)
        with pytest.raises(DataError) as caught:
            read("cifar10", tmp_path / file)
        assert "\n" not in str(caught.value)


def written_corrupted(folder: Path) -> Path:
    inner = folder / "CIFAR-10-C"
    inner.mkdir()
    np.save(inner / "labels.npy", np.tile(Y, 5).astype(np.uint8))
    for at, name in enumerate(("fog", "snow", "contrast")):
        np.save(inner / f"{name}.npy", np.concatenate([np.roll(X, 7 * at + severity, 1) for severity in range(1, 6)]))
    return folder


def test_the_archive_of_corrupted_pictures_is_read_severity_by_severity(tmp_path: Path) -> None:
    data = read("cifar10-c", written_corrupted(tmp_path))
    (item,) = [item for item in data.items if item.id == "bird/00012"]
    for at, name in enumerate(("fog", "snow")):
        cell = item.file.cell(name, 3)
        np.testing.assert_array_equal(decode(cell.read(), cell.name), np.roll(X, 7 * at + 3, 1)[12])
    assert data.conditions
    assert len(data.conditions) == 15
    assert data.fingerprints[Condition(corruption="fog", severity=1)]


def test_a_truncated_array_and_one_of_other_pictures_cost_their_corruption_only(tmp_path: Path) -> None:
    inner = written_corrupted(tmp_path) / "CIFAR-10-C"
    (inner / "fog.npy").write_bytes((inner / "fog.npy").read_bytes()[:-1000])
    np.save(inner / "snow.npy", X)
    data = read("cifar10-c", tmp_path)
    assert data.conditions
    assert {cell["corruption"] for cell in data.conditions} == {"contrast"}
    assert len(data.notes) == 2
    assert "fog.npy cannot be read and is left out" in text(data.notes[0])
    assert "snow.npy holds 20 pictures for 100 labels: left out" in text(data.notes[1])
    report = check(published_set("cifar10-c"), Place(str(tmp_path), str(tmp_path)))
    missing = [fault.path for fault in report.faults if fault.kind == "missing-condition"]
    assert len(missing) == 14
    assert "fog" in missing


def test_the_published_part_of_the_test_set_has_its_own_names(tmp_path: Path) -> None:
    np.save(tmp_path / "cifar10.1_v6_data.npy", X)
    np.save(tmp_path / "cifar10.1_v6_labels.npy", Y)
    np.save(tmp_path / "cifar10.1_v4_data.npy", X[:3])
    data = read("cifar10.1", tmp_path)
    assert (data.name, len(data), data.released) == ("cifar10.1", 20, 2000)


def test_another_draw_of_new_pictures_is_a_set_of_its_own(tmp_path: Path) -> None:
    many = np.zeros((2021, 32, 32, 3), np.uint8)
    for version, count in (("v4", 2021), ("v6", 2000)):
        np.save(tmp_path / f"cifar10.1_{version}_data.npy", many[:count])
        np.save(tmp_path / f"cifar10.1_{version}_labels.npy", np.arange(count) % 10)
    file = tmp_path / "cifar10.1_v4_data.npy"
    for place in (tmp_path, file):
        data = read("cifar10.1-v4", place)
        assert (len(data), data.released) == (2021, 2021)
    with pytest.raises(DataError, match=r"holds 2,021 pictures and cifar10\.1 has 2,000: name the set"):
        read("cifar10.1", file)

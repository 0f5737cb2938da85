"""What must not be read as data, links without end, files that change, and names that are no UTF-8."""

from __future__ import annotations

import os
import socket
import subprocess
import sys
import unicodedata
from pathlib import Path
from typing import Any, Literal

import pytest

from hardiness.core.benchmark import DataSet
from hardiness.core.condition import Condition
from hardiness.core.errors import DataError, HardinessError, SampleError
from hardiness.data.label_files import read_labels
from hardiness.data.root import locate
from hardiness.engine.worker import unchanged
from hardiness.reference.classes import wnids
from hardiness.report.words import text
from hardiness.sources import files
from hardiness.sources.files import DiskFile

TENCH, GOLDFISH = wnids()[:2]


def put(path: Path, content: bytes = b"x") -> Path:
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_bytes(content)
    return path


def imagenet(root: Path, labels: str = "") -> DataSet:
    return locate([f"imagenet={root}{labels}"]).dataset("imagenet")


def refusal(argument: str, name: str = "imagenet") -> str:
    with pytest.raises(HardinessError) as told:
        locate([argument]).dataset(name)
    assert "\n" not in str(told.value)
    return str(told.value)


def fifo(path: Path) -> None:
    os.mkfifo(path)


def listening(path: Path) -> None:
    with socket.socket(socket.AF_UNIX) as server:
        server.bind(str(path))


def zeros(path: Path) -> None:
    path.symlink_to("/dev/zero")


SPECIAL = [(fifo, "is a FIFO"), (listening, "is a socket"), (zeros, "is a device"), (Path.mkdir, "is a folder")]


@pytest.mark.parametrize(("make", "says"), SPECIAL)
def test_special_files_are_no_photographs(
    tmp_path: Path, make: Any, says: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    put(tmp_path / TENCH / "a.jpg")
    make(Path(TENCH) / "b.jpg")
    with pytest.raises(SampleError, match=says):
        DiskFile(str(tmp_path / TENCH / "b.jpg")).read()
    for item in imagenet(tmp_path).items[1:]:
        with pytest.raises(SampleError, match=says):
            item.file.read()


@pytest.mark.parametrize(("make", "says"), SPECIAL)
def test_special_files_are_neither_labels_nor_tars(
    tmp_path: Path, make: Any, says: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    put(tmp_path / "flat" / "a.jpg")
    make(Path("l.csv"))
    assert says in refusal(f"imagenet={tmp_path}/flat:labels={tmp_path}/l.csv")
    if make is not Path.mkdir:
        assert "must be a file, but is a FIFO, socket or device" in refusal(f"imagenet={tmp_path}/l.csv")


def test_a_file_without_end_does_not_take_all_memory(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    large = tmp_path / "a.jpg"
    with large.open("wb") as stream:
        stream.truncate(files.MAX_BYTES + 1)
    with pytest.raises(SampleError, match="at most 268,435,456 are read"):
        DiskFile(str(large)).read()


def test_a_file_that_does_not_fit_into_memory_fails_alone(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    def full(*_: object, **__: object) -> bytes:
        raise MemoryError

    monkeypatch.setattr(files, "read_regular", full)
    with pytest.raises(SampleError, match="does not fit into memory"):
        DiskFile(str(put(tmp_path / "a.jpg"))).read()


def test_links_that_multiply_paths_are_bounded(tmp_path: Path) -> None:
    for level in range(30):
        folder = tmp_path / f"level{level}"
        folder.mkdir()
        for way in "ab":
            (folder / way).symlink_to(tmp_path / f"level{level + 1}")
    put(tmp_path / "level30" / "a.jpg")
    assert "by more than 1000 ways" in refusal(f"imagenet={tmp_path}/level0:classes=folders")


def test_links_in_a_circle_end(tmp_path: Path) -> None:
    put(tmp_path / TENCH / "a.jpg")
    (tmp_path / TENCH / "self").symlink_to(".")
    (tmp_path / TENCH / "up").symlink_to("..")
    (tmp_path / TENCH / "loop.jpg").symlink_to("loop.jpg")
    assert f"{TENCH}/loop" in [item.id for item in imagenet(tmp_path).items]  # which fails alone when it is read
    (tmp_path / TENCH / "loop.jpg").unlink()
    assert [item.id for item in imagenet(tmp_path).items] == [f"{TENCH}/a"]


# Files that change --------------------------------------------------------------------------------------------------


def replace(first: Path, second: Path) -> None:
    put(second.with_suffix(".new"), first.read_bytes()).replace(first)


def exchange(first: Path, second: Path) -> None:
    between = first.with_suffix(".between")
    first.rename(between)
    second.rename(first)
    between.rename(second)


def append(first: Path, second: Path) -> None:
    with first.open("ab") as stream:
        stream.write(b"more")


def remove(first: Path, second: Path) -> None:
    first.unlink()


@pytest.mark.parametrize("change", [replace, exchange, append, remove])
def test_a_photograph_that_changes_is_noticed(tmp_path: Path, change: Any) -> None:
    first, second = put(tmp_path / TENCH / "a.jpg", b"1"), put(tmp_path / GOLDFISH / "b.jpg", b"2")
    for file in (first, second):
        os.utime(file, ns=(1, 10**18))  # as a tar leaves them: size and time alone would not tell them apart
    items = imagenet(tmp_path).items
    assert all(map(unchanged, items))
    assert [item.file.read() for item in items] == [b"1", b"2"]
    change(first, second)
    assert not unchanged(items[0])
    with pytest.raises(SampleError, match=r"changed after the data were listed|No such file"):
        items[0].file.read()


def test_a_tar_that_changes_is_noticed(packed: Any) -> None:
    archive = packed((f"{TENCH}/a.jpg", b"1"))
    (item,) = imagenet(archive).items
    assert unchanged(item)
    os.utime(archive, ns=(1, 1))
    assert not unchanged(item)
    with pytest.raises(SampleError, match="changed after the data were listed"):
        item.file.read()


def test_a_copy_that_changes_is_noticed_for_its_condition(tmp_path: Path) -> None:
    for cell in ("fog/1", "fog/2"):
        put(tmp_path / cell / TENCH / "a.JPEG", cell.encode())
    (item,) = locate([f"imagenet-c={tmp_path}"]).dataset("imagenet-c").items
    first, second = (Condition(corruption="fog", severity=level) for level in (1, 2))
    put(tmp_path / "fog/1" / TENCH / "a.JPEG", b"another")
    assert not unchanged(item, [first])
    assert not unchanged(item, [first, second])
    assert unchanged(item, [second])


# Names and labels ---------------------------------------------------------------------------------------------------


def test_names_that_are_no_utf8_are_samples_like_others(tmp_path: Path) -> None:
    folder = os.fsencode(tmp_path / TENCH)
    os.mkdir(folder)
    for name in (b"\xff.jpg", b"\\xff.jpg", "é.jpg".encode(), b"a\nb.jpg"):
        with open(folder + b"/" + name, "wb") as stream:
            stream.write(name)
    items = imagenet(tmp_path).items
    assert len({item.id for item in items}) == 4
    for item in items:
        item.id.encode()
        assert item.file.name.isprintable()
        assert unchanged(item)
    named = {item.id: item.file.read() for item in items}
    assert named[f"{TENCH}/é"] == "é.jpg".encode()
    assert named[f"{TENCH}/a\nb"] == b"a\nb.jpg"
    assert named[f"{TENCH}/\\xff"] == b"\\xff.jpg"


@pytest.mark.parametrize(
    ("text", "says"),
    [
        ("path,label\na.jpg,1_0\n", ":2: the label of a.jpg must be a class index from 0 to 999 or a wnid, was '1_0'"),
        ("path,label\na.jpg,٣\n", ":2: the label of a.jpg must be"),
        ("path,label\na.jpg,+1\n", ":2: the label of a.jpg must be"),
        ("path,label,label\na.jpg,1,2\n", ":1: must have one column label, has 2"),
        ("path,path,label\na.jpg,a.jpg,2\n", ":1: must have one column path, has 2"),
        ("path,label\n../a.jpg,1\n", "../a.jpg must be a file in"),
    ],
)
def test_doubtful_labels_are_refused_with_file_and_line(tmp_path: Path, text: str, says: str) -> None:
    put(tmp_path / "flat" / "a.jpg")
    put(tmp_path / "l.csv", text.encode())
    told = refusal(f"imagenet={tmp_path}/flat:labels={tmp_path}/l.csv")
    assert f"{tmp_path}/l.csv" in told
    assert says in told


@pytest.mark.parametrize(
    "text",
    [
        b'\xef\xbb\xbfpath,label\n"a,b.jpg",1\n',
        b'path,label\r\n"a,b.jpg",1\r\n',
        b'"a,b.jpg","1"',
        b'Path, Label\n"a,b.jpg", 1\n\n',
    ],
)
def test_the_usual_forms_of_csv_are_read(tmp_path: Path, text: bytes) -> None:
    (row,) = read_labels(put(tmp_path / "l.csv", text))
    assert (row.path, row.label) == ("a,b.jpg", "1")


def test_a_suite_that_is_a_fifo_is_refused_at_once(tmp_path: Path, hardiness: Any) -> None:
    os.mkfifo(tmp_path / "suite.toml")
    told = hardiness("run", "-m", "alexnet", "--suite", tmp_path / "suite.toml", "--out", tmp_path / "out")
    assert told.status == 2
    (line,) = told.err.splitlines()
    assert "suite.toml cannot be read: must be a regular file, is a FIFO" in line


def own(root: Path, *folders: str | bytes) -> Path:
    """Class folders of one's own with a picture each."""
    for folder in folders:
        put(root / os.fsdecode(folder) / "a.png")
    return root


def test_a_class_folder_that_is_no_utf8_is_refused_by_name(tmp_path: Path) -> None:
    own(tmp_path, "cat", b"caf\xe9")
    with pytest.raises(DataError) as caught:
        locate([f"own={tmp_path}"]).dataset("own")
    assert r"caf\xe9 is a folder of" in str(caught.value)
    assert str(caught.value).endswith("must be the name of a class in UTF-8; rename it")


def test_where_python_reads_no_utf8_an_accent_says_what_to_set(tmp_path: Path) -> None:
    own(tmp_path, "cat", "café")
    script = f"from hardiness.data.root import locate; locate(['own={tmp_path}']).dataset('own')"
    environment = {**os.environ, "LC_ALL": "C", "PYTHONUTF8": "0", "PYTHONCOERCECLOCALE": "0"}
    ended = subprocess.run([sys.executable, "-c", script], env=environment, capture_output=True, text=True, check=False)
    assert "this Python reads names as ascii: set PYTHONUTF8=1, or rename it" in ended.stderr


def test_a_link_to_itself_is_one_picture_that_cannot_be_read(tmp_path: Path) -> None:
    own(tmp_path, "cat", "dog")
    (tmp_path / "cat" / "x.png").symlink_to("x.png")
    data = locate([f"own={tmp_path}"]).dataset("own")
    assert [item.id for item in data.items] == ["cat/a", "cat/x", "dog/a"]
    with pytest.raises(SampleError, match="Too many levels of symbolic links"):
        data.items[1].file.read()


def test_a_hidden_folder_of_pictures_is_named_and_those_of_programs_are_not(tmp_path: Path) -> None:
    own(tmp_path, "cat", "dog", ".bee", ".ipynb_checkpoints", ".thumbnails")
    data = locate([f"own={tmp_path}"]).dataset("own")
    assert data.class_names == ("cat", "dog")
    (remark,) = data.remarks
    assert "passed over .bee: what begins with a dot is hidden; rename it if it is a class" in text(remark)


@pytest.mark.parametrize(("disk", "written"), [("NFD", "NFC"), ("NFC", "NFD")])
def test_an_accent_may_be_one_character_or_two(disk: Literal["NFC", "NFD"], written: Any, tmp_path: Path) -> None:
    folder = unicodedata.normalize(disk, "café")
    own(tmp_path / "photos", "cat", folder)
    (tmp_path / "names.txt").write_text(unicodedata.normalize(written, "café") + "\ncat\n")
    data = locate([f"own={tmp_path / 'photos'}:classes={tmp_path / 'names.txt'}"]).dataset("own")
    assert data.class_names == (folder, "cat")
    labels = tmp_path / "labels.csv"
    labels.write_text(f"cat/a.png,x\n{unicodedata.normalize(written, folder)}/a.png,y\n")
    data = locate([f"own={tmp_path / 'photos'}:labels={labels}"]).dataset("own")
    assert len(data) == 2

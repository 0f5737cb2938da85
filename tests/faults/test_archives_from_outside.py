"""Archives from others: unpacked whole and inside their folder, read as they are, or refused by member name."""

from __future__ import annotations

import os
import shutil
import subprocess
import tarfile
import zipfile
from collections.abc import Callable
from contextlib import nullcontext
from pathlib import Path
from typing import Any

import pytest

from hardiness.core.errors import DataError, HardinessError
from hardiness.data.root import locate
from hardiness.reference.classes import wnids
from hardiness.sources import archives, extraction
from hardiness.sources.extraction import unpack
from hardiness.sources.files import TarMember

TENCH, GOLDFISH = wnids()[:2]
FIFO, LINK, HARD, DEVICE = tarfile.FIFOTYPE, tarfile.SYMTYPE, tarfile.LNKTYPE, tarfile.CHRTYPE


def refusal(archive: Path, folder: Path) -> str:
    with pytest.raises(DataError) as told:
        unpack(archive, folder)
    assert "\n" not in str(told.value)
    assert not folder.exists()
    return str(told.value)


def contents(folder: Path) -> dict[str, bytes]:
    return {str(path.relative_to(folder)): path.read_bytes() for path in folder.rglob("*") if path.is_file()}


# Unpacking ----------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("mode", ["w", "w:gz", "w:bz2", "w:xz"])
def test_all_of_a_tar_is_unpacked(packed: Any, tmp_path: Path, mode: str) -> None:
    archive = packed(("set/a/1.jpg", b"1"), ("./set/b/2.jpg", b"22"), ("set/._1.jpg", b"mac"), mode=mode)
    done = unpack(archive, tmp_path / "out", strip="set")
    assert (done.files, done.size) == (2, 3)
    assert contents(tmp_path / "out") == {"a/1.jpg": b"1", "b/2.jpg": b"22"}
    assert (tmp_path / "out/a/1.jpg").stat().st_mtime == 1_500_000_000
    assert not [path for path in tmp_path.iterdir() if "partial" in path.name]


def test_all_of_a_zip_is_unpacked(tmp_path: Path) -> None:
    with zipfile.ZipFile(tmp_path / "x.zip", "w", zipfile.ZIP_DEFLATED) as archive:
        archive.writestr("sketch/a/1.jpg", b"1" * 1000)
        archive.writestr("__MACOSX/sketch/a/._1.jpg", b"")
    unpack(tmp_path / "x.zip", tmp_path / "out", strip="sketch")
    assert contents(tmp_path / "out") == {"a/1.jpg": b"1" * 1000}


def test_a_zip_whose_password_is_wrong_is_told_in_one_line(tmp_path: Path) -> None:
    with zipfile.ZipFile(tmp_path / "x.zip", "w") as made:
        made.writestr("a.jpg", b"twelve bytes that are no header of an encrypted file")
    content = bytearray((tmp_path / "x.zip").read_bytes())
    for start, at in ((b"PK\3\4", 6), (b"PK\1\2", 8)):  # where the flags are, of the file and in the directory
        content[content.index(start) + at] |= 1
    (tmp_path / "x.zip").write_bytes(content)
    with pytest.raises(DataError, match=r"x\.zip!a\.jpg: cannot be unpacked: Bad password .*; fetch it again$"):
        unpack(tmp_path / "x.zip", tmp_path / "out", password="another")
    with pytest.raises(DataError, match="must be a plain file, is encrypted"):
        unpack(tmp_path / "x.zip", tmp_path / "out")


@pytest.mark.parametrize(
    ("name", "says"),
    [
        ("../evil", "leads out of the archive"),
        ("a/../../evil", "leads out of the archive"),
        ("/tmp/evil", "leads out of the archive"),
        ("..\\evil", "leads out of the archive"),
        ("C:\\evil", "leads out of the archive"),
        ("A/1.jpg", "differs from a/1.jpg in case alone"),
        ("a/1.jpg", "comes twice"),
    ],
)
def test_names_that_write_elsewhere_are_refused(packed: Any, tmp_path: Path, name: str, says: str) -> None:
    told = refusal(packed(("a/1.jpg", b"1"), (name, b"evil")), tmp_path / "out")
    assert says in told
    assert "x.tar!" in told
    assert not (tmp_path.parent / "evil").exists()
    with zipfile.ZipFile(tmp_path / "x.zip", "w") as archive:
        archive.writestr("a/1.jpg", b"1")
        with pytest.warns(UserWarning, match="Duplicate") if name == "a/1.jpg" else nullcontext():
            archive.writestr(name, b"evil")
    assert says in refusal(tmp_path / "x.zip", tmp_path / "out")


@pytest.mark.parametrize(
    ("kind", "what"), [(FIFO, "a device"), (DEVICE, "a device"), (LINK, "a link"), (HARD, "a link")]
)
def test_links_and_devices_are_refused(packed: Any, header: Any, tmp_path: Path, kind: bytes, what: str) -> None:
    assert f"must be a plain file, is {what}" in refusal(packed(header("a", kind, "/etc/passwd")), tmp_path / "out")


def test_a_link_in_a_zip_is_refused(tmp_path: Path) -> None:
    with zipfile.ZipFile(tmp_path / "x.zip", "w") as archive:
        entry = zipfile.ZipInfo("a")
        entry.external_attr = 0o120777 << 16
        archive.writestr(entry, "/etc/passwd")
    assert "is a link or device" in refusal(tmp_path / "x.zip", tmp_path / "out")


@pytest.fixture
def sparse(tmp_path: Path) -> Callable[[str], Path]:
    """A tar, by GNU tar, of a file that is mostly a hole and of one behind it."""
    if shutil.which("tar") is None:
        pytest.skip("needs GNU tar")

    def write(form: str) -> Path:
        folder = tmp_path / "files" / TENCH
        folder.mkdir(parents=True, exist_ok=True)
        with (folder / "a.jpg").open("wb") as stream:
            stream.truncate(5_000_000)
            stream.seek(4_000_000)
            stream.write(b"x" * 1000)
        (folder / "b.jpg").write_bytes(b"b" * 700)
        archive = tmp_path / f"{form}.tar"
        subprocess.run(["tar", f"--format={form}", "-S", "-cf", archive, TENCH], cwd=folder.parent, check=True)
        return archive

    return write


@pytest.mark.parametrize("form", ["gnu", "posix"])
def test_sparse_members_are_refused_by_name(sparse: Any, tmp_path: Path, form: str) -> None:
    archive = sparse(form)
    assert "a.jpg: must be a plain file, is sparse" in refusal(archive, tmp_path / "out")
    with pytest.raises(DataError, match=r"a\.jpg: is a sparse member"):
        archives.members(archive)


def test_a_bomb_is_refused_before_it_fills_the_disk(
    packed: Any, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(extraction, "SPARE_BYTES", 0)
    archive = packed(("small", b"1"), ("large", bytes(10_000_000)), mode="w:gz")
    assert "more than an archive of pictures of its size can hold" in refusal(archive, tmp_path / "out")
    assert sum(path.stat().st_size for path in tmp_path.rglob("*") if path.name == "large") == 0
    monkeypatch.setattr(extraction, "MAX_FILES", 1)
    assert "2 files" in refusal(packed(("a", b"1"), ("b", b"1")), tmp_path / "out")


@pytest.mark.parametrize("kept", [0.3, 0.9])
@pytest.mark.parametrize("mode", ["w", "w:gz", "w:xz"])
def test_a_cut_archive_leaves_nothing_that_looks_whole(packed: Any, tmp_path: Path, mode: str, kept: float) -> None:
    archive = packed(*((f"a/{i}.jpg", os.urandom(20_000)) for i in range(10)), mode=mode)
    os.truncate(archive, int(archive.stat().st_size * kept))
    assert "fetch it again" in refusal(archive, tmp_path / "out")


def test_what_an_interrupted_command_unpacked_is_kept_and_compared(packed: Any, tmp_path: Path) -> None:
    members = [(f"a/{i}.jpg", os.urandom(3000)) for i in range(6)]
    archive = packed(*members)

    class Killed(BaseException):
        pass

    def kill(written: int, _: object) -> None:
        if written > 9000:
            raise Killed

    with pytest.raises(Killed):
        unpack(archive, tmp_path / "out", progress=kill)
    assert not (tmp_path / "out").exists()
    (staging,) = (path for path in tmp_path.iterdir() if path.name.endswith(".partial"))
    first, second = staging / "a/0.jpg", staging / "a/1.jpg"
    second.write_bytes(second.read_bytes()[:2000] + bytes(1000))  # as a power failure leaves it
    before = first.stat().st_ino
    unpack(archive, tmp_path / "out")
    assert contents(tmp_path / "out") == dict(members)
    assert (tmp_path / "out/a/0.jpg").stat().st_ino == before


def test_folders_of_several_archives_stand_side_by_side(packed: Any, tmp_path: Path) -> None:
    unpack(packed(("fog/1/x.jpg", b"1"), name="weather.tar"), tmp_path / "c")
    unpack(packed(("snow/1/x.jpg", b"2"), name="more.tar"), tmp_path / "c")
    assert set(contents(tmp_path / "c")) == {"fog/1/x.jpg", "snow/1/x.jpg"}
    with pytest.raises(DataError, match="fog is there already"):
        unpack(packed(("fog/1/x.jpg", b"1"), name="weather.tar"), tmp_path / "c")


def test_a_planted_link_is_not_written_through(packed: Any, tmp_path: Path) -> None:
    (tmp_path / "elsewhere").mkdir()
    (tmp_path / ".out.x.tar.partial").symlink_to(tmp_path / "elsewhere")
    assert "is a link" in refusal(packed(("a", b"1")), tmp_path / "out")
    assert not list((tmp_path / "elsewhere").iterdir())


# Reading in place ---------------------------------------------------------------------------------------------------


def complaint(argument: str, name: str = "imagenet") -> str:
    with pytest.raises(HardinessError) as told:
        locate([argument]).dataset(name)
    assert "\n" not in str(told.value)
    return str(told.value)


@pytest.mark.parametrize("name", ["../../evil.jpg", f"{TENCH}/../../evil.jpg", "/tmp/evil.jpg"])
def test_a_key_that_leads_outside_is_refused(packed: Any, name: str) -> None:
    key = name.removesuffix(".jpg")
    shard = packed((name, b"1"), (f"{key}.cls", b"0"))
    assert "leads out of the archive" in complaint(f"imagenet={shard}")
    assert "leads out of the archive" in complaint(f"imagenet={packed((name, b'1'))}")


def test_a_class_name_that_leads_outside_is_refused(tmp_path: Path) -> None:
    (tmp_path / "flat").mkdir()
    (tmp_path / "flat" / "a.jpg").write_bytes(b"1")
    (tmp_path / "l.csv").write_text("a.jpg,../../evil\n")
    told = complaint(f"imagenet={tmp_path}/flat:labels={tmp_path}/l.csv:classes=names")
    assert "../../evil" in told


@pytest.mark.parametrize(
    ("members", "says"),
    [
        ([(f"{TENCH}/a.jpg", b"1"), (f"{TENCH}/a.jpg", b"2")], "comes twice in the archive"),
        ([(f"{TENCH}/a.jpg", b"1"), (f"./{TENCH}/a.jpg", b"2")], "comes twice in the archive"),
        ([("0.jpg", b"1"), ("0.png", b"2"), ("0.cls", b"0")], "has the key of 0.jpg"),
        ([("0.jpg", b"1"), ("0.cls", b"0"), ("0.json", b'{"label": 1}')], "says 0, but 0.json says 1"),
        ([("0.jpg", b"1"), ("0.cls", b"1_0")], "must hold a class index"),
        ([("0.jpg", b"1"), ("0.cls", "٣".encode())], "must hold a class index"),
        ([("0.jpg", b"1"), ("0.json", b"[" * 100_000)], "must hold a class index"),
        ([("0.jpg", b"1"), ("0.json", b'{"label": true}')], "must hold a class index"),
        ([("0.jpg", b"1"), ("0.cls", b"0" * 2_000_000)], "must be a label, but has 2,000,000 bytes"),
    ],
)
def test_members_that_contradict_each_other_are_refused(packed: Any, members: Any, says: str) -> None:
    told = complaint(f"imagenet={packed(*members)}")
    assert says in told
    assert "x.tar!" in told


def test_the_same_label_twice_is_fine(packed: Any) -> None:
    shard = packed(("0.jpg", b"1"), ("0.cls", b" 1\n"), ("0.json", b'{"label": "1"}'))
    assert [item.label for item in locate([f"imagenet={shard}"]).dataset("imagenet").items] == [1]


def test_pictures_that_are_links_or_devices_are_refused(packed: Any, header: Any) -> None:
    for kind in (FIFO, DEVICE, LINK):
        archive = packed((f"{TENCH}/a.jpg", b"1"), header(f"{TENCH}/b.jpg", kind, "a.jpg"))
        assert "b.jpg: must be a file, is a link or a device" in complaint(f"imagenet={archive}")


def test_a_hard_link_is_the_file_that_it_links_to(packed: Any, header: Any) -> None:
    archive = packed((f"{TENCH}/a.jpg", b"1"), header(f"{GOLDFISH}/b.jpg", HARD, f"{TENCH}/a.jpg"))
    items = locate([f"imagenet={archive}"]).dataset("imagenet").items
    assert [(item.id, item.file.read()) for item in items] == [(f"{TENCH}/a", b"1"), (f"{GOLDFISH}/b", b"1")]


def test_a_tar_cut_between_two_members_is_told(packed: Any) -> None:
    archive = packed((f"{TENCH}/a.jpg", b"1"), (f"{TENCH}/b.jpg", b"2"))
    os.truncate(archive, 1024)
    assert "must be a whole tar, but is not (its end is missing)" in complaint(f"imagenet={archive}")


def test_a_pattern_of_a_billion_shards_is_refused() -> None:
    assert "stands for 1,000,000,000; name fewer" in complaint("imagenet=/nowhere/x-{000000000..999999999}.tar")
    assert "stands for" in complaint("imagenet=/nowhere/{0..999}{0..999}.tar")


def test_a_tar_of_a_terabyte_of_nothing_is_told_at_once(tmp_path: Path) -> None:
    hollow = tmp_path / "x.tar"
    with hollow.open("wb") as stream:
        stream.truncate(1 << 40)
    assert "must hold a folder of images" in complaint(f"imagenet={hollow}")
    large = TarMember(str(hollow), 512, 1 << 39, f"{TENCH}/a.jpg")
    with pytest.raises(HardinessError, match="must have at most"):
        large.read()


def test_names_are_one_printable_line(packed: Any) -> None:
    archive = packed((f"{TENCH}/a\n[/red]\x1b[31m.jpg", b"1"))
    (item,) = locate([f"imagenet={archive}"]).dataset("imagenet").items
    assert item.file.name.endswith(f"{TENCH}/a\\n[/red]\\x1b[31m.jpg")

"""ImageNet-C and -P in folders, tars and WebDataset shards: the same photographs, copies and conditions."""

from __future__ import annotations

import hashlib
import io
import json
import os
import tarfile
from collections.abc import Callable
from pathlib import Path

import pytest

from hardiness.core.benchmark import DataSet
from hardiness.core.condition import Condition
from hardiness.core.errors import DataError, SampleError
from hardiness.data.conditions import CorruptedCopies, PerturbedCopies
from hardiness.data.root import locate
from hardiness.reference.classes import wnids
from hardiness.report.words import text

TENCH, GOLDFISH = wnids()[:2]
CELLS = ("fog/1", "fog/3", "snow/5")
PHOTOGRAPHS = (f"{TENCH}/a.JPEG", f"{TENCH}/b.JPEG", f"{GOLDFISH}/c.JPEG")


def as_folder(root: Path) -> str:
    for cell in CELLS:
        for photograph in PHOTOGRAPHS:
            path = root / "set" / cell / photograph
            path.parent.mkdir(parents=True, exist_ok=True)
            path.write_bytes(f"{cell}/{photograph}".encode())
    return str(root / "set")


def pack(path: Path, contents: dict[str, bytes]) -> None:
    path.parent.mkdir(parents=True, exist_ok=True)
    with tarfile.open(path, "w") as tar:
        for name, content in contents.items():
            entry = tarfile.TarInfo(name)
            entry.size = len(content)
            tar.addfile(entry, io.BytesIO(content))


def members(cell: str, prefix: str = "") -> dict[str, bytes]:
    return {f"{prefix}{cell}/{photograph}": f"{cell}/{photograph}".encode() for photograph in PHOTOGRAPHS}


def as_tar(root: Path) -> str:
    pack(root / "all.tar", {k: v for cell in CELLS for k, v in members(cell, "./imagenet-c/").items()})
    return str(root / "all.tar")


def as_tars_in_a_folder(root: Path) -> str:
    pack(root / "set" / "weather.tar", {**members("fog/1"), **members("fog/3")})
    pack(root / "set" / "more.tar", members("snow/5"))
    return str(root / "set")


def as_pattern(root: Path) -> str:
    as_tars_in_a_folder(root)
    return f"{root}/set/{{weather,more}}.tar"


def as_folders_and_tars(root: Path) -> str:
    as_folder(root)
    for photograph in PHOTOGRAPHS:
        (root / "set" / "snow/5" / photograph).unlink()
    pack(root / "set" / "more.tar", members("snow/5"))
    return str(root / "set")


def labelled(contents: dict[str, bytes]) -> dict[str, bytes]:
    found = {}
    for name, content in contents.items():
        label = wnids().index(TENCH if TENCH in name or ("/" not in name and name[0] in "ab") else GOLDFISH)
        found[name] = content
        found[f"{name.removesuffix('.JPEG')}.cls"] = str(label).encode()
    return {name.replace(".JPEG", ".jpeg"): content for name, content in found.items()}


def as_shards(root: Path) -> str:
    for number, cell in enumerate(CELLS):
        pack(root / f"s-{number}.tar", labelled(members(cell)))
    return f"{root}/s-*.tar"


def as_shards_of_each_cell(root: Path) -> str:
    for cell in CELLS:
        for number, part in enumerate((PHOTOGRAPHS[:2], PHOTOGRAPHS[2:])):
            contents = {p.split("/")[1]: f"{cell}/{p}".encode() for p in part}
            pack(root / "set" / cell / f"{number}.tar", labelled(contents))
    return str(root / "set")


def copies(found: DataSet) -> dict[tuple[str, str], bytes]:
    read = {}
    for item in found.items:
        assert isinstance(item.file, CorruptedCopies)
        for cell in CELLS:
            corruption, severity = cell.split("/")
            read[item.id, cell] = item.file.cell(corruption, int(severity)).read()
    return read


FORMS = (
    as_folder,
    as_tar,
    as_tars_in_a_folder,
    as_pattern,
    as_folders_and_tars,
    as_shards,
    as_shards_of_each_cell,
)


@pytest.mark.parametrize("form", FORMS)
def test_every_form_is_the_same_data_set(tmp_path: Path, form: Callable[[Path], str]) -> None:
    found = locate([f"imagenet-c={form(tmp_path)}"]).dataset("imagenet-c")
    assert [(item.id, item.label) for item in found.items] == [
        (f"{TENCH}/a", 0),
        (f"{TENCH}/b", 0),
        (f"{GOLDFISH}/c", 1),
    ]
    assert found.conditions == {
        Condition(corruption=cell.split("/")[0], severity=int(cell.split("/")[1])) for cell in CELLS
    }
    assert set(found.fingerprints) == found.conditions
    assert len(set(found.fingerprints.values())) == 3
    assert found.notes == ()
    for (id_, cell), content in copies(found).items():
        assert content.decode() == f"{cell}/{id_}.JPEG"
    absent = found.items[0].file.cell("fog", 2)  # type: ignore[attr-defined]
    with pytest.raises(SampleError, match="cannot be read"):
        absent.read()


def test_videos_lie_in_tars_too(tmp_path: Path) -> None:
    pack(tmp_path / "imagenet-p.tar", {f"{name}/{TENCH}/a.mp4": name.encode() for name in ("tilt", "shot_noise_2")})
    found = locate([str(tmp_path)]).dataset("imagenet-p")
    (item,) = found.items
    assert isinstance(item.file, PerturbedCopies)
    assert item.file.video("shot_noise_2").read() == b"shot_noise_2"
    assert Condition(perturbation="shot_noise", severity=2) in (found.conditions or ())


@pytest.mark.parametrize("form", [as_folder, as_tars_in_a_folder])
def test_one_more_condition_changes_no_other(tmp_path: Path, form: Callable[[Path], str]) -> None:
    argument = f"imagenet-c={form(tmp_path)}"
    before = locate([argument]).dataset("imagenet-c")
    if form is as_folder:
        for photograph in PHOTOGRAPHS:
            path = tmp_path / "set" / "frost/2" / photograph
            path.parent.mkdir(parents=True, exist_ok=True)
            path.write_bytes(b"1")
    else:
        pack(tmp_path / "set" / "frost.tar", members("frost/2"))
    after = locate([argument]).dataset("imagenet-c")
    assert len(after.conditions or ()) == 4
    assert after.fingerprint == before.fingerprint
    assert {cell: after.fingerprints[cell] for cell in before.fingerprints} == before.fingerprints


def test_a_copy_in_two_tars_is_refused(tmp_path: Path) -> None:
    for name in ("a", "b"):
        pack(tmp_path / f"{name}.tar", members("fog/1"))
    with pytest.raises(DataError, match=r"is also in .*a\.tar; remove one"):
        locate([f"imagenet-c={tmp_path}/*.tar"]).dataset("imagenet-c")


def test_a_label_that_contradicts_the_folder_is_refused(tmp_path: Path) -> None:
    pack(tmp_path / "s.tar", {f"fog/1/{TENCH}/a.jpg": b"1", f"fog/1/{TENCH}/a.cls": b"7"})
    with pytest.raises(DataError, match=f"its label is 7, which is not {TENCH}"):
        locate([f"imagenet-c={tmp_path}/s.tar"]).dataset("imagenet-c")


def test_a_file_must_have_the_hash_that_the_manifest_lists(tmp_path: Path) -> None:
    root = Path(as_folder(tmp_path))
    listed = {p: hashlib.sha256(f"fog/1/{p}".encode()).hexdigest() for p in PHOTOGRAPHS}
    listed[PHOTOGRAPHS[1]] = "00" * 31 + "01"
    (root / "manifest.json").write_text(json.dumps({"files": {"fog/1": listed}}))
    found = locate([f"imagenet-c={root}"]).dataset("imagenet-c")
    assert found.released is None
    files = [item.file for item in found.items]
    assert files[0].cell("fog", 1).read() == f"fog/1/{PHOTOGRAPHS[0]}".encode()  # type: ignore[attr-defined]
    with pytest.raises(SampleError, match=r"is not the file that manifest\.json lists"):
        files[1].cell("fog", 1).read()  # type: ignore[attr-defined]
    assert files[1].cell("fog", 3).read()  # type: ignore[attr-defined]


@pytest.mark.parametrize(
    "content",
    ["[]", "{}", '{"files": 1}', '{"files": {"fog/1": {"a": "zz"}}}', '{"files": {"a": {"b": 1}}}', "[" * 99_999],
)
def test_a_file_that_is_no_manifest_is_told(tmp_path: Path, content: str) -> None:
    root = Path(as_folder(tmp_path))
    (root / "manifest.json").write_text(content)
    with pytest.raises(DataError, match="must be the list of files that 'hardiness make corruptions'"):
        locate([f"imagenet-c={root}"]).dataset("imagenet-c")


# Listings that are kept ---------------------------------------------------------------------------------------------


@pytest.fixture
def kept(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Callable[[], DataSet]:
    """A tree that nobody has touched for a while, and what reads it with a cache of the test's own."""
    monkeypatch.setenv("HARDINESS_CACHE", str(tmp_path / "cache"))
    root = Path(as_folder(tmp_path))
    settle(root)
    return lambda: locate([f"imagenet-c={root}"]).dataset("imagenet-c")


def settle(root: Path, ns: int = 10**18) -> None:
    for path in (*root.rglob("*"), root):
        if path.is_dir():
            os.utime(path, ns=(ns, ns))


def test_a_listing_is_taken_again_without_listing(
    kept: Callable[[], DataSet], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    first = kept()
    assert len(list((tmp_path / "cache" / "listings").iterdir())) == 3

    def forbidden(*_: object) -> None:
        raise AssertionError("listed again")

    monkeypatch.setattr("hardiness.data.listing.of_folder", forbidden)
    assert kept() == first
    assert copies(kept()) == copies(first)


def test_files_that_are_no_copies_are_counted_also_where_the_listing_is_kept(
    kept: Callable[[], DataSet], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    fingerprints = kept().fingerprints
    for cell in CELLS:
        (tmp_path / "set" / cell / TENCH / "a.avif").write_bytes(b"1")
    (tmp_path / "set" / "fog" / "1" / wnids()[2]).mkdir()
    settle(tmp_path / "set", 10**17)
    first = kept()
    over, empty = map(text, first.remarks)
    assert f"3 files are passed over (3 .avif; for example fog/1/{TENCH}/a.avif, " in over
    assert f"1 folder is without an image (fog/1/{wnids()[2]})" in empty
    assert first.fingerprints == fingerprints
    monkeypatch.delattr("hardiness.data.listing.of_folder")
    assert kept().remarks == first.remarks


def test_an_added_or_removed_file_is_seen(kept: Callable[[], DataSet], tmp_path: Path) -> None:
    first = kept()
    (tmp_path / "set/fog/3" / GOLDFISH / "d.JPEG").write_bytes(b"new")
    second = kept()
    assert len(second.items) == 4
    fog = Condition(corruption="fog", severity=3)
    assert second.fingerprints[fog] != first.fingerprints[fog]
    (tmp_path / "set/fog/3" / GOLDFISH / "d.JPEG").unlink()
    assert kept().fingerprints == first.fingerprints


def test_a_file_written_over_fails_when_it_is_read_and_is_seen_by_the_next_command(
    kept: Callable[[], DataSet], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("hardiness.data.listing.PROBES", 1)  # else so small a cell is looked at whole
    first = kept()
    (tmp_path / "set/fog/3" / TENCH / "b.JPEG").write_bytes(b"written over")
    settle(tmp_path / "set")
    second = kept()
    assert second.fingerprints == first.fingerprints
    with pytest.raises(SampleError, match="changed after the data were listed; run the same command again"):
        copies(second)
    third = kept()
    fog = Condition(corruption="fog", severity=3)
    assert third.fingerprints[fog] != first.fingerprints[fog]
    assert third.items[1].file.cell("fog", 3).read() == b"written over"  # type: ignore[attr-defined]


def test_files_of_a_small_cell_are_all_looked_at(kept: Callable[[], DataSet], tmp_path: Path) -> None:
    first = kept()
    (tmp_path / "set/fog/3" / TENCH / "b.JPEG").write_bytes(b"written over")
    settle(tmp_path / "set")
    assert kept().fingerprints != first.fingerprints


@pytest.mark.parametrize("content", [b"", b"PK\x03\x04 no archive", os.urandom(500)])
def test_a_damaged_listing_is_made_anew(kept: Callable[[], DataSet], tmp_path: Path, content: bytes) -> None:
    first = kept()
    for file in (tmp_path / "cache" / "listings").iterdir():
        file.write_bytes(content)
    assert kept() == first
    for file in (tmp_path / "cache" / "listings").iterdir():
        file.write_bytes(file.read_bytes()[:-200])
    assert kept() == first


def test_a_cache_that_cannot_be_written_costs_nothing(
    kept: Callable[[], DataSet], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    (tmp_path / "cache").write_text("in the way")
    assert len(kept().items) == 3

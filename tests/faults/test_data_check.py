"""Every fault that ``hardiness data check`` knows, planted and found; a clean set stays sound."""

from __future__ import annotations

import io
import json
import os
import random
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import PIL.Image
import pytest

from hardiness.core.errors import DataError
from hardiness.data.checking import Depth, check
from hardiness.data.faults import KINDS, mend
from hardiness.data.root import Place
from hardiness.imaging.codecs import encode_jpeg
from hardiness.imaging.videos import encode_video
from hardiness.reference.classes import wnids
from hardiness.reference.published_data import published_set
from hardiness.reference.validation_images import validation_labels, validation_name
from hardiness.report.words import text

FAST = {"preset": "ultrafast", "crf": "30"}


def picture(seed: int, side: int = 32, quality: int = 85, mode: str = "RGB", kind: str = "JPEG") -> bytes:
    pixels = np.random.default_rng(seed).integers(0, 256, (side, side, 3), np.uint8)
    stream = io.BytesIO()
    PIL.Image.fromarray(pixels).convert(mode).save(stream, kind, **({"quality": quality} if kind == "JPEG" else {}))
    return stream.getvalue()


def put(path: Path, content: bytes) -> Path:
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_bytes(content)
    return path


@pytest.fixture
def imagenet(tmp_path: Path) -> Path:
    """The first photographs of the validation set, by their official names, in the right folders."""
    for number in range(1, 9):
        put(tmp_path / "val" / wnids()[validation_labels()[number - 1]] / validation_name(number), picture(number))
    return tmp_path


def photograph(root: Path, number: int = 3) -> Path:
    return root / "val" / wnids()[validation_labels()[number - 1]] / validation_name(number)


def found(root: Path, name: str = "imagenet", **depth: Any) -> dict[str, list[str]]:
    """Paths by kind, without those that every small part of a data set has."""
    kinds: dict[str, list[str]] = {}
    for fault in check(published_set(name), Place(str(root), str(root)), Depth(**depth)).faults:
        assert fault.kind in KINDS
        if fault.kind not in ("missing-class", "missing-condition", "count"):
            kinds.setdefault(fault.kind + (" (told)" if fault.is_note else ""), []).append(fault.path)
    return kinds


def in_tar(root: Path) -> Path:
    import tarfile

    with tarfile.open(root.parent / f"{root.name}.tar", "w") as tar:
        tar.add(root / "val", "val")
    return root.parent / f"{root.name}.tar"


def test_a_clean_part_has_no_fault_but_what_is_missing(imagenet: Path) -> None:
    assert found(imagenet) == found(in_tar(imagenet)) == {}
    assert found(imagenet, pixels=True, workers=2) == {}


def test_files_that_are_no_photographs_are_counted_and_named(imagenet: Path) -> None:
    put(imagenet / "val" / wnids()[0] / "a.jp2", picture(1))
    put(imagenet / "val" / "b", picture(1))
    (imagenet / "val" / wnids()[999]).mkdir()
    for root, folders in ((imagenet, "2 folders are"), (in_tar(imagenet), "1 folder is")):
        over, empty = map(text, check(published_set("imagenet"), Place(str(root), str(root))).remarks)
        assert over.startswith(f"imagenet at {root}: 2 files are passed over (")
        assert f"{folders} without an image ({wnids()[0]}" in empty


def test_class_folders_one_folder_too_deep_are_one_line(imagenet: Path) -> None:
    (imagenet / "val").rename(imagenet / "inner")
    (imagenet / "val").mkdir()
    (imagenet / "inner").rename(imagenet / "val" / "val")
    with pytest.raises(DataError, match=r"val must hold the class folders, but they lie in val in it; .*val/val$"):
        check(published_set("imagenet"), Place(str(imagenet), str(imagenet)))


def truncate(file: Path) -> None:
    os.truncate(file, file.stat().st_size // 2)


def cut_and_filled(file: Path) -> None:
    size = file.stat().st_size
    truncate(file)
    os.truncate(file, size)


def write(content: bytes) -> Callable[[Path], object]:
    return lambda file: file.write_bytes(content)


def damage(file: Path) -> None:
    content = bytearray(picture(3, kind="PNG"))
    content[len(content) // 2 : len(content) // 2 + 40] = bytes(40)
    file.write_bytes(content)


def fifo(file: Path) -> None:
    file.unlink()
    os.mkfifo(file)


def dangling(file: Path) -> None:
    file.unlink()
    file.symlink_to("nowhere")


@pytest.mark.parametrize(
    ("plant", "kind"),
    [
        (lambda file: os.truncate(file, 0), "empty"),
        (truncate, "truncated"),
        (cut_and_filled, "truncated"),
        (write(picture(3, kind="PNG")[:300]), "truncated"),
        (write(b"\xff\xd8\xff\xe0"), "truncated"),
        (write(b"no image at all"), "no-image"),
        (write(b"<!doctype html>"), "no-image"),
        (fifo, "special"),
        (dangling, "special"),
        (write(picture(3, mode="L")), "not-rgb (told)"),
        (write(picture(3, mode="CMYK")), "not-rgb (told)"),
        (write(picture(3, mode="RGBA", kind="PNG")), "not-rgb (told)"),
        (write(picture(3, mode="I;16", kind="PNG")), "not-rgb"),
        (lambda file: file.write_bytes(picture(4)), "duplicate"),
    ],
)
def test_a_fault_of_a_file_is_found(imagenet: Path, plant: Callable[[Path], object], kind: str) -> None:
    plant(photograph(imagenet))
    kinds = found(imagenet)
    assert list(kinds) == [kind]
    (path,) = kinds[kind]
    assert path.endswith(validation_name(3 if kind != "duplicate" else int(path[-13:-5])))


def repeat(file: Path) -> None:
    content = picture(3, 96)
    middle = len(content) // 2
    file.write_bytes(content[:middle] + content[middle - 400 :])


@pytest.mark.parametrize("damage", [damage, repeat])
def test_a_file_that_only_decoding_finds_is_found_with_pixels(imagenet: Path, damage: Callable[[Path], None]) -> None:
    damage(photograph(imagenet))
    assert found(imagenet) == {}
    assert list(found(imagenet, pixels=True)) == ["damaged"]


def test_faults_of_folders_are_found(imagenet: Path) -> None:
    val = imagenet / "val"
    put(val / "n00000000" / "x.JPEG", picture(20))
    put(val / "loose.JPEG", picture(21))
    assert found(imagenet) == {"unknown-class": ["n00000000"], "loose": ["loose.JPEG"]}
    faults = check(published_set("imagenet"), Place("x", str(imagenet))).faults
    assert sum(fault.kind == "missing-class" for fault in faults) == 1000 - len({*validation_labels()[:8]})
    assert sum(fault.kind == "count" for fault in faults) == len({*validation_labels()[:8]})


def test_names_in_the_wrong_case_and_place_are_found_and_mended(imagenet: Path, hardiness: Any) -> None:
    val = imagenet / "val"
    third, fourth, fifth = (photograph(imagenet, number) for number in (3, 4, 5))
    third.parent.rename(val / third.parent.name.upper())
    wrong = fourth.replace(fifth.parent / fourth.name)
    fifth.rename(fifth.with_name(fifth.name.lower()))
    kinds = found(imagenet)
    assert kinds["mislabelled"] == [str(wrong.relative_to(val))]
    assert kinds["case"] == sorted([third.parent.name.upper(), f"{fifth.parent.name}/{fifth.name.lower()}"])
    told = hardiness("data", "check", "imagenet", "--data", f"imagenet={imagenet}", "--fix", "--json")
    assert told.err.count("moved ") == 3
    assert found(imagenet) == {}
    assert third.is_file()
    assert fourth.is_file()
    assert fifth.is_file()


def test_nothing_is_written_over_when_it_is_mended(imagenet: Path) -> None:
    third = photograph(imagenet, 3)
    wrong = put(photograph(imagenet, 4).parent / third.name, picture(50))
    assert not list(mend(check(published_set("imagenet"), Place("x", str(imagenet))).faults))
    assert wrong.is_file()


def test_files_that_differ_in_case_alone_are_found(imagenet: Path) -> None:
    third = photograph(imagenet)
    put(third.with_name(third.name.replace(".JPEG", ".jpeg")), picture(30))
    assert list(found(imagenet)) == ["case"]


@pytest.mark.parametrize(
    ("content", "kind"),
    [
        (picture(1, 223), "wrong-size"),
        (picture(1, 224, quality=84), "wrong-quality"),
        (picture(1, 224, kind="PNG"), "wrong-quality"),
        (picture(1, 224, mode="L"), "not-rgb"),
    ],
)
def test_pictures_unlike_the_released_ones_are_found(tmp_path: Path, content: bytes, kind: str) -> None:
    cell = tmp_path / "fog" / "3" / wnids()[0]
    good = np.random.default_rng(0).integers(0, 256, (224, 224, 3), np.uint8)
    put(cell / "good.JPEG", encode_jpeg(good, 85, True))
    assert found(tmp_path, "imagenet-c") == {}
    put(cell / "bad.JPEG", content)
    kinds = found(tmp_path, "imagenet-c")
    assert kinds.pop(kind) == [f"fog/3/{wnids()[0]}/bad.JPEG"]
    assert set(kinds) <= {"wrong-quality"}


def test_missing_conditions_are_found(tmp_path: Path) -> None:
    put(tmp_path / "fog" / "3" / wnids()[0] / "a.JPEG", picture(1))
    faults = check(published_set("imagenet-c"), Place("x", str(tmp_path))).faults
    assert sum(fault.kind == "missing-condition" for fault in faults) == 74


def test_broken_and_short_videos_are_found(tmp_path: Path) -> None:
    frames = [np.full((224, 224, 3), 5 * index, np.uint8) for index in range(41)]
    whole = encode_video(frames[:31], FAST)
    folder = tmp_path / "rotate" / wnids()[0]
    put(folder / "whole.mp4", whole)
    put(tmp_path / "translate" / wnids()[0] / "whole.mp4", encode_video(frames, FAST))
    assert found(tmp_path, "imagenet-p", pixels=True) == {}
    put(folder / "short.mp4", encode_video(frames[:30], FAST))
    put(folder / "cut.mp4", whole[:-100])
    put(folder / "none.mp4", b"none")
    put(folder / "small.mp4", encode_video([frame[:200, :200] for frame in frames[:31]], FAST))
    assert {kind: [Path(path).stem for path in paths] for kind, paths in found(tmp_path, "imagenet-p").items()} == {
        "no-image": ["none"],
        "truncated": ["cut"],
        "wrong-size": ["small"],
        "frames": ["short"],
    }


def test_stimuli_are_checked_by_name(tmp_path: Path) -> None:
    put(tmp_path / "cat" / "cat1-dog1.png", picture(1, kind="PNG"))
    assert found(tmp_path, "cue-conflict") == {}
    put(tmp_path / "cat" / "dog1-cat1.png", picture(2, kind="PNG"))
    put(tmp_path / "cat" / "cat1.png", picture(3, kind="PNG"))
    assert found(tmp_path, "cue-conflict") == {"mislabelled": ["cat/dog1-cat1.png"], "name": ["cat/cat1.png"]}


def test_a_tree_of_our_own_is_held_against_its_manifest(hardiness: Any, tmp_path: Path) -> None:
    written = [
        "make",
        "corruptions",
        "--format",
        "jpeg",
        "embedded",
        tmp_path / "c",
        "--corruptions",
        "brightness",
        "--severities",
        "1",
    ]
    assert hardiness(*written, "--limit", "3", "--quiet").status == 0
    file = next((tmp_path / "c").rglob("*.JPEG"))
    before = file.read_bytes()
    assert found(tmp_path / "c", "imagenet-c", pixels=True) == {}
    file.write_bytes(encode_jpeg(np.zeros((224, 224, 3), np.uint8), 85, True))
    assert found(tmp_path / "c", "imagenet-c") == {}
    assert list(found(tmp_path / "c", "imagenet-c", pixels=True)) == ["damaged"]
    os.truncate(file, 100)
    assert hardiness(*written, "--limit", "3", "--quiet").status == 0
    assert file.read_bytes() == before


def test_the_command_tells_and_leaves_with_one(hardiness: Any, imagenet: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    os.truncate(photograph(imagenet), 0)
    told = hardiness("data", "check", "imagenet", "--data", f"imagenet={imagenet}", "--quiet")
    assert told.status == 1
    assert "files without a byte" in told.out
    (plain,) = json.loads(hardiness("data", "check", "--all", "--data", f"imagenet={imagenet}", "--json").out)
    assert plain["sound"] is False
    assert {
        key: next(fault for fault in plain["faults"] if fault["kind"] == "empty")[key]
        for key in ("kind", "fixable", "note")
    } == {"kind": "empty", "fixable": False, "note": False}
    assert hardiness("data", "check").status == 2
    assert hardiness("data", "check", "imagenet-a", "--data", imagenet).status == 2
    assert "did you mean" in hardiness("data", "check", "imagenet-aa", "--data", imagenet).err


def test_no_damage_of_a_file_costs_more_than_a_line(imagenet: Path) -> None:
    """Random bytes of a JPEG or PNG replaced, removed or repeated: always a verdict, never an exception."""
    chance = random.Random(0)
    for number in range(300):
        content = bytearray(picture(number % 7, 16, kind=chance.choice(["JPEG", "PNG", "GIF", "WEBP", "BMP"])))
        for _ in range(chance.randint(1, 4)):
            at = chance.randrange(len(content))
            content[at : at + chance.randint(0, 3)] = chance.randbytes(chance.randint(0, 3))
        photograph(imagenet).write_bytes(content)
        assert check(published_set("imagenet"), Place("x", str(imagenet))).files == 8

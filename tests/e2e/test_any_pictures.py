"""``make corruptions`` on pictures as they lie: any folder, one file, their own size, groups, a contact sheet."""

from __future__ import annotations

import io
from pathlib import Path
from typing import Any

import numpy as np
import PIL.Image
import pytest

from hardiness import corrupt
from hardiness.imaging.codecs import encode_jpeg


@pytest.fixture
def mixed(photographs: list[Path], tmp_path: Path) -> Path:
    """Two photographs loose, one two folders deep, and a note."""
    folder = tmp_path / "mixed"
    (folder / "deep" / "deeper").mkdir(parents=True)
    for photograph, name in zip(photographs, ("one.jpg", "two.jpg", "deep/deeper/three.jpg"), strict=False):
        with PIL.Image.open(photograph) as image:
            image.convert("RGB").resize((90, 60)).save(folder / name)
    (folder / "note.txt").write_text("x")
    return folder


def files(folder: Path) -> list[str]:
    return sorted(path.relative_to(folder).as_posix() for path in folder.rglob("*/*.png"))


def test_a_folder_is_taken_as_it_lies_and_a_group_by_its_name(hardiness: Any, mixed: Path, tmp_path: Path) -> None:
    made = ("make", "corruptions", mixed, tmp_path / "out", "--corruptions", "noise+contrast", "--severities", "2")
    told = hardiness(*made, "--keep-size")
    assert told.status == 0, told.err
    kinds = ("clean", "contrast/2", "gaussian_noise/2", "impulse_noise/2", "shot_noise/2")
    names = ("deep/deeper/three", "one", "two")
    assert files(tmp_path / "out") == sorted(f"{kind}/{name}.png" for kind in kinds for name in names)
    assert "1 file is passed over (1 .txt; for example note.txt)" in told.err
    with PIL.Image.open(tmp_path / "out" / "gaussian_noise" / "2" / "one.png") as image:
        found = np.asarray(image)
    with PIL.Image.open(mixed / "one.jpg") as image:
        expected = corrupt(np.asarray(image), "gaussian_noise", 2, id="one")
    assert found.shape == (60, 90, 3), "its own size"
    with PIL.Image.open(io.BytesIO(encode_jpeg(expected, 85))) as image:
        np.testing.assert_array_equal(found, np.asarray(image))
    again = hardiness(*made)
    assert "was written with canvas as it is, and now canvas is 224: choose another folder" in again.err
    assert again.status == 2


def test_one_picture_a_size_and_a_contact_sheet(hardiness: Any, mixed: Path, tmp_path: Path) -> None:
    out = tmp_path / "out"
    told = hardiness(
        *("make", "corruptions", mixed / "one.jpg", out, "--corruptions", "fog+contrast", "--size", "56"),
        "--contact-sheet",
    )
    assert told.status == 0, told.err
    assert len(files(out)) == 11
    with PIL.Image.open(out / "fog" / "5" / "one.png") as image:
        assert image.size == (56, 56)
    with PIL.Image.open(out / "contact-sheet.png") as sheet:
        assert sheet.height >= 3 * 56
        assert sheet.width >= 5 * 56


def test_what_is_written_wrongly_costs_one_line(hardiness: Any, mixed: Path, tmp_path: Path) -> None:
    make = ("make", "corruptions", mixed, tmp_path / "out")
    for options, told in (
        (("--corruptions", "fog,snow"), "--corruptions takes + between names, as in fog+snow; had 'fog,snow'"),
        (("--keep-size", "--size", "96"), "--keep-size and --size contradict each other; leave one out"),
        (("--size", "8"), "--size"),
        (("--set", "imagenet-p"), "unknown set of corruptions 'imagenet-p'; did you mean 'imagenet-c'"),
    ):
        refused = hardiness(*make, *options)
        assert refused.status == 2
        assert len(refused.lines) == 1
        assert told in refused.err
    assert not (tmp_path / "out").exists()
    (tmp_path / "empty").mkdir()
    refused = hardiness("make", "corruptions", tmp_path / "empty", tmp_path / "out")
    assert refused.status == 2
    assert "must hold a picture" in refused.err
    refused = hardiness("make", "corruptions", tmp_path / "no", tmp_path / "out")
    assert refused.lines == [f"hardiness: SRC {tmp_path / 'no'}: there is no such file or folder; check the path"]
    refused = hardiness("make", "perturbations", mixed, tmp_path / "out")
    assert f"SRC {mixed} must hold imagenet/val/<wnid>/*.JPEG" in refused.err
    assert "--data" not in refused.err
    refused = hardiness("make", "corruptions", mixed, mixed / "out", "--corruptions", "contrast")
    assert f"{mixed / 'out'} lies in {mixed}, so that" in refused.err
    assert not (mixed / "out").exists()


def test_a_tree_of_other_pictures_is_called_so(hardiness: Any, mixed: Path, tmp_path: Path) -> None:
    made = ("make", "corruptions", mixed, tmp_path / "out", "--corruptions", "contrast", "--severities", "1")
    assert hardiness(*made).status == 0
    (mixed / "two.jpg").unlink()
    told = hardiness(*made).lines[-1]
    assert "was written from other pictures than those of source now: choose another folder" in told


def test_a_picture_that_is_too_small_costs_that_one_alone(hardiness: Any, mixed: Path, tmp_path: Path) -> None:
    PIL.Image.new("RGB", (20, 20)).save(mixed / "tiny.png")
    told = hardiness("make", "corruptions", mixed, tmp_path / "out", "--corruptions", "contrast", "--keep-size")
    assert told.status == 1
    assert "tiny.png: must have sides of 32 pixels or more, was 20x20" in told.err
    assert len(files(tmp_path / "out")) == 18


def test_webp_goes_in_and_comes_out_with_the_pixels_of_png(hardiness: Any, mixed: Path, tmp_path: Path) -> None:
    with PIL.Image.open(mixed / "one.jpg") as image:
        image.save(mixed / "four.webp", lossless=True)
    made = ("make", "corruptions", mixed, "--corruptions", "contrast+brightness", "--severities", "3", "--keep-size")
    for kind in ("png", "webp"):
        told = hardiness(*made[:3], tmp_path / kind, *made[3:], "--format", kind)
        assert told.status == 0, told.err
    written = sorted((tmp_path / "webp").rglob("*/*.webp"))
    assert len(written) == len(files(tmp_path / "png")) == 3 * 4
    for file in written:
        other = tmp_path / "png" / file.relative_to(tmp_path / "webp").with_suffix(".png")
        with PIL.Image.open(file) as found, PIL.Image.open(other) as expected:
            np.testing.assert_array_equal(np.asarray(found), np.asarray(expected))
    cut = written[0].read_bytes()
    written[0].write_bytes(cut[:-9])
    again = hardiness(*made[:3], tmp_path / "webp", *made[3:], "--format", "webp")
    assert again.status == 0, again.err
    assert written[0].read_bytes() == cut, "a file that was cut is made again"
    refused = hardiness(*made[:3], tmp_path / "gif", *made[3:], "--format", "gif")
    assert refused.status == 2
    assert "format of corrupted pictures" in refused.err

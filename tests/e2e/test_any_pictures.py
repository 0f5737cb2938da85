"""``make corruptions`` on pictures as they lie: any folder, one file, their own size, groups, a contact sheet."""

from __future__ import annotations

import io
import json
from pathlib import Path
from typing import Any

import numpy as np
import PIL.Image
import pytest
from PIL.JpegImagePlugin import get_sampling

from hardiness import corrupt
from hardiness.core.table import Records
from hardiness.imaging.codecs import encode_jpeg
from hardiness.store.store import Store


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


@pytest.fixture
def classes(photographs: list[Path], tmp_path: Path) -> Path:
    """Photographs in folders of very different sizes, with a list of boxes as COCO has it."""
    folder, boxes = tmp_path / "photos", []
    for number, photograph in enumerate(photographs[:9]):
        name = f"{'clothing' if number < 2 else 'container'}/{number:03d}.jpg"
        (folder / name).parent.mkdir(parents=True, exist_ok=True)
        with PIL.Image.open(photograph) as image:
            image.convert("RGB").resize((90, 60)).save(folder / name, quality=71 + number, subsampling=0)
        boxes.append({"id": number, "file_name": name, "width": 90, "height": 60})
    (tmp_path / "boxes.json").write_text(json.dumps({"images": boxes}))
    return folder


def test_a_limit_takes_the_folders_in_turn_and_the_pictures_of_a_run(
    hardiness: Any, classes: Path, factory: Any, tmp_path: Path
) -> None:
    written = tmp_path / "out"
    made = ("make", "corruptions", classes, written, "--corruptions", "contrast", "--severities", "1", "--limit", "4")
    assert hardiness(*made).status == 0
    names = sorted(path.relative_to(written / "clean").as_posix() for path in (written / "clean").rglob("*.png"))
    assert [name.partition("/")[0] for name in names] == ["clothing"] * 2 + ["container"] * 2
    run = ("run", "-m", factory(2), "-b", "own", "--data", classes, "--limit", "4", "--device", "cpu")
    assert hardiness(*run, "--out", tmp_path / "runs").status == 0
    (stored,) = Store(tmp_path / "runs").runs()
    samples = sorted(Records.concatenate(stored.parts(["sample"]))["sample"].tolist())
    assert [name.removesuffix(".png") for name in names] == samples


def test_names_formats_and_qualities_are_kept_where_that_is_asked_for(
    hardiness: Any, classes: Path, tmp_path: Path
) -> None:
    with PIL.Image.open(classes / "clothing" / "000.jpg") as image:
        turned = PIL.Image.Exif()
        turned[0x0112] = 6
        image.save(classes / "clothing" / "turned.jpg", exif=turned)
        image.save(classes / "clothing" / "first.PNG")
        image.save(classes / "clothing" / "old.bmp")
    out = tmp_path / "out"
    made = ("make", "corruptions", classes, out, "--corruptions", "contrast+elastic_transform", "--severities", "2")
    told = hardiness(*made, "--keep-size", "--format", "same")
    assert told.status == 1, "the bitmap alone is left out"
    assert "old.bmp: --format same writes .jpg, .jpeg, .jpe, .jfif, .png, .webp, and not .bmp; use --format" in told.err
    assert "boxes, masks and points fit, but under caustic_refraction, elastic_transform, glitched" in told.err
    images = json.loads((tmp_path / "boxes.json").read_text())["images"]
    for cell in ("clean", "contrast/2", "elastic_transform/2"):
        for entry in images:
            with (
                PIL.Image.open(out / cell / entry["file_name"]) as written,
                PIL.Image.open(classes / entry["file_name"]) as own,
            ):
                assert (written.format, written.size) == ("JPEG", (entry["width"], entry["height"]))
                assert written.quantization == own.quantization, "its quality"
                assert get_sampling(written) == get_sampling(own) == 0
        with PIL.Image.open(out / cell / "clothing" / "first.PNG") as written:
            assert written.format == "PNG"
    with PIL.Image.open(out / "contrast" / "2" / "clothing" / "turned.jpg") as written:
        assert written.getexif()[0x0112] == 6, "readers that turn it turn all of its copies"
    name = images[3]["file_name"]
    assert (out / "clean" / name).read_bytes() == (classes / name).read_bytes(), "not coded once more"
    with PIL.Image.open(classes / name) as own, PIL.Image.open(out / "contrast" / "2" / name) as written:
        expected = corrupt(np.asarray(own), "contrast", 2, id=name.removesuffix(".jpg"))
        assert np.abs(np.asarray(written).astype(int) - expected).mean() < 3
    manifest = json.loads((out / "manifest.json").read_text())
    assert (manifest["format"], manifest["set"], manifest["canvas"]) == ("same", "imagenet-c", "as it is")
    assert name in manifest["files"]["contrast/2"]
    assert "elastic_transform" in manifest["annotations"]
    cut = out / "contrast" / "2" / name
    whole = cut.read_bytes()
    cut.write_bytes(whole[:-50])
    again = hardiness(*made, "--keep-size", "--format", "same")
    assert cut.read_bytes() == whole
    cropped = hardiness(*made[:3], tmp_path / "cropped", *made[4:], "--limit", "1")
    assert "do not fit, since these are resized and cropped to 224 pixels; with --keep-size they do" in cropped.err
    assert again.status == 1


def test_levels_are_folders_of_their_own_and_the_manifest_has_the_parameters_of_each(
    hardiness: Any, mixed: Path, tmp_path: Path
) -> None:
    out = tmp_path / "out"
    made = ("make", "corruptions", mixed, out, "--corruptions", "jpeg_compression", "--keep-size", "--limit", "1")
    assert hardiness(*made, "--levels", "17..19..1").status == 0
    kinds = ("clean", *(f"jpeg_compression/quality={quality}" for quality in (17, 18, 19)))
    assert [name.rpartition("/")[0].removesuffix("/deep/deeper") for name in files(out)] == list(kinds)
    manifest = json.loads((out / "manifest.json").read_text())
    assert manifest["parameters"] == {
        f"jpeg_compression/quality={quality}": {"quality": quality} for quality in (17, 18, 19)
    }
    assert manifest["annotations"].startswith("classes, boxes, masks and points fit, but under")
    assert hardiness(*made, "--severities", "5").status == 0
    manifest = json.loads((out / "manifest.json").read_text())
    assert "jpeg_compression/5" in manifest["parameters"]
    (name,) = [name for name in files(out) if name.startswith("clean/")]
    of_level = out / name.replace("clean", "jpeg_compression/quality=17")
    with PIL.Image.open(out / name) as clean, PIL.Image.open(of_level) as low:
        expected = corrupt(np.asarray(clean), "jpeg_compression", quality=17)
        np.testing.assert_array_equal(np.asarray(low), expected, "the set's JPEG does not come after it")
    refused = hardiness(*made[:3], tmp_path / "lossy", *made[4:], "--levels", "17", "--format", "jpeg")
    assert refused.status == 2
    assert "format jpeg is not for levels: jpeg_compression/quality=17 would be compressed" in refused.err
    for levels, told in (("5", "--levels are of a corruption"), ("5..9", "--levels must be values and ranges")):
        named = made if levels != "5" else made[:4]
        wrong = hardiness(*named, "--levels", levels)
        assert (wrong.status, wrong.err.startswith(f"hardiness: {told}")) == (2, True), wrong.err

"""What the header of an image file says, wherever the file lies."""

from __future__ import annotations

import io
import tarfile
from pathlib import Path

import numpy as np
import PIL.Image
import pytest

from hardiness.core.errors import SampleError
from hardiness.data.image_structure import END_BYTES, Structure, opened, structure, tables_of
from hardiness.imaging.codecs import encode_jpeg
from hardiness.sources.files import DiskFile, TarMember

PIXELS = np.random.default_rng(0).integers(0, 256, (48, 64, 3), np.uint8)


def encoded(kind: str, mode: str = "RGB", **options: object) -> bytes:
    stream = io.BytesIO()
    PIL.Image.fromarray(PIXELS).convert(mode).save(stream, kind, **options)
    return stream.getvalue()


def of(content: bytes) -> Structure | None:
    return structure(io.BytesIO(content), content[:END_BYTES], content[-END_BYTES:])


@pytest.mark.parametrize("quality", [10, 85, 100])
def test_a_jpeg_has_the_tables_of_its_quality(quality: int) -> None:
    assert of(encode_jpeg(PIXELS, quality)) == Structure(64, 48, "RGB", 8, True, tables_of(quality))
    assert tables_of(quality) != tables_of(50)


@pytest.mark.parametrize(
    ("content", "expected"),
    [
        (encoded("PNG"), Structure(64, 48, "RGB", 8, True)),
        (encoded("PNG", "LA"), Structure(64, 48, "grey with alpha", 8, True)),
        (encoded("PNG", "1"), Structure(64, 48, "black and white", 8, True)),
        (encoded("PNG", "I;16"), Structure(64, 48, "I;16", 16, True)),
        (encoded("GIF", "P"), Structure(64, 48, "palette", 8, True)),
        (encoded("WEBP", lossless=True)[:-1], None),
        (encoded("PNG")[:-1], Structure(64, 48, "RGB", 8, False)),
        (encoded("JPEG")[:100], Structure(0, 0, "RGB", 8, False)),
        (encoded("PNG", save_all=True, append_images=[PIL.Image.new("RGB", (64, 48))]), "2 frames"),
    ],
)
def test_other_files_are_described(content: bytes, expected: Structure | str | None) -> None:
    image = of(content)
    if expected == "2 frames":
        assert image is not None
        assert image.frames == 2
    else:
        assert image == expected


def test_a_photograph_with_a_preview_behind_it_is_one_picture() -> None:
    image = of(encoded("MPO", save_all=True, append_images=[PIL.Image.new("RGB", (64, 48))]))
    assert image is not None
    assert image.frames == 1


def test_a_member_of_a_tar_is_read_as_the_file_is(tmp_path: Path) -> None:
    content = encoded("JPEG", quality=85)
    file = tmp_path / "a.jpg"
    file.write_bytes(content)
    with tarfile.open(tmp_path / "a.tar", "w") as tar:
        tar.add(file, "a.jpg")
        tar.add(file, "b.jpg")
    with tarfile.open(tmp_path / "a.tar") as tar:
        offset = tar.getmember("b.jpg").offset_data
    for source in (DiskFile(str(file)), TarMember(str(tmp_path / "a.tar"), offset, len(content), "b.jpg")):
        with opened(source) as stream:
            assert stream.read() == content
            assert stream.seek(-2, io.SEEK_END) == len(content) - 2
            assert stream.read() == b"\xff\xd9"
            assert structure(stream, content[:END_BYTES], content[-END_BYTES:]) == of(content)


@pytest.mark.parametrize("sides", [(9500, 9400), (20_000, 20_000)])
@pytest.mark.filterwarnings("ignore::PIL.Image.DecompressionBombWarning")
def test_more_pixels_than_are_decoded_are_told_from_the_header(sides: tuple[int, int]) -> None:
    content = encoded("BMP")
    side = b"".join(length.to_bytes(4, "little") for length in sides)
    with pytest.raises(SampleError, match="must have at most 89,000,000 pixels"):
        of(content[:18] + side + content[26:])

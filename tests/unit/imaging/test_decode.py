"""Decoding against PIL itself: the same pixels, and the same verdict on what is damaged."""

from __future__ import annotations

import importlib
import io
import re
import struct
import warnings
import zlib
from pathlib import Path
from typing import Any

import numpy as np
import PIL.Image
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from hardiness.core.errors import SampleError
from hardiness.imaging.codecs import decode

decoding = importlib.import_module("hardiness.imaging.codecs")


def by_pil(data: bytes) -> np.ndarray:
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        return np.asarray(PIL.Image.open(io.BytesIO(data)).convert("RGB"))


def noise(height: int, width: int, channels: int = 3, seed: int = 0) -> np.ndarray:
    shape = (height, width, channels) if channels > 1 else (height, width)
    return np.random.default_rng(seed).integers(0, 256, shape, np.uint8)


def encoded(image: PIL.Image.Image, form: str, **options: Any) -> bytes:
    buffer = io.BytesIO()
    image.save(buffer, form, **options)
    return buffer.getvalue()


def in_mode(mode: str, height: int = 37, width: int = 53) -> PIL.Image.Image:
    if mode == "LA":
        return PIL.Image.fromarray(noise(height, width, 4)).convert("LA")
    if mode in ("RGBA", "CMYK"):
        image = PIL.Image.fromarray(noise(height, width, 4))
        return image if mode == "RGBA" else image.convert("RGB").convert("CMYK")
    return PIL.Image.fromarray(noise(height, width)).convert(mode)


def test_photographs_equal_pil(photographs: list[Path]) -> None:
    for file in photographs[::5]:
        data = file.read_bytes()
        assert np.array_equal(decode(data, file.name), by_pil(data)), file


@settings(max_examples=150, deadline=None)
@given(
    size=st.tuples(st.integers(1, 70), st.integers(1, 70)),
    mode=st.sampled_from(["RGB", "L", "CMYK"]),
    quality=st.integers(1, 100),
    sampling=st.sampled_from(["4:4:4", "4:2:2", "4:2:0"]),
    progressive=st.booleans(),
    restarts=st.sampled_from([0, 2]),
)
def test_any_jpeg_equals_pil(
    size: tuple[int, int], mode: str, quality: int, sampling: str, progressive: bool, restarts: int
) -> None:
    data = encoded(
        in_mode(mode, *size),
        "JPEG",
        quality=quality,
        subsampling=sampling,
        progressive=progressive,
        restart_marker_blocks=restarts,
    )
    assert np.array_equal(decode(data, "x.jpg"), by_pil(data))


def test_jpeg_that_stores_rgb_equals_pil() -> None:
    data = encoded(in_mode("RGB"), "JPEG", keep_rgb=True, subsampling="4:4:4")
    assert np.array_equal(decode(data, "x.jpg"), by_pil(data))


@pytest.mark.parametrize(
    ("form", "mode"),
    [("PNG", mode) for mode in ("RGB", "L", "LA", "RGBA", "P", "1")]
    + [("BMP", "RGB"), ("BMP", "L"), ("WEBP", "RGB"), ("WEBP", "RGBA"), ("GIF", "P"), ("GIF", "L"), ("PPM", "RGB")]
    + [("TIFF", mode) for mode in ("RGB", "L", "CMYK", "RGBA")],
)
def test_other_formats_and_modes_equal_pil(form: str, mode: str) -> None:
    data = encoded(in_mode(mode), form)
    image = decode(data, "x")
    assert image.dtype == np.uint8
    assert np.array_equal(image, by_pil(data))


def test_palette_with_transparency_equals_pil_and_does_not_warn() -> None:
    data = encoded(in_mode("P"), "PNG", transparency=bytes(range(256)))
    assert np.array_equal(decode(data, "x.png"), by_pil(data))


def test_orientation_is_ignored() -> None:
    exif = PIL.Image.Exif()
    exif[0x0112] = 6
    data = encoded(in_mode("RGB", 20, 30), "JPEG", exif=exif)
    assert decode(data, "x.jpg").shape == (20, 30, 3)


def test_photograph_with_previews_is_read() -> None:
    frame = in_mode("RGB")
    data = encoded(frame, "MPO", save_all=True, append_images=[frame])
    assert np.array_equal(decode(data, "x.jpg"), by_pil(data))


def fails(data: bytes, *words: str) -> None:
    with pytest.raises(SampleError) as caught:
        decode(data, "n01/photo.jpg")
    message = str(caught.value)
    assert message.startswith("n01/photo.jpg: ")
    assert "\n" not in message
    for word in words:
        assert word in message


def test_empty_file_fails() -> None:
    fails(b"", "empty")


@pytest.mark.parametrize("data", [b"hello, I am text", b"\xff\xd8\xff", b"\x89PNG\r\n\x1a\n", bytes(1000)])
def test_no_image_fails(data: bytes) -> None:
    fails(data, "must be")


@pytest.mark.parametrize("share", [0.1, 0.5, 0.9, 0.99])
@pytest.mark.parametrize("form", ["JPEG", "PNG", "WEBP", "TIFF", "BMP", "PPM"])
def test_truncated_file_fails(form: str, share: float) -> None:
    data = encoded(in_mode("RGB"), form)
    fails(data[: int(len(data) * share)], "must be")


def test_truncated_photograph_fails(photographs: list[Path]) -> None:
    data = photographs[0].read_bytes()
    fails(data[: len(data) // 2], "damaged", "truncated")


@pytest.mark.parametrize("form", ["PNG", "TIFF", "PPM"])
def test_16_bit_grey_fails(form: str) -> None:
    deep = PIL.Image.fromarray(np.arange(300, dtype=np.uint16).reshape(15, 20) * 200)
    fails(encoded(deep, form), "8 bits per channel", "16")


def test_16_bit_rgb_png_fails_although_pil_reads_it() -> None:
    def chunk(kind: bytes, content: bytes) -> bytes:
        return struct.pack(">I", len(content)) + kind + content + struct.pack(">I", zlib.crc32(kind + content))

    header = struct.pack(">IIBBBBB", 4, 4, 16, 2, 0, 0, 0)
    rows = zlib.compress(bytes(4 * (1 + 4 * 3 * 2)))
    data = b"\x89PNG\r\n\x1a\n" + chunk(b"IHDR", header) + chunk(b"IDAT", rows) + chunk(b"IEND", b"")
    assert PIL.Image.open(io.BytesIO(data)).mode == "RGB"
    fails(data, "8 bits per channel", "16")


@pytest.mark.parametrize("header", [b"P6 3 2 255\n", b"P6\n3 2\n255\n", b"P6\n# by hand\n3 2 255 "])
def test_every_header_of_a_ppm_gives_its_pixels(header: bytes) -> None:
    pixels = noise(2, 3)
    image = decode(header + pixels.tobytes(), "photo")
    assert np.array_equal(image, pixels)
    assert image.flags.writeable
    fails(header + pixels.tobytes()[:-1], "must be")


def test_a_ppm_of_too_many_pixels_fails(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(decoding, "MAX_PIXELS", 5)
    fails(b"P6 3 2 255\n" + bytes(18), "at most 5 pixels")


def test_16_bit_rgb_ppm_fails() -> None:
    fails(b"P6 2 2 65535\n" + bytes(24), "8 bits per channel", "16")


def test_float_tiff_fails() -> None:
    fails(encoded(PIL.Image.fromarray(np.zeros((4, 4), np.float32)), "TIFF"), "8 bits per channel", "32")


@pytest.mark.parametrize("form", ["GIF", "PNG", "WEBP", "TIFF"])
def test_several_frames_fail(form: str) -> None:
    frames = [PIL.Image.fromarray(noise(16, 16, seed=seed)) for seed in range(3)]
    fails(encoded(frames[0], form, save_all=True, append_images=frames[1:]), "single picture", "3 frames")


def test_too_many_pixels_fail(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(decoding, "MAX_PIXELS", 2000)
    for form in ("JPEG", "PNG"):
        fails(encoded(in_mode("RGB", 50, 50), form), "at most 2,000 pixels")


def test_a_header_that_claims_a_gigapixel_takes_no_memory() -> None:
    content = bytearray(encoded(in_mode("RGB", 8, 8), "PNG"))
    content[16:24] = struct.pack(">II", 40_000, 40_000)
    content[29:33] = struct.pack(">I", zlib.crc32(content[12:29]))
    fails(bytes(content), "at most 89,000,000 pixels")


@pytest.mark.parametrize("form", ["JPEG", "PNG"])
def test_a_picture_that_does_not_fit_into_memory_fails_alone(form: str, monkeypatch: pytest.MonkeyPatch) -> None:
    content = encoded(in_mode("RGB", 8, 8), form)

    def full(*_: object, **__: object) -> None:
        raise MemoryError

    monkeypatch.setattr(decoding.simplejpeg, "decode_jpeg", full)
    monkeypatch.setattr(PIL.Image.Image, "convert", full)
    fails(content, "does not fit into memory")


damage = st.tuples(
    st.sampled_from(["cut", "flip", "zero", "insert", "append"]), st.floats(0, 1), st.binary(min_size=1, max_size=20)
)


def damaged(data: bytes, harm: tuple[str, float, bytes]) -> bytes:
    kind, where, junk = harm
    at = int(where * len(data))
    if kind == "cut":
        return data[:at]
    if kind == "append":
        return data + junk
    if kind == "insert":
        return data[:at] + junk + data[at:]
    return data[:at] + (junk if kind == "flip" else bytes(len(junk))) + data[at + len(junk) :]


@pytest.mark.slow
@settings(max_examples=400, deadline=None)
@given(
    form=st.sampled_from(["JPEG", "progressive", "PNG", "GIF", "WEBP", "TIFF", "BMP", "PPM"]),
    harms=st.lists(damage, min_size=1, max_size=3),
)
def test_damage_gets_the_pixels_of_pil_or_one_sentence(form: str, harms: list[tuple[str, float, bytes]]) -> None:
    jpeg = {"progressive": True} if form == "progressive" else {}
    data = encoded(in_mode("RGB"), "JPEG" if form == "progressive" else form, **jpeg)
    for harm in harms:
        data = damaged(data, harm)
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        image, sentence = attempt(data)
    if sentence is None:
        assert np.array_equal(image, by_pil(data))
        return
    assert re.fullmatch(r"photo: must .*", sentence)
    if form in ("JPEG", "progressive") and data.startswith(b"\xff\xd8\xff") and "libjpeg says" not in sentence:
        with pytest.raises((OSError, SyntaxError, ValueError, TypeError, IndexError, KeyError)):
            by_pil(data)


def attempt(data: bytes) -> tuple[np.ndarray | None, str | None]:
    try:
        return decode(data, "photo"), None
    except SampleError as error:
        return None, str(error)

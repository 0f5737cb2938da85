"""JPEGs damaged in their middle: what a run refuses, and what ``data check --pixels`` finds beside that.

PIL decodes most of them without a word. ``pytest -s`` prints how many of each are found.
"""

from __future__ import annotations

import io
import random
from collections.abc import Callable
from functools import cache

import numpy as np
import PIL.Image
import pytest

from hardiness.core.errors import SampleError
from hardiness.data.root import locate
from hardiness.imaging.codecs import decode, refuse_damaged


@cache
def photographs() -> tuple[bytes, ...]:
    found = [item.file.read() for item in locate(["embedded"]).dataset("imagenet").items]
    return tuple(content for content in found if content.startswith(b"\xff\xd8\xff") and len(content) > 6000)


def is_told(content: bytes) -> bool:
    try:
        refuse_damaged(content, "photo")
    except SampleError as told:
        return str(told).isprintable()
    return False


Damage = Callable[[bytearray, int, random.Random], None]


def zeroed(content: bytearray, at: int, _: random.Random) -> None:
    content[at : at + 512] = bytes(512)


def scrambled(content: bytearray, at: int, chance: random.Random) -> None:
    content[at : at + 512] = chance.randbytes(512)


def twice(content: bytearray, at: int, _: random.Random) -> None:
    content[at:at] = content[at - 512 : at]


def gone(content: bytearray, at: int, _: random.Random) -> None:
    del content[at : at + 512]


def bit(content: bytearray, at: int, chance: random.Random) -> None:
    content[at] ^= 1 << chance.randrange(8)


@pytest.mark.parametrize(
    ("damage", "at_least"), [(zeroed, 0.8), (scrambled, 0.9), (twice, 0.95), (gone, 0.9), (bit, 0.05)]
)
def test_most_damage_of_a_sector_is_told(damage: Damage, at_least: float) -> None:
    chance, told, evaluated = random.Random(0), 0, 0
    for content in photographs():
        torn = bytearray(content)
        damage(torn, chance.randrange(len(torn) // 3, 2 * len(torn) // 3), chance)
        told += is_told(bytes(torn))
        try:
            decode(bytes(torn), "photo")
            evaluated += 1
        except SampleError:
            continue
    count = len(photographs())
    print(f"\n{damage.__name__}: {told} of {count} told; a run would evaluate {evaluated}")
    assert count > 50
    assert at_least * count <= told


@pytest.mark.parametrize(
    ("mode", "more"),
    [
        ("RGB", {}),
        ("RGB", {"progressive": True}),
        ("RGB", {"subsampling": "4:1:1"}),
        ("L", {}),
        ("L", {"progressive": True}),
        ("CMYK", {"quality": 100, "subsampling": "4:4:4"}),
    ],
)
def test_sound_ones_of_every_kind_pass_and_torn_ones_do_not(mode: str, more: dict[str, object]) -> None:
    stream = io.BytesIO()
    pixels = np.random.default_rng(0).integers(0, 256, (64, 80, 3), np.uint8)
    PIL.Image.fromarray(pixels).convert(mode).save(stream, "JPEG", **more)
    whole = stream.getvalue()
    assert not is_told(whole)
    torn = bytearray(whole)
    twice(torn, len(torn) // 2, random.Random(0))
    assert is_told(bytes(torn))


def a_jpeg(mode: str = "RGB", **more: object) -> bytes:
    stream = io.BytesIO()
    pixels = np.random.default_rng(0).integers(0, 256, (64, 80, 3), np.uint8)
    PIL.Image.fromarray(pixels).convert(mode).save(stream, "JPEG", **more)
    return stream.getvalue()


KINDS: list[tuple[str, dict[str, object]]] = [
    ("RGB", {}),
    ("RGB", {"progressive": True}),
    ("RGB", {"restart_marker_rows": 1}),
    ("RGB", {"subsampling": "4:1:1"}),
    ("L", {}),
    ("CMYK", {}),
]


@pytest.mark.parametrize(("mode", "more"), KINDS)
@pytest.mark.parametrize("end", [0.5, 0.98])
def test_a_jpeg_cut_short_with_an_end_marker_is_refused(mode: str, more: dict[str, object], end: float) -> None:
    whole = a_jpeg(mode, **more)
    with pytest.raises(SampleError, match="libjpeg says: Corrupt JPEG data: premature end of data segment; fetch"):
        decode(whole[: int(end * len(whole))] + b"\xff\xd9", "photo")


def test_a_photograph_cut_in_half_with_an_end_marker_is_refused() -> None:
    for whole in photographs()[::10]:
        with pytest.raises(SampleError, match="photo: must be a whole JPEG, but libjpeg says"):
            decode(whole[: len(whole) // 2] + b"\xff\xd9", "photo")


def test_what_is_left_over_between_restarts_or_scans_is_refused() -> None:
    for more in ({"restart_marker_rows": 1}, {"progressive": True}):
        whole = a_jpeg(**more)
        middle = len(whole) // 2
        with pytest.raises(SampleError, match=r"extraneous bytes before marker 0x(?!d9)"):
            decode(whole[:middle] + whole[middle - 64 :], "photo")


def test_what_is_left_over_outside_of_the_pixels_is_read_as_it_was() -> None:
    whole = a_jpeg()
    segment = whole.index(b"\xff\xdb")
    for content in (
        whole + b"left over" * 9,
        whole[:-2] + b"left over" * 9 + whole[-2:],
        whole[:segment] + bytes(3) + whole[segment:],
        whole[:segment] + b"\xff\xff" + whole[segment:],
    ):
        assert np.array_equal(decode(content, "photo"), decode(whole, "photo"))


def test_what_is_left_over_in_the_header_does_not_hide_that_pixels_are_missing() -> None:
    whole = a_jpeg()
    segment = whole.index(b"\xff\xdb")
    torn = whole[:segment] + bytes(3) + whole[segment : len(whole) // 2] + b"\xff\xd9"
    with pytest.raises(SampleError, match="premature end of data segment"):
        decode(torn, "photo")


def test_none_of_the_photographs_is_called_damaged() -> None:
    assert not [content for content in photographs() if is_told(content)]

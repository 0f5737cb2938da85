"""Whole numbers of any length."""

from __future__ import annotations

import pytest

from hardiness.sources.varints import read_varint


@pytest.mark.parametrize(("content", "number"), [(b"\x00", 0), (b"\x7f", 127), (b"\x96\x01", 150)])
def test_a_number_and_the_place_behind_it(content: bytes, number: int) -> None:
    assert read_varint(b"\xff" + content + b"\x05", 1) == (number, 1 + len(content))
    assert read_varint(memoryview(content), 0) == (number, len(content))


def test_the_largest_number_of_64_bits() -> None:
    assert read_varint(b"\xff" * 9 + b"\x01", 0) == (2**64 - 1, 10)


def test_a_number_that_is_cut_off_or_endless_is_refused() -> None:
    with pytest.raises(IndexError):
        read_varint(b"\xff", 0)
    with pytest.raises(ValueError, match="more than 10 bytes"):
        read_varint(b"\xff" * 11, 0)

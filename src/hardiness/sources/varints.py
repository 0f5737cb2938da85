"""Whole numbers of any length, as Protocol Buffers, Thrift and Parquet write them."""

from __future__ import annotations

from collections.abc import Sequence

_MOST_BYTES = 10


def read_varint(content: Sequence[int], at: int) -> tuple[int, int]:
    """The number that begins at a place of some bytes, and the place behind it.

    Raises:
        IndexError: the bytes end before it does.
        ValueError: it has more bytes than a number of 64 bits needs.

    Source: Protocol Buffers, Encoding: seven bits a byte, the lowest first; the eighth says that more follow.
    """
    number = 0
    for place in range(_MOST_BYTES):
        byte = content[at + place]
        number |= (byte & 0x7F) << 7 * place
        if byte < 0x80:
            return number, at + place + 1
    raise ValueError(f"a number has more than {_MOST_BYTES} bytes")

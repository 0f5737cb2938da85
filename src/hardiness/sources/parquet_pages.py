"""Single values of large groups of rows in Parquet files, read by the page that holds each."""

from __future__ import annotations

import threading
from collections import OrderedDict
from collections.abc import Callable, Hashable, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from hardiness.sources.files import Stamp
from hardiness.sources.varints import read_varint

MOST_DECODED = 32 << 20
"""Bytes of the largest group of rows that is decoded for each picture that is read of it. The hub's have 100 pictures,
about 11 MB, which takes 7 to 13 core-ms; of larger groups the page that holds the picture is read: about 1 MB, but up
to 1,024 pictures of a file that pandas wrote."""

MOST_HELD = 256 << 20
"""Bytes of decoded groups and pages that stay, for whoever reads pictures in the order of the file."""


class DecodedRows:
    """The rows that were decoded last, up to `MOST_HELD` bytes; any number of threads can ask at once."""

    def __init__(self) -> None:
        self._found: OrderedDict[Hashable, tuple[Any, int]] = OrderedDict()
        self._lock = threading.Lock()

    def get(self, key: Hashable, decode: Callable[[], tuple[Any, int]]) -> Any:
        """The value that is held under a key, else the one that ``decode`` gives with its bytes."""
        with self._lock:
            if key in self._found:
                self._found.move_to_end(key)
                return self._found[key][0]
        decoded = decode()
        with self._lock:
            self._found[key] = decoded
            while len(self._found) > 1 and sum(size for _, size in self._found.values()) > MOST_HELD:
                self._found.popitem(last=False)
        return decoded[0]


HELD = DecodedRows()
"""The decoded rows of this process."""


@dataclass(frozen=True, slots=True)
class Page:
    """A part of a column of bytes in a Parquet file that is decompressed for one value in it.

    Attributes:
        start, stored: the place of its bytes in the file, and their number.
        size: bytes once decompressed.
        codec: as pyarrow calls it; empty where it is not compressed.
        has_levels: whether a list of the rows that have a value, which begins with its own length, comes first.
    """

    start: int
    stored: int
    size: int
    codec: str
    has_levels: bool

    def content(self, table: str) -> memoryview:
        """The whole page, decompressed."""
        import pyarrow

        with Path(table).open("rb") as stream:
            stream.seek(self.start)
            content = stream.read(self.stored)
        return memoryview(pyarrow.Codec(self.codec).decompress(content, self.size) if self.codec else content)

    def begin(self, content: memoryview) -> int:
        """The place in its content at which the first value begins."""
        return 4 + int.from_bytes(content[:4], "little") if self.has_levels else 0


@dataclass(frozen=True, slots=True)
class PageValue:
    """One value of a page, by its place among those of the page."""

    page: Page
    place: int

    def read(self, table: str, stamp: Stamp) -> bytes:
        """The bytes of the value.

        Raises:
            ValueError: the page does not hold so many values.
        """
        content: memoryview = HELD.get((table, stamp, self.page), lambda: (self.page.content(table), self.page.size))
        at = self.page.begin(content)
        for _ in range(self.place):
            at += 4 + int.from_bytes(content[at : at + 4], "little")
        length = int.from_bytes(content[at : at + 4], "little")
        value = content[at + 4 : at + 4 + length]
        if len(value) < length or at + 4 > len(content):
            raise ValueError("it is cut off or damaged; fetch it again")
        return bytes(value)


def _indices(content: memoryview, at: int, count: int) -> list[int]:
    """The places in the dictionary of so many values, which begin there.

    Source: Apache Parquet, Encodings.md, RLE / bit-packing hybrid.
    """
    width, indices = content[at], list[int]()
    if width > 32:
        raise ValueError(f"its dictionary is counted by {width} bits")
    at += 1
    while len(indices) < count:
        header, at = read_varint(content, at)
        if header & 1:  # eight values for each width bytes
            groups = min(header >> 1, (count - len(indices) + 7) // 8)
            length = groups * width
            bits = int.from_bytes(content[at : at + length], "little")
            indices += [bits >> place * width & (1 << width) - 1 for place in range(groups * 8)]
        else:  # one value, many times
            length = (width + 7) // 8
            indices += [int.from_bytes(content[at : at + length], "little")] * min(header >> 1, count - len(indices))
        at += length
    return indices[:count]


_CODECS = {"UNCOMPRESSED": "", "SNAPPY": "snappy", "GZIP": "gzip", "BROTLI": "brotli", "ZSTD": "zstd"}
_DATA_PAGE, _DICTIONARY_PAGE, _PLAIN, _BY_DICTIONARY, _HEADER_BYTES = 0, 2, 0, (2, 8), 1 << 16

_DEEPEST = 8
"""Structs within each other in a page's header; there are three."""


def page_values(file: Path, schema: Any, group: Any, path: str) -> Sequence[PageValue]:
    """The value of each row of a large group by its page; none where rows are read with their whole group.

    Args:
        file: which.
        schema, group: of it, as pyarrow has them.
        path: in the schema, of a column of bytes.

    Source: Apache Parquet, parquet.thrift, PageHeader, and Encodings.md, PLAIN and RLE_DICTIONARY.
    """
    number = next(k for k in range(group.num_columns) if group.column(k).path_in_schema == path)
    part, kind = group.column(number), schema.column(number)
    if part.total_uncompressed_size <= MOST_DECODED or part.compression not in _CODECS or kind.max_repetition_level:
        return ()
    if kind.max_definition_level and (part.statistics is None or not part.statistics.has_null_count):
        return ()  # a row may lack its bytes, and values would not be counted by rows
    starts = [part.data_page_offset, *([part.dictionary_page_offset] if part.has_dictionary_page else [])]
    at, end, codec = min(starts), min(starts) + part.total_compressed_size, _CODECS[part.compression]
    values: list[PageValue] = []
    dictionary: Page | None = None
    with file.open("rb") as stream:
        while at < end and len(values) < group.num_rows:
            stream.seek(at)
            header, length = _thrift(stream.read(min(_HEADER_BYTES, end - at)))
            sort, size, stored, data = header[1], header[2], header[3], header.get(5)
            at += length
            rows_left, count = group.num_rows - len(values), data[1] if data else 0
            if not (0 <= stored <= end - at and 0 <= size <= part.total_uncompressed_size and 0 <= count <= rows_left):
                return ()  # pyarrow says what is wrong with a damaged file
            page = Page(at, stored, size, codec, sort == _DATA_PAGE and kind.max_definition_level > 0)
            at += stored
            if sort == _DICTIONARY_PAGE:
                dictionary = page
            elif sort == _DATA_PAGE and data is not None and data[2] == _PLAIN:
                values += [PageValue(page, place) for place in range(count)]
            elif sort == _DATA_PAGE and data is not None and data[2] in _BY_DICTIONARY and dictionary is not None:
                content = page.content(str(file))
                values += [PageValue(dictionary, place) for place in _indices(content, page.begin(content), count)]
            else:
                return ()
    return tuple(values) if len(values) == group.num_rows else ()


def _thrift(content: bytes) -> tuple[dict[int, Any], int]:
    """A struct in Thrift's compact form as its fields by number, and how many bytes it took.

    Source: Apache Thrift, thrift-compact-protocol.md.
    """
    at = 0

    def number() -> int:
        nonlocal at
        whole, at = read_varint(content, at)
        return whole

    def value(kind: int, depth: int) -> Any:
        nonlocal at
        if kind in (1, 2):
            return kind == 1
        if kind in (4, 5, 6):  # whole numbers, signs in the last bit
            zigzag = number()
            return zigzag >> 1 ^ -(zigzag & 1)
        if kind == 12:
            return struct(depth + 1)
        if kind in (3, 7, 8):
            length = {3: 1, 7: 8}.get(kind) or number()
            at += length
            return content[at - length : at]
        raise ValueError(f"its header has a field of kind {kind}")

    def struct(depth: int) -> dict[int, Any]:
        nonlocal at
        if depth > _DEEPEST:
            raise ValueError("its header is too deep")
        fields: dict[int, Any] = {}
        last = 0
        while (byte := content[at]) != 0:
            at += 1
            last = last + (byte >> 4) if byte >> 4 else value(4, depth)
            fields[last] = value(byte & 15, depth)
        at += 1
        return fields

    return struct(0), at

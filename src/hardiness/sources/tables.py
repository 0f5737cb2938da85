"""Shards of labelled pictures: Parquet files and WebDataset tars."""

from __future__ import annotations

import json
import os
import threading
from collections import OrderedDict
from collections.abc import Callable, Hashable, Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any, NamedTuple

from hardiness.core.errors import DataError, SampleError
from hardiness.sources.files import Stamp, changed, is_unchanged, shown, unreadable
from hardiness.sources.http import offline
from hardiness.sources.hub_cache import check_snapshot
from hardiness.sources.varints import read_varint

HUB = "hf:"

SPLITS = ("validation", "val", "test")
"""The split that is read where several are there and none was asked for, best first."""

_IMAGES, _LABELS = ("image", "img", "jpg", "png", "webp"), ("label", "labels", "cls", "class", "wnid")

MOST_DECODED = 32 << 20
"""Bytes of the largest group of rows that is decoded for each picture that is read of it. The hub's have 100 pictures,
about 11 MB, which takes 7 to 13 core-ms; of larger groups the page that holds the picture is read: about 1 MB, but up
to 1,024 pictures of a file that pandas wrote."""

MOST_HELD = 256 << 20
"""Bytes of decoded groups and pages that stay, for whoever reads pictures in the order of the file."""


class PictureRecord(NamedTuple):
    """One picture: what it is called, its label as it is written there, its bytes, and what another column says."""

    name: str
    label: str
    image: TableRow
    beside: str = ""


@dataclass(frozen=True, slots=True)
class TableRow:
    """The picture in one row of a Parquet file, read where it stands.

    Attributes:
        table: the file.
        columns: of the file.
        group: of rows, which is decoded as a whole.
        row: within the group.
        picture: what the picture is called.
        stamp: what the file was when it was listed.
        page: where its value stands, where that can be read alone.
    """

    table: str
    columns: Columns
    group: int
    row: int
    picture: str
    stamp: Stamp
    page: PageValue | None = None

    @property
    def name(self) -> str:
        """``file.parquet!picture``, in one printable line."""
        return shown(f"{self.table}!{self.picture}")

    def read(self) -> bytes:
        import pyarrow

        if not self.unchanged():
            raise changed(self.name)
        try:
            if self.page is not None:
                return self.page.read(self.table, self.stamp)
            value = _pictures_of(self.table, self.stamp, self.group, self.columns)[self.row].as_py()
        except (pyarrow.ArrowException, OSError, ValueError, LookupError, MemoryError) as error:
            raise unreadable(self.name, error) from None
        content = value.get("bytes") if self.columns.is_struct and value is not None else value
        if not isinstance(content, bytes):
            raise SampleError(f"{self.name}: must hold the bytes of a picture, but holds none; fetch it again")
        return content

    def unchanged(self) -> bool:
        """Whether the file is still there and the one that was listed."""
        return is_unchanged(self.table, self.stamp)


class _DecodedRows:
    """What was decoded last, up to `MOST_HELD` bytes; any number of threads can ask at once."""

    def __init__(self) -> None:
        self._found: OrderedDict[Hashable, tuple[Any, int]] = OrderedDict()
        self._lock = threading.Lock()

    def get(self, key: Hashable, decode: Callable[[], tuple[Any, int]]) -> Any:
        """What is held under a key, else what ``decode`` gives, with its bytes."""
        with self._lock:
            if key in self._found:
                self._found.move_to_end(key)
                return self._found[key][0]
        found = decode()
        with self._lock:
            self._found[key] = found
            while len(self._found) > 1 and sum(size for _, size in self._found.values()) > MOST_HELD:
                self._found.popitem(last=False)
        return found[0]


_held = _DecodedRows()


def _pictures_of(table: str, stamp: Stamp, group: int, columns: Columns) -> Any:
    """The pictures of one group of rows, as pyarrow has them."""
    from pyarrow import parquet

    def decode() -> tuple[Any, int]:
        wanted = f"{columns.image}.bytes" if columns.is_struct else columns.image
        with parquet.ParquetFile(table) as source:
            found = source.read_row_group(group, [wanted], use_threads=False).column(0)
        return found, found.nbytes

    return _held.get((table, stamp, group), decode)


@dataclass(frozen=True)
class Columns:
    """Which columns of a file hold what.

    Attributes:
        image: the column of pictures.
        is_struct: whether its values have bytes, and perhaps a path.
        has_path: whether they have a path.
        label: the column of labels.
    """

    image: str
    is_struct: bool
    has_path: bool
    label: str


def from_hub(address: str, split: str | None) -> Path:
    """The folder of Parquet files of a hub's data set, fetched into the hub's own cache.

    Args:
        address: ``hf:ORG/NAME`` or ``hf:ORG/NAME@REVISION``.
        split: which split; ``None`` for the first of `SPLITS` that is there.

    Raises:
        DataError: huggingface_hub is not installed, the data set cannot be had or holds no Parquet, or a file of it in
            the cache is not what was published.
    """
    try:
        import huggingface_hub
    except ImportError:
        raise DataError(f"{address} needs huggingface_hub: pip install 'hardiness[hf]'") from None
    name, _, revision = address.removeprefix(HUB).partition("@")
    try:
        patterns = [f"*{split}*.parquet"] if split else ["*.parquet"]
        if not offline() and split is None:
            files = huggingface_hub.HfApi().list_repo_files(name, repo_type="dataset", revision=revision or None)
            patterns = [
                str(path)
                for path in _of_split([Path(file) for file in files if file.endswith(".parquet")], None, address)
            ]
        folder = Path(
            huggingface_hub.snapshot_download(
                name,
                repo_type="dataset",
                revision=revision or None,
                allow_patterns=patterns,
                local_files_only=offline(),
            )
        )
        check_snapshot(folder, address)
        return folder
    except (OSError, ValueError, RuntimeError) as error:
        reason = shown(str(error).strip().splitlines()[0] if str(error).strip() else type(error).__name__)
        raise DataError(
            f"{address} cannot be had: {reason}; check its name, and 'hf auth login' if it is gated"
        ) from None


def parquet_files(folder: Path, split: str | None, anywhere: bool = False) -> list[Path]:
    """The Parquet files of one split in a folder, sorted; none where there are none.

    Args:
        folder: holds them, or in ``data``.
        split: which split; ``None`` for the first of `SPLITS` that is there.
        anywhere: look in all folders below.

    Raises:
        DataError: there are several splits, and which one is meant is not said.
    """
    places = [folder.rglob("*.parquet")] if anywhere else [folder.glob("*.parquet"), folder.glob("data/*.parquet")]
    return _of_split(sorted(path for place in places for path in place if path.is_file()), split, str(folder))


def _of_split(files: Sequence[Path], split: str | None, where: str) -> list[Path]:
    """Files are named after their split, as in ``data/validation-00000-of-00014.parquet``, or lie in its folder."""
    if not files:
        return []
    of = {file: file.stem.split("-")[0] if "-" in file.stem else file.stem for file in files}
    if all(name.isdecimal() for name in of.values()):  # <split>/0000.parquet
        of = {file: file.parent.name for file in files}
    there = sorted(set(of.values()))
    wanted = split or next((name for name in SPLITS if name in there), there[0] if len(there) == 1 else None)
    if wanted not in there:
        raise DataError(f"{where} must hold the split that is meant, but holds {', '.join(there)}; add :split=NAME")
    return [file for file in files if of[file] == wanted]


def parquet_rows(file: Path, beside: str = "") -> Iterator[PictureRecord]:
    """The pictures of one Parquet file, in its order; each is read where it stands.

    Args:
        file: which.
        beside: a column whose text is told of each picture too, where the file has it.

    Raises:
        DataError: the file cannot be read, is no Parquet, or has no columns of pictures and labels.
    """
    import pyarrow
    from pyarrow import parquet

    try:
        stamp = Stamp.from_status(file.stat())
    except OSError as error:
        raise DataError(f"{file} cannot be read ({error.strerror})") from None
    try:
        with parquet.ParquetFile(file) as source:
            columns = _columns(file, source.schema_arrow)
            facts = source.metadata
            groups = [facts.row_group(number) for number in range(facts.num_row_groups)]
            _refuse_pictures_without_bytes(file, stamp, groups, columns)
            pages = [_pages(file, source.schema, group, columns) for group in groups]
            further = [beside] if beside in source.schema_arrow.names else []
            wanted = [columns.label, *([f"{columns.image}.path"] if columns.has_path else []), *further]
            table = source.read(wanted)
    except (pyarrow.ArrowException, OSError, ValueError, LookupError, TypeError, OverflowError) as error:
        raise _no_parquet(file, error) from None
    places = [(number, row) for number, group in enumerate(groups) for row in range(group.num_rows)]
    paths = (
        [each and each["path"] for each in table[columns.image].to_pylist()]
        if columns.has_path
        else [None] * len(places)
    )
    names = _each_once([_name(path, number) for number, path in enumerate(paths)])
    texts = ["" if text is None else str(text) for each in further for text in table[each].to_pylist()]
    labels = table[columns.label].to_pylist()
    for (group, row), name, label, text in zip(places, names, labels, texts or [""] * len(names), strict=True):
        page = pages[group][row] if pages[group] else None
        yield PictureRecord(name, str(label), TableRow(str(file), columns, group, row, name, stamp, page), text)


@dataclass(frozen=True, slots=True)
class Page:
    """A part of a column of bytes in a Parquet file that is decompressed for one value in it.

    Attributes:
        start, stored: where its bytes lie in the file, and how many.
        size: bytes once decompressed.
        codec: as pyarrow calls it; empty where it is not compressed.
        has_levels: whether the values come behind which rows have one, which begins with its own length.
    """

    start: int
    stored: int
    size: int
    codec: str
    has_levels: bool

    def content(self, table: str) -> memoryview:
        """All of it, decompressed."""
        import pyarrow

        with Path(table).open("rb") as stream:
            stream.seek(self.start)
            content = stream.read(self.stored)
        return memoryview(pyarrow.Codec(self.codec).decompress(content, self.size) if self.codec else content)

    def begin(self, content: memoryview) -> int:
        """Where the first value of its content begins."""
        return 4 + int.from_bytes(content[:4], "little") if self.has_levels else 0


@dataclass(frozen=True, slots=True)
class PageValue:
    """One value of a page, by its place among those of the page."""

    page: Page
    place: int

    def read(self, table: str, stamp: Stamp) -> bytes:
        """Its bytes.

        Raises:
            ValueError: the page does not hold so many values.
        """
        content: memoryview = _held.get((table, stamp, self.page), lambda: (self.page.content(table), self.page.size))
        at = self.page.begin(content)
        for _ in range(self.place):
            at += 4 + int.from_bytes(content[at : at + 4], "little")
        length = int.from_bytes(content[at : at + 4], "little")
        found = content[at + 4 : at + 4 + length]
        if len(found) < length or at + 4 > len(content):
            raise ValueError("it is cut off or damaged; fetch it again")
        return bytes(found)


def _indices(content: memoryview, at: int, count: int) -> list[int]:
    """The places in the dictionary of so many values, which begin there.

    Source: Apache Parquet, Encodings.md, RLE / bit-packing hybrid.
    """
    width, found = content[at], list[int]()
    if width > 32:
        raise ValueError(f"its dictionary is counted by {width} bits")
    at += 1
    while len(found) < count:
        header, at = read_varint(content, at)
        if header & 1:  # eight values for each width bytes
            groups = min(header >> 1, (count - len(found) + 7) // 8)
            length = groups * width
            bits = int.from_bytes(content[at : at + length], "little")
            found += [bits >> place * width & (1 << width) - 1 for place in range(groups * 8)]
        else:  # one value, many times
            length = (width + 7) // 8
            found += [int.from_bytes(content[at : at + length], "little")] * min(header >> 1, count - len(found))
        at += length
    return found[:count]


_CODECS = {"UNCOMPRESSED": "", "SNAPPY": "snappy", "GZIP": "gzip", "BROTLI": "brotli", "ZSTD": "zstd"}

_DATA_PAGE, _DICTIONARY_PAGE, _PLAIN, _BY_DICTIONARY, _HEADER_BYTES = 0, 2, 0, (2, 8), 1 << 16

_DEEPEST = 8
"""Structs within each other in a page's header; there are three."""


def _pages(file: Path, schema: Any, group: Any, columns: Columns) -> Sequence[PageValue]:
    """Where the value of each row of a large group stands; nothing where a row is read with its whole group.

    Source: Apache Parquet, parquet.thrift, PageHeader, and Encodings.md, PLAIN and RLE_DICTIONARY.
    """
    place = f"{columns.image}.bytes" if columns.is_struct else columns.image
    number = next(k for k in range(group.num_columns) if group.column(k).path_in_schema == place)
    part, kind = group.column(number), schema.column(number)
    if part.total_uncompressed_size <= MOST_DECODED or part.compression not in _CODECS or kind.max_repetition_level:
        return ()
    if kind.max_definition_level and (part.statistics is None or not part.statistics.has_null_count):
        return ()  # a row may lack its bytes, and values would not be counted by rows
    starts = [part.data_page_offset, *([part.dictionary_page_offset] if part.has_dictionary_page else [])]
    at, end, codec = min(starts), min(starts) + part.total_compressed_size, _CODECS[part.compression]
    found: list[PageValue] = []
    dictionary: Page | None = None
    with file.open("rb") as stream:
        while at < end and len(found) < group.num_rows:
            stream.seek(at)
            header, length = _thrift(stream.read(min(_HEADER_BYTES, end - at)))
            sort, size, stored, data = header[1], header[2], header[3], header.get(5)
            at += length
            left, values = group.num_rows - len(found), data[1] if data else 0
            if not (0 <= stored <= end - at and 0 <= size <= part.total_uncompressed_size and 0 <= values <= left):
                return ()  # of a damaged file pyarrow says what is wrong
            page = Page(at, stored, size, codec, sort == _DATA_PAGE and kind.max_definition_level > 0)
            at += stored
            if sort == _DICTIONARY_PAGE:
                dictionary = page
            elif sort == _DATA_PAGE and data is not None and data[2] == _PLAIN:
                found += [PageValue(page, place) for place in range(values)]
            elif sort == _DATA_PAGE and data is not None and data[2] in _BY_DICTIONARY and dictionary is not None:
                content = page.content(str(file))
                found += [PageValue(dictionary, place) for place in _indices(content, page.begin(content), values)]
            else:
                return ()
    return tuple(found) if len(found) == group.num_rows else ()


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
            found = number()
            return found >> 1 ^ -(found & 1)
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


def _refuse_pictures_without_bytes(file: Path, stamp: Stamp, groups: Sequence[Any], columns: Columns) -> None:
    """Raise where a row has no bytes; only groups that count such rows are read."""
    place = f"{columns.image}.bytes" if columns.is_struct else columns.image
    before = 0
    for number, group in enumerate(groups):
        part = next(p for p in map(group.column, range(group.num_columns)) if p.path_in_schema == place)
        if part.statistics is not None and part.statistics.null_count:
            for row, value in enumerate(_pictures_of(str(file), stamp, number, columns).to_pylist()):
                content = value.get("bytes") if columns.is_struct and value is not None else value
                if not isinstance(content, bytes):
                    reason = f"row {before + row} must hold the bytes of a picture, but holds none; fetch it again"
                    raise DataError(f"{file}: {reason}")
        before += group.num_rows


def parquet_class_names(file: Path) -> tuple[str, ...]:
    """The names of the classes that the integers of a Parquet file's label column stand for; none where it says none.

    Raises:
        DataError: the file cannot be read as Parquet.

    Source: the features that the library ``datasets`` keeps in a file's metadata under ``huggingface``.
    """
    import pyarrow
    import pyarrow.parquet

    try:
        schema = pyarrow.parquet.read_schema(file)
        features = json.loads((schema.metadata or {}).get(b"huggingface", b"{}"))["info"]["features"]
        return tuple(map(str, features[_columns(file, schema).label]["names"]))
    except (pyarrow.ArrowException, OSError) as error:
        raise DataError(f"{file} cannot be read as Parquet: {shown(str(error).splitlines()[0])}") from None
    except (ValueError, KeyError, TypeError):
        return ()


def _no_parquet(file: Path, error: BaseException) -> DataError:
    reason = shown((str(error).splitlines() or [""])[0])
    return DataError(f"{file} cannot be read as Parquet: {reason}; fetch it again")


def _each_once(names: Sequence[str]) -> Sequence[str]:
    """The names, with the number of the row before each where two are equal."""
    return names if len(set(names)) == len(names) else [f"{n:06d}-{name}" for n, name in enumerate(names)]


def _columns(file: Path, schema: Any) -> Columns:
    import pyarrow

    def is_picture(kind: Any) -> bool:
        if pyarrow.types.is_struct(kind):
            return bool(kind.get_field_index("bytes") >= 0)
        return bool(pyarrow.types.is_binary(kind) or pyarrow.types.is_large_binary(kind))

    image = next(
        (name for name in (*_IMAGES, *schema.names) if name in schema.names and is_picture(schema.field(name).type)),
        None,
    )
    label = next((name for name in _LABELS if name in schema.names), None)
    if image is None or label is None:
        raise DataError(
            f"{file} must have a column of pictures ({', '.join(_IMAGES)}) and one of labels ({', '.join(_LABELS)}), "
            f"but has {', '.join(map(shown, schema.names))}"
        )
    kind = schema.field(image).type
    is_struct = pyarrow.types.is_struct(kind)
    return Columns(image, is_struct, is_struct and kind.get_field_index("path") >= 0, label)


def _name(path: Any, number: int) -> str:
    """What a picture is called: its path without folders, else its row."""
    name = os.path.basename(str(path).replace("\\", "/").replace("\0", "")) if path else ""
    return name if name not in ("", ".", "..") else f"{number:06d}.jpg"

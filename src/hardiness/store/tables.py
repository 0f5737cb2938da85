"""Records and image tables as Parquet files that can prove what they hold."""

from __future__ import annotations

import hashlib
import io
import json
import re
from collections.abc import Mapping, Sequence
from dataclasses import replace
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import NDArray

from hardiness.core.condition import Condition
from hardiness.core.errors import StoreError
from hardiness.core.forms import json_form
from hardiness.core.table import Failure, ImageTable, Records
from hardiness.sources.files import shown

if TYPE_CHECKING:
    import pyarrow as pa

FAILURES, UNIT, CHECK = b"hardiness.failures", b"hardiness.unit", b"hardiness.check"
"""What the file's metadata hold: failed samples, what the file is (below), and the sha256 of these two."""

FORMAT = 2
"""Of shards: 2 carries ``UNIT`` and ``CHECK``."""

NAME = re.compile(r"\d{6}-[0-9a-f]{12}\.parquet")

Row = tuple[str, int]
"""What identifies work: a sample's id and the index of its condition in the run's list of conditions."""


def file_name(shard: int, work: Sequence[Row]) -> str:
    """The name of the file that holds the outcome of ``work``: equal work has an equal name."""
    text = json.dumps(work)
    return f"{shard:06d}-{hashlib.sha256(text.encode()).hexdigest()[:12]}.parquet"


def index_of(name: str) -> int:
    """The index of the shard that a file of that name belongs to."""
    return int(name.partition("-")[0])


def shard_prefix(shard: int) -> str:
    """The prefix that sorts before the names of a shard's files, and after those of earlier shards."""
    return f"{shard:06d}"


Cells = Mapping[int, str]
"""By a condition's index the fingerprint of its own files, where the data have files for each condition."""


def encode(records: Records, key: str = "", name: str = "", cells: Cells | None = None) -> bytes:
    """The Parquet bytes of records: equal records, key and name give equal bytes.

    Arrays with a second axis become fixed-size lists; failures go to the file's metadata.

    Args:
        records: the outcome of one unit of work.
        key: of the run that they belong to.
        name: of the file, which stands for the work.
        cells: what the conditions' own files were when these rows were made.
    """
    import pyarrow as pa
    import pyarrow.parquet as pq

    fields = {column: _to_arrow(values) for column, values in records.columns.items()}
    failures = json.dumps(json_form(records.failures))
    unit = {
        "format": FORMAT,
        "key": key,
        "name": name,
        "rows": len(records),
        "columns": {column: digest(values) for column, values in fields.items()},
        "cells": {str(condition): fingerprint for condition, fingerprint in sorted((cells or {}).items())},
    }
    described = json.dumps(unit, sort_keys=True)
    metadata = {FAILURES: failures.encode(), UNIT: described.encode(), CHECK: _check(failures, described).encode()}
    table = pa.table(fields).replace_schema_metadata(metadata)
    stream = io.BytesIO()
    pq.write_table(table, stream, compression="zstd")
    return stream.getvalue()


def read(
    content: bytes,
    place: str,
    columns: Sequence[str] | None = None,
    key: str | None = None,
    cells: Cells | None = None,
) -> Records:
    """The records of one shard file, or some of their columns (those that it has), proved to be what was written.

    Args:
        content: of the file.
        place: where it is, for messages; ends in its name.
        columns: those wanted; all if ``None``.
        key: of the run that it must belong to.
        cells: what the conditions' own files are now; rows and failures of others are left out.

    Raises:
        StoreError: the file is no shard of ours, belongs to another run or unit, or is damaged; the message names it.
    """
    import pyarrow as pa
    import pyarrow.parquet as pq

    try:
        with pq.ParquetFile(pa.BufferReader(content)) as file:
            present = file.schema_arrow.names
            wanted = None if columns is None else [name for name in columns if name in present]
            table = file.read(columns=wanted, use_threads=False)  # a shard is small, and several are read at a time
    except (pa.ArrowException, OSError, ValueError) as error:
        reason = shown(str(error).partition("\n")[0])
        raise StoreError(
            f"{place} is not a readable shard ({reason}); delete it and run the same command again"
        ) from error
    arrays = {name: _joined(table.column(name)) for name in table.column_names}
    metadata = table.schema.metadata or {}
    unit = _proved(place, metadata, arrays, present, key) if key is not None else {}
    failures = json.loads(metadata.get(FAILURES, b"[]"))
    found = Records(
        {name: _from_arrow(array) for name, array in arrays.items()},
        tuple(Failure(f["sample"], f["reason"], tuple(f["conditions"])) for f in failures),
    )
    return _of_these_cells(found, stale_cells(unit, cells or {}))


def stale_cells(unit: Mapping[str, Any], cells: Cells) -> frozenset[int]:
    """Conditions whose own files were others when a shard was made, which says what it is of."""
    made_of: Mapping[str, str] = unit.get("cells", {})
    then = {int(condition): fingerprint for condition, fingerprint in made_of.items()}
    return frozenset(c for c in {*then, *cells} if then.get(c) != cells.get(c))


def _of_these_cells(records: Records, stale: frozenset[int]) -> Records:
    """The rows and failures of all but some conditions."""
    if not stale:
        return records
    failures = [(f, tuple(c for c in f.conditions if c not in stale)) for f in records.failures]
    kept = tuple(replace(f, conditions=conditions) for f, conditions in failures if conditions)
    fresh = ~np.isin(records["condition"], list(stale)) if len(records) else None
    columns = records.columns if fresh is None else records.where(fresh).columns
    return Records(columns, kept)


def is_whole(content: bytes, place: str, cells: Cells) -> bool:
    """Whether a shard file lists no failed sample, and no condition whose files are others now; decodes its footer."""
    metadata = _metadata(content, place)
    stale = stale_cells(json.loads(metadata.get(UNIT, b"{}")), cells)
    return bool(metadata.get(FAILURES, b"[]") == b"[]") and not stale


def _metadata(content: bytes, place: str) -> Mapping[bytes, bytes]:
    """What a shard file says of itself.

    Raises:
        StoreError: it is no readable shard.
    """
    import pyarrow as pa
    import pyarrow.parquet as pq

    try:
        return pq.read_schema(pa.BufferReader(content)).metadata or {}
    except (pa.ArrowException, OSError, ValueError) as error:
        raise StoreError(f"{place} is not a readable shard ({shown(str(error))}); delete it and run again") from error


def key_of(content: bytes) -> str:
    """The key of the run that a shard says it is of; empty where it says none."""
    try:
        return str(json.loads(_metadata(content, "")[UNIT])["key"])
    except (StoreError, KeyError, ValueError, TypeError):
        return ""


def _proved(
    place: str, metadata: Mapping[bytes, bytes], arrays: Mapping[str, pa.Array], present: Sequence[str], key: str
) -> Mapping[str, Any]:
    """What the file says it is of; raises unless it holds what was written, under this run's key and its own name."""
    damaged = f"{place} is damaged: "
    advice = "; run the same command again, which sets it aside and computes it anew"
    try:
        failures, described, check = (metadata[name].decode() for name in (FAILURES, UNIT, CHECK))
        unit: Mapping[str, Any] = json.loads(described)
    except (KeyError, ValueError):
        raise StoreError(f"{place} is no shard of this version: it does not say what it holds{advice}") from None
    if _check(failures, described) != check:
        raise StoreError(f"{damaged}its description is not the one that was written{advice}")
    if unit["key"] != key:
        raise StoreError(f"{place} belongs to another run (key {unit['key']}, must be {key}){advice}")
    if unit["name"] != place.rpartition("/")[2]:
        raise StoreError(f"{place} holds the work of {unit['name']}{advice}")
    if sorted(unit["columns"]) != sorted(present):
        raise StoreError(f"{damaged}it must have the columns {', '.join(unit['columns'])}{advice}")
    for name, array in arrays.items():
        if len(array) != unit["rows"] or digest(array) != unit["columns"][name]:
            raise StoreError(f"{damaged}column {name} is not the one that was written{advice}")
    return unit


def _check(failures: str, described: str) -> str:
    return hashlib.sha256(f"{failures}\n{described}".encode()).hexdigest()


def digest(array: pa.Array) -> str:
    """16 hexadecimal digits over an array's type and values; the same before writing and after reading."""
    import pyarrow as pa

    width, length = 1, len(array)
    if pa.types.is_fixed_size_list(array.type):
        width, array = array.type.list_size, array.flatten()
    digest = hashlib.sha256(f"{array.type} {length} {width}\n".encode())
    if pa.types.is_string(array.type):
        _, offsets, values = array.buffers()
        ends = (
            np.frombuffer(offsets, np.int32)[array.offset : array.offset + len(array) + 1] if offsets else np.zeros(1)
        )
        digest.update((ends - ends[:1]).astype(np.int64).data)
        digest.update(memoryview(values)[int(ends[0]) : int(ends[-1])] if values else b"")
    else:
        digest.update(_numbers(array).data)
    return digest.hexdigest()[:16]


def _to_arrow(column: NDArray[Any]) -> pa.Array:
    """A column as pyarrow has it; ``pa.array`` would load pandas where it is installed, which takes half a second."""
    import pyarrow as pa

    flat = np.ascontiguousarray(column).ravel()
    if flat.dtype.kind in "OU":
        texts = [text.encode() for text in flat.tolist()]
        ends = np.cumsum([0, *map(len, texts)], dtype=np.int32)
        array = pa.StringArray.from_buffers(len(texts), pa.py_buffer(ends), pa.py_buffer(b"".join(texts)))
    elif flat.dtype == np.bool_:
        array = _to_arrow(flat.view(np.uint8)).cast(pa.bool_())
    else:
        array = pa.Array.from_buffers(pa.from_numpy_dtype(flat.dtype), len(flat), [None, pa.py_buffer(flat)])
    return array if column.ndim == 1 else pa.FixedSizeListArray.from_arrays(array, column.shape[1])


_FLOATS = {"halffloat": "float16", "float": "float32", "double": "float64"}
"""NumPy's name of each of Arrow's kinds of floats; an integer has one name in both."""


def _numbers(array: pa.Array) -> NDArray[Any]:
    """The values of an array of numbers, not copied; ``to_numpy`` would load pandas."""
    import pyarrow as pa

    if pa.types.is_boolean(array.type):
        return _numbers(array.cast(pa.uint8())).view(np.bool_)
    if array.null_count or not (pa.types.is_integer(array.type) or pa.types.is_floating(array.type)):
        return np.ascontiguousarray(array.to_numpy(zero_copy_only=False))  # nothing that was written here
    kind = np.dtype(_FLOATS.get(str(array.type), str(array.type)))  # to_pandas_dtype wants pandas before pyarrow 26
    held = array.buffers()[1] if len(array) else b""
    return np.frombuffer(held, kind, len(array), array.offset * kind.itemsize) if held else np.empty(0, kind)


def _joined(column: pa.ChunkedArray) -> pa.Array:
    import pyarrow as pa

    if column.num_chunks == 1:
        return column.chunk(0)  # as it is: to combine one chunk copies it
    joined = column.combine_chunks()
    # Combining no chunks at all gives a chunked array again.
    return pa.array([], column.type) if isinstance(joined, pa.ChunkedArray) else joined


def _from_arrow(joined: pa.Array) -> NDArray[Any]:
    import pyarrow as pa

    if pa.types.is_fixed_size_list(joined.type):
        return _numbers(joined.flatten()).reshape(-1, joined.type.list_size)
    if pa.types.is_string(joined.type):
        # Objects, each text once: ImageNet-C has 3.8 million rows of 50,000 samples.
        coded = joined.dictionary_encode()
        texts = np.asarray(coded.dictionary.to_pylist(), dtype=object)
        return np.take(texts, _numbers(coded.indices))
    return _numbers(joined)


def numbered(texts: NDArray[Any] | pa.Array) -> NDArray[np.int32]:
    """The rank of each text among the different ones, sorted; millions of rows are hashed, not sorted."""
    import pyarrow as pa

    coded = (texts if isinstance(texts, pa.Array) else _to_arrow(texts)).dictionary_encode()
    different = np.asarray(coded.dictionary.to_pylist(), dtype=object)
    rank = np.empty(len(different), np.int32)
    rank[np.argsort(different)] = np.arange(len(different), dtype=np.int32)
    return np.take(rank, _numbers(coded.indices))


DESCRIPTION, TABLE, COLUMNS, TABLE_CHECK = (
    b"hardiness." + name for name in (b"made_of", b"table", b"columns", b"check")
)
"""What the file's metadata hold: what the caller says it was made of; its cells and failures; a digest of each column;
the sha256 of these three."""

GROUP = 8192
"""Images that are written at a time: to write all of a table takes twice its memory."""


def encode_table(table: ImageTable, made_of: Mapping[str, Any]) -> bytes:
    """The bytes of a table's file.

    Args:
        table: what to write; a column by cell becomes a list of fixed length in each image's row.
        made_of: a JSON object that `describe` will give back.
    """
    import pyarrow as pa
    import pyarrow.parquet as pq

    pool, stream = pa.default_memory_pool(), io.BytesIO()
    pool.release_unused()  # what reading the shards took
    options = {"compression": "zstd", "compression_level": 1, "use_dictionary": False, "row_group_size": GROUP}
    pq.write_table(as_arrow(table, made_of), stream, **options)
    pool.release_unused()
    return stream.getvalue()


def as_arrow(table: ImageTable, made_of: Mapping[str, Any] | None = None) -> pa.Table:
    """The same as a pyarrow table: ``image``, ``label``, and each column under its name."""
    import pyarrow as pa

    columns = {name: _to_arrow(column) for name, column in table.columns.items()}
    held = {
        "cells": table.cells.tolist(),
        "conditions": [dict(condition) for condition in table.present],
        "failures": json_form(table.failures),
    }
    fields = {"image": _to_arrow(table.ids), "label": _to_arrow(table.label), **columns}
    digests = {name: digest(column) for name, column in fields.items()}
    said = {DESCRIPTION: made_of or {}, TABLE: held, COLUMNS: digests}
    metadata = {name: json.dumps(value).encode() for name, value in said.items()}
    metadata[TABLE_CHECK] = _check_table(metadata)
    return pa.table(fields).replace_schema_metadata(metadata)


def describe(content: bytes | None) -> dict[str, Any]:
    """What a table's file says that it was made of; empty where there is none that can be read."""
    import pyarrow as pa
    import pyarrow.parquet as pq

    if content is None:
        return {}
    try:
        metadata = pq.read_schema(pa.BufferReader(content)).metadata or {}
        found = json.loads(metadata.get(DESCRIPTION, b"{}"))
    except (pa.ArrowException, OSError, ValueError):
        return {}
    return found if isinstance(found, dict) else {}


def read_table(
    content: bytes, place: str, conditions: Sequence[Condition], columns: Sequence[str] | None = None
) -> ImageTable:
    """The table of a file, or some of its columns.

    Args:
        content: of the file.
        place: where it is, for messages.
        conditions: of its run.
        columns: those wanted besides ``right``; all if ``None``.

    Raises:
        StoreError: it is no such table; the message names it.
    """
    import pyarrow as pa
    import pyarrow.parquet as pq

    try:
        with pq.ParquetFile(pa.BufferReader(content)) as file:
            wanted = None if columns is None else ["image", "label", "right", *columns]
            found = file.read(columns=wanted)
        metadata = found.schema.metadata
        held, digests = (json.loads(metadata[name]) for name in (TABLE, COLUMNS))
        if _check_table(metadata) != metadata[TABLE_CHECK]:
            raise ValueError("its description is not the one that was written")
        if changed := [name for name in found.column_names if digest(_joined(found.column(name))) != digests[name]]:
            raise ValueError(f"column {changed[0]} is not the one that was written")
    except (pa.ArrowException, OSError, ValueError, KeyError, TypeError) as error:
        raise StoreError(f"{place} is no image table ({shown(str(error))}); delete it: it is made again") from error
    cells = np.array(held["cells"], np.int16)
    named = [name for name in found.column_names if name not in ("image", "label")]
    return ImageTable(
        ids=np.asarray(found.column("image").to_pylist(), dtype=object),
        label=_numbers(_joined(found.column("label"))),
        conditions=tuple(conditions),
        cells=cells,
        columns={name: _from_arrow(_joined(found.column(name))) for name in named},
        failures=tuple(Failure(f["sample"], f["reason"], tuple(f["conditions"])) for f in held["failures"]),
    )


def _check_table(metadata: Mapping[bytes, bytes]) -> bytes:
    said = b"\n".join(metadata[name] for name in (DESCRIPTION, TABLE, COLUMNS))
    return hashlib.sha256(said).hexdigest().encode()

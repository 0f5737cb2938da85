"""Records as Parquet: one file per finished shard, the same bytes for the same records."""

from __future__ import annotations

import hashlib
import io
import json
from collections.abc import Sequence
from dataclasses import asdict
from pathlib import Path
from typing import Any

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq
from numpy.typing import NDArray

from hardiness.core import Failure, Records, StoreError

FAILURES = b"hardiness.failures"


Row = tuple[str, int]
"""What identifies work: a sample's id and the index of its condition in the run's list of conditions."""


def file_name(shard: int, work: Sequence[Row]) -> str:
    """The name of the file that holds the outcome of ``work``: equal work has an equal name."""
    text = json.dumps(work)
    return f"{shard:06d}-{hashlib.sha256(text.encode()).hexdigest()[:12]}.parquet"


def encode(records: Records) -> bytes:
    """The Parquet bytes of records; arrays with a second axis become fixed-size lists, failures the file's metadata."""
    fields = {name: _to_arrow(column) for name, column in records.columns.items()}
    failures = json.dumps([asdict(failure) for failure in records.failures])
    table = pa.table(fields).replace_schema_metadata({FAILURES: failures.encode()})
    stream = io.BytesIO()
    pq.write_table(table, stream, compression="zstd")
    return stream.getvalue()


def read(path: Path, columns: Sequence[str] | None = None) -> Records:
    """The records of one shard file, or some of their columns (those that it has).

    Raises:
        StoreError: the file is not a shard of ours; the message names it.
    """
    try:
        with pq.ParquetFile(path) as file:
            present = file.schema_arrow.names
            wanted = None if columns is None else [name for name in columns if name in present]
            table = file.read(columns=wanted)
    except (pa.ArrowInvalid, OSError) as error:
        raise StoreError(
            f"{path} is not a readable shard ({error}); delete it and run the same command again"
        ) from error
    failures = json.loads((table.schema.metadata or {}).get(FAILURES, b"[]"))
    return Records(
        {name: _from_arrow(table.column(name)) for name in table.column_names},
        tuple(Failure(f["sample"], f["reason"], tuple(f["conditions"])) for f in failures),
    )


def without_failures(path: Path) -> bool:
    """Whether a shard file lists no failed sample; reads its footer alone."""
    metadata = pq.read_schema(path).metadata or {}
    return bool(metadata.get(FAILURES, b"[]") == b"[]")


def _to_arrow(column: NDArray[Any]) -> pa.Array:
    if column.ndim == 2:
        return pa.FixedSizeListArray.from_arrays(pa.array(column.ravel()), column.shape[1])
    return pa.array(column)


def _from_arrow(column: pa.ChunkedArray) -> NDArray[Any]:
    joined = column.combine_chunks()
    if isinstance(joined, pa.ChunkedArray):  # what combining no chunks at all gives
        joined = pa.array([], column.type)
    if pa.types.is_fixed_size_list(joined.type):
        return np.asarray(joined.flatten()).reshape(-1, joined.type.list_size)
    if pa.types.is_string(joined.type):
        # Objects, each text once: ImageNet-C has 3.8 million rows of 50,000 samples.
        coded = joined.dictionary_encode()
        texts = np.asarray(coded.dictionary.to_pylist(), dtype=object)
        return np.take(texts, np.asarray(coded.indices))
    return np.asarray(joined)


def numbered(texts: NDArray[Any]) -> NDArray[np.int32]:
    """The rank of each text among the different ones, sorted; millions of rows are hashed, not sorted."""
    coded = pa.array(texts, pa.string()).dictionary_encode()
    different = np.asarray(coded.dictionary.to_pylist(), dtype=object)
    rank = np.empty(len(different), np.int32)
    rank[np.argsort(different)] = np.arange(len(different), dtype=np.int32)
    return np.take(rank, np.asarray(coded.indices))

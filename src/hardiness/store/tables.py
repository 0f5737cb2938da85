"""Image tables as Parquet: one file beside a run's shards, read by column, also by pandas, polars and DuckDB."""

from __future__ import annotations

import hashlib
import io
import json
from collections.abc import Mapping, Sequence
from dataclasses import asdict
from typing import Any

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq
from numpy.typing import NDArray

from hardiness.core import Condition, Failure, ImageTable, StoreError
from hardiness.sources.files import shown
from hardiness.store.shards import digest

DESCRIPTION, TABLE, COLUMNS, CHECK = (b"hardiness." + name for name in (b"made_of", b"table", b"columns", b"check"))
"""What the file's metadata hold: what the caller says it was made of; its cells and failures; a digest of each column;
the sha256 of these three."""


def encode(table: ImageTable, made_of: Mapping[str, Any]) -> bytes:
    """The bytes of a table's file.

    Args:
        table: what to write; a column by cell becomes a list of fixed length in each image's row.
        made_of: a JSON object that `describe` will give back.
    """
    stream = io.BytesIO()
    pq.write_table(as_arrow(table, made_of), stream, compression="zstd", compression_level=1, use_dictionary=False)
    return stream.getvalue()


def as_arrow(table: ImageTable, made_of: Mapping[str, Any] | None = None) -> pa.Table:
    """The same as a pyarrow table: ``image``, ``label``, and each column under its name."""
    columns = {name: _to_arrow(column) for name, column in table.columns.items()}
    held = {
        "cells": table.cells.tolist(),
        "conditions": [dict(condition) for condition in table.present],
        "failures": [asdict(failure) for failure in table.failures],
    }
    fields = {"image": pa.array(table.ids, pa.string()), "label": pa.array(table.label), **columns}
    digests = {name: digest(column) for name, column in fields.items()}
    said = {DESCRIPTION: made_of or {}, TABLE: held, COLUMNS: digests}
    metadata = {name: json.dumps(value).encode() for name, value in said.items()}
    metadata[CHECK] = _check(metadata)
    return pa.table(fields).replace_schema_metadata(metadata)


def describe(content: bytes | None) -> dict[str, Any]:
    """What a table's file says that it was made of; empty where there is none that can be read."""
    if content is None:
        return {}
    try:
        metadata = pq.read_schema(pa.BufferReader(content)).metadata or {}
        found = json.loads(metadata.get(DESCRIPTION, b"{}"))
    except (pa.ArrowException, OSError, ValueError):
        return {}
    return found if isinstance(found, dict) else {}


def read(
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
    try:
        with pq.ParquetFile(pa.BufferReader(content)) as file:
            wanted = None if columns is None else ["image", "label", "right", *columns]
            found = file.read(columns=wanted)
        metadata = found.schema.metadata
        held, digests = (json.loads(metadata[name]) for name in (TABLE, COLUMNS))
        if _check(metadata) != metadata[CHECK]:
            raise ValueError("its description is not the one that was written")
        if changed := [name for name in found.column_names if digest(_one(found.column(name))) != digests[name]]:
            raise ValueError(f"column {changed[0]} is not the one that was written")
    except (pa.ArrowException, OSError, ValueError, KeyError, TypeError) as error:
        raise StoreError(f"{place} is no image table ({shown(str(error))}); delete it: it is made again") from error
    cells = np.array(held["cells"], np.int16)
    named = [name for name in found.column_names if name not in ("image", "label")]
    return ImageTable(
        ids=np.asarray(found.column("image").to_pylist(), dtype=object),
        label=_one(found.column("label")).to_numpy(),
        conditions=tuple(conditions),
        cells=cells,
        columns={name: _from_arrow(_one(found.column(name)), len(cells)) for name in named},
        failures=tuple(Failure(f["sample"], f["reason"], tuple(f["conditions"])) for f in held["failures"]),
    )


def _check(metadata: Mapping[bytes, bytes]) -> bytes:
    said = b"\n".join(metadata[name] for name in (DESCRIPTION, TABLE, COLUMNS))
    return hashlib.sha256(said).hexdigest().encode()


def _to_arrow(column: NDArray[Any]) -> pa.Array:
    if column.ndim == 1:
        return pa.array(column)
    return pa.FixedSizeListArray.from_arrays(pa.array(column.ravel()), column.shape[1])


def _from_arrow(column: pa.Array, cells: int) -> NDArray[Any]:
    if pa.types.is_fixed_size_list(column.type):
        return np.asarray(column.flatten()).reshape(-1, cells)
    return np.asarray(column)


def _one(column: pa.ChunkedArray) -> pa.Array:
    joined = column.combine_chunks()
    return pa.array([], column.type) if isinstance(joined, pa.ChunkedArray) else joined

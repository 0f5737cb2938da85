"""Image tables as Parquet: one file beside a run's shards, read by column, also by pandas, polars and DuckDB."""

from __future__ import annotations

import io
import json
from collections.abc import Mapping, Sequence
from dataclasses import asdict
from pathlib import Path
from typing import Any

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq
from numpy.typing import NDArray

from hardiness.core import Condition, Failure, ImageTable, StoreError
from hardiness.store import atomic

DESCRIPTION, TABLE = b"hardiness.made_of", b"hardiness.table"
"""What the file's metadata hold: what the caller says it was made of; its cells and failures."""


def write(path: Path, table: ImageTable, made_of: Mapping[str, Any], partial: Path) -> None:
    """Write a table, whole or not at all.

    Args:
        path: the file.
        table: what to write; a column by cell becomes a list of fixed length in each image's row.
        made_of: a JSON object that `describe` will give back.
        partial: folder for the temporary file.

    Raises:
        StoreError: disk full or no permission.
    """
    stream = io.BytesIO()
    pq.write_table(as_arrow(table, made_of), stream, compression="zstd", compression_level=1, use_dictionary=False)
    atomic.write(path, stream.getvalue(), partial)


def as_arrow(table: ImageTable, made_of: Mapping[str, Any] | None = None) -> pa.Table:
    """The same as a pyarrow table: ``image``, ``label``, and each column under its name."""
    columns = {name: _to_arrow(column) for name, column in table.columns.items()}
    held = {
        "cells": table.cells.tolist(),
        "conditions": [dict(condition) for condition in table.present],
        "failures": [asdict(failure) for failure in table.failures],
    }
    metadata = {DESCRIPTION: json.dumps(made_of or {}).encode(), TABLE: json.dumps(held).encode()}
    fields = {"image": pa.array(table.ids, pa.string()), "label": pa.array(table.label), **columns}
    return pa.table(fields).replace_schema_metadata(metadata)


def describe(path: Path) -> dict[str, Any]:
    """What a table was made of; empty where there is none that can be read."""
    try:
        metadata = pq.read_schema(path).metadata or {}
        found = json.loads(metadata.get(DESCRIPTION, b"{}"))
    except (pa.ArrowException, OSError, ValueError):
        return {}
    return found if isinstance(found, dict) else {}


def read(path: Path, conditions: Sequence[Condition], columns: Sequence[str] | None = None) -> ImageTable:
    """The table of a file, or some of its columns.

    Args:
        path: the file.
        conditions: of its run.
        columns: those wanted besides ``right``; all if ``None``.

    Raises:
        StoreError: it is no such table; the message names it.
    """
    try:
        with pq.ParquetFile(path) as file:
            wanted = None if columns is None else ["image", "label", "right", *columns]
            found = file.read(columns=wanted)
        held = json.loads(found.schema.metadata[TABLE])
    except (pa.ArrowException, OSError, ValueError, KeyError, TypeError) as error:
        raise StoreError(f"{path} is no image table ({error}); delete it: it is made again") from error
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

"""The columns of a run's pictures as Parquet files beside its rows."""

from __future__ import annotations

import hashlib
import io
import json

import numpy as np
from numpy.typing import NDArray

from hardiness.core.columns import Columns, ColumnSource
from hardiness.core.errors import StoreError
from hardiness.sources.files import shown
from hardiness.store.arrow_columns import from_arrow, join_chunks, to_arrow

IMAGE, SOURCES = "image", b"hardiness.sources"
"""The column of the pictures' ids, and the name in the file's metadata of where the columns were read from."""

DIGITS = 16
"""Hexadecimal digits of a file's hash that its name has."""


def file_name(number: int, content: bytes) -> str:
    """The name of the file that came after so many others, which proves what it holds."""
    return f"{number:04d}-{hashlib.sha256(content).hexdigest()[:DIGITS]}.parquet"


def encode_columns(columns: Columns) -> bytes:
    """The bytes of a file of columns; those of equal columns are equal."""
    import pyarrow as pa
    import pyarrow.parquet as pq

    fields = {f"column {name}": to_arrow(_without_none(column)) for name, column in columns.values.items()}
    table = pa.table({IMAGE: to_arrow(columns.ids), **fields})
    sources = json.dumps([list(source) for source in columns.sources]).encode()
    stream = io.BytesIO()
    pq.write_table(table.replace_schema_metadata({SOURCES: sources}), stream, compression="zstd")
    return stream.getvalue()


def decode_columns(content: bytes, place: str) -> Columns:
    """The columns of a file.

    Raises:
        StoreError: it is not what was written; the message names it.
    """
    import pyarrow as pa
    import pyarrow.parquet as pq

    try:
        if not place.endswith(f"-{hashlib.sha256(content).hexdigest()[:DIGITS]}.parquet"):
            raise ValueError("it holds something else than its name says")
        table = pq.read_table(pa.BufferReader(content))
        sources = [ColumnSource(*source) for source in json.loads(table.schema.metadata[SOURCES])]
        arrays = {name: from_arrow(join_chunks(table.column(name))) for name in table.column_names}
        ids = arrays.pop(IMAGE)
    except (pa.ArrowException, OSError, ValueError, KeyError, TypeError) as error:
        raise StoreError(
            f"{place} is not what was written ({shown(str(error))}) and counts for nothing; delete it: the next "
            "'hardiness run' stores the columns of its pictures again"
        ) from error
    values = {name.removeprefix("column "): _with_none(array) for name, array in arrays.items()}
    return Columns(ids, values, tuple(sources))


def _without_none(column: NDArray[np.object_]) -> NDArray[np.object_]:
    texts = np.empty(len(column), object)
    texts[:] = ["" if value is None else value for value in column.tolist()]
    return texts


def _with_none(column: NDArray[np.object_]) -> NDArray[np.object_]:
    column[column == ""] = None
    return column

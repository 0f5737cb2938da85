"""Image tables as Parquet files that prove what they hold."""

from __future__ import annotations

import hashlib
import io
import json
from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING, Any

import numpy as np

from hardiness.core.condition import Condition
from hardiness.core.errors import StoreError
from hardiness.core.forms import json_form
from hardiness.core.table import Failure, ImageTable
from hardiness.sources.files import shown
from hardiness.store.arrow_columns import digest, from_arrow, join_chunks, number_values, to_arrow

if TYPE_CHECKING:
    import pyarrow as pa

DESCRIPTION, TABLE, COLUMNS, TABLE_CHECK = (
    b"hardiness." + name for name in (b"made_of", b"table", b"columns", b"check")
)
"""Names in the metadata of an image table's file: of what the caller says it was made of; of its cells and failures; of
a digest of each column; and of the sha256 of these three."""

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
    """An image table as pyarrow has it: ``image``, ``label``, and each column under its name."""
    import pyarrow as pa

    columns = {name: to_arrow(column) for name, column in table.columns.items()}
    facts = {
        "cells": table.cells.tolist(),
        "conditions": [dict(condition) for condition in table.present],
        "failures": json_form(table.failures),
    }
    fields = {"image": to_arrow(table.ids), "label": to_arrow(table.label), **columns}
    digests = {name: digest(column) for name, column in fields.items()}
    documents = {DESCRIPTION: made_of or {}, TABLE: facts, COLUMNS: digests}
    metadata = {name: json.dumps(value).encode() for name, value in documents.items()}
    metadata[TABLE_CHECK] = _check_table(metadata)
    return pa.table(fields).replace_schema_metadata(metadata)


def describe(content: bytes | None) -> dict[str, Any]:
    """The object that says what a table's file was made of; empty where there is none that can be read."""
    import pyarrow as pa
    import pyarrow.parquet as pq

    if content is None:
        return {}
    try:
        metadata = pq.read_schema(pa.BufferReader(content)).metadata or {}
        description = json.loads(metadata.get(DESCRIPTION, b"{}"))
    except (pa.ArrowException, OSError, ValueError):
        return {}
    return description if isinstance(description, dict) else {}


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
            selected = None if columns is None else ["image", "label", "right", *columns]
            table = file.read(columns=selected)
        metadata = table.schema.metadata
        facts, digests = (json.loads(metadata[name]) for name in (TABLE, COLUMNS))
        if _check_table(metadata) != metadata[TABLE_CHECK]:
            raise ValueError("its description is not the one that was written")
        if changed := [name for name in table.column_names if digest(join_chunks(table.column(name))) != digests[name]]:
            raise ValueError(f"column {changed[0]} is not the one that was written")
    except (pa.ArrowException, OSError, ValueError, KeyError, TypeError) as error:
        raise StoreError(f"{place} is no image table ({shown(str(error))}); delete it: it is made again") from error
    cells = np.array(facts["cells"], np.int16)
    names = [name for name in table.column_names if name not in ("image", "label")]
    return ImageTable(
        ids=np.asarray(table.column("image").to_pylist(), dtype=object),
        label=number_values(join_chunks(table.column("label"))),
        conditions=tuple(conditions),
        cells=cells,
        columns={name: from_arrow(join_chunks(table.column(name))) for name in names},
        failures=tuple(Failure(f["sample"], f["reason"], tuple(f["conditions"])) for f in facts["failures"]),
    )


def _check_table(metadata: Mapping[bytes, bytes]) -> bytes:
    text = b"\n".join(metadata[name] for name in (DESCRIPTION, TABLE, COLUMNS))
    return hashlib.sha256(text).hexdigest().encode()

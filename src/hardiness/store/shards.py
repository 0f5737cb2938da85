"""Records of one unit of work as a Parquet file that proves what it holds."""

from __future__ import annotations

import hashlib
import io
import json
import re
from collections.abc import Mapping, Sequence
from dataclasses import replace
from typing import TYPE_CHECKING, Any

import numpy as np

from hardiness.core.errors import StoreError
from hardiness.core.forms import json_form
from hardiness.core.table import Failure, Records
from hardiness.sources.files import shown
from hardiness.store.arrow_columns import digest, from_arrow, join_chunks, to_arrow

if TYPE_CHECKING:
    import pyarrow as pa

FAILURES, UNIT, CHECK = b"hardiness.failures", b"hardiness.unit", b"hardiness.check"
"""Names in a shard's metadata: of the failed samples, of what the file is (below), and of the sha256 of these two."""

NAME = re.compile(r"\d{6}-[0-9a-f]{12}\.parquet")

Row = tuple[str, int]
"""A piece of work: a sample's id and the index of its condition in the run's list of conditions."""

Cells = Mapping[int, str]
"""The fingerprint of each condition's own files, by its index, where the data have files for each condition."""


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

    fields = {column: to_arrow(values) for column, values in records.columns.items()}
    failures = json.dumps(json_form(records.failures))
    unit = {
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
    columns: Sequence[str] | None,
    key: str,
    cells: Cells,
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
            selected = None if columns is None else [name for name in columns if name in present]
            table = file.read(columns=selected, use_threads=False)  # a shard is small, and several are read at a time
    except (pa.ArrowException, OSError, ValueError) as error:
        reason = shown(str(error).partition("\n")[0])
        raise StoreError(
            f"{place} is not a readable shard ({reason}); delete it and run the same command again"
        ) from error
    arrays = {name: join_chunks(table.column(name)) for name in table.column_names}
    metadata = table.schema.metadata or {}
    unit = _prove(place, metadata, arrays, present, key)
    failures = json.loads(metadata[FAILURES])
    records = Records(
        {name: from_arrow(array) for name, array in arrays.items()},
        tuple(Failure(f["sample"], f["reason"], tuple(f["conditions"])) for f in failures),
    )
    return _without_stale(records, stale_cells(unit, cells))


def stale_cells(unit: Mapping[str, Any], cells: Cells) -> frozenset[int]:
    """Conditions whose own files were others when a shard was made, which says what it is of."""
    former = {int(condition): fingerprint for condition, fingerprint in unit["cells"].items()}
    return frozenset(c for c in {*former, *cells} if former.get(c) != cells.get(c))


def _without_stale(records: Records, stale: frozenset[int]) -> Records:
    """The rows and failures of all but some conditions."""
    if not stale:
        return records
    failures = [(f, tuple(c for c in f.conditions if c not in stale)) for f in records.failures]
    failed = tuple(replace(f, conditions=conditions) for f, conditions in failures if conditions)
    fresh = ~np.isin(records["condition"], list(stale)) if len(records) else None
    columns = records.columns if fresh is None else records.where(fresh).columns
    return Records(columns, failed)


def is_whole(content: bytes, place: str, cells: Cells) -> bool:
    """Whether a shard file lists no failed sample, and no condition whose files are others now; decodes its footer."""
    metadata = _metadata(content, place)
    return metadata[FAILURES] == b"[]" and not stale_cells(json.loads(metadata[UNIT]), cells)


def _metadata(content: bytes, place: str) -> Mapping[bytes, bytes]:
    """The metadata of a shard file.

    Raises:
        StoreError: it is no readable shard.
    """
    import pyarrow as pa
    import pyarrow.parquet as pq

    try:
        metadata: Mapping[bytes, bytes] = pq.read_schema(pa.BufferReader(content)).metadata or {}
    except (pa.ArrowException, OSError, ValueError) as error:
        raise StoreError(f"{place} is not a readable shard ({shown(str(error))}); delete it and run again") from error
    if not {FAILURES, UNIT} <= metadata.keys():
        raise StoreError(f"{place} is no shard of ours: it does not say what it holds; delete it and run again")
    return metadata


def key_of(content: bytes) -> str:
    """The key of the run that a shard says it is of; empty where it says none."""
    try:
        return str(json.loads(_metadata(content, "")[UNIT])["key"])
    except (StoreError, KeyError, ValueError, TypeError):
        return ""


def _prove(
    place: str, metadata: Mapping[bytes, bytes], arrays: Mapping[str, pa.Array], present: Sequence[str], key: str
) -> Mapping[str, Any]:
    """Prove that a shard file holds what was written, under this run's key and its own name; what it is of."""
    damage = f"{place} is damaged: "
    advice = "; run the same command again, which sets it aside and computes it anew"
    try:
        failures, described, check = (metadata[name].decode() for name in (FAILURES, UNIT, CHECK))
        unit: Mapping[str, Any] = json.loads(described)
    except (KeyError, ValueError):
        raise StoreError(f"{place} is no shard of ours: it does not say what it holds{advice}") from None
    if _check(failures, described) != check:
        raise StoreError(f"{damage}its description is not the one that was written{advice}")
    if unit["key"] != key:
        raise StoreError(f"{place} belongs to another run (key {unit['key']}, must be {key}){advice}")
    if unit["name"] != place.rpartition("/")[2]:
        raise StoreError(f"{place} holds the work of {unit['name']}{advice}")
    if sorted(unit["columns"]) != sorted(present):
        raise StoreError(f"{damage}it must have the columns {', '.join(unit['columns'])}{advice}")
    for name, array in arrays.items():
        if len(array) != unit["rows"] or digest(array) != unit["columns"][name]:
            raise StoreError(f"{damage}column {name} is not the one that was written{advice}")
    return unit


def _check(failures: str, described: str) -> str:
    return hashlib.sha256(f"{failures}\n{described}".encode()).hexdigest()

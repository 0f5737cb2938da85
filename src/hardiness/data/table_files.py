"""The tables in csv and Parquet files, read in blocks by pyarrow: columns by name, as they lie there."""

from __future__ import annotations

import csv
import os
import re
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import Any, NamedTuple

from hardiness.core.errors import ArgumentError
from hardiness.sources.files import shown

ROWS_AT_ONCE = 1024
"""Rows of Parquet that are in memory together: of 1,000 classes 4 MB."""

_BLOCK = 1 << 24
"""Bytes of a csv that are in memory together: no line may be longer."""


class TableFile(NamedTuple):
    """A table whose rows are still to be read.

    Attributes:
        schema: of pyarrow; in a csv all columns are texts, and one without a name has its number behind a NUL.
        blocks: some columns as tables of pyarrow, some rows each, without blank lines.
        has_decimal_comma: whether decimals are written with a comma, as where fields are parted by semicolons.
    """

    schema: Any
    blocks: Callable[[list[str]], Iterator[Any]]
    has_decimal_comma: bool = False


@contextmanager
def open_table(source: Path | bytes, place: str, name: str = "", head: Sequence[str] = ()) -> Iterator[TableFile]:
    """The table in a csv or Parquet file.

    Args:
        source: the file, or its bytes.
        place: how messages begin.
        name: of the file, whose suffix may say that it is Parquet.
        head: names of the columns of a csv that has no line of names.

    Raises:
        ArgumentError: it cannot be read, is neither, is damaged, has a column twice, or a line has another number of
            fields.
    """
    import pyarrow as pa
    from pyarrow import parquet

    try:
        opened = pa.BufferReader(source) if isinstance(source, bytes) else pa.OSFile(str(source), "rb")
    except OSError as error:
        reason = os.strerror(error.errno) if error.errno else str(error)
        raise ArgumentError(f"{place}: must be a csv or Parquet file, and cannot be read ({reason})") from None
    with opened as stream:
        start = stream.read(_BLOCK)
        stream.seek(0)
        is_parquet = start.startswith(b"PAR1") or Path(name or str(source)).suffix.lower() in (".parquet", ".pq")
        try:
            if not is_parquet:
                yield _csv_table(stream, start, place, head)
                return
            with parquet.ParquetFile(stream, buffer_size=1 << 20) as stored:  # pages, and no whole group of rows
                _refuse_doubles(stored.schema_arrow.names, place)
                read = stored.iter_batches
                yield TableFile(stored.schema_arrow, lambda names: map(_table, read(ROWS_AT_ONCE, columns=names)))
        except ArgumentError:
            raise
        except (pa.ArrowException, csv.Error, OSError, ValueError) as error:
            form = "a whole Parquet file" if is_parquet else "csv in UTF-8, or Parquet, and is not"
            raise ArgumentError(f"{place}: must be {form}: {shown((str(error).splitlines() or [''])[0])}") from None


def _csv_table(stream: Any, start: bytes, place: str, head: Sequence[str]) -> TableFile:
    import pyarrow as pa
    from pyarrow import csv as arrow_csv

    is_wide = start[:2] in (b"\xff\xfe", b"\xfe\xff")
    text = start.decode("utf-16") if is_wide else re.split(rb"[\r\n]", start, maxsplit=1)[0].decode("utf-8-sig")
    first = re.split(r"[\r\n]", text, maxsplit=1)[0]
    separator = max(",;\t", key=re.sub(r'"[^"]*"', "", first).count)
    names = list(head) or [text.strip() for text in next(csv.reader([first], delimiter=separator), [])]
    if not any(names):
        raise ArgumentError(f"{place}: must begin with the names of its columns, and is empty")
    _refuse_doubles(names, place)
    schema = pa.schema([(text or f"\0{number}", pa.string()) for number, text in enumerate(names)])
    # Of a stream that pyarrow decodes as it is, `refuse` would get bytes that are no text, and fail.
    encoding = "utf16" if is_wide else "utf-8-sig"
    reading = arrow_csv.ReadOptions(
        block_size=_BLOCK, use_threads=False, skip_rows=not head, column_names=schema.names, encoding=encoding
    )

    def refuse(row: Any) -> str:
        wrong.append(row)
        return "skip"

    wrong: list[Any] = []
    parsing = arrow_csv.ParseOptions(delimiter=separator, newlines_in_values=True, invalid_row_handler=refuse)

    def blocks(wanted: list[str]) -> Iterator[Any]:
        as_texts = arrow_csv.ConvertOptions(column_types=schema, strings_can_be_null=False, include_columns=wanted)
        for batch in arrow_csv.open_csv(stream, reading, parsing, as_texts):
            if not wrong:  # rows behind a line that is skipped would have other numbers
                yield _without_blank_lines(_table(batch))
        for row in wrong:
            raise ArgumentError(
                f"{place}: line {row.number} must have {row.expected_columns} fields, has {row.actual_columns}"
                + "; put a text with a comma into quotes" * (row.actual_columns > row.expected_columns)
            )

    return TableFile(schema, blocks, separator == ";")


def _without_blank_lines(block: Any) -> Any:
    """The lines of a block that have a text in any field: spreadsheets write ``;;;`` below a table."""
    from functools import reduce

    from pyarrow import compute

    filled = (compute.not_equal(compute.utf8_trim_whitespace(column), "") for column in block.columns)
    is_filled = next(filled)
    if compute.all(is_filled).as_py() is not False:
        return block
    return block.filter(reduce(compute.or_, filled, is_filled))


def _table(batch: Any) -> Any:
    import pyarrow as pa

    return pa.Table.from_batches([batch])


def _refuse_doubles(head: Sequence[str], place: str) -> None:
    twice = next((name for number, name in enumerate(head) if name and name in head[:number]), None)
    if twice is not None:
        raise ArgumentError(
            f"{place}: must have each column once, has {head.count(twice)} called {shown(twice)!r}; rename one"
        )

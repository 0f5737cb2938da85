"""Groups of rows of Parquet files, in which pictures are decoded: those of the file, or of a copy in smaller ones."""

from __future__ import annotations

import hashlib
import logging
import os
import sys
import threading
from bisect import bisect_right
from collections import OrderedDict
from collections.abc import Callable, Hashable
from dataclasses import dataclass
from functools import cached_property
from itertools import accumulate
from pathlib import Path
from typing import Any

from hardiness.core.errors import DataError
from hardiness.core.whole_files import whole_file
from hardiness.sources.disk import refuse_full_disk
from hardiness.sources.files import Stamp, shown
from hardiness.sources.locks import LockedError, file_lock
from hardiness.sources.packages import cache_folder

LOGGER = logging.getLogger(__name__)

MOST_DECODED = 32 << 20
"""Bytes of the largest group of rows that is decoded for each picture that is read of it. The hub's have 100 pictures,
about 11 MB, which takes 7 to 13 core-ms; pandas writes up to a million rows as one group."""

MOST_ROWS = 64
"""Pictures in a group of a copy."""

MOST_HELD = 256 << 20
"""Bytes of decoded groups that stay, for whoever reads pictures in the order of the file."""

BUFFER = 1 << 20
"""Bytes that are read at a time of a group that is copied; without it pyarrow holds the whole group."""

WAIT_S = 3600.0
"""How long another process that writes the same copy is waited for."""


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


_DECODED = DecodedRows()
_OPENED: dict[tuple[str, Stamp, str], RowGroups] = {}
_OPENING = threading.Lock()


@dataclass(frozen=True, eq=False)
class RowGroups:
    """The groups of a column of bytes, each of which is decoded as a whole.

    Attributes:
        file: that has them.
        column: its path in the schema.
        facts: of the file, as pyarrow has them.
    """

    file: Path
    column: str
    facts: Any

    @classmethod
    def open(cls, table: Path, stamp: Stamp, column: str) -> RowGroups:
        """The groups of a table; where one is too large for single pictures, those of a copy, which is written once.

        Args:
            table: the file.
            stamp: of it.
            column: path in its schema.

        Raises:
            pyarrow.ArrowException, OSError: the file cannot be read.
        """
        with _OPENING:
            key = str(table), stamp, column
            if key not in _OPENED:
                groups = cls._of_file(table, column)
                _OPENED[key] = groups.small_copy(stamp) if groups.largest > MOST_DECODED else groups
            return _OPENED[key]

    @classmethod
    def _of_file(cls, file: Path, column: str) -> RowGroups:
        from pyarrow import parquet

        return cls(file, column, parquet.read_metadata(file))

    @cached_property
    def starts(self) -> list[int]:
        """The first row of each group, and the number of rows."""
        counts = [self.facts.row_group(number).num_rows for number in range(self.facts.num_row_groups)]
        return list(accumulate(counts, initial=0))

    def part(self, number: int) -> Any:
        """The facts of the column in a group."""
        group = self.facts.row_group(number)
        return next(p for p in map(group.column, range(group.num_columns)) if p.path_in_schema == self.column)

    @property
    def largest(self) -> int:
        """Bytes of the column in its largest group."""
        return max(
            (self.part(number).total_uncompressed_size for number in range(self.facts.num_row_groups)), default=0
        )

    def row(self, number: int) -> bytes | None:
        """The bytes in a row of the table; ``None`` where it has none.

        Raises:
            pyarrow.ArrowException, OSError: the file cannot be read.
        """
        group = bisect_right(self.starts, number) - 1
        value = self._decoded(group)[number - self.starts[group]].as_py()
        content = value.get("bytes") if isinstance(value, dict) else value
        return content if isinstance(content, bytes) else None

    def rows_without_bytes(self) -> list[int]:
        """The rows that have none; only groups that count such rows are read."""
        statistics = [self.part(number).statistics for number in range(self.facts.num_row_groups)]
        suspects = [number for number, each in enumerate(statistics) if each is not None and each.null_count]
        rows = (row for each in suspects for row in range(self.starts[each], self.starts[each + 1]))
        return [row for row in rows if self.row(row) is None]

    def _decoded(self, group: int) -> Any:
        from pyarrow import parquet

        def decode() -> tuple[Any, int]:
            with parquet.ParquetFile(self.file, metadata=self.facts) as source:
                column = source.read_row_group(group, [self.column], use_threads=False).column(0)
            return column, column.nbytes

        return _DECODED.get((self, group), decode)

    def small_copy(self, stamp: Stamp) -> RowGroups:
        """The groups of a copy of the column in small groups, in the cache; these themselves where it has no room."""
        name = hashlib.sha256(os.fsencode(f"{os.path.realpath(self.file)}\0{self.column}")).hexdigest()[:32]
        copy = cache_folder() / "tables" / f"{name}.parquet"
        try:
            if (groups := self._written(copy, stamp)) is None:
                copy.parent.mkdir(parents=True, exist_ok=True)
                with file_lock(copy.with_suffix(".lock"), f"the copy of {self.file} in small groups of rows", WAIT_S):
                    if (groups := self._written(copy, stamp)) is None:
                        self._write(copy, stamp)
                        groups = self._of_file(copy, "bytes")
            return groups
        except (OSError, DataError, LockedError) as error:
            reason = shown(error.strerror or str(error) if isinstance(error, OSError) else str(error))
            LOGGER.warning(
                f"{self.file} has up to {self.largest / 1e6:,.0f} MB in one group of rows, each of which is read as a "
                f"whole: a copy in small groups cannot be kept ({reason})"
            )
            return self

    def _written(self, copy: Path, stamp: Stamp) -> RowGroups | None:
        """The groups of the copy where it is there, whole, and of the table with this stamp."""
        import pyarrow

        try:
            groups = self._of_file(copy, "bytes")
        except (pyarrow.ArrowException, OSError):
            return None
        return groups if (groups.facts.metadata or {}).get(b"of") == repr(stamp).encode() else None

    def _write(self, copy: Path, stamp: Stamp) -> None:
        """Write the copy, with a bar on a terminal.

        Raises:
            DataError: the disk has no room for it.
            OSError: it cannot be written.
        """
        import pyarrow
        from pyarrow import parquet
        from rich.console import Console
        from rich.progress import track

        size = sum(self.part(number).total_uncompressed_size for number in range(self.facts.num_row_groups))
        refuse_full_disk(copy.parent, size, f"a copy of {self.file} in small groups of rows")
        rows = max(1, min(MOST_ROWS, MOST_DECODED * self.facts.num_rows // size))
        schema = pyarrow.schema([("bytes", pyarrow.large_binary())], {"of": repr(stamp)})
        with (
            whole_file(copy) as part,
            parquet.ParquetFile(self.file, metadata=self.facts, pre_buffer=False, buffer_size=BUFFER) as source,
            parquet.ParquetWriter(part, schema, compression="none", use_dictionary=False) as writer,
        ):
            batches = source.iter_batches(rows, columns=[self.column], use_threads=False)
            for batch in track(
                batches,
                f"{self.file.name}, once, in small groups of rows",
                -(-self.facts.num_rows // rows),
                console=Console(file=sys.stderr),
                transient=True,
                disable=not sys.stderr.isatty(),
            ):
                column = batch.column(0)
                (content,) = column.flatten() if pyarrow.types.is_struct(column.type) else (column,)
                writer.write_table(pyarrow.table([content.cast(pyarrow.large_binary())], schema), rows)

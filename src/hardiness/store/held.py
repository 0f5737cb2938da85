"""An output folder in memory: runs whose rows are arrays, read as those of any other folder; nothing is written."""

from __future__ import annotations

from collections.abc import Callable, Collection, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

from hardiness.core.columns import NO_COLUMNS, Columns
from hardiness.core.run import Plan, Run
from hardiness.core.table import ImageTable, Records
from hardiness.store.files import Stamp
from hardiness.store.memo import Memo, Stamps
from hardiness.store.run import StoredRun
from hardiness.store.store import Store
from hardiness.store.survey import Survey, path_of

ROWS = "000000-000000000000.parquet"
"""The name of the one shard of a held run, in the form of any other's."""


class HeldFiles:
    """Files by their path in a dictionary, as `Files`.

    Attributes:
        address: what they are called, for people.
        content: the bytes of each.
        tables: image tables by run and name, which are kept as they are.
    """

    conditional, at_once = True, 1

    def __init__(self, address: str) -> None:
        self.address, self.content = address, dict[str, bytes]()
        self.tables: dict[tuple[str, str], ImageTable] = {}

    def list_files(self, folder: str, after: str = "") -> Mapping[str, Stamp]:
        first = f"{folder}/" if folder else ""
        paths = (path for path in sorted(self.content) if path.startswith(first) and path > first + after)
        return {path: (len(self.content[path]), "") for path in paths}

    def folders(self, folder: str) -> list[str]:
        below = (path.removeprefix(f"{folder}/") for path in self.list_files(folder))
        return sorted({path.partition("/")[0] for path in below if "/" in path})

    def read(self, path: str) -> bytes | None:
        return self.content.get(path)

    def read_all(self, paths: Sequence[str]) -> Mapping[str, bytes | None]:
        return {path: self.read(path) for path in paths}

    def write(self, path: str, content: bytes) -> None:
        self.content[path] = content

    def create(self, path: str, content: bytes) -> bool:
        is_new = path not in self.content
        self.content.setdefault(path, content)
        return is_new

    def has(self, path: str) -> bool:
        return path in self.content

    def stamp(self, path: str) -> Stamp | None:
        return self.list_files("").get(path)

    def move(self, path: str, to: str) -> None:
        if path in self.content:
            self.content[to] = self.content.pop(path)

    def remove(self, path: str) -> None:
        self.content.pop(path, None)

    def remove_all(self, paths: Sequence[str]) -> None:
        for path in paths:
            self.remove(path)


class HeldMemo(Memo):
    """A memo whose tables are kept as they are made, without a file."""

    _files: HeldFiles

    def table(
        self,
        name: str,
        facts: Mapping[str, Any],
        shards: Stamps,
        make: Callable[[Sequence[str]], Sequence[ImageTable]],
        damaged: Collection[str] = (),
    ) -> ImageTable:
        """The table that was made first; arguments as of `Memo.table`."""
        key = self._folder, name
        if key not in self._files.tables:
            (self._files.tables[key],) = make(list(shards))
        return self._files.tables[key]

    def columns(self, name: str, facts: Mapping[str, Any], shards: Stamps, columns: Sequence[str]) -> ImageTable | None:
        """The whole table, where it was made."""
        return self._files.tables.get((self._folder, name))


@dataclass(frozen=True)
class HeldRun(StoredRun):
    """A run whose rows and columns of pictures are at hand.

    Attributes:
        rows: of all pictures and conditions.
        columns: of its pictures.
    """

    rows: Records = field(default_factory=lambda: Records({}), compare=False)
    columns: Columns = field(default=NO_COLUMNS, compare=False)

    def contents(self, first: int = 0) -> tuple[Stamps, list[str]]:
        """One shard, which holds all rows."""
        return {ROWS: [len(self.rows), self.key]}, []

    def read(self, name: str, columns: Sequence[str] | None = None) -> Records:
        """The rows, with all their columns."""
        return self.rows

    def picture_columns(self) -> Columns:
        return self.columns

    def memo(self, key: str, part: str, *, trusted: bool = False, anew: bool = False) -> Memo:
        return HeldMemo(self.files, self.path, self.run.conditions, key, part, trusted, anew)


class HeldStore(Store):
    """An output folder in memory, whose runs are those that were added.

    Args:
        name: what it is called where a folder has an address.
    """

    def __init__(self, name: str) -> None:
        self.wait_s, self.remarks = 0.0, []
        self.files: HeldFiles = HeldFiles(name)
        self._held: list[StoredRun] = []

    def add(self, run: Run, rows: Records, columns: Columns = NO_COLUMNS) -> None:
        """Add a run.

        Args:
            run: what the rows are of.
            rows: as `Records` has them; each picture and condition once.
            columns: of the pictures.
        """
        key = run.key
        plan = Plan(whole=tuple(range(len(run.conditions))))
        held = HeldRun(self.files, path_of(run, key), run, plan, key, rows=rows, columns=columns)
        self._held.append(held)

    def survey(self) -> Survey:
        """The runs that were added."""
        return Survey(tuple(self._held), ())

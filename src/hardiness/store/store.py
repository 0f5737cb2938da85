"""An output folder: ``records/`` with a folder for each run, and ``results.json`` made from them."""

from __future__ import annotations

import hashlib
import json
import re
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from filelock import FileLock

from hardiness.core import SCHEMA, ArgumentError, DataError, StoreError
from hardiness.store import atomic
from hardiness.store.run import MEASURED, RUN, StoredRun

RECORDS, RESULTS = "records", "results.json"


def run_key(identity: Mapping[str, Any]) -> str:
    """16 hexadecimal digits that change whenever anything that changes rows does."""
    return hashlib.sha256(json.dumps(identity, sort_keys=True).encode()).hexdigest()[:16]


class Store:
    """All runs of one output folder.

    Any number of processes may write to it at the same time: shards are separate files, and the few files that are
    read, changed and written again are changed under a lock.
    """

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        self.partial = folder / atomic.PARTIAL

    @classmethod
    def create(cls, folder: Path) -> Store:
        """The store of a folder that is made if need be.

        Raises:
            ArgumentError: the folder cannot be written to, or holds results of another schema.
        """
        store = cls(folder)
        try:
            atomic.write(store.partial / ".writable", b"", store.partial)
            (store.partial / ".writable").unlink(missing_ok=True)
        except StoreError as error:
            raise ArgumentError(f"--out {folder}: {error}") from error
        store.check_schema()
        return store

    @classmethod
    def open(cls, folder: Path) -> Store:
        """The store of a folder that already holds records.

        Raises:
            DataError: there are none; the message says how to make some.
        """
        store = cls(folder)
        if not (folder / RECORDS).is_dir():
            raise DataError(f"{folder} holds no records/ folder: it must be the --out of an earlier 'hardiness run'")
        store.check_schema()
        return store

    @contextmanager
    def locked(self) -> Iterator[None]:
        """Keep other processes from changing shared files of this folder meanwhile."""
        with atomic.told(self.folder, "lock"), FileLock(self.folder / ".lock"):
            yield

    def check_schema(self) -> None:
        """Raise unless ``results.json`` is absent or of this version's schema.

        Raises:
            ArgumentError: it is of another schema.
        """
        path = self.folder / RESULTS
        found = atomic.read_json(path) if path.exists() else {"schema": SCHEMA}
        schema = found.get("schema") if isinstance(found, dict) else None
        if schema != SCHEMA:
            raise ArgumentError(
                f"{path} has schema {schema!r}, and this version reads and writes {SCHEMA}; choose another --out"
            )

    def run(self, identity: Mapping[str, Any], plan: Mapping[str, Any]) -> StoredRun:
        """The run of that identity, opened or begun.

        Args:
            identity: everything that changes rows; its hash is the run's key.
            plan: what must stay as it was when the run is continued (the batch size). A stored plan wins.

        Raises:
            StoreError: disk full or no permission.
        """
        key = run_key(identity)
        name = re.sub(r"[^\w.-]+", "_", f"{identity['model']}--{identity['benchmark']}")
        path = self.folder / RECORDS / f"{name}--{key}" / RUN
        with self.locked():
            if not path.exists():
                atomic.write_json(path, {"key": key, **identity, "plan": dict(plan)}, self.partial)
        return self._opened(path)

    def runs(self) -> list[StoredRun]:
        """Every run there is, by folder name."""
        return [self._opened(path) for path in sorted((self.folder / RECORDS).glob(f"*/{RUN}"))]

    def add_measured(self, run: StoredRun, session: Mapping[str, Any]) -> None:
        """Append how one session computed its rows.

        Raises:
            StoreError: disk full or no permission.
        """
        with self.locked():
            atomic.write_json(run.folder / MEASURED, [*run.measured(), session], self.partial)

    def write_results(self, results: Sequence[Mapping[str, Any]]) -> None:
        """Replace ``results.json``; to be called within `locked`, after reading what it is made from.

        Raises:
            StoreError: disk full or no permission.
        """
        atomic.write_json(self.folder / RESULTS, {"schema": SCHEMA, "results": list(results)}, self.partial)

    def _opened(self, path: Path) -> StoredRun:
        return StoredRun(path.parent, atomic.read_json(path), self.partial)

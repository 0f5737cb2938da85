"""An output folder: ``records/`` with a folder for each run, and ``results.json`` made from them."""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from filelock import FileLock

from hardiness.core import SCHEMA, ArgumentError, DataError, Plan, Run, StoreError
from hardiness.store import atomic
from hardiness.store.former import continues, former_run, is_former
from hardiness.store.run import MEASURED, RUN, StoredRun

RECORDS, RESULTS = "records", "results.json"


LONGEST_NAME = 100
"""Of the part of a folder's name that is for people; the key after it tells runs apart."""


@dataclass(frozen=True)
class Survey:
    """What an output folder holds: its runs, and a line for each that cannot be trusted."""

    runs: tuple[StoredRun, ...]
    problems: tuple[str, ...]


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

    def run(self, run: Run, plan: Plan) -> StoredRun:
        """The stored run of that identity, opened or begun.

        Args:
            run: everything that changes rows; its key names the folder.
            plan: what must stay as it was when the run is continued. A stored plan wins.

        Raises:
            StoreError: disk full or no permission, or the stored ``run.json`` is damaged.
        """
        name = re.sub(r"[^\w.-]+", "_", f"{run.model.name}--{run.benchmark.name}")[:LONGEST_NAME]
        path = self.folder / RECORDS / f"{name}--{run.key}" / RUN
        with self.locked():
            if not path.exists():
                atomic.write_json(path, {"key": run.key, **run.as_dict(), "plan": plan.as_dict()}, self.partial)
        return self._opened(path)

    def survey(self) -> Survey:
        """Every run there is, by folder name, and a line for each folder whose ``run.json`` cannot be trusted.

        A run of the former format is left out where the same command has begun a run of this one.
        """
        runs, problems = self._all()
        today = [each.run for each in runs if not each.former]
        kept = [each for each in runs if not (each.former and any(continues(each.run, run) for run in today))]
        return Survey(tuple(kept), tuple(problems))

    def runs(self) -> list[StoredRun]:
        """Every run that can be read, by folder name; see `survey`."""
        return list(self.survey().runs)

    def former(self, run: Run) -> StoredRun | None:
        """The run of the former format that the same command had made, if there is one."""
        return next((each for each in self._all()[0] if each.former and continues(each.run, run)), None)

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

    def _all(self) -> tuple[list[StoredRun], list[str]]:
        """Every run that can be read, and a line for each that cannot be trusted."""
        runs, problems = [], []
        for path in sorted((self.folder / RECORDS).glob(f"*/{RUN}")):
            try:
                runs.append(self._opened(path))
            except StoreError as error:
                problems.append(str(error))
        return runs, problems

    def _opened(self, path: Path) -> StoredRun:
        found = atomic.read_json(path)
        if not isinstance(found, dict):
            raise StoreError(f"{path} must hold an object, and holds {type(found).__name__}; restore the file")
        if is_former(found):
            run, plan = former_run(found, str(path))
            return StoredRun(path.parent, run, plan, self.partial, str(found.get("key")), former=True)
        identity = {name: value for name, value in found.items() if name not in ("key", "plan")}
        run = Run.from_dict(identity, str(path))
        plan = Plan.from_dict(found.get("plan", {}), f"the plan in {path}")
        if found.get("key") != run.key:
            raise StoreError(
                f"{path} was changed: its key is {found.get('key')}, and what it says gives {run.key}; "
                "restore the file, or delete the folder and run the same command again"
            )
        return StoredRun(path.parent, run, plan, self.partial, run.key)

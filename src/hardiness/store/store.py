"""An output folder: ``records/`` with a folder for each run, and ``results.json`` made from them."""

from __future__ import annotations

import os
import shutil
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import replace
from pathlib import Path
from typing import Any

from hardiness.core.codes import FolderRemark
from hardiness.core.errors import ArgumentError, DataError, StoreError
from hardiness.core.fact import Fact, error_of
from hardiness.core.result import SCHEMA
from hardiness.core.run import Plan, Run
from hardiness.store.files import Files
from hardiness.store.local_files import LocalFiles
from hardiness.store.lock import WAIT_S, locked
from hardiness.store.memo import Stamps
from hardiness.store.object_files import ObjectFiles, is_address
from hardiness.store.run import DAMAGED, RUN, StoredRun
from hardiness.store.shards import NAME
from hardiness.store.survey import LAYOUT, RECORDS, Survey, find_run, path_of, set_run_aside, survey_runs
from hardiness.store.writing import as_json, file_errors, parse_json

RESULTS = "results.json"

WRITABLE = ".writable"


def results_damage(files: Files) -> Fact | None:
    """The fact that ``results.json`` is damaged; ``None`` where it is not.

    Raises:
        ArgumentError: it is of another schema.
    """
    path, content = f"{files.address}/{RESULTS}", files.read(RESULTS)
    if content is None:
        return None
    try:
        document = parse_json(content, path)
        schema = document.get("schema") if isinstance(document, dict) else None
        if not isinstance(schema, int):
            raise StoreError(f"{path} must say its schema, and does not; it is made again from what is stored")
    except StoreError as error:
        return error_of(error)
    if schema != SCHEMA:
        raise ArgumentError(
            f"{path} has schema {schema!r}, and this version reads and writes {SCHEMA}; choose another --out"
        )
    return None


def set_damage_aside(files: Files) -> list[Fact]:
    """Move a damaged ``results.json`` to ``damaged/``; the fact that it was, or none.

    Raises:
        ArgumentError: it is of another schema.
        StoreError: it cannot be moved.
    """
    why = results_damage(files)
    if why is None:
        return []
    aside = f"{DAMAGED}/{RESULTS}"
    files.move(RESULTS, aside)
    return [Fact(FolderRemark.SET_ASIDE, {"why": why, "folder": files.address, "file": aside})]


class Store:
    """All runs of one output folder.

    Any number of processes may write to it at the same time: shards are separate files, and the few files that are
    read, changed and written again are changed under a lock.
    """

    def __init__(self, out: str | Path, wait_s: float = WAIT_S) -> None:
        """The store at ``out``, a folder or an address such as ``s3://bucket/path``; nothing is read or written yet.

        Args:
            out: where it is.
            wait_s: how long to wait for its lock.

        Raises:
            ArgumentError: an address cannot be reached, or there may be nothing written.
        """
        self.wait_s = wait_s
        self.remarks: list[Fact] = []
        self.files: Files = ObjectFiles(str(out)) if is_address(str(out)) else LocalFiles(Path(out))

    @property
    def address(self) -> str:
        """Where it is, as a person would type it."""
        return self.files.address

    @property
    def folder(self) -> Path | None:
        """The folder on a disk; ``None`` for an object store."""
        return self.files.folder if isinstance(self.files, LocalFiles) else None

    @classmethod
    def create(cls, out: str | Path, wait_s: float = WAIT_S) -> Store:
        """The store of a folder that is made if need be; arguments as for the class.

        A damaged ``results.json`` is set aside, as it is made of records; `remarks` say so.

        Raises:
            ArgumentError: it cannot be written to, or holds results of another schema.
        """
        if not str(out).strip():
            raise ArgumentError("--out must name a folder or an address, and is empty")
        store = cls(out, wait_s)
        try:
            store.files.write(WRITABLE, b"")
            if isinstance(store.files, LocalFiles) and not store.files.has_links():
                store.remarks.append(Fact(FolderRemark.CLAIMS, {"folder": str(out), "lacks": "hard links"}))
            store.files.remove(WRITABLE)
        except StoreError as error:
            raise ArgumentError(f"--out {out}: {error}") from error
        store.remarks.extend(set_damage_aside(store.files))
        if not store.files.conditional:
            store.remarks.append(Fact(FolderRemark.CLAIMS, {"folder": str(out), "lacks": "conditional writes"}))
        return store

    @classmethod
    def open(cls, out: str | Path, wait_s: float = WAIT_S) -> Store:
        """The store of a folder that already holds records; arguments as for the class.

        Raises:
            ArgumentError: it is no folder or address, cannot be read, or holds results of another schema.
            DataError: there are none; the message says how to make some.
        """
        if not isinstance(out, str | os.PathLike):
            raise ArgumentError(
                f"out must be the folder or address that evaluate(…, out=…) or --out named, was {type(out).__name__}: "
                "rows are compared and judged where they are stored"
            )
        store = cls(out, wait_s)
        try:
            folders = store.files.folders(RECORDS)
        except StoreError as error:
            raise ArgumentError(str(error)) from error
        if not folders:
            if store.files.has(RESULTS):
                raise DataError(
                    f"{out} holds no results: the 'hardiness run' that made it evaluated nothing; the same command "
                    "again says what was skipped or failed, and why"
                )
            raise DataError(f"{out} holds no records/ folder: it must be the --out of an earlier 'hardiness run'")
        store.check_schema()
        return store

    @contextmanager
    def locked(self, tell: Callable[[str], None] | None = None, wait_s: float | None = None) -> Iterator[None]:
        """Keep other processes from changing shared files of this folder meanwhile.

        Args:
            tell: called after two seconds with a line on who holds the lock; the log if not given.
            wait_s: how long to wait for it; the store's own time if ``None``.

        Raises:
            StoreError: somebody holds it longer than that; the message says who.

        An object store has no lock: there the last to write counts, and all write the same.
        """
        if self.folder is None:
            yield
            return
        with locked(self.folder, tell, self.wait_s if wait_s is None else wait_s):
            yield

    def check_schema(self) -> Fact | None:
        """The fact that ``results.json`` is damaged, or none; `ArgumentError` where it is of another schema."""
        return results_damage(self.files)

    def run(self, run: Run, plan: Plan) -> StoredRun:
        """The stored run of that identity, opened or begun.

        Args:
            run: everything that changes rows; its key names the folder.
            plan: what must stay as it was when the run is continued. A stored plan wins.

        A file that says what the folder is of and is damaged is set aside and written anew: shards prove themselves.

        Raises:
            StoreError: disk full or no permission.
        """
        path = path_of(run, run.key)
        aside: tuple[Fact, ...] = ()
        try:
            stored = self.find(run)
        except StoreError:
            aside = set_run_aside(self.files, path, run, plan)
            stored = self.find(run)
        if stored is None:
            described = {"layout": LAYOUT, "key": run.key, "run": run, "plan": plan}
            self.files.create(f"{path}/{RUN}", as_json(described))
            stored = self.find(run)
        if stored is None:
            raise StoreError(f"{self.address}/{path}/{RUN} was written and is gone; does something else delete there?")
        return replace(stored, aside=aside)

    def find(self, run: Run, stored: Iterable[StoredRun] = ()) -> StoredRun | None:
        """The stored run of that identity; ``None`` where it was not begun. Nothing is written.

        Args:
            run: which.
            stored: the `runs` of the folder, among which it may be under another name.

        Raises:
            StoreError: the stored ``run.json`` is damaged, or of another run.
        """
        key = run.key
        known = next((candidate for candidate in stored if candidate.key == key), None)
        return known or find_run(self.files, path_of(run, key), key)

    def last_of(self, run: Run, stored: Iterable[StoredRun] = ()) -> Run:
        """The run with the ordinal of the last that was begun; only code of a person's own has several.

        Args:
            run: which.
            stored: as for `find`.
        """
        is_own = run.model.code_sha256 and "tag" not in dict(run.model.options)
        if not (is_own or run.benchmark.code_sha256):
            return run
        keys, folders = {each.key for each in stored}, set(self.files.folders(RECORDS))
        while True:
            later = run.with_ordinal(run.ordinal + 1)
            if later.key not in keys and path_of(later, later.key).removeprefix(f"{RECORDS}/") not in folders:
                return run
            run = later

    def run_folders(self) -> dict[str, str]:
        """The key of each run folder by the folder's name, also of those whose ``run.json`` cannot be read."""
        read = {run.path.rpartition("/")[2]: run.key for run in self.runs()}
        return {name: read.get(name, name.rpartition("--")[2]) for name in self.files.folders(RECORDS)}

    def remove_run(self, name: str) -> None:
        """Remove a run folder for good; to be called within `locked`.

        Args:
            name: of the folder, one of those that `run_folders` gives.

        Raises:
            StoreError: a file cannot be removed; the same call again goes on.
        """
        path = f"{RECORDS}/{name}"
        self.files.remove(f"{path}/{RUN}")  # first, so that what is left for a moment passes for no run
        self.files.remove_all(list(self.files.list_files(path)))
        if self.folder is not None:
            with file_errors(self.folder / path, "remove"):
                shutil.rmtree(self.folder / path)

    def survey(self) -> Survey:
        """Every run there is, by folder name, and a line for each folder whose ``run.json`` cannot be trusted."""
        return survey_runs(self.files)

    def runs(self) -> Sequence[StoredRun]:
        """Every run that can be read, by folder name; see `survey`."""
        return self.survey().runs

    def stamps(self) -> Stamps:
        """The stamp of every shard file of every run, by its path: it tells whether any record has come or changed."""
        stamps = self.files.list_files(RECORDS)
        return {path: list(stamp) for path, stamp in stamps.items() if NAME.fullmatch(path.rpartition("/")[2])}

    def write_results(self, document: Mapping[str, Any]) -> None:
        """Replace ``results.json``; to be called within `locked`, after reading what it is made from.

        Raises:
            StoreError: disk full or no permission.
        """
        self.files.write(RESULTS, as_json(document))

"""The runs of an output folder: where each stands, which can be trusted, and what their folders are called."""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import dataclass
from functools import partial

from hardiness.core.codes import FolderRemark
from hardiness.core.errors import ArgumentError, StoreError
from hardiness.core.fact import Fact, error_of
from hardiness.core.forms import from_json
from hardiness.core.run import Plan, Run
from hardiness.store import shards
from hardiness.store.files import Files
from hardiness.store.parallel import in_parallel
from hardiness.store.run import CELLS, RUN, RunFolder, StoredRun
from hardiness.store.writing import parse_json

RECORDS = "records"

LAYOUT = 1
"""Version of how the files of a run are laid out, in its ``run.json``."""

LONGEST_NAME = 100
"""Characters of the part of a folder's name that is for people; the key after it tells runs apart."""


def path_of(run: Run, key: str) -> str:
    """The folder of a run of that key, below the output folder."""
    name = re.sub(r"[^\w.-]+", "_", f"{run.model.name}--{run.benchmark.name}")[:LONGEST_NAME]
    return f"{RECORDS}/{name}--{key}"


@dataclass(frozen=True)
class Survey:
    """The runs of an output folder, and what is wrong with its folders.

    Attributes:
        runs: each once.
        problems: a fact for each folder that cannot be trusted.
        renamed: the folders that have not the names of their runs; nothing is missing for them.
    """

    runs: tuple[StoredRun, ...]
    problems: tuple[Fact, ...]
    renamed: tuple[Fact, ...] = ()


def survey_runs(files: Files) -> Survey:
    """Every run that can be read, by folder name, and a fact for each that cannot be trusted."""

    def inspect(name: str) -> StoredRun | Fact | None:
        folder = f"{RECORDS}/{name}"
        try:
            if run := find_run(files, folder):
                _refuse_other_rows(run)
                return run
            if RunFolder(files, folder).shards():
                raise StoreError(f"{files.address}/{folder} holds rows and no {RUN} that says of what")
        except StoreError as error:
            return error_of(error)
        return None

    names = files.folders(RECORDS)
    outcomes = in_parallel(inspect, names) if files.at_once > 1 else list(map(inspect, names))
    runs, renamed = _drop_doubles([outcome for outcome in outcomes if isinstance(outcome, StoredRun)])
    return Survey(runs, tuple(outcome for outcome in outcomes if isinstance(outcome, Fact)), renamed)


def _refuse_other_rows(stored: StoredRun) -> None:
    """Raise where ``run.json`` is of another run than the rows beside it; a folder that was renamed is none.

    Raises:
        StoreError: it is.
    """
    if stored.path == path_of(stored.run, stored.key):
        return
    keys = {shards.key_of(stored.content(name)) for name in list(stored.stamps())[:3]}
    if keys and not keys & {stored.key, ""}:
        raise StoreError(f"{stored.place}/{RUN} {_of_another(stored.key, min(keys))}")


def _of_another(key: str, other: str) -> str:
    return (
        f"is of another run (key {key}, its rows are of {other}); restore the file, or run the same command again, "
        "which sets it aside"
    )


def _drop_doubles(runs: Sequence[StoredRun]) -> tuple[tuple[StoredRun, ...], tuple[Fact, ...]]:
    """The runs without second folders of one key, and a fact for each folder that has not the name of its run."""
    first: dict[str, StoredRun] = {}
    for run in sorted(runs, key=lambda run: (run.path != path_of(run.run, run.key), run.path)):
        first.setdefault(run.key, run)
    paths = {run.path for run in first.values()}
    renamed = []
    for run in runs:
        usual, used = path_of(run.run, run.key), first[run.key]
        if run.path == usual:
            continue
        places = {"folder": run.place, "usual": usual, "used": "" if used is run else used.place}
        is_usual = {"is_usual_used": used.path == usual}
        renamed.append(Fact(FolderRemark.RENAMED, {"run": run.key, **places, **is_usual}))
    return tuple(run for run in runs if run.path in paths), tuple(renamed)


def find_run(files: Files, folder: str, key_needed: str | None = None) -> StoredRun | None:
    """The run in a folder; ``None`` where it has no ``run.json``.

    Args:
        files: of the output folder.
        folder: of the run.
        wanted: the key that the run must have; any if ``None``.

    Raises:
        StoreError: ``run.json`` is damaged, was changed, or is of another run.
    """
    content, of_cells = files.read_all([f"{folder}/{RUN}", f"{folder}/{CELLS}"]).values()
    if content is None:
        return None
    run, plan, key = _identity(files, folder, content, key_needed)
    return StoredRun(files, folder, run, plan, key, _cells(files, folder, of_cells or b"{}"))


def set_run_aside(files: Files, folder: str, run: Run, plan: Plan) -> tuple[Fact, ...]:
    """Move files that are to say what a run is of, and do not, to ``damaged/``; a fact for each file.

    Args:
        files: of the output folder.
        folder: of the run.
        run, plan: what is to be continued there.

    Raises:
        StoreError: a file cannot be read or moved.
    """
    stored, facts = StoredRun(files, folder, run, plan, run.key), []
    for name, check in ((RUN, partial(_identity, key_needed=run.key)), (CELLS, _cells)):
        content = files.read(f"{folder}/{name}")
        if content is None:
            continue
        try:
            check(files, folder, content)
        except StoreError as error:
            facts.append(stored.set_aside(name, error))
    return tuple(facts)


def _identity(files: Files, folder: str, content: bytes, key_needed: str | None = None) -> tuple[Run, Plan, str]:
    """The run in ``run.json``, its plan and its key, which must be the one that is needed where one is.

    Raises:
        ArgumentError: it is of another layout.
        StoreError: it is not what was written.
    """
    path = f"{files.address}/{folder}/{RUN}"
    document = parse_json(content, path)
    if not isinstance(document, dict):
        raise StoreError(f"{path} must hold an object, and holds {type(document).__name__}; restore the file")
    if (layout := document.get("layout")) != LAYOUT and isinstance(document.get("key"), str):
        raise ArgumentError(
            f"{path} has layout {layout}, and this version reads and writes {LAYOUT}: install the version that wrote "
            f"{files.address}, or evaluate into another folder"
        )
    run = from_json(Run, document.get("run"), f"the run in {path}")
    plan = from_json(Plan, document.get("plan"), f"the plan in {path}")
    key = run.key
    if document.get("key") != key:
        raise StoreError(
            f"{path} was changed: its key is {document.get('key')}, and what it says gives {key}; "
            "restore the file, or run the same command again, which sets it aside"
        )
    if key_needed not in (None, key):
        raise StoreError(f"{path} {_of_another(key, key_needed)}")
    return run, plan, key


def _cells(files: Files, folder: str, content: bytes) -> dict[int, str]:
    """Fingerprints of the conditions' own files, as the last command found them.

    Raises:
        StoreError: they are not what was written.
    """
    path = f"{files.address}/{folder}/{CELLS}"
    document = parse_json(content, path)
    try:
        return {int(condition): str(fingerprint) for condition, fingerprint in document.items()}
    except (AttributeError, ValueError):
        raise StoreError(f"{path} must hold fingerprints by condition; delete it") from None

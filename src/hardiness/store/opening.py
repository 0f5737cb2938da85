"""Runs from their folders: what ``run.json`` says is believed only where its key follows from it."""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import dataclass

from hardiness.core import Plan, Run, StoreError
from hardiness.store import atomic
from hardiness.store.files import Files
from hardiness.store.former import continues, former_run, is_former
from hardiness.store.run import CELLS, RUN, StoredRun
from hardiness.store.run_folder import RunFolder
from hardiness.store.together import together

RECORDS = "records"

LONGEST_NAME = 100
"""Of the part of a folder's name that is for people; the key after it tells runs apart."""


def path_of(run: Run) -> str:
    """The folder of a run, below the output folder."""
    name = re.sub(r"[^\w.-]+", "_", f"{run.model.name}--{run.benchmark.name}")[:LONGEST_NAME]
    return f"{RECORDS}/{name}--{run.key}"


@dataclass(frozen=True)
class Survey:
    """What an output folder holds.

    Attributes:
        runs: each once.
        problems: a line for each folder that cannot be trusted.
        renamed: a line for each folder that has not the name of its run; nothing is missing for it.
    """

    runs: tuple[StoredRun, ...]
    problems: tuple[str, ...]
    renamed: tuple[str, ...] = ()

    def without_continued(self) -> Survey:
        """The same without runs of the former format which the same command has begun anew."""
        today = [each.run for each in self.runs if not each.former]
        kept = [each for each in self.runs if not (each.former and any(continues(each.run, run) for run in today))]
        return Survey(tuple(kept), self.problems, self.renamed)

    def former(self, run: Run) -> StoredRun | None:
        """The run of the former format that the same command had made, if there is one."""
        return next((each for each in self.runs if each.former and continues(each.run, run)), None)


def survey(files: Files) -> Survey:
    """Every run that can be read, by folder name, and a line for each that cannot be trusted."""

    def looked_at(name: str) -> StoredRun | str:
        folder = f"{RECORDS}/{name}"
        try:
            if run := find(files, folder):
                return run
            has_rows = bool(RunFolder(files, folder).shards())
            return f"{files.address}/{folder} holds rows and no {RUN} that says of what" if has_rows else ""
        except StoreError as error:
            return str(error)

    found = together(looked_at, files.folders(RECORDS))
    runs, renamed = _each_once([each for each in found if isinstance(each, StoredRun)])
    return Survey(runs, tuple(each for each in found if isinstance(each, str) and each), renamed)


def _each_once(found: Sequence[StoredRun]) -> tuple[tuple[StoredRun, ...], tuple[str, ...]]:
    """The runs without second folders of one key, and a line for each folder that has not the name of its run."""
    first: dict[str, StoredRun] = {}
    for run in sorted(found, key=lambda run: (not run.former and run.path != path_of(run.run), run.path)):
        first.setdefault(run.key, run)
    kept = {run.path for run in first.values()}
    lines = []
    for run in found:
        usual = path_of(run.run)
        if run.former or run.path == usual:
            continue
        about = f"{run.place} holds the run {run.key}"
        used = first[run.key]
        if used is run:
            lines.append(
                f"{about}, whose folder is {usual}: it was renamed, and is used as it is; give it that name again"
            )
        elif used.path == usual:
            lines.append(f"{about}, whose folder is {usual}, which is there too: this one is left out; delete it")
        else:
            lines.append(
                f"{about}, which {used.place} holds too and is used from there: this one is left out; delete it"
            )
    return tuple(run for run in found if run.path in kept), tuple(lines)


def find(files: Files, folder: str) -> StoredRun | None:
    """The run in a folder; ``None`` where it has no ``run.json``.

    Raises:
        StoreError: ``run.json`` is damaged, or was changed.
    """
    content, of_cells = files.read_all([f"{folder}/{RUN}", f"{folder}/{CELLS}"]).values()
    if content is None:
        return None
    run, plan, key, former = _identity(files, folder, content)
    cells = {} if former else _cells(files, folder, of_cells or b"{}")
    return StoredRun(files, folder, run, plan, key, former, cells)


def set_damage_aside(files: Files, folder: str, run: Run, plan: Plan) -> tuple[str, ...]:
    """Move what says of what a run is, and does not say it, to ``damaged/``; a line for each file.

    Args:
        files: of the output folder.
        folder: of the run.
        run, plan: what is to be continued there.

    Raises:
        StoreError: a file cannot be read or moved.
    """
    stored, lines = StoredRun(files, folder, run, plan, run.key), []
    for name, check in ((RUN, _identity), (CELLS, _cells)):
        content = files.read(f"{folder}/{name}")
        if content is None:
            continue
        try:
            check(files, folder, content)
        except StoreError as error:
            lines.append(stored.set_aside(name, str(error)))
    return tuple(lines)


def _identity(files: Files, folder: str, content: bytes) -> tuple[Run, Plan, str, bool]:
    """What ``run.json`` says: the run, its plan, its key, and whether it is of the former format.

    Raises:
        StoreError: it is not what was written.
    """
    path = f"{files.address}/{folder}/{RUN}"
    found = atomic.parsed(content, path)
    if not isinstance(found, dict):
        raise StoreError(f"{path} must hold an object, and holds {type(found).__name__}; restore the file")
    if is_former(found):
        return (*former_run(found, path), str(found.get("key")), True)
    identity = {name: value for name, value in found.items() if name not in ("key", "plan")}
    run = Run.from_dict(identity, path)
    plan = Plan.from_dict(found.get("plan", {}), f"the plan in {path}")
    if found.get("key") != run.key:
        raise StoreError(
            f"{path} was changed: its key is {found.get('key')}, and what it says gives {run.key}; "
            "restore the file, or run the same command again, which sets it aside"
        )
    return run, plan, run.key, False


def _cells(files: Files, folder: str, content: bytes) -> dict[int, str]:
    """Fingerprints of the conditions' own files, as the last command found them.

    Raises:
        StoreError: they are not what was written.
    """
    path = f"{files.address}/{folder}/{CELLS}"
    found = atomic.parsed(content, path)
    try:
        return {int(condition): str(fingerprint) for condition, fingerprint in found.items()}
    except (AttributeError, ValueError):
        raise StoreError(f"{path} must hold fingerprints by condition; delete it") from None

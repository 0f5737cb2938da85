"""Runs from their folders: what ``run.json`` says is believed only where its key follows from it."""

from __future__ import annotations

from dataclasses import dataclass

from hardiness.core import Plan, Run, StoreError
from hardiness.store import atomic
from hardiness.store.files import Files
from hardiness.store.former import continues, former_run, is_former
from hardiness.store.run import CELLS, RUN, StoredRun

RECORDS = "records"


@dataclass(frozen=True)
class Survey:
    """What an output folder holds: its runs, and a line for each that cannot be trusted."""

    runs: tuple[StoredRun, ...]
    problems: tuple[str, ...]

    def without_continued(self) -> Survey:
        """The same without runs of the former format which the same command has begun anew."""
        today = [each.run for each in self.runs if not each.former]
        kept = [each for each in self.runs if not (each.former and any(continues(each.run, run) for run in today))]
        return Survey(tuple(kept), self.problems)


def survey(files: Files) -> Survey:
    """Every run that can be read, by folder name, and a line for each that cannot be trusted."""
    runs, problems = [], []
    for name in files.folders(RECORDS):
        try:
            run = find(files, f"{RECORDS}/{name}")
            if run is not None:
                runs.append(run)
        except StoreError as error:
            problems.append(str(error))
    return Survey(tuple(runs), tuple(problems))


def find(files: Files, folder: str) -> StoredRun | None:
    """The run in a folder; ``None`` where it has no ``run.json``.

    Raises:
        StoreError: ``run.json`` is damaged, or was changed.
    """
    content = files.read(f"{folder}/{RUN}")
    return None if content is None else _opened(files, folder, content)


def _opened(files: Files, folder: str, content: bytes) -> StoredRun:
    path = f"{files.address}/{folder}/{RUN}"
    found = atomic.parsed(content, path)
    if not isinstance(found, dict):
        raise StoreError(f"{path} must hold an object, and holds {type(found).__name__}; restore the file")
    if is_former(found):
        run, plan = former_run(found, path)
        return StoredRun(files, folder, run, plan, str(found.get("key")), former=True)
    identity = {name: value for name, value in found.items() if name not in ("key", "plan")}
    run = Run.from_dict(identity, path)
    plan = Plan.from_dict(found.get("plan", {}), f"the plan in {path}")
    if found.get("key") != run.key:
        raise StoreError(
            f"{path} was changed: its key is {found.get('key')}, and what it says gives {run.key}; "
            "restore the file, or delete the folder and run the same command again"
        )
    return StoredRun(files, folder, run, plan, run.key, cells=_cells(files, folder))


def _cells(files: Files, folder: str) -> dict[int, str]:
    """Fingerprints of the conditions' own files, as the last command found them."""
    path = f"{folder}/{CELLS}"
    content = files.read(path)
    found = {} if content is None else atomic.parsed(content, f"{files.address}/{path}")
    try:
        return {int(condition): str(fingerprint) for condition, fingerprint in found.items()}
    except (AttributeError, ValueError):
        raise StoreError(f"{files.address}/{path} must hold fingerprints by condition; delete it") from None

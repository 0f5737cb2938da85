"""The runs of an output folder as a list, and one of them removed for good."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from hardiness.core.errors import ArgumentError
from hardiness.core.forms import fields_form
from hardiness.results.folder import Folder
from hardiness.results.run_names import weights_label
from hardiness.results.runs import successors_of
from hardiness.store.store import Store

FEWEST_DIGITS = 6
"""Digits of a key that a run must at least be named by to be removed."""


@dataclass(frozen=True)
class RunEntry:
    """One stored run.

    Attributes:
        key: names its folder.
        model, precision: as results call them.
        weights_sha256, code_sha256: of its model; empty where nothing was hashed.
        benchmark, options, data, seed: what was asked of it.
        sessions: how many have asked for it, as far as it is known.
        last_began: when the last of these began, in ISO 8601; empty where it is not known.
        rows: picture-cells that are stored.
        successor: key of the run of the same name that was evaluated later and is judged in its place; empty for none.
    """

    key: str
    model: str
    precision: str
    weights_sha256: str
    code_sha256: str
    benchmark: str
    options: Mapping[str, Any]
    data: str
    seed: int
    sessions: int
    last_began: str
    rows: int
    successor: str

    @property
    def label(self) -> str:
        """The first digits of its weights' hash, or its code's."""
        return weights_label(self.weights_sha256, self.code_sha256)

    def as_dict(self) -> dict[str, Any]:
        """The JSON form."""
        return fields_form(self)


def run_entries(folder: Folder) -> list[RunEntry]:
    """Every run that can be read, by benchmark, model, and when it was last asked for.

    Raises:
        StoreError: records cannot be read.
    """
    successors = successors_of(folder.alone)
    entries = []
    for run in folder.alone:
        identity, began = run.stored.run, run.stored.last_began()
        later = successors.get(run.stored.key)
        entries.append(
            RunEntry(
                key=run.stored.key,
                model=identity.model.name,
                precision=identity.precision,
                weights_sha256=identity.model.weights_sha256,
                code_sha256=identity.model.code_sha256,
                benchmark=identity.benchmark.name,
                options=identity.benchmark.options,
                data=identity.data.name,
                seed=identity.seed,
                sessions=len(run.sessions()),
                last_began=began.isoformat() if began else "",
                rows=run.rows,
                successor=later.stored.key if later else "",
            )
        )
        run.save()
        run.release()
    return sorted(entries, key=lambda each: (each.benchmark, each.model, each.last_began, each.key))


def drop_run(store: Store, name: str) -> tuple[str, ...]:
    """Remove one run of an output folder for good; the names of its folders.

    Of a run that is joined of several, as those on other things than photographs are, the parts go that no other joined
    run has: those of the single sets, or, where others share all of these, that of the photographs.

    Args:
        store: the folder.
        name: the first digits of its key, six or more, as `run_entries` and the gate print them.

    Raises:
        ArgumentError: no run has such a key, or several have; nothing is removed.
        StoreError: somebody holds the folder's lock, or a file cannot be removed.
    """
    digits = name.strip().lower()
    if len(digits) < FEWEST_DIGITS:
        raise ArgumentError(
            f"RUN must be the key of a run, {FEWEST_DIGITS} digits of it or more, as 'hardiness list runs "
            f"{store.address}' prints them; was {name!r}"
        )
    with store.locked():
        keys = store.run_folders()
        candidates: list[tuple[str, ...]] = [(folder,) for folder, key in keys.items() if key.startswith(digits)]
        candidates = candidates or [
            tuple(folder for folder, key in keys.items() if key in parts) for parts in _joined_parts(store, digits)
        ]
        if len(candidates) != 1:
            number = f"several: {', '.join(sorted(sum(candidates, ())))}; give more digits" if candidates else "none"
            raise ArgumentError(
                f"RUN must be the key of one run of {store.address}, and {name!r} is that of {number}; 'hardiness list "
                f"runs {store.address}' prints them"
            )
        (folders,) = candidates
        for folder in folders:
            store.remove_run(folder)
    return folders


def _joined_parts(store: Store, digits: str) -> list[set[str]]:
    """For each joined run whose key begins so, the keys of the parts that make it up and no other joined run."""
    joined = [run for run in Folder.open(store).runs if run.parts]
    parts = []
    for run in joined:
        if run.stored.key.startswith(digits):
            shared = {part for other in joined if other is not run for part in other.parts[1:]}
            parts.append(set(run.parts[1:]) - shared or {run.parts[0]})
    return parts

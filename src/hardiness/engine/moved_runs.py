"""Runs that a folder holds under another key: of other data, of other code, of an earlier version."""

from __future__ import annotations

import json
from collections.abc import Iterable
from dataclasses import replace
from typing import Any

from hardiness.core.benchmark import Benchmark, DataSet
from hardiness.core.errors import ArgumentError
from hardiness.core.run import DataIdentity, Run
from hardiness.models.identity import is_of_former_form, is_of_one_command
from hardiness.store.run import StoredRun

ADVICE = (
    "give every worker the same data (copies keep names, sizes and times, as cp -p and rsync -a do), or this one "
    "another --out"
)

DIGITS = 8
"""Digits of a fingerprint that are shown, where a person is to tell two apart."""


READING = "reading_version"
"""Option of a chat model in the key: the version of the rule by which its replies are read."""


def refuse_another_run(run: Run, every: Iterable[StoredRun]) -> None:
    """Raise where a folder, which does not hold a run, holds the same of other data or by another version.

    Raises:
        ArgumentError: naming both.
    """
    alike = [stored for stored in every if replace(stored.run, data=run.data, versions=run.versions) == run]
    others = [stored for stored in alike if stored.run.data.name == run.data.name]
    if not others:
        return
    other = min(others, key=lambda stored: stored.run.data != run.data)
    if other.run.data != run.data:
        there, here = (_identity_summary(data) for data in (other.run.data, run.data))
        raise ArgumentError(f"{other.place} is of {there} of {run.data.name}, and this worker sees {here}: {ADVICE}")
    former, current = other.run.versions, run.versions
    name = next(name for name in sorted({*former, *current}) if former.get(name) != current.get(name))
    raise ArgumentError(
        f"{other.place} was made by another version of hardiness ({name} {former.get(name)}, and {current.get(name)} "
        "here): install one version for every worker, or give this one another --out"
    )


def own_code_of(run: Run) -> list[str]:
    """The hashes in a run's key over code of a person's own: of its model, its surrogates and its attack."""
    surrogates = run.surrogate.code_sha256 if run.surrogate else ""
    return [*filter(None, (run.model.code_sha256, *surrogates.split("+"), *run.versions.get("files", ())))]


def refuse_to_share(run: Run) -> None:
    """Raise where the key does not cover all that the run's own code computes with, so that processes never meet.

    Raises:
        ArgumentError: naming the model.
    """
    if not any(map(is_of_one_command, own_code_of(run))):
        return
    is_attacks = any(map(is_of_one_command, run.versions.get("files", ())))
    advice = "evaluate it in one process" if is_attacks else "add a tag=NAME to the model"
    raise ArgumentError(
        f"{run.model.name} on {run.benchmark.name}: several processes (--worker, --engine ray) would each begin a run "
        f"of their own, as its key does not cover all that its code computes with; {advice}"
    )


def moved_from(run: Run, every: Iterable[StoredRun]) -> tuple[str, ...]:
    """A line where a folder holds the same run under the key that an earlier version of hardiness gave it."""
    others = list(every)
    if any(map(is_of_one_command, own_code_of(run))) or any(stored.key == run.key for stored in others):
        return ()
    moves = ((stored.place, _reasons_of_move(stored.run, run)) for stored in others)
    place, reasons = next(((place, reasons) for place, reasons in moves if reasons), ("", []))
    if not reasons:
        return ()
    name, benchmark = run.model.name, run.benchmark.name
    return (f"{name} on {benchmark} is evaluated anew, once: {' and '.join(reasons)}; the former rows stay in {place}",)


def _reasons_of_move(former: Run, run: Run) -> list[str]:
    """Why a run has another key than an earlier version of hardiness gave it; empty where it is another run."""
    if former.model.name.partition("-")[0] != run.model.name.partition("-")[0]:  # quick: a folder holds many runs
        return []
    reasons = []
    is_new = any("." in code for code in own_code_of(run))
    if is_new and any(map(is_of_former_form, own_code_of(former))):
        former, run = _without_code(former), _without_code(run)
        reasons.append("its key now covers every value that its code holds")
    old, new = _versions_of(former), _versions_of(run)
    if names := [name for name in sorted({*old, *new}) if old.get(name) != new.get(name)]:
        changes = ", ".join(f"{name} {old.get(name, 'none')}, now {new.get(name, 'none')}" for name in names)
        reasons.append(f"it was made by another version of hardiness ({changes})")
    return reasons if _without_versions(former).key == _without_versions(run).key else []


def _versions_of(run: Run) -> dict[str, Any]:
    """The versions in a run's key of rules and kernels of ours, each by the word that a line names it by."""
    versions = {name.replace("_", " "): value for name, value in run.versions.items() if name != "files"}
    checks = versions.pop("cross checks", None)
    attacks_of_run = versions.pop("attacks", None)
    if checks is not None:
        versions["cross checks"] = checks["version"]
    versions |= {f"attack {name}": value for name, value in (attacks_of_run or {}).items()}
    if READING in run.model.options:
        versions["reading of replies"] = run.model.options[READING]
    return versions


def _without_versions(run: Run) -> Run:
    """A run without the versions that `_versions_of` gives: a person's request, and the model, data and code."""
    options = {name: value for name, value in run.model.options.items() if name != READING}
    files = {name: value for name, value in run.versions.items() if name == "files"}
    return replace(run, model=replace(run.model, options=options), versions=files)


def _without_code(run: Run) -> Run:
    """A run without the part of its key that stands for a person's own code; of a plain function that is all of it."""

    def bare(name: str, weights: str, code: str) -> tuple[str, str]:
        is_function = weights[:DIGITS] == code[:DIGITS]
        return (name.removesuffix(f"-{weights[:6]}"), "") if is_function else (name, weights)

    model, surrogate = run.model, run.surrogate
    name, weights = bare(model.name, model.weights_sha256, model.code_sha256)
    versions = {name: value for name, value in run.versions.items() if name != "files"}
    return replace(
        run,
        model=replace(model, name=name, weights_sha256=weights, code_sha256=""),
        surrogate=surrogate and replace(surrogate, code_sha256=""),
        versions=versions if run.benchmark.options.get("bpda") else run.versions,
    )


def fewer_images(benchmark: Benchmark, data: DataSet, every: Iterable[StoredRun]) -> tuple[str, ...]:
    """A line where a folder's runs of a benchmark were of more images of the data set than there are now."""
    options = json.dumps(benchmark.identity(), sort_keys=True, default=list)
    alike = [
        stored
        for stored in every
        if (stored.run.benchmark.name, stored.run.data.name) == (benchmark.name, data.name)
        and json.dumps(stored.run.benchmark.options, sort_keys=True, default=list) == options
    ]
    largest = max(alike, key=lambda stored: stored.run.data.samples, default=None)
    if largest is None or (before := largest.run.data.samples) <= len(data):
        return ()
    return (
        f"{data.name} at {data.location}: {before - len(data):,} of {before:,} images are gone since an earlier run "
        f"({largest.place}): {before:,} images then, {len(data):,} now",
    )


def data_summary(samples: int, fingerprint: str) -> str:
    """The number of images and their fingerprint, for people."""
    return f"{samples:,} images (fingerprint {fingerprint[:DIGITS]})"


def _identity_summary(data: DataIdentity) -> str:
    return data_summary(data.samples, data.fingerprint)

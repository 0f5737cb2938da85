"""Runs that a folder holds beside the one that is asked for: of other data, or by another version."""

from __future__ import annotations

import json
from collections.abc import Iterable
from dataclasses import replace

from hardiness.core.benchmark import Benchmark, DataSet
from hardiness.core.codes import DataRemark
from hardiness.core.errors import ArgumentError
from hardiness.core.fact import Fact
from hardiness.core.run import DataIdentity, Run
from hardiness.store.run import StoredRun

ADVICE = (
    "give every worker the same data (copies keep names, sizes and times, as cp -p and rsync -a do), or this one "
    "another --out"
)

DIGITS = 8
"""Digits of a fingerprint that are shown, where a person is to tell two apart."""


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


def fewer_images(benchmark: Benchmark, data: DataSet, every: Iterable[StoredRun]) -> tuple[Fact, ...]:
    """A fact where a folder's runs of a benchmark were of more images of the data set than there are now."""
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
    counts = {"before": before, "now": len(data), "run": largest.place}
    return (Fact(DataRemark.FEWER_IMAGES, {"data": data.name, "location": data.location, **counts}),)


def data_summary(samples: int, fingerprint: str) -> str:
    """The number of images and their fingerprint, for people."""
    return f"{samples:,} images (fingerprint {fingerprint[:DIGITS]})"


def _identity_summary(data: DataIdentity) -> str:
    return data_summary(data.samples, data.fingerprint)

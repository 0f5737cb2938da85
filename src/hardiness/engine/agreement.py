"""Workers that share an output folder see the same data: else each would begin a run of its own, and end half of it."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Iterable
from dataclasses import replace

from hardiness.core import ArgumentError, Benchmark, DataIdentity, DataSet, Run
from hardiness.store import Leases, StoredRun

ADVICE = (
    "give every worker the same data (copies keep names, sizes and times, as cp -p and rsync -a do), or this one "
    "another --out"
)

DIGITS = 8
"""Of a fingerprint, where a person is to tell two apart."""


def agree_on_data(leases: Leases, benchmark: Benchmark, data: DataSet) -> None:
    """Say which data this worker sees, for as long as it works.

    Raises:
        ArgumentError: another that is at work on the benchmark sees other data; names both.
        StoreError: disk full or no permission.
    """
    work = json.dumps([benchmark.name, benchmark.identity(), data.name], default=str)
    here = told(len(data), data.identity)
    other = leases.agree(f"data-{hashlib.sha256(work.encode()).hexdigest()[:16]}", here)
    if other:
        raise ArgumentError(
            f"{other.get('holder')} is at work on {benchmark.name} in {leases.files.address} with {other.get('said')} "
            f"of {data.name}, and this worker sees {here} at {data.location}: {ADVICE}"
        )


def refuse_other_data(run: Run, every: Iterable[StoredRun]) -> None:
    """Raise where a folder holds the same run of other data, and none of these.

    Raises:
        ArgumentError: naming both.
    """
    same = [each for each in every if replace(each.run, data=run.data) == run and each.run.data.name == run.data.name]
    if same and all(each.run.data != run.data for each in same):
        there, here = (_of(data) for data in (same[0].run.data, run.data))
        raise ArgumentError(f"{same[0].place} is of {there} of {run.data.name}, and this worker sees {here}: {ADVICE}")


def fewer_images(benchmark: Benchmark, data: DataSet, every: Iterable[StoredRun]) -> tuple[str, ...]:
    """A line where a folder's runs of a benchmark were of more images of the data set than there are now."""
    options = json.dumps(benchmark.identity(), sort_keys=True, default=list)
    alike = [
        each
        for each in every
        if (each.run.benchmark.name, each.run.data.name) == (benchmark.name, data.name)
        and json.dumps(each.run.benchmark.options, sort_keys=True, default=list) == options
    ]
    largest = max(alike, key=lambda each: each.run.data.samples, default=None)
    if largest is None or (then := largest.run.data.samples) <= len(data):
        return ()
    return (
        f"{data.name} at {data.location}: {then - len(data):,} of {then:,} images are gone since an earlier run "
        f"({largest.place}): {then:,} images then, {len(data):,} now",
    )


def told(samples: int, fingerprint: str) -> str:
    """How many images of which fingerprint, for people."""
    return f"{samples:,} images (fingerprint {fingerprint[:DIGITS]})"


def _of(data: DataIdentity) -> str:
    return told(data.samples, data.fingerprint)

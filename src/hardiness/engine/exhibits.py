"""Pictures of what a benchmark does to a photograph, kept beside its records for the report."""

from __future__ import annotations

from collections.abc import Iterable

from hardiness.core import Benchmark, Item, SampleError
from hardiness.imaging import png
from hardiness.store import StoredRun


def exhibit(benchmark: Benchmark, items: Iterable[Item], seed: int, runs: Iterable[StoredRun]) -> None:
    """Keep the benchmark's exhibits, made of the first item that can be read, in every run that has none.

    Raises:
        StoreError: disk full or no permission.
    """
    bare = [run for run in runs if not run.exhibits()]
    if not bare:
        return
    for item in items:
        try:
            pictures = benchmark.exhibits(item, seed)
        except SampleError:
            continue
        for run in bare:
            for caption, picture in pictures.items():
                run.keep_exhibit(caption, png(picture))
        return

"""Pictures of what a benchmark does to a photograph, kept beside its records for the report."""

from __future__ import annotations

from collections.abc import Iterable, Sequence

from hardiness.core import Benchmark, Item, SampleError
from hardiness.engine.plan import Task
from hardiness.imaging import png
from hardiness.store import StoredRun
from hardiness.store.files import together


def exhibit(benchmark: Benchmark, items: Iterable[Item], seed: int, tasks: Sequence[Task]) -> None:
    """Keep the benchmark's exhibits, made of the first item that can be read, in every run that has none.

    Raises:
        StoreError: disk full or no permission.
    """
    runs = [task.stored for task in tasks if not task.exhibited]
    bare = [run for run, kept in zip(runs, together(StoredRun.exhibits, runs), strict=True) if not kept]
    for task in tasks:
        task.exhibited = True
    if not bare:
        return
    for item in items:
        try:
            pictures = benchmark.exhibits(item, seed)
        except SampleError:
            continue
        drawn = [(run, caption, png(picture)) for run in bare for caption, picture in pictures.items()]
        together(lambda each: each[0].keep_exhibit(each[1], each[2]), drawn)
        return

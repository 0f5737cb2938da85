"""What each way of handing units out costs: units that only sleep, alone, by workers that share a store, and on Ray.

    python bench/overhead.py [--json] [--seconds 5] [--units 8] [--workers 2]

A unit is one small picture whose decoding sleeps; a tiny network answers. Each worker has as many units as the one
process has that they are compared with, so all take the same time if handing out is free. What is timed begins when
models are loaded and units are listed, and ends with the last unit's records. A figure is time over the same number of
bare sleeps, in turns.
"""

from __future__ import annotations

import multiprocessing
import sys
import tempfile
import time
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any, ClassVar

import numpy as np
import PIL.Image

from bars import at_most, tell, versions
from hardiness import data as datasets
from hardiness import models
from hardiness.benchmarks.photographs import Photographs
from hardiness.core import Canvas, Condition, DataSet, Expansion, Item, Request, Share, Silence
from hardiness.engine import evaluate
from hardiness.engine.executors.ray_actor import Errand
from hardiness.engine.executors.ray_cluster import Cluster
from hardiness.engine.executors.ray_driver import on_ray
from hardiness.reference import wnids
from hardiness.store import Store

OVERHEAD_BAR = 0.03

NETWORK = """
import torch

def build():
    return torch.nn.Sequential(torch.nn.AdaptiveAvgPool2d(2), torch.nn.Flatten(), torch.nn.Linear(12, 1000))
"""


@dataclass(frozen=True)
class Sleeping(Photographs):
    """One picture a unit, whose decoding sleeps for so long."""

    name: ClassVar[str] = "sleeping"
    question: ClassVar[str] = "What does handing out cost?"
    paper: ClassVar[str] = ""
    protocol: ClassVar[str] = "none"
    needs: ClassVar[tuple[str, ...]] = ("imagenet",)
    shard_items: ClassVar[int] = 1
    frames: ClassVar[int] = 64  # so that one picture is made at a time, and none long before it is wanted

    seconds: float = 5.0

    def expand(
        self, item: Item, conditions: Sequence[Condition], canvases: Sequence[Canvas], seed: int
    ) -> Iterator[Expansion]:
        """As usual, after a sleep."""
        time.sleep(self.seconds)
        return super().expand(item, conditions, canvases, seed)


class Stopwatch(Silence):
    """From the first unit that is handed out to the end of the last."""

    begin_s = end_s = 0.0

    def begin(self, benchmark: str, total: int, stored: int) -> None:
        """Start, once."""
        self.begin_s = self.begin_s or time.perf_counter()

    def end(self) -> None:
        """Stop, as often as there is more to do."""
        self.end_s = time.perf_counter()

    @property
    def seconds(self) -> float:
        """What went by between."""
        return self.end_s - self.begin_s


@dataclass(frozen=True)
class Job:
    """What every side evaluates.

    Attributes:
        root: a data root with ``imagenet/val``.
        network: file of the model.
        seconds: that a unit sleeps.
    """

    root: Path
    network: Path
    seconds: float

    @property
    def model(self) -> str:
        """Its name."""
        return f"py:{self.network}:build"

    def data(self, units: int) -> DataSet:
        """The first so many pictures."""
        found = datasets.locate([str(self.root)]).dataset("imagenet")
        return DataSet(found.name, found.items[:units], found.num_classes, f"{units}", found.location)


def job(folder: Path, units: int, seconds: float) -> Job:
    """Pictures and a network, written into a folder."""
    for number in range(units):
        place = folder / "imagenet" / "val" / wnids()[number]
        place.mkdir(parents=True)
        PIL.Image.fromarray(np.full((64, 64, 3), number, np.uint8)).save(place / f"{number}.JPEG")
    (folder / "network.py").write_text(NETWORK)
    return Job(folder, folder / "network.py", seconds)


def alone(work: Job, units: int) -> float:
    """Seconds that one process needs for its units."""
    return _evaluated(work, units, None, tempfile.mkdtemp())


def by_workers(work: Job, units: int, workers: int) -> float:
    """Seconds that several processes need for as many units each: those of the slowest."""
    out = tempfile.mkdtemp()
    context = multiprocessing.get_context("spawn")
    barrier, told = context.Barrier(workers), context.SimpleQueue()
    started = [
        context.Process(target=_worker, args=(work, units * workers, Share(i, workers), out, barrier, told))
        for i in range(workers)
    ]
    for process in started:
        process.start()
    seconds = [told.get() for _ in started]
    for process in started:
        process.join()
    return max(seconds)


def by_ray(work: Job, units: int, workers: int) -> float:
    """Seconds that as many Ray actors need for as many units each, once they have loaded."""
    watch = Stopwatch()
    placing = {"device": "cpu", "precision": "fp32", "runtime": "torch"}
    data, out = work.data(units * workers), tempfile.mkdtemp()
    errand = Errand((work.model,), placing, Sleeping(work.seconds), data, out, Request(workers=1))
    evaluated = on_ray(errand, Cluster(actors=workers, resources={"CPU": 1.0}), watch)
    assert not evaluated.problems, evaluated.problems
    return watch.seconds


def _worker(work: Job, units: int, share: Share, out: str, barrier: Any, told: Any) -> None:
    told.put(_evaluated(work, units, share, out, barrier))


def _evaluated(work: Job, units: int, share: Share | None, out: str, barrier: Any = None) -> float:
    classifier = models.load(models.resolve(work.model), device="cpu", runtime="torch")
    watch, request = Stopwatch(), Request(workers=1, share=share)
    data = work.data(units)
    if barrier:
        barrier.wait()
    evaluated = evaluate(Sleeping(work.seconds), [classifier], data, Store.create(out), request, watch)
    assert not evaluated.problems, evaluated.problems
    return watch.seconds


def main() -> int:
    given = dict(zip(sys.argv[1:], [*sys.argv[2:], ""], strict=True))
    seconds, units = float(given.get("--seconds", 5)), int(given.get("--units", 8))
    workers = int(given.get("--workers", 2))
    with tempfile.TemporaryDirectory() as folder:
        work = job(Path(folder), units * workers, seconds)
        bare = units * seconds
        sides = {
            "in one process": alone(work, units),
            f"{workers} workers that share a folder": by_workers(work, units, workers),
            f"Ray, {workers} actors": by_ray(work, units, workers),
        }
    usual = sides["in one process"]
    notes: dict[str, Any] = {"units a worker": units, "seconds a unit": seconds}
    notes |= {f"{name}, seconds over bare sleeps": taken - bare for name, taken in sides.items()}
    bars = {
        f"{name}, overhead against one process": at_most(taken / usual - 1, OVERHEAD_BAR)
        for name, taken in sides.items()
    }
    bars["in one process, overhead against bare sleeps"] = at_most(usual / bare - 1, OVERHEAD_BAR)
    return tell(bars, notes, versions("hardiness", "torch", "ray"), 1)


if __name__ == "__main__":
    sys.exit(main())

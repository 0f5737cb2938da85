"""What each way of handing units out costs: units that only sleep, alone, by workers that share a store, and on Ray.

    python bench/overhead.py [--json] [--seconds 5] [--forward 0] [--units 8] [--workers 2]

A unit is one small picture whose decoding sleeps; a tiny network answers, after a sleep of its own where --forward
says so: where the next unit is not decoded meanwhile, that sleep is overhead, too. Each process notes when it began
and ended each sleep of decoding. Its overhead is the time from its first to its last moment that it did not sleep so,
over the time that it did: everything between two units, their records, leases and messages; not the start, which is the
same for all, nor the wait for others at the end.
"""

from __future__ import annotations

import multiprocessing
import sys
import tempfile
from dataclasses import dataclass
from itertools import pairwise
from pathlib import Path
from typing import Any

import numpy as np
import PIL.Image

from bars import at_most, sized, tell, versions
from hardiness.core.benchmark import DataSet
from hardiness.core.progress import Silence
from hardiness.core.request import Request, Share
from hardiness.data.root import locate
from hardiness.engine.evaluation import Evaluation, evaluate, evaluate_shared
from hardiness.engine.ray import on_ray
from hardiness.engine.ray_cluster import Cluster
from hardiness.engine.ray_task import Errand
from hardiness.models.loading import load
from hardiness.models.naming import resolve
from hardiness.reference.classes import wnids
from hardiness.store.store import Store
from sleeping import Sleeping

OVERHEAD_BAR = 0.03

NETWORK = """
import threading, time, torch

class Sleeps(torch.nn.Module):
    def forward(self, x):
        if threading.current_thread().name.startswith("forward"):
            time.sleep(SECONDS)
        return x

def build():
    linear = torch.nn.Linear(12, 1000)
    return torch.nn.Sequential(torch.nn.AdaptiveAvgPool2d(2), torch.nn.Flatten(), linear, Sleeps())
"""


def overhead(notes: Path) -> float:
    """Time that processes did not sleep between their sleeps, over the time that they did."""
    awake = asleep = 0.0
    for path in notes.iterdir():
        moments = [tuple(map(float, line.split())) for line in path.read_text().splitlines()]
        if len(moments) > 1:
            awake += sum(later[0] - earlier[1] for earlier, later in pairwise(moments))
            asleep += sum(end - begin for begin, end in moments[1:])
    return awake / asleep


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
        return f"py:{self.network}:build:mean=0.485/0.456/0.406,std=0.229/0.224/0.225"

    def data(self, units: int) -> DataSet:
        """The first so many pictures."""
        found = locate([str(self.root)]).dataset("imagenet")
        return DataSet(found.name, found.items[:units], found.num_classes, f"{units}", found.location)


def job(folder: Path, units: int, seconds: float, forward: float) -> Job:
    """Pictures and a network, written into a folder; ``forward`` is how long the network sleeps."""
    for number in range(units):
        place = folder / "imagenet" / "val" / wnids()[number]
        place.mkdir(parents=True)
        PIL.Image.fromarray(np.full((64, 64, 3), number, np.uint8)).save(place / f"{number}.JPEG")
    (folder / "network.py").write_text(NETWORK.replace("SECONDS", str(forward)))
    return Job(folder, folder / "network.py", seconds)


def alone(work: Job, units: int) -> float:
    """Overhead of one process."""
    notes = tempfile.mkdtemp()
    _evaluate(work, units, None, tempfile.mkdtemp(), notes)
    return overhead(Path(notes))


def by_workers(work: Job, units: int, workers: int) -> float:
    """Overhead of several processes that share a folder."""
    out, notes = tempfile.mkdtemp(), tempfile.mkdtemp()
    context = multiprocessing.get_context("spawn")
    started = [
        context.Process(target=_evaluate, args=(work, units * workers, Share(i, workers), out, notes))
        for i in range(workers)
    ]
    for process in started:
        process.start()
    for process in started:
        process.join()
    return overhead(Path(notes))


def by_ray(work: Job, units: int, workers: int) -> float:
    """Overhead of as many processes of Ray."""
    placing = {"device": "cpu", "precision": "fp32", "runtime": "torch"}
    data, out, notes = work.data(units * workers), tempfile.mkdtemp(), tempfile.mkdtemp()
    evaluation = Evaluation(Sleeping(work.seconds, notes), data, Request(workers=1))
    evaluated = on_ray(
        Errand((work.model,), placing, (evaluation,), out), Cluster(actors=workers, resources={"CPU": 1.0}), Silence()
    )
    assert not evaluated.problems, evaluated.problems
    return overhead(Path(notes))


def _evaluate(work: Job, units: int, share: Share | None, out: str, notes: str) -> None:
    classifier = load(resolve(work.model), device="cpu", runtime="torch")
    evaluation = Evaluation(Sleeping(work.seconds, notes), work.data(units), Request(workers=1, share=share))
    if share is None:
        store = Store.create(out)
        evaluated = evaluate(evaluation.benchmark, [classifier], evaluation.data, store, evaluation.request)
    else:
        (evaluated,) = evaluate_shared([evaluation], share, [classifier], Store.create(out))
    assert not evaluated.problems, evaluated.problems


def main() -> int:
    given = dict(zip(sys.argv[1:], [*sys.argv[2:], ""], strict=True))
    seconds, units = float(given.get("--seconds", sized(50) / 10)), int(given.get("--units", sized(8, 2)))
    workers = int(given.get("--workers", sized(2)))
    with tempfile.TemporaryDirectory() as folder:
        work = job(Path(folder), units * workers, seconds, float(given.get("--forward", 0)))
        sides = {
            "in one process": alone(work, units),
            f"{workers} workers that share a folder": by_workers(work, units, workers),
            f"Ray, {workers} processes": by_ray(work, units, workers),
        }
    usual = sides["in one process"]
    notes: dict[str, Any] = {"units a worker": units, "seconds a unit": seconds}
    notes |= {f"{name}, overhead, ms a unit": 1000 * share * seconds for name, share in sides.items()}
    bars = {
        f"{name}, overhead against one process": at_most((1 + share) / (1 + usual) - 1, OVERHEAD_BAR)
        for name, share in sides.items()
    }
    bars["in one process, overhead against bare sleeps"] = at_most(usual, OVERHEAD_BAR)
    return tell(bars, notes, versions("hardiness", "torch", "ray"), 1)


if __name__ == "__main__":
    sys.exit(main())

"""ImageNet-P: scores from logits against the published algorithm, the whole generated benchmark against the usual loop.

    HARDINESS_DATA=… python bench/imagenet_p.py [--json]

The published algorithm ranks all classes of every frame and compares frame by frame in Python. The usual loop makes the
frames as the published script does (`usual_sequences`), a sequence an entry of a DataLoader with 2 workers in front of
eager torch; the flakes of snow are handed over, so that nothing but noise is drawn differently. It is slow, so it runs
on the first few of the photographs; a figure is frames a second. Memory is the peak of a whole command.
"""

from __future__ import annotations

import os
import subprocess
import sys
import tempfile
import time
import warnings
from collections.abc import Callable
from concurrent.futures import ProcessPoolExecutor, ThreadPoolExecutor
from functools import cache
from multiprocessing import get_context
from pathlib import Path
from typing import Any

import numpy as np
import torch
from torch.utils.data import DataLoader, Dataset
from torchvision import transforms

import usual_sequences
from bars import SHORT, alternating, at_least, at_most, sized, tell, versions
from fresh_run import fresh_run
from hardiness.benchmarks import decisions
from hardiness.benchmarks.sequence_measures import sequences
from hardiness.core.benchmark import DataSet
from hardiness.core.condition import Condition
from hardiness.core.model import CANVAS_224
from hardiness.core.random import rng
from hardiness.core.run import Run
from hardiness.core.table import Records
from hardiness.data.items import limited
from hardiness.data.root import locate
from hardiness.distortions.apply import perturb, perturbations
from hardiness.imaging.codecs import decode
from hardiness.imaging.largest import top
from hardiness.imaging.resizing import before_crop
from hardiness.models.classifier import Classifier
from hardiness.models.loading import load
from hardiness.models.naming import resolve
from hardiness.models.preprocessing import to_pixels
from hardiness.reference.sets import distortion_set

IMAGENET_P = distortion_set("imagenet-p")

ROOT = Path(os.environ.get("HARDINESS_DATA", "data"))
CORES = len(os.sched_getaffinity(0))
REPETITIONS = sized(3)
SCORED = sized(2000, 4)
OURS_PHOTOGRAPHS, USUAL_PHOTOGRAPHS = sized(12), sized(2)
MEMORY_PHOTOGRAPHS = (sized(4), sized(24))
SCORE_BAR, EQUAL_BAR, NOISE_BAR, MEMORY_BAR = 12.0, 0.99, 0.01, 1.05
CONDITIONS = tuple(Condition(perturbation=name) for name in IMAGENET_P.members)
NAMES = IMAGENET_P.members[:: sized(1, 6)]
"""Of the ten; a short bench takes two, of which one draws something and one does not."""

SOME = f"imagenet-p:perturbations={'+'.join(NAMES)}"
GENERATED, AUTOMATIC = (SOME, SOME) if SHORT else ("imagenet-p:source=generated", "imagenet-p")
MODEL = "efficientnet_lite0"
LOOP: dict[str, Any] = {}
"""The usual loop's network and data set, in its own process."""

Predictions = dict[tuple[str, str], list[int]]


# --- scores from logits ------------------------------------------------------------------------------------------


def drifting() -> np.ndarray:
    """Logits ``float32 (2000, 31, 1000)`` that wander from frame to frame."""
    draws = np.random.default_rng(0)
    logits = draws.standard_normal((SCORED, 31, 1000), np.float32)
    logits *= 0.4
    logits[:, 0] *= 6
    return np.cumsum(logits, axis=1, out=logits)


def published_scores(logits: np.ndarray) -> tuple[float, float]:
    """Flip probability and top-5 distance by full ranks of every frame, each against the one before."""
    from scipy.stats import rankdata

    cut = np.minimum(np.arange(logits.shape[2]), 5)
    flip, distance = 0.0, 0.0
    for video in logits:
        ranks = [np.uint16(rankdata(-frame, method="ordinal")) for frame in video]
        predictions = video.argmax(axis=1)
        flips, distances = [], []
        before, places = ranks[0], np.argsort(ranks[0])
        for index in range(1, len(video)):
            flips.append(int(predictions[index] != predictions[index - 1]))
            distances.append(np.sum(np.abs(cut[:5] - cut[ranks[index][places] - 1][:5])))
            before = ranks[index]
            places = np.argsort(before)
        flip += np.mean(flips) / len(logits)
        distance += np.mean(distances) / len(logits)
    return float(flip), float(distance)


def our_scores(logits: np.ndarray) -> tuple[float, float]:
    """The same from the five first classes of each frame."""
    count, frames, classes = logits.shape
    best, _ = top(logits.reshape(-1, classes), 5)
    rows = {
        "image": np.repeat(np.arange(count, dtype=np.int32), frames),
        "condition": np.full(count * frames, IMAGENET_P.members.index("rotate"), np.int16),
        "frame": np.tile(np.arange(frames, dtype=np.int16), count),
        "label": np.zeros(count * frames, np.int32),
        "prediction": best[:, 0].astype(np.int32),
        "top5_class": best,
    }
    found = sequences(Records(rows), Run(conditions=CONDITIONS))
    return float((found["flips"] / found["steps"]).mean()), float((found["moved"] / found["steps"]).mean())


def scoring() -> tuple[dict[str, dict[str, Any]], dict[str, Any]]:
    """The bars and notes of scoring."""
    logits, seen = drifting(), {}

    def side(name: str, scores: Callable[[np.ndarray], tuple[float, float]]) -> Callable[[], float]:
        def seconds() -> float:
            begin = time.perf_counter()
            seen[name] = scores(logits)
            return time.perf_counter() - begin

        return seconds

    our_scores(logits[:2])
    theirs, ours, bare = alternating(
        REPETITIONS,
        side("theirs", published_scores),
        side("ours", our_scores),
        side("bare", lambda each: (float(each.argmax(axis=2).mean()), 0.0)),
    )
    del seen["bare"]
    apart = max(abs(a - b) for a, b in zip(seen["theirs"], seen["ours"], strict=True))
    bars = {
        "scores: time over one pass that finds each frame's largest logit": at_most(ours / bare, SCORE_BAR),
        "the same work: scores apart": at_most(apart, 1e-12),
    }
    notes = {"scores, published algorithm, s": theirs, "scores, hardiness, s": ours, "one pass, s": bare}
    return bars, {**notes, "scores: times the published algorithm": theirs / ours}


# --- the whole benchmark -----------------------------------------------------------------------------------------


class Sequences(Dataset):  # type: ignore[type-arg]
    """The usual data set: one entry for each photograph and perturbation, a tensor of all its frames."""

    def __init__(self, data: DataSet, view: Any) -> None:
        self.entries = [(item, name) for item in data.items for name in NAMES]
        self.finish = transforms.Compose([transforms.ToTensor(), transforms.Normalize(view.mean, view.std)])

    def __len__(self) -> int:
        return len(self.entries)

    def __getitem__(self, index: int) -> torch.Tensor:
        item, name = self.entries[index]
        entry = perturbations.get("snow")
        flakes = entry.draw(rng(0, "snow", 1, item.id), entry.levels[0])
        frames = usual_sequences.SEQUENCES[name](usual_sequences.opened(item.file.path), flakes)
        return torch.stack([self.finish(frame) for frame in frames])


def begin_usual(data: DataSet) -> None:
    """The usual loop in a process of its own, warm: forking its workers beside our threads would not be safe."""
    import cv2

    cv2.setNumThreads(1)  # each worker has a core; OpenCV's own threads would only stand in each other's way
    warnings.simplefilter("ignore")
    spec = resolve(MODEL)
    LOOP["network"] = spec.builder()(spec).eval()
    LOOP["sequences"] = Sequences(data, spec.view)


def usual() -> tuple[Predictions, float]:
    """The usual loop: eager fp32, a video at a time. Predictions and frames a second."""
    network, entries = LOOP["network"], LOOP["sequences"]
    begin, predictions = time.perf_counter(), []
    with torch.inference_mode():
        for (video,) in DataLoader(entries, batch_size=1, num_workers=2, multiprocessing_context="fork"):
            predictions.append(network(video).argmax(dim=1).tolist())
    rate = sum(map(len, predictions)) / (time.perf_counter() - begin)
    keys = [(item.id, name) for item, name in entries.entries]
    return dict(zip(keys, predictions, strict=True)), rate


def ours(classifier: Classifier, data: DataSet) -> tuple[Predictions, float]:
    """The engine, into a fresh store. Predictions and frames a second."""
    records, seconds = fresh_run(classifier, GENERATED, data)
    found: Predictions = {}
    for sample, condition, prediction in zip(
        *(records[name].tolist() for name in ("sample", "condition", "prediction")), strict=True
    ):
        found.setdefault((sample, IMAGENET_P.members[condition]), []).append(prediction)
    return found, len(records) / seconds


def first(data: DataSet, count: int) -> DataSet:
    """A data set of the first photographs in the order of ``--limit``."""
    chosen = tuple(limited(data.items, count, 0))
    return DataSet(data.name, chosen, data.num_classes, f"{data.fingerprint} {count}", data.location)


def equal_share(theirs: Predictions, mine: Predictions) -> float:
    """Share of frames with one prediction on both sides, where both have one picture."""
    sure = [key for key in theirs if "noise" not in key[1]]
    return float(np.mean([np.equal(theirs[key], mine[key]).mean() for key in sure]))


def usual_noise() -> dict[tuple[str, str], float]:
    """Root mean square of the noise in the usual loop's frames, in grey levels."""
    found = {}
    for item, name in LOOP["sequences"].entries:
        if "noise" in name:
            frames = usual_sequences.SEQUENCES[name](usual_sequences.opened(item.file.path), np.empty(0))
            found[item.id, name] = noise_rms([np.asarray(frame) for frame in frames])
    return found


def our_noise(data: DataSet) -> dict[tuple[str, str], float]:
    """The same of ours."""
    photographs = {item.id: before_crop(decode(item.file.read(), item.id), CANVAS_224) for item in data.items}
    return {
        (id_, name): noise_rms(list(perturb(whole, name, id=id_)))
        for id_, whole in photographs.items()
        for name in NAMES
        if "noise" in name
    }


def noise_rms(frames: list[np.ndarray]) -> float:
    """Root mean square of what was added to the first frame."""
    noisy = np.stack(frames[1:]).astype(np.float64) - frames[0]
    return float(np.sqrt(np.mean(np.square(noisy))))


def core_ms(work: Callable[[], object], pictures: int) -> float:
    """Core-milliseconds for one picture of one stage alone, over all threads of this process."""
    if not SHORT:
        work()  # warm
    begin = time.process_time()
    work()
    return 1000 * (time.process_time() - begin) / pictures


def stages(classifier: Classifier, data: DataSet) -> dict[str, float]:
    """What one frame costs, by stage; the photograph is read anew for each of its sequences."""
    items = first(data, sized(2)).items
    blobs = [(item.id, item.file.read()) for item in items]
    photographs = {id_: before_crop(decode(blob, id_), CANVAS_224) for id_, blob in blobs}

    def frames() -> list[np.ndarray]:
        return [f for id_, whole in photographs.items() for name in NAMES for f in perturb(whole, name, id=id_)]

    pictures = frames()
    batches = [pictures[start : start + 32] for start in range(0, len(pictures) - 31, 32)]
    labels = np.zeros(32, np.int32)

    def forward() -> None:
        with ThreadPoolExecutor(2) as pool:
            list(pool.map(lambda batch: decisions.argmax(classifier.logits(to_pixels(batch)), labels), batches))

    def reading() -> None:
        for _ in NAMES:
            for _, blob in blobs:
                before_crop(decode(blob, "bench"), CANVAS_224)

    return {
        "decode and resize": core_ms(reading, len(pictures)),
        "perturbation": core_ms(frames, len(pictures)),
        "forward": core_ms(forward, 32 * len(batches)),
    }


@cache
def peak_bytes(photographs: int) -> int:
    """Peak resident memory of one whole ``hardiness run`` in a process of its own."""
    with tempfile.TemporaryDirectory() as out:
        command = [sys.executable, "-m", "hardiness.cli", "run", "-m", MODEL, "-b", AUTOMATIC, "--data", str(ROOT)]
        command += ["--limit", str(photographs), "--out", out, "--quiet"]
        script = (
            f"import resource, subprocess; subprocess.run({command!r}, check=True); "
            "print(resource.getrusage(resource.RUSAGE_CHILDREN).ru_maxrss)"
        )
        told = subprocess.run([sys.executable, "-c", script], capture_output=True, text=True, check=True)
        return int(told.stdout) * 1024


def main() -> int:
    warnings.simplefilter("ignore")
    data = locate([str(ROOT)]).dataset("imagenet")
    few = first(data, USUAL_PHOTOGRAPHS)
    bars, notes = scoring()
    with ProcessPoolExecutor(1, get_context("spawn"), begin_usual, (few,)) as pool:
        return compared(pool, data, few, bars, notes)


def compared(
    pool: ProcessPoolExecutor, data: DataSet, few: DataSet, bars: dict[str, dict[str, Any]], notes: dict[str, Any]
) -> int:
    """Measure both sides, the usual loop in the process of that pool; tell."""
    many = first(data, OURS_PHOTOGRAPHS)
    classifier = load(resolve(MODEL))
    seen: dict[str, Predictions] = {}

    def side(name: str, run: Callable[[], tuple[Predictions, float]]) -> Callable[[], float]:
        def figure() -> float:
            seen[name], rate = run()
            return rate

        return figure

    if not SHORT:
        ours(classifier, first(data, 1))  # warm
    theirs, mine = alternating(
        REPETITIONS,
        side("usual", lambda: pool.submit(usual).result()),
        side("ours", lambda: ours(classifier, many)),
    )
    bars["the same work: equal predictions, no noise"] = at_least(equal_share(seen["usual"], seen["ours"]), EQUAL_BAR)
    expected, found = pool.submit(usual_noise).result(), our_noise(few)
    worst = max(abs(found[key] / expected[key] - 1) for key in expected)
    bars["the same work: strength of noise, apart"] = at_most(worst, NOISE_BAR)
    notes["whole benchmark: times the usual loop"] = mine / theirs
    small, large = map(peak_bytes, MEMORY_PHOTOGRAPHS)
    told = f"peak memory, {MEMORY_PHOTOGRAPHS[1]} against {MEMORY_PHOTOGRAPHS[0]} photographs"
    bars[told] = at_most(large / small, MEMORY_BAR)
    costs = stages(classifier, data)
    notes |= {
        "photographs, ours": len(many),
        "photographs, usual loop": len(few),
        "usual loop, frames/s": theirs,
        "hardiness fp32, frames/s": mine,
        **{f"{stage}, core-ms a frame": cost for stage, cost in costs.items()},
        "bound by the stages, frames/s": 1000 * CORES / sum(costs.values()),
        "peak memory, bytes": large,
    }
    return tell(bars, notes, versions("hardiness", "torch", "openvino", "numba", "scikit-image"), REPETITIONS)


if __name__ == "__main__":
    sys.exit(main())

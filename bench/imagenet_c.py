"""ImageNet-C generated on the fly, photographs on disk to stored predictions, against the usual loop.

    HARDINESS_DATA=… python bench/imagenet_c.py [--json]

The usual loop: a data set that opens, resizes and crops a photograph with PIL, corrupts it with a package's function,
takes it through JPEG as the released files were, and a DataLoader with 2 workers in front of eager torch. For each
corruption it has the fastest function that gives the published generator's pictures (`peers`). It is slow, so it runs
on the first few of the photographs; a figure is corrupted copies a second.
"""

from __future__ import annotations

import io
import os
import sys
import time
import warnings
from collections.abc import Callable
from concurrent.futures import ProcessPoolExecutor, ThreadPoolExecutor
from functools import partial
from multiprocessing import get_context
from pathlib import Path
from typing import Any

import numpy as np
import torch
from torch.utils.data import DataLoader, Dataset
from torchvision import transforms

import peers
from bars import SHORT, alternating, at_least, at_most, precisions, sized, tell, versions
from fidelity import Apply
from fresh_run import fresh_run
from hardiness.benchmarks.corruptions import corruption_benchmark
from hardiness.core.benchmark import DataSet
from hardiness.core.model import CANVAS_224
from hardiness.data.items import limited
from hardiness.data.root import locate
from hardiness.distortions.apply import corrupt, corruptions
from hardiness.imaging.codecs import decode
from hardiness.imaging.resizing import on_canvas
from hardiness.models.classifier import Classifier
from hardiness.models.loading import load
from hardiness.models.naming import resolve
from hardiness.models.preprocessing import to_pixels
from hardiness.reference.sets import SEVERITIES, distortion_set
from hardiness.statistics.intervals import wilson

IMAGENET_C = distortion_set("imagenet-c")
ImagenetC = corruption_benchmark("imagenet-c")

ROOT = Path(os.environ.get("HARDINESS_DATA", "data"))
CORES = len(os.sched_getaffinity(0))
REPETITIONS = sized(3)
OURS_PHOTOGRAPHS, USUAL_PHOTOGRAPHS, STAGE_PHOTOGRAPHS, WARM_PHOTOGRAPHS = sized(48), sized(8), sized(4), sized(2)
BOUND_BAR = 0.85
EQUAL_BAR, BF16_EQUAL_BAR = 0.99, 0.95
CELLS = [(name, severity) for name in peers.NAMES for severity in SEVERITIES[: sized(len(SEVERITIES))]]
BENCHMARK = "imagenet-c:source=generated" + (f",corruptions={'+'.join(peers.NAMES)},severities=1" if SHORT else "")
BATCH = sized(32, 2)
CONDITIONS = [dict(condition) for condition in ImagenetC().conditions()]

MODEL = "efficientnet_lite0"
LOOP: dict[str, Any] = {}
"""The usual loop's network and data set, in its own process."""

Predictions = dict[tuple[str, str, int], int]


class CorruptedCopies(Dataset):  # type: ignore[type-arg]
    """The usual data set: one entry for each photograph and cell."""

    def __init__(self, data: DataSet, view: Any, functions: dict[str, tuple[str, Apply]]) -> None:
        self.entries = [(item, *cell) for item in data.items for cell in CELLS]
        self.functions = functions
        self.crop = transforms.Compose([transforms.Resize(256), transforms.CenterCrop(224)])
        self.finish = transforms.Compose([transforms.ToTensor(), transforms.Normalize(view.mean, view.std)])

    def __len__(self) -> int:
        return len(self.entries)

    def __getitem__(self, index: int) -> torch.Tensor:
        from PIL import Image

        item, name, severity = self.entries[index]
        clean = np.array(self.crop(Image.open(item.file.path).convert("RGB")))
        where, apply = self.functions[name]
        seed = peers.seed_of(name, severity, item.id)
        stream = io.BytesIO()
        Image.fromarray(peers.drawn(where, apply, clean, name, severity, seed)).save(stream, "JPEG", quality=85)
        return self.finish(Image.open(stream).convert("RGB"))


def begin_usual(data: DataSet) -> None:
    """The usual loop in a process of its own, warm: forking its workers beside our threads would not be safe."""
    import cv2

    cv2.setNumThreads(1)  # each worker has a core; OpenCV's own threads would only stand in each other's way
    warnings.simplefilter("ignore")
    spec = resolve(MODEL)
    functions = {name: (where := peers.fastest(found, name), found[where]) for name, found in peers.right().items()}
    LOOP["network"] = spec.builder()(spec).eval()
    LOOP["copies"] = CorruptedCopies(data, spec.view, functions)


def usual_functions() -> dict[str, str]:
    """Which package each corruption of the usual loop is from."""
    return {name: where for name, (where, _) in LOOP["copies"].functions.items()}


def usual() -> tuple[Predictions, float]:
    """The usual loop: eager fp32, batches of 32. Predictions and corrupted copies a second."""
    network, copies = LOOP["network"], LOOP["copies"]
    begin = time.perf_counter()
    predictions: list[int] = []
    with torch.inference_mode():
        for batch in DataLoader(copies, batch_size=32, num_workers=2, multiprocessing_context="fork"):
            predictions += network(batch).argmax(dim=1).tolist()
    rate = len(copies) / (time.perf_counter() - begin)
    keys = [(item.id, name, severity) for item, name, severity in copies.entries]
    return dict(zip(keys, predictions, strict=True)), rate


def ours(classifier: Classifier, data: DataSet) -> tuple[Predictions, float]:
    """The engine, into a fresh store. Predictions and corrupted copies a second; the clean ones are not counted."""
    records, seconds = fresh_run(classifier, BENCHMARK, data)
    rate = len(data) * len(CELLS) / seconds
    rows = zip(records["sample"].tolist(), records["condition"].tolist(), records["prediction"].tolist(), strict=True)
    cells = [(sample, CONDITIONS[index], prediction) for sample, index, prediction in rows]
    return {(sample, cell["corruption"], cell["severity"]): p for sample, cell, p in cells if cell}, rate


def first(data: DataSet, count: int) -> DataSet:
    """A data set of the first photographs in the order of ``--limit``."""
    chosen = tuple(limited(data.items, count, 0))
    return DataSet(data.name, chosen, data.num_classes, f"{data.fingerprint} {count}", data.location)


def largest_difference() -> int:
    """How far the usual loop's pictures are from ours where nothing is drawn, in grey levels; before the JPEG."""
    copies, largest = LOOP["copies"], 0
    for item, name, severity in copies.entries:
        if corruptions.get(name).deterministic:
            clean = on_canvas(decode(item.file.read(), item.id), CANVAS_224)
            theirs = copies.functions[name][1](clean, name, severity)
            off = np.abs(theirs.astype(int) - corrupt(clean, name, severity).astype(int))
            largest = max(largest, int(off.max()))
    return largest


def same_work(usual_side: Predictions, fp32: Predictions, labels: dict[str, int]) -> dict[str, dict[str, Any]]:
    """Whether both sides computed the same: predictions where nothing is drawn, else errors within an interval.

    Pictures may differ by one grey level in a few values, which can turn the prediction of a near tie.
    """
    sure = [key for key in usual_side if corruptions.get(key[1]).deterministic]
    equal = float(np.mean([usual_side[key] == fp32[key] for key in sure]))
    outside = 0
    for name in peers.NAMES:
        keys = [key for key in usual_side if key[1] == name]
        wrong, ours_wrong = (sum(side[key] != labels[key[0]] for key in keys) for side in (usual_side, fp32))
        interval = wilson(wrong, len(keys), confidence=0.999)
        outside += not interval.low <= ours_wrong / len(keys) <= interval.high
    return {
        "the same work: equal predictions, nothing drawn": at_least(equal, EQUAL_BAR),
        "the same work: corruptions with another error": at_most(float(outside), 0.0),
    }


def core_ms(work: Callable[[], object], pictures: int) -> float:
    """Core-milliseconds for one picture of one stage alone, over all threads of this process."""
    work()
    begin = time.process_time()
    work()
    return 1000 * (time.process_time() - begin) / pictures


def stages(classifier: Classifier, data: DataSet) -> dict[str, float]:
    """What one corrupted copy costs, by stage."""
    items = first(data, STAGE_PHOTOGRAPHS).items
    blobs = [(item.id, item.file.read()) for item in items]
    crops = {id_: on_canvas(decode(blob, id_), CANVAS_224) for id_, blob in blobs}

    def kernels() -> list[np.ndarray]:
        return [corrupt(crop, *cell, id=id_) for id_, crop in crops.items() for cell in CELLS]

    pictures = kernels()
    coded = [ImagenetC().encoded(picture) for picture in pictures]
    batches = [pictures[start : start + BATCH] for start in range(0, len(pictures) - BATCH + 1, BATCH)]

    def forward() -> None:
        with ThreadPoolExecutor(2) as pool:
            list(pool.map(lambda batch: classifier.logits(to_pixels(batch)), batches))

    n = len(pictures)
    return {
        "decode and crop": core_ms(lambda: [on_canvas(decode(blob, "bench"), CANVAS_224) for _, blob in blobs], n),
        "corruption": core_ms(kernels, n),
        "JPEG, written and read": core_ms(
            lambda: [(ImagenetC().encoded(p), decode(c, "")) for p, c in zip(pictures, coded, strict=True)], n
        ),
        "forward": core_ms(forward, BATCH * len(batches)),
    }


def main() -> int:
    warnings.simplefilter("ignore")
    data = locate([str(ROOT)]).dataset("imagenet")
    few = first(data, USUAL_PHOTOGRAPHS)
    with ProcessPoolExecutor(1, get_context("spawn"), begin_usual, (few,)) as pool:
        return compared(pool, data, few)


def compared(pool: ProcessPoolExecutor, data: DataSet, few: DataSet) -> int:
    """Measure both sides, the usual loop in the process of that pool; tell."""
    many, spec = first(data, OURS_PHOTOGRAPHS), resolve(MODEL)
    functions = pool.submit(usual_functions).result()
    classifiers = {precision: load(spec, precision=precision) for precision in precisions()}
    seen: dict[str, Predictions] = {}

    def side(name: str, run: Callable[[], tuple[Predictions, float]]) -> Callable[[], float]:
        def figure() -> float:
            seen[name], rate = run()
            return rate

        return figure

    sides = {
        "usual loop": side("usual", lambda: pool.submit(usual).result()),
        **{f"hardiness {name}": side(name, partial(ours, each, many)) for name, each in classifiers.items()},
    }
    for classifier in () if SHORT else classifiers.values():
        ours(classifier, first(data, WARM_PHOTOGRAPHS))
    figures = dict(zip(sides, alternating(REPETITIONS, *sides.values()), strict=True))
    bars = same_work(seen["usual"], seen["fp32"], {item.id: item.label for item in data.items})
    apart = float(pool.submit(largest_difference).result())
    bars["the same work: grey levels apart, nothing drawn"] = at_most(apart, 1.0)
    if "bf16" in seen:
        agreement = float(np.mean([seen["bf16"][key] == seen["fp32"][key] for key in seen["fp32"]]))
        bars["the same work: bf16 predictions equal to fp32"] = at_least(agreement, BF16_EQUAL_BAR)
    notes: dict[str, Any] = {"photographs, ours": len(many), "photographs, usual loop": len(few)}
    notes |= {f"{name}, corrupted copies/s": rate for name, rate in figures.items()}
    for name, classifier in classifiers.items():
        costs = stages(classifier, data)
        notes |= {f"{name}: {stage}, core-ms a copy": cost for stage, cost in costs.items()}
        allowed = 1000 * CORES / sum(costs.values())
        notes[f"{name}: bound by the stages, copies/s"] = allowed
        notes[f"{name}: times the usual loop"] = figures[f"hardiness {name}"] / figures["usual loop"]
        bars[f"{name}: share of the stages' bound"] = at_least(figures[f"hardiness {name}"] / allowed, BOUND_BAR)
    notes |= {f"usual loop, {name}": where for name, where in functions.items()}
    packages = versions("hardiness", "torch", "openvino", "numba", "imagecorruptions-imaug", "corrupt-tta")
    return tell(bars, notes, packages, REPETITIONS)


if __name__ == "__main__":
    sys.exit(main())

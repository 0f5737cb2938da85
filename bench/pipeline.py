"""The whole path, photographs on disk to stored predictions, against the usual script; and its memory.

    HARDINESS_DATA=… python bench/pipeline.py [--json]

Both sides start with a loaded, warm model; what is timed is reading, decoding, resizing, classifying and, on our side,
storing. Memory is the peak of a whole process of the command line. The usual script is in fp32, ours also in bf16 where
the processor has that. The short size leaves ResNeXt out, which takes long to build.
"""

from __future__ import annotations

import os
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from functools import partial
from pathlib import Path

import numpy as np
import torch
from torch.utils.data import DataLoader, Dataset
from torchvision import transforms
from torchvision.models import resnext101_32x8d
from torchvision.transforms import InterpolationMode

from bars import SHORT, alternating, at_least, at_most, precisions, sized, tell, versions
from fresh_run import fresh_run
from gpu import many
from hardiness.core.benchmark import DataSet
from hardiness.data.root import locate
from hardiness.imaging.codecs import decode
from hardiness.imaging.resizing import on_canvas
from hardiness.models.classifier import Classifier
from hardiness.models.loading import load
from hardiness.models.naming import resolve
from hardiness.models.preprocessing import to_pixels

ROOT = Path(os.environ.get("HARDINESS_DATA", "data"))
CORES = len(os.sched_getaffinity(0))
REPETITIONS = sized(3)
WARM_IMAGES = 16
BATCH = sized(16, 2)
FEW_COPIES, MANY_COPIES = sized(4), sized(20)
"""How often each photograph stands in a tree: 1,000 are where every thread has held its most, and 5,000."""
LIMIT = ["--limit", "1"] if SHORT else []
AGREEMENT_BARS = {"fp32": 1.0, "bf16": 0.98}
BOUND_BARS, RESNEXT_BOUND_BAR = {"fp32": 0.95, "bf16": 0.90}, 0.90
BOUND_TURNS = sized(8)
"""How often each photograph is evaluated where the share of the bound is measured: 2,000 images, so that what is spent
once a run does not count as a cost of each image."""


class Photographs(Dataset):  # type: ignore[type-arg]
    """The usual data set: PIL and torchvision transforms, in the model's view."""

    def __init__(self, data: DataSet, view: object) -> None:
        from PIL import Image

        self.open = Image.open
        self.items = list(data.items)
        self.transform = transforms.Compose(
            [
                transforms.Resize(view.resize_px, InterpolationMode(view.interpolation)),
                transforms.CenterCrop(view.crop_px),
                transforms.ToTensor(),
                transforms.Normalize(view.mean, view.std),
            ]
        )

    def __len__(self) -> int:
        return len(self.items)

    def __getitem__(self, index: int) -> torch.Tensor:
        return self.transform(self.open(self.items[index].file.path).convert("RGB"))


def usual(network: torch.nn.Module, data: DataSet, view: object) -> tuple[dict[str, int], float]:
    """The usual script: eager fp32, DataLoader with 2 workers, batches of 32. Predictions and images a second."""
    photographs = Photographs(data, view)
    begin = time.perf_counter()
    predictions: list[int] = []
    with torch.inference_mode():
        for batch in DataLoader(photographs, batch_size=32, num_workers=2):
            predictions += network(batch).argmax(dim=1).tolist()
    rate = len(data) / (time.perf_counter() - begin)
    return dict(zip((item.id for item in photographs.items), predictions, strict=True)), rate


def ours(classifier: Classifier, data: DataSet) -> tuple[dict[str, int], float]:
    """The engine, into a fresh store. Predictions and images a second."""
    records, seconds = fresh_run(classifier, "imagenet-val", data)
    return dict(zip(records["sample"].tolist(), records["prediction"].tolist(), strict=True)), len(data) / seconds


def core_seconds(work: Callable[[], None], images: int) -> float:
    """Core-seconds an image of one stage alone, over all threads of this process."""
    begin = time.process_time()
    work()
    return (time.process_time() - begin) / images


def bound(classifier: Classifier, data: DataSet) -> tuple[float, dict[str, float]]:
    """Images a second that the stages' own core-time allows: cores over their sum; and the stages, in ms an image."""
    view = classifier.spec.view
    blobs = [item.file.read() for item in data.items]
    photographs = [decode(blob, "bench") for blob in blobs]
    crops = [on_canvas(photograph, view.canvas) for photograph in photographs]
    batches = [crops[start : start + BATCH] for start in range(0, len(crops) - BATCH + 1, BATCH)]

    def forward() -> None:
        with ThreadPoolExecutor(classifier.runtimes.streams) as pool:
            list(pool.map(lambda batch: classifier.logits(to_pixels(batch)), batches))

    stages = {
        "decode": core_seconds(lambda: [decode(blob, "bench") for blob in blobs] and None, len(blobs)),
        "transform": core_seconds(lambda: [on_canvas(p, view.canvas) for p in photographs] and None, len(blobs)),
        "forward": core_seconds(forward, BATCH * len(batches)),
    }
    return CORES / sum(stages.values()), {name: 1000 * seconds for name, seconds in stages.items()}


def resnext_rates(data: DataSet, precision: str) -> tuple[float, float, float]:
    """Images a second on ResNeXt-101 32x8d with random weights: the usual script (in fp32), ours in a precision, and
    what the stages' own core-time allows."""
    few = DataSet(data.name, data.items[:WARM_IMAGES], data.num_classes, data.fingerprint, data.location)
    spec = resolve("resnext101_32x8d:weights=random")
    eager, fast = resnext101_32x8d(weights=None).eval(), load(spec, precision=precision)
    usual(eager, few, spec.view)
    ours(fast, few)
    return usual(eager, data, spec.view)[1], ours(fast, data)[1], bound(fast, data)[0]


def peak_bytes(root: Path, precision: str) -> int:
    """Peak resident memory of one whole ``hardiness run`` in a process of its own."""
    with tempfile.TemporaryDirectory() as out:
        command = [sys.executable, "-m", "hardiness.cli", "run", "-m", "efficientnet_lite0", "-b", "imagenet-val"]
        code = (
            "import resource, subprocess, sys; subprocess.run(sys.argv[1:], check=True);"
            "print(resource.getrusage(resource.RUSAGE_CHILDREN).ru_maxrss)"
        )
        arguments = ["--data", str(root), "--out", out, "--quiet", "--precision", precision, *LIMIT]
        told = subprocess.run(
            [sys.executable, "-c", code, *command, *arguments], check=True, capture_output=True, text=True
        )
    return int(told.stdout.split()[-1]) * (1 if sys.platform == "darwin" else 1024)


def copies(data: DataSet, folder: Path, count: int) -> Path:
    """A tree in which each photograph stands so many times, as links."""
    for item in data.items:
        source = Path(item.file.path)
        target = folder / "imagenet" / "val" / source.parent.name
        target.mkdir(parents=True, exist_ok=True)
        for copy in range(count):
            (target / f"{source.stem}_{copy}{source.suffix}").symlink_to(source.resolve())
    return folder


def main() -> int:
    data = locate([str(ROOT)]).dataset("imagenet")
    data = many(data, BATCH) if SHORT else data
    notes: dict[str, object] = {"photographs": len(data)}
    bars = {}
    spec = resolve("efficientnet_lite0")
    network = spec.builder()(spec).eval()
    classifiers = {precision: load(spec, precision=precision) for precision in precisions()}
    seen: dict[str, dict[str, int]] = {}

    def side(name: str, run: Callable[[], tuple[dict[str, int], float]]) -> Callable[[], float]:
        def figure() -> float:
            seen[name], rate = run()
            return rate

        return figure

    sides = {
        "usual script": side("usual", lambda: usual(network, data, spec.view)),
        **{f"hardiness {name}": side(name, partial(ours, each, data)) for name, each in classifiers.items()},
    }
    for warm in () if SHORT else sides.values():
        warm()
    figures = dict(zip(sides, alternating(REPETITIONS, *sides.values()), strict=True))
    notes |= {f"Lite0, {name}, images/s": rate for name, rate in figures.items()}
    for name in classifiers:
        same = float(np.mean([seen[name][key] == seen["usual"][key] for key in seen["usual"]]))
        bars[f"Lite0 {name}: predictions equal to the usual script's"] = at_least(same, AGREEMENT_BARS[name])
        notes[f"Lite0 {name}: times the usual script"] = figures[f"hardiness {name}"] / figures["usual script"]
    more = many(data, BOUND_TURNS * len(data))
    for name, classifier in classifiers.items():
        costs: list[dict[str, float]] = []

        def most(classifier: Classifier = classifier, costs: list[dict[str, float]] = costs) -> float:
            rate, stages = bound(classifier, data)
            costs.append(stages)
            return rate

        allowed, reached = alternating(REPETITIONS, most, lambda classifier=classifier: ours(classifier, more)[1])
        notes |= {f"Lite0 {name}, {stage}, core-ms an image": cost for stage, cost in costs[-1].items()}
        notes |= {f"Lite0 {name}, bound, images/s": allowed, f"Lite0 {name}, {len(more)} images, images/s": reached}
        bars[f"Lite0 {name}: share of the stages' bound"] = at_least(reached / allowed, BOUND_BARS[name])

    if not SHORT:
        name = list(classifiers)[-1]
        slow_rate, fast_rate, allowed = resnext_rates(data, name)
        notes["ResNeXt-101 32x8d, usual script, images/s"] = slow_rate
        notes[f"ResNeXt-101 32x8d, hardiness {name}, images/s"] = fast_rate
        notes[f"ResNeXt-101 32x8d {name}: times the usual script"] = fast_rate / slow_rate
        bars[f"ResNeXt-101 32x8d {name}: share of the stages' bound"] = at_least(fast_rate / allowed, RESNEXT_BOUND_BAR)

    peaks = {}
    for count in sorted({1, FEW_COPIES, MANY_COPIES}):
        with tempfile.TemporaryDirectory() as folder:
            peaks[count] = peak_bytes(copies(data, Path(folder), count), "fp32")
    notes |= {f"Lite0: peak memory, {count * len(data):,} images, bytes": float(peak) for count, peak in peaks.items()}
    bars["Lite0: peak memory, bytes"] = at_most(float(max(peaks.values())), 2e9)
    growth = peaks[MANY_COPIES] / peaks[FEW_COPIES]
    bars[f"Lite0: peak memory, {MANY_COPIES * len(data):,} against {FEW_COPIES * len(data):,} images"] = at_most(
        growth, 1.05
    )
    packages = versions("hardiness", "torch", "torchvision", "timm", "openvino", "pillow", "simplejpeg")
    return tell(bars, notes, packages, REPETITIONS)


if __name__ == "__main__":
    sys.exit(main())

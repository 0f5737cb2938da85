"""The whole path, photographs on disk to stored predictions, against the usual script; and its memory.

    HARDINESS_DATA=… python bench/pipeline.py [--json]

Both sides start with a loaded, warm model; what is timed is reading, decoding, resizing, classifying and, on our side,
storing. Memory is the peak of a whole process of the command line. The short size leaves ResNeXt out, which takes long
to build.
"""

from __future__ import annotations

import os
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import numpy as np
import torch
from torch.utils.data import DataLoader, Dataset
from torchvision import transforms
from torchvision.models import resnext101_32x8d
from torchvision.transforms import InterpolationMode

from bars import SHORT, alternating, at_least, at_most, sized, tell, versions
from gpu import many
from hardiness import data as datasets
from hardiness import models
from hardiness.benchmarks.options import parse
from hardiness.core import DataSet, Request
from hardiness.engine import evaluate
from hardiness.imaging import decode, on_canvas
from hardiness.models import Classifier
from hardiness.models.preprocessing import to_pixels
from hardiness.store import Store

ROOT = Path(os.environ.get("HARDINESS_DATA", "data"))
CORES = len(os.sched_getaffinity(0))
REPETITIONS = sized(3)
WARM_IMAGES = 16
BATCH = sized(16, 2)
MEMORY_COPIES = sized(20)
LIMIT = ["--limit", "1"] if SHORT else []
AGREEMENT_BAR = 0.98
BOUND_BARS = {"fp32": 0.95, "bf16": 0.90}
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
    with tempfile.TemporaryDirectory() as folder:
        store = Store.create(Path(folder))
        begin = time.perf_counter()
        evaluated = evaluate(parse("imagenet-val"), [classifier], data, store, Request())
        rate = len(data) / (time.perf_counter() - begin)
        assert not evaluated.problems, evaluated.problems
        records = store.runs()[0].records()
    return dict(zip(records["sample"].tolist(), records["prediction"].tolist(), strict=True)), rate


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
        with ThreadPoolExecutor(classifier.streams) as pool:
            list(pool.map(lambda batch: classifier.logits(to_pixels(batch)), batches))

    stages = {
        "decode": core_seconds(lambda: [decode(blob, "bench") for blob in blobs] and None, len(blobs)),
        "transform": core_seconds(lambda: [on_canvas(p, view.canvas) for p in photographs] and None, len(blobs)),
        "forward": core_seconds(forward, BATCH * len(batches)),
    }
    return CORES / sum(stages.values()), {name: 1000 * seconds for name, seconds in stages.items()}


def resnext_rates(data: DataSet) -> tuple[float, float, float]:
    """Images a second on ResNeXt-101 32x8d with random weights, in bf16: the usual script (in fp32), ours, and what the
    stages' own core-time allows."""
    few = DataSet(data.name, data.items[:WARM_IMAGES], data.num_classes, data.fingerprint, data.location)
    spec = models.resolve("resnext101_32x8d:weights=random")
    eager, fast = resnext101_32x8d(weights=None).eval(), models.load(spec, precision="bf16")
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


def copies(data: DataSet, folder: Path) -> Path:
    """A tree in which each photograph stands 20 times, as links."""
    for item in data.items:
        source = Path(item.file.path)
        target = folder / "imagenet" / "val" / source.parent.name
        target.mkdir(parents=True, exist_ok=True)
        for copy in range(MEMORY_COPIES):
            (target / f"{source.stem}_{copy}{source.suffix}").symlink_to(source.resolve())
    return folder


def main() -> int:
    data = datasets.locate([str(ROOT)]).dataset("imagenet")
    data = many(data, BATCH) if SHORT else data
    notes: dict[str, object] = {"photographs": len(data)}
    bars = {}
    spec = models.resolve("efficientnet_lite0")
    network = spec.builder()(spec).eval()
    fp32, bf16 = models.load(spec), models.load(spec, precision="bf16")
    seen: dict[str, dict[str, int]] = {}

    def side(name: str, run: Callable[[], tuple[dict[str, int], float]]) -> Callable[[], float]:
        def figure() -> float:
            seen[name], rate = run()
            return rate

        return figure

    sides = {
        "usual script": side("usual", lambda: usual(network, data, spec.view)),
        "hardiness fp32": side("fp32", lambda: ours(fp32, data)),
        "hardiness bf16": side("bf16", lambda: ours(bf16, data)),
    }
    for warm in sides.values():
        warm()
    figures = dict(zip(sides, alternating(REPETITIONS, *sides.values()), strict=True))
    notes |= {f"Lite0, {name}, images/s": rate for name, rate in figures.items()}
    same = {
        name: np.mean([seen[name][key] == seen["usual"][key] for key in seen["usual"]]) for name in ("fp32", "bf16")
    }
    bars["Lite0 fp32: predictions equal to the usual script's"] = at_least(float(same["fp32"]), 1.0)
    bars["Lite0 bf16: predictions equal to the usual script's"] = at_least(float(same["bf16"]), AGREEMENT_BAR)
    for name in ("fp32", "bf16"):
        notes[f"Lite0 {name}: times the usual script"] = figures[f"hardiness {name}"] / figures["usual script"]
    more = many(data, BOUND_TURNS * len(data))
    for name, classifier in (("fp32", fp32), ("bf16", bf16)):
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
        slow_rate, fast_rate, allowed = resnext_rates(data)
        notes["ResNeXt-101 32x8d, usual script, images/s"] = slow_rate
        notes["ResNeXt-101 32x8d, hardiness bf16, images/s"] = fast_rate
        notes["ResNeXt-101 32x8d bf16: times the usual script"] = fast_rate / slow_rate
        bars["ResNeXt-101 32x8d bf16: share of the stages' bound"] = at_least(fast_rate / allowed, BOUND_BARS["bf16"])

    with tempfile.TemporaryDirectory() as folder:
        small, large = peak_bytes(ROOT, "fp32"), peak_bytes(copies(data, Path(folder)), "fp32")
    bars["Lite0: peak memory, 250 images, bytes"] = at_most(float(small), 2e9)
    bars["Lite0: peak memory, 5,000 images, bytes"] = at_most(float(large), 2e9)
    bars["Lite0: peak memory, 5,000 against 250 images"] = at_most(large / small, 1.05)
    packages = versions("hardiness", "torch", "torchvision", "timm", "openvino", "pillow", "simplejpeg")
    return tell(bars, notes, packages, REPETITIONS)


if __name__ == "__main__":
    sys.exit(main())

"""On a GPU: how much of the bare forward loop the whole path reaches, and the processor cores that it takes.

    HARDINESS_DATA=… python bench/gpu.py [--json] [--device cuda] [--models NAME,NAME] [--precisions fp32,fp16,bf16]
                                         [--seconds 30]

The bare loop runs the same network on one batch that lies on the device, without any input: in half precision all of
it, norms and softmax too, which ours keeps in fp32; in channels-last or contiguous memory, whichever is faster. On our
side: photographs on disk to stored records, `imagenet-val`
(bar 95 % of the loop) and generated `imagenet-c` (bar 85 %). Both sides are given the batch size that was found, and so
many pictures that each takes 30 s and more. Core-time is the whole process', so
cores = core-seconds a second.

The loop of the bars runs eagerly and, in fp32, without TF32, as we do. Two further loops say what this costs: one under
PyTorch's defaults, which are TF32 in convolutions, and that one compiled by ``torch.compile``.
Without a GPU nothing is measured, and it says so; ``--device cpu`` shows that the script works, as its short size does
there.
"""

from __future__ import annotations

import math
import os
import sys
import time
from collections.abc import Callable
from dataclasses import replace
from itertools import pairwise, product
from pathlib import Path
from typing import Any

import torch

from bars import SHORT, alternating, at_least, sized, tell, versions
from fresh_run import fresh_run
from hardiness.core.benchmark import DataSet
from hardiness.data.root import locate
from hardiness.engine.batch_sizes import automatic_batch_size
from hardiness.models.classifier import Classifier
from hardiness.models.loading import load
from hardiness.models.naming import resolve

ROOT = Path(os.environ.get("HARDINESS_DATA", "data"))
REPETITIONS, LOOP_S = sized(3), 0.05 if SHORT else 30.0
MODELS = "squeezenet1_1" if SHORT else "torchvision:resnet50:weights=random,torchvision:vit_b_16:weights=random"
PRECISIONS = "fp32" if SHORT else "fp32,fp16,bf16"
VAL_BAR, C_BAR = 0.95, 0.85
COPIES = 75
"""Of a photograph in ImageNet-C."""

GENERATED = "imagenet-c:source=generated" + (",corruptions=fog,severities=1" if SHORT else "")

LAUNCHES = sized(10)
"""Batches of the bare loop between two looks at the clock."""

LAYOUT_S = 5.0
"""Seconds that the bare loop is given in each memory layout, to find its faster one."""

COMPILER = "eager" if SHORT else "inductor"
"""Backend of ``torch.compile``; the short size need not wait for a compiler."""

LAYOUTS = {"channels-last": torch.channels_last, "contiguous": torch.contiguous_format}

Figures = dict[str, Any]

DTYPES = {"fp32": torch.float32, "bf16": torch.bfloat16, "fp16": torch.float16}


def bare_network(classifier: Classifier) -> torch.nn.Module:
    """The network as a script has it, all of it in the precision asked for."""
    spec = classifier.spec
    built = spec.builder()(spec)
    network: torch.nn.Module = getattr(built, "network", built)
    return network.eval().to(classifier.device, DTYPES[classifier.precision])


def bare_rate(
    network: Callable[..., Any],
    layout: str,
    classifier: Classifier,
    batch: int,
    seconds: float,
    is_default: bool = False,
) -> float:
    """Images a second of the forward pass alone, on a batch that lies on the device; nothing is waited for between.

    ``is_default`` computes as PyTorch does by default; else fp32 has no TF32, as ours.
    """
    px, device = classifier.feed().input_px, torch.device(classifier.device)
    pixels = torch.rand(batch, 3, px, px).to(device, DTYPES[classifier.precision], memory_format=LAYOUTS[layout])
    wait = torch.cuda.synchronize if device.type == "cuda" else lambda: None
    done, begin = 0, time.perf_counter()
    allow_tf32 = is_default or classifier.precision != "fp32"
    with torch.inference_mode(), torch.backends.cudnn.flags(enabled=True, allow_tf32=allow_tf32):
        while not done or time.perf_counter() - begin < seconds:
            for _ in range(LAUNCHES):
                network(pixels)
            wait()
            done += LAUNCHES * batch
    return done / (time.perf_counter() - begin)


def compiled(network: torch.nn.Module) -> Callable[..., Any]:
    """The network by ``torch.compile``, compiled at its first call."""
    return torch.compile(network, backend=COMPILER)


def ours(classifier: Classifier, benchmark: str, data: DataSet, batch: int) -> tuple[float, float]:
    """Pictures a second from disk to stored records, and the cores that this took."""
    begin = time.process_time()
    records, seconds = fresh_run(classifier, benchmark, data, batch)
    return len(records) / seconds, (time.process_time() - begin) / seconds


def many(data: DataSet, count: int) -> DataSet:
    """A data set of so many photographs; where there are fewer each stands several times under names of its own."""
    turns = -(-count // len(data.items))
    items = [replace(item, id=f"{item.id}_{turn}") for turn in range(turns) for item in data.items][:count]
    return DataSet(data.name, tuple(sorted(items, key=lambda i: i.id)), data.num_classes, f"{count}", data.location)


def measured(name: str, classifier: Classifier, data: DataSet, given: dict[str, str]) -> tuple[Figures, Figures]:
    """Bars and notes of one model."""
    batch = automatic_batch_size(classifier, classifier.feed().input_px)
    seconds = float(given.get("--seconds", LOOP_S))
    network, bars, notes = bare_network(classifier), {}, {f"{name}, batch that was found": batch}
    rates = {}
    for layout, memory in LAYOUTS.items():
        network.to(memory_format=memory)
        bare_rate(network, layout, classifier, batch, min(seconds, 0.1))  # warm
        rates[layout] = bare_rate(network, layout, classifier, batch, min(seconds, LAYOUT_S))
        notes[f"{name}, bare loop, {layout}, images/s"] = rates[layout]
    faster = max(rates, key=lambda layout: rates[layout])
    network.to(memory_format=LAYOUTS[faster])
    usual = {"PyTorch's defaults": network, "PyTorch's defaults, compiled": compiled(network)}
    for how, loop in usual.items():
        bare_rate(loop, faster, classifier, batch, min(seconds, 0.1), is_default=True)  # compiled
        rate = bare_rate(loop, faster, classifier, batch, min(seconds, LAYOUT_S), is_default=True)
        notes |= {
            f"{name}, loop by {how}, images/s": rate,
            f"{name}, bare loop over loop by {how}": rates[faster] / rate,
        }
    ours(classifier, "imagenet-val", many(data, 2 * batch), batch)  # warm
    enough = 1 if SHORT else rates[faster] * seconds  # pictures that take as long at best
    sets = {
        "imagenet-val": (many(data, math.ceil(enough)), VAL_BAR),
        GENERATED: (many(data, math.ceil(enough / COPIES)), C_BAR),
    }
    for benchmark, (pictures, bar) in sets.items():
        used: list[float] = []

        def whole(benchmark: str = benchmark, pictures: DataSet = pictures, used: list[float] = used) -> float:
            rate, cores = ours(classifier, benchmark, pictures, batch)
            used.append(cores)
            return rate

        bare, reached = alternating(REPETITIONS, lambda: bare_rate(network, faster, classifier, batch, seconds), whole)
        short = benchmark.partition(":")[0]
        notes |= {f"{name}, bare loop, images/s": bare, f"{name}, {short}, images/s": reached}
        notes[f"{name}, {short}, cores"] = max(used)
        bars[f"{name}, {short}: share of the bare loop"] = at_least(reached / bare, bar)
    return bars, notes


def main() -> int:
    given = dict(pairwise([*sys.argv[1:], ""]))
    usual = "cpu" if SHORT and not torch.cuda.is_available() else "cuda"
    device, precisions = given.get("--device", usual), given.get("--precisions", PRECISIONS).split(",")
    if device.startswith("cuda") and not torch.cuda.is_available():
        notes: Figures = {"device": "none: torch sees no GPU, so nothing was measured"}
        return tell({}, notes, versions("hardiness", "torch", "torchvision"), 0)
    data = locate([str(ROOT)]).dataset("imagenet")
    bars: Figures = {}
    notes = {"device": "processor" if device == "cpu" else torch.cuda.get_device_name()}
    for name, precision in product(given.get("--models", MODELS).split(","), precisions):
        classifier = load(resolve(name), device=device, precision=precision)
        found, noted = measured(f"{name} in {precision}", classifier, data, given)
        bars, notes = bars | found, notes | noted
    return tell(bars, notes, versions("hardiness", "torch", "torchvision"), REPETITIONS)


if __name__ == "__main__":
    sys.exit(main())

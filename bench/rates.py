"""How many pictures a second the networks of `reference/rates.toml` are shown on this machine: forward passes only.

    python bench/rates.py [--json]

Networks have drawn weights, which changes no time. Only a quiet machine gives rates that others can use.
"""

from __future__ import annotations

import sys
import time
from concurrent.futures import ThreadPoolExecutor

import numpy as np
import torch
import torchvision

from bars import SHORT, tell, versions
from hardiness.core.model import View
from hardiness.models.loading import wrap
from hardiness.models.preprocessing import to_pixels

NETWORKS = {"ResNet-50": "resnet50", "ViT-B/16": "vit_b_16", "ResNeXt-101 32x8d": "resnext101_32x8d"}
BATCH, LEAST_S = 8, 0.1 if SHORT else 8.0
VIEW = View(resize_px=256, crop_px=224, mean=(0.485, 0.456, 0.406), std=(0.229, 0.224, 0.225))


def rate(name: str) -> float:
    """Pictures a second, over all streams of the fastest runtime."""
    torch.manual_seed(0)
    classifier = wrap(getattr(torchvision.models, name)().eval(), VIEW, name=name, num_classes=1000)
    pixels = to_pixels([*np.random.default_rng(0).integers(0, 256, (BATCH, 224, 224, 3), np.uint8)])
    classifier.logits(pixels)  # compiles
    done, begin = 0, time.perf_counter()
    with ThreadPoolExecutor(classifier.runtimes.streams) as pool:
        while time.perf_counter() - begin < LEAST_S:
            turns = classifier.runtimes.streams
            list(pool.map(lambda _: classifier.logits(pixels), range(turns)))
            done += turns * BATCH
    return done / (time.perf_counter() - begin)


def main() -> int:
    some = list(NETWORKS.items())[: 1 if SHORT else None]
    notes = {f"{title}, pictures/s": rate(name) for title, name in some}
    return tell({}, notes, versions("hardiness", "torch", "openvino"), 1)


if __name__ == "__main__":
    sys.exit(main())

"""The learned features of Orhan (2019) as one batch, against a loop over images with foolbox.

    HARDINESS_DATA=… python bench/visualise.py [--json]

Six pooled features of EfficientNet-Lite0 from two photographs and from noise: 18 images, 50 of the protocol's 500
steps. The loop is what the published script did, in foolbox of today: for each start and unit one targeted attack on
the network without its last layer, behind its mean and std. It is spared what the script's foolbox did besides, a
forward pass after each step to see whether the threshold is reached; ours sees to that. A figure is image-steps a
second. Before a ratio is printed both sides have taken the same first step, and got as far after a few.
"""

from __future__ import annotations

import os
import sys
import time
import warnings
from collections.abc import Callable
from pathlib import Path
from typing import Any

import torch
from torch import Tensor, nn
from torch.nn import functional

from bars import alternating, at_least, tell, versions
from hardiness import models
from hardiness.core import CANVAS_224
from hardiness.engine.crossing import to_pixels
from hardiness.imaging import decode, on_canvas
from hardiness.models import Classifier
from hardiness.visualise.orhan2019 import EPSILON, STEP, choose, push

ROOT = Path(os.environ.get("HARDINESS_DATA", "data"))
MODEL = "efficientnet_lite0"
STEPS, CHECKED_STEPS, FROZEN_STEPS, REPETITIONS = 50, 3, 10, 2
BAR = 3.0
SAME_VALUES, SAME_LOSS = 0.97, 0.02
"""Share of values that one step moves alike, and how far the mean loss may differ after a few: signs of gradients near
zero are a matter of rounding, and after some steps one network comes to other pixels from a start moved by 1e-6."""


def pairs(classifier: Classifier) -> tuple[Tensor, list[int]]:
    """The protocol's 18 starts, float32 ``(18, 3, 224, 224)``, and the unit of each."""
    files = sorted((ROOT / "imagenet" / "val").glob("*/*.JPEG"))[:2]
    photographs = [on_canvas(decode(file.read_bytes(), str(file)), CANVAS_224) for file in files]
    with torch.no_grad():
        chosen = choose(classifier.pooled(to_pixels(photographs)).shape[1])
    starts = to_pixels([*photographs, chosen.noise])
    return starts.repeat_interleave(len(chosen.units), 0), list(chosen.units) * len(starts)


def loop(network: nn.Module, classifier: Classifier, starts: Tensor, units: list[int]) -> Callable[[int], Tensor]:
    """The other side: steps to the last iterates, one image after the other."""
    import foolbox

    view = classifier.spec.view
    wrapped = foolbox.PyTorchModel(
        network, bounds=(0, 1), preprocessing={"mean": view.mean, "std": view.std, "axis": -3}
    )

    def run(steps: int) -> Tensor:
        attack = foolbox.attacks.LinfPGD(abs_stepsize=STEP, steps=steps, random_start=False)
        found = []
        for start, unit in zip(starts, units, strict=True):
            criterion = foolbox.criteria.TargetedMisclassification(torch.tensor([unit]))
            found.append(attack(wrapped, start[None].contiguous(), criterion, epsilons=EPSILON)[1])
        return torch.cat(found)

    return run


def check_same(classifier: Classifier, units: list[int], *sides: Callable[[int], Tensor]) -> dict[str, float]:
    """End the bench unless both sides take the same first step and get as far after a few."""

    def loss(pixels: Tensor) -> float:
        with torch.no_grad():
            return float(functional.cross_entropy(classifier.pooled(pixels), torch.tensor(units)))

    first, later = [side(1) for side in sides], [loss(side(CHECKED_STEPS)) for side in sides]
    same = float(((first[0] - first[1]).abs() < 1e-5).float().mean())
    if same < SAME_VALUES or abs(later[0] - later[1]) > SAME_LOSS * abs(later[0]):
        sys.exit(f"{same:.4f} of the first step's values are equal, losses after {CHECKED_STEPS} are {later}: no ratio")
    return {
        "values of the first step that are equal": same,
        f"loss after {CHECKED_STEPS} steps, ours": later[0],
        f"loss after {CHECKED_STEPS} steps, foolbox": later[1],
    }


def timed(call: Callable[[], object]) -> float:
    """Seconds."""
    start = time.perf_counter()
    call()
    return time.perf_counter() - start


def main() -> int:
    """Check, measure, tell."""
    warnings.simplefilter("ignore")
    spec = models.resolve(MODEL)
    classifier = models.load(spec)
    starts, units = pairs(classifier)
    network: Any = spec.builder()(spec).eval()
    network.reset_classifier(0)
    theirs = loop(network, classifier, starts, units)

    def ours(steps: int) -> Tensor:
        nearest = push(classifier, starts, units, steps)
        assert not bool(nearest.reached.any()), "ReLU6 keeps Lite0's features below the threshold: the last is returned"
        return nearest.pixels

    notes: dict[str, Any] = dict(check_same(classifier, units, ours, theirs))
    mine, usual = alternating(REPETITIONS, lambda: timed(lambda: ours(STEPS)), lambda: timed(lambda: theirs(STEPS)))
    network.requires_grad_(False)
    frozen = timed(lambda: theirs(FROZEN_STEPS))
    images = len(units)
    notes |= {
        "ours, image-steps a second": images * STEPS / mine,
        "foolbox, image-steps a second": images * STEPS / usual,
        "foolbox on a network whose weights want no gradient": images * FROZEN_STEPS / frozen,
        "times that": (frozen / FROZEN_STEPS) / (mine / STEPS),
    }
    bars = {"the protocol as one batch, times a loop with foolbox": at_least(usual / mine, BAR)}
    return tell(bars, notes, versions("torch", "timm", "foolbox"), REPETITIONS)


if __name__ == "__main__":
    sys.exit(main())

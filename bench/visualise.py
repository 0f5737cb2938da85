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
from functools import cache
from pathlib import Path
from typing import Any

import torch
from torch import Tensor
from torch.nn import functional

from apart import Ask, apart
from bars import alternating, sized, tell, versions
from hardiness.core.model import CANVAS_224
from hardiness.imaging.codecs import decode
from hardiness.imaging.resizing import on_canvas
from hardiness.models.classifier import Classifier
from hardiness.models.loading import load
from hardiness.models.naming import resolve
from hardiness.models.preprocessing import to_pixels
from hardiness.visualise.orhan2019 import EPSILON, STEP, choose, push

ROOT = Path(os.environ.get("HARDINESS_DATA", "data"))
MODEL = "efficientnet_lite0"
STEPS, CHECKED_STEPS, FROZEN_STEPS, REPETITIONS = sized(50), sized(3), sized(10), sized(2)
STARTS = sized(18)
SAME_VALUES, SAME_LOSS = 0.97, 0.02
"""Share of values that one step moves alike, and how far the mean loss may differ after a few: signs of gradients near
zero are a matter of rounding, and after some steps one network comes to other pixels from a start moved by 1e-6."""


@cache
def pairs() -> tuple[Tensor, list[int]]:
    """The protocol's 18 starts, float32 ``(18, 3, 224, 224)``, and the unit of each."""
    files = sorted((ROOT / "imagenet" / "val").glob("*/*.JPEG"))[:2]
    photographs = [on_canvas(decode(file.read_bytes(), str(file)), CANVAS_224) for file in files]
    with torch.no_grad():
        chosen = choose(network().num_features)
    starts = to_pixels([*photographs, chosen.noise])
    return starts.repeat_interleave(len(chosen.units), 0)[:STARTS], (list(chosen.units) * len(starts))[:STARTS]


@cache
def network() -> Any:
    """The network without its last layer, as its weights' package gives it."""
    spec = resolve(MODEL)
    made: Any = spec.builder()(spec).eval()
    made.reset_classifier(0)
    return made


@cache
def classifier() -> Classifier:
    """The same network, loaded by us."""
    return load(resolve(MODEL))


def ours(steps: int) -> Tensor:
    """Steps to the last iterates, as one batch."""
    nearest = push(classifier(), *pairs(), steps)
    assert not bool(nearest.reached.any()), "ReLU6 keeps Lite0's features below the threshold: the last is returned"
    return nearest.pixels


def loop(steps: int, frozen: bool = False) -> Tensor:
    """The other side's, one image after the other; ``frozen`` where the weights want no gradient."""
    import foolbox

    view, starts, units = resolve(MODEL).view, *pairs()
    wrapped = foolbox.PyTorchModel(
        network().requires_grad_(not frozen),
        bounds=(0, 1),
        preprocessing={"mean": view.mean, "std": view.std, "axis": -3},
    )
    attack = foolbox.attacks.LinfPGD(abs_stepsize=STEP, steps=steps, random_start=False)
    found = []
    for start, unit in zip(starts, units, strict=True):
        criterion = foolbox.criteria.TargetedMisclassification(torch.tensor([unit]))
        found.append(attack(wrapped, start[None].contiguous(), criterion, epsilons=EPSILON)[1])
    return torch.cat(found)


def loss(pixels: Tensor) -> float:
    """How far the pictures are from their units."""
    with torch.no_grad():
        return float(functional.cross_entropy(classifier().pooled(pixels), torch.tensor(pairs()[1])))


def seconds(side: Callable[..., Tensor], *arguments: Any) -> float:
    """Of one call in the process that asks for it."""
    start = time.perf_counter()
    side(*arguments)
    return time.perf_counter() - start


def check_same(ask: dict[str, Ask[Any]]) -> dict[str, float]:
    """End the bench unless both sides take the same first step and get as far after a few."""
    first = ask["ours"](ours, 1), ask["foolbox"](loop, 1)
    later = [ask["ours"](loss, end) for end in (ask["ours"](ours, CHECKED_STEPS), ask["foolbox"](loop, CHECKED_STEPS))]
    same = float(((first[0] - first[1]).abs() < 1e-5).float().mean())
    if same < SAME_VALUES or abs(later[0] - later[1]) > SAME_LOSS * abs(later[0]):
        sys.exit(f"{same:.4f} of the first step's values are equal, losses after {CHECKED_STEPS} are {later}: no ratio")
    return {
        "values of the first step that are equal": same,
        f"loss after {CHECKED_STEPS} steps, ours": later[0],
        f"loss after {CHECKED_STEPS} steps, foolbox": later[1],
    }


def main() -> int:
    """Check, measure, tell."""
    warnings.simplefilter("ignore")
    with apart("ours", "foolbox") as ask:
        notes: dict[str, Any] = dict(check_same(ask))
        mine, usual = alternating(
            REPETITIONS,
            lambda: ask["ours"](seconds, ours, STEPS),
            lambda: ask["foolbox"](seconds, loop, STEPS),
        )
        frozen = ask["foolbox"](seconds, loop, FROZEN_STEPS, True)
    images = len(pairs()[1])
    notes |= {
        "ours, image-steps a second": images * STEPS / mine,
        "foolbox, image-steps a second": images * STEPS / usual,
        "foolbox on a network whose weights want no gradient": images * FROZEN_STEPS / frozen,
        "times that": (frozen / FROZEN_STEPS) / (mine / STEPS),
    }
    notes["the protocol as one batch, times a loop with foolbox"] = usual / mine
    return tell({}, notes, versions("torch", "timm", "foolbox"), REPETITIONS)


if __name__ == "__main__":
    sys.exit(main())

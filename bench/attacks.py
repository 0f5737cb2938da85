"""Projected gradient descent against foolbox's and torchattacks', as their manuals have you use them.

    HARDINESS_DATA=… python bench/attacks.py [--json]

Batches of 16 photographs on the 224 canvas. A figure is image-steps a second: images times gradient steps, over the
time of the whole call, with no early stop on any side; then the time until the robust accuracy at 4/255 and 50 steps is
known, with it on ours. The others attack the eager network behind its mean and std, each in a process of its own; the
bare loop of forward and gradient has ours. Before a ratio is printed all sides have taken the same steps from the same
images.
"""

from __future__ import annotations

import os
import resource
import subprocess
import sys
import time
import warnings
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from functools import cache
from pathlib import Path
from typing import Any

import numpy as np
import torch
from torch import Tensor, nn
from torch.nn import functional
from torchvision import transforms
from torchvision.models import resnext101_32x8d

from apart import Ask, apart
from bars import alternating, at_least, at_most, tell, versions
from hardiness import attacks, models
from hardiness.attacks import Budget, Misclassified
from hardiness.core import CANVAS_224, ModelSpec, rng
from hardiness.imaging import decode, on_canvas
from hardiness.models import Classifier

ROOT = Path(os.environ.get("HARDINESS_DATA", "data"))
BATCH = 16
EPSILON, STEP = 4 / 255, 1 / 255
LITE0, RESNEXT = "efficientnet_lite0", "resnext101_32x8d:weights=random"
STEPS, CHECKED_STEPS = {LITE0: 40, RESNEXT: 10}, {LITE0: 3, RESNEXT: 1}
REPETITIONS = {LITE0: 3, RESNEXT: 2}
FOOLBOX_BAR, TORCHATTACKS_BAR = {LITE0: 3.0, RESNEXT: 2.8}, {LITE0: 1.7, RESNEXT: 1.35}
BARE_BAR = 0.95
TO_ACCURACY_STEPS, TO_ACCURACY_BAR = 50, 8.0
MEMORY_STEPS, MEMORY_BATCH, MEMORY_BAR = (25, 100), 4, 1.02
SAME_VALUES, SAME_LOSS = 0.97, 0.02
"""Share of values that one step moves alike, and how far the mean loss after a few may differ. Signs of gradients near
zero are a matter of rounding: a start moved by 1e-6 leads the same network to other pixels within five steps."""

Attack = Callable[[int], Tensor]
"""Steps to the attacked images."""


@dataclass(frozen=True)
class Case:
    """One model with its images, labels, and the eager network that the others attack."""

    name: str
    classifier: Classifier
    spec: ModelSpec
    eager: nn.Module
    images: Tensor
    labels: Tensor


def photographs(canvases: int) -> Tensor:
    """Real ones, float32 ``(N, 3, 224, 224)`` in [0, 1]."""
    files = sorted((ROOT / "imagenet" / "val").glob("*/*.JPEG"))[::3][:canvases]
    images = np.stack([on_canvas(decode(file.read_bytes(), str(file)), CANVAS_224) for file in files])
    return torch.from_numpy(images).permute(0, 3, 1, 2).float() / 255


@cache
def case(name: str) -> Case:
    """In the process of each side. The labels are the model's own, so that every image has something to lose."""
    spec = models.resolve(name)
    if name == RESNEXT:
        with torch.random.fork_rng():
            torch.manual_seed(0)
            eager: nn.Module = resnext101_32x8d(weights=None)
        classifier = models.wrap(eager, spec.view, name=name)
    else:
        eager, classifier = spec.builder()(spec), models.load(spec)
    images, view = photographs(BATCH), transforms.Normalize(spec.view.mean, spec.view.std)
    with torch.no_grad():
        labels = eager.eval()(view(images)).argmax(1)
    return Case(name, classifier, spec, eager, images, labels)


def ours(at: Case, steps: int, *, stop: bool) -> Iterator[attacks.Iterate]:
    """Our iterates from the images themselves."""
    attack = attacks.registry.get("pgd")(step=STEP, random_start=False, stop=stop)
    budget = Budget("linf", EPSILON, torch.full((BATCH,), steps))
    generators = [rng(0, "bench", i) for i in range(BATCH)]
    return attack(at.classifier.differentiable, at.images, Misclassified(at.labels), budget, generators)


def foolbox_of(at: Case, steps: int) -> tuple[Any, Any]:
    """The attack and the wrapped model."""
    import foolbox

    preprocessing = {"mean": at.spec.view.mean, "std": at.spec.view.std, "axis": -3}
    wrapped = foolbox.PyTorchModel(at.eager, bounds=(0, 1), preprocessing=preprocessing)
    return foolbox.attacks.LinfPGD(abs_stepsize=STEP, steps=steps, random_start=False), wrapped


def foolbox_pgd(at: Case) -> Attack:
    def run(steps: int) -> Tensor:
        attack, wrapped = foolbox_of(at, steps)
        _, clipped, _ = attack(wrapped, at.images, at.labels, epsilons=EPSILON)
        return clipped

    return run


def torchattacks_pgd(at: Case) -> Attack:
    import torchattacks

    normalised = nn.Sequential(transforms.Normalize(at.spec.view.mean, at.spec.view.std), at.eager).eval()

    def run(steps: int) -> Tensor:
        attack = torchattacks.PGD(normalised, eps=EPSILON, alpha=STEP, steps=steps, random_start=False)
        return attack(at.images, at.labels)

    return run


def our_pgd(at: Case) -> Attack:
    def run(steps: int) -> Tensor:
        *_, last = ours(at, steps, stop=False)
        return last.pixels

    return run


def bare(at: Case) -> Attack:
    """Forward and gradient on the network that ours attacks, and nothing else.

    Where steps are few, with the pass that judges the last of them, which is then no small part.
    """

    def run(steps: int) -> Tensor:
        for _ in range(steps):
            leaf = at.images.detach().requires_grad_()
            loss = functional.cross_entropy(at.classifier.differentiable(leaf), at.labels, reduction="sum")
            torch.autograd.grad(loss, leaf)
        if at.name == RESNEXT:
            with torch.no_grad():
                at.classifier.differentiable(at.images)
        return at.images

    return run


SIDES = {"ours": our_pgd, "foolbox": foolbox_pgd, "torchattacks": torchattacks_pgd, "bare": bare}


def attacked(side: str, name: str, steps: int) -> tuple[float, Tensor]:
    """Seconds, and the attacked images."""
    warnings.simplefilter("ignore")
    run = SIDES[side](case(name))
    start = time.perf_counter()
    pixels = run(steps)
    return time.perf_counter() - start, pixels


def loss_at(name: str, pixels: Tensor) -> float:
    """Mean cross-entropy by the network that ours attacks."""
    with torch.no_grad():
        return float(functional.cross_entropy(case(name).classifier.differentiable(pixels), case(name).labels))


def broken_by_ours(steps: int) -> tuple[float, int]:
    """Seconds until it is known how many of Lite0's images are misclassified within the ball, and how many are."""
    at = case(LITE0)
    start = time.perf_counter()
    found = sum(int(iterate.reached.sum()) for iterate in ours(at, steps, stop=True))
    return time.perf_counter() - start, found


def broken_by_foolbox(steps: int) -> tuple[float, int]:
    """The same; foolbox tells itself which attacks have succeeded."""
    at = case(LITE0)
    attack, wrapped = foolbox_of(at, steps)
    start = time.perf_counter()
    *_, success = attack(wrapped, at.images, at.labels, epsilons=EPSILON)
    return time.perf_counter() - start, int(success.sum())


def check_same(ask: dict[str, Ask[Any]], name: str) -> None:
    """End the bench unless all sides take the same steps and get as far."""
    steps = CHECKED_STEPS[name]
    first = {side: ask[side](attacked, side, name, 1)[1] for side in ask}
    later = {side: ask["ours"](loss_at, name, ask[side](attacked, side, name, steps)[1]) for side in ask}
    for side in ask:
        same = float(((first[side] - first["ours"]).abs() < 1e-5).float().mean())
        if same < SAME_VALUES or abs(later[side] - later["ours"]) > SAME_LOSS * abs(later["ours"]):
            sys.exit(
                f"{side} on {name}: {same:.4f} of one step's values are ours, loss after {steps} is {later[side]:.4f}, "
                f"ours {later['ours']:.4f}: no ratio is printed"
            )


def rates(ask: dict[str, Ask[Any]], name: str, notes: dict[str, Any]) -> dict[str, dict[str, Any]]:
    """Bars on image-steps a second."""
    check_same(ask, name)
    # The bare loop right after ours, which it is held against most closely.
    steps, doers = STEPS[name], {"ours": "ours", "bare": "ours"} | {side: side for side in ask}
    calls = [lambda side=side, doer=doer: ask[doer](attacked, side, name, steps)[0] for side, doer in doers.items()]
    seconds = dict(zip(doers, alternating(REPETITIONS[name], *calls), strict=True))
    short = name.partition(":")[0]
    for side, each in seconds.items():
        notes[f"{short}: {side}, image-steps a second"] = BATCH * steps / each
    return {
        f"{short}: times foolbox": at_least(seconds["foolbox"] / seconds["ours"], FOOLBOX_BAR[name]),
        f"{short}: times torchattacks": at_least(seconds["torchattacks"] / seconds["ours"], TORCHATTACKS_BAR[name]),
        f"{short}: share of a bare loop": at_least(seconds["bare"] / seconds["ours"], BARE_BAR),
    }


def to_accuracy(ask: dict[str, Ask[Any]], notes: dict[str, Any]) -> dict[str, dict[str, Any]]:
    """The bar on the time until the robust accuracy is known."""
    mine, fell = ask["ours"](broken_by_ours, TO_ACCURACY_STEPS)
    usual, theirs = ask["foolbox"](broken_by_foolbox, TO_ACCURACY_STEPS)
    if fell != theirs:
        sys.exit(f"robust accuracies differ, broken of {BATCH}: {fell} by ours, {theirs} by foolbox: no ratio")
    notes["robust accuracy at 4/255, 50 steps, both"] = 1 - fell / BATCH
    notes |= {"seconds to it: ours": mine, "seconds to it: foolbox": usual}
    return {"time to it, times foolbox": at_least(usual / mine, TO_ACCURACY_BAR)}


def peak_bytes(steps: int) -> int:
    """Largest resident size of a process that only attacks for so many steps."""
    told = subprocess.run([sys.executable, __file__, "--peak", str(steps)], capture_output=True, text=True, check=True)
    return int(told.stdout.split()[-1])


def attack_alone(steps: int) -> int:
    """What the process of `peak_bytes` does."""
    classifier = models.load(models.resolve(LITE0))
    images, labels = photographs(MEMORY_BATCH), torch.zeros(MEMORY_BATCH, dtype=torch.int64)
    attack = attacks.registry.get("pgd")(stop=False)
    generators = [rng(0, "bench", i) for i in range(MEMORY_BATCH)]
    budget = Budget("linf", EPSILON, torch.full((MEMORY_BATCH,), steps))
    for _ in attack(classifier.differentiable, images, Misclassified(labels), budget, generators):
        pass
    return 1024 * resource.getrusage(resource.RUSAGE_SELF).ru_maxrss


def main() -> int:
    """Check, measure, tell."""
    warnings.simplefilter("ignore")
    if "--peak" in sys.argv:
        print(attack_alone(int(sys.argv[-1])))
        return 0
    # First of all: the largest size that Linux tells of a process is never below that of the one which started it.
    few, many = (peak_bytes(steps) for steps in MEMORY_STEPS)
    notes: dict[str, Any] = {
        f"peak memory at {steps} steps, bytes": peak for steps, peak in zip(MEMORY_STEPS, (few, many), strict=True)
    }
    bars = {}
    with apart("ours", "foolbox", "torchattacks") as ask:
        for name in (LITE0, RESNEXT):
            bars |= rates(ask, name, notes)
            if name == LITE0:
                bars |= to_accuracy(ask, notes)
    bars["peak memory at {1} steps over {0}".format(*MEMORY_STEPS)] = at_most(many / few, MEMORY_BAR)
    packages = versions("torch", "timm", "torchvision", "foolbox", "torchattacks")
    return tell(bars, notes, packages, REPETITIONS[LITE0])


if __name__ == "__main__":
    sys.exit(main())
